"""Inspecting a recordings folder: ledger, hashes and structure without a key; every chunk too with the auditor's."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from softswitch.errors import UsageError
from softswitch.recordings.form import NotARecording, digest
from softswitch.recordings.keys import KeyPair
from softswitch.recordings.ledger import (
    CLOSED,
    DESTROYED,
    NAME,
    ORIGIN,
    Entry,
    LedgerBroken,
    entries,
    hash_of,
    is_being_written,
)
from softswitch.recordings.names import SUFFIX, file_name, read_name
from softswitch.recordings.reading import Damaged, SealedFile


@dataclass(slots=True)
class Findings:
    """What an inspection found; it is well where there are no troubles."""

    troubles: list[str] = field(default_factory=list)
    """Each begins with the name of what it is about."""
    closed: int = 0
    unfinished: list[str] = field(default_factory=list)
    """Cut off by a crash, and whole as far as they go."""
    being_written: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """In the ledger and no longer in the folder."""
    destroyed: dict[str, str] = field(default_factory=dict)
    """Chain hash of each tombstone, by the recording's name: its time was over."""
    lines: int = 0
    head: bytes = ORIGIN
    """Chain hash of the ledger's last line: whoever notes it can tell later that nothing before it was changed."""


def inspect_folder(
    folder: Path, pair: KeyPair | None = None, *, may_be_missing: bool = False, anchor: bytes = ORIGIN
) -> Findings:
    """Everything in a folder.

    pair: also decrypt every chunk.  may_be_missing: recordings were deleted as their time was over.  anchor: a chain
    hash noted earlier, which must still be in the ledger. Raises UsageError for a folder that is none.
    """
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    found = Findings()
    names = sorted(path.name for path in folder.glob(f"*{SUFFIX}"))
    known, has_anchor = _read_ledger(folder / NAME, set(names), anchor, found)
    for name in names:
        if name not in found.destroyed:
            _inspect(folder / name, known.get(name), pair, found)
    if not has_anchor:
        found.troubles.append(f"{NAME}: the chain hash {anchor.hex()} is not in it: lines were taken out or replaced")
    if not may_be_missing:
        found.troubles += [f"{name}: is in the ledger and not in the folder: it was removed" for name in found.missing]
    return found


def inspect_files(paths: Iterable[Path], pair: KeyPair | None = None) -> Findings:
    """Some files; each must be in its folder's ledger."""
    found = Findings()
    ledgers: dict[Path, dict[str, Entry]] = {}
    for path in paths:
        folder = path.absolute().parent
        if folder not in ledgers:
            beside = Findings()
            standing = {each.name for each in folder.glob(f"*{SUFFIX}")}
            ledgers[folder], _ = _read_ledger(folder / NAME, standing, ORIGIN, beside)
            found.troubles += beside.troubles
        if not path.is_file():
            raise UsageError(f"there is no file {path}")
        _inspect(path, ledgers[folder].get(path.name), pair, found)
    return found


def _read_ledger(path: Path, standing: set[str], anchor: bytes, found: Findings) -> tuple[dict[str, Entry], bool]:
    """The entries of the files that are there, and whether the anchor was met."""
    known: dict[str, Entry] = {}
    gone: dict[str, Entry] = {}
    met = anchor == ORIGIN
    try:
        for entry in entries(path):
            found.lines += 1
            where = f"{NAME}: line {found.lines} ({entry.name})"
            if not entry.is_whole():
                found.troubles.append(f"{where} was altered: its chain hash is not that of the rest")
            if entry.previous != found.head:
                found.troubles.append(f"{where} does not follow the line before: lines were taken out, put in or moved")
            found.head = entry.chain
            met = met or entry.chain == anchor
            before = known.get(entry.name) or gone.get(entry.name)
            if entry.state == DESTROYED:
                _bury(entry, before, standing, where, found)
                known.pop(entry.name, None)
            elif before is not None:
                found.troubles.append(f"{where} names a recording a second time")
            elif entry.name in standing:
                known[entry.name] = entry
            else:
                gone[entry.name] = entry
    except LedgerBroken as error:
        found.troubles.append(f"{NAME}: {error}")
    found.missing = [name for name in gone if name not in found.destroyed]
    return known, met


def _bury(tombstone: Entry, before: Entry | None, standing: set[str], where: str, found: Findings) -> None:
    """A tombstone follows the line of the recording that it stands for, and nothing is left of that."""
    if before is None or tombstone.name in found.destroyed:
        found.troubles.append(f"{where} is the tombstone of a recording that there was not")
    elif (before.size, before.file_hash) != (tombstone.size, tombstone.file_hash):
        found.troubles.append(f"{where} is the tombstone of another recording than the one of this name")
    found.destroyed[tombstone.name] = tombstone.chain.hex()
    if tombstone.name in standing:
        found.troubles.append(f"{tombstone.name}: has a tombstone and is still there: `softswitch recordings sweep`")


def _inspect(path: Path, entry: Entry | None, pair: KeyPair | None, found: Findings) -> None:
    if is_being_written(path):
        found.being_written.append(path.name)
        return
    troubles = list(_troubles(path, entry, pair))
    found.troubles += [f"{path.name}: {trouble}" for trouble in dict.fromkeys(troubles)]
    if troubles or entry is None:
        return
    if entry.state == CLOSED:
        found.closed += 1
    else:
        found.unfinished.append(path.name)


def _troubles(path: Path, entry: Entry | None, pair: KeyPair | None) -> Iterable[str]:
    """All that is wrong with one file, the plainest first."""
    try:
        with SealedFile(path) as file:
            structure = file.structure
            if structure.trouble:
                yield structure.trouble
            if read_name(path) != (file.header.call_ref, file.header.part):
                own = file_name(file.header.call_ref, file.header.part)
                yield f"was {own} when it was written: it was renamed"
            if entry is None:
                yield "is not in the ledger: it was put here, or a crash cut it off and no switch has started since"
            elif entry.state == CLOSED:
                yield from _closed_troubles(file, entry)
            if pair is not None:
                yield from _chunk_troubles(file, pair)
    except NotARecording as error:
        if entry is None or entry.state == CLOSED:
            yield str(error)
    if entry is not None and entry.state != CLOSED:
        size, file_hash = hash_of(path)
        if (size, file_hash) != (entry.size, entry.file_hash):
            yield f"is not what the crash left: it had {entry.size} bytes then and has {size} now, or others"


def _closed_troubles(file: SealedFile, entry: Entry) -> Iterable[str]:
    structure = file.structure
    if structure.torn:
        yield f"was closed with {entry.size} bytes and now {structure.torn}: it was cut off"
    if structure.trailer is None:
        return
    if structure.trailer != entry.trailer():
        yield "has a trailer that is not that of its line in the ledger: the file or the ledger was altered"
    if digest(file.data[: structure.end]) != entry.file_hash:
        yield "has another hash than when it was closed: it was altered"


def _chunk_troubles(file: SealedFile, pair: KeyPair) -> Iterable[str]:
    try:
        for _ in file.chunks(pair):
            pass
    except (Damaged, UsageError) as error:
        yield str(error)
