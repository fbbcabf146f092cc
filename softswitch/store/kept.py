"""What retention asks of the store: whose a call is, and which leads have been kept for long enough."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from softswitch.dialler.lead import LeadState
from softswitch.store.erasure import ERASED
from softswitch.store.lists import parts
from softswitch.store.schema import attempts, leads, lists

BUSY = (LeadState.QUEUED.value, LeadState.DIALLING.value)
"""In the dialler's hands at this moment: the next sweep looks again."""


async def campaigns_of(engine: AsyncEngine, call_refs: Sequence[str]) -> dict[str, str]:
    """Campaign by call, of those calls that the store knows."""
    found: dict[str, str] = {}
    async with engine.connect() as connection:
        for part in parts(call_refs):
            query = select(attempts.c.call_ref, attempts.c.campaign).where(attempts.c.call_ref.in_(part))
            found.update((row.call_ref, row.campaign) for row in await connection.execute(query))
    return found


async def leads_of(engine: AsyncEngine, call_refs: Sequence[str]) -> set[str]:
    """`lead_ref` of the leads that these calls were to."""
    found: set[str] = set()
    async with engine.connect() as connection:
        for part in parts(call_refs):
            query = select(attempts.c.lead_ref).where(attempts.c.call_ref.in_(part))
            found.update((await connection.execute(query)).scalars())
    return found


async def lead_campaigns(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return list(
            (await connection.execute(select(lists.c.campaign).distinct().order_by(lists.c.campaign))).scalars()
        )


async def leads_untouched_since(engine: AsyncEngine, campaign: str, moment: datetime) -> list[str]:
    """Leads, not erased, of lists imported before, with no attempt since: `lead_ref`, in the order of import."""
    last = select(func.max(attempts.c.committed_at)).where(attempts.c.lead_ref == leads.c.lead_ref).scalar_subquery()
    query = (
        select(leads.c.lead_ref)
        .join(lists, lists.c.list_ref == leads.c.list_ref)
        .where(
            leads.c.campaign == campaign,
            leads.c.last_outcome != ERASED,
            leads.c.state.not_in(BUSY),
            lists.c.imported_at < moment,
            func.coalesce(last, lists.c.imported_at) < moment,
        )
        .order_by(leads.c.position)
    )
    async with engine.connect() as connection:
        return list((await connection.execute(query)).scalars())
