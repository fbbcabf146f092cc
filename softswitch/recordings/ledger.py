"""The ledger of a recordings folder: one line for each recording, each bound to the line before it by a hash.

A line is `state closed_ns name size file_hash previous chain`; `chain` is the BLAKE2b-256 of the line up to it. The
file is only appended to, under a lock, so that several processes may record into one folder; a line is on disk before
anybody is told that the recording is closed.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from softswitch.errors import SoftswitchError
from softswitch.recordings.form import HASH_BYTES, TRAILER_BYTES, NotARecording, Trailer, digest
from softswitch.recordings.names import SUFFIX, read_name
from softswitch.recordings.reading import SealedFile

NAME = "recordings.ledger"
CLOSED, UNFINISHED, DESTROYED = "closed", "unfinished", "destroyed"
ORIGIN = bytes(HASH_BYTES)
"""What the first line is bound to."""
_TAIL_BYTES = 4096  # a line is far shorter
_READ_BYTES = 1 << 20


class LedgerBroken(SoftswitchError):
    """The ledger holds what no recorder wrote; the text says where."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    state: str
    """CLOSED, or UNFINISHED: a crash cut it off, and it was taken in at the next start; or DESTROYED: a tombstone, with
    name, size and hash of the recording that had a line before."""
    closed_ns: int
    """Wall clock, ns since 1970 (UTC); of a tombstone, when it was destroyed."""
    name: str
    size: int
    """Bytes that the hash is of: all before the trailer, or the whole of an unfinished file."""
    file_hash: bytes
    previous: bytes
    chain: bytes

    @classmethod
    def bound(cls, state: str, closed_ns: int, name: str, size: int, file_hash: bytes, previous: bytes) -> "Entry":
        """An entry after the one whose chain hash is `previous`."""
        bare = cls(state, closed_ns, name, size, file_hash, previous, b"")
        return cls(state, closed_ns, name, size, file_hash, previous, digest(bare._before_chain().encode()))

    @classmethod
    def parse(cls, line: str) -> "Entry":
        try:
            state, closed_ns, name, size, *hashes = line.split(" ")
            file_hash, previous, chain = (bytes.fromhex(text) for text in hashes)
            entry = cls(state, int(closed_ns), name, int(size), file_hash, previous, chain)
        except ValueError:
            raise LedgerBroken("is no line of a ledger") from None
        if entry.to_line() != line or state not in (CLOSED, UNFINISHED, DESTROYED) or len(chain) != HASH_BYTES:
            raise LedgerBroken("is no line of a ledger")
        return entry

    def to_line(self) -> str:
        return f"{self._before_chain()} {self.chain.hex()}"

    def is_whole(self) -> bool:
        """Whether its chain hash is that of the rest of its line."""
        return digest(self._before_chain().encode()) == self.chain

    def trailer(self) -> Trailer:
        return Trailer(self.closed_ns, self.size, self.file_hash, self.previous, self.chain)

    def _before_chain(self) -> str:
        hashes = f"{self.file_hash.hex()} {self.previous.hex()}"
        return f"{self.state} {self.closed_ns} {self.name} {self.size} {hashes}"


