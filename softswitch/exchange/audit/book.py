"""The audit log's files, written from a thread: `audit.log`, `audit.head` and `audit.seals` in the data directory.

A record counts as written once it and the head are on disk. What a crash has left is told of by a record in front of
the next one, and nothing is ever taken out: a torn line stays, with its hash in the record behind it.
"""

import errno
import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from softswitch.durable import sync_folder
from softswitch.errors import UsageError
from softswitch.exchange.audit.keys import AuditKey
from softswitch.safeguards.audit import BEYOND, CUT, FAILED, SWITCH, TORN, AuditChain, AuditRecord, torn_subject
from softswitch.safeguards.audit_seal import HEAD_BYTES, Head, Seal, Why

NAME = "audit.log"
HEAD = "audit.head"
SEALS = "audit.seals"
_TAIL_BYTES = 65_536  # far longer than a record can be
LONGEST_TEXT = 2_000
"""Characters of subject and of reason; what is longer is cut, visibly."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be noted."""

    actor: str
    action: str
    subject: str
    reason: str


@dataclass(frozen=True, slots=True)
class _End:
    """How the log ends."""

    last: AuditRecord | None
    torn: bytes
    """What is behind the last record, as a crash left it."""
    whole: bool
    """False: the last record lacks its line end alone."""


