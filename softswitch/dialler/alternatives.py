"""Leads with several numbers: whose turn it is after an attempt, and what an unusable number leaves. Pure.

The numbers are tried in their order. One at which nobody was reached gives its turn to the next, and waits for its own
recycle rule meanwhile; one at which somebody was reached keeps it. A lead is in one place at a time, the hopper or one
call, with the number whose turn it is: so it never rings on two.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from softswitch.dialler.attempt import Disposition
from softswitch.dialler.lead import Lead, LeadNumber, LeadState

OF_THE_NUMBER = frozenset(
    {
        Disposition.BUSY, Disposition.NO_ANSWER, Disposition.MACHINE, Disposition.TONE, Disposition.ANNOUNCEMENT,
        Disposition.SILENCE, Disposition.SCREENED, Disposition.FAX, Disposition.BLOCKED, Disposition.INVALID_NUMBER,
        Disposition.WRONG_NUMBER,
    }
)  # fmt: skip
"""Said of a number at which nobody was reached who is asked for: another of theirs may do. BLOCKED is also said of one
that is on the never-dial list."""
AT_LAST = frozenset({Disposition.FAILED, Disposition.CANCELLED, Disposition.VOICEMAIL})
"""The same, once the number's rule has no attempt left: before, the network or a message that was left says nothing."""


def after_attempt(
    before: Lead, after: Lead, disposition: Disposition, wall: datetime, pause_s: float, *, is_last: bool
) -> Lead:
    """`after`, as the recycle rules leave the number that was dialled, with the number whose turn is next.

    before: the lead before the attempt.  pause_s: between two numbers of one lead.  is_last: the campaign allows no
    more attempts at this lead.
    """
    one = before.numbers[before.turn]
    over = after.state in (LeadState.DONE, LeadState.SUPPRESSED)
    tried = replace(
        one,
        state=after.state if over else LeadState.WAITING,
        attempts=one.attempts + after.attempts - before.attempts,
        outcomes={**one.outcomes, disposition.value: one.outcomes.get(disposition.value, 0) + 1},
        last_outcome=disposition.value,
        not_before=after.not_before,
    )
    after = _with(after, before.turn, tried)
    if disposition is Disposition.OPT_OUT:  # the person has said it, not the telephone
        return replace(after, numbers=tuple(replace(each, state=LeadState.SUPPRESSED) for each in after.numbers))
    passes_on = disposition in OF_THE_NUMBER or (over and disposition in AT_LAST)
    return _next(after, wall + timedelta(seconds=pause_s)) if passes_on and not is_last else after


def without_suppressed(lead: Lead, is_suppressed: Callable[[str], bool], wall: datetime) -> Lead:
    """The lead with the first number in turn that is not suppressed; SUPPRESSED where it has none.

    It is the same lead where its number is none of those.
    """
    while lead.state is not LeadState.SUPPRESSED and is_suppressed(lead.number):
        if not lead.numbers:
            return replace(lead, state=LeadState.SUPPRESSED, not_before=None)
        if lead.state is LeadState.DONE:
            return lead
        gone = replace(lead.numbers[lead.turn], state=LeadState.SUPPRESSED, not_before=None)
        lead = _next(_with(lead, lead.turn, gone), wall)
    return lead


def at(lead: Lead, number: str) -> Lead:
    """The lead with this number of its own in turn; as it is where it has no such number."""
    chosen = next((each for each in lead.numbers if each.number == number), None)
    return lead if chosen is None else replace(lead, number=chosen.number, time_zone=chosen.time_zone)


def _with(lead: Lead, rank: int, number: LeadNumber) -> Lead:
    return replace(lead, numbers=(*lead.numbers[:rank], number, *lead.numbers[rank + 1 :]))


def _next(lead: Lead, earliest: datetime) -> Lead:
    """Give the turn to the number that is due first, the earlier in order of those that are due together."""
    due = [
        (max(each.not_before or earliest, earliest), rank)
        for rank, each in enumerate(lead.numbers)
        if each.state not in (LeadState.DONE, LeadState.SUPPRESSED)
    ]
    if not due:
        kept_out = all(each.state is LeadState.SUPPRESSED for each in lead.numbers)
        return replace(lead, state=LeadState.SUPPRESSED if kept_out else LeadState.DONE, not_before=None)
    not_before, rank = min(due)
    return replace(at(lead, lead.numbers[rank].number), state=LeadState.WAITING, not_before=not_before)
