"""The only maker of what a person may see of a call: views, never records.

Each role has its own view type; a view has no field that its role may not know, so that nothing can be forgotten in
a template, an API answer or a log line.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from softswitch.dialler.agents import AgentFigures
from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.callbacks import Callback
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.figures import CallFigures, CampaignFigures
from softswitch.dialler.lead import Lead
from softswitch.errors import UsageError
from softswitch.safeguards.alerts import Raised
from softswitch.safeguards.conversation import Conversation
from softswitch.safeguards.projection import Projection
from softswitch.safeguards.shift_book import Interval
from softswitch.survey.interview import Interview


@dataclass(frozen=True, slots=True)
class AgentCallView:
    """What an agent knows of a call: its opaque name and the fields that the campaign lists."""

    call_ref: str
    campaign: str
    fields: dict[str, str]
    is_shown_first: bool = False
    """Nothing is dialled yet: the agent has it called, or skips it."""


@dataclass(frozen=True, slots=True)
class AgentView:
    agent: str
    state: str
    since_s: float
    """Seconds in this state."""
    call_ref: str
    campaign: str
    calls: int
    """Connected this shift."""
    talk_s: float
    wrap_up_s: float
    logged_in_s: float


@dataclass(frozen=True, slots=True)
class CallView:
    call_ref: str
    campaign: str
    agent: str
    state: str
    """"dialling", "ringing", "answered", "in call", "message", "machine", "voicemail"."""
    age_s: float
    amd_verdict: str
    masked_number: str
    """Last two digits, for supervisors."""


@dataclass(frozen=True, slots=True)
class OutlookView:
    """How a campaign is paced, and where its day leads. None: not known yet."""

    abandoned_at_midnight: Projection | None
    silent_rate: float
    """Of live calls, today."""
    silent_limit: float
    silent_at_midnight: Projection | None
    agents_at_work: int
    agents_ready: int
    dials_per_agent: float | None
    """Calls on their way for each agent at work, in the last quarter of an hour."""
    idle_s: float | None
    """What agents waited for each conversation, in the last quarter of an hour."""
    expected_idle_s: float | None
    """What an agent who becomes ready now will wait, by the pacing's answer rate."""


@dataclass(frozen=True, slots=True)
class ShiftView:
    """The site's day until now, in steps of five minutes."""

    time_zone: str
    abandoned_limit: float
    """The strictest of its campaigns."""
    intervals: tuple[Interval, ...]


@dataclass(frozen=True, slots=True)
class QueueView:
    """An inbound queue: callers who have no agent yet."""

    name: str
    waiting: int
    longest_wait_s: float


@dataclass(frozen=True, slots=True)
class CampaignView:
    name: str
    state: str
    """"stopped", "running", "paused", "held", "finished"."""
    policy: str
    leads_left: int
    leads_total: int
    ringing: int
    attempts_today: int
    live_today: int
    """Live calls passed to an agent: L."""
    abandoned_today: int
    """A."""
    silent_today: int
    machines_today: int
    abandoned_rate: float
    """By RULES_OF_DIALLING, expected AMD false positives included where AMD hangs up before an agent."""
    abandoned_limit: float
    outcomes: dict[str, int]
    abandoned_rate_bounds: tuple[float, float] = (0.0, 0.0)
    """With the least and the greatest share of false positives that the reviews leave open."""
    false_positive_share: float = 0.0
    """Of the calls that a verdict ended: measured, or the prior while too few are reviewed."""
    false_positive_bounds: tuple[float, float] = (0.0, 1.0)
    false_positives_reviewed: int = 0
    """Calls that a reviewer has judged."""
    held_because: str = ""
    """Why a campaign that was started dials nothing just now, in plain words."""
    fallback: str = ""
    """Why it does not dial ahead of its agents just now, though it is told to."""
    callbacks_due: int = 0
    """Callbacks whose moment has come, or will in a moment."""
    callbacks_missed: int = 0
    """Of those that were due today: not made within the campaign's window."""
    hopper: int = 0
    """Leads and callbacks at hand to be dialled."""
    outlook: OutlookView | None = None


@dataclass(frozen=True, slots=True)
class CallbackView:
    """A callback as supervisors see it: whose it is, never who is called."""

    lead_ref: str
    campaign: str
    due_at: datetime
    agent: str
    """Who has promised it; empty: anybody's."""
    made_by: str
    came_to: str
    """"called", "missed", "replaced", "cancelled"; empty: it is open."""
    overdue: bool
    """Open, and its moment has been over for longer than the campaign's window."""
    closed_at: datetime | None
    call_ref: str
    """Of the call that kept it."""


