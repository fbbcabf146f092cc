"""Callbacks as they are kept: one row for each promise, and what it came to."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.dialler.callbacks import CANCELLED, REPLACED, Callback
from softswitch.dialler.lead import LeadState
from softswitch.store.journal import Entry, Kind, write
from softswitch.store.schema import callbacks, leads

OPEN = ""
_COLUMNS = [callbacks.c[field.name] for field in fields(Callback)]
_STANDS = (LeadState.CALLBACK.value, LeadState.QUEUED.value, LeadState.DIALLING.value)
"""States of a lead whose open callback is still to be made; in another one it was suppressed, or erased."""


async def make(connection: AsyncConnection, callback: Callback) -> None:
    """Keep a promise in place of an open one of the same lead."""
    await close(connection, callback.lead_ref, REPLACED, callback.made_at)
    await connection.execute(insert(callbacks), asdict(callback))
    told = {"due_at": callback.due_at.isoformat(), "agent": callback.agent, "made_by": callback.made_by}
    entry = Entry(Kind.CALLBACK, callback.made_at, callback.campaign, "", callback.lead_ref, content=told)
    await write(connection, [entry])


async def close(connection: AsyncConnection, lead_ref: str, came_to: str, at: datetime, call_ref: str = "") -> None:
    """What the open callback of a lead came to; nothing where there is none."""
    its = (callbacks.c.lead_ref == lead_ref, callbacks.c.came_to == OPEN)
    changed = update(callbacks).where(*its).values(came_to=came_to, closed_at=at, call_ref=call_ref)
    campaign = (await connection.execute(changed.returning(callbacks.c.campaign))).scalar()
    if campaign is not None:
        entry = Entry(Kind.CALLBACK, at, campaign, call_ref, lead_ref, content={"came_to": came_to})
        await write(connection, [entry])


async def open_of(connection: AsyncConnection, lead_ref: str) -> Any | None:
    """The open callback of a lead: due_at and agent."""
    its = (callbacks.c.lead_ref == lead_ref, callbacks.c.came_to == OPEN)
    return (await connection.execute(select(callbacks.c.due_at, callbacks.c.agent).where(*its))).first()


async def of_campaign(
    engine: AsyncEngine, campaign: str, *, came_to: Sequence[str], limit: int, since: datetime | None = None
) -> list[Callback]:
    """Callbacks that came to one of these, the earliest first. One that is open though its lead is suppressed or gone
    is told as cancelled."""
    is_open: ColumnElement[bool] = callbacks.c.came_to == OPEN
    stands = leads.c.lead_ref.is_not(None) & leads.c.state.in_(_STANDS)
    wanted: ColumnElement[bool] = callbacks.c.came_to.in_([each for each in came_to if each != OPEN])
    if OPEN in came_to:
        wanted = or_(wanted, is_open & stands)
    if CANCELLED in came_to:
        wanted = or_(wanted, is_open & ~stands)
    query = (
        select(*_COLUMNS, stands.label("stands"))
        .join(leads, leads.c.lead_ref == callbacks.c.lead_ref, isouter=True)
        .where(callbacks.c.campaign == campaign, wanted)
        .order_by(callbacks.c.due_at, callbacks.c.position)
        .limit(limit)
    )
    if since is not None:
        query = query.where(callbacks.c.due_at >= since)
    async with engine.connect() as connection:
        rows = (await connection.execute(query)).all()
    return [Callback(*row[:-1]) if row.came_to or row.stands else Callback(*row[:6], CANCELLED) for row in rows]
