"""A campaign's calendar day held against the rules: what the regulator, or an auditor, is shown.

Everything is told from the attempts as the store has them, and nothing from what the dialler remembers: a report on a
day long past is the same as one on its evening. The ledger's own figures are `abandonment.recount`'s; beside them stand
both clocks, the information message, rings, hours, locks and caller ids.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from softswitch.dialler.abandonment import (
    DayCounts,
    FalsePositives,
    abandoned_rate,
    abandoned_rate_less_machines,
    recount,
    together,
)
from softswitch.dialler.attempt import DialAttempt, Disposition
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.hours import CallingHours
from softswitch.dialler.rules import RuleSet

CUT_OFF = 487  # RFC 3261 section 21.4.25: what answers our own CANCEL
CLOCKS_DRIFT_S = 0.02
"""A ring is timed by the monotonic clock and written down by the wall's, which may be slewed meanwhile."""


@dataclass(frozen=True, slots=True)
class Rested:
    """A call after which its number was to be left alone, of any campaign."""

    call_ref: str
    number: Hashable
    """Whatever tells numbers apart."""
    ended_at: datetime
    abandoned: bool
    """Else a verdict ended it."""


@dataclass(frozen=True, slots=True)
class ComplianceDay:
    """One campaign on one day. Rates are shares of 1; the letters are those of RULES_OF_DIALLING."""

    campaign: str
    day: str
    """ISO 8601; midnight to midnight in `time_zone`."""
    time_zone: str
    rules: str
    """Rule set: UK, US, or own (the campaign's settings, where they are stricter than the UK's)."""
    dials: int
    """INVITEs sent."""
    answers: int
    live_answers: int
    """Answered by somebody, as far as is known: passed to an agent, abandoned, or hung up before either was due."""
    connected: int
    """L: live calls passed to an agent in time."""
    abandoned: int
    """A: by the stricter of the two clocks."""
    abandoned_from_answer: int
    """By the clock that starts with the answer alone."""
    abandoned_from_greeting: int
    """By the clock that starts with the callee's voice alone."""
    silent: int
    """Of the abandoned: nothing of ours was ever heard."""
    hung_up: int
    """The callee hung up before an agent or the message was due."""
    ended_by_amd: int
    """Calls that a verdict ended: F is a share of these."""
    machines_with_agents: int
    """M."""
    reviewed: int
    """Recordings of which a reviewer could tell, of the days up to this one that count."""
    false_positives: int
    """People among them."""
    false_positive_share: float
    """What is reckoned with: measured, or the prior while fewer than 100 are reviewed."""
    false_positive_interval: tuple[float, float]
    """Wilson, 95 %; from none to the prior where it is not measured."""
    false_positives_measured: bool
    expected_false_positives: float
    """F."""
    rate_without_amd: float
    """A / (A + L)."""
    rate: float
    """(A + F) / (A + F + L)."""
    rate_interval: tuple[float, float]
    rate_less_machines: float
    """A' / (A' + L), which Ofcom allows where machines reach agents and nothing tells them apart."""
    limit: float
    period_days: int
    """Over how many days, this one the last, the limit holds."""
    period_rate: float
    """(A + F) / (A + F + L) of the period."""
    message_in_time: int
    """Abandoned calls in which the information message was heard before either clock ran out."""
    message_late: int
    message_missing: int
    """Neither the message nor an agent was heard."""
    agent_late: int
    """An agent was heard, after the rule's end."""
    rings_cut_short: int
    """Unanswered calls that we cut off before the minimum ring."""
    outside_hours: int
    """Dialled outside the rule set's hours, by the callee's clock."""
    outside_own_hours: int
    """Outside the campaign's own, as they are set now: hours, weekdays, holidays."""
    within_abandoned_lock: int
    """Dialled within 72 h of an abandoned call to the same number, of any campaign, without an agent guaranteed."""
    within_machine_lock: int
    """Within 24 h of a call to it that a verdict ended."""
    without_caller_id: int
    premium_caller_id: int

    @property
    def breaches(self) -> tuple[str, ...]:
        """The rules that were not kept, in words; empty on a good day."""
        found = []
        if self.period_rate > self.limit:
            found.append(f"abandoned-call rate {self.period_rate:.2%}, over {self.limit:.0%}")
        for count, what in (
            (self.silent, "silent calls"),
            (self.message_late, "information messages too late"),
            (self.rings_cut_short, "calls cut off before the minimum ring"),
            (self.outside_hours, "calls outside hours"),
            (self.within_abandoned_lock, "calls to numbers locked after an abandoned call"),
            (self.within_machine_lock, "calls to numbers locked after a machine"),
            (self.without_caller_id, "calls without a caller id"),
            (self.premium_caller_id, "calls with a premium caller id"),
        ):
            if count:
                found.append(f"{count} {what}")
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Clocks:
    """When an agent had to be heard in a call, by each of the two clocks."""

    from_answer: datetime
    from_greeting: datetime | None
    """None where the callee was never heard."""
    due: datetime
    """What the rules ask for: the stricter of the two, or the second alone, from a completed greeting's end."""

    @classmethod
    def of(cls, attempt: DialAttempt, rules: RuleSet) -> "Clocks":
        """Of an answered call. What rang on behind its answer was answered by the first voice."""
        assert attempt.answered_at is not None
        rule = timedelta(seconds=rules.two_second_rule_s)
        greeting = None if attempt.speech_at is None else attempt.speech_at + rule
        rang = attempt.amd_verdict == "TONE" and not attempt.amd_acted
        answer = greeting if rang and greeting is not None else attempt.answered_at + rule
        if rules.counts_from_greeting_end and attempt.greeting_end_at is not None:
            complete = attempt.greeting_end_at + rule
            return cls(answer, complete, complete)
        return cls(answer, greeting, answer if greeting is None else min(answer, greeting))


