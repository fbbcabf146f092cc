"""One inbound call: what its caller hears, and what the store keeps of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Self

import structlog

from softswitch.calls.events import CallOffered, Origin
from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import CallEnd
from softswitch.dialler.attempt import CallSound, DialAttempt, Disposition
from softswitch.dialler.snapshots import attempt_from, attempt_snapshot
from softswitch.errors import SoftswitchError
from softswitch.exchange.calls.queues import Queue
from softswitch.exchange.telephony.line import Line
from softswitch.media.control import MediaPlane

log = structlog.get_logger(__name__)

ROLE = "inbound"
"""Of a caller's line, in its note."""


@dataclass(slots=True)
class InboundCall:
    """A caller's call, from the greeting to the end."""

    call_ref: str
    queue: Queue
    offered: CallOffered
    record: DialAttempt
    line: Line | None = None
    """None: it is not answered yet."""
    agent: str = ""
    talks_since: float | None = None
    asked: bool = False
    """To be called back."""
    hears: str = ""
    """Clip that plays once, to its end."""
    ends_because: CallEnd | None = None
    """What its agent is told where we end it."""
    turned_away: bool = False
    """What plays is the last that the caller hears."""

    def play(self, plane: MediaPlane, clip: str, *, loop: bool) -> bool:
        """To the caller of an answered call; whether it is played."""
        assert self.line is not None
        self.hears = ""
        try:
            plane.play(self.line.media, clip, loop=loop)
        except SoftswitchError as error:
            log.error("prompt cannot be played", call=self.call_ref, reason=str(error))
            return False
        if not loop:
            self.hears = clip
        return True

    def stop_playing(self, plane: MediaPlane) -> None:
        assert self.line is not None
        self.hears = ""
        plane.stop_playing(self.line.media)

    def ended(self, sound: CallSound, at: datetime) -> DialAttempt:
        """Its record, now that it is over."""
        connected = self.record.bridged_at is not None
        disposition = Disposition.CONNECTED if connected else self.record.disposition or Disposition.NO_ANSWER
        outcome = Outcome.ANSWERED if self.record.answered_at is not None else Outcome.NO_ANSWER
        return replace(self.record, ended_at=at, outcome=str(outcome), disposition=str(disposition), **asdict(sound))

    def note(self, waits: Mapping[str, Any] | None) -> dict[str, Any]:
        """What the process after this one takes it up by; waits: its place in the queue, None without one."""
        return {
            "role": ROLE,
            "did": self.queue.did,
            "call_ref": self.call_ref,
            "record": attempt_snapshot(self.record),
            "waits": waits,
            "agent": self.agent,
            "hears": self.hears,
            "turned_away": self.turned_away,
            "source": self.offered.source,
        }

    @classmethod
    def of_note(cls, line: Line, note: Mapping[str, Any], queue: Queue) -> Self:
        """An answered call of the process before this one."""
        offered = CallOffered(line.leg_id, Origin.TRUNK, note["source"], queue.did, "", b"")
        call = cls(note["call_ref"], queue, offered, attempt_from(note["record"]), line, note["agent"])
        call.hears, call.turned_away = note["hears"], note["turned_away"]
        return call
