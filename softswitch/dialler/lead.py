"""A lead: somebody who may be called for a campaign, known by `lead_ref` outside the store."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class LeadState(StrEnum):
    """What is to become of a lead; its values stand in the store."""

    NEW = "new"
    QUEUED = "queued"
    """Handed to the hopper."""
    DIALLING = "dialling"
    WAITING = "waiting"
    """To be tried again at `not_before`."""
    CALLBACK = "callback"
    DONE = "done"
    SUPPRESSED = "suppressed"
    FILTERED = "filtered"
    """Not what the campaign's filter takes; looked at anew when the switch starts."""


@dataclass(frozen=True, slots=True)
class LeadNumber:
    """One of several numbers of a lead, and what became of it so far."""

    number: str
    """E.164; personal data."""
    time_zone: str
    """IANA name; hours are kept by that of the number which rings."""
    state: LeadState = LeadState.NEW
    """NEW or WAITING; DONE or SUPPRESSED once it is out of turn for good."""
    attempts: int = 0
    not_before: datetime | None = None
    last_outcome: str = ""
    outcomes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lead:
    """One lead as the dialler knows it: whom to ring, when at the earliest, and what earlier attempts came to."""

    lead_ref: str
    """Opaque, random; never derived from the number."""
    campaign: str
    number: str
    """E.164 with the plus sign; personal data, never leaves dialler, store and trunk leg. Of several, the one whose
    turn it is."""
    time_zone: str
    """IANA name; the callee's, for calling hours: that of `number`."""
    state: LeadState = LeadState.NEW
    priority: int = 0
    """Higher first."""
    attempts: int = 0
    not_before: datetime | None = None
    """Aware; no attempt earlier than this."""
    last_outcome: str = ""
    outcomes: dict[str, int] = field(default_factory=dict)
    """How many attempts ended in which disposition; recycle rules count by it."""
    fields: dict[str, str] = field(default_factory=dict)
    """What the import brought beside the number; an agent sees those that the campaign lists."""
    list_priority: int = 0
    """Of its list; comes before its own."""
    callback_agent: str = ""
    """In state CALLBACK: the agent who has promised it; empty: anybody's."""
    numbers: tuple[LeadNumber, ...] = ()
    """Where it has several: all of them, in the order in which they are tried."""

    @property
    def turn(self) -> int:
        """Which of its numbers `number` is, from 0."""
        return next((rank for rank, each in enumerate(self.numbers) if each.number == self.number), 0)

    @property
    def every_number(self) -> tuple[str, ...]:
        """In order; personal data."""
        return tuple(each.number for each in self.numbers) or (self.number,)
