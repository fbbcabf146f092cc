"""Interlocks: named conditions without which nothing is dialled. They fail closed: what has not reported is open."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from softswitch.errors import UsageError
from softswitch.safeguards.visibility import InterlockView

RECORDER = "recorder"
DISK = "disk"
SUPERVISOR = "supervisor"
NEVER_DIAL = "never-dial list"
CLOCK = "clock"
STORE = "store"
TRUNK = "trunk"
MEDIA = "media"
AUDIT = "audit log"
STANDARD = (RECORDER, DISK, SUPERVISOR, NEVER_DIAL, CLOCK, STORE, TRUNK)

NOT_REPORTED = "has not reported yet"
SILENT = "has stopped reporting"


@dataclass(frozen=True, slots=True)
class InterlockTripped:
    name: str
    reason: str
    """Plain words, for the wallboard."""


@dataclass(frozen=True, slots=True)
class InterlockClosed:
    name: str


@dataclass(slots=True)
class _Interlock:
    closed: bool = False
    reason: str = NOT_REPORTED
    reported_at: float | None = None
    waived: str = ""
    """Who has overridden it and why (`overrides`); empty: nobody."""

    @property
    def lets_dial(self) -> bool:
        return self.closed or bool(self.waived)


class Interlocks:
    """All interlocks of a site, a pure machine. Dialling may go on only while `closed`."""

    def __init__(self, names: Iterable[str] = STANDARD, *, fresh_for_s: Mapping[str, float] | None = None) -> None:
        """`fresh_for_s`: interlocks that must report again within so many seconds, or open by themselves."""
        self._interlocks = {name: _Interlock() for name in names}
        self._fresh_for_s = dict(fresh_for_s or {})
        unknown = set(self._fresh_for_s) - set(self._interlocks)
        if unknown:
            raise UsageError(f"no such interlock: {', '.join(sorted(unknown))}")
        self._events: deque[InterlockTripped | InterlockClosed] = deque()

    def __contains__(self, name: object) -> bool:
        return name in self._interlocks

    def report(self, name: str, closed: bool, reason: str, now: float) -> None:
        """What is the matter with one condition; `reason` says in plain words why it is open. UsageError for a name
        that is not one of ours: a report that goes nowhere would be a safeguard that is not there."""
        interlock = self._interlocks.get(name)
        if interlock is None:
            raise UsageError(f"no such interlock: {name}")
        interlock.reported_at = now
        self._set(name, interlock, closed, "" if closed else reason or "gave no reason")

    @property
    def closed(self) -> bool:
        """True when every interlock has reported and none is open, or two people have overridden those that are; a
        site without interlocks is broken, not safe."""
        return bool(self._interlocks) and all(one.lets_dial for one in self._interlocks.values())

    def waive(self, name: str, why: str) -> None:
        """Dial although this one may be open. `overrides.Overrides` alone asks for it, and says who is behind it."""
        self._interlocks[name].waived = why

    def unwaive(self, name: str) -> None:
        self._interlocks[name].waived = ""

    def open_reasons(self) -> tuple[str, ...]:
        """Name and reason of each open interlock, in their order."""
        return self.reasons_among(self._interlocks)

    def reasons_among(self, names: Iterable[str]) -> tuple[str, ...]:
        """The same of these interlocks alone, for what does not depend on all. KeyError for a name that is none."""
        return tuple(
            f"{name}: {self._interlocks[name].reason}" for name in names if not self._interlocks[name].lets_dial
        )

    def views(self) -> tuple[InterlockView, ...]:
        return tuple(
            InterlockView(name, one.closed, "; ".join(filter(None, (one.reason, one.waived))))
            for name, one in self._interlocks.items()
        )

    def handle_timer(self, now: float) -> None:
        """Open those that were to report again and have not."""
        for name, fresh_for_s in self._fresh_for_s.items():
            one = self._interlocks[name]
            if one.closed and one.reported_at is not None and now >= one.reported_at + fresh_for_s:
                self._set(name, one, False, SILENT)

    def next_timer(self) -> float | None:
        due = [
            one.reported_at + fresh_for_s
            for name, fresh_for_s in self._fresh_for_s.items()
            if (one := self._interlocks[name]).closed and one.reported_at is not None
        ]
        return min(due, default=None)

    def next_event(self) -> InterlockTripped | InterlockClosed | None:
        return self._events.popleft() if self._events else None

    def _set(self, name: str, interlock: _Interlock, closed: bool, reason: str) -> None:
        if (interlock.closed, interlock.reason) == (closed, reason):
            return
        interlock.closed, interlock.reason = closed, reason
        self._events.append(InterlockClosed(name) if closed else InterlockTripped(name, reason))
