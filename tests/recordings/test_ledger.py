"""The ledger: recordings bound in the order of their end, and what an inspection says of a folder that was changed."""

import fcntl
import os
import threading

import pytest

from softswitch.errors import UsageError
from softswitch.recordings.form import TRAILER_BYTES
from softswitch.recordings.inspection import inspect_files, inspect_folder
from softswitch.recordings.ledger import CLOSED, NAME, ORIGIN, UNFINISHED, Entry, Ledger, LedgerBroken, entries
from tests.auditor import AUDITOR
from tests.recordings.recorded import folder_of, keep, pieces


def troubles(folder, **options):
    return inspect_folder(folder, AUDITOR, **options).troubles


def lines(folder):
    return (folder / NAME).read_text().splitlines(keepends=True)


def test_each_line_is_bound_to_the_one_before(tmp_path):
    folder_of(tmp_path, "a", "b", "c")
    found = list(entries(tmp_path / NAME))
    assert [entry.name for entry in found] == ["a.ssr", "b.ssr", "c.ssr"]
    assert [entry.previous for entry in found] == [ORIGIN, found[0].chain, found[1].chain]
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600
    inspected = inspect_folder(tmp_path, AUDITOR)
    assert (inspected.troubles, inspected.closed, inspected.head) == ([], 3, found[2].chain)


