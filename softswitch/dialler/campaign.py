"""What a campaign is told to do: plain values, made from configuration or the API."""

from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum


class Purpose(StrEnum):
    RESEARCH = "research"
    MARKETING = "marketing"
    """Research that hands over leads is marketing."""


class AmdMode(StrEnum):
    OFF = "off"
    PARALLEL = "parallel"
    """The agent is connected at the answer; the verdict frees the agent from machines."""
    BEFORE_AGENT = "before_agent"


class Policy(StrEnum):
    PROGRESSIVE = "progressive"
    PREDICTIVE = "predictive"
    GUARANTEED_AGENT = "guaranteed_agent"


@dataclass(frozen=True, slots=True)
class RecycleRule:
    """When to try a lead again after an outcome."""

    after_s: float
    attempts: int
    """How many attempts may end with this outcome before the lead is done."""


@dataclass(frozen=True, slots=True)
class Campaign:
    name: str
    purpose: Purpose = Purpose.RESEARCH
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
    policy: Policy = Policy.PREDICTIVE
    abandoned_target: float = 0.01
    abandoned_limit: float = 0.03
    """Hard ceiling per calendar day (Ofcom 2010 statement, 3 % of live calls)."""
    opens: time = time(9, 0)
    """Callee's local time; market research 09:00-21:00."""
    closes: time = time(21, 0)
    weekdays: frozenset[int] = frozenset(range(7))
    """Monday is 0."""
    holidays: frozenset[date] = frozenset()
    minimum_ring_s: float = 15.0
    """Ofcom: no unanswered call is cut off sooner."""
    ring_timeout_s: float = 22.0
    two_second_rule_s: float = 2.0
    abandoned_lock_s: float = 72 * 3600.0
    machine_lock_s: float = 24 * 3600.0
    wrap_up_s: float = 15.0
    maximum_attempts: int = 6
    recycle: dict[str, RecycleRule] = field(default_factory=dict)
    """By outcome or disposition; overrides the defaults in `recycle`."""
    visible_fields: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    """Agent ids that work for it; empty: all."""
    queue_low: int = 20
    queue_high: int = 200
    """The hopper is refilled up to `queue_high` when it falls under `queue_low`."""
