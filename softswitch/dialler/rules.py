"""The regulator's numbers, and the dialler's own margins inside them.

A campaign may be stricter than its rule set, never laxer: `faults` says in plain words where it is.
"""

import re
from dataclasses import dataclass, replace
from datetime import date, time

from softswitch.dialler.campaign import AmdPoint, Campaign, Policy, Purpose
from softswitch.dialler.presented import caller_ids_of
from softswitch.dialler.rule_choice import RuleChoice

MOST_LINES_PER_AGENT = 5
SCREENING_MAXIMUM_AGE_S = 28 * 86400.0  # PECR 2003 reg. 21: a TPS list older than 28 days may not be used


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What the law or the regulator of one country asks of every campaign."""

    name: str
    minimum_ring_s: float
    """No unanswered call is cut off sooner."""
    two_second_rule_s: float
    """An agent, or else the message, is heard within this time of the salutation."""
    abandoned_limit: float
    """Abandoned share of live calls, per campaign and `period_days`."""
    abandoned_lock_s: float
    machine_lock_s: float
    opens: time
    """Callee's local time."""
    closes: time
    premium: re.Pattern[str]
    """Numbers that may not be presented as caller id."""
    period_days: int = 1
    """Calendar days over which the abandoned share is taken."""
    counts_from_greeting_end: bool = False
    """The two-second rule runs from the end of the callee's completed greeting, where that is known; else, and until
    then, from the answer and from the greeting's start, whichever is stricter."""


UNITED_KINGDOM = RuleSet(
    name="UK",  # Ofcom, persistent misuse policy statement, 2010 as amended 2016, in force 1 March 2017
    minimum_ring_s=15.0,
    two_second_rule_s=2.0,
    abandoned_limit=0.03,
    abandoned_lock_s=72 * 3600.0,
    machine_lock_s=24 * 3600.0,
    opens=time(9, 0),  # market research, MRS code
    closes=time(21, 0),
    premium=re.compile(r"\+449|\+4487"),  # 09 is premium; 0870-0879 carries a service charge
)
UNITED_STATES = RuleSet(
    name="US",  # FTC TSR 16 CFR 310.4(b)(4), FCC 47 CFR 64.1200
    minimum_ring_s=15.0,
    two_second_rule_s=2.0,
    abandoned_limit=0.03,
    abandoned_lock_s=0.0,
    machine_lock_s=0.0,
    opens=time(8, 0),
    closes=time(21, 0),
    premium=re.compile(r"\+1900|\+1976"),
    period_days=30,
    counts_from_greeting_end=True,  # 16 CFR 310.4(b)(4)(iii): within two seconds of the person's completed greeting
)


def own_rules(campaign: Campaign) -> RuleSet:
    """A campaign's own settings as a rule set, wherever they are stricter than the United Kingdom's."""
    uk = UNITED_KINGDOM
    return replace(
        uk,
        name="own",
        minimum_ring_s=max(uk.minimum_ring_s, campaign.minimum_ring_s),
        two_second_rule_s=min(uk.two_second_rule_s, campaign.two_second_rule_s),
        abandoned_limit=min(uk.abandoned_limit, campaign.abandoned_limit),
        abandoned_lock_s=max(uk.abandoned_lock_s, campaign.abandoned_lock_s),
        machine_lock_s=max(uk.machine_lock_s, campaign.machine_lock_s),
        opens=max(uk.opens, campaign.opens),
        closes=min(uk.closes, campaign.closes),
    )


def rules_of(campaign: Campaign, choice: RuleChoice) -> RuleSet:
    """The rule set that somebody chose for a campaign."""
    match choice:
        case RuleChoice.UK:
            return UNITED_KINGDOM
        case RuleChoice.US:
            return UNITED_STATES
    return own_rules(campaign)


