"""Lists and the leads on them: from import to done. `softswitch.store.refill` has what the hopper asks."""

import secrets
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Table, and_, bindparam, case, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.dialler.attempt import Disposition
from softswitch.dialler.lead import Lead, LeadState
from softswitch.errors import UsageError
from softswitch.safeguards.redaction import redact
from softswitch.store import alternatives, journal, suppression
from softswitch.store.journal import Entry, Kind
from softswitch.store.schema import ANY_TIME, lead_numbers, leads, lists, suppressions, vault, vault_keys
from softswitch.store.vault import SHREDDED, Person, Vault

PAGE = 1000
IN_ONE_QUERY = 500  # bound values; PostgreSQL and every SQLite since 3.32 take many more

NOBODY = Person("", {})

_IS_THERE_ANY = select(*(select(1).select_from(each).exists() for each in (leads, lead_numbers, suppressions)))
"""Each without a condition: the first row answers, however many there are of other campaigns and scopes."""

# Sets the columns that its row names.
UPDATE = update(leads).where(leads.c.lead_ref == bindparam("key"))


Wanted = Sequence[str] | Mapping[str, bytes]
"""Numbers; or each with its keyed hash, empty where it is not known."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store already says about some numbers."""

    in_campaign: frozenset[str]
    suppressed: frozenset[str]


@dataclass(frozen=True, slots=True)
class LeadList:
    """A list as people are told of it."""

    list_ref: str
    campaign: str
    name: str
    imported_at: datetime
    completed_at: datetime | None
    """None: its import was broken off, or goes on."""
    priority: int
    """Lists of a higher priority are dialled first."""
    share: int
    """Of the leads taken from lists of the same priority."""
    active: bool


def update_row_of(lead: Lead) -> dict[str, Any]:
    """For `UPDATE`; number and fields of a lead never change."""
    return {
        "key": lead.lead_ref,
        "state": lead.state.value,
        "priority": lead.priority,
        "attempts": lead.attempts,
        "not_before": lead.not_before or ANY_TIME,
        "last_outcome": str(lead.last_outcome),
        "outcomes": lead.outcomes,
        "time_zone": lead.time_zone,
        "callback_agent": lead.callback_agent,
        "turn": lead.turn if lead.numbers else None,
    }


def entry_of(lead: Lead, at: datetime | None = None) -> Entry:
    """The journal's, of a lead's new state.  at: when it came to that; now by default."""
    row = update_row_of(lead)
    told = {name: row[name] for name in ("state", "attempts", "last_outcome", "outcomes")}
    due = None if lead.not_before is None else lead.not_before.astimezone(UTC).isoformat()
    return Entry(
        Kind.LEAD, at or datetime.now(UTC), lead.campaign, "", lead.lead_ref, content={**told, "not_before": due}
    )


async def save(connection: AsyncConnection, lead: Lead, at: datetime | None = None) -> None:
    """Keep a lead's state and, where it has several numbers, what became of each. UsageError for an unknown one.

    at: when it came to that; now by default.
    """
    if not (await connection.execute(UPDATE, update_row_of(lead))).rowcount:
        raise UsageError("the store has no such lead")
    if lead.numbers:
        await alternatives.save(connection, lead)
    await journal.write(connection, [entry_of(lead, at)])


def of_campaign(campaign: str) -> ColumnElement[bool]:
    """Leads of a campaign, or (empty) of all, by their lists, so that the hopper's index serves."""
    query = select(lists.c.list_ref)
    return leads.c.list_ref.in_(query.where(lists.c.campaign == campaign) if campaign else query)


async def counts(engine: AsyncEngine, campaign: str) -> dict[LeadState, int]:
    """Leads by state; states that nobody is in count 0."""
    query = select(leads.c.state, func.count()).where(of_campaign(campaign)).group_by(leads.c.state)
    async with engine.connect() as connection:
        found = {row[0]: row[1] for row in await connection.execute(query)}
    return {state: found.get(state.value, 0) for state in LeadState}


def _is_dialled() -> ColumnElement[bool]:
    return and_(lists.c.active, lists.c.completed_at.is_not(None))


async def next_due(engine: AsyncEngine, campaign: str, wall: datetime) -> datetime | None:
    """When, after `wall`, the first lead may be tried again on a list that is dialled; None: none waits so."""
    theirs = select(lists.c.list_ref).where(lists.c.campaign == campaign, _is_dialled())
    states = [LeadState.WAITING.value, LeadState.CALLBACK.value]
    waiting = (leads.c.list_ref.in_(theirs), leads.c.state.in_(states), leads.c.not_before > wall)
    async with engine.connect() as connection:
        due: datetime | None = (await connection.execute(select(func.min(leads.c.not_before)).where(*waiting))).scalar()
    return due


