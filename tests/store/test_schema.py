"""The schema beyond SQLite: what PostgreSQL would be told, and where telephone numbers may stand."""

import sqlite3
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from softswitch.store.schema import leads, metadata
from tests.store.postgresql import sqlite_file

POSTGRESQL = postgresql.dialect()


def test_every_table_and_index_can_be_said_to_postgresql() -> None:
    for table in metadata.sorted_tables:
        assert str(CreateTable(table).compile(dialect=POSTGRESQL)).strip().startswith("CREATE TABLE")
        for index in table.indexes:
            assert table.name in str(CreateIndex(index).compile(dialect=POSTGRESQL))
    assert "TIMESTAMP WITH TIME ZONE" in str(CreateTable(metadata.tables["attempts"]).compile(dialect=POSTGRESQL))


def test_several_nodes_on_postgresql_would_take_different_leads() -> None:
    query = select(leads).with_for_update(skip_locked=True, of=leads)
    assert "FOR UPDATE OF leads SKIP LOCKED" in str(query.compile(dialect=POSTGRESQL))


def test_nothing_that_says_who_a_lead_is_stands_in_any_table(with_store, url, lead_file, make_attempt) -> None:
    async def body(store):
        path = lead_file("number,first_name,note\n02079460123,Annabella,ring 02079460123\n", "02079460123.csv")
        await store.import_leads(path, "survey", country="GB", time_zone="Europe/London")
        (lead,) = await store.next_leads("survey", 1, datetime(2027, 3, 10, 12, tzinfo=UTC))
        await store.commit_attempt(make_attempt(lead_ref=lead.lead_ref))
        await store.save_lead(lead)
        await store.suppress("+442079460123", "survey", "asked from 020 7946 0123")
        await store.lock_number("+442079460123", datetime(2027, 3, 10, 12, tzinfo=UTC))

    with_store(body)
    connection = sqlite3.connect(sqlite_file(url))
    for table in metadata.tables:
        held = repr(connection.execute(f"SELECT * FROM {table}").fetchall())
        assert not any(mark in held for mark in ("79460123", "7946 0123", "Annabella")), table
    connection.close()


def test_the_hopper_is_filled_in_the_order_of_an_index(with_store, url) -> None:
    async def body(store):
        await store.check()

    with_store(body)
    connection = sqlite3.connect(sqlite_file(url))
    for state, condition in (("new", ""), ("waiting", "AND priority = 3")):
        plan = connection.execute(
            f"EXPLAIN QUERY PLAN SELECT * FROM leads WHERE list_ref = 'l' AND state = '{state}' {condition} "
            "AND not_before <= '2027-01-01' ORDER BY priority DESC, not_before, position LIMIT 200"
        ).fetchall()
        assert "ix_leads_hopper" in repr(plan) and "TEMP B-TREE" not in repr(plan)
    connection.close()
