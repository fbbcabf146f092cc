"""The audit log's files over crashes, full disks, days and other hands; each story ends with an inspection."""

import asyncio
import os
import pwd
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from softswitch.errors import UsageError
from softswitch.exchange.audit import book as audit_book
from softswitch.exchange.audit import start as audit_start
from softswitch.exchange.audit.book import AuditBook, Entry
from softswitch.exchange.audit.file import AuditFile
from softswitch.exchange.audit.keys import AuditKey, fits
from softswitch.exchange.audit.start import person
from softswitch.safeguards.audit import BEYOND, CUT, FAILED, TORN, AuditChain, AuditRecord
from softswitch.safeguards.audit_inspection import Inspection, inspect
from softswitch.safeguards.audit_seal import Head, Seal, Why

NOON = datetime(2027, 6, 14, 12, 0, tzinfo=UTC)
KEY = AuditKey(bytes(range(32)))


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


def listened(number: int = 1) -> Entry:
    return Entry("eve", "listen", f"call{number}", "complaint")


def records(folder: Path) -> list[AuditRecord]:
    found = []
    for line in (folder / "audit.log").read_bytes().splitlines():
        try:
            found.append(AuditRecord.from_line(line.decode()))
        except UsageError:
            continue
    return found


def seals(folder: Path) -> list[Seal]:
    return [Seal.from_line(line) for line in (folder / "audit.seals").read_text().splitlines()]


def look_at(folder: Path) -> Inspection:
    parts = [(folder / name).read_bytes() if (folder / name).exists() else b"" for name in ("audit.log", "audit.seals")]
    log, sealed = (part.splitlines(keepends=True) for part in parts)
    return inspect(log, sealed, (folder / "audit.head").read_bytes(), fits, public_keys={KEY.public})


@pytest.fixture
def book(tmp_path: Path) -> AuditBook:
    return AuditBook(tmp_path, KEY, Clock())


