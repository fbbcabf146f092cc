"""Leads on their way into the store: column by column, as an import brings them, a thousand in a statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, compress, count, repeat
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Column, Table, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from softswitch.dialler.lead import LeadState
from softswitch.store.schema import ANY_TIME, lead_numbers, leads, vault, vault_keys
from softswitch.store.vault import SealedPerson, Vault

ROWS_IN_ONE_STATEMENT = 1000  # of half a dozen values: SQLite since 3.32 takes 32,766


class NewLead(NamedTuple):
    """A checked row of a CSV file, on its way into the store."""

    lead_ref: str
    number: str
    time_zone: str
    priority: int
    fields: dict[str, str]
    others: tuple[tuple[str, str], ...] = ()
    """(number, time zone) of those that are tried after the first."""


class NewLeads(NamedTuple):
    """Checked leads with what the vault made of each, column by column: a million of them are written by columns in a
    third of the time that an object for each takes."""

    lead_refs: Sequence[str]
    time_zones: Sequence[str]
    priorities: Sequence[int]
    digests: Sequence[bytes]
    wrapped: Sequence[bytes]
    sealed: Sequence[bytes]
    several: Sequence[NewLead] = ()
    """Those among them that have more than one number."""

    @classmethod
    def of(cls, new: Sequence[NewLead], persons: Sequence[SealedPerson]) -> "NewLeads":
        """persons: of each, in the same order; at least one."""
        lead_refs, _, time_zones, priorities, _, _ = zip(*new, strict=True)
        digests, wrapped, sealed = zip(*persons, strict=True)
        several = tuple(lead for lead in new if lead.others)
        return cls(lead_refs, time_zones, priorities, digests, wrapped, sealed, several)

    def __bool__(self) -> bool:
        return bool(self.lead_refs)

    def only(self, wanted: Sequence[bool]) -> "NewLeads":
        """Those of leads with one number each that are wanted."""
        columns: list[Any] = [tuple(compress(column, wanted)) for column in self[:6]]
        return NewLeads(*columns)


@dataclass(frozen=True, slots=True)
class Same:
    """A column that has one value in every row."""

    value: object


Values: TypeAlias = Sequence[Any] | Same


async def add_leads(connection: AsyncConnection, keys: Vault, list_ref: str, campaign: str, new: NewLeads) -> None:
    """Add checked leads, with what the vault made of each."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer at a time
        await connection.execute(text("LOCK TABLE vault_keys IN EXCLUSIVE MODE"))
    # Of the keys, for they are never deleted: a position is never another lead's.
    first = 1 + ((await connection.execute(select(func.max(vault_keys.c.position)))).scalar() or 0)
    positions = range(first, first + len(new.lead_refs))
    any_time = Same(_as_kept(connection, leads.c.not_before, ANY_TIME))
    nothing = Same(_as_kept(connection, leads.c.outcomes, {}))
    is_new, none, empty, whose = Same(LeadState.NEW.value), Same(0), Same(""), Same(campaign)
    turns: Values = Same(None)
    if new.several:
        with_several = {lead.lead_ref for lead in new.several}
        turns = [0 if lead_ref in with_several else None for lead_ref in new.lead_refs]
    await add_columns(
        connection,
        leads,
        positions, new.lead_refs, whose, Same(list_ref), new.digests, new.time_zones, is_new,
        new.priorities, none, any_time, empty, nothing, empty, turns,
    )  # fmt: skip
    await add_columns(connection, vault_keys, positions, new.wrapped)
    await add_columns(connection, vault, positions, new.sealed)
    theirs = [
        (lead.lead_ref, rank, keys.digest(number), zone)
        for lead in new.several
        for rank, (number, zone) in enumerate(((lead.number, lead.time_zone), *lead.others))
    ]
    if theirs:
        refs, ranks, digests, zones = zip(*theirs, strict=True)
        await add_columns(
            connection, lead_numbers, refs, ranks, whose, digests, zones, is_new, none, any_time, empty, nothing
        )


async def add_columns(connection: AsyncConnection, table: Table, *columns: Values) -> None:
    """Insert whole rows, told by the table's columns in their order, values in SQLite's form where it is SQLite.

    SQLite gets many rows in one statement, and works on them while Python goes on: SQLAlchemy's own way takes three
    times as long for a million leads.
    """
    told = [column for column in columns if not isinstance(column, Same)]
    if connection.dialect.name != "sqlite":
        names = [column.name for column in table.columns]
        every = (repeat(column.value) if isinstance(column, Same) else column for column in columns)
        rows = [dict(zip(names, row, strict=True)) for row in zip(*every, strict=False)]
        await connection.execute(insert(table), rows)
        return
    same = [column.value for column in columns if isinstance(column, Same)]
    which = tuple(isinstance(column, Same) for column in columns)
    for begin in range(0, len(told[0]), ROWS_IN_ONE_STATEMENT):
        part = [column[begin : begin + ROWS_IN_ONE_STATEMENT] for column in told]
        statement = _insertion(table.name, which, len(part[0]))
        await connection.exec_driver_sql(statement, (*same, *chain.from_iterable(zip(*part, strict=True))))


@lru_cache(maxsize=32)
def _insertion(table: str, same: tuple[bool, ...], rows: int) -> str:
    """SQLite's statement for so many rows.  same: of which columns the value is bound once, before all others."""
    once, each = count(1), count(1 + sum(same))
    shared = [f"?{next(once)}" if is_same else "" for is_same in same]
    values = ",".join(f"({','.join(one or f'?{next(each)}' for one in shared)})" for _ in range(rows))
    return f"INSERT INTO {table} VALUES {values}"  # noqa: S608  the table is ours, the values are bound


def _as_kept(connection: AsyncConnection, column: Column[Any], value: object) -> object:
    """A value as `add_columns` takes it."""
    if connection.dialect.name != "sqlite":
        return value
    bind = column.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)
    return value if bind is None else bind(value)