@dataclass(frozen=True, slots=True)
class TrunkView:
    name: str
    state: str
    """"registered", "unregistered", "static" (no registration asked for)."""
    calls: int
    channels: int
    servers: int = 0
    """Its addresses, by DNS or the settings."""
    servers_up: int = 0
    """Of these, how many may be tried now."""


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


@dataclass(frozen=True, slots=True)
class OverrideView:
    """An interlock that is overridden, or that somebody has asked to override."""

    interlock: str
    asked_by: str
    agreed_by: str
    """Empty: a second administrator has yet to agree."""
    reason: str
    for_s: float
    left_s: float
    """Of the override; before it is agreed to, of the time to agree in."""


@dataclass(frozen=True, slots=True)
class SupervisionView:
    """What one supervisor does with an agent; agents never see it."""

    supervisor: str
    agent: str
    mode: str
    """"listen", "whisper", "barge"."""
    state: str
    """"ringing" (the supervisor's line is not up yet), "on", "ended"."""
    call_ref: str
    """The agent's call; empty between calls."""
    since_s: float
    """Seconds in this mode."""
    reason: str = ""
    """Why it ended, where that was not the supervisor's wish."""


@dataclass(frozen=True, slots=True)
class ConversationView:
    """An agent's call as it goes on: how far the script is, who speaks; never what was said or answered."""

    agent: str
    call_ref: str
    node: str
    """Of the script; empty where there is none, or it has ended."""
    at_node_s: float
    answers: int
    """Given so far."""
    ending: str
    """What the interview came to; empty while it goes on."""
    agent_dbov: float
    """Level of the last fifth of a second, as the callee hears it: 0 to -127, which is silence."""
    callee_dbov: float
    agent_speaks: bool
    callee_speaks: bool
    agent_talk_s: float
    """Of the whole call."""
    callee_talk_s: float
    overlaps_s: float
    """Both at once, all together."""
    silence_s: float
    """So long neither has spoken."""
    overlap_s: float
    """So long both have been talking at once."""
    taken_by: str = ""
    """The supervisor who talks to the callee in the agent's stead."""


@dataclass(frozen=True, slots=True)
class AlertView:
    """Why a supervisor should look at a call."""

    number: int
    kind: str
    """As `AlertKind`, in plain words."""
    agent: str
    call_ref: str
    node: str
    told: str
    """What was seen."""
    ago_s: float
    seen_by: str
    """Empty: nobody has looked yet."""


@dataclass(frozen=True, slots=True)
class SupervisorAudioView:
    """With what a supervisor listens and speaks."""

    has_phone: bool
    is_line_up: bool
    """Headset or phone, just now."""
    is_tested: bool
    """The tone was heard, and so was the supervisor, since the wallboard was opened."""
    can_listen: bool
    """It was, and the line is up or the phone is registered: so the supervisor_ratio interlock counts it."""


@dataclass(frozen=True, slots=True)
class WallboardView:
    """A supervisor's picture of the site at one moment."""

    site: str
    uptime_s: float
    agents: tuple[AgentView, ...]
    calls: tuple[CallView, ...]
    campaigns: tuple[CampaignView, ...]
    trunks: tuple[TrunkView, ...]
    interlocks: tuple[InterlockView, ...]
    media_packets_in: int
    media_packets_out: int
    media_packets_lost: int
    media_us_per_packet: float
    media_deaths: int = 0
    """How often the media process died and was replaced, with its calls going on."""
    datagrams_dropped: Mapping[str, int] = field(default_factory=dict)
    """SIP messages of strangers that were not looked at, by reason."""
    sources_banned: Mapping[str, int] = field(default_factory=dict)
    """Addresses that were not listened to for a while, by reason."""
    supervision: tuple[SupervisionView, ...] = ()
    muted_agents: tuple[str, ...] = ()
    """Whom nobody hears until their call is over."""
    refused_agents: Mapping[str, str] = field(default_factory=dict)
    """Why an agent could not log in; agents are not told."""
    conversations: tuple[ConversationView, ...] = ()
    alerts: tuple[AlertView, ...] = ()
    """The newest first."""
    queues: tuple[QueueView, ...] = ()


