"""Leads with several numbers: what the store keeps of each beside the vault, which alone has the numbers themselves.

`leads.turn` says whose turn it is; a lead with one number has none and no row here. `dialler.alternatives` decides.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, case, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from softswitch.dialler.lead import Lead, LeadNumber, LeadState
from softswitch.store import journal
from softswitch.store.journal import Entry, Kind
from softswitch.store.schema import ANY_TIME, lead_numbers, leads

IN_ONE_QUERY = 500
_WHICH = (lead_numbers.c.lead_ref == bindparam("key"), lead_numbers.c.rank == bindparam("at"))
_UPDATE = update(lead_numbers).where(*_WHICH)
_OVER = (LeadState.DONE.value, LeadState.SUPPRESSED.value)


def digest_in_turn() -> ColumnElement[bytes]:
    """Keyed hash of the number whose turn it is; for a query over `leads`."""
    column = lead_numbers.c
    other = select(column.number_digest).where(column.lead_ref == leads.c.lead_ref, column.rank == leads.c.turn)
    return case((leads.c.turn > 0, other.correlate(leads).scalar_subquery()), else_=leads.c.number_digest)


def have(digest: bytes) -> ColumnElement[bool]:
    """Leads that have this number, as the only one or as one of theirs."""
    theirs = select(lead_numbers.c.lead_ref).where(lead_numbers.c.number_digest == digest)
    return or_(leads.c.number_digest == digest, leads.c.lead_ref.in_(theirs))


async def rows_of(connection: AsyncConnection, lead_refs: Sequence[str]) -> dict[str, list[Row[Any]]]:
    """Rows of these leads, in order of rank."""
    found: dict[str, list[Row[Any]]] = {}
    for begin in range(0, len(lead_refs), IN_ONE_QUERY):
        query = select(lead_numbers).where(lead_numbers.c.lead_ref.in_(lead_refs[begin : begin + IN_ONE_QUERY]))
        for row in await connection.execute(query.order_by(lead_numbers.c.lead_ref, lead_numbers.c.rank)):
            found.setdefault(row.lead_ref, []).append(row)
    return found


def numbers_of(rows: Sequence[Row[Any]], numbers: Sequence[str]) -> tuple[LeadNumber, ...]:
    """rows, numbers: of one lead, in order of rank."""
    return tuple(
        LeadNumber(
            number=number,
            time_zone=row.time_zone,
            state=LeadState(row.state),
            attempts=row.attempts,
            not_before=None if row.not_before == ANY_TIME else row.not_before,
            last_outcome=row.last_outcome,
            outcomes=row.outcomes,
        )
        for row, number in zip(rows, numbers, strict=True)
    )


async def save(connection: AsyncConnection, lead: Lead) -> None:
    """What became of each number of a lead."""
    rows = [
        {
            "key": lead.lead_ref,
            "at": rank,
            "state": each.state.value,
            "attempts": each.attempts,
            "not_before": each.not_before or ANY_TIME,
            "last_outcome": each.last_outcome,
            "outcomes": each.outcomes,
        }
        for rank, each in enumerate(lead.numbers)
    ]
    await connection.execute(_UPDATE, rows)


async def pass_over(connection: AsyncConnection, lead: Row[Any], wall: datetime) -> None:
    """The number whose turn it is has been suppressed: the next one that is not out has it, or the lead is."""
    rows = (await rows_of(connection, [lead.lead_ref])).get(lead.lead_ref, [])
    await connection.execute(
        _UPDATE, {"key": lead.lead_ref, "at": lead.turn, "state": LeadState.SUPPRESSED.value, "not_before": ANY_TIME}
    )
    left = [row for row in rows if row.rank != lead.turn and row.state not in _OVER]
    if left:
        chosen = min(left, key=lambda row: (row.not_before, row.rank))
        is_new = lead.state == LeadState.NEW.value and chosen.not_before == ANY_TIME
        state = LeadState.NEW if is_new else LeadState.WAITING
        values = {"turn": chosen.rank, "time_zone": chosen.time_zone, "not_before": chosen.not_before}
    else:
        state, values = LeadState.SUPPRESSED, {}
    await connection.execute(
        update(leads).where(leads.c.lead_ref == lead.lead_ref).values(state=state.value, last_outcome="", **values)
    )
    entry = Entry(Kind.LEAD, wall, lead.campaign, "", lead.lead_ref, content={"state": state.value})
    await journal.write(connection, [entry])


async def digests_of(connection: AsyncConnection, lead_refs: Sequence[str]) -> dict[str, list[bytes]]:
    """Keyed hashes of all numbers of the leads that have several, in order of rank."""
    rows = await rows_of(connection, lead_refs)
    return {lead_ref: [row.number_digest for row in theirs] for lead_ref, theirs in rows.items()}


async def forget(connection: AsyncConnection, lead_refs: Sequence[str]) -> None:
    """Of leads that are erased."""
    for begin in range(0, len(lead_refs), IN_ONE_QUERY):
        part = lead_refs[begin : begin + IN_ONE_QUERY]
        await connection.execute(delete(lead_numbers).where(lead_numbers.c.lead_ref.in_(part)))
