"""One campaign's day of answering-machine detection in figures: what `softswitch amd report` shows."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from softswitch.dialler.abandonment import FalsePositives, abandoned_rate
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.detection import REVIEWS_COUNT_FOR_DAYS, Truth
from softswitch.store import reviews, verdicts
from softswitch.store.attempts import day_bounds, day_counts
from softswitch.store.schema import attempts


@dataclass(frozen=True, slots=True)
class AmdDay:
    campaign: str
    day: str
    """ISO 8601, in the site's time zone."""
    point: str
    """The campaign's operating point as it is set now."""
    answered: int
    """Calls that were judged."""
    verdicts: dict[str, int]
    """By the verdict in force at the end; those with none are under "none"."""
    corrections: dict[str, int]
    """As in "HUMAN>MACHINE": how often which verdict gave way to which, acted upon or not."""
    ended_by_verdict: int
    """Of which the false positives are a share."""
    freed_agents: int
    """Agents whom a verdict took out of a call."""
    messages_left: int
    waiting_for_review: int
    reviewed: int
    """Of the day's calls; those of which the reviewer could not tell are not among them."""
    false_positives: int
    """People among them."""
    cannot_tell: int
    false_positive_share: float | None
    """Of the day's reviews; None without any."""
    false_positive_interval: tuple[float, float]
    """Wilson, 95 %; (0, 1) without reviews."""
    share_reckoned_with: float
    """In the abandoned-call rate: measured over `REVIEWS_COUNT_FOR_DAYS` days at this point, else the prior."""
    share_interval: tuple[float, float]
    share_is_measured: bool
    expected_false_positives: float
    """F."""
    live: int
    """L."""
    abandoned: int
    """A."""
    abandoned_rate: float
    """(A + F) / (A + F + L)."""
    abandoned_rate_interval: tuple[float, float]


async def amd_day(engine: AsyncEngine, campaign: Campaign, day: date, time_zone: str, prior: float) -> AmdDay:
    """prior: what is reckoned with until enough calls are reviewed."""
    since, until = day_bounds(day, time_zone)
    column = attempts.c
    judged = (
        column.campaign == campaign.name,
        column.answered_at >= since,
        column.answered_at < until,
        column.amd_point != "",
    )
    by_verdict = select(column.amd_verdict, func.count()).where(*judged).group_by(column.amd_verdict)
    sums = select(
        func.count(), func.count().filter(column.amd_freed), func.count().filter(column.voicemail_at.is_not(None))
    ).where(*judged)
    async with engine.connect() as connection:
        found = {verdict or "none": count for verdict, count in await connection.execute(by_verdict)}
        answered, freed, left = (await connection.execute(sums)).one()
    counts = await day_counts(engine, campaign.name, day, time_zone)
    draw = reviews.Draw(campaign.amd_review_share, campaign.amd_review_least)
    heard = await reviews.truths(engine, campaign.name, day, day)
    of_day = FalsePositives(prior, heard[Truth.PERSON] + heard[Truth.MACHINE], heard[Truth.PERSON])
    reckoned = await false_positives(engine, campaign, day, prior)
    low, high = reckoned.bounds
    return AmdDay(
        campaign=campaign.name,
        day=day.isoformat(),
        point=campaign.point.value,
        answered=answered,
        verdicts=dict(sorted(found.items())),
        corrections=await verdicts.corrections(engine, campaign.name, since, until),
        ended_by_verdict=counts.machines,
        freed_agents=freed,
        messages_left=left,
        waiting_for_review=len(await reviews.waiting(engine, campaign.name, draw, day, day)),
        reviewed=of_day.reviewed,
        false_positives=of_day.people,
        cannot_tell=heard[Truth.CANNOT_TELL],
        false_positive_share=of_day.people / of_day.reviewed if of_day.reviewed else None,
        false_positive_interval=of_day.interval(),
        share_reckoned_with=reckoned.share,
        share_interval=reckoned.bounds,
        share_is_measured=reckoned.is_measured,
        expected_false_positives=counts.machines * reckoned.share,
        live=counts.live,
        abandoned=counts.abandoned,
        abandoned_rate=abandoned_rate(counts, reckoned.share),
        abandoned_rate_interval=(abandoned_rate(counts, low), abandoned_rate(counts, high)),
    )


async def false_positives(engine: AsyncEngine, campaign: Campaign, day: date, prior: float) -> FalsePositives:
    """What the reviews up to a day say of a campaign at the operating point that it has now."""
    first = day - timedelta(days=REVIEWS_COUNT_FOR_DAYS - 1)
    heard = await reviews.truths(engine, campaign.name, first, day, campaign.point.value)
    return FalsePositives(prior, heard[Truth.PERSON] + heard[Truth.MACHINE], heard[Truth.PERSON])
