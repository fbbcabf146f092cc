"""Leads as CSV, one row each, written as they are read: what became of each, and, for those who may know, who it is."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import TextIO

from softswitch.dialler.lead import Lead
from softswitch.store.cdr import cell

COLUMNS = ("lead_ref", "campaign", "state", "priority", "attempts", "last_outcome", "not_before", "time_zone")
ROWS_AT_ONCE = 500


async def write_leads(
    leads: AsyncIterator[Lead], file: TextIO, fields: Sequence[str] | None = None, numbers: int = 1
) -> int:
    """Write a header and every lead; the number of leads. `file` is open for text with newline="".

    fields: also the numbers, in the columns by whose names an import knows them, and these of the lead's fields.
    None: nothing that says who a lead is.  numbers: as many columns for numbers.
    """
    further = [f"phone_{n}" for n in range(2, numbers + 1)]
    writer = csv.writer(file)
    writer.writerow([*COLUMNS, *([] if fields is None else ["number", *further, *fields])])
    count = 0
    async for lead in leads:
        row = _row(lead)
        if fields is not None:
            # With its plus sign: the digits alone are another number, or none, to an import in another country.
            known = [cell(number) for number in lead.every_number[:numbers]]
            row += [*known, *[""] * (numbers - len(known)), *(cell(lead.fields.get(name)) for name in fields)]
        writer.writerow(row)
        count += 1
    return count


async def lead_lines(leads: AsyncIterator[Lead]) -> AsyncIterator[str]:
    """The same some rows at a time, for whoever sends it on, and without anything that says who a lead is."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    rows = 1
    async for lead in leads:
        writer.writerow(_row(lead))
        rows += 1
        if rows == ROWS_AT_ONCE:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
            rows = 0
    yield out.getvalue()


def _row(lead: Lead) -> list[str]:
    return [cell(getattr(lead, name)) for name in COLUMNS]