def compliance_day(
    campaign: Campaign,
    rules: RuleSet,
    day: date,
    time_zone: str,
    attempts: Sequence[DialAttempt],
    *,
    numbers: Mapping[str, Hashable],
    rested: Iterable[Rested],
    false_positives: FalsePositives,
    period: Iterable[DayCounts] = (),
) -> ComplianceDay:
    """Hold a day against the rules.

    attempts: the campaign's, all that were committed or answered on the day, and any others.  numbers: what tells the
    numbers of their leads apart, by `number_name`.  rested: all campaigns', of the three days before and of the day.
    period: counts of the other days over which the limit holds.
    """
    zone = ZoneInfo(time_zone)
    counts = recount(attempts, day, time_zone)
    answered = [a for a in attempts if a.answered_at is not None and a.answered_at.astimezone(zone).date() == day]
    dialled = [a for a in attempts if a.invited_at is not None and a.committed_at.astimezone(zone).date() == day]
    abandoned = [a for a in answered if a.abandoned]
    hung_up = counts.outcomes.get(Disposition.HUNG_UP, 0)
    message = [_message(a, rules) for a in abandoned]
    locks = _Locks(rested, rules)
    broken = [locks.broken_by(a, numbers.get(a.number_name, a.number_name)) for a in dialled]
    hours = CallingHours(rules.opens, rules.closes)
    own_hours = CallingHours.of(campaign)
    low, high = false_positives.bounds
    return ComplianceDay(
        campaign=campaign.name,
        day=day.isoformat(),
        time_zone=time_zone,
        rules=rules.name,
        dials=counts.attempts,
        answers=len(answered),
        live_answers=counts.live + counts.abandoned + hung_up,
        connected=counts.live,
        abandoned=counts.abandoned,
        abandoned_from_answer=sum(_is_late(a, Clocks.of(a, rules).from_answer, rules) for a in abandoned),
        abandoned_from_greeting=sum(_is_late(a, Clocks.of(a, rules).from_greeting, rules) for a in abandoned),
        silent=counts.silent,
        hung_up=hung_up,
        ended_by_amd=counts.machines,
        machines_with_agents=counts.machines_with_agents,
        reviewed=false_positives.reviewed,
        false_positives=false_positives.people,
        false_positive_share=false_positives.share,
        false_positive_interval=(low, high),
        false_positives_measured=false_positives.is_measured,
        expected_false_positives=counts.machines * false_positives.share,
        rate_without_amd=abandoned_rate(counts, 0.0),
        rate=abandoned_rate(counts, false_positives.share),
        rate_interval=(abandoned_rate(counts, low), abandoned_rate(counts, high)),
        rate_less_machines=abandoned_rate_less_machines(counts),
        limit=rules.abandoned_limit,
        period_days=rules.period_days,
        period_rate=abandoned_rate(together(counts, period), false_positives.share),
        message_in_time=message.count("in time"),
        message_late=message.count("late"),
        message_missing=message.count("missing"),
        agent_late=message.count("agent"),
        rings_cut_short=sum(_is_cut_short(a, rules) for a in dialled),
        outside_hours=sum(not hours.is_open(a.time_zone or time_zone, _invited(a)) for a in dialled),
        outside_own_hours=sum(not own_hours.is_open(a.time_zone or time_zone, _invited(a)) for a in dialled),
        within_abandoned_lock=broken.count("abandoned"),
        within_machine_lock=broken.count("machine"),
        without_caller_id=sum(not a.caller_id for a in dialled),
        premium_caller_id=sum(rules.premium.match(a.caller_id) is not None for a in dialled),
    )


