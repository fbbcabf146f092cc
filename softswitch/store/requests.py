"""Requests for four eyes and play-backs, as the store keeps them; what they allow is `safeguards.four_eyes`'."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import CursorResult, RowMapping, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.safeguards.four_eyes import Request, What
from softswitch.safeguards.redaction import redact
from softswitch.store.schema import playbacks, requests

SHOWN = 500
LONGEST_REASON = 255


@dataclass(frozen=True, slots=True)
class Playback:
    playback_ref: str
    call_ref: str
    reason: str
    asked_by: str
    asked_at: datetime
    listened_s: float | None = None


async def ask(connection: AsyncConnection, request: Request) -> None:
    row = asdict(request) | {"what": request.what.value, "call_refs": list(request.call_refs)}
    await connection.execute(insert(requests), row | {"reason": redact(request.reason)[:LONGEST_REASON]})


async def approve(connection: AsyncConnection, request_ref: str, by: str, at: datetime) -> bool:
    """False where somebody has approved it before."""
    open_ = (requests.c.request_ref == request_ref, requests.c.approved_at.is_(None))
    return await _changed(connection, update(requests).where(*open_).values(approved_by=by, approved_at=at))


async def use(connection: AsyncConnection, request_ref: str, by: str, at: datetime) -> bool:
    """False where it is not approved, or was used before."""
    good = (
        requests.c.request_ref == request_ref,
        requests.c.used_at.is_(None),
        requests.c.approved_at.is_not(None),
    )
    return await _changed(connection, update(requests).where(*good).values(used_by=by, used_at=at))


async def find(engine: AsyncEngine, request_ref: str) -> Request | None:
    async with engine.connect() as connection:
        query = select(requests).where(requests.c.request_ref == request_ref)
        row = (await connection.execute(query)).mappings().first()
    return None if row is None else _request_of(row)


async def newest(engine: AsyncEngine) -> list[Request]:
    """The newest requests, newest first."""
    query = select(requests).order_by(requests.c.asked_at.desc(), requests.c.request_ref).limit(SHOWN)
    async with engine.connect() as connection:
        return [_request_of(row) for row in (await connection.execute(query)).mappings()]


async def of_holds(engine: AsyncEngine) -> list[Request]:
    """Every hold and every lift that was ever asked for."""
    query = select(requests).where(requests.c.what.in_((What.HOLD.value, What.LIFT.value)))
    async with engine.connect() as connection:
        return [_request_of(row) for row in (await connection.execute(query)).mappings()]


async def begin_playback(connection: AsyncConnection, playback: Playback) -> None:
    await connection.execute(insert(playbacks), asdict(playback) | {"reason": redact(playback.reason)[:LONGEST_REASON]})


async def find_playback(engine: AsyncEngine, playback_ref: str) -> Playback | None:
    async with engine.connect() as connection:
        query = select(playbacks).where(playbacks.c.playback_ref == playback_ref)
        row = (await connection.execute(query)).mappings().first()
    return None if row is None else Playback(**row)


async def newest_playbacks(engine: AsyncEngine) -> list[Playback]:
    query = select(playbacks).order_by(playbacks.c.asked_at.desc(), playbacks.c.playback_ref).limit(SHOWN)
    async with engine.connect() as connection:
        return [Playback(**row) for row in (await connection.execute(query)).mappings()]


async def note_listened(connection: AsyncConnection, playback_ref: str, listened_s: float) -> bool:
    """False where the time was noted before."""
    once = (playbacks.c.playback_ref == playback_ref, playbacks.c.listened_s.is_(None))
    return await _changed(connection, update(playbacks).where(*once).values(listened_s=listened_s))


async def _changed(connection: AsyncConnection, statement: object) -> bool:
    result = await connection.execute(statement)  # type: ignore[call-overload]
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def _request_of(row: RowMapping) -> Request:
    return Request(**{**row, "what": What(row["what"]), "call_refs": tuple(row["call_refs"])})
