"""A day of each campaign held against the rules: what `dialler.compliance` is told of it, from the store."""

from collections.abc import Hashable, Mapping
from datetime import date, datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from softswitch.dialler.campaign import Campaign
from softswitch.dialler.compliance import ComplianceDay, Rested, compliance_day
from softswitch.dialler.rules import DEFAULT_MARGINS, RuleSet
from softswitch.store import alternatives
from softswitch.store.amd_days import false_positives
from softswitch.store.attempts import A_DAY, attempt_of, day_bounds, day_counts
from softswitch.store.lists import parts
from softswitch.store.schema import attempts, leads

_moment = func.coalesce(attempts.c.answered_at, attempts.c.committed_at, type_=attempts.c.committed_at.type)


async def of_campaign(
    engine: AsyncEngine, campaign: Campaign, rules: RuleSet, day: date, time_zone: str
) -> ComplianceDay:
    """One campaign's day. `number_digest` tells numbers apart; those that were erased, their leads alone."""
    first, after = day_bounds(day, time_zone)
    column = attempts.c
    theirs = select(attempts).where(
        column.campaign == campaign.name,
        column.lead_ref != "",
        column.committed_at >= first - A_DAY,
        column.committed_at < after,
        or_(column.committed_at >= first, and_(_moment >= first, _moment < after)),
    )
    async with engine.connect() as connection:
        found = [attempt_of(row) for row in (await connection.execute(theirs)).mappings()]
    numbers = await _numbers(engine, {each.number_name: (each.lead_ref, each.number_rank) for each in found})
    period = [
        await day_counts(engine, campaign.name, day - timedelta(days=back), time_zone)
        for back in range(1, rules.period_days)
    ]
    longest_lock = timedelta(seconds=max(rules.abandoned_lock_s, rules.machine_lock_s))
    return compliance_day(
        campaign,
        rules,
        day,
        time_zone,
        found,
        numbers=numbers,
        rested=await rested(engine, first - longest_lock, after),
        false_positives=await false_positives(engine, campaign, day, DEFAULT_MARGINS.false_positive_prior(campaign)),
        period=period,
    )


async def campaigns_of(engine: AsyncEngine, day: date, time_zone: str) -> list[str]:
    """Every campaign that dialled on a day, whether or not the configuration still knows it."""
    first, after = day_bounds(day, time_zone)
    column = attempts.c
    of_day = (column.committed_at >= first - A_DAY, column.committed_at < after, column.lead_ref != "")
    query = select(column.campaign).where(*of_day, _moment < after, _moment >= first).distinct()
    async with engine.connect() as connection:
        return sorted((await connection.execute(query)).scalars())


async def rested(engine: AsyncEngine, since: datetime, until: datetime) -> list[Rested]:
    """Calls of any campaign, over since then, after which their numbers are to be left alone."""
    column = attempts.c
    query = select(attempts).where(
        column.committed_at >= since - A_DAY,
        column.committed_at < until,
        column.ended_at >= since,
        or_(column.abandoned, column.amd_acted),
    )
    async with engine.connect() as connection:
        found = [attempt_of(row) for row in (await connection.execute(query)).mappings()]
    numbers = await _numbers(engine, {each.number_name: (each.lead_ref, each.number_rank) for each in found})
    return [
        Rested(each.call_ref, numbers.get(each.number_name, each.number_name), each.ended_at, each.abandoned)
        for each in found
        if each.ended_at is not None
    ]


async def _numbers(engine: AsyncEngine, wanted: Mapping[str, tuple[str, int]]) -> dict[str, Hashable]:
    """Keyed hash by `number_name`, of its lead and rank."""
    lead_refs = sorted({lead_ref for lead_ref, _ in wanted.values()})
    found: dict[tuple[str, int], Hashable] = {}
    async with engine.connect() as connection:
        for part in parts(lead_refs):
            query = select(leads.c.lead_ref, leads.c.number_digest).where(leads.c.lead_ref.in_(part))
            found |= {(row[0], 0): row[1] for row in await connection.execute(query)}
        several = await alternatives.digests_of(connection, sorted({ref for ref, rank in wanted.values() if rank}))
    found |= {(ref, rank): digest for ref, theirs in several.items() for rank, digest in enumerate(theirs)}
    return {name: found[which] for name, which in wanted.items() if which in found}
