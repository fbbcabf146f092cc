"""What of a campaign's doings stands in the store afterwards."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

from softswitch.amd.verdict import Cause, Verdict
from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.events import AttemptChanged, CampaignChanged, HangUp, NumberSuppressed, PreviewEnded
from softswitch.exchange.calls.bookkeeping import Bookkeeping
from softswitch.exchange.calls.records import Records
from softswitch.media.events import VerdictReached
from softswitch.store.database import Store
from softswitch.store.journal import Kind

WALL = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ATTEMPT = DialAttempt("c1", "", "survey", "carrier", committed_at=WALL, amd_point="careful")


def kept(folder: Path, work: Callable[[Bookkeeping, Store, Records], Awaitable[None]]) -> None:
    async def run() -> None:
        store = await Store.open(f"sqlite:///{folder / 'store.db'}")
        records = Records(store, lambda closed, why: None)
        try:
            records.open_attempt(ATTEMPT)
            await work(Bookkeeping("survey", records), store, records)
        finally:
            await records.close()
            await store.close()

    asyncio.run(run())


def test_what_an_event_tells_is_in_the_store_and_what_only_asks_leaves_nothing(tmp_path: Path) -> None:
    async def work(books: Bookkeeping, store: Store, records: Records) -> None:
        books.keep(HangUp("c1", "message-ended"))
        assert await records.drain(60)
        before = [entry async for entry in store.journal()]
        books.keep(PreviewEnded("c1", "lead-1", "1001", "no answer"))
        books.keep(CampaignChanged("survey", "held", "no supervisor is there"))
        books.keep(NumberSuppressed("+442079460101", "asked for it"))
        books.keep(AttemptChanged(ATTEMPT))
        assert await records.drain(60)
        (preview,) = await store.latest(Kind.PREVIEW)
        assert (preview.campaign, preview.call_ref, preview.lead_ref, preview.agent) == (
            "survey",
            "c1",
            "lead-1",
            "1001",
        )
        assert preview.content == {"reason": "no answer"}
        told = (await store.latest(Kind.CAMPAIGN))[0]
        assert told.content == {"state": "held", "reason": "no supervisor is there"}
        assert "+442079460101" in await store.suppressed("survey")
        assert len([entry async for entry in store.journal()]) > len(before)

    kept(tmp_path, work)


def test_a_verdict_is_kept_with_its_operating_point_and_what_it_was_founded_on(tmp_path: Path) -> None:
    async def work(books: Bookkeeping, store: Store, records: Records) -> None:
        event = VerdictReached(7, 12.5, Verdict.MACHINE, Cause.LONG_GREETING, 3200, 0.97)
        books.keep_verdict(ATTEMPT, event, {"speech_s": 2.9, "pauses": None}, acted=True)
        assert await records.drain(60)
        (verdict,) = await store.verdicts_of("c1")
        assert (verdict.verdict, verdict.point, verdict.audio_ms, verdict.acted) == ("MACHINE", "careful", 3200, True)
        assert verdict.features == {"speech_s": 2.9, "pauses": None}

    kept(tmp_path, work)
