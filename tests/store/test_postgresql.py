"""The store on PostgreSQL: the same schema by the same migrations, nodes that share it, a journal that only grows."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from softswitch.dialler.lead import LeadState
from softswitch.store.connection import create_engine, revision_of, upgrade
from softswitch.store.database import Store
from softswitch.store.schema import metadata
from softswitch.store.vault_key import KeyPlace
from tests.store.postgresql import Server

WALL = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)
NUMBERS = "number\n" + "".join(f"+4420794600{n:02}\n" for n in range(40))


@pytest.fixture
def url(server: Server) -> str:
    return server.new_database()


def test_the_migrations_lead_to_the_very_schema_that_the_code_speaks_of(url) -> None:
    def differences(connection: Connection) -> list[object]:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async def run() -> None:
        engine = create_engine(url)
        async with engine.connect() as connection:
            assert await connection.run_sync(differences) == []
        await engine.dispose()

    asyncio.run(run())


def test_an_old_store_with_numbers_in_the_clear_is_encrypted_on_the_way(server: Server, key_file: Path) -> None:
    url = server.new_database("template0")

    async def run() -> None:
        engine = create_engine(url)
        async with engine.begin() as connection:
            await connection.run_sync(upgrade, "0003")
            for statement in (
                "INSERT INTO numbers (number_ref, number, locked_until) "
                "VALUES ('n', '+442079460123', '2027-03-13 12:00Z')",
                "INSERT INTO lists (list_ref, campaign, name, imported_at) VALUES ('a', 'survey', 'l', '2027-03-01Z')",
                "INSERT INTO leads (position, lead_ref, list_ref, campaign, number_ref, time_zone, fields, state, "
                "priority, attempts, last_outcome, outcomes) VALUES (1, 'l1', 'a', 'survey', 'n', 'Europe/London', "
                "'{\"first_name\": \"Annabella\"}', 'waiting', 0, 0, '', '[]')",
            ):
                await connection.execute(text(statement))
        async with engine.begin() as connection:
            await connection.run_sync(upgrade, "head", KeyPlace(key_file))
        async with engine.connect() as connection:
            assert await connection.run_sync(revision_of)
            names = await connection.run_sync(lambda each: inspect(each).get_table_names())
            assert not [name for name in names if name.startswith("old_")]
        await engine.dispose()
        store = await Store.open(url, key_file)
        lead = await store.lead("l1")
        assert (lead.number, lead.fields) == ("+442079460123", {"first_name": "Annabella"})
        assert lead.number in await store.locked_numbers(WALL)
        await store.close()

    asyncio.run(run())


def test_nodes_that_open_an_empty_database_at_once_share_one_schema_and_one_vault(
    server: Server, key_file: Path, lead_file
) -> None:
    url = server.new_database("template0")

    async def run() -> None:
        nodes = await asyncio.gather(*(Store.open(url, key_file) for _ in range(4)))
        await nodes[0].import_leads(lead_file(NUMBERS), "survey", country="GB", time_zone="Europe/London")
        numbers = [set((await node.numbers_of("survey")).values()) for node in nodes]
        assert len(numbers[0]) == 40 and all(each == numbers[0] for each in numbers)
        for node in nodes:
            await node.close()

    asyncio.run(run())


def test_two_nodes_take_different_leads_at_the_same_time(url, key_file, lead_file) -> None:
    async def run() -> None:
        nodes = [await Store.open(url, key_file) for _ in range(2)]
        await nodes[0].import_leads(lead_file(NUMBERS), "survey", country="GB", time_zone="Europe/London")
        taken = await asyncio.gather(*(node.next_leads("survey", 10, WALL) for node in nodes for _ in range(3)))
        numbers = [lead.number for leads in taken for lead in leads]
        assert len(numbers) == len(set(numbers)) == 40
        assert (await nodes[1].lead_counts("survey"))[LeadState.QUEUED] == 40
        for node in nodes:
            await node.close()

    asyncio.run(run())


def test_what_one_node_commits_another_recovers(url, key_file, lead_file, make_attempt) -> None:
    async def run() -> None:
        first, second = [await Store.open(url, key_file) for _ in range(2)]
        await first.import_leads(lead_file(NUMBERS), "survey", country="GB", time_zone="Europe/London")
        lead, *_ = await first.next_leads("survey", 1, WALL)
        await first.commit_attempt(make_attempt("c1", lead_ref=lead.lead_ref))
        await first.close()
        recovered = await second.release_leads("survey", WALL)
        assert (recovered.attempts_closed, recovered.leads_released) == (1, 0)
        found = await second.attempt("c1")
        assert found is not None
        assert found.ended_at is not None
        await second.close()

    asyncio.run(run())


@pytest.mark.parametrize("statement", ["UPDATE journal SET kind = 'x'", "DELETE FROM journal", "TRUNCATE journal"])
def test_nobody_can_change_or_take_out_an_entry_of_the_journal(url, key_file, make_attempt, statement) -> None:
    async def run() -> None:
        store = await Store.open(url, key_file)
        await store.commit_attempt(make_attempt())
        await store.close()
        engine = create_engine(url)
        with pytest.raises(DBAPIError, match="only ever added to"):
            async with engine.begin() as connection:
                await connection.execute(text(statement))
        await engine.dispose()

    asyncio.run(run())


def test_an_erased_lead_cannot_be_read_again(url, key_file, lead_file) -> None:
    async def run() -> None:
        store = await Store.open(url, key_file)
        await store.import_leads(lead_file(NUMBERS), "survey", country="GB", time_zone="Europe/London")
        (lead, *_) = await store.next_leads("survey", 1, WALL)
        await store.erase_number(lead.number, "asked to")
        await store.scrub()
        assert [each async for each in store.all_leads("survey", persons=True) if each.number == lead.number] == []
        assert lead.number in await store.suppressed("survey")
        await store.close()

    asyncio.run(run())
