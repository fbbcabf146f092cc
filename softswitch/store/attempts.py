"""Dial attempts and what is counted from them."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, date, datetime, time, timedelta
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, RowMapping, and_, bindparam, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.dialler.abandonment import DayCounts
from softswitch.dialler.attempt import NOBODY_MET, DialAttempt
from softswitch.errors import UsageError
from softswitch.store import journal
from softswitch.store.lists import parts
from softswitch.store.schema import attempts, pulse

_COLUMNS = tuple(field.name for field in fields(DialAttempt))
_values_of = attrgetter(*_COLUMNS)
_SELECTED = [attempts.c[name] for name in _COLUMNS]
PAGE = 1000
A_DAY = timedelta(days=1)

INSERT = insert(attempts)
# Sets the columns that its row names.
_UPDATE = update(attempts).where(attempts.c.call_ref == bindparam("key"))


def row_of(attempt: DialAttempt) -> dict[str, Any]:
    row = dict(zip(_COLUMNS, _values_of(attempt), strict=True))
    # Outcome and Disposition are enums of text; the driver wants the text itself.
    return {name: str(value) if isinstance(value, str) else value for name, value in row.items()}


def entries_of_new(attempt: DialAttempt) -> list[journal.Entry]:
    return journal.entries_of(None, row_of(attempt), attempt.committed_at)


async def save(connection: AsyncConnection, told: Sequence[tuple[DialAttempt, datetime]]) -> None:
    """Replace what is known of committed attempts, and enter into the journal what has changed. UsageError where one
    was never committed."""
    await change(connection, [(attempt.call_ref, row_of(attempt), now) for attempt, now in told])


async def change(connection: AsyncConnection, told: Sequence[tuple[str, Mapping[str, Any], datetime]]) -> None:
    """The same for some columns: (call_ref, their values, when), in order; a call may come several times."""
    rows: dict[str, Mapping[str, Any]] = {}
    for part in parts(sorted({call_ref for call_ref, _, _ in told})):
        query = select(*_SELECTED).where(attempts.c.call_ref.in_(part))
        rows |= {row["call_ref"]: row for row in (await connection.execute(query)).mappings()}
    changes: dict[str, dict[str, Any]] = {}
    entries: list[journal.Entry] = []
    for call_ref, values, now in told:
        before = rows.get(call_ref)
        if before is None:
            raise UsageError("the store has no such attempt; it must be committed before it is saved again")
        changed = {name: value for name, value in values.items() if before[name] != value}
        rows[call_ref] = {**before, **changed}
        entries += journal.entries_of(before, rows[call_ref], now)
        changes.setdefault(call_ref, {}).update(changed)
    await journal.write(connection, entries)
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for call_ref, values in changes.items():
        if values:
            by_columns.setdefault(tuple(sorted(values)), []).append({**values, "key": call_ref})
    for same in by_columns.values():
        await connection.execute(_UPDATE, same)


def attempt_of(row: RowMapping) -> DialAttempt:
    return DialAttempt(**{name: row[name] for name in _COLUMNS})


async def page(engine: AsyncEngine, campaign: str, limit: int, offset: int) -> list[DialAttempt]:
    """Newest first; an empty campaign name means all."""
    query = select(*_SELECTED).order_by(attempts.c.committed_at.desc(), attempts.c.call_ref).limit(limit).offset(offset)
    if campaign:
        query = query.where(attempts.c.campaign == campaign)
    async with engine.connect() as connection:
        return [attempt_of(row) for row in (await connection.execute(query)).mappings()]


async def newest_moment(engine: AsyncEngine, campaigns: Sequence[str]) -> datetime | None:
    """The latest time that the pulse or an attempt of these campaigns bears; None where there is none."""
    last = [select(func.max(attempts.c.committed_at)).where(attempts.c.campaign == name) for name in campaigns]
    async with engine.connect() as connection:
        moments = [(await connection.execute(query)).scalar() for query in (select(func.max(pulse.c.at)), *last)]
    return max((moment for moment in moments if moment is not None), default=None)


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
    """The same as `dialler.abandonment.recount`, counted by the database."""
    first, after = day_bounds(day, time_zone)
    column = attempts.c
    moment = func.coalesce(column.answered_at, column.committed_at, type_=column.committed_at.type)
    of_day = and_(moment >= first, moment < after)
    by_amd = column.amd_acted
    machine = or_(by_amd, column.disposition.in_([one.value for one in NOBODY_MET]))
    served = and_(column.bridged_at.is_not(None), ~column.abandoned)
    # The index is by commitment; an answer comes minutes later at most.
    near = and_(column.campaign == campaign, column.committed_at >= first - A_DAY, column.committed_at < after)

    def count(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count().filter(*conditions)

    figures = select(
        count(column.invited_at.is_not(None), column.committed_at >= first).label("attempts"),
        count(of_day, served, ~machine).label("live"),
        count(of_day, column.abandoned).label("abandoned"),
        count(of_day, column.silent).label("silent"),
        count(of_day, by_amd).label("machines"),
        count(of_day, served, machine, ~by_amd).label("machines_with_agents"),
    ).where(near)
    outcomes = (
        select(column.disposition, func.count())
        .where(near, of_day, column.disposition != "")
        .group_by(column.disposition)
    )
    async with engine.connect() as connection:
        row = (await connection.execute(figures)).mappings().one()
        by_outcome = {found[0]: found[1] for found in await connection.execute(outcomes)}
    return DayCounts(day=day, outcomes=by_outcome, **row)