@dataclass(frozen=True, slots=True)
class Margins:
    """Our own engineering choices; none may loosen a rule."""

    agent_heard_within_s: float = 0.3
    """An agent who is connected and not heard by then counts as gone, and the call goes on to the next."""
    message_margin_s: float = 0.25
    """The message is asked for this long before the two-second rule's end, so that it is heard in time."""
    connecting_grace_s: float = 0.1
    """What an agent connected at the last moment gets before the message is asked for after all."""
    machine_window_s: float = 10.0
    """From the answer. A verdict that comes later takes no call from an agent: who has talked to a caller for so long
    is a person, and the agent can say otherwise by the disposition."""
    beep_window_s: float = 20.0
    """The same for a beep, which is no person's. Later than that, somebody's oven may have it."""
    correction_probability: float = 0.9
    """So sure must a correction of HUMAN be, where it is not a beep, to take the call from an agent who is in it:
    speech that runs on may be a person's answer to the agent, and a hang-up on a person is an abandoned call."""
    after_beep_s: float = 0.3
    """From the end of a machine's beep to the message's first sample: some begin to record a moment later."""
    no_ringing_timeout_s: float = 45.0
    """An INVITE that no 18x answers is given up after this; it may ring unseen, so well above the minimum ring."""
    commit_stale_s: float = 5.0
    """A commitment confirmed later than this was made for agents who have other calls by now: no call is placed."""
    pace_every_s: float = 1.0
    """The controller is asked at every event, and at least this often."""
    refill_pause_s: float = 5.0
    """How long to leave the source alone after it had nothing to give."""
    closed_pause_s: float = 60.0
    """The same after it gave leads of the site's time zone alone, of whom none may be rung yet."""
    other_zones_pause_s: float = 1.0
    """The same where some of them were of another zone: the next may be of one whose day goes on."""
    message_limit_s: float = 60.0
    """A message that has not ended by then is cut off."""
    ending_limit_s: float = 40.0
    """A call we ended is closed in the books if no end is reported: above RFC 3261 timers F and H (64 x T1 = 32 s)."""
    callbacks_every_s: float = 10.0
    """The source is asked so often for callbacks that fall due..."""
    callbacks_ahead_s: float = 30.0
    """...within so long, so that each is here at its moment."""
    retry_spread: float = 0.1
    """Retries are put off by up to this share more, so that a list does not come back at the same minute each day."""
    false_positive_prior_careful: float = 0.025
    """Share of the calls that a verdict ended taken to be people's until 100 are reviewed: the upper bound of people
    classed as machines at this point, on clips of speakers whom the networks had not heard (docs/amd.md), rounded up.
    A campaign may set its own."""
    false_positive_prior_balanced: float = 0.035
    """The same."""
    false_positive_prior_fast: float = 0.05
    """The same."""
    commit_retry_s: float = 1.0
    """No new attempt for so long after the store could not take one."""
    refill_timeout_s: float = 30.0
    """Leads asked for and not given by then are asked for again."""

    def false_positive_prior(self, campaign: Campaign) -> float:
        """What is taken for the share of false positives before it has been measured."""
        if campaign.amd_false_positive_prior is not None:
            return campaign.amd_false_positive_prior
        return {
            AmdPoint.CAREFUL: self.false_positive_prior_careful,
            AmdPoint.BALANCED: self.false_positive_prior_balanced,
            AmdPoint.FAST: self.false_positive_prior_fast,
        }[campaign.point]


DEFAULT_MARGINS = Margins()
NOT_SCREENED = "it is marketing and its list is not screened against the TPS within the last 28 days"
NO_MARKETING_MESSAGE = (
    "it is marketing and has a voicemail_message: a recorded marketing message may be left only on those who have "
    "agreed to it before (PECR 2003 reg. 19); take it out"
)
MESSAGE_NOT_ALLOWED = (
    "it has a voicemail_message and not voicemail_allowed = true: say so once it is certain that the message holds "
    "no marketing and may be left"
)


def is_screened(campaign: Campaign, screening_age_s: float | None) -> bool:
    """Whether its list is screened as it must be; only marketing's must."""
    if campaign.purpose is not Purpose.MARKETING:
        return True
    return screening_age_s is not None and 0 <= screening_age_s <= SCREENING_MAXIMUM_AGE_S


