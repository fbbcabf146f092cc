"""CDRs as CSV: one row for each dial attempt, and no telephone number anywhere."""

import csv
from collections.abc import AsyncIterable
from dataclasses import fields
from datetime import UTC, datetime
from typing import TextIO

from softswitch.dialler.attempt import DialAttempt

COLUMNS = tuple(field.name for field in fields(DialAttempt))
DIALPLAN_COLUMNS = ("AMDSTATUS", "AMDCAUSE")
"""Verdict and cause once more, as those write them who come from a dialplan."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


async def write_cdrs(records: AsyncIterable[DialAttempt], file: TextIO) -> int:
    """Write a header and every record; the number of records. `file` is open for text with newline=""."""
    writer = csv.writer(file)
    writer.writerow((*COLUMNS, *DIALPLAN_COLUMNS))
    count = 0
    async for record in records:
        row = [cell(getattr(record, name)) for name in COLUMNS]
        writer.writerow([*row, record.amdstatus, record.amdcause])
        count += 1
    return count


def cell(value: object) -> str:
    """A value: times in ISO 8601, UTC; no text that a spreadsheet would run as a formula (OWASP: CSV injection)."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
