"""The store's face: what the switch, the web and the commands ask of it.

Every write goes through one `Writer` and is durable when its call returns; a write that fails raises `StoreFailed` and
leaves what was stored before as it was. Reads go their own way and never wait for a write.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self, cast

from sqlalchemy import delete, insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.dialler.abandonment import DayCounts, FalsePositives
from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.detection import Truth
from softswitch.dialler.events import ReviewOffered
from softswitch.dialler.lead import Lead, LeadState
from softswitch.store import amd_days, attempts, lists, reviews, suppression, verdicts, web_accounts
from softswitch.store.connection import create_engine, migrate, plain_reason
from softswitch.store.errors import StoreFailed
from softswitch.store.leads import ImportReport, LeadImport
from softswitch.store.recovery import Recovery, recover
from softswitch.store.schema import pulse
from softswitch.store.writer import Writer


class Store:
    """An open store: `await Store.open(url)`, and `await store.close()` when done."""

    def __init__(self, engine: AsyncEngine) -> None:
        """Use `open`."""
        self._engine = engine
        self._writer = Writer(engine)

    @classmethod
    async def open(cls, url: str) -> Self:
        """Open and bring the schema to the newest revision; UsageError or StoreFailed with what to do."""
        engine = create_engine(url)
        try:
            await migrate(engine)
        except BaseException:
            await engine.dispose()
            raise
        return cls(engine)

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

    # Dial attempts

    async def commit_attempt(self, attempt: DialAttempt) -> None:
        """Keep a new attempt; durable on return, and only then may its INVITE leave."""
        await self._writer.execute(attempts.INSERT, attempts.row_of(attempt))

    async def save_attempt(self, attempt: DialAttempt) -> None:
        """Replace what is known of a committed attempt; UsageError for one that never was committed."""
        await self._writer.execute(attempts.UPDATE, attempts.update_row_of(attempt))

    async def attempt(self, call_ref: str) -> DialAttempt | None:
        """One attempt, or None."""
        with _reading():
            return await attempts.find(self._engine, call_ref)

    async def attempts(self, campaign: str = "", limit: int = 100, offset: int = 0) -> list[DialAttempt]:
        """A page of attempts, newest first; of every campaign when none is named."""
        with _reading():
            return await attempts.page(self._engine, campaign, limit, offset)

    async def attempts_between(
        self, campaign: str = "", since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[DialAttempt]:
        """Every attempt committed in [since, until), oldest first, a page at a time."""
        with _reading():
            async for attempt in attempts.between(self._engine, campaign, since, until):
                yield attempt

    async def attempt_counts(self, campaign: str, day: date, time_zone: str) -> DayCounts:
        """What the abandonment ledger starts from: the counts of a calendar day of the site's time zone."""
        with _reading():
            return await attempts.day_counts(self._engine, campaign, day, time_zone)

    # Verdicts and their reviews

    async def keep_verdict(self, verdict: verdicts.KeptVerdict) -> None:
        """Keep what the detector found in a call, after what it found before."""

        async def work(connection: AsyncConnection) -> None:
            await verdicts.keep(connection, verdict)

        await self._writer.run(work)

    async def verdicts_of(self, call_ref: str) -> list[verdicts.KeptVerdict]:
        """All verdicts of a call, in order."""
        with _reading():
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
        with _reading():
            return await reviews.waiting(self._engine, campaign, draw, since, until)

    async def review(self, call_ref: str) -> reviews.Review | None:
        with _reading():
            return await reviews.find(self._engine, call_ref)

    async def judge(self, call_ref: str, truth: Truth, reviewer: str, at: datetime, draw: reviews.Draw) -> None:
        """Keep what a reviewer heard; UsageError for a call that was not drawn."""

        async def work(connection: AsyncConnection) -> None:
            await reviews.judge(connection, call_ref, truth, reviewer, at, draw)

        await self._writer.run(work)

    async def false_positives(self, campaign: Campaign, day: date, prior: float) -> FalsePositives:
        """The share of a campaign's verdicts that hung up on people, as far as it is known on a day."""
        with _reading():
            return await amd_days.false_positives(self._engine, campaign, day, prior)

    async def amd_day(self, campaign: Campaign, day: date, time_zone: str, prior: float) -> amd_days.AmdDay:
        """A day of detection in figures."""
        with _reading():
            return await amd_days.amd_day(self._engine, campaign, day, time_zone, prior)

    # Leads

    async def next_leads(
        self, campaign: str, count: int, wall: datetime, *, agent_guaranteed: bool = False
    ) -> list[Lead]:
        """Up to `count` leads that may be tried at `wall`, marked QUEUED; callbacks first, then by priority.

        Numbers locked after an abandoned call or a machine are left out, unless an agent is guaranteed (Ofcom).
        """

        async def take(connection: AsyncConnection) -> list[Lead]:
            return await lists.take(connection, campaign, count, wall, locked_too=agent_guaranteed)

        return cast(list[Lead], await self._writer.run(take))

    async def save_lead(self, lead: Lead) -> None:
        """Keep state, attempts, outcomes and the next moment of a lead; UsageError for an unknown one."""
        await self._writer.execute(lists.UPDATE, lists.update_row_of(lead))

    async def lock_number(self, number: str, until: datetime) -> None:
        """No attempt at the number before `until`, whichever campaign has it; a longer lock that stands is kept."""

        async def work(connection: AsyncConnection) -> None:
            await lists.lock_number(connection, number, until)

        await self._writer.run(work)

    async def locked_numbers(self, wall: datetime) -> dict[str, datetime]:
        """Locks in force at `wall`, by number: what the dialler's `NumberLocks` starts from."""
        with _reading():
            return await lists.locked(self._engine, wall)

    async def lead_counts(self, campaign: str) -> dict[LeadState, int]:
        """Leads by state."""
        with _reading():
            return await lists.counts(self._engine, campaign)

    async def lead_totals(self, campaign: str) -> tuple[int, int]:
        """(leads that may still be tried, all leads)."""
        counts = await self.lead_counts(campaign)
        over = counts[LeadState.DONE] + counts[LeadState.SUPPRESSED]
        return sum(counts.values()) - over, sum(counts.values())

    async def numbers_of(self, campaign: str) -> dict[str, str]:
        """Every lead's E.164 number by lead_ref, for those who may match the store with a carrier's own records."""
        with _reading():
            return await lists.numbers_of(self._engine, campaign)

    async def next_due(self, campaign: str) -> datetime | None:
        """When the first waiting lead may be tried again."""
        with _reading():
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
    ) -> ImportReport:
        """Import a CSV file (see `store.leads`); a dry run reports the same and writes nothing."""
        work = LeadImport(campaign, country=country, time_zone=time_zone, never_dial=never_dial)
        return await work.run(file, None if dry_run else self, standing=self.standing, on_progress=on_progress)

    async def standing(self, campaign: str, wanted: Sequence[str]) -> lists.Standing:
        """Which of these numbers the campaign has already, and which are suppressed for it."""
        with _reading():
            async with self._engine.connect() as connection:
                return await lists.standing(connection, campaign, wanted)

    async def add_list(self, list_ref: str, campaign: str, name: str) -> None:
        async def work(connection: AsyncConnection) -> None:
            await lists.add_list(connection, list_ref, campaign, name)

        await self._writer.run(work)

    async def add_leads(self, list_ref: str, campaign: str, new: Sequence[lists.NewLead]) -> None:
        """Add checked leads to a list in one transaction."""

        async def work(connection: AsyncConnection) -> None:
            await lists.add_leads(connection, list_ref, campaign, new)

        await self._writer.run(work)

    # Suppression

    async def suppress(self, number: str, scope: str = "", reason: str = "") -> None:
        """Never dial an E.164 number again, for a campaign (`scope`) or, with an empty scope, for the site."""

        async def work(connection: AsyncConnection) -> None:
            await suppression.add(connection, number, scope, reason)

        await self._writer.run(work)

    async def suppressed(self, campaign: str) -> set[str]:
        """Numbers that the campaign may not dial, the site's included."""
        with _reading():
            return await suppression.numbers_for(self._engine, campaign)

    # Accounts of the web

    async def account(self, name: str) -> tuple[str, str] | None:
        """(password hash, role), or None for an unknown name."""
        with _reading():
            return await web_accounts.find(self._engine, name)

    async def add_account(self, name: str, password_hash: str, role: str) -> None:
        """Add an account, or replace the password and the role of the one that has this name."""

        async def work(connection: AsyncConnection) -> None:
            await web_accounts.put(connection, name, password_hash, role)

        await self._writer.run(work)

    async def accounts(self) -> list[str]:
        """Every name."""
        with _reading():
            return await web_accounts.names(self._engine)


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except SQLAlchemyError as error:
        raise StoreFailed(f"the store cannot be read: {plain_reason(error)}") from error
