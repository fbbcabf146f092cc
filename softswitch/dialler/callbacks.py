"""Callbacks: calls promised to somebody for a moment, by an agent or for anybody, and kept ahead of the hopper.

A callback waits here from shortly before its moment. It is dialled with an agent reserved for it, so that nobody who
has been promised a call hears the information message: the agent who promised it, once that one is ready; after the
campaign's grace anybody who works for it. What has not been dialled when the campaign's window is over counts as
missed and is told; the callee still gets the call, from whoever is ready next.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from softswitch.dialler.attempt import Disposition
from softswitch.dialler.hours import first_zone
from softswitch.dialler.lead import Lead, LeadState
from softswitch.errors import UsageError

CALLED = "called"
MISSED = "missed"
REPLACED = "replaced"
"""By another moment, or another agent."""
CANCELLED = "cancelled"
"""Taken back by people, or overtaken by an opt-out."""


class CameTo(StrEnum):
    """What may be asked for."""

    OPEN = "open"
    CALLED = CALLED
    MISSED = MISSED
    REPLACED = REPLACED
    CANCELLED = CANCELLED


LONGEST_AHEAD = timedelta(days=90)
"""Nobody's data is kept for longer."""


@dataclass(frozen=True, slots=True)
class Callback:
    """What was promised; `came_to` and what follows say how it went."""

    lead_ref: str
    campaign: str
    due_at: datetime
    """UTC."""
    agent: str
    """Who has promised it for themselves; empty: anybody's."""
    made_by: str
    made_at: datetime
    came_to: str = ""
    """CALLED, MISSED, REPLACED or CANCELLED; empty while it is open."""
    closed_at: datetime | None = None
    call_ref: str = ""
    """Of the call that kept it."""


def is_callback(lead: Lead) -> bool:
    """Whether the lead's next attempt was promised to the callee."""
    return lead.last_outcome == Disposition.CALLBACK.value


def promised(lead: Lead, due_at: datetime, agent: str) -> Lead:
    """The lead with a callback, whatever it was before."""
    outcome = Disposition.CALLBACK.value
    return replace(lead, state=LeadState.CALLBACK, last_outcome=outcome, not_before=due_at, callback_agent=agent)


def moment_of(when: datetime, time_zone: str) -> datetime:
    """UTC. A datetime without a zone is what the callee's clock shows.

    Of an hour that comes twice, as summer time ends, the first is meant unless `fold` says otherwise (PEP 495); a time
    that the clock leaves out, as summer time begins, is as much later as the clock was put forward. Raises UsageError
    for a zone that nobody knows.
    """
    try:
        zoned = when if when.tzinfo is not None else when.replace(tzinfo=first_zone(time_zone))
    except (KeyError, ValueError, OSError):
        raise UsageError("the callee's time zone is unknown: give the moment with a zone of its own") from None
    try:
        return zoned.astimezone(UTC)
    except OverflowError:
        raise UsageError("that moment lies beyond every calendar") from None


@dataclass(slots=True)
class _Waiting:
    lead: Lead
    due_at: datetime
    is_missed: bool = False


class Callbacks:
    """The callbacks of one campaign that are due, or will be in a moment. It holds no number twice."""

    def __init__(self, grace_s: float, window_s: float) -> None:
        self._grace = timedelta(seconds=grace_s)
        self._window = timedelta(seconds=window_s)
        self._waiting: dict[str, _Waiting] = {}
        """By lead."""

    def __len__(self) -> int:
        return len(self._waiting)

    def __iter__(self) -> Iterator[Lead]:
        return (one.lead for one in self._waiting.values())

    def __contains__(self, lead_ref: object) -> bool:
        return lead_ref in self._waiting

    def holds(self, number: str) -> bool:
        return any(one.lead.number == number for one in self._waiting.values())

    def add(self, lead: Lead, wall: datetime) -> bool:
        """Take a callback in; False where its number or the lead itself is already here."""
        if lead.lead_ref in self or self.holds(lead.number):
            return False
        self._waiting[lead.lead_ref] = _Waiting(lead, lead.not_before or wall)
        return True

    def remove(self, lead_ref: str) -> Lead | None:
        one = self._waiting.pop(lead_ref, None)
        return None if one is None else one.lead

    def due(self, wall: datetime) -> list[tuple[Lead, bool]]:
        """Callbacks whose moment has come, the earliest first, and whether anybody may make each of them."""
        found = [one for one in self._waiting.values() if one.due_at <= wall]
        found.sort(key=lambda one: (one.due_at, -one.lead.priority))
        return [(one.lead, not one.lead.callback_agent or wall >= one.due_at + self._grace) for one in found]

    def missed(self, wall: datetime) -> Sequence[Lead]:
        """Callbacks whose window is over since the last look; they stay here."""
        found = [one for one in self._waiting.values() if not one.is_missed and wall >= one.due_at + self._window]
        for one in found:
            one.is_missed = True
        return [one.lead for one in found]
