"""Leads as CSV, one row each, written as they are read: what became of each, and, for those who may know, who it is."""

import csv
from collections.abc import AsyncIterator, Iterable
from typing import TextIO

from softswitch.dialler.lead import Lead
from softswitch.store.cdr import cell

COLUMNS = ("lead_ref", "campaign", "state", "priority", "attempts", "last_outcome", "not_before", "time_zone")


async def write_leads(
    leads: AsyncIterator[Lead], file: TextIO, fields: Iterable[str] | None = None, numbers: int = 1
) -> int:
    """Write a header and every lead; the number of leads. `file` is open for text with newline="".

    fields: also the numbers, in the columns by whose names an import knows them, and these of the lead's fields.
    None: nothing that says who a lead is.  numbers: as many columns for numbers.
    """
    names = None if fields is None else list(fields)
    further = [f"phone_{n}" for n in range(2, numbers + 1)]
    writer = csv.writer(file)
    writer.writerow([*COLUMNS, *([] if names is None else ["number", *further, *names])])
    count = 0
    async for lead in leads:
        row = [cell(getattr(lead, name)) for name in COLUMNS]
        if names is not None:
            # A plus sign begins a formula in a spreadsheet, and the digits alone would lose nothing by it.
            known = [number.removeprefix("+") for number in lead.every_number[:numbers]]
            row += [*known, *[""] * (numbers - len(known)), *(cell(lead.fields.get(name)) for name in names)]
        writer.writerow(row)
        count += 1
    return count
