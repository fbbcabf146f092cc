"""Putting the books right after a crash: calls that nobody can be talking on any more, leads that nobody holds.

A crash may not hide an abandoned call: whoever answered and was never bridged has heard nobody.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from softswitch.calls.outcome import Outcome
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.lead import LeadState
from softswitch.store import lists
from softswitch.store.schema import attempts, leads

ABANDONED_LOCK = timedelta(hours=72)  # Ofcom, persistent misuse policy
MACHINE_LOCK = timedelta(hours=24)  # Ofcom, persistent misuse policy
RETRY_AFTER = timedelta(minutes=15)
"""The callee's phone may have rung as we fell; not at once again."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a start found left over."""

    leads_released: int = 0
    attempts_closed: int = 0
    abandoned: int = 0


async def recover(connection: AsyncConnection, campaign: str, wall: datetime) -> Recovery:
    """Close the campaign's open attempts and release its queued leads. Only at start, before anything is dialled."""
    open_attempts = select(attempts).where(attempts.c.campaign == campaign, attempts.c.ended_at.is_(None))
    rows = (await connection.execute(open_attempts)).mappings().all()
    for row in rows:
        closing, lead = _closing(row, wall)
        await connection.execute(update(attempts).where(attempts.c.call_ref == row["call_ref"]).values(closing))
        await _settle(connection, row["lead_ref"], lead)
    held = [LeadState.QUEUED.value, LeadState.DIALLING.value]
    released = await connection.execute(
        update(leads).where(leads.c.campaign == campaign, leads.c.state.in_(held)).values(state=lists.released_state())
    )
    abandoned = sum(1 for row in rows if _closing(row, wall)[0].get("abandoned"))
    return Recovery(released.rowcount, len(rows), abandoned)


def _closing(row: RowMapping, wall: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an open attempt came to, and what follows for its lead."""
    answered = row["answered_at"] is not None
    ended: dict[str, Any]
    lead: dict[str, Any]
    if not answered:
        ended = {"outcome": Outcome.FAILED.value, "disposition": Disposition.FAILED.value}
        lead = {"state": LeadState.WAITING.value, "not_before": wall + RETRY_AFTER}
    elif row["bridged_at"] is not None:
        # Whether somebody cut off in a conversation may be rung again is for a person to decide.
        ended = {"disposition": row["disposition"] or Disposition.CONNECTED.value}
        lead = {"state": LeadState.DONE.value, "not_before": None}
    elif row["amd_verdict"].upper() == "MACHINE":
        ended = {"disposition": Disposition.MACHINE.value}
        lead = {"state": LeadState.WAITING.value, "not_before": wall + MACHINE_LOCK}
    else:
        ended = {"disposition": Disposition.ABANDONED.value, "abandoned": True}
        lead = {"state": LeadState.WAITING.value, "not_before": wall + ABANDONED_LOCK}
    if answered:
        ended["outcome"] = Outcome.ANSWERED.value
    return {**ended, "ended_at": wall}, {**lead, "last_outcome": ended["disposition"]}


async def _settle(connection: AsyncConnection, lead_ref: str, values: dict[str, Any]) -> None:
    made = select(func.count()).where(attempts.c.lead_ref == lead_ref).scalar_subquery()
    await connection.execute(update(leads).where(leads.c.lead_ref == lead_ref).values(**values, attempts=made))
    if values["last_outcome"] in (Disposition.ABANDONED.value, Disposition.MACHINE.value):
        await lists.lock_number(connection, lead_ref, values["not_before"])
