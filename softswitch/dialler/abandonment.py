"""The abandonment ledger of one campaign, by calendar day (RULES_OF_DIALLING: Ofcom, persistent misuse statement).

A day is midnight to midnight in the site's time zone, and a call belongs to the day on which it was answered (one that
was never answered: committed). A is counted without regard to what the rules let one subtract: every live call that was
not connected to an agent in time is in it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from math import sqrt
from zoneinfo import ZoneInfo

from softswitch.dialler.attempt import NOBODY_MET, DialAttempt

REVIEWS_FOR_AN_ESTIMATE = 100  # below it, the prior stands in for the measured share


@dataclass(frozen=True, slots=True)
class DayCounts:
    """What one campaign came to on one day."""

    day: date
    attempts: int = 0
    """INVITEs sent."""
    live: int = 0
    """L: live calls that an agent was heard in, in time."""
    abandoned: int = 0
    """A."""
    silent: int = 0
    """Answered calls in which nothing of ours was ever heard, and which the callee did not end within the rule."""
    machines: int = 0
    """Calls that a verdict ended: the F of the rules is a share of these."""
    machines_with_agents: int = 0
    """M: machines that an agent had to tell."""
    outcomes: dict[str, int] = field(default_factory=dict)
    """By disposition."""


@dataclass(slots=True)
class _Day:
    attempts: int = 0
    live: int = 0
    abandoned: int = 0
    silent: int = 0
    machines: int = 0
    machines_with_agents: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FalsePositives:
    """The share of machine-classed calls that were people: from reviewed recordings, the prior while they are few."""

    prior: float
    reviewed: int = 0
    """Of which the reviewer could tell."""
    people: int = 0

    @property
    def is_measured(self) -> bool:
        return self.reviewed >= REVIEWS_FOR_AN_ESTIMATE

    @property
    def share(self) -> float:
        """What is reckoned with."""
        return self.people / self.reviewed if self.is_measured else self.prior

    @property
    def bounds(self) -> tuple[float, float]:
        """Between what the share lies: the interval of what was reviewed, else from none to the prior."""
        return self.interval() if self.is_measured else (0.0, self.share)

    def interval(self, z: float = 1.96) -> tuple[float, float]:
        """Wilson score interval of the reviewed share; (0, 1) without reviews."""
        n = self.reviewed
        if n == 0:
            return 0.0, 1.0
        share = self.people / n
        middle = (share + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


def abandoned_rate(counts: DayCounts, false_positive_share: float) -> float:
    """(A + F) / (A + F + L); without machine-classed calls that is A / (A + L). 0 where there was no live call."""
    missed = counts.abandoned + counts.machines * false_positive_share
    return missed / (missed + counts.live) if missed > 0 else 0.0


def abandoned_rate_less_machines(counts: DayCounts) -> float:
    """A' / (A' + L) with A' = A x (1 - M / (L + M)), which Ofcom allows where machines reach agents and AMD is off."""
    met = counts.live + counts.machines_with_agents
    abandoned = counts.abandoned * (1 - counts.machines_with_agents / met) if met else float(counts.abandoned)
    return abandoned / (abandoned + counts.live) if abandoned > 0 else 0.0


def together(counts: DayCounts, others: Iterable[DayCounts]) -> DayCounts:
    """A day with further days: what rates of all of them are taken of."""
    days = [counts, *others]
    return DayCounts(
        counts.day,
        live=sum(each.live for each in days),
        abandoned=sum(each.abandoned for each in days),
        machines=sum(each.machines for each in days),
    )


