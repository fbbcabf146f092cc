"""The store's face: what the switch, the web and the commands ask of it.

Every write goes through one `Writer` and is durable when its call returns; a write that fails raises `StoreFailed` and
leaves what was stored before as it was. Reads go their own way and never wait for a write.
"""

import secrets
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self, cast

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from softswitch.dialler.abandonment import DayCounts, FalsePositives
from softswitch.dialler.alternatives import at
from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.callbacks import Callback
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.compliance import ComplianceDay
from softswitch.dialler.detection import Truth
from softswitch.dialler.events import ReviewOffered
from softswitch.dialler.lead import Lead, LeadState
from softswitch.dialler.rules import RuleSet
from softswitch.errors import UsageError
from softswitch.store import (
    alternatives,
    amd_days,
    attempts,
    callbacks,
    compliance,
    erasure,
    interviews,
    journal,
    lists,
    locked,
    orders,
    reviews,
    verdicts,
    web_accounts,
)
from softswitch.store.connection import create_engine, migrate
from softswitch.store.keyed import KeyedNumbers
from softswitch.store.lead_rows import ImportReport
from softswitch.store.leads import LeadImport
from softswitch.store.people import reading
from softswitch.store.recovery import Recovery, recover
from softswitch.store.refill import Refill
from softswitch.store.safekeeping import SafekeepingStore
from softswitch.store.schema import leads, pulse
from softswitch.store.vault import Person, SealedPerson
from softswitch.store.vault_root import key_place, open_vault