async def dialled(engine: AsyncEngine) -> dict[str, frozenset[tuple[str, int, int]]]:
    """By campaign: reference, priority and share of the lists that files were imported to whole and that do not rest;
    not those of callers who are to be called back."""
    columns = (lists.c.campaign, lists.c.list_ref, lists.c.priority, lists.c.share)
    found: dict[str, set[tuple[str, int, int]]] = {}
    async with engine.connect() as connection:
        for row in await connection.execute(select(*columns).where(_is_dialled(), lists.c.fingerprint != "")):
            found.setdefault(row.campaign, set()).add((row.list_ref, row.priority, row.share))
    return {campaign: frozenset(theirs) for campaign, theirs in found.items()}


async def standing(
    connection: AsyncConnection, vault: Vault, campaign: str, wanted: Wanted, *, marketing: bool
) -> Standing:
    """Which of the numbers the campaign has, and which are suppressed for it."""
    if isinstance(wanted, Mapping):
        by_digest = {known or vault.digest(number): number for number, known in wanted.items()}
    else:
        by_digest = {vault.digest(number): number for number in wanted}
    scopes = suppression.scopes(campaign, marketing=marketing)
    held, suppressed = set[bytes](), set[bytes]()
    is_there_any = (await connection.execute(_IS_THERE_ANY)).one()
    if is_there_any[0]:
        held = await _among(connection, leads, leads.c.campaign, [campaign], list(by_digest))
    if is_there_any[1]:
        held |= await _among(connection, lead_numbers, lead_numbers.c.campaign, [campaign], list(by_digest))
    if is_there_any[2]:
        suppressed = await _among(connection, suppressions, suppressions.c.scope, scopes, list(by_digest))
    return Standing(
        frozenset(by_digest[digest] for digest in held), frozenset(by_digest[digest] for digest in suppressed)
    )


async def _among(
    connection: AsyncConnection, table: Table, scope: Column[Any], scopes: Sequence[str], digests: Sequence[bytes]
) -> set[bytes]:
    """Those of the digests that the table has in one of the scopes."""
    found: set[bytes] = set()
    for part in parts(digests):
        if connection.dialect.name != "sqlite":
            query = select(table.c.number_digest).where(table.c.number_digest.in_(part), scope.in_(scopes))
            found.update((await connection.execute(query)).scalars())
            continue
        marks, in_scope = ",".join("?" * len(part)), ",".join("?" * len(scopes))
        plain = (
            f"SELECT number_digest FROM {table.name} "  # noqa: S608  names of ours; the values are bound
            f"WHERE number_digest IN ({marks}) AND {scope.name} IN ({in_scope})"
        )
        found.update((await connection.exec_driver_sql(plain, (*part, *scopes))).scalars())
    return found


async def read_leads(
    engine: AsyncEngine, *conditions: ColumnElement[bool], with_sealed: bool = False
) -> AsyncIterator[Row[Any]]:
    """Leads in the order of import, a page at a time; with what the vault has of them."""
    last = 0
    query = select(leads).where(*conditions).order_by(leads.c.position).limit(PAGE)
    if with_sealed:
        query = (
            query.add_columns(vault.c.sealed, vault_keys.c.wrapped)
            .join(vault, vault.c.position == leads.c.position)
            .join(vault_keys, vault_keys.c.position == leads.c.position)
        )
    while True:
        async with engine.connect() as connection:
            rows = (await connection.execute(query.where(leads.c.position > last))).all()
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        last = rows[-1].position


async def read_persons(
    engine: AsyncEngine, keys: Vault, *conditions: ColumnElement[bool]
) -> AsyncIterator[tuple[Row[Any], Person, Sequence[Row[Any]]]]:
    """The same with who they are, personal data, and the rows of their numbers. Erased ones are left out."""
    async for row in read_leads(engine, *conditions, with_sealed=True):
        if row.wrapped == SHREDDED:
            continue
        theirs: dict[str, list[Row[Any]]] = {}
        if row.turn is not None:
            async with engine.connect() as connection:
                theirs = await alternatives.rows_of(connection, [row.lead_ref])
        yield row, keys.open(row.lead_ref, row.wrapped, row.sealed), theirs.get(row.lead_ref, [])