def recount(attempts: Iterable[DialAttempt], day: date, time_zone: str) -> DayCounts:
    """A day's counts from the attempts alone: what the ledger must come to, and takes up after a restart."""
    zone = ZoneInfo(time_zone)
    held = _Day()
    for attempt in attempts:
        moment = attempt.answered_at if attempt.answered_at is not None else attempt.committed_at
        if attempt.invited_at is not None and attempt.committed_at.astimezone(zone).date() == day:
            held.attempts += 1
        if moment.astimezone(zone).date() != day:
            continue
        by_amd = attempt.amd_acted
        machine = by_amd or attempt.disposition in NOBODY_MET
        served_in_time = attempt.bridged_at is not None and not attempt.abandoned
        held.live += served_in_time and not machine
        held.abandoned += attempt.abandoned
        held.silent += attempt.silent
        held.machines += by_amd
        held.machines_with_agents += served_in_time and machine and not by_amd
        if attempt.disposition:
            held.outcomes[attempt.disposition] = held.outcomes.get(attempt.disposition, 0) + 1
    return _counts(day, held)


class AbandonmentLedger:
    """Counts by day; days are kept until the process ends, the store keeps the attempts they can be recounted from."""

    def __init__(self, time_zone: str, false_positives: FalsePositives) -> None:
        self.time_zone = time_zone
        self.zone = ZoneInfo(time_zone)
        self._days: dict[date, _Day] = {}
        self.false_positives = false_positives

    def day_of(self, wall: datetime) -> date:
        """The calendar day, in the site's time zone."""
        return wall.astimezone(self.zone).date()

    def midnight_after(self, wall: datetime) -> datetime:
        """When (UTC) the day of this moment ends."""
        return datetime.combine(self.day_of(wall) + timedelta(days=1), time.min, self.zone).astimezone(UTC)

    def restore(self, counts: DayCounts) -> None:
        """Take up the counts of a day that an earlier process began."""
        self._days[counts.day] = _Day(
            counts.attempts,
            counts.live,
            counts.abandoned,
            counts.silent,
            counts.machines,
            counts.machines_with_agents,
            dict(counts.outcomes),
        )

    def counts(self, wall: datetime) -> DayCounts:
        day = self.day_of(wall)
        return _counts(day, self._days.get(day, _Day()))

    def rate(self, wall: datetime) -> float:
        return abandoned_rate(self.counts(wall), self.false_positives.share)

    def period(self, wall: datetime, days: int) -> DayCounts:
        """Live, abandoned and machine-classed calls of so many calendar days, this one the last, as far as known."""
        today = self.day_of(wall)
        before = (today - timedelta(days=back) for back in range(1, days))
        return together(self.counts(wall), (_counts(day, self._days[day]) for day in before if day in self._days))

    def rate_bounds(self, wall: datetime) -> tuple[float, float]:
        """The rate with the least and with the greatest share of false positives that the reviews leave open."""
        counts = self.counts(wall)
        low, high = self.false_positives.bounds
        return abandoned_rate(counts, low), abandoned_rate(counts, high)

    def record_attempt(self, wall: datetime) -> None:
        self._day(wall).attempts += 1

    def record_live(self, wall: datetime, by: int = 1) -> None:
        self._day(wall).live += by

    def record_abandoned(self, wall: datetime) -> None:
        self._day(wall).abandoned += 1

    def record_silent(self, wall: datetime) -> None:
        self._day(wall).silent += 1

    def record_machine(self, wall: datetime, by: int = 1) -> None:
        self._day(wall).machines += by

    def record_machine_with_agent(self, wall: datetime, by: int = 1) -> None:
        self._day(wall).machines_with_agents += by

    def record_disposition(self, wall: datetime, disposition: str, instead_of: str = "") -> None:
        outcomes = self._day(wall).outcomes
        outcomes[disposition] = outcomes.get(disposition, 0) + 1
        if instead_of:
            outcomes[instead_of] = max(0, outcomes.get(instead_of, 0) - 1)  # unknown where a crash lost it
            if not outcomes[instead_of]:
                del outcomes[instead_of]

    def _day(self, wall: datetime) -> _Day:
        return self._days.setdefault(self.day_of(wall), _Day())


def _counts(day: date, held: _Day) -> DayCounts:
    return DayCounts(
        day,
        held.attempts,
        held.live,
        held.abandoned,
        held.silent,
        held.machines,
        held.machines_with_agents,
        dict(held.outcomes),
    )
