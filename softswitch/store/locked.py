"""Numbers that rest after an abandoned call or a machine, by their keyed hashes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import delete, insert, select, union
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.store import journal
from softswitch.store.journal import Entry, Kind
from softswitch.store.lists import parts
from softswitch.store.schema import lead_numbers, leads, locks


async def lock(connection: AsyncConnection, wanted: Sequence[tuple[bytes, datetime]]) -> None:
    """No attempt at these numbers before their moments, whichever campaign has them; a longer lock that stands is kept.

    wanted: (keyed hash, until); a number may come several times.
    """
    until: dict[bytes, datetime] = {}
    for digest, moment in wanted:
        until[digest] = max(moment, until.get(digest, moment))
    for part in parts(list(until)):
        query = select(locks.c.number_digest, locks.c.locked_until).where(locks.c.number_digest.in_(part))
        known = {row.number_digest: row.locked_until for row in await connection.execute(query)}
        fresh = [digest for digest in part if digest not in known or known[digest] < until[digest]]
        if shorter := [digest for digest in fresh if digest in known]:
            await connection.execute(delete(locks).where(locks.c.number_digest.in_(shorter)))
        if fresh:
            rows = [{"number_digest": digest, "locked_until": until[digest]} for digest in fresh]
            await connection.execute(insert(locks), rows)
            await _tell(connection, {digest: until[digest] for digest in fresh})


async def _tell(connection: AsyncConnection, until: Mapping[bytes, datetime]) -> None:
    """Enter into the journal which leads rest, and how long."""
    whose: dict[bytes, set[str]] = {}
    own = select(leads.c.lead_ref, leads.c.number_digest).where(leads.c.number_digest.in_(list(until)))
    column = lead_numbers.c
    others = select(column.lead_ref, column.number_digest).where(column.number_digest.in_(list(until)))
    for row in await connection.execute(union(own, others)):
        whose.setdefault(row.number_digest, set()).add(row.lead_ref)
    now = datetime.now(UTC)
    told = [
        Entry(Kind.LOCKED, now, content={"leads": sorted(refs), "until": until[digest].astimezone(UTC).isoformat()})
        for digest, refs in whose.items()
    ]
    await journal.write(connection, told)


async def standing(engine: AsyncEngine, wall: datetime) -> dict[bytes, datetime]:
    """Locks in force, by keyed hash."""
    query = select(locks.c.number_digest, locks.c.locked_until).where(locks.c.locked_until > wall)
    async with engine.connect() as connection:
        return {row.number_digest: row.locked_until for row in await connection.execute(query)}
