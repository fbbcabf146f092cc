"""Opening the store: durable settings, migrations, addresses that cannot work."""

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from softswitch.errors import UsageError
from softswitch.store.connection import NEWEST_REVISION, WRITING, create_engine, migrate, migration_config, upgrade
from softswitch.store.database import Store
from softswitch.store.schema import metadata
from tests.store.postgresql import sqlite_file


def definitions(connection: Connection) -> dict[str, list[str]]:
    """What SQLite was told to make, by name; the parts of a definition sorted, for their order means nothing."""
    rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {name: sorted(filter(None, (part.strip(" \t()") for part in re.split(r"[,\n]", sql)))) for name, sql in rows}


def test_migrations_from_empty_make_exactly_the_tables_of_the_schema(tmp_path: Path) -> None:
    async def made_by(how: Callable[[Connection], None], name: str) -> dict[str, list[str]]:
        engine = create_engine(f"sqlite:///{tmp_path / name}")
        async with engine.execution_options(**WRITING).begin() as connection:
            await connection.run_sync(how)
            made = await connection.run_sync(definitions)
        await engine.dispose()
        made.pop("alembic_version", None)
        return made

    async def run() -> None:
        assert await made_by(upgrade, "migrated.db") == await made_by(metadata.create_all, "created.db")

    asyncio.run(run())


def test_opening_twice_leaves_everything_as_it_was(open_store, make_attempt) -> None:
    async def run() -> None:
        first = await open_store()
        await first.commit_attempt(make_attempt())
        await first.close()
        second = await open_store()
        assert [a.call_ref for a in await second.attempts()] == ["c1"]
        await second.close()

    asyncio.run(run())


def test_two_that_open_at_once_both_find_the_newest_schema(open_store) -> None:
    async def run() -> None:
        stores = await asyncio.gather(*(open_store() for _ in range(4)))
        for store in stores:
            await store.check()
            await store.close()

    asyncio.run(run())


def test_sqlite_is_told_to_be_durable(url: str) -> None:
    sqlite_file(url)

    async def run() -> dict[str, object]:
        engine = create_engine(url)
        async with engine.connect() as connection:
            told = {
                name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
        await engine.dispose()
        return told

    assert asyncio.run(run()) == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_a_store_of_a_newer_softswitch_is_left_alone(url: str, open_store) -> None:
    async def run() -> None:
        store = await open_store()
        await store.close()
        engine = create_engine(url)
        async with engine.execution_options(**WRITING).begin() as connection:
            await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        with pytest.raises(UsageError, match="newer softswitch"):
            await migrate(engine)
        await engine.dispose()

    asyncio.run(run())


def test_the_newest_revision_is_known_without_reading_the_migrations() -> None:
    assert ScriptDirectory.from_config(migration_config()).get_current_head() == NEWEST_REVISION


def test_a_store_that_is_up_to_date_is_opened_without_alembic(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    opens = f"""
import asyncio, sys
from softswitch.store.database import Store
async def run():
    await (await Store.open({url!r})).close()
asyncio.run(run())
print("alembic" in sys.modules)
"""
    said = [subprocess.run([sys.executable, "-c", opens], capture_output=True, check=True).stdout for _ in range(2)]
    assert said == [b"True\n", b"False\n"]


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("sqlite://", "must be a file"),
        ("sqlite:///:memory:", "must be a file"),
        ("mysql://localhost/x", "mysql"),
        ("nonsense", "url is none"),
        ("", "url is none"),
    ],
)
def test_an_address_that_cannot_keep_anything_is_refused(url: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        asyncio.run(Store.open(url))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="folder"):
        asyncio.run(Store.open(f"sqlite:///{tmp_path}/file/store.db"))


def test_a_file_that_is_no_database_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"this is a letter, not a database, and somebody wants it back" * 100)
    before = path.read_bytes()
    with pytest.raises(Exception, match="not a database"):
        asyncio.run(Store.open(f"sqlite:///{path}"))
    assert path.read_bytes() == before


def test_what_a_failing_statement_says_holds_none_of_its_values(url: str) -> None:
    async def run() -> None:
        engine = create_engine(url)
        with pytest.raises(SQLAlchemyError) as failed:
            async with engine.connect() as connection:
                await connection.execute(text("SELECT :name FROM nowhere"), {"name": "Annabella"})
        assert "nowhere" in str(failed.value)
        assert "Annabella" not in str(failed.value)
        await engine.dispose()

    asyncio.run(run())