class AuditBook:
    """One site's log. Every method may block, and raises UsageError where a file cannot be written."""

    def __init__(
        self, directory: Path, key: AuditKey | None = None, wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self.path = directory / NAME
        self._head = directory / HEAD
        self._seals = directory / SEALS
        self._key = key
        self._wall = wall
        self._written: AuditRecord | None = None
        """The last that this process has written: it must still be there."""
        self._refused = 0
        self._why_refused = ""

    def append(self, entries: Sequence[Entry]) -> None:
        """Have these on disk, all or none."""
        try:
            with self._writing() as log:
                self._append(log, entries)
        except UsageError as error:
            self._refused += len(entries)
            self._why_refused = str(error)
            raise
        self._refused = 0

    def seal(self, why: Why) -> Seal | None:
        """Seal what is in no seal yet; None where there is nothing, or no key."""
        with self._writing() as log:
            end = self._end(log)
            return None if end.last is None else self._seal(log, end.last, why)

    def look(self) -> None:
        """Find out whether the log could be written now, note what befell it, and seal a day that is over."""
        with self._writing() as log:
            end = self._end(log)
            probe = self.path.with_name(".audit.probe")
            try:
                probe.write_bytes(bytes(4096))
            finally:
                probe.unlink(missing_ok=True)
            if end.last is not None and end.last.day < self._today():
                self._seal(log, end.last, Why.DAY)
            has_news = any(self._news(log, end))
        if has_news:
            self.append(())

    @contextmanager
    def _writing(self) -> Iterator[int]:
        """The log, open and ours alone: other processes (`softswitch recordings export`) write here too."""
        try:
            fresh = not self.path.exists()
            log = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(log, fcntl.LOCK_EX)
                yield log
                if fresh:
                    sync_folder(self.path.parent)
            finally:
                os.close(log)
        except OSError as error:
            raise UsageError(f"the audit log {self.path} cannot be written: {error.strerror or error}") from error

    def _append(self, log: int, entries: Sequence[Entry]) -> None:
        end = self._end(log)
        if end.last is not None and end.last.day < self._today():
            self._seal(log, end.last, Why.DAY)
        chain = AuditChain(end.last)
        told = [*self._news(log, end), *entries]
        if not told:
            return
        records = [
            chain.append(each.actor, each.action, at=self._wall(), subject=_cut(each.subject), reason=_cut(each.reason))
            for each in told
        ]
        lines = "".join(record.to_line() + "\n" for record in records).encode("ascii")
        _write_all(log, (b"" if end.whole else b"\n") + lines)
        os.fsync(log)
        self._write_head(records[-1])
        self._written = records[-1]

    def _news(self, log: int, end: _End) -> Iterator[Entry]:
        """What is to be said of the log itself first."""
        if end.torn:
            span = end.torn + (b"" if end.whole else b"\n")
            yield Entry(SWITCH, TORN, torn_subject(span), "a crash cut this off before it was acknowledged")
        head, count = self._read_head(), end.last.sequence if end.last is not None else 0
        if head is not None and (
            head.count > count or (head.count == count and end.last and head.digest != end.last.digest)
        ):
            text = f"the head knows record {head.count} with the digest {head.digest}, the log ends with record {count}"
            yield Entry(SWITCH, CUT, text, "somebody shortened the log, or an old copy was put back")
        elif (
            self._written is not None
            and self._written != end.last
            and _record(log, self._written.sequence) != self._written
        ):
            text = f"record {self._written.sequence} was written here, and is not in the log, which has {count} records"
            yield Entry(SWITCH, CUT, text, "an old copy of log and head was put back")
        elif head is None and count:
            yield Entry(SWITCH, CUT, f"the head is missing or damaged, the log ends with record {count}", "")
        elif head is not None and head.count < count:
            text = f"records {head.count + 1} to {count}"
            yield Entry(SWITCH, BEYOND, text, "a crash came before the head was written, or somebody else wrote them")
        if self._refused:
            yield Entry(SWITCH, FAILED, f"{self._refused} records were refused", self._why_refused)

    def _end(self, log: int) -> _End:
        size = os.fstat(log).st_size
        tail = os.pread(log, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
        whole = not tail or tail.endswith(b"\n")
        behind = len(tail)
        for line in reversed(tail.splitlines(keepends=True)):
            try:
                record = AuditRecord.from_line(line.decode("ascii").rstrip("\n"))
            except (UsageError, UnicodeDecodeError):
                behind -= len(line)
                continue
            # A last line without its end is a record all the same where nothing but the end is missing.
            torn = tail[behind:]
            return _End(record, torn, whole)
        if size > len(tail):
            raise OSError(errno.EIO, "its end holds no record; `softswitch audit verify` says more")
        return _End(None, tail, whole)

    def _seal(self, log: int, last: AuditRecord, why: Why) -> Seal | None:
        if self._key is None:
            return None
        before = self._last_seal()
        first = _record(log, 1 if before is None else before.last_sequence + 1)
        if first is None or first.sequence > last.sequence:
            return None
        at = self._wall().astimezone(UTC).isoformat()
        seal = Seal.over(first, last, why, at, after=before, key=self._key.public, sign=self._key.sign)
        fresh = not self._seals.exists()
        seals = os.open(self._seals, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(seals).st_size
            torn = size and os.pread(seals, 1, size - 1) != b"\n"
            _write_all(seals, (b"\n" if torn else b"") + seal.to_line().encode("ascii") + b"\n")
            os.fsync(seals)
        finally:
            os.close(seals)
        if fresh:
            sync_folder(self.path.parent)
        return seal

    def _last_seal(self) -> Seal | None:
        try:
            lines = self._seals.read_text("ascii", "replace").splitlines()
        except FileNotFoundError:
            return None
        for line in reversed(lines):
            try:
                return Seal.from_line(line)
            except UsageError:
                continue
        return None

    def _read_head(self) -> Head | None:
        """None where there is none, or it is damaged."""
        try:
            return Head.from_line(self._head.read_text("ascii", "replace"))
        except (FileNotFoundError, UsageError):
            return None

    def _write_head(self, last: AuditRecord) -> None:
        line = Head.of(last, *((self._key.public, self._key.sign) if self._key else ())).to_line().encode("ascii")
        fresh = not self._head.exists()
        head = os.open(self._head, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.pwrite(head, line, 0)  # one sector: whole or not at all
            os.ftruncate(head, HEAD_BYTES)
            os.fsync(head)
        finally:
            os.close(head)
        if fresh:
            sync_folder(self.path.parent)

    def _today(self) -> str:
        return self._wall().astimezone(UTC).isoformat()[:10]


def _record(log: int, sequence: int) -> AuditRecord | None:
    """The record of this number, looked for from the end, where the unsealed ones are."""
    position, rest = os.fstat(log).st_size, b""
    while position:
        step = min(position, 1 << 20)
        position -= step
        block = os.pread(log, step, position) + rest
        lines = block.splitlines(keepends=True)
        rest = lines[0] if position else b""
        for line in reversed(lines[1:] if position else lines):
            try:
                record = AuditRecord.from_line(line.decode("ascii"))
            except (UsageError, UnicodeDecodeError):
                continue
            if record.sequence == sequence:
                return record
    return None


def _write_all(file: int, data: bytes) -> None:
    """A write that a full disk cuts short is taken back: nobody was told that it is there."""
    size = os.fstat(file).st_size
    try:
        written = os.write(file, data)
        if written < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:
        os.ftruncate(file, size)
        raise


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… ({len(text)} characters)"
