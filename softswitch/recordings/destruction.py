"""Destroying recordings whose time is over: a tombstone in the ledger first, then the key, then the file.

A crash in between leaves a tombstone and a file; the next `destroy` finishes what is left.
"""

import fcntl
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from softswitch.durable import sync_folder
from softswitch.recordings.form import SEALED_KEY_BYTES
from softswitch.recordings.ledger import DESTROYED, NAME, Entry, Ledger, entries, is_being_written
from softswitch.recordings.names import read_name

KEY_AT = 44
"""Offset of the sealed key in the header; the secretstream's header follows it (docs/recording-format.md)."""
KEY_AREA_BYTES = SEALED_KEY_BYTES + 24


@dataclass(frozen=True, slots=True)
class Standing:
    """What a ledger says that a folder holds."""

    kept: dict[str, Entry]
    """Recordings that are not destroyed, by name, in the order in which they were closed."""
    tombstones: dict[str, Entry]


def standing(folder: Path) -> Standing:
    """Raises LedgerBroken."""
    kept: dict[str, Entry] = {}
    tombstones: dict[str, Entry] = {}
    for entry in entries(folder / NAME):
        if entry.state == DESTROYED:
            tombstones[entry.name] = entry
            kept.pop(entry.name, None)
        else:
            kept[entry.name] = entry
    return Standing(kept, tombstones)


def destroy(folder: Path, names: Collection[str], at_ns: int) -> list[Entry]:
    """Destroy these recordings, and what an earlier call left half done; the tombstones that were set now.

    at_ns: wall clock, ns since 1970 (UTC). A name that the ledger does not know, or that is being written, is left
    alone. Raises OSError or LedgerBroken; what has a tombstone by then is finished by the next call.
    """
    new: list[Entry] = []
    with Ledger(folder).appending() as turn:
        now = standing(folder)
        for name in names:
            entry = now.kept.get(name)
            if entry is not None and not is_being_written(folder / name):
                tomb = Entry.bound(DESTROYED, at_ns, name, entry.size, entry.file_hash, turn.head)
                new.append(turn.append(tomb))
    left = [name for name in (*now.tombstones, *(tomb.name for tomb in new)) if read_name(Path(name))]
    for name in left:
        shred(folder / name)
    sync_folder(folder)
    return new


def shred(path: Path) -> None:
    """Overwrite the key that the file was sealed with, on disk, and remove the file. Nothing where it is gone already.

    Whoever finds the rest in the disk's free sectors cannot open it, with the auditor's key neither.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        os.pwrite(descriptor, os.urandom(max(0, min(KEY_AREA_BYTES, size - KEY_AT))), KEY_AT)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path.unlink(missing_ok=True)
