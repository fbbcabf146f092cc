"""Numbers that rest after an abandoned call or a machine, by their keyed hashes."""

from datetime import UTC, datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.store import alternatives, journal
from softswitch.store.journal import Kind
from softswitch.store.schema import leads, locks


async def lock(connection: AsyncConnection, digest: bytes, until: datetime) -> None:
    """No attempt at the number before `until`, whichever campaign has it; a longer lock that stands is kept."""
    query = select(locks.c.locked_until).where(locks.c.number_digest == digest)
    standing: datetime | None = (await connection.execute(query)).scalar()
    if standing is not None and standing >= until:
        return
    await connection.execute(delete(locks).where(locks.c.number_digest == digest))
    await connection.execute(insert(locks), {"number_digest": digest, "locked_until": until})
    theirs = (await connection.execute(select(leads.c.lead_ref).where(alternatives.have(digest)))).scalars().all()
    await journal.write_leads(connection, Kind.LOCKED, theirs, until=until.astimezone(UTC).isoformat())


async def standing(engine: AsyncEngine, wall: datetime) -> dict[bytes, datetime]:
    """Locks in force, by keyed hash."""
    query = select(locks.c.number_digest, locks.c.locked_until).where(locks.c.locked_until > wall)
    async with engine.connect() as connection:
        return {row.number_digest: row.locked_until for row in await connection.execute(query)}
