"""The reviewers' queue: calls that a verdict ended, of which a random share is judged by ear.

Every such call has a rank, drawn when its verdict came. Reviewed are those whose rank lies under the campaign's share,
and the lowest ranks of each day in any case; both are random draws from the calls of the day, so that what is found in
them holds for the others.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.dialler.detection import Truth
from softswitch.dialler.events import ReviewOffered
from softswitch.errors import UsageError
from softswitch.store import journal
from softswitch.store.journal import Entry, Kind
from softswitch.store.schema import amd_reviews


@dataclass(frozen=True, slots=True)
class Draw:
    """How a campaign's calls are drawn for review."""

    share: float
    least: int
    """A day."""


@dataclass(frozen=True, slots=True)
class Review:
    """A call that a verdict ended; `truth` is empty until somebody has listened to it."""

    call_ref: str
    campaign: str
    day: str
    verdict: str
    cause: str
    probability: float | None
    audio_ms: int
    point: str
    recording: str
    """File name in the recordings folder."""
    truth: str
    reviewer: str
    reviewed_at: datetime | None


_COLUMNS = [amd_reviews.c[name] for name in Review.__dataclass_fields__]


async def offer(connection: AsyncConnection, offered: ReviewOffered) -> None:
    """Enter a call; a second time changes nothing."""
    known = select(amd_reviews.c.call_ref).where(amd_reviews.c.call_ref == offered.call_ref)
    if (await connection.execute(known)).first() is not None:
        return
    finding = offered.finding
    await connection.execute(
        insert(amd_reviews),
        {
            "call_ref": offered.call_ref,
            "campaign": offered.campaign,
            "day": offered.day.isoformat(),
            "rank": offered.rank,
            "verdict": finding.verdict.name,
            "cause": finding.cause.name,
            "probability": finding.probability,
            "audio_ms": finding.audio_ms,
            "point": offered.point,
            "recording": offered.recording,
            "truth": "",
            "reviewer": "",
        },
    )


def _drawn(draw: Draw, *of: ColumnElement[bool]) -> Select[Any]:
    """Calls that are to be reviewed, or have been, by day and rank."""
    place = func.row_number().over(
        partition_by=(amd_reviews.c.campaign, amd_reviews.c.day), order_by=amd_reviews.c.rank
    )
    placed = select(*_COLUMNS, amd_reviews.c.rank, place.label("place")).where(*of).subquery()
    return (
        select(*(placed.c[column.name] for column in _COLUMNS))
        .where(or_(placed.c.rank < draw.share, placed.c.place <= draw.least))
        .order_by(placed.c.day.desc(), placed.c.rank)
    )


async def waiting(engine: AsyncEngine, campaign: str, draw: Draw, since: date, until: date) -> list[Review]:
    """Calls of the days [since, until] that are drawn and not judged, the newest day first."""
    days = (amd_reviews.c.day >= since.isoformat(), amd_reviews.c.day <= until.isoformat())
    async with engine.connect() as connection:
        rows = (await connection.execute(_drawn(draw, amd_reviews.c.campaign == campaign, *days))).mappings()
        return [Review(**row) for row in rows if not row["truth"]]


async def find(engine: AsyncEngine, call_ref: str) -> Review | None:
    async with engine.connect() as connection:
        row = (await connection.execute(select(*_COLUMNS).where(amd_reviews.c.call_ref == call_ref))).mappings().first()
    return None if row is None else Review(**row)


async def judge(
    connection: AsyncConnection, call_ref: str, truth: Truth, reviewer: str, at: datetime, draw: Draw
) -> None:
    """Write down what a reviewer heard; said again, the last word stands. UsageError for a call that was not drawn:
    one that a person has picked says nothing of the others."""
    day = select(amd_reviews.c.campaign, amd_reviews.c.day).where(amd_reviews.c.call_ref == call_ref)
    found = (await connection.execute(day)).first()
    if found is None:
        raise UsageError("this call is not among those that a verdict ended")
    of_day = _drawn(draw, amd_reviews.c.campaign == found.campaign, amd_reviews.c.day == found.day)
    drawn = {(row["call_ref"], row["truth"]) for row in (await connection.execute(of_day)).mappings()}
    judged = select(amd_reviews.c.truth).where(amd_reviews.c.call_ref == call_ref)
    if call_ref not in {name for name, _ in drawn} and not (await connection.execute(judged)).scalar_one():
        raise UsageError("this call was not drawn for review: only those that were say what share of all were people")
    await connection.execute(
        update(amd_reviews)
        .where(amd_reviews.c.call_ref == call_ref)
        .values(truth=truth.value, reviewer=reviewer, reviewed_at=at)
    )
    told = {"truth": truth.value, "reviewer": reviewer}
    await journal.write(connection, [Entry(Kind.REVIEWED, at, found.campaign, call_ref, content=told)])


async def truths(engine: AsyncEngine, campaign: str, since: date, until: date, point: str = "") -> dict[Truth, int]:
    """What was heard in the calls of the days [since, until]; point: of one operating point alone."""
    column = amd_reviews.c
    query = (
        select(column.truth, func.count())
        .where(
            column.campaign == campaign,
            column.day >= since.isoformat(),
            column.day <= until.isoformat(),
            column.truth != "",
        )
        .group_by(column.truth)
    )
    if point:
        query = query.where(column.point == point)
    async with engine.connect() as connection:
        found = {Truth(truth): count for truth, count in await connection.execute(query)}
    return {truth: found.get(truth, 0) for truth in Truth}
