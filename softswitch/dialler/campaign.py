"""What a campaign is told to do: plain values, made from configuration or the API."""

from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum

from softswitch.dialler.rule_choice import RuleChoice


class Purpose(StrEnum):
    """What its calls are for: marketing has the stricter rules."""

    RESEARCH = "research"
    MARKETING = "marketing"
    """Research that hands over leads is marketing."""


class AmdMode(StrEnum):
    """Whether answering machines are told from people, and whether the agent waits for it."""

    OFF = "off"
    PARALLEL = "parallel"
    """The agent is connected at the answer; the verdict frees the agent from machines."""
    BEFORE_AGENT = "before_agent"


class AmdPoint(StrEnum):
    """How sure the detector must be; what each comes to is in docs/answering-machines.md."""

    CAREFUL = "careful"
    BALANCED = "balanced"
    FAST = "fast"


class Policy(StrEnum):
    """When a call is placed; the pacing controller knows them by the same names."""

    PROGRESSIVE = "progressive"
    """One for each agent who is ready."""
    PREDICTIVE = "predictive"
    """Ahead of agents who will be, within the day's allowance of abandoned calls."""
    GUARANTEED_AGENT = "guaranteed_agent"
    """As progressive, each with an agent reserved before it is placed: nobody is ever abandoned."""
    PREVIEW = "preview"
    """The agent sees the lead's visible fields first, and has it called or skips it."""
    MANUAL = "manual"
    """None by itself: an agent asks for a lead by its reference."""
    RATIO = "ratio"
    """So many for each agent who is ready, whatever comes of it, until the day's allowance is spent."""

    @property
    def guarantees(self) -> bool:
        """Every call has its agent before it is placed."""
        return self in (Policy.GUARANTEED_AGENT, Policy.PREVIEW, Policy.MANUAL)


@dataclass(frozen=True, slots=True)
class RecycleRule:
    """When to try a lead again after an outcome."""

    after_s: float
    attempts: int
    """How many attempts may end with this outcome before the lead is done."""


@dataclass(frozen=True, slots=True)
class Campaign:
    """Everything that a campaign's dialler is told beforehand."""

    name: str
    purpose: Purpose = Purpose.RESEARCH
    rules: RuleChoice = RuleChoice.UK
    """Whose rules bind it; the campaign's own settings may be stricter."""
    trunk: str = ""
    """Carrier account; empty: any that is healthy."""
    caller_id: str = ""
    """E.164; the campaign will not start without one (Ofcom, persistent misuse statement)."""
    caller_ids: tuple[str, ...] = ()
    """Several in its place: `presented.caller_id_for` says which a number sees."""
    information_message: str = ""
    """Clip name; the campaign will not start without one."""
    recording_notice: str = ""
    """Clip name; played to the callee over the agent's first words. Empty: none."""
    amd: AmdMode = AmdMode.PARALLEL
    amd_point: AmdPoint | None = None
    """None: careful where the agent is on from the start, balanced where the verdict connects."""
    amd_review_share: float = 0.05
    """Of the calls that a verdict ended, how many a reviewer is to judge by their recordings; drawn at random."""
    amd_review_least: int = 10
    """And at least so many a day."""
    amd_false_positive_prior: float | None = None
    """Share of those calls taken to be people's until enough are reviewed; None: the margins' own for the point."""
    voicemail_message: str = ""
    """Clip name; left on answering machines. Empty: machines are hung up on."""
    voicemail_allowed: bool = False
    """Whoever runs the campaign has made sure that its message may be left without anybody's having asked for it."""
    voicemail_wait_s: float = 45.0
    """How long to wait for a machine's beep or the end of its greeting."""
    voicemail_most: int = 1
    """Messages that one lead is left."""
    policy: Policy = Policy.PREDICTIVE
    ratio: float = 1.5
    """Calls for each agent who is ready, of policy RATIO."""
    preview_s: float = 60.0
    """So long an agent may look at a lead of policy PREVIEW; who says nothing is paused."""
    abandoned_target: float = 0.01
    abandoned_limit: float = 0.03
    """Hard ceiling per calendar day (Ofcom 2010 statement, 3 % of live calls)."""
    opens: time = time(9, 0)
    """Callee's local time; market research 09:00-21:00."""
    closes: time = time(21, 0)
    weekdays: frozenset[int] = frozenset(range(7))
    """Monday is 0."""
    holidays: frozenset[date] = frozenset()
    starts_on: date | None = None
    """First day on which it dials, of the site's calendar; None: any."""
    ends_on: date | None = None
    """Last day."""
    calls_a_day: int = 0
    """Attempts in a day of the site's calendar, after which it waits for the next; 0: any number."""
    minimum_ring_s: float = 15.0
    """Ofcom: no unanswered call is cut off sooner."""
    ring_timeout_s: float = 22.0
    two_second_rule_s: float = 2.0
    abandoned_lock_s: float = 72 * 3600.0
    machine_lock_s: float = 24 * 3600.0
    wrap_up_s: float = 15.0
    maximum_attempts: int = 6
    next_number_s: float = 300.0
    """Between an attempt at one number of a lead and one at its next."""
    day_parts: tuple[time, ...] = ()
    """Where one part of the callee's day ends and the next begins, ascending: who was not reached in one is tried
    again in another. Empty: by the recycle rules alone."""
    callback_grace_s: float = 600.0
    """So long a callback waits for the agent who has promised it; then anybody who is ready makes it."""
    callback_window_s: float = 900.0
    """A callback that has not been dialled so long after its moment is told as missed, and made all the same."""
    recycle: dict[str, RecycleRule] = field(default_factory=dict)
    """By outcome or disposition, or for one final SIP status of it as "failed-503"; overrides those in `recycle`."""
    filter: str = ""
    """Which leads of its lists it dials, see `filters`; empty: all."""
    visible_fields: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    """Agent ids that work for it; empty: all."""
    weight: float = 1.0
    """Its share of agents who work for several campaigns, against theirs."""
    queue_low: int = 20
    queue_high: int = 200
    """The hopper is refilled up to `queue_high` when it falls under `queue_low`."""

    @property
    def point(self) -> AmdPoint:
        """The operating point in force."""
        if self.amd_point is not None:
            return self.amd_point
        return AmdPoint.BALANCED if self.amd is AmdMode.BEFORE_AGENT else AmdPoint.CAREFUL

    @property
    def leaves_messages(self) -> bool:
        """On machines. A recorded marketing message wants the consent of each callee (PECR 2003 reg. 19), which no
        list tells us: such campaigns never do."""
        return bool(self.voicemail_message) and self.voicemail_allowed and self.purpose is not Purpose.MARKETING
