"""Lists and their leads: from import to hopper to done."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, bindparam, case, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.dialler.attempt import Disposition
from softswitch.dialler.lead import Lead, LeadState
from softswitch.store.schema import leads, lists, numbers, suppressions

_DIALLABLE = (LeadState.NEW, LeadState.WAITING, LeadState.CALLBACK)
IN_ONE_QUERY = 500  # bound values; PostgreSQL and every SQLite since 3.32 take many more

# Sets the columns that its row names.
UPDATE = update(leads).where(leads.c.lead_ref == bindparam("key"))


@dataclass(frozen=True, slots=True)
class NewLead:
    """A checked row of a CSV file, on its way into the store."""

    lead_ref: str
    number_ref: str
    """Used where the store does not have the number yet."""
    number: str
    time_zone: str
    priority: int
    fields: dict[str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store already says about some numbers."""

    in_campaign: frozenset[str]
    suppressed: frozenset[str]


def update_row_of(lead: Lead) -> dict[str, Any]:
    """For `UPDATE`; number and fields of a lead never change."""
    return {
        "key": lead.lead_ref,
        "state": lead.state.value,
        "priority": lead.priority,
        "attempts": lead.attempts,
        "not_before": lead.not_before,
        "last_outcome": str(lead.last_outcome),
        "outcomes": lead.outcomes,
        "time_zone": lead.time_zone,
    }


async def lock_number(connection: AsyncConnection, number: str, until: datetime) -> None:
    """No attempt at the number before `until`, whichever campaign has it; a longer lock that stands is kept."""
    ref = (await number_refs(connection, {number: secrets.token_hex(16)}))[number]
    shorter = or_(numbers.c.locked_until.is_(None), numbers.c.locked_until < until)
    await connection.execute(update(numbers).where(numbers.c.number_ref == ref, shorter).values(locked_until=until))


async def locked(engine: AsyncEngine, wall: datetime) -> dict[str, datetime]:
    """Locks in force, by number."""
    query = select(numbers.c.number, numbers.c.locked_until).where(numbers.c.locked_until > wall)
    async with engine.connect() as connection:
        return {row.number: row.locked_until for row in await connection.execute(query)}


async def take(
    connection: AsyncConnection, campaign: str, count: int, wall: datetime, *, locked_too: bool
) -> list[Lead]:
    """Mark up to `count` leads that may be dialled as QUEUED and return them: callbacks that are due come first."""
    column = leads.c
    free: ColumnElement[bool] = or_(numbers.c.locked_until.is_(None), numbers.c.locked_until <= wall)
    suppressed = exists().where(
        suppressions.c.number_ref == column.number_ref, suppressions.c.scope.in_(["", campaign])
    )
    found: list[RowMapping] = []
    for state in _DIALLABLE:  # one query for each state: in this form the index gives the order
        query = (
            select(leads, numbers.c.number)
            .join(numbers, numbers.c.number_ref == column.number_ref)
            .where(column.campaign == campaign, column.state == state.value, ~suppressed)
            .where(or_(column.not_before.is_(None), column.not_before <= wall))
            .order_by(column.priority.desc(), column.position)
            .limit(count)
            .with_for_update(skip_locked=True, of=leads)
        )
        rows = (await connection.execute(query if locked_too else query.where(free))).mappings().all()
        found.extend(rows)
    found.sort(key=lambda row: (row["state"] != LeadState.CALLBACK.value, -row["priority"], row["position"]))
    taken = [_queued(row) for row in found[:count]]
    for part in _parts([lead.lead_ref for lead in taken]):
        await connection.execute(update(leads).where(column.lead_ref.in_(part)).values(state=LeadState.QUEUED.value))
    return taken


def _queued(row: RowMapping) -> Lead:
    return Lead(
        lead_ref=row["lead_ref"],
        campaign=row["campaign"],
        number=row["number"],
        time_zone=row["time_zone"],
        state=LeadState.QUEUED,
        priority=row["priority"],
        attempts=row["attempts"],
        not_before=row["not_before"],
        last_outcome=row["last_outcome"],
        outcomes=row["outcomes"],
        fields=row["fields"],
    )


