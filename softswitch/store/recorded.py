"""Looking for recorded calls: by time, agent, campaign, outcome and call reference."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine

from softswitch.store.schema import attempts


@dataclass(frozen=True, slots=True)
class RecordingSearch:
    """What a call must have to be found; empty: anything."""

    call_ref: str = ""
    """Or how it begins."""
    agent: str = ""
    campaign: str = ""
    outcome: str = ""
    """What came of the call: its disposition, or while it has none, its outcome."""
    since: datetime | None = None
    """Of the answer; of a call that nobody answered, of its dialling."""
    until: datetime | None = None
    """Exclusive."""


@dataclass(frozen=True, slots=True)
class RecordedCall:
    call_ref: str
    campaign: str
    agent: str
    began_at: datetime
    ended_at: datetime | None
    outcome: str
    verdict: str
    """The detector's; empty where there was none."""
    recording: str
    """File name."""


async def find(engine: AsyncEngine, search: RecordingSearch, limit: int, offset: int) -> list[RecordedCall]:
    """Calls of which a recording was made, the newest first, whether or not it is still there."""
    column = attempts.c
    began = func.coalesce(column.answered_at, column.committed_at, type_=column.committed_at.type)
    query = select(
        column.call_ref, column.campaign, column.agent, began.label("began_at"), column.ended_at, column.outcome,
        column.disposition, column.amd_verdict, column.recording,
    ).where(column.recording != "")  # fmt: skip
    if search.call_ref:
        query = query.where(column.call_ref.startswith(search.call_ref, autoescape=True))
    if search.agent:
        query = query.where(column.agent == search.agent)
    if search.campaign:
        query = query.where(column.campaign == search.campaign)
    if search.outcome:
        without = column.disposition == ""
        query = query.where(or_(column.disposition == search.outcome, without & (column.outcome == search.outcome)))
    if search.since is not None:
        query = query.where(began >= search.since)
    if search.until is not None:
        # Answered after it was committed: the index on the earlier of the two narrows it down.
        query = query.where(column.committed_at < search.until, began < search.until)
    query = query.order_by(column.committed_at.desc(), column.call_ref).limit(limit).offset(offset)
    async with engine.connect() as connection:
        rows = (await connection.execute(query)).all()
    return [
        RecordedCall(
            row.call_ref, row.campaign, row.agent, row.began_at, row.ended_at, row.disposition or row.outcome,
            row.amd_verdict, row.recording,
        )
        for row in rows
    ]  # fmt: skip
