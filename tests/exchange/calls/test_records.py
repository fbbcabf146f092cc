"""Writes reach a real store in order, wait while it cannot write, and one that it refuses for good holds up none."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.lead import Lead
from softswitch.exchange.calls import records
from softswitch.exchange.calls.records import Records
from softswitch.store.database import Store
from softswitch.store.errors import StoreFailed

WALL = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def attempt(call_ref: str, **changes: object) -> DialAttempt:
    return DialAttempt(call_ref, "", "survey", "carrier", committed_at=WALL, **changes)  # type: ignore[arg-type]


class StoreThatFails(Store):
    """A store whose disk is full for as long as `broken` says."""

    broken = False

    async def commit_attempt(self, attempt: DialAttempt) -> None:
        self._fail()
        await super().commit_attempt(attempt)

    async def save_attempt(self, attempt: DialAttempt) -> None:
        self._fail()
        await super().save_attempt(attempt)

    async def check(self) -> None:
        self._fail()
        await super().check()

    def _fail(self) -> None:
        if self.broken:
            raise StoreFailed("the disk is full")


@pytest.fixture
def with_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    monkeypatch.setattr(records, "RETRY_S", (0.01,))

    def run(scenario: Callable[[StoreThatFails, Records, list[tuple[bool, str]]], Awaitable[None]]) -> None:
        async def work() -> None:
            store = await StoreThatFails.open(f"sqlite:///{tmp_path / 'store.db'}")
            health: list[tuple[bool, str]] = []
            kept = Records(store, lambda closed, why: health.append((closed, why)))
            try:
                await scenario(store, kept, health)
            finally:
                await kept.close()
                await store.close()

        asyncio.run(work())

    return run


def test_what_is_saved_while_the_store_cannot_write_is_there_once_it_can(with_records: Callable[..., None]) -> None:
    async def scenario(store: StoreThatFails, kept: Records, health: list[tuple[bool, str]]) -> None:
        kept.open_attempt(attempt("a"))
        assert await kept.drain(60)
        store.broken = True
        kept.save_attempt(attempt("a", outcome="busy"))
        kept.save_attempt(attempt("a", outcome="answered"))
        assert not await kept.drain(0.1)
        assert health[-1] == (False, "the store cannot write: the disk is full")
        store.broken = False
        assert await kept.drain(60)
        assert health[-1] == (True, "")
        found = await store.attempt("a")
        assert found is not None
        assert found.outcome == "answered"

    with_records(scenario)


def test_a_commitment_that_fails_is_told_at_once_and_the_store_is_watched_until_it_recovers(
    with_records: Callable[..., None],
) -> None:
    async def scenario(store: StoreThatFails, kept: Records, health: list[tuple[bool, str]]) -> None:
        store.broken = True
        with pytest.raises(StoreFailed):
            await kept.commit_attempt(attempt("a"))
        assert health[-1][0] is False
        assert not await kept.drain(0.1)
        store.broken = False
        assert await kept.drain(60)
        assert health[-1] == (True, "")
        assert await store.attempt("a") is None

    with_records(scenario)


def test_a_record_of_something_unknown_holds_up_none_behind_it(with_records: Callable[..., None]) -> None:
    async def scenario(store: StoreThatFails, kept: Records, health: list[tuple[bool, str]]) -> None:
        kept.save_attempt(attempt("never committed"))
        kept.save_lead(Lead("unknown", "survey", "+442079460101", "Europe/London"))
        kept.open_attempt(attempt("b"))
        assert await kept.drain(60)
        assert await store.attempt("b") is not None

    with_records(scenario)