async def counts(engine: AsyncEngine, campaign: str) -> dict[LeadState, int]:
    """Leads by state; states that nobody is in count 0."""
    query = select(leads.c.state, func.count()).where(leads.c.campaign == campaign).group_by(leads.c.state)
    async with engine.connect() as connection:
        found = {row[0]: row[1] for row in await connection.execute(query)}
    return {state: found.get(state.value, 0) for state in LeadState}


async def next_due(engine: AsyncEngine, campaign: str) -> datetime | None:
    """When the first waiting lead may be tried again; None when none waits."""
    states = [LeadState.WAITING.value, LeadState.CALLBACK.value]
    query = select(func.min(leads.c.not_before)).where(leads.c.campaign == campaign, leads.c.state.in_(states))
    async with engine.connect() as connection:
        due: datetime | None = (await connection.execute(query)).scalar_one()
    return due


async def standing(connection: AsyncConnection, campaign: str, wanted: Sequence[str]) -> Standing:
    """Which of the numbers the campaign has, and which are suppressed for it."""
    held: set[str] = set()
    suppressed: set[str] = set()
    for part in _parts(wanted):
        by_lead = select(numbers.c.number).join(leads).where(leads.c.campaign == campaign, numbers.c.number.in_(part))
        held.update((await connection.execute(by_lead)).scalars())
        by_suppression = (
            select(numbers.c.number)
            .join(suppressions)
            .where(suppressions.c.scope.in_(["", campaign]), numbers.c.number.in_(part))
        )
        suppressed.update((await connection.execute(by_suppression)).scalars())
    return Standing(frozenset(held), frozenset(suppressed))


async def numbers_of(engine: AsyncEngine, campaign: str) -> dict[str, str]:
    """Every lead's E.164 number by lead_ref; personal data."""
    query = select(leads.c.lead_ref, numbers.c.number).join(numbers).where(leads.c.campaign == campaign)
    async with engine.connect() as connection:
        return {row.lead_ref: row.number for row in await connection.execute(query)}


async def add_list(connection: AsyncConnection, list_ref: str, campaign: str, name: str) -> None:
    row = {"list_ref": list_ref, "campaign": campaign, "name": name[:255], "imported_at": datetime.now(UTC)}
    await connection.execute(insert(lists), row)


async def add_leads(connection: AsyncConnection, list_ref: str, campaign: str, new: Sequence[NewLead]) -> None:
    """Numbers that another campaign or the suppression list holds keep their reference."""
    refs = await number_refs(connection, {lead.number: lead.number_ref for lead in new})
    rows = [
        {
            "lead_ref": lead.lead_ref,
            "campaign": campaign,
            "list_ref": list_ref,
            "number_ref": refs[lead.number],
            "time_zone": lead.time_zone,
            "state": LeadState.NEW.value,
            "priority": lead.priority,
            "attempts": 0,
            "not_before": None,
            "last_outcome": "",
            "outcomes": {},
            "fields": lead.fields,
        }
        for lead in new
    ]
    if rows:
        await connection.execute(insert(leads), rows)


async def number_refs(connection: AsyncConnection, wanted: Mapping[str, str]) -> dict[str, str]:
    """References of numbers, each added under the proposed reference where the store does not have it."""
    refs: dict[str, str] = {}
    for part in _parts(list(wanted)):
        query = select(numbers.c.number, numbers.c.number_ref).where(numbers.c.number.in_(part))
        refs.update({row.number: row.number_ref for row in await connection.execute(query)})
    missing = [{"number": number, "number_ref": ref} for number, ref in wanted.items() if number not in refs]
    if missing:
        await connection.execute(insert(numbers), missing)
        refs.update({row["number"]: row["number_ref"] for row in missing})
    return refs


def released_state() -> ColumnElement[str]:
    """The state of a lead that the hopper gave back: as it was before it was queued."""
    return case(
        (leads.c.attempts == 0, LeadState.NEW.value),
        (leads.c.last_outcome == Disposition.CALLBACK.value, LeadState.CALLBACK.value),
        else_=LeadState.WAITING.value,
    )


def _parts(values: Sequence[str]) -> list[Sequence[str]]:
    return [values[n : n + IN_ONE_QUERY] for n in range(0, len(values), IN_ONE_QUERY)]
