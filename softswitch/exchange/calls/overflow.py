"""Overflow: the lines on which somebody outside takes a caller whom no agent could serve in time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from softswitch.calls.outcome import Outcome
from softswitch.errors import UsageError
from softswitch.exchange.calls.dialled_numbers import NOBODY_DIALS
from softswitch.exchange.telephony.line import Line
from softswitch.exchange.telephony.lines import Lines
from softswitch.media.events import MediaEvent

log = structlog.get_logger(__name__)

ROLE = "overflow"
"""Of the line to whoever takes the caller, in its note."""

Told = Callable[[str, float], None]


@dataclass(slots=True)
class _Overflow:
    call_ref: str
    number: str
    caller: Line
    line: Line | None = None


class Overflows:
    """Owner of those lines. The call goes on being recorded: on the caller's line.

    new_leg_id: of a new line.  on_taken, on_failed, on_ended: somebody took the caller of this call; nobody did;
    whoever did has hung up.
    """

    def __init__(
        self, lines: Lines, new_leg_id: Callable[[], str], *, on_taken: Told, on_failed: Told, on_ended: Told
    ) -> None:
        self._lines = lines
        self._new_leg_id = new_leg_id
        self._on_taken = on_taken
        self._on_failed = on_failed
        self._on_ended = on_ended
        self._by_leg: dict[str, _Overflow] = {}

    def __contains__(self, call_ref: object) -> bool:
        return any(each.call_ref == call_ref for each in self._by_leg.values())

    def place(self, call_ref: str, caller: Line, trunks: Sequence[str], number: str, now: float) -> None:
        """Call whoever takes the caller, over the first of these trunks that can. Raises SoftswitchError."""
        if not trunks:
            raise UsageError("no trunk can take the call now")
        leg_id = self._new_leg_id()
        overflow = self._by_leg[leg_id] = _Overflow(call_ref, number, caller)
        try:
            overflow.line = self._lines.dial(leg_id, trunks, number, "", self, now)
        except BaseException:
            self._by_leg.pop(leg_id, None)
            raise
        self._lines.join(call_ref, leg_id, "", now)

    def end(self, call_ref: str, now: float) -> None:
        """The caller is gone, or is to hear something else."""
        for overflow in [each for each in self._by_leg.values() if each.call_ref == call_ref]:
            if overflow.line is not None:
                del self._by_leg[overflow.line.leg_id]
                self._lines.hang_up(overflow.line, now)

    def may_ring(self, number: str) -> str | None:
        """For the gate: None where a caller is just overflowing to this number."""
        return None if any(each.number == number for each in self._by_leg.values()) else NOBODY_DIALS

    # What the lines report.

    def line_ringing(self, line: Line, now: float) -> None:
        pass

    def line_answered(self, line: Line, now: float) -> None:
        overflow = self._by_leg.get(line.leg_id)
        if overflow is None:
            return
        self._lines.plane.stop_playing(overflow.caller.media)
        self._lines.plane.bridge(overflow.caller.media, line.media)
        self._lines.changed(line)
        self._on_taken(overflow.call_ref, now)

    def line_failed(self, line: Line, outcome: Outcome, status: int, now: float) -> None:
        overflow = self._by_leg.pop(line.leg_id, None)
        if overflow is not None:
            log.warning("nobody took the caller", call=overflow.call_ref, outcome=outcome, status=status)
            self._on_failed(overflow.call_ref, now)

    def line_ended(self, line: Line, by_peer: bool, now: float) -> None:
        overflow = self._by_leg.pop(line.leg_id, None)
        if overflow is not None:
            self._on_ended(overflow.call_ref, now)

    def line_media(self, line: Line, event: MediaEvent) -> None:
        pass

    # What the process after this one takes up.

    def line_note(self, line: Line) -> dict[str, Any] | None:
        overflow = self._by_leg.get(line.leg_id)
        if overflow is None:
            return None
        return {"role": ROLE, "call_ref": overflow.call_ref, "number": overflow.number}

    def take_up(self, line: Line, call_ref: str, number: str, caller: Line | None, now: float) -> None:
        """Go on with a line of another process, if it was answered and its caller came along."""
        if caller is None or not line.answered:
            self._lines.hang_up(line, now)
            return
        self._by_leg[line.leg_id] = _Overflow(call_ref, number, caller, line)
        self._lines.join(call_ref, line.leg_id, "", now)
