"""What supervisors see of a campaign: how its day goes and where it leads, and the callbacks that it has promised."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from softswitch.dialler.callbacks import Callback
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.figures import CampaignFigures
from softswitch.safeguards.projection import Projection
from softswitch.safeguards.shift_book import Interval


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
    opens_at: datetime | None = None
    """When the first of the leads that it looked at last may be rung, UTC: all are outside their hours just now."""
    idle_because: str = ""
    """Why a campaign that may dial has nobody to call just now, in plain words: hours, retries that are due later,
    lists that rest, or the end of its leads. Times are the site's."""
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
        opens_at=figures.opens_at,
        idle_because=figures.idle_because,
        outlook=outlook,
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
