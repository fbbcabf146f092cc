"""An import that was broken off: nothing of it is dialled, and the same file again completes it."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softswitch.errors import UsageError
from softswitch.store.database import Store
from softswitch.store.errors import StoreFailed
from softswitch.store.leads import LeadImport, nothing_stands

WALL = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)
SITE = {"country": "GB", "time_zone": "Europe/London"}
ROWS = 2500


def test_half_a_list_is_not_dialled_and_the_same_file_again_makes_it_whole(with_store, lead_file, monkeypatch) -> None:
    path = lead_file("number\n" + "".join(f"0207946{n:04d}\n" for n in range(ROWS)))
    other = lead_file("number\n02079469999\n", "other.csv")

    async def body(store):
        add, groups = store.add_leads, []

        async def fails_at_the_third(*arguments) -> None:
            groups.append(1)
            if len(groups) == 3:
                raise StoreFailed("the power is gone")
            await add(*arguments)

        with monkeypatch.context() as patched, pytest.raises(StoreFailed):
            patched.setattr(store, "add_leads", fails_at_the_third)
            await store.import_leads(path, "survey", **SITE)
        assert await store.lead_totals("survey") == (2000, 2000)
        assert await store.next_leads("survey", 9, WALL) == []
        assert [each.completed_at for each in await store.lists()] == [None]
        await store.import_leads(other, "survey", **SITE)  # has a list of its own
        assert [lead.number for lead in await store.next_leads("survey", 9, WALL)] == ["+442079469999"]
        report = await store.import_leads(path, "survey", **SITE)
        assert (report.accepted, report.duplicates_in_list) == (500, 2000)
        assert len(await store.lists()) == 2 and all(each.completed_at for each in await store.lists())
        assert len(await store.next_leads("survey", 5000, WALL)) == ROWS
        assert (await store.import_leads(path, "survey", **SITE)).accepted == 0

    with_store(body)


def test_a_whole_file_that_is_imported_again_makes_no_list(with_store, lead_file) -> None:
    async def body(store):
        path = lead_file("number\n02079460001\n02079460002\n")
        for accepted in (2, 0):
            report = await store.import_leads(path, "survey", country="GB", time_zone="Europe/London")
            assert report.accepted == accepted
        (only,) = await store.lists("survey")
        assert only.completed_at is not None
        path = lead_file("number\n0900 123 4567\n", "useless.csv")
        assert not (await store.import_leads(path, "survey", country="GB", time_zone="Europe/London")).accepted
        assert await store.lists("survey") == [only]

    with_store(body)


def test_two_imports_of_one_file_at_once_leave_each_number_once(open_store, lead_file) -> None:
    path = lead_file("number\n" + "".join(f"0207946{n:04d}\n" for n in range(ROWS)))

    async def run() -> None:
        stores = [await open_store() for _ in range(2)]
        done = await asyncio.gather(
            *(store.import_leads(path, "survey", **SITE) for store in stores), return_exceptions=True
        )
        assert any(not isinstance(each, BaseException) for each in done)
        report = await stores[0].import_leads(path, "survey", **SITE)
        numbers = list((await stores[0].numbers_of("survey")).values())
        assert len(numbers) == len(set(numbers)) == ROWS and report.accepted in (0, ROWS - 2000, ROWS - 1000)
        for store in stores:
            await store.close()

    asyncio.run(run())


TEXTS = {
    "utf-8": "number;name\r\n02079460001;Zoë\r\n02079460001;Zoë\r\n",
    "utf-8-sig": "number\tname\n02079460001\tZoë\n02079460001\tZoë\n",
    "latin-1": "number|name\n02079460001|Zoë\n",
    "cp1252": 'number,name\n02079460001,"Zo\u2019ë"\n',
    "utf-16": "number,name\n02079460001,Zoë\n",
    "utf-16-le": "number,name\n02079460001,Zoë\n",
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_a_file_is_either_read_as_it_was_meant_or_refused_with_what_to_do(lead_file, encoding: str) -> None:
    path = lead_file(TEXTS[encoding], encoding=encoding)
    work = LeadImport("survey", **SITE)
    if encoding.startswith("utf-8"):
        report = asyncio.run(work.run(path, None, standing=nothing_stands))
        assert (report.accepted, report.duplicates_in_file) == (1, 1)
        return
    with pytest.raises(UsageError, match=r"UTF-8|zero byte"):
        asyncio.run(work.run(path, None, standing=nothing_stands))


names = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
written = st.sampled_from(
    ["0207946{:04d}", "+44207946{:04d}", "+44 20 7946 {:04d}", "(020) 7946 {:04d}", "0044207946{:04d}"]
)


@given(
    rows=st.lists(st.tuples(written, st.integers(0, 30), names), max_size=15),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    ending=st.sampled_from(["\n", "\r\n"]),
    mark=st.booleans(),
)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_a_number_is_written_it_is_one_lead_and_its_fields_come_back_as_they_were(
    rows, delimiter: str, ending: str, mark: bool, tmp_path_factory
) -> None:
    folder: Path = tmp_path_factory.mktemp("import")
    quoted = [(form.format(n), '"' + name.replace('"', '""') + '"') for form, n, name in rows]
    text = ending.join([f"number{delimiter}first_name", *(delimiter.join(row) for row in quoted), ""])
    path = folder / "list.csv"
    path.write_bytes(text.encode("utf-8-sig" if mark else "utf-8"))
    expected: dict[str, str] = {}
    for _, n, name in rows:
        expected.setdefault(f"+44207946{n:04d}", name.strip())

    async def run() -> None:
        store = await Store.open(f"sqlite:///{folder}/store.db")
        report = await store.import_leads(path, "survey", **SITE)
        assert (report.rows, report.accepted) == (len(rows), len(expected))
        assert report.duplicates_in_file == len(rows) - len(expected)
        found = {lead.number: lead async for lead in store.all_leads("survey", persons=True)}
        assert found.keys() == expected.keys()
        for number, name in expected.items():
            assert found[number].fields == ({"first_name": name} if name else {})
        await store.close()

    asyncio.run(run())
