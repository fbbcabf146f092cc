"""One recording while it is written: its file, made for the owner alone and never over one that exists."""

import contextlib
import errno
import fcntl
import os
import time
from pathlib import Path
from typing import Any

from softswitch.media.rtp import NS_PER_SAMPLE
from softswitch.recordings.ledger import CLOSED, UNFINISHED, Appending, Entry, hash_of
from softswitch.recordings.names import MOST_PARTS, call_ref_of, file_name
from softswitch.recordings.sealing import Seal


class SealedFile:
    """Made by `open_part`; `bind` or `bind_unfinished` is its end."""

    __slots__ = ("_descriptor", "_seal", "_written", "part", "path")

    def __init__(self, path: Path, part: int, descriptor: int, seal: Seal) -> None:
        self.path, self.part = path, part
        self._descriptor = descriptor
        self._seal = seal
        self._written = 0

    def begin(self) -> None:
        self._write(self._seal.header)

    def lend(self, row: Any) -> None:
        """Let chunks be sealed and written by `writing`.  row: one FILE."""
        row["stream"], row["hash"], row["header"] = self._seal.addresses()
        row["header_bytes"], row["descriptor"] = len(self._seal.header), self._descriptor
        row["chunks"] = row["written"] = row["error"] = 0
        row["is_open"] = 1

    def take_back(self, row: Any) -> None:
        """Count what was written meanwhile. Where that ended in an error, the file ends with the chunk before."""
        self._seal.count(int(row["chunks"]), int(row["written"]))
        self._written += int(row["written"])
        row["is_open"] = 0
        row["stream"] = row["hash"] = row["header"] = row["chunks"] = row["written"] = row["error"] = 0

    def end(self, position: int, stored: int, frames_lost: int) -> None:
        """Write the last chunk; the key is forgotten."""
        self._write(self._seal.end(position, stored, frames_lost))

    def bind(self, ledger: Appending) -> None:
        """Write the trailer, bound to the ledger's head, have all on disk, and append the ledger's line."""
        entry = Entry.bound(CLOSED, time.time_ns(), self.path.name, self._written, self._seal.digest(), ledger.head)
        self._write(entry.trailer().pack())
        os.fsync(self._descriptor)
        ledger.append(entry)

    def bind_unfinished(self, ledger: Appending) -> None:
        """Append the line of a file that could not be written to its end."""
        size, file_hash = hash_of(self.path)
        ledger.append(Entry.bound(UNFINISHED, time.time_ns(), self.path.name, size, file_hash, ledger.head))

    def break_off(self) -> None:
        """Take away what is written of a chunk in part, and forget the key."""
        self._seal.forget()
        with contextlib.suppress(OSError):
            os.ftruncate(self._descriptor, self._written)

    def release(self) -> None:
        os.close(self._descriptor)

    def _write(self, content: bytes) -> None:
        written = os.write(self._descriptor, content)
        while written < len(content):
            written += os.write(self._descriptor, content[written:])
        self._written += written


def open_part(path: Path, key: bytes, start_ns: int) -> SealedFile:
    """Begin a call's recording, or the next part of it. Raises OSError.

    path: of the first part.  key: the auditor's public key.  start_ns: CLOCK_MONOTONIC of position 0.
    """
    call_ref = call_ref_of(path)
    place, part, descriptor = _locked_part(path, call_ref)
    try:
        started_ns = time.time_ns() - (time.monotonic_ns() - start_ns)
        file = SealedFile(place, part, descriptor, Seal(key, call_ref=call_ref, part=part, started_ns=started_ns))
        file.begin()
    except BaseException:
        os.close(descriptor)
        raise
    return file


def _locked_part(path: Path, call_ref: str) -> tuple[Path, int, int]:
    """A new file for the call's next part: its place, which part, and its descriptor.

    It has its name only once it is locked: a file without a lock is one that a crash left, and goes into the ledger.
    """
    unnamed = path.with_name(f".{call_ref}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(unnamed, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        for part in range(1, MOST_PARTS + 1):
            place = path.with_name(file_name(call_ref, part))
            with contextlib.suppress(FileExistsError):
                place.hardlink_to(unnamed)
                return place, part, descriptor
        raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
    except BaseException:
        os.close(descriptor)
        raise
    finally:
        unnamed.unlink(missing_ok=True)


def start_of(line: object) -> int:
    """CLOCK_MONOTONIC of a recording's position 0, in ns.  line: one TIMELINE."""
    return int(line["epoch_ns"]) + int(line["record_from"]) * NS_PER_SAMPLE  # type: ignore[index]
