"""What the hopper is given: which list first, in which shares, and nobody twice, however many wait for another day."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from softswitch.dialler.hopper import Hopper
from softswitch.dialler.lead import LeadState
from softswitch.store import refill
from softswitch.store.database import Store
from softswitch.store.refill import mixed
from tests.store.postgresql import sqlite_file

WALL = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)
SITE = {"country": "GB", "time_zone": "Europe/London"}


def numbers(first: int, count: int, rest: str = "") -> str:
    return "".join(f"0207946{n:04d}{rest}\n" for n in range(first, first + count))


async def three_lists(store: Store, lead_file) -> dict[str, str]:
    """Of forty leads each; `list_ref` by name."""
    for n, name in enumerate(("first", "second", "third")):
        await store.import_leads(lead_file("number\n" + numbers(100 * n, 40), f"{name}.csv"), "survey", **SITE)
    return {each.name: each.list_ref for each in await store.lists("survey")}


def of_lists(leads) -> Counter[str]:
    return Counter({"0": "first", "1": "second", "2": "third"}[lead.number[-3]] for lead in leads)


def test_lists_of_a_higher_priority_come_first_and_resting_ones_never(with_store, lead_file) -> None:
    async def body(store):
        refs = await three_lists(store, lead_file)
        await store.change_list(refs["third"], priority=5)
        await store.change_list(refs["first"], active=False)
        taken = await store.next_leads("survey", 60, WALL)
        assert list(of_lists(taken).items()) == [("third", 40), ("second", 20)]
        assert [lead.list_priority for lead in taken] == [5] * 40 + [0] * 20
        assert of_lists(await store.next_leads("survey", 60, WALL)) == {"second": 20}
        hopper = Hopper()
        for lead in reversed(taken):
            hopper.add(lead)
        assert [hopper.take().list_priority for _ in range(60)] == [5] * 40 + [0] * 20

    with_store(body)


def test_lists_of_one_priority_are_mixed_by_their_shares_evenly(with_store, lead_file) -> None:
    async def body(store):
        refs = await three_lists(store, lead_file)
        await store.change_list(refs["second"], share=3)
        taken = await store.next_leads("survey", 50, WALL)
        assert of_lists(taken) == {"first": 10, "second": 30, "third": 10}
        assert all(of_lists(taken[n : n + 5])["second"] == 3 for n in range(0, 50, 5))
        # What a list cannot give any longer, the others do.
        assert of_lists(await store.next_leads("survey", 70, WALL)) == {"first": 30, "second": 10, "third": 30}

    with_store(body)


@given(
    shares=st.lists(st.tuples(st.integers(1, 20), st.integers(0, 60)), min_size=1, max_size=5),
    count=st.integers(0, 150),
)
def test_a_mix_gives_each_thing_once_in_its_lists_order_and_never_lags_a_share_by_more_than_one(shares, count) -> None:
    things = [(share, [(n, place) for place in range(size)]) for n, (share, size) in enumerate(shares)]
    given_out = list(mixed(things, count))
    assert len(given_out) == min(count, sum(size for _, size in shares))
    for n in range(len(shares)):
        assert [place for each, place in given_out if each == n] == list(range(sum(each == n for each, _ in given_out)))
    if all(size >= count for _, size in shares):
        whole = sum(share for share, _ in shares)
        for n, (share, _) in enumerate(shares):
            assert abs(sum(each == n for each, _ in given_out) - count * share / whole) <= 1


def test_a_callback_that_is_due_comes_before_every_list(with_store, lead_file) -> None:
    async def body(store):
        refs = await three_lists(store, lead_file)
        await store.change_list(refs["third"], priority=9)
        lead = next(lead for lead in await store.next_leads("survey", 120, WALL) if lead.number[-3] == "0")
        due = WALL + timedelta(hours=1)
        await store.save_lead(
            replace(lead, state=LeadState.CALLBACK, last_outcome="callback", attempts=1, not_before=due)
        )
        await store.release_leads("other")
        assert await store.next_leads("survey", 5, due - timedelta(seconds=1)) == []
        (back,) = await store.next_leads("survey", 5, due)
        assert back.lead_ref == lead.lead_ref

    with_store(body)


def test_within_a_priority_whoever_has_waited_longest_comes_first_and_what_waits_is_passed_over(
    with_store, lead_file
) -> None:
    async def body(store):
        await store.import_leads(lead_file("number,priority\n" + numbers(0, 9, ",2")), "survey", **SITE)
        taken = await store.next_leads("survey", 9, WALL)
        for n, lead in enumerate(taken):
            moment = WALL + timedelta(minutes=9 - n)
            await store.save_lead(replace(lead, state=LeadState.WAITING, attempts=1, not_before=moment))
        due = await store.next_leads("survey", 2, WALL + timedelta(minutes=4))
        assert {lead.number[-1] for lead in due} == {"7", "8"}
        assert [lead.number[-1] for lead in await store.next_leads("survey", 9, WALL + timedelta(minutes=4))] == [
            "5",
            "6",
        ]

    with_store(body)


@pytest.mark.parametrize("most", [2000, 3])
def test_a_list_with_more_priorities_than_one_look_sees_is_given_whole_and_in_order(
    with_store, lead_file, monkeypatch, most: int
) -> None:
    monkeypatch.setattr(refill, "MOST_STEPS", most)

    async def body(store):
        rows = "".join(f"0207946{n:04d},{(n * 7) % 40 - 20}\n" for n in range(40))
        await store.import_leads(lead_file("number,priority\n" + rows), "survey", **SITE)
        for lead in await store.next_leads("survey", 40, WALL):
            due = WALL if lead.priority % 2 else WALL + timedelta(days=1)
            await store.save_lead(replace(lead, state=LeadState.WAITING, attempts=1, not_before=due))
        taken = await store.next_leads("survey", 40, WALL)
        assert [lead.priority for lead in taken] == [n for n in range(19, -21, -1) if n % 2]

    with_store(body)


def test_suppressed_leads_leave_the_lists_as_they_are_met_and_the_hopper_is_filled_all_the_same(
    with_store, lead_file
) -> None:
    async def body(store):
        await store.import_leads(lead_file("number\n" + numbers(0, 300)), "survey", **SITE)
        assert await store.suppress_many([f"+44207946{n:04d}" for n in range(250)] * 2) == 250
        assert await store.suppress_many([f"+44207946{n:04d}" for n in range(251)]) == 1
        taken = await store.next_leads("survey", 40, WALL)
        assert [lead.number[-3:] for lead in taken] == [f"{n:03d}" for n in range(251, 291)]
        counts = await store.lead_counts("survey")
        assert counts[LeadState.SUPPRESSED] == 251

    with_store(body)


def test_a_fifth_that_is_suppressed_costs_a_second_look_and_no_more(with_store, lead_file) -> None:
    async def body(store):
        await store.import_leads(lead_file("number\n" + numbers(0, 900)), "survey", **SITE)
        await store.suppress_many([f"+44207946{n:04d}" for n in range(0, 900, 5)])
        looks = []

        def look(connection, cursor, statement, *rest) -> None:
            looks.extend(["look"] * ("LEFT OUTER JOIN vault" in statement))

        event.listen(store._engine.sync_engine, "before_cursor_execute", look)
        for first in (0, 200, 400):
            taken = await store.next_leads("survey", 200, WALL)
            left = [n for n in range(900) if n % 5]
            assert [int(lead.number[-4:]) for lead in taken] == left[first : first + 200]
        assert len(looks) <= 3 * 2

    with_store(body)


def test_among_leads_with_several_numbers_each_comes_once_by_its_first_number_that_is_not_suppressed(
    with_store, lead_file
) -> None:
    rows = "".join(f"0207946{n:04d},{f'0161496{n:04d}' if n % 2 else ''}\n" for n in range(120))

    async def body(store):
        await store.import_leads(lead_file("phone,phone_2\n" + rows), "survey", **SITE)
        await store.suppress_many([f"+44207946{n:04d}" for n in range(0, 120, 3)])
        await store.suppress_many([f"+44161496{n:04d}" for n in range(0, 120, 9)])
        expected = [f"+44207946{n:04d}" for n in range(120) if n % 3]
        expected += [f"+44161496{n:04d}" for n in range(0, 120, 3) if n % 2 and n % 9]
        given_out = []
        while taken := await store.next_leads("survey", 25, WALL):
            assert len(taken) == min(25, len(expected) - len(given_out))
            given_out += [lead.number for lead in taken]
        assert sorted(given_out) == sorted(expected)

    with_store(body)


def test_the_tps_list_binds_marketing_alone_and_a_new_one_replaces_it(with_store, lead_file) -> None:
    async def body(store):
        await store.import_leads(lead_file("number\n" + numbers(0, 4)), "survey", **SITE)
        began = datetime.now(UTC)
        await store.begin_screening()
        await store.suppress_many(["+442079460001", "+442079460002"], "*TPS")
        assert await store.screened_at() is None  # not before it is there as a whole
        await store.end_screening(began)
        assert await store.screened_at() == began
        again = datetime.now(UTC)
        await store.begin_screening()
        assert await store.suppress_many(["+442079460002", "+442079460003"], "*TPS") == 1
        await store.end_screening(again)
        assert await store.suppressed("survey") == set() and await store.suppressed_since(began) == []
        assert not (await store.standing("survey", ["+442079460003"])).suppressed
        assert (await store.standing("survey", ["+442079460003"], marketing=True)).suppressed == {"+442079460003"}
        marketed = await store.next_leads("survey", 9, WALL, marketing=True)
        assert [lead.number[-1] for lead in marketed] == ["0", "1"]

    with_store(body)


def test_a_lead_whose_record_is_damaged_is_set_aside_and_the_others_are_dialled(with_store, lead_file, url) -> None:
    import sqlite3

    async def body(store):
        await store.import_leads(lead_file("number\n" + numbers(0, 3)), "survey", **SITE)
        connection = sqlite3.connect(sqlite_file(url))
        connection.execute("UPDATE vault SET sealed = zeroblob(60) WHERE position = 2")
        connection.commit()
        connection.close()
        assert [lead.number[-1] for lead in await store.next_leads("survey", 9, WALL)] == ["0", "2"]
        assert (await store.lead_counts("survey"))[LeadState.DONE] == 1
        damaged = [lead async for lead in store.all_leads() if lead.last_outcome == "unreadable"]
        assert len(damaged) == 1

    with_store(body)


@given(
    lists=st.lists(st.lists(st.integers(0, 25), min_size=1, max_size=12), min_size=1, max_size=3),
    counts=st.lists(st.integers(1, 9), min_size=1, max_size=6),
)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_lists_and_refills_there_are_no_number_is_given_twice_nor_lost(
    lists, counts, tmp_path_factory
) -> None:
    folder: Path = tmp_path_factory.mktemp("refill")

    async def run() -> None:
        store = await Store.open(f"sqlite:///{folder}/store.db")
        wanted = set()
        for n, ends in enumerate(lists):
            path = folder / f"{n}.csv"
            path.write_text("number\n" + "".join(f"0207946{end:04d}\n" for end in ends))
            wanted.update(f"+44207946{end:04d}" for end in ends)
            await store.import_leads(path, "survey", **SITE)
        hopper, given_out = Hopper(), []
        for count in [*counts, 99]:
            for lead in await store.next_leads("survey", count, WALL):
                assert hopper.add(lead)
                given_out.append(lead.number)
        assert len(given_out) == len(set(given_out)) and set(given_out) == wanted
        await store.close()

    asyncio.run(run())
