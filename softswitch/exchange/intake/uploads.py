"""Files that people upload: streamed to disk within a limit, for the switch's user alone, deleted once used."""

import asyncio
import csv
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from softswitch.errors import UsageError
from softswitch.safeguards.site_setup import Upload

FOLDER = "uploads"
LARGEST = 256 << 20
"""Bytes: about four million leads."""
KEPT_S = 30 * 60.0
"""A file that nobody has used by then is deleted."""
MOST_WAITING = 10
FIRST_LINE = 64 << 10
"""Bytes in which a CSV file's column names must be."""
_MOST_COLUMNS = 200


@dataclass(slots=True)
class _Waiting:
    upload: Upload
    by: str
    path: Path
    until: float


class Uploads:
    """Each is known by a random reference to who has uploaded it, and to nobody else."""

    def __init__(self, data_directory: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = data_directory / FOLDER
        self._clock = clock
        self._waiting: dict[str, _Waiting] = {}
        self.delete_all()

    async def receive(self, name: str, chunks: AsyncIterator[bytes], by: str, *, largest: int = LARGEST) -> Upload:
        """Take a file in, chunk by chunk. Raises UsageError for one that is empty or too long."""
        self._forget_old()
        if len(self._waiting) >= MOST_WAITING:
            raise UsageError("too many files wait to be used: use them, or wait half an hour")
        ref = secrets.token_hex(16)
        path = self._folder / ref / _plain(name)
        try:
            size = await self._written(path, chunks, largest)
            columns = await asyncio.to_thread(_columns, path)
        except BaseException:
            _delete(path.parent)
            raise
        upload = Upload(ref, path.name, size, columns)
        self._waiting[ref] = _Waiting(upload, by, path, self._clock() + KEPT_S)
        return upload

    def path(self, upload_ref: str, by: str) -> Path:
        """Raises KeyError where this person has uploaded no such file, or it is gone."""
        return self._find(upload_ref, by).path

    def name(self, upload_ref: str, by: str) -> str:
        return self._find(upload_ref, by).upload.name

    def delete(self, upload_ref: str) -> None:
        waiting = self._waiting.pop(upload_ref, None)
        if waiting is not None:
            _delete(waiting.path.parent)

    def delete_all(self) -> None:
        """At start and end: what a crash has left is nobody's."""
        self._waiting.clear()
        _delete(self._folder)

    def _find(self, upload_ref: str, by: str) -> _Waiting:
        self._forget_old()
        waiting = self._waiting[upload_ref]
        if waiting.by != by:
            raise KeyError(upload_ref)
        return waiting

    def _forget_old(self) -> None:
        now = self._clock()
        for ref in [ref for ref, waiting in self._waiting.items() if waiting.until <= now]:
            self.delete(ref)

    async def _written(self, path: Path, chunks: AsyncIterator[bytes], largest: int) -> int:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.parent.mkdir(mode=0o700)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            size = 0
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > largest:
                        raise UsageError(f"the file is too long: at most {largest >> 20 or 1} MiB are taken")
                    await asyncio.to_thread(file.write, chunk)
        except OSError as error:
            raise UsageError(f"the file cannot be kept: {error.strerror}") from error
        if not size:
            raise UsageError("the file is empty")
        return size


def _plain(name: str) -> str:
    """The last part of a name that a browser sent: letters, digits and few signs, never the name of a folder."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in last)[:80].strip(".") or "file"


def _delete(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _columns(path: Path) -> tuple[str, ...]:
    """What the first line names, where it is text that commas, semicolons, tabs or bars part; else nothing."""
    with path.open("rb") as file:
        line = file.readline(FIRST_LINE)
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ()
    outside = "".join(text.split('"')[::2])
    delimiter = max((",", ";", "\t", "|"), key=outside.count)
    try:
        names = next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return ()
    if len(names) > _MOST_COLUMNS or not text.strip().isprintable():
        return ()
    return tuple(name.strip()[:64] for name in names if sum(c.isdigit() for c in name) < 5)
