"""Files that are there whole, or not at all."""

import os
from pathlib import Path

import pytest

from softswitch.durable import sync_folder, write_new


def test_a_new_file_has_its_mode_whatever_the_umask(tmp_path: Path) -> None:
    for umask in (0o000, 0o277):
        before = os.umask(umask)
        try:
            write_new(tmp_path / f"{umask}", "key\n")
            write_new(tmp_path / f"{umask} for a group", b"\xff\x00", 0o640)
        finally:
            os.umask(before)
        assert (tmp_path / f"{umask}").read_bytes() == b"key\n"
        assert (tmp_path / f"{umask}").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / f"{umask} for a group").read_bytes() == b"\xff\x00"
        assert (tmp_path / f"{umask} for a group").stat().st_mode & 0o777 == 0o640


def test_nothing_is_ever_written_over_and_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("first")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("key", "link"):
        with pytest.raises(FileExistsError):
            write_new(tmp_path / name, "second")
    assert (tmp_path / "key").read_text() == "first"
    assert not (tmp_path / "elsewhere").exists()


def test_content_and_folder_are_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[str] = []
    sync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda file: (synced.append(str(Path(f"/proc/self/fd/{file}").readlink())), sync(file))[1]
    )
    write_new(tmp_path / "key", "secret")
    sync_folder(tmp_path)
    assert synced == [str(tmp_path / "key"), str(tmp_path)]
    with pytest.raises(NotADirectoryError):
        sync_folder(tmp_path / "key")
