"""Reading a never-dial list: a CSV file whose `number` column, or first column, names whom no call may reach."""

import secrets
from pathlib import Path

from softswitch.errors import UsageError
from softswitch.safeguards.never_dial import NeverDialList
from softswitch.store import lead_file
from softswitch.store.columns import ALIASES
from softswitch.store.telephone import WrongNumber, read_number


def read_never_dial(path: Path, country: str) -> NeverDialList:
    """The list, hashed under a key of this process alone. Raises UsageError as `read_numbers`."""
    return NeverDialList.from_numbers(secrets.token_bytes(32), read_numbers(path, country))


def read_numbers(path: Path, country: str) -> list[str]:
    """Every number in E.164 form; those without a country code are `country`'s.

    UsageError, with the line, for an entry that is no number: a list that leaves somebody out without saying so is
    worse than none.
    """
    file = lead_file.inspect(path)
    names = [name.strip().lower().replace(" ", "_") for name in file.header]
    column = next((n for n, name in enumerate(names) if name in ALIASES["number"]), None)
    rows = list(lead_file.rows(file))
    if column is None:
        column = 0
        if sum(c.isdigit() for c in file.header[0]) > 4:  # the first line is a number already
            rows.insert(0, (1, list(file.header)))
    numbers = []
    for line, row in rows:
        text = row[column].strip() if column < len(row) else ""
        try:
            numbers.append(read_number(text, country, any_kind=True).number)
        except WrongNumber as wrong:
            raise UsageError(
                f"{path}, line {line}: the number {wrong}; correct it, for nobody may be left out"
            ) from None
    return numbers