class Store(SafekeepingStore):
    """An open store: `await Store.open(url)`, and `await store.close()` when done."""

    @classmethod
    async def open(cls, url: str, key_file: Path | None = None, *, locked: bool = False) -> Self:
        """Open and bring the schema to the newest revision; UsageError or StoreFailed with what to do.

        key_file: the vault's master key; left out, it is `vault.key` beside an SQLite store, and is made with a new
        one.  locked: without the key, for those who need no number and no name; what does raises `VaultLocked`.
        """
        engine = create_engine(url)
        try:
            place = None if locked else key_place(engine.url, key_file)
            await migrate(engine, place)
            vault = await open_vault(engine, place)
            store = cls(engine, vault)
        except BaseException:
            await engine.dispose()
            raise
        if place is not None:
            await erasure.finish_scrubbing(engine)
        return store

    async def close(self) -> None:
        """Finish the writes that wait; a second call does nothing."""
        await self._writer.close()
        await self._engine.dispose()

    async def check(self) -> None:
        """Write a little; StoreFailed when the store cannot. Tells an interlock when it may close again."""

        async def beat(connection: AsyncConnection) -> None:
            await connection.execute(delete(pulse))
            await connection.execute(insert(pulse), {"name": "store", "at": datetime.now(UTC)})

        await self._writer.run(beat)

    # The journal

    async def record(self, entry: journal.Entry) -> None:
        """Enter into the journal what no row of the store tells of: agents' states, campaigns'."""
        await self._writer.execute(journal.INSERT, journal.row_of(entry))

    async def latest(self, kind: journal.Kind, agent: str = "", limit: int = 100) -> list[journal.Entry]:
        """Of one kind, newest first."""
        with reading():
            return await journal.latest(self._engine, kind, agent, limit)

    async def journal(
        self, since: datetime | None = None, until: datetime | None = None, campaign: str = ""
    ) -> AsyncIterator[journal.Entry]:
        """Everything that happened in [since, until), in the order of writing; campaign: its own, and leads'."""
        with reading():
            async for entry in journal.read(self._engine, since, until, campaign):
                yield entry

    async def written_at(self, campaigns: Sequence[str] = ()) -> datetime | None:
        """The newest moment that the store knows of, by its pulse and these campaigns' attempts; None in a new one."""
        with reading():
            return await attempts.newest_moment(self._engine, campaigns)

    # Dial attempts

    async def commit_attempt(self, attempt: DialAttempt) -> None:
        """Keep a new attempt; durable on return, and only then may its INVITE leave."""
        await self._writer.execute(attempts.INSERT, attempts.row_of(attempt), attempts.entries_of_new(attempt))

    async def save_attempt(self, attempt: DialAttempt) -> None:
        """Replace what is known of a committed attempt; UsageError for one that never was committed."""
        await self._writer.share(attempts.save, (attempt, datetime.now(UTC)))

    async def attempt(self, call_ref: str) -> DialAttempt | None:
        """One attempt, or None."""
        with reading():
            return await attempts.find(self._engine, call_ref)

    async def attempts(self, campaign: str = "", limit: int = 100, offset: int = 0) -> list[DialAttempt]:
        """A page of attempts, newest first; of every campaign when none is named."""
        with reading():
            return await attempts.page(self._engine, campaign, limit, offset)

    async def attempts_between(
        self, campaign: str = "", since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[DialAttempt]:
        """Every attempt committed in [since, until), oldest first, a page at a time."""
        with reading():
            async for attempt in attempts.between(self._engine, campaign, since, until):
                yield attempt

    async def attempt_counts(self, campaign: str, day: date, time_zone: str) -> DayCounts:
        """What the abandonment ledger starts from: the counts of a calendar day of the site's time zone."""
        with reading():
            return await attempts.day_counts(self._engine, campaign, day, time_zone)

    async def compliance_day(self, campaign: Campaign, rules: RuleSet, day: date, time_zone: str) -> ComplianceDay:
        """A campaign's calendar day held against the rules."""
        with reading():
            return await compliance.of_campaign(self._engine, campaign, rules, day, time_zone)

    async def campaigns_of(self, day: date, time_zone: str) -> list[str]:
        """Every campaign that dialled on a day."""
        with reading():
            return await compliance.campaigns_of(self._engine, day, time_zone)

    # Verdicts and their reviews

    async def keep_verdict(self, verdict: verdicts.KeptVerdict) -> None:
        """Keep what the detector found in a call, after what it found before."""

        async def work(connection: AsyncConnection) -> None:
            await verdicts.keep(connection, verdict)

        await self._writer.run(work)

    async def verdicts_of(self, call_ref: str) -> list[verdicts.KeptVerdict]:
        """All verdicts of a call, in order."""
        with reading():
            return await verdicts.of_call(self._engine, call_ref)

    async def offer_review(self, offered: ReviewOffered) -> None:
        """Enter a call that a verdict ended among those of which some are reviewed."""

        async def work(connection: AsyncConnection) -> None:
            await reviews.offer(connection, offered)

        await self._writer.run(work)

    async def reviews_waiting(
        self, campaign: str, draw: reviews.Draw, since: date, until: date
    ) -> list[reviews.Review]:
        """Calls of the days [since, until] that were drawn and that nobody has judged, the newest day first."""
        with reading():
            return await reviews.waiting(self._engine, campaign, draw, since, until)

    async def review(self, call_ref: str) -> reviews.Review | None:
        with reading():
            return await reviews.find(self._engine, call_ref)

    async def judge(self, call_ref: str, truth: Truth, reviewer: str, at: datetime, draw: reviews.Draw) -> None:
        """Keep what a reviewer heard; UsageError for a call that was not drawn."""

        async def work(connection: AsyncConnection) -> None:
            await reviews.judge(connection, call_ref, truth, reviewer, at, draw)

        await self._writer.run(work)

    async def false_positives(self, campaign: Campaign, day: date, prior: float) -> FalsePositives:
        """The share of a campaign's verdicts that hung up on people, as far as it is known on a day."""
        with reading():
            return await amd_days.false_positives(self._engine, campaign, day, prior)

    async def amd_day(self, campaign: Campaign, day: date, time_zone: str, prior: float) -> amd_days.AmdDay:
        """A day of detection in figures."""
        with reading():
            return await amd_days.amd_day(self._engine, campaign, day, time_zone, prior)

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

        return cast(list[Lead], await self._writer.run(take))

    async def due_callbacks(
        self, campaign: str, until: datetime, count: int = 100, *, marketing: bool = False
    ) -> list[Lead]:
        """Up to `count` leads whose callback falls due before `until`, marked QUEUED. Locks do not hold them back
        here: the dialler waits for them."""

        async def take(connection: AsyncConnection) -> list[Lead]:
            refill = Refill(connection, self._vault, campaign, until, locked_too=True, marketing=marketing)
            return await refill.take(count, callbacks_only=True)

        return cast(list[Lead], await self._writer.run(take))

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
            await lists.save_with_numbers(connection, lead)

        await self._writer.run(work)

    async def lock_number(self, number: str, until: datetime) -> None:
        """No attempt at the number before `until`, whichever campaign has it; a longer lock that stands is kept."""

        async def work(connection: AsyncConnection) -> None:
            await locked.lock(connection, self._vault.digest(number), until)

        await self._writer.run(work)

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

    async def numbers_of(self, campaign: str) -> dict[str, str]:
        """Every lead's E.164 number by lead_ref, for those who may match the store with a carrier's own records."""
        with reading():
            return await lists.numbers_of(self._engine, self._vault, campaign)

    async def next_due(self, campaign: str) -> datetime | None:
        """When the first waiting lead may be tried again."""
        with reading():
            return await lists.next_due(self._engine, campaign)

    async def release_leads(
        self, campaign: str = "", wall: datetime | None = None, going_on: Collection[str] = ()
    ) -> Recovery:
        """At start, for a campaign or for all: close attempts that a crash left open, give queued leads back.

        `store.recovery` has the rules. going_on: `call_ref` of calls that the crash did not end.
        """

        async def work(connection: AsyncConnection) -> Recovery:
            return await recover(connection, campaign, wall or datetime.now(UTC), going_on)

        return cast(Recovery, await self._writer.run(work))

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

        async def standing(campaign: str, wanted: Sequence[str]) -> lists.Standing:
            return await self.standing(campaign, wanted, marketing=marketing)

        work = LeadImport(campaign, country=country, time_zone=time_zone, never_dial=never_dial)
        return await work.run(file, None if dry_run else self, standing=standing, on_progress=on_progress)

    async def standing(self, campaign: str, wanted: Sequence[str], *, marketing: bool = False) -> lists.Standing:
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

    def seal(self, new: Sequence[lists.NewLead]) -> list[SealedPerson]:
        """What the vault makes of new leads; takes 10 us each, so in a thread beside the loop."""
        return [
            self._vault.seal(
                each.lead_ref, Person(each.number, each.fields, tuple(number for number, _ in each.others))
            )
            for each in new
        ]

    async def add_leads(
        self,
        list_ref: str,
        campaign: str,
        new: Sequence[lists.NewLead],
        sealed: Sequence[SealedPerson] | None = None,
    ) -> None:
        """Add checked leads to a list in one transaction."""
        persons = self.seal(new) if sealed is None else sealed

        async def work(connection: AsyncConnection) -> None:
            await lists.add_leads(connection, self._vault, list_ref, campaign, new, persons)

        await self._writer.run(work)

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
        await self.add_leads(list_ref, campaign, [lists.NewLead(lead_ref, number, time_zone, 0, {})])
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

    # Campaigns

    async def keep_order(self, campaign: str, wanted: str) -> None:
        """What a campaign is told: "running", "paused" or "stopped"."""

        async def work(connection: AsyncConnection) -> None:
            await orders.keep(connection, campaign, wanted)

        await self._writer.run(work)

    async def campaign_orders(self) -> dict[str, str]:
        """What each campaign was told last, by name."""
        with reading():
            return await orders.all_orders(self._engine)

    # Interviews

    async def keep_interview(self, kept: interviews.KeptInterview) -> None:
        """Keep an interview as it stands, with what it counts for in its quotas; an older state than the kept one
        changes nothing."""

        async def work(connection: AsyncConnection) -> None:
            await interviews.keep(connection, kept)

        await self._writer.run(work)

    async def forget_interview(self, call_ref: str) -> None:
        async def work(connection: AsyncConnection) -> None:
            await interviews.forget(connection, call_ref)

        await self._writer.run(work)

    async def interviews_going_on(self) -> list[interviews.KeptInterview]:
        with reading():
            return await interviews.going_on(self._engine)

    async def interviews_of(self, campaign: str) -> AsyncIterator[interviews.KeptInterview]:
        """Every interview of a campaign that has ended."""
        with reading():
            async for kept in interviews.of_campaign(self._engine, campaign):
                yield kept

    async def quotas_filled(self, campaign: str, script: str) -> dict[str, int]:
        """Complete interviews by cell."""
        with reading():
            return await interviews.filled(self._engine, campaign, script)

    async def final_dispositions(self, campaign: str) -> dict[str, list[tuple[str, str, bool]]]:
        """What each lead's attempts came to, for AAPOR's rates; see `store.interviews.dispositions`."""
        with reading():
            return await interviews.dispositions(self._engine, campaign)

    # Accounts of the web

    async def account(self, name: str) -> tuple[str, str] | None:
        """(password hash, role), or None for an unknown name."""
        with reading():
            return await web_accounts.find(self._engine, name)

    async def add_account(self, name: str, password_hash: str, role: str) -> None:
        """Add an account, or replace the password and the role of the one that has this name."""

        async def work(connection: AsyncConnection) -> None:
            await web_accounts.put(connection, name, password_hash, role)

        await self._writer.run(work)

    async def person(self, name: str) -> web_accounts.PersonRow | None:
        """The whole account, or None for an unknown name."""
        with reading():
            return await web_accounts.find_person(self._engine, name)

    async def people(self) -> list[web_accounts.PersonRow]:
        with reading():
            return await web_accounts.all_people(self._engine)

    async def set_totp(self, name: str, totp: str) -> bool:
        """Set, or with an empty one remove, the encrypted secret of the second factor; False for an unknown name."""
        return await self._change_account(lambda connection: web_accounts.set_totp(connection, name, totp))

    async def use_totp_step(self, name: str, step: int) -> bool:
        """Spend a code of the second factor; False where it, or a newer one, was spent before."""
        return await self._change_account(lambda connection: web_accounts.use_totp_step(connection, name, step))

    async def set_disabled(self, name: str, disabled: bool) -> bool:
        """Shut or open an account; False for an unknown name."""
        return await self._change_account(lambda connection: web_accounts.set_disabled(connection, name, disabled))

    async def _change_account(self, change: Callable[[AsyncConnection], Coroutine[Any, Any, bool]]) -> bool:
        async def work(connection: AsyncConnection) -> bool:
            return await change(connection)

        return cast(bool, await self._writer.run(work))

    async def accounts(self) -> list[str]:
        """Every name."""
        with reading():
            return await web_accounts.names(self._engine)
