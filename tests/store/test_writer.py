"""Writes that cannot be kept: said at once, with nothing lost that was stored before, and over when the cause is."""

import asyncio
import sqlite3

import pytest

from softswitch.errors import SoftswitchError
from softswitch.store.connection import plain_reason
from softswitch.store.database import Store
from softswitch.store.errors import StoreFailed
from tests.store.postgresql import sqlite_file


def limit_pages(store: Store, pages: int) -> None:
    """Make every connection of the store see a database that may not grow beyond `pages`: a full disk."""
    from sqlalchemy import event

    if store._engine.dialect.name != "sqlite":
        pytest.skip("fills SQLite's file")

    @event.listens_for(store._engine.sync_engine, "begin")
    def shrink(connection) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_is_said_and_what_was_stored_stays(with_store, make_attempt) -> None:
    async def body(store):
        await store.commit_attempt(make_attempt("before"))
        limit_pages(store, 1)  # SQLite never goes under what the file has already
        kept, refused = ["before"], 0
        for n in range(400):
            try:
                await store.commit_attempt(make_attempt(f"c{n}", recording="r" * 500))
                kept.append(f"c{n}")
            except StoreFailed as error:
                assert "full" in str(error)
                refused += 1
                if refused == 3:
                    break
        assert refused == 3
        assert {a.call_ref for a in await store.attempts(limit=1000)} == set(kept)
        limit_pages(store, 1_000_000)  # somebody made room
        await store.check()
        await store.commit_attempt(make_attempt("after"))

    with_store(body)


def test_a_full_disk_refuses_every_attempt_of_a_group(with_store, make_attempt) -> None:
    async def body(store):
        limit_pages(store, 1)
        many = (store.commit_attempt(make_attempt(f"c{n}", recording="r" * 4000)) for n in range(200))
        results = await asyncio.gather(*many, return_exceptions=True)
        refused = [n for n, result in enumerate(results) if result is not None]
        assert refused and all(isinstance(results[n], StoreFailed) for n in refused)
        assert len(await store.attempts(limit=1000)) == 200 - len(refused)

    with_store(body)


def test_a_store_locked_by_another_program_is_said_and_works_again_later(
    url: str, with_store, make_attempt, monkeypatch
) -> None:
    monkeypatch.setattr("softswitch.store.connection.BUSY_TIMEOUT_MS", 50)

    async def body(store):
        other = sqlite3.connect(sqlite_file(url), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        results = await asyncio.gather(
            *(store.commit_attempt(make_attempt(f"c{n}")) for n in range(20)), return_exceptions=True
        )
        assert all(isinstance(result, StoreFailed) and "locked" in str(result) for result in results)
        assert await store.attempts() == []  # reading goes on meanwhile
        other.execute("ROLLBACK")
        other.close()
        await store.commit_attempt(make_attempt("c0"))

    with_store(body)


def test_a_closed_store_refuses_and_what_waited_was_finished(open_store, make_attempt) -> None:
    async def run() -> None:
        store = await open_store()
        waiting = [asyncio.create_task(store.commit_attempt(make_attempt(f"c{n}"))) for n in range(50)]
        await asyncio.sleep(0)
        await store.close()
        await asyncio.gather(*waiting)
        with pytest.raises(SoftswitchError, match="closed"):
            await store.commit_attempt(make_attempt("late"))
        await store.close()
        again = await open_store()
        assert len(await again.attempts()) == 50
        await again.close()

    asyncio.run(run())


def test_a_cancelled_caller_stops_nobody_else(with_store, make_attempt) -> None:
    async def body(store):
        tasks = [asyncio.create_task(store.commit_attempt(make_attempt(f"c{n}"))) for n in range(10)]
        await asyncio.sleep(0)
        tasks[3].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(results[3], asyncio.CancelledError)
        assert [result for n, result in enumerate(results) if n != 3] == [None] * 9
        assert {f"c{n}" for n in range(10) if n != 3} <= {a.call_ref for a in await store.attempts()}

    with_store(body)


def test_the_reason_of_a_failure_repeats_no_telephone_number() -> None:
    # As PostgreSQL words it; SQLite names only the column.
    error = Exception("duplicate key value: Key (number)=(+442079460001) already exists.\nDETAIL: +442079460001")
    assert plain_reason(error) == "duplicate key value: Key (number)=(…) already exists."


def test_the_groups_of_an_import_wait_for_no_disk_and_whatever_comes_with_or_after_them_does(tmp_path) -> None:
    async def level(connection) -> int:
        return (await connection.exec_driver_sql("PRAGMA synchronous")).scalar()

    async def scenario() -> None:
        store = await Store.open(f"sqlite:///{tmp_path / 'store.db'}")
        normal, full = 1, 2  # FULL has the whole log on the disk, with what NORMAL left there before
        write = store._writer.run
        assert await write(level) == full
        assert await write(level, lazy=True) == normal
        assert await write(level) == full
        assert await asyncio.gather(write(level, lazy=True), write(level)) == [full, full]
        await store.close()

    asyncio.run(scenario())
