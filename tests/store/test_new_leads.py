"""Leads that are written column by column: the same rows as one by one, whichever are held back."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import create_async_engine

from softswitch.dialler.lead import LeadState
from softswitch.store.new_leads import ROWS_IN_ONE_STATEMENT, NewLead, NewLeads, Same, add_columns
from softswitch.store.schema import vault, vault_keys
from softswitch.store.vault import SealedPerson
from tests.store.postgresql import sqlite_file

SITE = {"country": "GB", "time_zone": "Europe/London"}


def lead(n: int, *others: tuple[str, str]) -> NewLead:
    return NewLead(f"r{n}", f"+44207946{n:04d}", "Europe/London", n, {}, others)


def person(n: int) -> SealedPerson:
    return SealedPerson(bytes([n]) * 16, bytes([n]) * 60, bytes([n]) * 60)


def test_of_leads_with_one_number_those_that_are_wanted_stay_in_order() -> None:
    new = NewLeads.of([lead(n) for n in range(4)], [person(n) for n in range(4)])
    assert new.only([True, False, False, True]) == NewLeads.of([lead(0), lead(3)], [person(0), person(3)])
    assert not new.only([False] * 4)


def test_leads_with_several_numbers_are_known_among_the_others() -> None:
    second = lead(1, ("+442079469999", "Europe/London"))
    assert NewLeads.of([lead(0), second], [person(0), person(1)]).several == (second,)


def test_rows_of_several_statements_all_arrive_each_value_in_its_column(with_store, url) -> None:
    path, many = sqlite_file(url), 2 * ROWS_IN_ONE_STATEMENT + 1

    async def body(store):
        engine = create_async_engine(f"sqlite+aiosqlite:///{path}")
        try:
            async with engine.begin() as connection:
                await add_columns(connection, vault, range(1, many + 1), [b"%d" % n for n in range(1, many + 1)])
                await add_columns(connection, vault_keys, range(1, 4), Same(b"k"))
            async with engine.connect() as connection:
                found = (await connection.execute(select(vault).order_by(vault.c.position))).all()
                assert [tuple(row) for row in found] == [(n, b"%d" % n) for n in range(1, many + 1)]
                keys = (await connection.execute(select(vault_keys).order_by(vault_keys.c.position))).all()
                assert [tuple(row) for row in keys] == [(1, b"k"), (2, b"k"), (3, b"k")]
        finally:
            await engine.dispose()

    with_store(body)


def test_what_is_held_back_among_many_is_told_and_the_others_stand_in_the_lists_order(with_store, lead_file) -> None:
    text = "number,city\n" + "".join(f"0207946{n:04d},Leeds\n" for n in range(1500))
    held = {1: "suppressed", 7: "never-dial", 999: "suppressed", 1001: "in list", 1499: "never-dial"}
    number = {n: f"+44207946{n:04d}" for n in held}

    async def body(store):
        await store.import_leads(lead_file("number\n0207946 1001\n", "first.csv"), "survey", **SITE)
        await store.import_leads(lead_file("number\n0207946 0003\n", "other.csv"), "panel", **SITE)
        await store.suppress(number[1], reason="asked")
        await store.suppress(number[999], "survey", reason="asked")
        await store.suppress("+442079460005", "panel", reason="asked")  # another campaign's
        never = {number[7], number[1499]}
        report = await store.import_leads(lead_file(text), "survey", **SITE, never_dial=never.__contains__)
        assert (report.accepted, report.suppressed, report.never_dial, report.duplicates_in_list) == (1495, 2, 2, 1)
        assert [problem.line for problem in report.problems] == [n + 2 for n in held]
        made = [each async for each in store.all_leads("survey", persons=True)]
        assert [each.number for each in made[1:]] == [f"+44207946{n:04d}" for n in range(1500) if n not in held]
        assert {(each.state, each.time_zone, each.fields.get("city")) for each in made[1:]} == {
            (LeadState.NEW, "Europe/London", "Leeds")
        }

    with_store(body)
