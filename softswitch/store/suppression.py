"""Numbers that are not to be dialled: for the whole site or for one campaign."""

import secrets
from datetime import UTC, datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.dialler.lead import LeadState
from softswitch.store import lists
from softswitch.store.schema import leads, numbers, suppressions


async def add(connection: AsyncConnection, number: str, scope: str, reason: str) -> None:
    """Suppress an E.164 number and take its leads off the lists; suppressing twice keeps the newer reason."""
    ref = (await lists.number_refs(connection, {number: secrets.token_hex(16)}))[number]
    same = (suppressions.c.number_ref == ref, suppressions.c.scope == scope)
    await connection.execute(delete(suppressions).where(*same))
    row = {"number_ref": ref, "scope": scope, "reason": reason[:255], "added_at": datetime.now(UTC)}
    await connection.execute(insert(suppressions), row)
    # A lead that is being dialled is left to the dialler, which asks its suppression list in front of the wire.
    resting = [s.value for s in LeadState if s not in (LeadState.QUEUED, LeadState.DIALLING, LeadState.DONE)]
    of_number = [leads.c.number_ref == ref, leads.c.state.in_(resting)]
    if scope:
        of_number.append(leads.c.campaign == scope)
    await connection.execute(update(leads).where(*of_number).values(state=LeadState.SUPPRESSED.value))


async def numbers_for(engine: AsyncEngine, campaign: str) -> set[str]:
    """E.164 numbers that the campaign may not dial."""
    query = select(numbers.c.number).join(suppressions).where(suppressions.c.scope.in_(["", campaign]))
    async with engine.connect() as connection:
        return set((await connection.execute(query)).scalars())
