"""Numbers that are not to be dialled: for the whole site, for one campaign, or (the TPS) for marketing.

Only keyed hashes are kept, so that the list names nobody, and one who has been erased can still be left in peace.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.dialler.lead import LeadState
from softswitch.safeguards.redaction import redact
from softswitch.store import journal
from softswitch.store.alternatives import digest_in_turn
from softswitch.store.journal import Kind
from softswitch.store.schema import leads, screenings, suppressions

SITE = ""
TPS = "*TPS"
"""Scope of the Telephone Preference Service's list; no campaign's name begins with a star."""

# A lead that is being dialled is left to the dialler, which asks its suppression list in front of the wire.
RESTING = [s.value for s in LeadState if s not in (LeadState.QUEUED, LeadState.DIALLING, LeadState.DONE)]


def scopes(campaign: str, *, marketing: bool) -> list[str]:
    """Whose suppressions bind a campaign."""
    return [SITE, campaign, TPS] if marketing else [SITE, campaign]


def binds(campaign: str, *, marketing: bool) -> ColumnElement[bool]:
    """Whether a lead's number, of several the one in turn, is suppressed; for a query over `leads`."""
    same = suppressions.c.number_digest == digest_in_turn()
    return select(1).where(same, suppressions.c.scope.in_(scopes(campaign, marketing=marketing))).exists()


async def add(connection: AsyncConnection, digest: bytes, scope: str, reason: str) -> None:
    """Suppress a number and take its leads off the lists; suppressing twice keeps the newer reason."""
    same = (suppressions.c.number_digest == digest, suppressions.c.scope == scope)
    await connection.execute(delete(suppressions).where(*same))
    row = {
        "number_digest": digest,
        "scope": scope,
        "reason": redact(reason)[:255],
        "added_at": datetime.now(UTC),
    }
    await connection.execute(insert(suppressions), row)
    # A lead with other numbers loses this one when its turn comes.
    of_number = [leads.c.number_digest == digest, leads.c.turn.is_(None)]
    if scope:
        of_number.append(leads.c.campaign == scope)
    theirs = (await connection.execute(select(leads.c.lead_ref).where(*of_number))).scalars().all()
    resting = leads.c.state.in_(RESTING)
    await connection.execute(update(leads).where(*of_number, resting).values(state=LeadState.SUPPRESSED.value))
    await journal.write_leads(connection, Kind.SUPPRESSED, theirs, scope, reason=row["reason"])


async def add_many(connection: AsyncConnection, digests: Sequence[bytes], scope: str, reason: str) -> int:
    """Suppress numbers of which some may be suppressed already; how many were not. The hopper finds their leads."""
    known: set[bytes] = set()
    now = datetime.now(UTC)
    for n in range(0, len(digests), 500):
        part = digests[n : n + 500]
        query = select(suppressions.c.number_digest).where(
            suppressions.c.number_digest.in_(part), suppressions.c.scope == scope
        )
        again = (await connection.execute(query)).scalars().all()
        if again:  # named by the newer list too
            same = (suppressions.c.number_digest.in_(again), suppressions.c.scope == scope)
            await connection.execute(update(suppressions).where(*same).values(added_at=now))
            known.update(again)
    why = redact(reason)[:255]
    rows = [
        {"number_digest": digest, "scope": scope, "reason": why, "added_at": now}
        for digest in dict.fromkeys(digests)
        if digest not in known
    ]
    if rows:
        await connection.execute(insert(suppressions), rows)
    return len(rows)


async def begin_screening(connection: AsyncConnection) -> None:
    """Until its end the list counts as not taken; what it named before goes on to bind."""
    await connection.execute(delete(screenings).where(screenings.c.name == TPS))


async def end_screening(connection: AsyncConnection, began_at: datetime) -> None:
    """The new list is here as a whole: what only the old one named goes."""
    of_tps = suppressions.c.scope == TPS
    await connection.execute(delete(suppressions).where(of_tps, suppressions.c.added_at < began_at))
    entries = (await connection.execute(select(func.count()).select_from(suppressions).where(of_tps))).scalar_one()
    await connection.execute(insert(screenings), {"name": TPS, "taken_at": began_at, "entries": entries})


async def screened_at(engine: AsyncEngine) -> datetime | None:
    """When the TPS list was last taken over as a whole; None where it never was."""
    async with engine.connect() as connection:
        found = await connection.execute(select(screenings.c.taken_at).where(screenings.c.name == TPS))
        moment: datetime | None = found.scalar()
    return moment


async def among(connection: AsyncConnection, campaign: str, digests: Iterable[bytes], *, marketing: bool) -> set[bytes]:
    """Those of the numbers that the campaign may not dial."""
    query = select(suppressions.c.number_digest).where(
        suppressions.c.number_digest.in_(list(digests)),
        suppressions.c.scope.in_(scopes(campaign, marketing=marketing)),
    )
    return set((await connection.execute(query)).scalars())


async def digests_for(engine: AsyncEngine, scope: str) -> set[bytes]:
    """Keyed hashes of the numbers suppressed in one scope."""
    query = select(suppressions.c.number_digest).where(suppressions.c.scope == scope)
    async with engine.connect() as connection:
        return set((await connection.execute(query)).scalars())


async def since(engine: AsyncEngine, moment: datetime) -> list[tuple[bytes, str]]:
    """(hash, scope) of what was added at or after a moment, the TPS list's left out."""
    query = select(suppressions.c.number_digest, suppressions.c.scope).where(
        suppressions.c.added_at >= moment, suppressions.c.scope != TPS
    )
    async with engine.connect() as connection:
        return [(row.number_digest, row.scope) for row in await connection.execute(query)]
