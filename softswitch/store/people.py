"""The store's face to the vault: who a lead is, erasure, suppression. `Store` is this and the rest."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.dialler.lead import Lead
from softswitch.errors import UsageError
from softswitch.store import alternatives, erasure, lists, suppression
from softswitch.store.connection import plain_reason
from softswitch.store.erasure import Erasure
from softswitch.store.errors import StoreFailed
from softswitch.store.keyed import KeyedNumbers
from softswitch.store.schema import lead_numbers, leads
from softswitch.store.vault import Vault
from softswitch.store.vault_root import VaultStatus, read_status
from softswitch.store.writer import Writer


class PeopleStore:
    """A store's engine, writer and vault, and what is done with people."""

    def __init__(self, engine: AsyncEngine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault
        self._writer = Writer(engine)

    def digest(self, number: str) -> bytes:
        """The keyed hash under which a number is known again, and which says nothing of it without the vault's key."""
        return self._vault.digest(number)

    def note_key(self) -> bytes:
        """(32,) what this store's site seals its notes with while it runs; see `exchange.telephony.notes`."""
        return self._vault.note_key()

    async def vault_status(self) -> VaultStatus:
        """Which key the vault wants, and how much it holds."""
        with reading():
            return await read_status(self._engine)

    async def lead(self, lead_ref: str) -> Lead:
        """One lead with number and fields. UsageError for one that nobody has, or that was erased."""
        with reading():
            whose = leads.c.lead_ref == lead_ref
            async for row, person, numbers in lists.read_persons(self._engine, self._vault, whose):
                return lists.lead_of(row, person, numbers=numbers)
        raise UsageError(f'there is no lead "{lead_ref}", or it was erased')

    async def all_leads(self, campaign: str = "", *, persons: bool = False) -> AsyncIterator[Lead]:
        """Leads in the order of import, a page at a time; without `persons` number and fields are empty."""
        condition: ColumnElement[bool] = leads.c.campaign == campaign if campaign else true()
        with reading():
            if persons:
                async for row, person, numbers in lists.read_persons(self._engine, self._vault, condition):
                    yield lists.lead_of(row, person, numbers=numbers)
                return
            async for row in lists.read_leads(self._engine, condition):
                yield lists.lead_of(row, lists.NOBODY)

    async def field_names(self, campaign: str = "") -> list[str]:
        """Every field that a lead of the campaign has, in the order in which they come."""
        names: dict[str, None] = {}
        async for lead in self.all_leads(campaign, persons=True):
            names.update(dict.fromkeys(lead.fields))
        return list(names)

    async def most_numbers(self, campaign: str = "") -> int:
        """How many numbers a lead of the campaign has at most."""
        query = select(func.max(lead_numbers.c.rank))
        if campaign:
            query = query.where(lead_numbers.c.campaign == campaign)
        with reading():
            async with self._engine.connect() as connection:
                return 1 + ((await connection.execute(query)).scalar() or 0)

    # Erasure

    async def erase_number(self, number: str, reason: str, *, suppress: bool = True) -> Erasure:
        """Destroy every lead with this number; `scrub` then leaves nothing of their keys in the store's files."""
        return await self._erase(self._vault.digest(number), reason, suppress=suppress)

    async def erase_lead(self, lead_ref: str, reason: str, *, suppress: bool = True) -> Erasure:
        """The same by one of the person's leads. UsageError where there is none, or it was erased before."""
        with reading():
            digest = await erasure.digest_of(self._engine, lead_ref)
        if digest is None:
            raise UsageError(f'there is no lead "{lead_ref}", or it was erased before')
        return await self._erase(digest, reason, suppress=suppress)

    async def erase_leads(self, lead_refs: Sequence[str]) -> int:
        """Destroy these leads alone, as retention does when their time is over; how many there were."""

        async def work(connection: AsyncConnection) -> int:
            return await erasure.erase_leads(connection, lead_refs)

        return cast(int, await self._writer.run(work))

    async def leads_with(self, number: str) -> list[str]:
        """`lead_ref` of every lead that has the number."""
        query = select(leads.c.lead_ref).where(alternatives.have(self._vault.digest(number)))
        with reading():
            async with self._engine.connect() as connection:
                return list((await connection.execute(query)).scalars())

    async def scrub(self) -> None:
        """Leave nothing of destroyed keys in the store's log. StoreFailed where somebody reads it all the time."""
        with reading():
            await erasure.scrub(self._engine)

    async def _erase(self, digest: bytes, reason: str, *, suppress: bool) -> Erasure:
        async def work(connection: AsyncConnection) -> Erasure:
            return await erasure.erase_person(connection, digest, reason, suppress=suppress)

        return cast(Erasure, await self._writer.run(work))

    # Suppression

    async def suppress(self, number: str, scope: str = "", reason: str = "") -> None:
        """Never dial an E.164 number again, for a campaign (`scope`) or, with an empty scope, for the site."""
        digest = self._vault.digest(number)

        async def work(connection: AsyncConnection) -> None:
            await suppression.add(connection, digest, scope, reason)

        await self._writer.run(work)

    async def suppress_many(self, numbers: Sequence[str], scope: str = "", reason: str = "") -> int:
        """The same for many at once; how many were not suppressed before."""
        digests = [self._vault.digest(number) for number in numbers]

        async def work(connection: AsyncConnection) -> int:
            return await suppression.add_many(connection, digests, scope, reason)

        return cast(int, await self._writer.run(work))

    async def suppressed(self, campaign: str) -> KeyedNumbers[None]:
        """Numbers that the campaign may not dial, the site's included; the TPS list is asked in the store alone."""
        with reading():
            digests = await suppression.digests_for(self._engine, suppression.SITE)
            if campaign:
                digests |= await suppression.digests_for(self._engine, campaign)
        return KeyedNumbers(self._vault.digest, dict.fromkeys(digests))

    async def suppressed_since(self, moment: datetime) -> list[tuple[bytes, str]]:
        """(hash, scope) of the numbers suppressed at or after a moment, by whomever; the TPS list's left out."""
        with reading():
            return await suppression.since(self._engine, moment)

    async def begin_screening(self) -> None:
        """A TPS list is about to be taken over; until `end_screening` it counts as not taken."""
        await self._writer.run(suppression.begin_screening)

    async def end_screening(self, began_at: datetime) -> None:
        """It is there as a whole: what only the list before named is forgotten."""

        async def work(connection: AsyncConnection) -> None:
            await suppression.end_screening(connection, began_at)

        await self._writer.run(work)

    async def screened_at(self) -> datetime | None:
        """When the TPS list was last taken over; None where it never was."""
        with reading():
            return await suppression.screened_at(self._engine)


@contextmanager
def reading() -> Iterator[None]:
    """Errors of the database as ours."""
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreFailed(f"the store cannot be read: {plain_reason(error)}") from error
