"""Interviews and their answers: data of the campaign, by call reference. No number and no field of a lead is here."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, Text, case, cast, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.store.lists import parts
from softswitch.store.schema import attempts, interviews, survey_quotas
from softswitch.survey.questionnaire import Ending

PAGE = 500
_BLANK = update(interviews).values(answers={}, seconds={}, state={})


@dataclass(frozen=True, slots=True)
class KeptInterview:
    """One interview as it stands; field for field a row."""

    call_ref: str
    campaign: str
    script: str
    agent: str
    node: str
    """Where it is, or ended."""
    begun_at: datetime
    changed_at: datetime
    ended_at: datetime | None
    ending: str
    """As `survey.questionnaire.Ending`; empty while it goes on."""
    is_partial: bool
    answers: Mapping[str, Any]
    """By node, of the questions on the way that was taken."""
    seconds: Mapping[str, float]
    """At each node."""
    state: Mapping[str, Any] = field(repr=False)
    """What `survey.interview.Interview.restore` takes."""
    revision: int
    cells: tuple[str, ...] = ()
    """Of the quotas, in which it counts."""


_COLUMNS = tuple(KeptInterview.__dataclass_fields__)


async def keep(connection: AsyncConnection, kept: KeptInterview) -> None:
    """Replace what is known of an interview, unless something newer is; one that ends counts in its cells, once."""
    row: dict[str, Any] = {name: getattr(kept, name) for name in _COLUMNS}
    row |= {name: dict(row[name]) for name in ("answers", "seconds", "state")} | {"cells": list(kept.cells)}
    known = select(interviews.c.revision, interviews.c.ended_at).where(interviews.c.call_ref == kept.call_ref)
    found = (await connection.execute(known)).first()
    if found is not None and found.revision >= kept.revision:
        return
    if found is None:
        await connection.execute(insert(interviews), row)
    else:
        await connection.execute(update(interviews).where(interviews.c.call_ref == kept.call_ref).values(row))
    if kept.ended_at is not None and (found is None or found.ended_at is None):
        for cell in kept.cells:
            await _count(connection, kept.campaign, kept.script, cell)


async def _count(connection: AsyncConnection, campaign: str, script: str, cell: str) -> None:
    column = survey_quotas.c
    here = (column.campaign == campaign) & (column.script == script) & (column.cell == cell)
    changed = await connection.execute(update(survey_quotas).where(here).values(filled=column.filled + 1))
    if not changed.rowcount:
        row = {"campaign": campaign, "script": script, "cell": cell, "filled": 1}
        await connection.execute(insert(survey_quotas), row)


async def forget(connection: AsyncConnection, call_ref: str) -> None:
    """An interview that came to nothing at all."""
    await connection.execute(delete(interviews).where(interviews.c.call_ref == call_ref))


async def blank(connection: AsyncConnection, lead_refs: Sequence[str]) -> None:
    """Take what these people said out of their interviews; that there was one, and how it ended, goes on counting."""
    for part in parts(lead_refs):
        theirs = select(attempts.c.call_ref).where(attempts.c.lead_ref.in_(part))
        await connection.execute(_BLANK.where(interviews.c.call_ref.in_(theirs)))


async def blank_calls(connection: AsyncConnection, call_refs: Sequence[str]) -> None:
    """The same for the interviews of these calls."""
    for part in parts(call_refs):
        await connection.execute(_BLANK.where(interviews.c.call_ref.in_(part)))


async def campaigns(engine: AsyncEngine) -> list[str]:
    """Every campaign that has an interview."""
    query = select(interviews.c.campaign).distinct().order_by(interviews.c.campaign)
    async with engine.connect() as connection:
        return list((await connection.execute(query)).scalars())


async def ended_before(engine: AsyncEngine, campaign: str, moment: datetime) -> list[str]:
    """Calls whose interview ended before, blank or not, in the order of their references. One that goes on has no end;
    what a crash has left is ended by the next start."""
    column = interviews.c
    query = select(column.call_ref).where(column.campaign == campaign, column.ended_at < moment)
    async with engine.connect() as connection:
        return list((await connection.execute(query.order_by(column.call_ref))).scalars())


async def going_on(engine: AsyncEngine) -> list[KeptInterview]:
    """Those that have not ended: whoever starts takes them up."""
    async with engine.connect() as connection:
        rows = (await connection.execute(select(interviews).where(interviews.c.ended_at.is_(None)))).mappings().all()
    return [_of(row) for row in rows]


async def of_campaign(engine: AsyncEngine, campaign: str) -> AsyncIterator[KeptInterview]:
    """All that have ended, in the order of their call references, read page by page."""
    last = ""
    while True:
        query = (
            select(interviews)
            .where(interviews.c.campaign == campaign, interviews.c.ended_at.is_not(None), interviews.c.call_ref > last)
            .order_by(interviews.c.call_ref)
            .limit(PAGE)
        )
        async with engine.connect() as connection:
            rows = (await connection.execute(query)).mappings().all()
        for row in rows:
            yield _of(row)
        if len(rows) < PAGE:
            return
        last = rows[-1]["call_ref"]


async def filled(engine: AsyncEngine, campaign: str, script: str) -> dict[str, int]:
    """Complete interviews by cell."""
    column = survey_quotas.c
    query = select(column.cell, column.filled).where(column.campaign == campaign, column.script == script)
    async with engine.connect() as connection:
        return {row.cell: row.filled for row in await connection.execute(query)}


async def filled_between(
    engine: AsyncEngine, campaign: str, script: str, first: datetime | None, after: datetime | None
) -> dict[str, int]:
    """Complete interviews by cell, of those that ended in a period; None: without a bound."""
    column = interviews.c
    here = [column.campaign == campaign, column.script == script, column.ended_at.is_not(None)]
    here += [column.ended_at >= first] if first is not None else []
    here += [column.ended_at < after] if after is not None else []
    cells = cast(column.cells, Text)
    found: dict[str, int] = {}
    async with engine.connect() as connection:
        for row in await connection.execute(select(cells, func.count()).where(*here).group_by(cells)):
            for cell in json.loads(row[0]):
                found[cell] = found.get(cell, 0) + row[1]
    return found


async def ended_as(
    engine: AsyncEngine, campaign: str, ranks: Mapping[str, int], first: datetime | None, after: datetime | None
) -> dict[str, int]:
    """Leads that were tried in a period, by what the attempt came to that counts: of a lead's attempts the one of the
    lowest rank, of several the last. An interview stays one though the callee has opted out after it.

    ranks: by disposition, "completed" and "partial" among them; what is not named there counts last.  The database
    counts, so that the loop that signals does not wait for a hundred thousand attempts.
    """
    column = attempts.c
    here = [column.campaign == campaign, column.lead_ref != ""]
    here += [column.committed_at >= first] if first is not None else []
    here += [column.committed_at < after] if after is not None else []
    came_to = case(
        (interviews.c.ending == Ending.COMPLETE.value, "completed"),
        (interviews.c.is_partial, "partial"),
        else_=column.disposition,
    )
    tried = (
        select(column.lead_ref, column.committed_at, column.call_ref, came_to.label("came_to"))
        .outerjoin(interviews, interviews.c.call_ref == column.call_ref)
        .where(*here)
        .subquery()
    )
    rank = case(dict(ranks), value=tried.c.came_to, else_=len(ranks))
    order = (rank, tried.c.committed_at.desc(), tried.c.call_ref.desc())
    place = func.row_number().over(partition_by=tried.c.lead_ref, order_by=order)
    placed = select(tried.c.came_to, place.label("place")).subquery()
    query = select(placed.c.came_to, func.count()).where(placed.c.place == 1).group_by(placed.c.came_to)
    async with engine.connect() as connection:
        return {row[0]: row[1] for row in await connection.execute(query)}


def _of(row: RowMapping) -> KeptInterview:
    values: dict[str, Any] = {name: row[name] for name in _COLUMNS}
    return KeptInterview(**{**values, "cells": tuple(values["cells"])})
