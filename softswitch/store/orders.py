"""What people told each campaign last. It outlives the process, so that a campaign that was stopped stays stopped."""

from datetime import UTC, datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.store.schema import campaign_orders


async def keep(connection: AsyncConnection, campaign: str, wanted: str) -> None:
    """In place of what the campaign was told before. wanted: "running", "paused" or "stopped"."""
    await connection.execute(delete(campaign_orders).where(campaign_orders.c.campaign == campaign))
    row = {"campaign": campaign, "wanted": wanted, "ordered_at": datetime.now(UTC)}
    await connection.execute(insert(campaign_orders), row)


async def all_orders(engine: AsyncEngine) -> dict[str, str]:
    """By campaign; one that nobody has told anything is not in it."""
    async with engine.connect() as connection:
        rows = await connection.execute(select(campaign_orders.c.campaign, campaign_orders.c.wanted))
        return {row.campaign: row.wanted for row in rows}
