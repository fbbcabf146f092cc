"""The store's face to those who ask what calls came to: the journal, attempts, verdicts and reviews, interviews."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from softswitch.dialler.abandonment import DayCounts, FalsePositives
from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.campaign import Campaign
from softswitch.dialler.compliance import ComplianceDay, Rested
from softswitch.dialler.detection import Truth
from softswitch.dialler.events import ReviewOffered
from softswitch.dialler.rules import RuleSet
from softswitch.store import amd_days, attempts, compliance, interviews, journal, reviews, verdicts
from softswitch.store.people import reading
from softswitch.store.safekeeping import SafekeepingStore


class CallRecordStore(SafekeepingStore):
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

    async def rested(self, since: datetime, until: datetime) -> list[Rested]:
        """Abandoned calls, and calls that a verdict ended, of all campaigns: what `NumberLocks` begins with beside the
        locks themselves."""
        with reading():
            return await compliance.rested(self._engine, since, until)

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

    async def quotas_filled_between(
        self, campaign: str, script: str, first: datetime | None, after: datetime | None
    ) -> dict[str, int]:
        """The same of the interviews that ended in a period; None: without a bound."""
        with reading():
            return await interviews.filled_between(self._engine, campaign, script, first, after)

    async def ended_as(
        self, campaign: str, ranks: Mapping[str, int], first: datetime | None = None, after: datetime | None = None
    ) -> dict[str, int]:
        """Leads by what their attempts of a period came to, for AAPOR's rates; see `store.interviews.ended_as`."""
        with reading():
            return await interviews.ended_as(self._engine, campaign, ranks, first, after)
