"""What may be asked of a dialler at one moment: records, from which `safeguards` makes views."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class CampaignFigures:
    """Field for field what `CampaignView` shows."""

    name: str
    state: str
    held_because: str
    policy: str
    """The policy in force: "guaranteed_agent" while the day's abandoned rate is at its limit."""
    leads_left: int
    leads_total: int
    ringing: int
    attempts_today: int
    live_today: int
    abandoned_today: int
    silent_today: int
    machines_today: int
    abandoned_rate: float
    abandoned_limit: float
    outcomes: dict[str, int]
    abandoned_rate_bounds: tuple[float, float] = (0.0, 0.0)
    """With the least and the greatest share of false positives that the reviews leave open."""
    false_positive_share: float = 0.0
    """Of the calls that a verdict ended: measured, or the prior while too few are reviewed."""
    false_positive_bounds: tuple[float, float] = (0.0, 1.0)
    false_positives_reviewed: int = 0
    fallback: str = ""
    """Why it does not dial ahead just now, though its policy would; empty: it does."""
    callbacks_due: int = 0
    """Callbacks whose moment has come, or will in a moment."""
    callbacks_missed: int = 0
    """Of those that were due today."""
    hopper: int = 0
    """Leads and callbacks at hand to be dialled."""
    opens_at: datetime | None = None
    """UTC: when the first of the leads that it looked at last may be rung, for all are outside their hours just now."""
    idle_because: str = ""
    """Why a campaign that may dial has nobody to call just now, in plain words; empty: it has."""
    answers: float = 0.0
    """P(a call placed now needs an agent), as the pacing has learnt it; 0: it has not looked yet."""


@dataclass(frozen=True, slots=True)
class CallFigures:
    """One call as it is at this moment."""

    call_ref: str
    campaign: str
    agent: str
    state: str
    """"dialling", "ringing", "answered", "in call", "message"."""
    age_s: float
    amd_verdict: str
    number: str
    """E.164; personal data: only a mask of it may be shown."""
