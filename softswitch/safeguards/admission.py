"""Whether an agent may work now, and for which campaigns: clearance, roster, categories that are not theirs. Pure.

The reasons are for supervisors and the audit log. The agent is told that it is not possible now, and to ask them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time

NOT_NOW = "logging in is not possible now; ask your supervisor"
"""All that an agent is told."""


@dataclass(frozen=True, slots=True)
class Shift:
    """Hours on some days of the week, in the site's time; one that ends before it begins goes over midnight."""

    weekdays: frozenset[int]
    """0 is Monday."""
    begins: time
    ends: time

    def covers(self, moment: datetime) -> bool:
        """moment: in the site's time zone. The first minute belongs to it, the last does not."""
        clock, today = moment.time(), moment.weekday()
        if self.begins < self.ends:
            return today in self.weekdays and self.begins <= clock < self.ends
        yesterday = (today - 1) % 7
        return (today in self.weekdays and clock >= self.begins) or (yesterday in self.weekdays and clock < self.ends)


@dataclass(frozen=True, slots=True)
class Clearance:
    """What is known of one agent."""

    cleared_from: date | None = None
    """None: since ever."""
    cleared_until: date | None = None
    """The last day on which the agent may work; None: no end is set."""
    roster: tuple[Shift, ...] = ()
    """Empty: at any hour."""
    excluded: frozenset[str] = frozenset()
    """Categories of campaigns that are not for this agent."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What an agent may do now."""

    reason: str
    """Why the agent may not work at all; empty: may."""
    campaigns: tuple[str, ...] = ()
    """Campaigns that the agent may work for, in their order."""
    withheld: tuple[tuple[str, str], ...] = ()
    """(campaign, the category that keeps the agent from it)."""

    @property
    def granted(self) -> bool:
        return not self.reason


def admit(clearance: Clearance | None, moment: datetime, campaigns: Mapping[str, Iterable[str]]) -> Admission:
    """What an agent may do at a moment in the site's time zone.

    clearance: None for an agent of whom nothing is known, who may not work.  campaigns: the agent's own, each with its
    categories; an agent without any may answer incoming calls, one who is excluded from all of them may not work.
    """
    if clearance is None:
        return Admission("nothing is known of this agent")
    today = moment.date()
    if clearance.cleared_from is not None and today < clearance.cleared_from:
        return Admission(f"the clearance begins on {clearance.cleared_from}")
    if clearance.cleared_until is not None and today > clearance.cleared_until:
        return Admission(f"the clearance ran out on {clearance.cleared_until}")
    if clearance.roster and not any(shift.covers(moment) for shift in clearance.roster):
        return Admission(f"{moment:%a %H:%M} is outside the roster's hours")
    open_, withheld = [], []
    for campaign, categories in campaigns.items():
        kept_from = sorted(clearance.excluded.intersection(categories))
        if kept_from:
            withheld.append((campaign, kept_from[0]))
        else:
            open_.append(campaign)
    reason = ""
    if withheld and not open_:
        reason = f"excluded from every campaign of theirs ({', '.join(sorted({category for _, category in withheld}))})"
    return Admission(reason, tuple(open_), tuple(withheld))
