"""The store's face to those who oversee: four eyes, play-backs, retention, the never-dial list, tokens of machines."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from softswitch.safeguards.four_eyes import Request
from softswitch.safeguards.never_dial import NeverDialList
from softswitch.store import interviews, kept, never_dial, recorded, requests
from softswitch.store.people import PeopleStore, reading
from softswitch.store.requests import Playback
from softswitch.store.schema import tokens


class SafekeepingStore(PeopleStore):
    # Four eyes

    async def keep_request(self, request: Request) -> None:
        async def work(connection: AsyncConnection) -> None:
            await requests.ask(connection, request)

        await self._writer.run(work)

    async def approve_request(self, request_ref: str, by: str, at: datetime) -> bool:
        """False where somebody has approved it before."""

        async def work(connection: AsyncConnection) -> bool:
            return await requests.approve(connection, request_ref, by, at)

        return cast(bool, await self._writer.run(work))

    async def use_request(self, request_ref: str, by: str, at: datetime) -> bool:
        """False where it is not approved, or was used before."""

        async def work(connection: AsyncConnection) -> bool:
            return await requests.use(connection, request_ref, by, at)

        return cast(bool, await self._writer.run(work))

    async def request(self, request_ref: str) -> Request | None:
        with reading():
            return await requests.find(self._engine, request_ref)

    async def requests(self) -> list[Request]:
        """The newest, newest first."""
        with reading():
            return await requests.newest(self._engine)

    async def hold_requests(self) -> list[Request]:
        """Every hold and every lift that was ever asked for."""
        with reading():
            return await requests.of_holds(self._engine)

    # Play-back

    async def begin_playback(self, playback: Playback) -> None:
        async def work(connection: AsyncConnection) -> None:
            await requests.begin_playback(connection, playback)

        await self._writer.run(work)

    async def playback(self, playback_ref: str) -> Playback | None:
        with reading():
            return await requests.find_playback(self._engine, playback_ref)

    async def playbacks(self) -> list[Playback]:
        """The newest, newest first."""
        with reading():
            return await requests.newest_playbacks(self._engine)

    async def note_listened(self, playback_ref: str, listened_s: float) -> bool:
        """False where the time was noted before."""

        async def work(connection: AsyncConnection) -> bool:
            return await requests.note_listened(connection, playback_ref, listened_s)

        return cast(bool, await self._writer.run(work))

    async def recorded_calls(
        self, search: recorded.RecordingSearch, limit: int, offset: int
    ) -> list[recorded.RecordedCall]:
        """Calls of which a recording was made, the newest first."""
        with reading():
            return await recorded.find(self._engine, search, limit, offset)

    # Retention

    async def campaigns_by_call(self, call_refs: Sequence[str]) -> dict[str, str]:
        """Campaign by call, of those calls that the store knows."""
        with reading():
            return await kept.campaigns_of(self._engine, call_refs)

    async def leads_of_calls(self, call_refs: Sequence[str]) -> set[str]:
        with reading():
            return await kept.leads_of(self._engine, call_refs)

    async def lead_campaigns(self) -> list[str]:
        """Every campaign that has a list."""
        with reading():
            return await kept.lead_campaigns(self._engine)

    async def leads_untouched_since(self, campaign: str, moment: datetime) -> list[str]:
        """Leads whose list was imported before, and that nobody has tried to reach since."""
        with reading():
            return await kept.leads_untouched_since(self._engine, campaign, moment)

    async def interview_campaigns(self) -> list[str]:
        """Every campaign that has an interview."""
        with reading():
            return await interviews.campaigns(self._engine)

    async def interviews_ended_before(self, campaign: str, moment: datetime) -> list[str]:
        """Calls whose interview ended before, blank or not."""
        with reading():
            return await interviews.ended_before(self._engine, campaign, moment)

    async def blank_interviews(self, call_refs: Sequence[str]) -> None:
        """Take out what was answered in these calls; that there was an interview, and how it ended, goes on counting.
        `scrub` then leaves nothing of it in the store's files."""

        async def work(connection: AsyncConnection) -> None:
            await interviews.blank_calls(connection, call_refs)

        await self._writer.run(work)

    # Never-dial list

    async def replace_never_dial(
        self, numbers: Sequence[str], at: datetime | None = None, *, shorter: bool = False
    ) -> int:
        """Keep the hashes of these E.164 numbers, in the place of the list before; how many there are.

        UsageError for none at all, and for far fewer than before unless they may be (`shorter`)."""
        digests = {self._vault.never_dial_digest(number) for number in numbers}

        async def work(connection: AsyncConnection) -> None:
            await never_dial.replace(connection, list(digests), at or datetime.now(UTC), shorter=shorter)

        await self._writer.run(work)
        return len(digests)

    async def never_dial(self) -> tuple[NeverDialList, datetime] | None:
        """The list, and when it was imported; None where none ever was, or not all of it is there any more."""
        with reading():
            found = await never_dial.read(self._engine)
        if found is None:
            return None
        digests, at = found
        return NeverDialList.hashed_by(self._vault.never_dial_digest, digests), at

    async def never_dial_imported_at(self) -> datetime | None:
        with reading():
            return await never_dial.imported_at(self._engine)

    # Tokens of machines

    async def put_token(self, name: str, digest: bytes) -> None:
        """Keep a token's SHA-256, in the place of the one before of this name."""

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(delete(tokens).where(tokens.c.name == name))
            await connection.execute(insert(tokens), {"name": name, "digest": digest, "made_at": datetime.now(UTC)})

        await self._writer.run(work)

    async def drop_token(self, name: str) -> bool:
        """False where there is none of this name."""

        async def work(connection: AsyncConnection) -> bool:
            return (await connection.execute(delete(tokens).where(tokens.c.name == name))).rowcount == 1

        return cast(bool, await self._writer.run(work))

    async def token_name(self, digest: bytes) -> str | None:
        """Whose token has this SHA-256; None for nobody's."""
        with reading():
            async with self._engine.connect() as connection:
                found = await connection.execute(select(tokens.c.name).where(tokens.c.digest == digest))
                name: str | None = found.scalar()
        return name

    async def tokens(self) -> list[tuple[str, datetime]]:
        """(name, when it was made), by name."""
        with reading():
            async with self._engine.connect() as connection:
                rows = await connection.execute(select(tokens.c.name, tokens.c.made_at).order_by(tokens.c.name))
                return [(row.name, row.made_at) for row in rows]
