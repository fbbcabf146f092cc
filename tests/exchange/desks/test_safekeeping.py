"""Four eyes and play-back on a site's own store, folder and audit log."""

import asyncio
import fcntl
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from softswitch.errors import UsageError
from softswitch.exchange.audit.file import NAME, AuditFile
from softswitch.exchange.desks.safekeeping import Safekeeping
from softswitch.safeguards.audit import AuditRecord
from softswitch.safeguards.four_eyes import What, held
from softswitch.store.database import Store
from tests.recordings.recorded import folder_of, keep, pieces

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
Story = Callable[[Safekeeping, Store], Awaitable[None]]


class Desk:
    def __init__(self, folder: Path) -> None:
        self.folder, self.now = folder, NOW
        (folder / "recordings").mkdir()
        folder_of(folder / "recordings", "a", "b")

    def tell(self, story: Story) -> None:
        async def run() -> None:
            store = await Store.open(f"sqlite+aiosqlite:///{self.folder / 'softswitch.db'}")
            audit = AuditFile(self.folder)
            try:
                await story(Safekeeping(store, audit, self.folder / "recordings", lambda: self.now), store)
            finally:
                await audit.close()
                await store.close()

        asyncio.run(run())

    def noted(self) -> list[tuple[str, str, str, str]]:
        path = self.folder / NAME
        lines = path.read_text().splitlines() if path.exists() else []
        return [(r.actor, r.action, r.subject, r.reason) for r in map(AuditRecord.from_line, lines)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_an_export_takes_two_people_and_each_step_is_noted(desk: Desk) -> None:
    async def story(keeping: Safekeeping, store: Store) -> None:
        asked = await keeping.ask(What.EXPORT, ["a"], "otto", "complaint 7", 3600.0)
        with pytest.raises(UsageError, match="nobody has approved"):
            await keeping.use(asked.request_ref, ["a"], "root")
        with pytest.raises(UsageError, match="somebody else"):
            await keeping.approve(asked.request_ref, "otto")
        approved = await keeping.approve(asked.request_ref, "ada")
        assert (approved.approved_by, approved.approved_at) == ("ada", NOW)
        with pytest.raises(UsageError, match="not for b"):
            await keeping.use(asked.request_ref, ["a", "b"], "root")
        await keeping.use(asked.request_ref, ["a"], "root")
        with pytest.raises(UsageError, match="root has used it"):
            await keeping.use(asked.request_ref, ["a"], "root")
        with pytest.raises(KeyError):
            await keeping.approve("nothing", "ada")
        subject, why = f"request {asked.request_ref}: a", "otto, approved by ada: complaint 7"
        assert desk.noted() == [
            ("otto", "ask for export", subject, "complaint 7"),
            ("ada", "approve export", subject, "asked for by otto: complaint 7"),
            ("root", "export recording", "a", f"request {asked.request_ref} of {why}"),
        ]

    desk.tell(story)


def test_an_approval_runs_out(desk: Desk) -> None:
    async def story(keeping: Safekeeping, store: Store) -> None:
        asked = await keeping.ask(What.EXPORT, ["a"], "otto", "complaint 7", 3600.0)
        await keeping.approve(asked.request_ref, "ada")
        desk.now += timedelta(hours=1)
        with pytest.raises(UsageError, match="run out"):
            await keeping.use(asked.request_ref, ["a"], "root")

    desk.tell(story)


def test_a_hold_is_placed_and_lifted_by_two(desk: Desk) -> None:
    async def story(keeping: Safekeeping, store: Store) -> None:
        async def now_held() -> frozenset[str]:
            return held(await store.hold_requests(), desk.now)

        placed = await keeping.ask(What.HOLD, ["a"], "sue", "court order 17", 0.0)
        await keeping.approve(placed.request_ref, "ada")
        desk.now += timedelta(days=400)
        assert await now_held() == {"a"}
        lift = await keeping.ask(What.LIFT, ["a"], "sue", "the case is closed", 0.0)
        assert await now_held() == {"a"}
        await keeping.approve(lift.request_ref, "otto")
        assert await now_held() == frozenset()

    desk.tell(story)


def test_what_there_is_not_and_what_says_nothing_is_refused_and_not_noted(desk: Desk) -> None:
    async def story(keeping: Safekeeping, store: Store) -> None:
        for calls, reason in ((["a", "zz"], "complaint"), (["a"], "!!!!!"), ([], "complaint")):
            with pytest.raises(UsageError):
                await keeping.ask(What.HOLD, calls, "sue", reason, 0.0)
        with pytest.raises(KeyError):
            await keeping.begin_playback("zz", "otto", "complaint 7")
        with pytest.raises(KeyError):
            await keeping.begin_playback("*", "otto", "complaint 7")
        with pytest.raises(UsageError, match="say why"):
            await keeping.begin_playback("a", "otto", "7")
        assert desk.noted() == []

    desk.tell(story)


def test_a_playback_gives_the_containers_to_who_asked_for_an_hour_and_notes_the_time_once(desk: Desk) -> None:
    keep(desk.folder / "recordings", pieces("a", part=2)[0], "a", part=2)

    async def story(keeping: Safekeeping, store: Store) -> None:
        playback, parts = await keeping.begin_playback("a", "otto", "complaint 7")
        assert parts == 2
        paths = [await keeping.playback_part(playback.playback_ref, part, "otto") for part in (1, 2)]
        assert [path.name for path in paths] == ["a.ssr", "a.2.ssr"]
        for part, who in ((1, "eve"), (0, "otto"), (3, "otto")):
            with pytest.raises(KeyError):
                await keeping.playback_part(playback.playback_ref, part, who)
        await keeping.note_listened(playback.playback_ref, 61.6, "otto")
        with pytest.raises(UsageError, match="before"):
            await keeping.note_listened(playback.playback_ref, 1.0, "otto")
        (told,) = await keeping.playbacks()
        assert (told.call_ref, told.asked_by, told.listened_s) == ("a", "otto", 61.6)
        desk.now += timedelta(hours=1)
        with pytest.raises(UsageError, match="an hour ago"):
            await keeping.playback_part(playback.playback_ref, 1, "otto")

    desk.tell(story)
    assert [each[1:] for each in desk.noted()][:2] == [
        ("play recording", "a", "complaint 7"), ("listened to recording", "a", "62 s"),
    ]  # fmt: skip


def test_a_call_that_is_still_recorded_is_not_played(desk: Desk) -> None:
    async def story(keeping: Safekeeping, store: Store) -> None:
        with (desk.folder / "recordings" / "a.ssr").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            with pytest.raises(UsageError, match="still being recorded"):
                await keeping.begin_playback("a", "otto", "complaint 7")

    desk.tell(story)


def test_nothing_is_played_or_approved_that_cannot_be_noted(desk: Desk) -> None:
    (desk.folder / NAME).mkdir()

    async def story(keeping: Safekeeping, store: Store) -> None:
        with pytest.raises(UsageError, match="audit log"):
            await keeping.begin_playback("a", "otto", "complaint 7")
        with pytest.raises(UsageError, match="audit log"):
            await keeping.ask(What.HOLD, ["a"], "sue", "court order 17", 0.0)
        assert await keeping.playbacks() == []
        assert await keeping.requests() == []

    desk.tell(story)
