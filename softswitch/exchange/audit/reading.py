"""Reading a running site's audit log for an auditor: backwards, in small bites, so that no call waits for a search."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from softswitch.errors import UsageError
from softswitch.exchange.audit.book import NAME
from softswitch.safeguards.audit import AuditRecord
from softswitch.safeguards.audit_search import AuditPage, AuditSearch

BITE = 32_768
"""Bytes that are looked at before the interpreter is given up to the other threads, those of the calls among them."""
MOST_LOOKED_AT = 32 * 1024 * 1024
"""Bytes that one page takes at most; the next goes on from there."""


def find(folder: Path, search: AuditSearch, limit: int, before: int | None) -> AuditPage:
    """Up to `limit` records, the newest first. Blocks; raises UsageError where the log cannot be read.

    before: only records of lower sequence numbers.  Lines that are no records are left out; the log's verification
    tells of them.
    """
    found: list[AuditRecord] = []
    oldest: AuditRecord | None = None
    try:
        log = os.open(folder / NAME, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return AuditPage((), None, "")
    except OSError as error:
        raise UsageError(f"the audit log cannot be read: {error.strerror}") from error
    try:
        size = os.fstat(log).st_size
        end = size if before is None else _place_of(log, size, before)
        begin = max(0, end - MOST_LOOKED_AT)
        for line in _backwards(log, end, begin):
            record = _record(line)
            if record is None or (before is not None and record.sequence >= before):
                continue
            if len(found) == limit:
                return AuditPage(tuple(found), oldest.sequence if oldest else None, oldest.at if oldest else "")
            oldest = record
            if search.matches(record):
                found.append(record)
    except OSError as error:
        raise UsageError(f"the audit log cannot be read: {error.strerror}") from error
    finally:
        os.close(log)
    more = begin > 0 and oldest is not None
    return AuditPage(
        tuple(found), oldest.sequence if more and oldest else None, oldest.at if oldest is not None else ""
    )


def _place_of(log: int, size: int, sequence: int) -> int:
    """A place at or behind the begin of this record's line: found by halving, as numbers rise in the file."""
    low, high = 0, size
    while high - low > BITE:
        middle = (low + high) // 2
        record = _first_record(log, middle)
        if record is not None and record.sequence < sequence:
            low = middle
        else:
            high = middle
    return _line_end(log, high, size)


def _first_record(log: int, begin: int) -> AuditRecord | None:
    """The first whole record behind `begin`; None where there is none."""
    rest, position, is_first = b"", begin, True
    while bite := os.pread(log, BITE, position):
        position += len(bite)
        *lines, rest = (rest + bite).split(b"\n")
        for line in lines[1:] if is_first else lines:  # the first may be the rest of one
            if (record := _record(line)) is not None:
                return record
        is_first = is_first and not lines
    return None


def _line_end(log: int, place: int, size: int) -> int:
    """Behind the line that goes on at this place."""
    while place < size:
        bite = os.pread(log, BITE, place)
        if (found := bite.find(b"\n")) >= 0:
            return place + found + 1
        if not bite:
            break
        place += len(bite)
    return size


def _backwards(log: int, end: int, begin: int) -> Iterator[bytes]:
    """Whole lines from `end` on, the last first, and none that begins before `begin`."""
    rest, position = b"", end
    while position > begin:
        step = min(BITE, position - begin)
        position -= step
        lines = (os.pread(log, step, position) + rest).split(b"\n")
        rest = lines[0]
        yield from reversed(lines[1:])
        time.sleep(0)
    if begin == 0 and rest:
        yield rest


def _record(line: bytes) -> AuditRecord | None:
    try:
        return AuditRecord.from_line(line.decode("ascii"))
    except (UsageError, UnicodeDecodeError):
        return None
