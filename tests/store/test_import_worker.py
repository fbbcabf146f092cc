"""A long list is read by a process of its own: to the same end, and with the keys told to nobody else."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from softswitch.errors import UsageError
from softswitch.store import leads
from softswitch.store.columns import read_header
from softswitch.store.errors import StoreFailed
from softswitch.store.import_worker import BROKEN_OFF, ImportWorker
from softswitch.store.lead_file import inspect
from softswitch.store.lead_groups import PlainGroup, Site
from softswitch.store.vault import LockedVault, RootKeys, VaultLocked

WALL = datetime(2027, 3, 10, 12, 0, tzinfo=UTC)
SITE = Site("GB", "Europe/London", WALL)
KEYWORDS = {"country": "GB", "time_zone": "Europe/London"}
ROWS = (
    "02079460001,020 7946 0002,Ann,",
    "02079460001,,Bob,",  # a duplicate
    "02079460002,,Cid,",  # the other number of the first
    "12,,Dan,",
    "02079460005,02079460006,Eve,call 020 7946 0005",  # a field with the number in it
    "02079460007,,Fay,1,too many",
    "0012125550123,,Gus,",  # of a country with several zones
)
MIXED = "phone,phone_2,name,note\n" + "".join(f"{row}\n" for row in ROWS)


@pytest.fixture
def by_worker(monkeypatch):
    monkeypatch.setattr(leads, "FROM_ROWS", 1)


def test_a_worker_comes_to_the_same_leads_and_the_same_report(with_store, lead_file, monkeypatch) -> None:
    path = lead_file(MIXED)

    async def body(store):
        here = await store.import_leads(path, "survey", **KEYWORDS)
        monkeypatch.setattr(leads, "FROM_ROWS", 1)
        there = await store.import_leads(path, "panel", **KEYWORDS)
        assert there == here
        assert (here.rows, here.accepted, here.duplicates_in_file, here.invalid) == (7, 3, 2, 2)
        made = []
        for campaign in ("survey", "panel"):
            theirs = [lead async for lead in store.all_leads(campaign, persons=True)]
            made.append([(each.number, each.numbers, each.fields, each.time_zone, each.state) for each in theirs])
        assert made[0] == made[1]
        again = await store.import_leads(path, "panel", **KEYWORDS)
        assert (again.accepted, again.duplicates_in_list) == (0, 3)

    with_store(body)


def test_a_number_that_is_held_back_is_not_in_what_was_sealed(with_store, lead_file, by_worker) -> None:
    path = lead_file("phone,phone_2,name\n02079460001,02079460002,Ann\n")

    async def body(store):
        await store.suppress("+442079460001", reason="asked")
        report = await store.import_leads(path, "survey", **KEYWORDS)
        assert (report.accepted, report.numbers_left_out) == (1, 1)
        [lead] = [lead async for lead in store.all_leads("survey", persons=True)]
        assert (lead.number, lead.numbers, lead.fields) == ("+442079460002", (), {"name": "Ann"})

    with_store(body)


def test_a_worker_that_dies_breaks_the_import_off_and_the_same_file_again_completes_it(
    with_store, lead_file, by_worker, monkeypatch
) -> None:
    path = lead_file("number\n" + "".join(f"0207946{n:04d}\n" for n in range(3000)))

    async def body(store):
        begun = ImportWorker.next_group

        def killed_after_the_first(worker):
            group = begun(worker)
            worker._process.kill()
            worker._process.wait()
            return group

        with monkeypatch.context() as patched, pytest.raises(StoreFailed, match="import the same file again"):
            patched.setattr(ImportWorker, "next_group", killed_after_the_first)
            await store.import_leads(path, "survey", **KEYWORDS)
        assert await store.next_leads("survey", 9, WALL) == []
        report = await store.import_leads(path, "survey", **KEYWORDS)
        assert report.accepted + report.duplicates_in_list == 3000
        assert len(await store.lists()) == 1
        assert len(await store.next_leads("survey", 5000, WALL)) == 3000

    with_store(body)


def test_the_keys_are_in_no_argument_and_no_variable_of_the_worker_and_it_leaves_no_core_dump(lead_file) -> None:
    file = inspect(lead_file("number\n" + "".join(f"0207946{n:04d}\n" for n in range(5000))))
    keys = RootKeys.new()
    worker = ImportWorker(file, read_header(file.header), SITE, keys)
    try:
        group = worker.next_group()
        assert isinstance(group, PlainGroup) and len(group.numbers) == 1000
        proc = Path(f"/proc/{worker._process.pid}")
        shown = (proc / "cmdline").read_bytes() + (proc / "environ").read_bytes()
        for key in (keys.wrapping, keys.index):
            assert key not in shown and key.hex().encode() not in shown.lower()
        limits = (proc / "limits").read_text().splitlines()
        assert next(line for line in limits if line.startswith("Max core file size")).split()[4:6] == ["0", "0"]
        vault = keys.vault()
        new = group.leads
        for n in range(20):
            assert new.digests[n] == vault.digest(group.numbers[n])
            assert vault.open(new.lead_refs[n], new.wrapped[n], new.sealed[n]).number == group.numbers[n]
    finally:
        worker.close()
    with pytest.raises(StoreFailed, match=BROKEN_OFF):
        worker.next_group()


def test_a_file_that_is_gone_is_told_of_in_the_words_that_it_has_without_a_worker(lead_file) -> None:
    path = lead_file("number\n02079460001\n")
    file = inspect(path)
    path.unlink()
    worker = ImportWorker(file, read_header(file.header), SITE, None)
    try:
        with pytest.raises(UsageError, match="cannot be read: No such file"):
            worker.next_group()
    finally:
        worker.close()


def test_a_locked_vault_gives_its_keys_to_nobody() -> None:
    with pytest.raises(VaultLocked, match="no key"):
        _ = LockedVault("there is no key here").keys
