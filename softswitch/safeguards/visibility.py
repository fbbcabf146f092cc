"""The only maker of what a person may see of a call: views, never records.

Each role has its own view type; a view has no field that its role may not know, so that nothing can be forgotten in
a template, an API answer or a log line.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AgentCallView:
    """What an agent knows of a call: its opaque name and the fields that the campaign lists."""

    call_ref: str
    campaign: str
    fields: dict[str, str]


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
    """"dialling", "ringing", "answered", "in call", "message"."""
    age_s: float
    amd_verdict: str
    masked_number: str
    """Last two digits, for supervisors."""


@dataclass(frozen=True, slots=True)
class CampaignView:
    name: str
    state: str
    """"stopped", "running", "paused", "held" (an interlock), "finished"."""
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


@dataclass(frozen=True, slots=True)
class TrunkView:
    name: str
    state: str
    """"registered", "unregistered", "static" (no registration asked for)."""
    calls: int
    channels: int


@dataclass(frozen=True, slots=True)
class InterlockView:
    name: str
    closed: bool
    """True: dialling may go on as far as this interlock is concerned."""
    reason: str
    """Plain words; empty while closed."""


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
