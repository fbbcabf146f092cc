"""Interlocks: named conditions without which nothing is dialled. They fail closed: what has not reported is open."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from softswitch.errors import UsageError

RECORDER = "recorder"
DISK = "disk"
SUPERVISOR = "supervisor"
NEVER_DIAL = "never-dial list"
CLOCK = "clock"
STORE = "store"
TRUNK = "trunk"
MEDIA = "media"
MEDIA_LOAD = "media load"
AUDIT = "audit log"
STANDARD = (RECORDER, DISK, SUPERVISOR, NEVER_DIAL, CLOCK, STORE, TRUNK)
MESSAGE = "information message"
BUDGET = "abandoned budget"
ROSTER = "roster hours"
_OF = " of "


def of(name: str, campaign: str) -> str:
    """The name of an interlock that one campaign has for itself."""
    return f"{name}{_OF}{campaign}"


def kind(name: str) -> str:
    """An interlock's name without its campaign's."""
    return name.partition(_OF)[0]


def campaign_of(name: str) -> str:
    """Whose an interlock is; empty: the site's."""
    return name.partition(_OF)[2]


NOT_REPORTED = "has not reported yet"
SILENT = "has stopped reporting"


@dataclass(frozen=True, slots=True)
class InterlockTripped:
    """This interlock holds dialling back from now on."""

    name: str
    reason: str
    """Plain words, for the wallboard."""


@dataclass(frozen=True, slots=True)
class InterlockClosed:
    """This interlock holds nothing back any more."""

    name: str


@dataclass(slots=True)
class _Interlock:
    closed: bool = False
    reason: str = NOT_REPORTED
    reported_at: float | None = None
    waived: str = ""
    """Who has overridden it and why (`overrides`); empty: nobody."""
    instead: str = ""
    """What is done while it is open, so that dialling may go on; empty: nothing."""

    @property
    def lets_dial(self) -> bool:
        return self.closed or bool(self.waived or self.instead)

    @property
    def words(self) -> str:
        return "; ".join(filter(None, (self.reason, self.instead, self.waived)))


@dataclass(frozen=True, slots=True)
class InterlockView:
    name: str
    closed: bool
    """True: dialling may go on as far as this interlock is concerned."""
    reason: str
    """Plain words; empty while closed."""
    overridden: bool = False
    """Dialling goes on even while it is open; the reason says who answers for that, or what is done in its stead."""

    @property
    def holds(self) -> bool:
        """Whether it keeps something from being dialled."""
        return not self.closed and not self.overridden


class Interlocks:
    """All interlocks of a site, a pure machine. Dialling may go on only while `closed`, and a campaign's only while its
    own are closed too."""

    def __init__(
        self,
        names: Iterable[str] = STANDARD,
        *,
        fresh_for_s: Mapping[str, float] | None = None,
        campaigns: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """`fresh_for_s`: interlocks that must report again within so many seconds, or open by themselves.

        `campaigns`: which interlocks each campaign has for itself; they report under the names that `of` gives.
        """
        self._site = tuple(names)
        self._campaigns = {
            campaign: tuple(of(name, campaign) for name in own) for campaign, own in (campaigns or {}).items()
        }
        every = (*self._site, *(name for own in self._campaigns.values() for name in own))
        self._interlocks = {name: _Interlock() for name in every}
        self._fresh_for_s = dict(fresh_for_s or {})
        unknown = set(self._fresh_for_s) - set(self._interlocks)
        if unknown:
            raise UsageError(f"no such interlock: {', '.join(sorted(unknown))}")
        self._events: deque[InterlockTripped | InterlockClosed] = deque()

    def __contains__(self, name: object) -> bool:
        return name in self._interlocks

    def report(self, name: str, closed: bool, reason: str, now: float, *, instead: str = "") -> None:
        """What is the matter with one condition; `reason` says in plain words why it is open. UsageError for a name
        that is not one of ours: a report that goes nowhere would be a safeguard that is not there.

        instead: why dialling may go on while it is open.
        """
        interlock = self._interlocks.get(name)
        if interlock is None:
            raise UsageError(f"no such interlock: {name}")
        interlock.reported_at = now
        interlock.instead = "" if closed else instead
        self._set(name, interlock, closed, "" if closed else reason or "gave no reason")

    @property
    def closed(self) -> bool:
        """True when every interlock of the site has reported and none is open, or two people have overridden those that
        are; a site without interlocks is broken, not safe."""
        return bool(self._site) and self._let_dial(self._site)

    def closed_for(self, campaign: str) -> bool:
        """The same of the site and of one campaign; one that is not known may not dial."""
        return self.closed and campaign in self._campaigns and self._let_dial(self._campaigns[campaign])

    def reasons_of(self, campaign: str) -> tuple[str, ...]:
        """Name and reason of each open interlock of the campaign's own."""
        if campaign not in self._campaigns:
            return (f"campaign {campaign}: has no interlocks",)
        return self.reasons_among(self._campaigns[campaign])

    def _let_dial(self, names: Iterable[str]) -> bool:
        return all(self._interlocks[name].lets_dial for name in names)

    def waive(self, name: str, why: str) -> None:
        """Dial although this one may be open. `overrides.Overrides` alone asks for it, and says who is behind it."""
        self._interlocks[name].waived = why

    def unwaive(self, name: str) -> None:
        self._interlocks[name].waived = ""

    def open_reasons(self) -> tuple[str, ...]:
        """Name and reason of each open interlock of the site, in their order."""
        return self.reasons_among(self._site)

    def reasons_among(self, names: Iterable[str]) -> tuple[str, ...]:
        """The same of these interlocks alone, for what does not depend on all. KeyError for a name that is none."""
        return tuple(
            f"{name}: {self._interlocks[name].reason}" for name in names if not self._interlocks[name].lets_dial
        )

    def open_reason(self, name: str) -> str:
        """Why this one is open, overridden or not; empty while it is closed. KeyError for a name that is none."""
        return "" if self._interlocks[name].closed else self._interlocks[name].reason

    def views(self) -> tuple[InterlockView, ...]:
        return tuple(
            InterlockView(name, one.closed, one.words, not one.closed and one.lets_dial)
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

    @property
    def has_news(self) -> bool:
        """Whether `next_event` has one."""
        return bool(self._events)

    def next_event(self) -> InterlockTripped | InterlockClosed | None:
        return self._events.popleft() if self._events else None

    def _set(self, name: str, interlock: _Interlock, closed: bool, reason: str) -> None:
        if (interlock.closed, interlock.reason) == (closed, reason):
            return
        interlock.closed, interlock.reason = closed, reason
        self._events.append(InterlockClosed(name) if closed else InterlockTripped(name, reason))