def test_several_writers_at_once_make_one_chain(tmp_path):
    def write(who):
        ledger = Ledger(tmp_path)
        for number in range(20):
            with ledger.appending() as turn:
                turn.append(Entry.bound(UNFINISHED, 1, f"{who}-{number}.ssr", 0, bytes(32), turn.head))

    threads = [threading.Thread(target=write, args=(who,)) for who in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = list(entries(tmp_path / NAME))
    assert len(found) == 100
    assert all(entry.is_whole() for entry in found)
    assert [entry.previous for entry in found[1:]] == [entry.chain for entry in found[:-1]]


def test_a_line_that_a_crash_cut_off_is_taken_away_and_the_recording_adopted_again(tmp_path):
    folder_of(tmp_path, "a", "b")
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(whole[:-40])
    adopted = Ledger(tmp_path).adopt()
    assert [(entry.name, entry.state) for entry in adopted] == [("b.ssr", CLOSED)]
    assert (tmp_path / NAME).read_bytes() == whole
    assert troubles(tmp_path) == []


def test_recordings_whose_lines_a_crash_kept_from_the_ledger_are_adopted_in_the_order_of_their_chain(tmp_path):
    folder_of(tmp_path, "z", "y", "x")
    whole = (tmp_path / NAME).read_text()
    (tmp_path / NAME).write_text(lines(tmp_path)[0])
    assert [entry.name for entry in Ledger(tmp_path).adopt()] == ["y.ssr", "x.ssr"]
    assert (tmp_path / NAME).read_text() == whole


def test_what_a_crash_cut_off_is_adopted_as_unfinished_and_once(tmp_path):
    folder_of(tmp_path, "a")
    (tmp_path / "cut.ssr").write_bytes(b"".join(pieces("cut")[0])[:3000])
    (entry,) = Ledger(tmp_path).adopt()
    assert (entry.name, entry.state, entry.size) == ("cut.ssr", UNFINISHED, 3000)
    assert Ledger(tmp_path).adopt() == []
    found = inspect_folder(tmp_path, AUDITOR)
    assert (found.troubles, found.closed, found.unfinished) == ([], 1, ["cut.ssr"])
    (tmp_path / "cut.ssr").write_bytes(b"".join(pieces("cut")[0])[:2900])
    assert "is not what the crash left" in troubles(tmp_path)[0]


def test_a_recording_under_way_is_left_alone(tmp_path):
    path = tmp_path / "live.ssr"
    path.write_bytes(b"".join(pieces("live")[0])[:3000])
    descriptor = os.open(path, os.O_WRONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    assert Ledger(tmp_path).adopt() == []
    found = inspect_folder(tmp_path)
    assert (found.troubles, found.being_written) == ([], ["live.ssr"])
    os.close(descriptor)
    assert [entry.name for entry in Ledger(tmp_path).adopt()] == ["live.ssr"]


def test_a_recording_that_was_removed_put_in_renamed_or_exchanged_is_named(tmp_path):
    folder_of(tmp_path, "a", "b", "c", "d")
    (tmp_path / "a.ssr").unlink()
    (tmp_path / "b.ssr").rename(tmp_path / "e.ssr")
    (tmp_path / "c.ssr").rename(tmp_path / "swap")
    (tmp_path / "d.ssr").rename(tmp_path / "c.ssr")
    (tmp_path / "swap").rename(tmp_path / "d.ssr")
    said = troubles(tmp_path)
    assert "a.ssr: is in the ledger and not in the folder: it was removed" in said
    assert "e.ssr: was b.ssr when it was written: it was renamed" in said
    assert any(each.startswith("e.ssr: is not in the ledger") for each in said)
    assert "c.ssr: was d.ssr when it was written: it was renamed" in said
    assert not any("removed" in each for each in troubles(tmp_path, may_be_missing=True))


@pytest.mark.parametrize("part", ["text", "cut", "trailer", "replaced"])
def test_a_changed_recording_is_noticed_without_the_private_key(tmp_path, part):
    folder_of(tmp_path, "a", "b")
    path = tmp_path / "a.ssr"
    content = bytearray(path.read_bytes())
    match part:
        case "text":
            content[len(content) // 2] ^= 1
        case "cut":
            del content[len(content) // 2 :]
        case "trailer":
            content[-TRAILER_BYTES + 13] ^= 1
        case "replaced":
            content[:] = b"".join(pieces("a", seed=9)[0])
    path.write_bytes(content)
    found = inspect_folder(tmp_path)
    assert found.troubles
    assert all(each.startswith("a.ssr: ") for each in found.troubles)
    assert found.closed == 1
    assert inspect_files([tmp_path / "b.ssr"]).troubles == []
    assert inspect_files([path]).troubles == found.troubles


def test_a_ledger_that_was_altered_shortened_or_reordered_is_named(tmp_path):
    folder_of(tmp_path, "a", "b", "c")
    first, second, third = lines(tmp_path)
    head = inspect_folder(tmp_path).head
    ledger = tmp_path / NAME
    ledger.write_text(first + second.replace("b.ssr", "x.ssr") + third)
    assert any("line 2 (x.ssr) was altered" in each for each in troubles(tmp_path))
    ledger.write_text(first + third)
    assert any("line 2 (c.ssr) does not follow" in each for each in troubles(tmp_path))
    ledger.write_text(first + third + second)
    assert any("does not follow" in each for each in troubles(tmp_path))
    ledger.write_text(first + "nonsense\n" + third)
    assert any("line 2" in each and "no line of a ledger" in each for each in troubles(tmp_path))
    ledger.write_text(first + second)
    (tmp_path / "c.ssr").unlink()
    assert troubles(tmp_path) == []  # nothing in the folder betrays it ...
    assert any("taken out" in each for each in troubles(tmp_path, anchor=head))  # ... what was noted elsewhere does


def test_nothing_is_bound_to_a_ledger_that_ends_in_nonsense(tmp_path):
    folder_of(tmp_path, "a")
    with (tmp_path / NAME).open("a") as ledger:
        ledger.write("closed 1 b.ssr 3 x y z\n")
    with pytest.raises(LedgerBroken):
        keep(tmp_path, pieces("c")[0], "c")


def test_a_folder_or_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UsageError, match="no folder"):
        inspect_folder(tmp_path / "gone")
    with pytest.raises(UsageError, match="no file"):
        inspect_files([tmp_path / "gone.ssr"])
    assert inspect_folder(tmp_path).troubles == []