@dataclass(frozen=True, slots=True)
class StatusView:
    """Whether the site dials, and if not, why; for whoever looks after the machine."""

    site: str
    uptime_s: float
    dials: bool
    """False while an interlock holds back the site, or one of its campaigns."""
    held_by: tuple[str, ...]
    """Name and reason of each interlock that does."""
    interlocks: tuple[InterlockView, ...]
    campaigns: Mapping[str, str]
    """State by name."""
    agents_in: int
    calls: int


def status_view(board: WallboardView) -> StatusView:
    held_by = tuple(f"{lock.name}: {lock.reason}" for lock in board.interlocks if lock.holds)
    return StatusView(
        site=board.site,
        uptime_s=board.uptime_s,
        dials=bool(board.interlocks) and not held_by,
        held_by=held_by,
        interlocks=board.interlocks,
        campaigns={campaign.name: campaign.state for campaign in board.campaigns},
        agents_in=sum(agent.state != "offline" for agent in board.agents),
        calls=len(board.calls),
    )


MASKED_DIGITS_SHOWN = 2


def mask(number: str) -> str:
    """A number as supervisors may see it: its last two digits, behind dots that do not tell its length."""
    digits = [character for character in number if character.isdigit()]
    shown = "".join(digits[-MASKED_DIGITS_SHOWN:]) if len(digits) > 2 * MASKED_DIGITS_SHOWN else ""
    return f"••••••{shown}" if digits else ""


_WITHHELD = re.compile(r"address|street|post_?code|postal|\bzip|_zip|phone|mobile|fax|e_?mail")


def is_withheld(field: str) -> bool:
    """Whether a field says by its name that it holds an address or a way to reach somebody: no agent sees it."""
    return _WITHHELD.search(field.lower().replace("-", "_").replace(" ", "_")) is not None


def agent_call_view(
    attempt: DialAttempt, lead: Lead, campaign: Campaign, *, is_shown_first: bool = False
) -> AgentCallView:
    """The call's opaque name and the lead's fields that the campaign lists; never a field that holds the number.

    Addresses are withheld whatever the campaign lists. A field that repeats the lead's number, whatever its name, is
    left out: an import may bring the number twice, and the campaign may list the column by mistake.
    """
    numbers = [_digits(number) for number in lead.every_number]
    fields = {
        name: lead.fields[name]
        for name in campaign.visible_fields
        if name in lead.fields
        and not is_withheld(name)
        and not any(_tells(lead.fields[name], number) for number in numbers)
    }
    return AgentCallView(attempt.call_ref, campaign.name, fields, is_shown_first)


def agent_view(figures: AgentFigures) -> AgentView:
    return AgentView(
        agent=figures.agent,
        state=figures.state.value,
        since_s=figures.since_s,
        call_ref=figures.call_ref,
        campaign=figures.campaign,
        calls=figures.calls,
        talk_s=figures.talk_s,
        wrap_up_s=figures.wrap_up_s,
        logged_in_s=figures.logged_in_s,
    )


def call_view(figures: CallFigures) -> CallView:
    return CallView(
        call_ref=figures.call_ref,
        campaign=figures.campaign,
        agent=figures.agent,
        state=figures.state,
        age_s=figures.age_s,
        amd_verdict=figures.amd_verdict,
        masked_number=mask(figures.number),
    )


def conversation_view(
    agent: str, conversation: Conversation, interview: Interview | None, taken_by: str, now: float
) -> ConversationView:
    """interview: of the agent just now; one of another call is left out."""
    if interview is not None and interview.call_ref != conversation.call_ref:
        interview = None
    ending = None if interview is None else interview.ending
    goes_on = interview is not None and ending is None
    return ConversationView(
        agent=agent,
        call_ref=conversation.call_ref,
        node=interview.node.id if interview is not None and goes_on else "",
        at_node_s=interview.at_node_s(now) if interview is not None and goes_on else 0.0,
        answers=0 if interview is None else len(interview.answers),
        ending="" if ending is None else ending.value,
        agent_dbov=round(conversation.agent_dbov, 1),
        callee_dbov=round(conversation.callee_dbov, 1),
        agent_speaks=conversation.agent_speaks,
        callee_speaks=conversation.callee_speaks,
        agent_talk_s=conversation.agent_talk_s,
        callee_talk_s=conversation.callee_talk_s,
        overlaps_s=conversation.overlaps_s,
        silence_s=conversation.silence_s(now),
        overlap_s=conversation.overlap_s(now),
        taken_by=taken_by,
    )


