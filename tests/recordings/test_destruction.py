"""Recordings whose time is over: a tombstone, no key, no file, a chain that still verifies; all others stay."""

import mmap
from pathlib import Path

import pytest

from softswitch.recordings import destruction
from softswitch.recordings.destruction import destroy, shred, standing
from softswitch.recordings.inspection import inspect_folder
from softswitch.recordings.ledger import DESTROYED, NAME, Ledger
from tests.auditor import AUDITOR
from tests.recordings.recorded import folder_of

AT_NS = 1_900_000_000_000_000_000


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return folder_of(tmp_path, "a", "b", "c")


def test_what_is_destroyed_leaves_a_tombstone_and_the_chain_holds(site: Path) -> None:
    before = inspect_folder(site)
    (tomb,) = destroy(site, ["b.ssr"], AT_NS)
    assert (tomb.state, tomb.name, tomb.closed_ns) == (DESTROYED, "b.ssr", AT_NS)
    assert sorted(path.name for path in site.glob("*.ssr")) == ["a.ssr", "c.ssr"]
    found = inspect_folder(site, AUDITOR, anchor=before.head)
    assert (found.troubles, found.closed, found.missing) == ([], 2, [])
    assert found.destroyed == {"b.ssr": tomb.chain.hex()}


def test_the_key_is_overwritten_on_the_disk_before_the_file_goes(site: Path) -> None:
    path = site / "a.ssr"
    sealed_key = path.read_bytes()[44:148]
    with path.open("rb") as file:  # as somebody who reads the disk's free sectors
        seen = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        shred(path)
        left = seen[:]
        seen.close()
    assert not path.exists()
    assert sealed_key not in left
    assert left[44:148] != bytes(104)
    assert left[:44].startswith(b"SSRECORD")


def test_a_crash_between_tombstone_and_file_is_finished_by_the_next(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as crash:
        crash.setattr(destruction, "shred", lambda path: (_ for _ in ()).throw(OSError("power")))
        with pytest.raises(OSError, match="power"):
            destroy(site, ["a.ssr"], AT_NS)
    assert (site / "a.ssr").exists()
    assert any("still there" in trouble for trouble in inspect_folder(site).troubles)
    assert destroy(site, [], AT_NS) == []
    assert not (site / "a.ssr").exists()
    assert inspect_folder(site).troubles == []


def test_what_is_unknown_destroyed_already_or_being_written_is_left_alone(site: Path) -> None:
    import fcntl

    destroy(site, ["a.ssr"], AT_NS)
    lines = (site / NAME).read_text().count("\n")
    with (site / "b.ssr").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert destroy(site, ["a.ssr", "b.ssr", "../x.ssr", "nobody.ssr"], AT_NS) == []
    assert (site / NAME).read_text().count("\n") == lines
    assert sorted(standing(site).kept) == ["b.ssr", "c.ssr"]


def test_a_recording_that_somebody_removed_is_told_from_one_that_was_destroyed(site: Path) -> None:
    destroy(site, ["a.ssr"], AT_NS)
    (site / "b.ssr").unlink()
    found = inspect_folder(site)
    assert found.troubles == ["b.ssr: is in the ledger and not in the folder: it was removed"]
    assert inspect_folder(site, may_be_missing=True).troubles == []


def test_a_tombstone_for_what_there_never_was_is_a_trouble(site: Path) -> None:
    from softswitch.recordings.ledger import Entry

    with Ledger(site).appending() as turn:
        turn.append(Entry.bound(DESTROYED, AT_NS, "x.ssr", 1, bytes(32), turn.head))
        turn.append(Entry.bound(DESTROYED, AT_NS, "a.ssr", 1, bytes(32), turn.head))
    troubles = inspect_folder(site).troubles
    assert any("a recording that there was not" in trouble for trouble in troubles)
    assert any("of another recording" in trouble for trouble in troubles)
