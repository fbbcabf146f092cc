"""Making leads unreadable: their keys are overwritten, and nothing of them is left beside the store's pages.

A lead's key stands in one place of 60 bytes. It is overwritten with zeros in place, and the write-ahead log, which
still holds the page as it was, is written back and cut to nothing. From then on the lead's sealed text is noise,
wherever a copy of it lies; deleting it is housekeeping.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.dialler.lead import LeadState
from softswitch.store import alternatives, interviews, journal, suppression
from softswitch.store.connection import OUTSIDE, WRITING
from softswitch.store.errors import StoreFailed
from softswitch.store.journal import Kind
from softswitch.store.lists import parts
from softswitch.store.schema import ANY_TIME, leads, vault, vault_keys, vault_root
from softswitch.store.vault import SHREDDED

log = structlog.get_logger(__name__)

ERASED = "erased"
"""Last outcome of a lead that was erased."""
MOVED = 1
"""SQLite's user_version after migration 0004: parts of pages still hold what stood in the clear before it."""
SCRUB_TRIES = 20
SCRUB_PAUSE_S = 0.5
_SHRED = update(vault_keys).where(vault_keys.c.position == bindparam("at")).values(wrapped=SHREDDED)
_FORGET = update(leads).where(leads.c.position == bindparam("at"))


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was erased."""

    leads: int
    """Records, of one person: each campaign that had the number."""
    lead_refs: tuple[str, ...]
    suppressed: bool
    """The number's keyed hash is on the site's suppression list, so that no later list brings it back."""


async def erase_person(connection: AsyncConnection, digest: bytes, reason: str, *, suppress: bool) -> Erasure:
    """Destroy every lead with this number, of any campaign, and what the person answered. suppress: the number, and
    every other of theirs."""
    query = select(leads.c.position, leads.c.lead_ref).where(alternatives.have(digest))
    found = (await connection.execute(query)).all()
    if suppress:  # first, while its leads are found by the hash
        theirs = await alternatives.digests_of(connection, [row.lead_ref for row in found])
        for each in dict.fromkeys((digest, *(other for others in theirs.values() for other in others))):
            await suppression.add(connection, each, suppression.SITE, reason)
    await shred(connection, [row.position for row in found])
    await interviews.blank(connection, [row.lead_ref for row in found])
    return Erasure(len(found), tuple(row.lead_ref for row in found), suppress)


async def shred(connection: AsyncConnection, positions: Sequence[int]) -> None:
    """Destroy the keys of leads, and all in their records that says whose they were."""
    if not positions:
        return
    await connection.execute(_SHRED, [{"at": position} for position in positions])
    theirs: list[str] = []
    for part in parts(positions):
        query = select(leads.c.lead_ref).where(leads.c.position.in_(part))
        theirs += (await connection.execute(query)).scalars()
    await journal.write_leads(connection, Kind.ERASED, theirs)
    await alternatives.forget(connection, theirs)
    done = _FORGET.values(
        state=LeadState.DONE.value,
        last_outcome=ERASED,
        not_before=ANY_TIME,
        number_digest=bindparam("random"),
        turn=None,
    )
    await connection.execute(done, [{"at": position, "random": os.urandom(16)} for position in positions])
    for part in parts(positions):
        await connection.execute(delete(vault).where(vault.c.position.in_(part)))
    await connection.execute(update(vault_root).values(to_be_scrubbed=True))


async def erase_leads(connection: AsyncConnection, lead_refs: Sequence[str]) -> int:
    """Destroy these leads and no other of the same number; how many of them there were."""
    positions: list[int] = []
    for part in parts(lead_refs):
        query = select(leads.c.position).where(leads.c.lead_ref.in_(part), leads.c.last_outcome != ERASED)
        positions += (await connection.execute(query)).scalars()
    await shred(connection, positions)
    return len(positions)


async def digest_of(engine: AsyncEngine, lead_ref: str) -> bytes | None:
    """The keyed hash of a lead's number; None for a lead that nobody has, or that was erased."""
    async with engine.connect() as connection:
        whose = (leads.c.lead_ref == lead_ref, leads.c.last_outcome != ERASED)
        found = await connection.execute(select(leads.c.number_digest).where(*whose))
        digest: bytes | None = found.scalar()
    return digest


async def finish_scrubbing(engine: AsyncEngine) -> None:
    """At a start: scrub what a migration or a crash has left. Somebody else's open store may put it off."""
    sqlite = engine.dialect.name == "sqlite"
    async with engine.connect() as connection:
        wanted = (await connection.execute(select(vault_root.c.to_be_scrubbed))).scalar()
        moved = sqlite and (await connection.exec_driver_sql("PRAGMA user_version")).scalar() == MOVED
    if wanted:
        try:
            await scrub(engine, whole=moved)
        except StoreFailed as error:
            log.warning("scrubbing is put off", reason=str(error))


async def scrub(engine: AsyncEngine, *, whole: bool = False) -> None:
    """Leave nothing of what was destroyed in the write-ahead log and, `whole`, in unused parts of pages.

    Raises StoreFailed where somebody reads the store all the time; it is tried again at the next start.
    """
    if engine.dialect.name != "sqlite":
        return  # PostgreSQL's own log is its operator's: see docs/vault.md
    async with engine.execution_options(**OUTSIDE).connect() as connection:
        if whole:
            await connection.exec_driver_sql("VACUUM")
            await connection.exec_driver_sql("PRAGMA user_version = 0")
        for _ in range(SCRUB_TRIES):
            # (busy, pages in the log, pages written back)
            if not (await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")).one()[0]:
                break
            await asyncio.sleep(SCRUB_PAUSE_S)
        else:
            raise StoreFailed("the store's log cannot be emptied while somebody reads it; try again")
    async with engine.execution_options(**WRITING).begin() as connection:
        await connection.execute(update(vault_root).values(to_be_scrubbed=False))
