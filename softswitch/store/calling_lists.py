"""The store's face to those who dial: leads and their lists, callbacks, and the numbers that are locked for a while."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import cast

from sqlalchemy.ext.asyncio import AsyncConnection

from softswitch.dialler.alternatives import at
from softswitch.dialler.callbacks import Callback
from softswitch.dialler.lead import Lead, LeadState
from softswitch.errors import UsageError
from softswitch.store import alternatives, callbacks, lists, locked
from softswitch.store.call_records import CallRecordStore
from softswitch.store.keyed import KeyedNumbers
from softswitch.store.lead_rows import ImportReport
from softswitch.store.leads import LeadImport
from softswitch.store.new_leads import NewLead, NewLeads, add_leads
from softswitch.store.people import reading
from softswitch.store.refill import Refill
from softswitch.store.schema import leads
from softswitch.store.vault import Person, Vault


class CallingListStore(CallRecordStore):
    # Leads

    async def next_leads(
        self, campaign: str, count: int, wall: datetime, *, agent_guaranteed: bool = False, marketing: bool = False
    ) -> list[Lead]:
        """Up to `count` leads that may be tried at `wall`, marked QUEUED; callbacks first, then by priority.

        Numbers locked after an abandoned call or a machine are left out, unless an agent is guaranteed (Ofcom); those
        on the TPS list are suppressed where it is marketing (PECR 2003).
        """

        async def take(connection: AsyncConnection) -> list[Lead]:
            refill = Refill(connection, self._vault, campaign, wall, locked_too=agent_guaranteed, marketing=marketing)
            return await refill.take(count)

        # A power failure empties the hopper too; what is dialled of it is committed first, and this with it.
        return cast(list[Lead], await self._writer.run(take, lazy=True))

    async def due_callbacks(
        self, campaign: str, until: datetime, count: int = 100, *, marketing: bool = False
    ) -> list[Lead]:
        """Up to `count` leads whose callback falls due before `until`, marked QUEUED. Locks do not hold them back:
        each is dialled with an agent guaranteed for it."""

        async def take(connection: AsyncConnection) -> list[Lead]:
            refill = Refill(connection, self._vault, campaign, until, locked_too=True, marketing=marketing)
            return await refill.take(count, callbacks_only=True)

        return cast(list[Lead], await self._writer.run(take, lazy=True))

    async def make_callback(self, callback: Callback) -> None:
        """Keep a promise; an open one of the same lead is replaced."""

        async def work(connection: AsyncConnection) -> None:
            await callbacks.make(connection, callback)

        await self._writer.run(work)

    async def close_callback(self, lead_ref: str, came_to: str, at: datetime, call_ref: str = "") -> None:
        """What a lead's open callback came to; nothing where there is none."""

        async def work(connection: AsyncConnection) -> None:
            await callbacks.close(connection, lead_ref, came_to, at, call_ref)

        await self._writer.run(work)

    async def callbacks(
        self, campaign: str, came_to: Sequence[str] = ("",), limit: int = 100, since: datetime | None = None
    ) -> list[Callback]:
        """Callbacks that came to one of these (empty: open ones), the earliest first; from `since` on."""
        with reading():
            return await callbacks.of_campaign(self._engine, campaign, came_to=came_to, limit=limit, since=since)

    async def save_lead(self, lead: Lead) -> None:
        """Keep state, attempts, outcomes and the next moment of a lead; UsageError for an unknown one."""
        if not lead.numbers:
            await self._writer.execute(lists.UPDATE, lists.update_row_of(lead), [lists.entry_of(lead)])
            return

        async def work(connection: AsyncConnection) -> None:
            await lists.save(connection, lead)

        await self._writer.run(work)

    async def lock_number(self, number: str, until: datetime) -> None:
        """No attempt at the number before `until`, whichever campaign has it; a longer lock that stands is kept."""
        await self._writer.share(locked.lock, (self._vault.digest(number), until))

    async def locked_numbers(self, wall: datetime) -> "KeyedNumbers[datetime]":
        """Locks in force at `wall`: what the dialler's `NumberLocks` starts from."""
        with reading():
            return KeyedNumbers(self._vault.digest, await locked.standing(self._engine, wall))

    async def lead_counts(self, campaign: str) -> dict[LeadState, int]:
        """Leads by state."""
        with reading():
            return await lists.counts(self._engine, campaign)

    async def lead_totals(self, campaign: str) -> tuple[int, int]:
        """(leads that may still be tried, all leads)."""
        counts = await self.lead_counts(campaign)
        over = counts[LeadState.DONE] + counts[LeadState.SUPPRESSED] + counts[LeadState.FILTERED]
        return sum(counts.values()) - over, sum(counts.values())

    async def next_due(self, campaign: str, wall: datetime) -> datetime | None:
        """When, after `wall`, the first lead may be tried again on a list that is dialled; None: none waits so."""
        with reading():
            return await lists.next_due(self._engine, campaign, wall)

    async def lists_dialled(self) -> dict[str, frozenset[tuple[str, int, int]]]:
        """By campaign: reference, priority and share of the lists that were imported whole and do not rest."""
        with reading():
            return await lists.dialled(self._engine)

    async def numbers_of(self, campaign: str) -> dict[str, str]:
        """Every lead's E.164 number by lead_ref, for those who may match the store with a carrier's own records."""
        with reading():
            return await lists.numbers_of(self._engine, self._vault, campaign)

    async def import_leads(
        self,
        file: Path,
        campaign: str,
        *,
        country: str,
        time_zone: str,
        never_dial: Callable[[str], bool] | None = None,
        dry_run: bool = False,
        on_progress: Callable[[int, int], None] | None = None,
        marketing: bool = False,
    ) -> ImportReport:
        """Import a CSV file (see `store.leads`); a dry run reports the same and writes nothing."""

        async def standing(campaign: str, wanted: lists.Wanted) -> lists.Standing:
            return await self.standing(campaign, wanted, marketing=marketing)

        work = LeadImport(campaign, country=country, time_zone=time_zone, never_dial=never_dial)
        return await work.run(file, None if dry_run else self, standing=standing, on_progress=on_progress)

    async def standing(self, campaign: str, wanted: lists.Wanted, *, marketing: bool = False) -> lists.Standing:
        """Which of these numbers the campaign has already, and which are suppressed for it."""
        with reading():
            async with self._engine.connect() as connection:
                return await lists.standing(connection, self._vault, campaign, wanted, marketing=marketing)

    async def begin_list(self, campaign: str, name: str, file_digest: bytes = b"") -> str:
        """`list_ref` of a new list, or of the one that an import of the same file left incomplete."""
        fingerprint = self._vault.fingerprint(file_digest) if file_digest else ""

        async def work(connection: AsyncConnection) -> str:
            return await lists.begin_list(connection, campaign, name, fingerprint)

        return cast(str, await self._writer.run(work))

    async def incomplete_list(self, campaign: str, file_digest: bytes) -> str:
        """`list_ref` of what an import of this file left incomplete; empty where there is none."""
        with reading():
            async with self._engine.connect() as connection:
                return await lists.incomplete_list(connection, campaign, self._vault.fingerprint(file_digest))

    @property
    def vault(self) -> Vault:
        """For those who make leads that are to be added."""
        return self._vault

    async def add_leads(self, list_ref: str, campaign: str, new: NewLeads) -> None:
        """Add checked leads to a list in one transaction, durable once the list is complete."""

        async def work(connection: AsyncConnection) -> None:
            await add_leads(connection, self._vault, list_ref, campaign, new)

        await self._writer.run(work, lazy=True)

    async def lead_of_number(self, campaign: str, number: str, time_zone: str, list_name: str) -> tuple[Lead, str]:
        """The campaign's lead with this number; else a new one, and the `list_ref` of its list, of which nothing is
        dialled before it is complete. UsageError for a number that asked not to be called."""
        standing = await self.standing(campaign, [number])
        if standing.suppressed:
            raise UsageError("the number is on a suppression list")
        if standing.in_campaign:
            with reading():
                whose = (leads.c.campaign == campaign, alternatives.have(self._vault.digest(number)))
                async for row, person, numbers in lists.read_persons(self._engine, self._vault, *whose):
                    return at(lists.lead_of(row, person, numbers=numbers), number), ""
        list_ref = await self.begin_list(campaign, list_name)
        lead_ref = secrets.token_hex(16)
        lead = NewLead(lead_ref, number, time_zone, 0, {})
        sealed = self._vault.seal(lead_ref, Person(number, {}))
        await self.add_leads(list_ref, campaign, NewLeads.of([lead], [sealed]))
        return await self.lead(lead_ref), list_ref

    async def complete_list(self, list_ref: str) -> None:
        """All of it is there: from now on it is dialled."""

        async def work(connection: AsyncConnection) -> None:
            await lists.complete_list(connection, list_ref)

        await self._writer.run(work)

    async def lists(self, campaign: str = "") -> list[lists.LeadList]:
        """A campaign's lists, or all, in the order in which they came."""
        with reading():
            return await lists.all_lists(self._engine, campaign)

    async def change_list(self, list_ref: str, **values: int | bool) -> None:
        """Set `priority`, `share` or `active` of a list; UsageError for one that nobody has."""

        async def work(connection: AsyncConnection) -> None:
            await lists.change_list(connection, list_ref, **values)

        await self._writer.run(work)