def test_what_is_written_is_whole_and_for_its_owner_alone(book: AuditBook, tmp_path: Path) -> None:
    book.append([listened(1), listened(2)])
    book.append([listened(3)])
    book.seal(Why.SHUTDOWN)
    found = look_at(tmp_path)
    assert (found.records, found.sealed, found.troubles, found.notes) == (3, 3, [], [])
    for name in ("audit.log", "audit.head", "audit.seals"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_a_day_is_sealed_before_the_first_record_of_the_next(tmp_path: Path) -> None:
    clock = Clock()
    book = AuditBook(tmp_path, KEY, clock)
    book.append([listened(1), listened(2)])
    clock.now += timedelta(days=1)
    book.append([listened(3)])
    (seal,) = seals(tmp_path)
    first, second, _ = records(tmp_path)
    assert (seal.day, seal.why, seal.count, seal.first, seal.last) == (
        "2027-06-14",
        "day",
        2,
        first.digest,
        second.digest,
    )
    assert look_at(tmp_path).troubles == []


def test_a_day_is_sealed_when_it_is_over_though_nothing_happens(tmp_path: Path) -> None:
    clock = Clock()
    book = AuditBook(tmp_path, KEY, clock)
    book.append([listened()])
    book.look()
    assert not (tmp_path / "audit.seals").exists()
    clock.now += timedelta(days=1)
    book.look()
    book.look()
    assert [seal.why for seal in seals(tmp_path)] == ["day"]


def test_seals_take_up_where_the_last_one_ended_and_none_is_set_on_nothing(book: AuditBook, tmp_path: Path) -> None:
    assert book.seal(Why.START) is None
    book.append([listened(n) for n in range(3000)])
    book.seal(Why.SHUTDOWN)
    assert book.seal(Why.START) is None
    book.append([listened()])
    book.seal(Why.START)
    assert [(seal.first_sequence, seal.last_sequence) for seal in seals(tmp_path)] == [(1, 3000), (3001, 3001)]
    assert look_at(tmp_path).troubles == []


@pytest.mark.parametrize("cut", [1, 20, 150, 250])
def test_a_torn_last_line_stays_and_the_record_behind_it_says_so(book: AuditBook, tmp_path: Path, cut: int) -> None:
    book.append([listened(1)])
    line = AuditChain(records(tmp_path)[-1]).append("eve", "listen", at=NOON, subject="call2").to_line()
    with (tmp_path / "audit.log").open("a") as log:
        log.write(line[: -cut if cut < len(line) else 1])
    AuditBook(tmp_path, KEY, Clock()).append([listened(3)])
    found = look_at(tmp_path)
    assert found.troubles == []
    assert found.torn == 1
    assert [record.action for record in records(tmp_path)] == ["listen", TORN, "listen"]
    assert line[:20] in (tmp_path / "audit.log").read_text() or cut == 250


def test_a_last_line_that_lacks_nothing_but_its_end_is_a_record(book: AuditBook, tmp_path: Path) -> None:
    book.append([listened(1)])
    path = tmp_path / "audit.log"
    path.write_bytes(path.read_bytes()[:-1])
    book.append([listened(2)])
    assert [record.subject for record in records(tmp_path)] == ["call1", "call2"]
    assert look_at(tmp_path).troubles == []


def test_a_first_line_that_was_torn_is_told_of_too(book: AuditBook, tmp_path: Path) -> None:
    (tmp_path / "audit.log").write_bytes(b'{"action":"lis')
    book.append([listened()])
    assert [record.action for record in records(tmp_path)] == [TORN, "listen"]
    assert look_at(tmp_path).troubles == []


def test_a_second_crash_while_the_first_is_told_of_is_told_of_together(book: AuditBook, tmp_path: Path) -> None:
    book.append([listened(1)])
    with (tmp_path / "audit.log").open("ab") as log:
        log.write(b'{"action":"lis\n{"action":"torn')
    book.append([listened(2)])
    found = look_at(tmp_path)
    assert found.troubles == []
    assert found.torn == 2


def test_a_crash_between_log_and_head_is_told_of(book: AuditBook, tmp_path: Path) -> None:
    book.append([listened(1)])
    head = (tmp_path / "audit.head").read_bytes()
    book.append([listened(2)])
    (tmp_path / "audit.head").write_bytes(head)
    book.append([listened(3)])
    found = look_at(tmp_path)
    assert found.troubles == []
    assert records(tmp_path)[2].action == BEYOND
    assert "line 3: records 2 to 2" in found.notes[0]


def test_a_log_that_was_shortened_says_so_for_good_though_it_goes_on(book: AuditBook, tmp_path: Path) -> None:
    book.append([listened(1), listened(2), listened(3)])
    path = tmp_path / "audit.log"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    assert [trouble.line for trouble in look_at(tmp_path).troubles] == [3]
    book.append([listened(4)])
    assert records(tmp_path)[2].action == CUT
    assert [trouble.line for trouble in look_at(tmp_path).troubles] == [3]


def test_an_old_copy_of_all_files_that_is_put_back_under_a_running_site_is_told_of(
    book: AuditBook, tmp_path: Path
) -> None:
    book.append([listened(1)])
    names = ("audit.log", "audit.head")
    copies = {name: (tmp_path / name).read_bytes() for name in names}
    book.append([listened(2), listened(3)])
    for name, content in copies.items():
        (tmp_path / name).write_bytes(content)
    assert look_at(tmp_path).troubles == [], "nobody could tell from the files"
    book.look()
    assert [record.action for record in records(tmp_path)] == ["listen", CUT]
    assert "record 3 was written here" in records(tmp_path)[1].subject
    assert [trouble.line for trouble in look_at(tmp_path).troubles] == [2]
    book.look()
    book.append([listened(4)])
    assert [record.action for record in records(tmp_path)] == ["listen", CUT, "listen"], "it is told once"


def test_what_another_process_has_written_meanwhile_is_no_news(book: AuditBook, tmp_path: Path) -> None:
    book.append([listened(1)])
    AuditBook(tmp_path, KEY, Clock()).append([listened(2)])
    book.look()
    book.append([listened(3)])
    assert [record.action for record in records(tmp_path)] == ["listen"] * 3


def test_who_acts_at_the_machine_is_said_by_the_kernel_and_not_by_the_environment(monkeypatch, tmp_path: Path) -> None:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    monkeypatch.setattr(audit_start, "LOGIN_UID", tmp_path / "loginuid")
    own = pwd.getpwuid(os.getuid()).pw_name
    for login, said in (("", own), (str(2**32 - 1), own), (str(os.getuid()), own), ("54321", f"uid 54321 as {own}")):
        (tmp_path / "loginuid").write_text(login)
        assert person() == said


def test_a_head_that_was_taken_away_is_told_of(book: AuditBook, tmp_path: Path) -> None:
    book.append([listened(1)])
    (tmp_path / "audit.head").unlink()
    book.append([listened(2)])
    assert records(tmp_path)[1].action == CUT
    assert look_at(tmp_path).troubles


def test_a_log_whose_end_is_no_log_is_not_gone_on_with(book: AuditBook, tmp_path: Path) -> None:
    book.append([listened(1)])
    with (tmp_path / "audit.log").open("ab") as log:
        log.write(b"x" * 100_000)
    with pytest.raises(UsageError, match="audit verify"):
        book.append([listened(2)])


def test_a_torn_seal_is_made_again(book: AuditBook, tmp_path: Path) -> None:
    book.append([listened(1)])
    (tmp_path / "audit.seals").write_bytes(b'{"at":"2027')
    book.seal(Why.START)
    found = look_at(tmp_path)
    assert (found.troubles, found.sealed) == ([], 1)


def test_a_disk_that_is_full_refuses_and_what_was_refused_is_told_of_later(
    book: AuditBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.append([listened(1)])
    write = os.write
    monkeypatch.setattr(audit_book.os, "write", lambda file, data: write(file, data[:10]))
    for number in (2, 3):
        with pytest.raises(UsageError, match="No space left"):
            book.append([listened(number)])
    monkeypatch.undo()
    book.look()
    assert [(record.action, record.subject) for record in records(tmp_path)] == [
        ("listen", "call1"),
        (FAILED, "2 records were refused"),
    ]
    assert look_at(tmp_path).troubles == []


def test_a_log_without_a_key_keeps_an_unsigned_head_and_no_seals(tmp_path: Path) -> None:
    book = AuditBook(tmp_path, None, Clock())
    book.append([listened()])
    assert book.seal(Why.SHUTDOWN) is None
    assert Head.from_line((tmp_path / "audit.head").read_text()).signature == ""


def test_endless_text_is_cut_so_that_the_last_record_is_always_found(book: AuditBook, tmp_path: Path) -> None:
    book.append([Entry("eve", "listen", "ü" * 100_000, "ß" * 100_000)])
    book.append([listened()])
    assert look_at(tmp_path).troubles == []
    assert records(tmp_path)[0].subject.endswith("(100000 characters)")


# The running site's side


def test_what_is_asked_for_at_once_goes_to_disk_together_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    sync = os.fsync
    monkeypatch.setattr(audit_book.os, "fsync", lambda file: (synced.append(file), sync(file))[1])

    async def story() -> None:
        audit = AuditFile(tmp_path, KEY)
        await audit.note("eve", "listen", subject="0", reason="")
        synced.clear()
        await asyncio.gather(*(audit.note("eve", "listen", subject=f"{n}", reason="") for n in range(1, 51)))
        await audit.close()

    asyncio.run(story())
    assert [record.subject for record in records(tmp_path)] == [str(n) for n in range(51)]
    assert len(synced) < 12
    assert seals(tmp_path)[-1].why == "shutdown"


def test_health_is_told_of_a_log_that_cannot_be_written_and_of_one_that_can_again(tmp_path: Path) -> None:
    told: list[str] = []

    async def story() -> None:
        audit = AuditFile(tmp_path / "data", KEY, on_health=told.append)
        with pytest.raises(UsageError):
            await audit.note("eve", "listen", subject="call", reason="")
        await audit.look()
        (tmp_path / "data").mkdir()
        await audit.look()

    asyncio.run(story())
    assert "cannot be written" in told[0]
    assert told[1] == told[0]
    assert told[2] == ""
    assert records(tmp_path / "data")[0].action == FAILED


def test_one_who_stops_waiting_takes_nothing_back(tmp_path: Path) -> None:
    async def story() -> None:
        audit = AuditFile(tmp_path, KEY)
        waiting = asyncio.create_task(audit.note("eve", "listen", subject="call1", reason=""))
        await asyncio.sleep(0)
        waiting.cancel()
        await audit.note("eve", "listen", subject="call2", reason="")
        await audit.drain()

    asyncio.run(story())
    assert [record.subject for record in records(tmp_path)] == ["call1", "call2"]


WRITER = """
import asyncio, sys
from pathlib import Path
from softswitch.exchange.audit.file import AuditFile
from softswitch.exchange.audit.keys import AuditKey

async def story():
    audit = AuditFile(Path(sys.argv[1]), AuditKey(bytes(range(32))))
    number = 0
    async def one():
        nonlocal number
        while True:
            number += 1
            mine = number
            await audit.note("eve", "listen", subject=f"{mine}.", reason="x" * 500)
            print(mine, flush=True)
    await asyncio.gather(*(one() for _ in range(8)))

asyncio.run(story())
"""


def test_nothing_that_was_acknowledged_is_lost_when_the_process_is_killed_again_and_again(tmp_path: Path) -> None:
    acknowledged = 0
    for round_ in range(4):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        said = [int(writer.stdout.readline()) for _ in range(40 + 17 * round_)]
        writer.send_signal(signal.SIGKILL)
        said += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
        writer.wait()
        acknowledged += len(said)
        assert look_at(tmp_path).troubles == []
    AuditBook(tmp_path, KEY).append([listened()])
    found = look_at(tmp_path)
    assert found.troubles == []
    assert sum(record.actor == "eve" for record in records(tmp_path)) >= acknowledged + 1
