"""What becomes of a lead after an attempt: done, suppressed, or to be tried again, and when."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from softswitch.dialler.alternatives import after_attempt
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.campaign import Campaign, RecycleRule
from softswitch.dialler.hours import CallingHours
from softswitch.dialler.lead import Lead, LeadState

HOUR_S = 3600.0

# A disposition that is not here ends the lead: the callee or the network has said all there is to say.
DEFAULT_RULES: dict[Disposition, RecycleRule] = {
    Disposition.BUSY: RecycleRule(0.5 * HOUR_S, 4),  # somebody is at home
    Disposition.NO_ANSWER: RecycleRule(4 * HOUR_S, 5),  # another part of the day
    Disposition.MACHINE: RecycleRule(24 * HOUR_S, 3),  # Ofcom: 24 h after an AMD machine
    Disposition.VOICEMAIL: RecycleRule(24 * HOUR_S, 3),
    Disposition.TONE: RecycleRule(24 * HOUR_S, 3),
    Disposition.ANNOUNCEMENT: RecycleRule(24 * HOUR_S, 2),  # a handset that is off today, a number out of use
    Disposition.SILENCE: RecycleRule(24 * HOUR_S, 2),
    Disposition.SCREENED: RecycleRule(24 * HOUR_S, 2),
    Disposition.ABANDONED: RecycleRule(72 * HOUR_S, 2),  # Ofcom: 72 h after an abandoned call
    Disposition.HUNG_UP: RecycleRule(24 * HOUR_S, 2),
    Disposition.FAILED: RecycleRule(0.25 * HOUR_S, 4),  # says nothing about the callee
    Disposition.CANCELLED: RecycleRule(0.25 * HOUR_S, 4),
    Disposition.BLOCKED: RecycleRule(1 * HOUR_S, 3),
    Disposition.SKIPPED: RecycleRule(4 * HOUR_S, 3),
    Disposition.PARTIAL: RecycleRule(24 * HOUR_S, 2),
}
CLASSED_BY_AMD = frozenset(
    {Disposition.MACHINE, Disposition.VOICEMAIL, Disposition.FAX, Disposition.TONE, Disposition.ANNOUNCEMENT}
)
"""The machine's lock holds for all that a verdict ended: each of them may have been a person."""
NOT_REACHED = CLASSED_BY_AMD | {Disposition.NO_ANSWER, Disposition.SILENCE, Disposition.SCREENED, Disposition.HUNG_UP}
"""Nobody was there, or had no time: at another part of the day somebody may. A busy line is no such sign."""
CALLBACK_AFTER_S = 1 * HOUR_S
"""When the agent named no time."""


def rule_for(campaign: Campaign, disposition: Disposition, sip_status: int = 0) -> RecycleRule | None:
    """The campaign's for this final SIP status, its one for the disposition, or the default; None: the lead is done."""
    of_status = campaign.recycle.get(f"{disposition.value}-{sip_status}") if sip_status else None
    return of_status or campaign.recycle.get(disposition.value, DEFAULT_RULES.get(disposition))


def lock_s(campaign: Campaign, disposition: Disposition, abandoned: bool) -> float:
    """For how long the number may not be dialled, whichever lead has it."""
    if abandoned or disposition is Disposition.ABANDONED:
        return campaign.abandoned_lock_s
    return campaign.machine_lock_s if disposition in CLASSED_BY_AMD else 0.0


def after(
    lead: Lead,
    disposition: Disposition,
    campaign: Campaign,
    wall: datetime,
    rng: np.random.Generator | None,
    *,
    sip_status: int = 0,
    abandoned: bool = False,
    callback_at: datetime | None = None,
    callback_agent: str = "",
    spread: float = 0.0,
) -> Lead:
    """The lead as it stands after an attempt that came to `disposition`; `lead` is as it was before the attempt.

    rng: for the spread, the share by which a wait may be longer; None: none is.

    Of several numbers, rules count by the one that was dialled; the maximum of attempts is the lead's.
    """
    after = _of_one_number(
        lead, disposition, campaign, wall, rng,
        sip_status=sip_status, abandoned=abandoned, callback_at=callback_at, callback_agent=callback_agent,
        spread=spread,
    )  # fmt: skip
    if not lead.numbers:
        return after
    is_last = after.attempts >= campaign.maximum_attempts
    return after_attempt(lead, after, disposition, wall, campaign.next_number_s, is_last=is_last)


def _of_one_number(
    lead: Lead,
    disposition: Disposition,
    campaign: Campaign,
    wall: datetime,
    rng: np.random.Generator | None,
    *,
    sip_status: int,
    abandoned: bool,
    callback_at: datetime | None,
    callback_agent: str,
    spread: float,
) -> Lead:
    outcomes = {**lead.outcomes, disposition.value: lead.outcomes.get(disposition.value, 0) + 1}
    # What never left was no attempt at the callee.
    attempts = lead.attempts + (disposition not in (Disposition.BLOCKED, Disposition.SKIPPED))
    tried = replace(
        lead,
        attempts=attempts,
        outcomes=outcomes,
        last_outcome=disposition.value,
        not_before=None,
        callback_agent=callback_agent if disposition is Disposition.CALLBACK else "",
    )
    if disposition is Disposition.OPT_OUT:
        return replace(tried, state=LeadState.SUPPRESSED)
    if disposition is Disposition.CALLBACK:  # no lock holds it: an agent is guaranteed for it
        due = callback_at if callback_at is not None else wall + timedelta(seconds=CALLBACK_AFTER_S)
        return replace(tried, state=LeadState.CALLBACK, not_before=due)
    rule = rule_for(campaign, disposition, sip_status)
    counted = lead.numbers[lead.turn].outcomes.get(disposition.value, 0) + 1 if lead.numbers else None
    is_last = attempts >= campaign.maximum_attempts
    if rule is None or (counted or outcomes[disposition.value]) >= rule.attempts or is_last:
        return replace(tried, state=LeadState.DONE)
    longer = 1.0 if rng is None else 1.0 + spread * float(rng.random())
    wait_s = max(rule.after_s * longer, lock_s(campaign, disposition, abandoned))
    due = wall + timedelta(seconds=wait_s)
    if disposition in NOT_REACHED:
        hours = CallingHours.of(campaign)
        due = hours.opening_in_another_part(wall, due, lead.time_zone, campaign.day_parts)
    return replace(tried, state=LeadState.WAITING, not_before=due)