class Ledger:
    """A folder's ledger, to append to. Nothing is read or made before the first `appending`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / NAME
        self._size = -1
        self._head = ORIGIN

    @contextmanager
    def appending(self) -> Iterator["Appending"]:
        """Hold the ledger; what was appended is on disk once the block is left without an error. Raises OSError, or
        LedgerBroken where its last line is none."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_size != self._size:
                self._head = _head_of(descriptor)
            turn = Appending(self._head)
            yield turn
            if turn.lines:
                _write_whole(descriptor, "".join(turn.lines).encode("ascii"))
                os.fsync(descriptor)
            self._head, self._size = turn.head, os.fstat(descriptor).st_size
        except BaseException:
            self._size = -1  # what the file holds now is read anew
            raise
        finally:
            os.close(descriptor)

    def adopt(self) -> list[Entry]:
        """Take in what a crash left without a line: recordings that nobody writes any more, in order of their names.

        One that had been closed is taken in as such; any other as unfinished. Raises OSError or LedgerBroken.
        """
        if not self.folder.is_dir():
            return []
        adopted: list[Entry] = []
        with self.appending() as turn:
            waiting = {path.name: path for path in self.folder.glob(f"*{SUFFIX}") if read_name(path)}
            for known in entries(self.path):
                waiting.pop(known.name, None)
            waiting = {name: path for name, path in sorted(waiting.items()) if not is_being_written(path)}
            while (entry := _closed_after(turn.head, waiting)) is not None:
                adopted.append(turn.append(entry))
                del waiting[entry.name]
            for name, path in waiting.items():
                size, file_hash = hash_of(path)
                closed_ns = path.stat().st_mtime_ns
                adopted.append(turn.append(Entry.bound(UNFINISHED, closed_ns, name, size, file_hash, turn.head)))
        return adopted


class Appending:
    """The ledger while it is held."""

    def __init__(self, head: bytes) -> None:
        self.head = head
        self.lines: list[str] = []

    def append(self, entry: Entry) -> Entry:
        assert entry.previous == self.head
        self.lines.append(entry.to_line() + "\n")
        self.head = entry.chain
        return entry


def entries(path: Path) -> Iterator[Entry]:
    """Every line of a ledger, in order; none where there is no ledger. Raises LedgerBroken with the line's number."""
    try:
        with path.open("r", encoding="ascii", errors="replace", newline="\n") as file:
            for number, line in enumerate(file, 1):
                if not line.endswith("\n"):
                    return  # a crash cut it off: it was never told of
                try:
                    yield Entry.parse(line[:-1])
                except LedgerBroken as error:
                    raise LedgerBroken(f"line {number} of {path} {error}") from None
    except FileNotFoundError:
        return


def is_being_written(path: Path) -> bool:
    """Whether a recorder holds the file; its lock ends with the process, however that ends."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def hash_of(path: Path, size: int | None = None) -> tuple[int, bytes]:
    """How long a file is, and its BLAKE2b-256; of the first `size` bytes where that is given."""
    from hashlib import blake2b

    made, length = blake2b(digest_size=HASH_BYTES), 0
    with path.open("rb") as file:
        while size is None or length < size:
            piece = file.read(_READ_BYTES if size is None else min(_READ_BYTES, size - length))
            if not piece:
                break
            made.update(piece)
            length += len(piece)
    return length, made.digest()


def _closed_after(head: bytes, waiting: dict[str, Path]) -> Entry | None:
    """The recording whose whole trailer binds it to the ledger's head: its line alone is missing."""
    for name, path in waiting.items():
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TRAILER_BYTES))
            trailer = Trailer.parse(file.read())
        if trailer is None or trailer.previous != head:
            continue
        entry = Entry.bound(CLOSED, trailer.closed_ns, name, trailer.size, trailer.file_hash, head)
        if entry.chain == trailer.chain and hash_of(path, trailer.size)[1] == trailer.file_hash and _is_sound(path):
            return entry
    return None


def _is_sound(path: Path) -> bool:
    try:
        with SealedFile(path) as file:
            return file.structure.trailer is not None and not file.structure.trouble
    except NotARecording:
        return False


def _head_of(descriptor: int) -> bytes:
    """The last line's chain hash; a line that a crash cut off is taken away first."""
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
    whole = tail.rfind(b"\n") + 1
    if whole < len(tail):
        if not whole and size > len(tail):
            raise LedgerBroken("the ledger's last line is none")
        os.ftruncate(descriptor, size - len(tail) + whole)
    lines: Sequence[str] = tail[:whole].decode("ascii", "replace").splitlines()
    if not lines:
        return ORIGIN
    last = Entry.parse(lines[-1])
    if not last.is_whole():
        raise LedgerBroken("the ledger's last line was altered")
    return last.chain


def _write_whole(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
