"""Supervisors' lines: a browser headset each, to listen and speak with."""

from collections.abc import Callable, Mapping
from typing import Any

from softswitch.calls.outcome import Outcome
from softswitch.exchange.headsets import Headsets
from softswitch.exchange.lines import Line, Lines
from softswitch.media.events import MediaEvent

ROLE = "supervisor"
"""Of a supervisor's line, in its note."""
IDLE_SOUND = "tone:silence"
"""While there is nothing to hear: the browser sees that the line is alive."""


class SupervisorLines:
    """Owner of every supervisor's line, by the name of the web account."""

    def __init__(self, lines: Lines, headsets: Headsets, new_leg_id: Callable[[], str]) -> None:
        self._lines = lines
        self._headsets = headsets
        self._new_leg_id = new_leg_id
        self._by_name: dict[str, Line] = {}

    def line_of(self, name: str) -> Line | None:
        """The supervisor's line, once it can be heard on."""
        line = self._by_name.get(name)
        return line if line is not None and line.answered else None

    def receive_headset(self, name: str, offer: bytes, now: float) -> bytes:
        """Answer a supervisor's browser; it takes the place of another tab of the same supervisor's.

        Raises PeerError where the offer cannot be, UsageError without a free media port.
        """
        line, answer = self._headsets.open(self._new_leg_id(), offer, self)
        self.leave(name, now)
        self._by_name[name] = line
        return answer

    def leave(self, name: str, now: float) -> None:
        """End the supervisor's headset, if there is one."""
        line = self._by_name.pop(name, None)
        if line is not None:
            self._lines.hang_up(line, now)

    # What the lines report.

    def line_ringing(self, line: Line, now: float) -> None: ...
    def line_answered(self, line: Line, now: float) -> None:
        self._lines.plane.play(line.media, IDLE_SOUND, loop=True)

    def line_failed(self, line: Line, outcome: Outcome, status: int, now: float) -> None:
        self._forget(line)

    def line_ended(self, line: Line, by_peer: bool, now: float) -> None:
        self._forget(line)

    def line_media(self, line: Line, event: MediaEvent) -> None: ...

    def line_note(self, line: Line) -> dict[str, Any] | None:
        name = self._name_of(line)
        return None if name is None else {"role": ROLE, "name": name}

    def take_up(self, line: Line, note: Mapping[str, Any]) -> None:
        """Go on with a supervisor's line of another process."""
        self._by_name[note["name"]] = line

    def _forget(self, line: Line) -> None:
        name = self._name_of(line)
        if name is not None:
            del self._by_name[name]

    def _name_of(self, line: Line) -> str | None:
        return next((name for name, each in self._by_name.items() if each is line), None)