class _Locks:
    """Which numbers rested, and from when."""

    def __init__(self, rested: Iterable[Rested], rules: RuleSet) -> None:
        self._by_number: dict[Hashable, list[Rested]] = {}
        self._lasts = {
            True: timedelta(seconds=rules.abandoned_lock_s),
            False: timedelta(seconds=rules.machine_lock_s),
        }
        for one in rested:
            self._by_number.setdefault(one.number, []).append(one)

    def broken_by(self, attempt: DialAttempt, number: Hashable) -> str:
        """ "abandoned" or "machine": the lock within which it was dialled; else empty."""
        if attempt.guaranteed:  # Ofcom: an agent guaranteed for the call lifts the lock
            return ""
        at = _invited(attempt)
        broken = {
            one.abandoned
            for one in self._by_number.get(number, ())
            if one.call_ref != attempt.call_ref and one.ended_at <= at < one.ended_at + self._lasts[one.abandoned]
        }
        return "abandoned" if True in broken else "machine" if broken else ""


def _invited(attempt: DialAttempt) -> datetime:
    assert attempt.invited_at is not None
    return attempt.invited_at


def _message(attempt: DialAttempt, rules: RuleSet) -> str:
    """What the callee of an abandoned call heard."""
    if attempt.message_at is not None:
        return "in time" if attempt.message_at <= Clocks.of(attempt, rules).due else "late"
    return "agent" if attempt.bridged_at is not None else "missing"


def _is_late(attempt: DialAttempt, due: datetime | None, rules: RuleSet) -> bool:
    """Whether an abandoned call is one by this clock alone, too."""
    if due is None:
        return False
    if attempt.bridged_at is not None:
        # In time by both: abandoned afterwards, as one whom a verdict had taken from an agent.
        return attempt.bridged_at > due or attempt.bridged_at <= Clocks.of(attempt, rules).due
    return attempt.message_at is not None or attempt.ended_at is None or attempt.ended_at > due


def _is_cut_short(attempt: DialAttempt, rules: RuleSet) -> bool:
    if attempt.answered_at is not None or attempt.ringing_at is None or attempt.ended_at is None:
        return False
    rang_s = (attempt.ended_at - attempt.ringing_at).total_seconds()
    return attempt.sip_status == CUT_OFF and rang_s < rules.minimum_ring_s - CLOCKS_DRIFT_S