def alert_view(raised: Raised, now: float) -> AlertView:
    return AlertView(
        number=raised.number,
        kind=raised.kind.value,
        agent=raised.agent,
        call_ref=raised.call_ref,
        node=raised.node,
        told=raised.told,
        ago_s=now - raised.at,
        seen_by=raised.seen_by,
    )


def callback_view(callback: Callback, campaign: Campaign, wall: datetime) -> CallbackView:
    overdue = wall - callback.due_at > timedelta(seconds=campaign.callback_window_s)
    return CallbackView(
        lead_ref=callback.lead_ref,
        campaign=callback.campaign,
        due_at=callback.due_at,
        agent=callback.agent,
        made_by=callback.made_by,
        came_to=callback.came_to,
        overdue=overdue and not callback.came_to,
        closed_at=callback.closed_at,
        call_ref=callback.call_ref,
    )


def campaign_view(figures: CampaignFigures, outlook: OutlookView | None = None) -> CampaignView:
    return CampaignView(
        name=figures.name,
        state=figures.state,
        policy=figures.policy,
        leads_left=figures.leads_left,
        leads_total=figures.leads_total,
        ringing=figures.ringing,
        attempts_today=figures.attempts_today,
        live_today=figures.live_today,
        abandoned_today=figures.abandoned_today,
        silent_today=figures.silent_today,
        machines_today=figures.machines_today,
        abandoned_rate=figures.abandoned_rate,
        abandoned_limit=figures.abandoned_limit,
        outcomes=dict(figures.outcomes),
        abandoned_rate_bounds=figures.abandoned_rate_bounds,
        false_positive_share=figures.false_positive_share,
        false_positive_bounds=figures.false_positive_bounds,
        false_positives_reviewed=figures.false_positives_reviewed,
        held_because=figures.held_because,
        fallback=figures.fallback,
        callbacks_due=figures.callbacks_due,
        callbacks_missed=figures.callbacks_missed,
        hopper=figures.hopper,
        outlook=outlook,
    )


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def _tells(text: str, number: str) -> bool:
    """Whether a text holds the subscriber's digits, in any grouping and with or without the country's code."""
    significant = number[-8:]
    return len(significant) == 8 and significant in _digits(text)


# Who a lead is


class Role(StrEnum):
    """Of somebody who looks at a lead."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Looker:
    """Who looks, by account, and as what."""

    name: str
    role: Role


@dataclass(frozen=True, slots=True)
class LeadView:
    """What a supervisor knows of a lead."""

    lead_ref: str
    campaign: str
    state: str
    attempts: int
    last_outcome: str
    masked_number: str
    """Last two digits."""


@dataclass(frozen=True, slots=True)
class WholeLeadView:
    """Who a lead is: for an auditor or an administrator, after a reason that was noted."""

    lead_ref: str
    campaign: str
    state: str
    number: str
    fields: dict[str, str]


class Note(Protocol):
    """What writes to the audit log; returns when the record is on disk, and raises where it cannot be."""

    async def __call__(self, actor: str, action: str, *, subject: str, reason: str) -> None: ...


def lead_view(lead: Lead) -> LeadView:
    return LeadView(
        lead_ref=lead.lead_ref,
        campaign=lead.campaign,
        state=lead.state.value,
        attempts=lead.attempts,
        last_outcome=lead.last_outcome,
        masked_number=mask(lead.number),
    )


async def reveal_lead(
    lead_ref: str, looker: Looker, reason: str, *, note: Note, read: Callable[[str], Awaitable[Lead]]
) -> WholeLeadView:
    """The whole of a lead. The reason is noted before anything is read; where it cannot be, nothing is shown.

    Raises UsageError for a role that may not look, and for a reason that says nothing.
    """
    if looker.role not in (Role.ADMINISTRATOR, Role.AUDITOR):
        raise UsageError("only an auditor or an administrator may see who a lead is")
    if not any(character.isalnum() for character in reason):
        raise UsageError("say why: the reason is noted in the audit log")
    await note(looker.name, "show lead", subject=lead_ref, reason=reason)
    lead = await read(lead_ref)
    return WholeLeadView(lead.lead_ref, lead.campaign, lead.state.value, lead.number, dict(lead.fields))
