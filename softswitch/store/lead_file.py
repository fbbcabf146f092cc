"""Reading a CSV file of leads: encoding, delimiter, and rows with the line that each began on."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from softswitch.errors import UsageError

_DELIMITERS = (",", ";", "\t", "|")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class LeadFile:
    """A file that has been read through once: nothing is written before the whole file is known to be sound."""

    path: Path
    delimiter: str
    header: tuple[str, ...]
    rows: int
    digest: bytes
    """(32,) SHA-256 of the file. It is not written down as it is: few files hold one number each, but some may."""


def inspect(path: Path) -> LeadFile:
    """Read a file through; UsageError with the line when it is no CSV in UTF-8."""
    with _opened(path):
        digest = _check_text(path)
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = _delimiter(file.readline())
        reader = _rows(path, delimiter)
        header = next(reader, None)
        if header is None:
            raise UsageError(f"{path} is empty; its first line must name the columns")
        return LeadFile(path, delimiter, tuple(header[1]), sum(1 for _ in reader), digest)


def rows(file: LeadFile) -> Iterator[tuple[int, list[str]]]:
    """(line on which the row begins, its values) of every row after the header that is not empty."""
    with _opened(file.path):
        reader = _rows(file.path, file.delimiter)
        next(reader, None)
        yield from reader


@contextmanager
def _opened(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _check_text(path: Path) -> bytes:
    """Digest of a file that is text in UTF-8. Raises UsageError for another, with the line."""
    whole = sha256()
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            whole.update(line)
            if number == 1 and line.startswith(_UTF16):
                raise UsageError(f"{path} is UTF-16; save it as CSV UTF-8")
            if b"\0" in line:
                raise UsageError(f"{path}, line {number}: holds a zero byte; it is no CSV file")
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                raise UsageError(f"{path}, line {number}: is not UTF-8; save the file as CSV UTF-8") from None
    return whole.digest()


def _delimiter(first_line: str) -> str:
    """The delimiter that the header uses most, outside quotes; a comma where there is only one column."""
    outside = "".join(first_line.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


def _rows(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                row = next(reader, None)
            except csv.Error as error:
                raise UsageError(f"{path}, line {line}: {error}; is a quotation mark left open?") from error
            if row is None:
                return
            if any(map(str.strip, row)):
                yield line, row