def faults(campaign: Campaign, rules: RuleSet, screening_age_s: float | None, today: date | None = None) -> list[str]:
    """Why this campaign may not start, in words for the person who asked; empty when it may.

    today: of the site's calendar.
    """
    found: list[str] = []
    presented = caller_ids_of(campaign)
    if not presented or not all(re.fullmatch(r"\+[1-9][0-9]{6,14}", caller_id) for caller_id in presented):
        found.append("it has no valid caller id: set caller_id to a number in E.164 form, such as +441234567890")
    elif any(rules.premium.match(caller_id) for caller_id in presented):
        found.append("its caller id is a premium number: present one that costs no more than an ordinary call")
    if not campaign.information_message:
        found.append("it has no information message: set information_message to a clip that says who called")
    if not is_screened(campaign, screening_age_s):
        found.append(NOT_SCREENED)
    if campaign.voicemail_message and campaign.purpose is Purpose.MARKETING:
        found.append(NO_MARKETING_MESSAGE)
    elif campaign.voicemail_message and not campaign.voicemail_allowed:
        found.append(MESSAGE_NOT_ALLOWED)
    if campaign.minimum_ring_s < rules.minimum_ring_s:
        found.append(f"minimum_ring_s is under the {rules.minimum_ring_s:g} s that the rules ask for")
    if campaign.ring_timeout_s < campaign.minimum_ring_s:
        found.append("ring_timeout_s is shorter than minimum_ring_s")
    if not 0 < campaign.two_second_rule_s <= rules.two_second_rule_s:
        found.append(f"two_second_rule_s is not between 0 and {rules.two_second_rule_s:g} s")
    if not 0 < campaign.abandoned_limit <= rules.abandoned_limit:
        found.append(f"abandoned_limit is not between 0 and {rules.abandoned_limit:g}")
    if not 0 <= campaign.abandoned_target <= campaign.abandoned_limit:
        found.append("abandoned_target is not between 0 and abandoned_limit")
    if not campaign.policy.guarantees:  # the lock-outs allow a call with an agent guaranteed for it
        if campaign.abandoned_lock_s < rules.abandoned_lock_s:
            found.append(
                f"abandoned_lock_s is under the {rules.abandoned_lock_s / 3600:g} hours that the rules ask for"
            )
        if campaign.machine_lock_s < rules.machine_lock_s:
            found.append(f"machine_lock_s is under the {rules.machine_lock_s / 3600:g} hours that the rules ask for")
    if campaign.policy is Policy.RATIO and not 1 <= campaign.ratio <= MOST_LINES_PER_AGENT:
        found.append(f"ratio is not between 1 and {MOST_LINES_PER_AGENT}")
    if campaign.policy is Policy.PREVIEW and campaign.preview_s <= 0:
        found.append("preview_s is not more than 0")
    if not campaign.opens < campaign.closes:
        found.append("opens is not before closes")
    elif campaign.opens < rules.opens or campaign.closes > rules.closes:
        found.append(f"its hours reach beyond {rules.opens:%H:%M}-{rules.closes:%H:%M}")
    if not campaign.weekdays <= frozenset(range(7)) or not campaign.weekdays:
        found.append("weekdays must name at least one day, 0 (Monday) to 6 (Sunday)")
    if not (0 <= campaign.amd_review_share <= 1 and campaign.amd_review_least >= 0):
        found.append("amd_review_share is not between 0 and 1, or amd_review_least is under 0")
    if campaign.amd_false_positive_prior is not None and not 0 <= campaign.amd_false_positive_prior <= 1:
        found.append("amd_false_positive_prior is not between 0 and 1")
    if campaign.starts_on is not None and campaign.ends_on is not None and campaign.starts_on > campaign.ends_on:
        found.append("starts_on comes after ends_on")
    elif campaign.ends_on is not None and today is not None and campaign.ends_on < today:
        found.append(f"it ended on {campaign.ends_on:%d %B %Y} (ends_on)")
    if list(campaign.day_parts) != sorted(set(campaign.day_parts)):
        found.append("day_parts do not stand in order")
    if campaign.calls_a_day < 0:
        found.append("calls_a_day is under 0")
    if campaign.callback_grace_s < 0 or campaign.callback_window_s < 0:
        found.append("callback_grace_s or callback_window_s is under 0")
    if not campaign.weight > 0:
        found.append("weight is not more than 0")
    if campaign.maximum_attempts < 1:
        found.append("maximum_attempts is under 1")
    if not 0 <= campaign.queue_low < campaign.queue_high:
        found.append("queue_low is not between 0 and queue_high")
    return found
