"""Dial attempts and what is counted from them."""

from collections.abc import AsyncIterator
from dataclasses import asdict, fields
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypedDict, cast
from zoneinfo import ZoneInfo

from sqlalchemy import RowMapping, and_, bindparam, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine

from softswitch.dialler.attempt import DialAttempt, Disposition
from softswitch.store.schema import attempts

_COLUMNS = tuple(field.name for field in fields(DialAttempt))
_SELECTED = [attempts.c[name] for name in _COLUMNS]
PAGE = 1000

INSERT = insert(attempts)
# Sets the columns that its row names.
UPDATE = update(attempts).where(attempts.c.call_ref == bindparam("key"))


class DayCounts(TypedDict):
    """What one campaign did in one calendar day, for the abandonment ledger (RULES_OF_DIALLING)."""

    attempts: int
    answered: int
    live: int
    """L: live calls passed to an agent."""
    abandoned: int
    """A."""
    silent: int
    machines: int
    """Classed as a machine by AMD or by an agent."""
    machines_handled: int
    """M: those of them that an agent heard."""
    outcomes: dict[str, int]
    """By disposition, or by outcome where there is none yet."""


def row_of(attempt: DialAttempt) -> dict[str, Any]:
    row = asdict(attempt)
    # Outcome and Disposition are enums of text; the driver wants the text itself.
    return {name: str(value) if isinstance(value, str) else value for name, value in row.items()}


def update_row_of(attempt: DialAttempt) -> dict[str, Any]:
    row = row_of(attempt)
    return {**row, "key": row.pop("call_ref")}


def attempt_of(row: RowMapping) -> DialAttempt:
    return DialAttempt(**{name: row[name] for name in _COLUMNS})


async def page(engine: AsyncEngine, campaign: str, limit: int, offset: int) -> list[DialAttempt]:
    """Newest first; an empty campaign name means all."""
    query = select(*_SELECTED).order_by(attempts.c.committed_at.desc(), attempts.c.call_ref).limit(limit).offset(offset)
    if campaign:
        query = query.where(attempts.c.campaign == campaign)
    async with engine.connect() as connection:
        return [attempt_of(row) for row in (await connection.execute(query)).mappings()]


async def find(engine: AsyncEngine, call_ref: str) -> DialAttempt | None:
    async with engine.connect() as connection:
        query = select(*_SELECTED).where(attempts.c.call_ref == call_ref)
        row = (await connection.execute(query)).mappings().first()
    return None if row is None else attempt_of(row)


async def between(
    engine: AsyncEngine, campaign: str, since: datetime | None, until: datetime | None
) -> AsyncIterator[DialAttempt]:
    """Attempts committed in [since, until), oldest first, read page by page so that any number fits in memory."""
    last: tuple[datetime, str] | None = None
    while True:
        query = select(*_SELECTED).order_by(attempts.c.committed_at, attempts.c.call_ref).limit(PAGE)
        if campaign:
            query = query.where(attempts.c.campaign == campaign)
        if since is not None:
            query = query.where(attempts.c.committed_at >= since)
        if until is not None:
            query = query.where(attempts.c.committed_at < until)
        if last is not None:
            same_moment = and_(attempts.c.committed_at == last[0], attempts.c.call_ref > last[1])
            query = query.where(or_(attempts.c.committed_at > last[0], same_moment))
        async with engine.connect() as connection:
            rows = (await connection.execute(query)).mappings().all()
        for row in rows:
            yield attempt_of(row)
        if len(rows) < PAGE:
            return
        last = (rows[-1]["committed_at"], rows[-1]["call_ref"])


def day_bounds(day: date, time_zone: str) -> tuple[datetime, datetime]:
    """First moment of a calendar day and of the next one; 23 or 25 hours apart when clocks change."""
    zone = ZoneInfo(time_zone)
    first = datetime.combine(day, time(), zone)
    return first.astimezone(UTC), datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)


async def day_counts(engine: AsyncEngine, campaign: str, day: date, time_zone: str) -> DayCounts:
    """A call belongs to the day on which it was answered, or, unanswered, on which it was committed."""
    first, after = day_bounds(day, time_zone)
    column = attempts.c
    moment = func.coalesce(column.answered_at, column.committed_at, type_=column.committed_at.type)
    bridged = column.bridged_at.is_not(None)
    machine = or_(func.upper(column.amd_verdict) == "MACHINE", column.disposition == Disposition.MACHINE.value)
    ours = and_(column.campaign == campaign, moment >= first, moment < after)

    def count(*conditions: Any) -> Any:
        return func.count().filter(*conditions)

    totals = select(
        count().label("attempts"),
        count(column.answered_at.is_not(None)).label("answered"),
        count(bridged, ~machine).label("live"),
        count(column.abandoned).label("abandoned"),
        count(column.silent).label("silent"),
        count(machine).label("machines"),
        count(machine, bridged).label("machines_handled"),
    ).where(ours)
    came_to = func.coalesce(func.nullif(column.disposition, ""), column.outcome)
    outcomes = select(came_to, func.count()).where(ours, came_to != "").group_by(came_to)
    async with engine.connect() as connection:
        row = (await connection.execute(totals)).mappings().one()
        by_outcome = {row[0]: row[1] for row in await connection.execute(outcomes)}
    return cast(DayCounts, {**row, "outcomes": by_outcome})
