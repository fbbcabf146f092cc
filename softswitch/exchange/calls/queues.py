"""Inbound queues as a site configures them."""

from dataclasses import dataclass
from datetime import datetime

from softswitch.config import InboundSettings, Settings
from softswitch.dialler.blending import QueueNeeds
from softswitch.dialler.hours import CallingHours
from softswitch.dialler.waiting import QueuePlan

RINGING = "ringing"
RINGING_TONE = "tone:ringback"
"""For callers who hear something before it: their call is answered, and only we can ring then."""
PATIENCE_S = 20.0


def name_of(did: str) -> str:
    """The queue's, by the number that leads to it."""
    return f"inbound-{did.removeprefix('+')}"


@dataclass(frozen=True, slots=True)
class Queue:
    """One inbound number."""

    did: str
    agents: tuple[str, ...]
    """Empty: all."""
    prompt_no_agent: str
    """Clip; empty: the call is refused as busy."""
    caller_hears: str
    """RINGING, or a clip that is played in a loop once the call is answered."""
    recording_notice: str = ""
    """Clip that the caller hears whole before any agent; the call is then answered at once. Empty: none."""
    greeting: str = ""
    """Clip before that."""
    hours: CallingHours | None = None
    """None: always open."""
    time_zone: str = "UTC"
    prompt_closed: str = ""
    """Clip; empty: whoever calls outside the hours is refused."""
    positions: tuple[str, ...] = ()
    waits: tuple[tuple[float, str], ...] = ()
    announce_every_s: float = 30.0
    patience_s: float = PATIENCE_S
    overflow_after_s: float = PATIENCE_S
    overflow_number: str = ""
    """E.164; who takes callers that nobody here serves. Empty: nobody does."""
    overflow_trunk: str = ""
    """The one that calls them; empty: any that has a route."""
    capacity: int = 0
    priority: int = 0
    service_share: float = 0.0
    answer_within_s: float = 20.0
    callback_campaign: str = ""
    """Under which callers who press the key are called back; empty: nobody is."""
    callback_digit: str = "1"
    prompt_callback: str = ""
    prompt_callback_kept: str = ""

    @classmethod
    def of(cls, inbound: InboundSettings, settings: Settings) -> "Queue":
        return cls(
            did=inbound.did,
            agents=_skilled(inbound, settings),
            prompt_no_agent=inbound.prompt_no_agent,
            caller_hears=inbound.caller_hears,
            recording_notice=inbound.recording_notice,
            greeting=inbound.greeting,
            hours=inbound.hours,
            time_zone=settings.site.time_zone,
            prompt_closed=inbound.prompt_closed,
            positions=inbound.positions,
            waits=tuple((each.up_to_s, each.prompt) for each in inbound.waits),
            announce_every_s=inbound.announce_every_s,
            patience_s=inbound.patience_s,
            overflow_after_s=inbound.patience_s if inbound.overflow_after_s is None else inbound.overflow_after_s,
            overflow_number=inbound.overflow_number,
            overflow_trunk=inbound.overflow_trunk,
            capacity=inbound.capacity,
            priority=inbound.priority,
            service_share=inbound.service_share,
            answer_within_s=inbound.answer_within_s,
            callback_campaign=inbound.callback_campaign,
            callback_digit=inbound.callback_digit,
            prompt_callback=inbound.prompt_callback,
            prompt_callback_kept=inbound.prompt_callback_kept,
        )

    @property
    def campaign(self) -> str:
        """Under which its calls are recorded and its agents are shown."""
        return name_of(self.did)

    @property
    def needs(self) -> QueueNeeds:
        return QueueNeeds(self.campaign, self.agents, self.service_share, self.answer_within_s, self.priority)

    @property
    def plan(self) -> QueuePlan:
        rings_unanswered = self.caller_hears == RINGING and not self.answers_at_once
        music = RINGING_TONE if self.caller_hears == RINGING else self.caller_hears
        return QueuePlan(
            name=self.campaign,
            greeting=tuple(clip for clip in (self.greeting, self.recording_notice) if clip),
            music="" if rings_unanswered else music,
            positions=self.positions,
            waits=self.waits,
            offer=self.prompt_callback if self.callback_campaign else "",
            announce_every_s=self.announce_every_s,
            patience_s=self.patience_s,
            overflow_after_s=self.overflow_after_s if self.overflow_number else None,
            capacity=self.capacity,
            priority=self.priority,
        )

    @property
    def answers_at_once(self) -> bool:
        """Whether a caller hears anything but ringing before an agent."""
        return self.caller_hears != RINGING or bool(
            self.greeting or self.recording_notice or self.positions or self.waits or self.callback_campaign
        )

    def is_open(self, wall: datetime) -> bool:
        return self.hours is None or self.hours.is_open(self.time_zone, wall)


def _skilled(inbound: InboundSettings, settings: Settings) -> tuple[str, ...]:
    """The agents who take its calls; empty: all of them."""
    if not inbound.skills:
        return inbound.agents
    return tuple(
        agent.id
        for agent in settings.agents
        if (not inbound.agents or agent.id in inbound.agents) and set(inbound.skills) <= set(agent.skills)
    )
