"""Supervisors' lines: a phone that is rung when its supervisor begins to listen, or a browser headset."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol

import structlog

from softswitch.calls.outcome import Outcome
from softswitch.errors import UsageError
from softswitch.exchange.floor.seat_sound import ARRIVAL_TONE
from softswitch.exchange.telephony.headsets import Headsets
from softswitch.exchange.telephony.line import Line
from softswitch.exchange.telephony.lines import Lines
from softswitch.media.events import MediaEvent, PlayingEnded

log = structlog.get_logger(__name__)

ROLE = "supervisor"
"""Of a supervisor's line, in its note."""
SUPERVISION = "supervision"
"""What stands for a call reference where a supervisor's phone is rung: it learns nothing of any call."""
IDLE_SOUND = "tone:silence"
"""While there is nothing to hear: phone and browser see that the line is alive."""


class SupervisorWatcher(Protocol):
    """Who uses the lines."""

    def supervisor_moved(self, supervisor: str, now: float) -> None: ...
    def supervisor_gone(self, supervisor: str, reason: str, now: float) -> None: ...
    def snapshot(self, supervisor: str) -> dict[str, Any] | None: ...
    def take_up(self, supervisor: str, note: Mapping[str, Any] | None, now: float) -> None: ...


class SupervisorLines:
    """Owner of every supervisor's line, by the name of the web account."""

    def __init__(
        self, lines: Lines, headsets: Headsets, new_leg_id: Callable[[], str], phones: Collection[str] = ()
    ) -> None:
        """phones: the supervisors who have one."""
        self._lines = lines
        self._headsets = headsets
        self._new_leg_id = new_leg_id
        self._phones = phones
        self._by_name: dict[str, Line] = {}
        self._tested: set[str] = set()
        """Who has heard the tone, and was heard, since the wallboard was opened."""
        self._to_test: set[str] = set()
        """Whose phone is rung for the tone."""
        self.watcher: SupervisorWatcher | None = None

    def line_of(self, name: str) -> Line | None:
        """The supervisor's line, once it can be heard on."""
        line = self._by_name.get(name)
        return line if line is not None and line.answered else None

    def can_listen(self, name: str, now: float) -> bool:
        """Whether the supervisor's audio works: it was tested, and a line is up, or the phone could be rung."""
        if name not in self._tested:
            return False
        return self.line_of(name) is not None or (name in self._phones and self._lines.reaches(name, now))

    def has_phone(self, name: str) -> bool:
        return name in self._phones

    def is_tested(self, name: str) -> bool:
        return name in self._tested

    def untested(self) -> dict[str, int]:
        """By supervisor whose phone or headset is up and not tested: its media leg."""
        return {
            name: line.media
            for name, line in self._by_name.items()
            if name not in self._tested and line.answered and not line.closed
        }

    def play_tone(self, name: str, now: float) -> None:
        """For the test: to the line that is up, else the phone is rung and hears it once it is answered."""
        line = self.line_of(name)
        if line is None:
            self.reach(name, now)
            self._to_test.add(name)
        else:
            self._lines.plane.play(line.media, ARRIVAL_TONE)

    def pass_test(self, name: str, heard: int | None) -> None:
        """The supervisor has heard the tone. heard: the leg on which a voice was. UsageError where it is not theirs:
        of a supervisor who is not heard the sound does not work, whatever packets come."""
        line = self.line_of(name)
        if line is None or line.media != heard:
            raise UsageError("we do not hear you yet: connect the headset, or pick up the phone, and say a few words")
        self._tested.add(name)

    def forget_test(self, name: str) -> None:
        """The supervisor has gone: whoever comes back tests again."""
        self._tested.discard(name)

    def check(self, name: str) -> None:
        """Raises UsageError where there is no way to reach the supervisor."""
        if name not in self._by_name and name not in self._phones:
            raise UsageError(
                "you have neither headset nor phone: connect a headset by the button for your sound, or have the "
                "administrator give you a phone"
            )

    def reach(self, name: str, now: float) -> None:
        """Ring the supervisor's phone, unless there is a line already or it rings. Raises UsageError where it is not
        registered."""
        self.check(name)
        if name not in self._by_name:
            line = self._lines.ring_phone(self._new_leg_id(), name, SUPERVISION, self, now)
            self._by_name[name] = line
            self._lines.changed(line)

    def release(self, name: str, now: float) -> None:
        """The line is not needed any more: a phone is hung up, a headset stays."""
        line = self._by_name.get(name)
        if line is not None and line.headset is None:
            del self._by_name[name]
            self._lines.hang_up(line, now)

    def release_idle(self, busy: Collection[str], now: float) -> None:
        """Hang up the phones of all others."""
        for name in [each for each in self._by_name if each not in busy]:
            self.release(name, now)

    def changed(self, name: str) -> None:
        """Something that the line's note holds is another."""
        line = self._by_name.get(name)
        if line is not None:
            self._lines.changed(line)

    def receive_headset(self, name: str, offer: bytes, now: float) -> bytes:
        """Answer a supervisor's browser; it takes the place of a phone, or of another tab of the same supervisor's.

        Raises PeerError where the offer cannot be, UsageError without a free media port.
        """
        line, answer = self._headsets.open(self._new_leg_id(), offer, self)
        old, self._by_name[name] = self._by_name.get(name), line
        if old is not None:
            self._lines.hang_up(old, now)
        self._tell_moved(name, now)
        return answer

    def leave(self, name: str, now: float) -> None:
        """End the supervisor's headset, if there is one; a phone is left alone."""
        line = self._by_name.get(name)
        if line is not None and line.headset is not None:
            del self._by_name[name]
            self._tested.discard(name)
            self._lines.hang_up(line, now)
            self._tell_gone(name, "the headset was put down", now)

    # What the lines report.

    def line_ringing(self, line: Line, now: float) -> None: ...
    def line_answered(self, line: Line, now: float) -> None:
        name = self._name_of(line)
        if name is None:
            self._lines.hang_up(line, now)
            return
        self._lines.plane.play(line.media, IDLE_SOUND, loop=True)
        self._lines.changed(line)
        self._tell_moved(name, now)
        if name in self._to_test:
            self._to_test.discard(name)
            self._lines.plane.play(line.media, ARRIVAL_TONE)

    def line_failed(self, line: Line, outcome: Outcome, status: int, now: float) -> None:
        log.warning("supervisor's phone did not answer", outcome=outcome, status=status)
        self._forget(line, f"your phone did not answer ({outcome})", now)

    def line_ended(self, line: Line, by_peer: bool, now: float) -> None:
        theirs = "your headset is gone" if line.headset is not None else "your phone was hung up"
        self._forget(line, theirs if by_peer else "your line was ended", now)

    def line_media(self, line: Line, event: MediaEvent) -> None:
        if isinstance(event, PlayingEnded) and not line.closed:
            self._lines.plane.play(line.media, IDLE_SOUND, loop=True)

    def line_note(self, line: Line) -> dict[str, Any] | None:
        name = self._name_of(line)
        if name is None:
            return None
        doing = self.watcher.snapshot(name) if self.watcher else None
        return {"role": ROLE, "name": name, "tested": name in self._tested, "supervision": doing}

    def take_up(self, line: Line, note: Mapping[str, Any], now: float) -> None:
        """Go on with a supervisor's line of another process. A phone that was still being rung is not waited for."""
        if not line.answered:
            self._lines.hang_up(line, now)
            return
        if self.watcher is not None:
            self.watcher.take_up(note["name"], note["supervision"], now)
        self._by_name[note["name"]] = line
        if note.get("tested"):
            self._tested.add(note["name"])

    def _forget(self, line: Line, reason: str, now: float) -> None:
        name = self._name_of(line)
        if name is not None:
            del self._by_name[name]
            self._to_test.discard(name)
            if line.headset is not None:
                self._tested.discard(name)
            self._tell_gone(name, reason, now)

    def _tell_moved(self, name: str, now: float) -> None:
        if self.watcher is not None:
            self.watcher.supervisor_moved(name, now)

    def _tell_gone(self, name: str, reason: str, now: float) -> None:
        if self.watcher is not None:
            self.watcher.supervisor_gone(name, reason, now)

    def _name_of(self, line: Line) -> str | None:
        return next((name for name, each in self._by_name.items() if each is line), None)
