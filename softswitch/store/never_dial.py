"""The never-dial list in the store: keyed hashes and nothing else, put in the place of the old list as a whole."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.store.schema import never_dial, screenings

NAME = "never-dial"
"""Of its row in `screenings`."""


async def replace(connection: AsyncConnection, digests: Sequence[bytes], at: datetime) -> None:
    """Within one transaction: there is the old list or the new one, never a part."""
    await connection.execute(delete(never_dial))
    rows = [{"number_digest": digest} for digest in sorted(set(digests))]
    if rows:
        await connection.execute(insert(never_dial), rows)
    await connection.execute(delete(screenings).where(screenings.c.name == NAME))
    await connection.execute(insert(screenings), {"name": NAME, "taken_at": at, "entries": len(rows)})


async def read(engine: AsyncEngine) -> tuple[frozenset[bytes], datetime] | None:
    """The hashes, and when they were imported; None where no list ever was."""
    async with engine.connect() as connection:
        at = (await connection.execute(select(screenings.c.taken_at).where(screenings.c.name == NAME))).scalar()
        if at is None:
            return None
        return frozenset((await connection.execute(select(never_dial.c.number_digest))).scalars()), at


async def imported_at(engine: AsyncEngine) -> datetime | None:
    """When the list was imported; None where none ever was."""
    async with engine.connect() as connection:
        found = await connection.execute(select(screenings.c.taken_at).where(screenings.c.name == NAME))
        moment: datetime | None = found.scalar()
    return moment