def lead_of(
    row: Row[Any],
    person: Person,
    state: LeadState | None = None,
    list_priority: int = 0,
    numbers: Sequence[Row[Any]] = (),
) -> Lead:
    """A lead as the dialler knows it; row: of `leads`, with anything behind.  numbers: rows of `lead_numbers`."""
    several = alternatives.numbers_of(numbers, (person.number, *person.others)) if numbers else ()
    return Lead(
        lead_ref=row.lead_ref,
        campaign=row.campaign,
        number=several[row.turn].number if several else person.number,
        time_zone=row.time_zone,
        state=state or LeadState(row.state),
        priority=row.priority,
        attempts=row.attempts,
        not_before=None if row.not_before == ANY_TIME else row.not_before,
        last_outcome=row.last_outcome,
        outcomes=row.outcomes,
        fields=person.fields,
        list_priority=list_priority,
        callback_agent=row.callback_agent,
        numbers=several,
    )


async def numbers_of(engine: AsyncEngine, keys: Vault, campaign: str) -> dict[str, str]:
    """Every lead's E.164 number, of several the first, by lead_ref; personal data."""
    found = read_persons(engine, keys, leads.c.campaign == campaign)
    return {row.lead_ref: person.number async for row, person, _ in found}


async def begin_list(connection: AsyncConnection, campaign: str, name: str, fingerprint: str) -> str:
    """The `list_ref` of a new list, or of the one that an import of the same file left incomplete."""
    if fingerprint and (known := await incomplete_list(connection, campaign, fingerprint)):
        return known
    list_ref = secrets.token_hex(8)
    row = {
        "list_ref": list_ref,
        "campaign": campaign,
        "name": redact(name)[:255],
        "imported_at": datetime.now(UTC),
        "completed_at": None,
        "fingerprint": fingerprint,
        "priority": 0,
        "share": 1,
        "active": True,
    }
    await connection.execute(insert(lists), row)
    return list_ref


async def incomplete_list(connection: AsyncConnection, campaign: str, fingerprint: str) -> str:
    """The `list_ref` of what an import of this file left incomplete; empty where there is none."""
    same = (lists.c.campaign == campaign, lists.c.fingerprint == fingerprint, lists.c.completed_at.is_(None))
    return (await connection.execute(select(lists.c.list_ref).where(*same))).scalar() or ""


async def complete_list(connection: AsyncConnection, list_ref: str) -> None:
    """From now on its leads may be dialled."""
    complete = update(lists).where(lists.c.list_ref == list_ref, lists.c.completed_at.is_(None))
    now = datetime.now(UTC)
    if (await connection.execute(complete.values(completed_at=now))).rowcount:
        campaign = (await connection.execute(select(lists.c.campaign).where(lists.c.list_ref == list_ref))).scalar_one()
        count = select(func.count()).select_from(leads).where(leads.c.list_ref == list_ref)
        told = {"list_ref": list_ref, "count": (await connection.execute(count)).scalar_one()}
        await journal.write(connection, [Entry(Kind.IMPORTED, now, campaign, content=told)])


async def change_list(connection: AsyncConnection, list_ref: str, **values: int | bool) -> None:
    """Set priority, share or active. UsageError for a list that nobody has."""
    changed = await connection.execute(update(lists).where(lists.c.list_ref == list_ref).values(**values))
    if not changed.rowcount:
        raise UsageError(f'there is no list "{list_ref}"')


async def all_lists(engine: AsyncEngine, campaign: str) -> list[LeadList]:
    """In the order in which they came; of every campaign when none is named."""
    columns = [lists.c[each.name] for each in dataclass_fields(LeadList)]
    query = select(*columns).order_by(lists.c.imported_at, lists.c.list_ref)
    if campaign:
        query = query.where(lists.c.campaign == campaign)
    async with engine.connect() as connection:
        return [LeadList(**row) for row in (await connection.execute(query)).mappings()]


def released_state() -> ColumnElement[str]:
    """The state of a lead that the hopper gave back: as it was before it was queued."""
    return case(
        (leads.c.last_outcome == Disposition.CALLBACK.value, LeadState.CALLBACK.value),  # also of one never tried
        (leads.c.attempts == 0, LeadState.NEW.value),
        else_=LeadState.WAITING.value,
    )


def parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The values in groups that one query takes."""
    return (values[n : n + IN_ONE_QUERY] for n in range(0, len(values), IN_ONE_QUERY))
