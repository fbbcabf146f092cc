"""What the wallboard shows: the site at one moment, for supervisors, and whether it dials, for who looks after it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from softswitch.dialler.agents import AgentFigures
from softswitch.safeguards.campaign_views import CampaignView
from softswitch.safeguards.interlocks import InterlockView, campaign_of
from softswitch.safeguards.supervision_views import AlertView, ConversationView, SupervisionView
from softswitch.safeguards.visibility import CallView


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
    refusal: int = 0
    """SIP status by which its registration failed last; 408: nobody answered; 0: it has not failed."""


@dataclass(frozen=True, slots=True)
class QueueView:
    """An inbound queue: callers who have no agent yet."""

    name: str
    waiting: int
    longest_wait_s: float


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
    """False while an interlock holds back the site or a campaign that somebody started, and where one that was to run
    could not be started."""
    held_by: tuple[str, ...]
    """Name and reason of each interlock that does; those of campaigns that nobody started hold nothing back."""
    interlocks: tuple[InterlockView, ...]
    campaigns: Mapping[str, str]
    """State by name."""
    campaigns_held_by: Mapping[str, str]
    """Why, by the name of each that was started and does not dial for the moment, or could not be started."""
    campaigns_idle_because: Mapping[str, str]
    """Why, by the name of each that may dial and has nobody to call."""
    agents_in: int
    calls: int


def holding(board: WallboardView) -> tuple[InterlockView, ...]:
    """Interlocks that keep back what is to be dialled: the site's own, and those of campaigns that somebody started."""
    wanted = {"", *(each.name for each in board.campaigns if each.state in ("running", "held"))}
    return tuple(lock for lock in board.interlocks if lock.holds and campaign_of(lock.name) in wanted)


def status_view(board: WallboardView) -> StatusView:
    held_by = tuple(f"{lock.name}: {lock.reason}" for lock in holding(board))
    not_started = any(each.state == "stopped" and each.held_because for each in board.campaigns)
    return StatusView(
        site=board.site,
        uptime_s=board.uptime_s,
        dials=bool(board.interlocks) and not held_by and not not_started,
        held_by=held_by,
        interlocks=board.interlocks,
        campaigns={campaign.name: campaign.state for campaign in board.campaigns},
        campaigns_held_by={each.name: each.held_because for each in board.campaigns if each.held_because},
        campaigns_idle_because={each.name: each.idle_because for each in board.campaigns if each.idle_because},
        agents_in=sum(agent.state != "offline" for agent in board.agents),
        calls=len(board.calls),
    )


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
