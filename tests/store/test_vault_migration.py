"""Migration 0004: what stood in the clear is encrypted, and nothing of the clear text is left in the files."""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from softswitch.dialler.lead import LeadState
from softswitch.errors import UsageError
from softswitch.store.connection import WRITING, create_engine, migrate, upgrade
from softswitch.store.database import Store

WALL = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)
LEADS = 1200
MARKS = ("Annabella", "7946", "Canary Wharf")


def fill(connection: Connection) -> None:
    """As a site of revision 0003 may stand."""
    rows = [{"ref": f"n{n:05d}", "number": f"+442079{460000 + n}"} for n in range(LEADS)]
    connection.execute(text("INSERT INTO numbers VALUES (:ref, :number, NULL)"), rows)
    connection.execute(
        text("INSERT INTO lists VALUES ('list', 'survey', 'rang 02079460001', '2027-01-02 03:04:05.000000')")
    )
    leads = [
        {
            "n": n + 1,
            "ref": f"{n:032x}",
            "list": "list" if n % 2 else None,
            "number": f"n{n:05d}",
            "state": "new" if n else "waiting",
            "attempts": 0 if n else 2,
            "not_before": None if n else "2027-03-11 12:00:00.000000",
            "outcomes": "{}" if n else '{"busy": 2}',
            "fields": f'{{"first_name": "Annabella {n}", "address1": "{n} Canary Wharf"}}',
        }
        for n in range(LEADS)
    ]
    connection.execute(
        text(
            "INSERT INTO leads (position, lead_ref, campaign, list_ref, number_ref, time_zone, state, priority, "
            "attempts, not_before, last_outcome, outcomes, fields) VALUES (:n, :ref, 'survey', :list, :number, "
            "'Europe/London', :state, 3, :attempts, :not_before, '', :outcomes, :fields)"
        ),
        leads,
    )
    connection.execute(
        text("UPDATE numbers SET locked_until = '2027-03-13 12:00:00.000000' WHERE number_ref = 'n00007'")
    )
    connection.execute(
        text("INSERT INTO suppressions VALUES ('n00008', 'survey', 'rang 02079460008', '2027-03-01 00:00:00.000000')")
    )
    connection.execute(text("INSERT INTO suppressions VALUES ('n00009', '', 'asked', '2027-03-01 00:00:00.000000')"))
    # Names that were changed or deleted once, and that stand in free parts of pages.
    connection.execute(text("DELETE FROM leads WHERE position % 7 = 0"))


@pytest.fixture
def old_site(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/store.db"

    async def make() -> None:
        engine = create_engine(url)
        async with engine.execution_options(**WRITING).begin() as connection:
            await connection.exec_driver_sql("PRAGMA secure_delete = OFF")
            await connection.run_sync(upgrade, "0003")
            await connection.run_sync(fill)
        await engine.dispose()

    asyncio.run(make())
    return url


def test_every_lead_lock_and_suppression_comes_along(old_site: str) -> None:
    async def run() -> None:
        store = await Store.open(old_site)
        leads = {lead.number: lead async for lead in store.all_leads("survey", persons=True)}
        assert len(leads) == LEADS - LEADS // 7
        waiting = leads["+442079460000"]
        assert (waiting.state, waiting.attempts, waiting.outcomes) == (LeadState.WAITING, 2, {"busy": 2})
        assert (waiting.not_before, waiting.priority) == (WALL + timedelta(days=1), 3)
        assert waiting.fields == {"first_name": "Annabella 0", "address1": "0 Canary Wharf"}
        assert leads["+442079460001"].not_before is None
        assert await store.locked_numbers(WALL) == {"+442079460007": WALL + timedelta(hours=72)}
        assert await store.suppressed("survey") == {"+442079460008", "+442079460009"}
        assert await store.suppressed("") == {"+442079460009"}
        taken = await store.next_leads("survey", LEADS, WALL)
        assert len(taken) == len(leads) - 4  # waiting, locked, suppressed twice
        names = {each.name for each in await store.lists()}
        assert names == {"rang [number]", "without a list"}
        await store.close()

    asyncio.run(run())


def test_nothing_in_the_clear_is_left_in_any_file(old_site: str, tmp_path: Path) -> None:
    def everything() -> bytes:
        return b"".join(path.read_bytes() for path in tmp_path.glob("store.db*"))

    assert all(mark.encode() in everything() for mark in MARKS)

    async def run() -> None:
        store = await Store.open(old_site)
        assert not any(mark.encode() in everything() for mark in MARKS)
        assert not (await store.vault_status()).to_be_scrubbed
        await store.close()

    asyncio.run(run())
    assert not any(mark.encode() in everything() for mark in MARKS)


def test_without_the_key_such_a_store_is_left_as_it_is(old_site: str, tmp_path: Path) -> None:
    for open_it in (lambda: Store.open(old_site, locked=True), lambda: Store.open(old_site, tmp_path / "none.key")):
        with pytest.raises(UsageError, match="key"):
            asyncio.run(open_it())
    connection = sqlite3.connect(tmp_path / "store.db")
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0003",)]
    assert connection.execute("SELECT count(*) FROM numbers").fetchone() == (LEADS,)
    connection.close()


def test_an_empty_store_needs_no_key_to_be_migrated(tmp_path: Path) -> None:
    async def run() -> None:
        engine = create_engine(f"sqlite:///{tmp_path}/store.db")
        async with engine.execution_options(**WRITING).begin() as connection:
            await connection.run_sync(upgrade, "0003")
        await migrate(engine)
        await engine.dispose()

    asyncio.run(run())
