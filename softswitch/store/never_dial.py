"""The never-dial list in the store: keyed hashes and nothing else, put in the place of the old list as a whole."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.errors import UsageError
from softswitch.store.schema import never_dial, screenings

log = structlog.get_logger(__name__)

NAME = "never-dial"
"""Of its row in `screenings`."""
LEAST_SHARE = 0.9
"""Of the list before: one that is shorter looks like a file that was cut off on its way."""


async def replace(connection: AsyncConnection, digests: Sequence[bytes], at: datetime, *, shorter: bool) -> None:
    """Within one transaction: there is the old list or the new one, never a part.

    shorter: it may be much shorter than the one before. UsageError for such a list else, and for one that is empty.
    """
    check_names_somebody(len(digests))
    before = (await connection.execute(select(screenings.c.entries).where(screenings.c.name == NAME))).scalar() or 0
    if len(set(digests)) < LEAST_SHARE * before and not shorter:
        raise UsageError(
            f"the list names {len(set(digests)):,} numbers, and the one before named {before:,}: was the file cut off? "
            "If it is whole, import it with `softswitch never-dial import --shorter`"
        )
    await connection.execute(delete(never_dial))
    rows = [{"number_digest": digest} for digest in sorted(set(digests))]
    if rows:
        await connection.execute(insert(never_dial), rows)
    await connection.execute(delete(screenings).where(screenings.c.name == NAME))
    await connection.execute(insert(screenings), {"name": NAME, "taken_at": at, "entries": len(rows)})


async def read(engine: AsyncEngine) -> tuple[frozenset[bytes], datetime] | None:
    """The hashes, and when they were imported; None where no list ever was, or where not all of it is there."""
    async with engine.connect() as connection:
        said = await connection.execute(
            select(screenings.c.taken_at, screenings.c.entries).where(screenings.c.name == NAME)
        )
        row = said.first()
        if row is None:
            return None
        digests = frozenset((await connection.execute(select(never_dial.c.number_digest))).scalars())
    if not digests or len(digests) != row.entries:
        log.error("the never-dial list is not whole: import it again", numbers=len(digests), imported=row.entries)
        return None
    return digests, row.taken_at


def check_names_somebody(count: int) -> None:
    """UsageError for a list of nobody: as good as none, and it would look complete."""
    if not count:
        raise UsageError("the list names nobody, which protects nobody: put numbers in it, the site's own at least")


async def imported_at(engine: AsyncEngine) -> datetime | None:
    """When the list was imported; None where none ever was."""
    async with engine.connect() as connection:
        found = await connection.execute(select(screenings.c.taken_at).where(screenings.c.name == NAME))
        moment: datetime | None = found.scalar()
    return moment
