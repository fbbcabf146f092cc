"""Reading a never-dial list: a CSV file whose `number` column, or first column, names whom no call may reach."""

import secrets
from pathlib import Path

from softswitch.errors import UsageError
from softswitch.safeguards.never_dial import EMERGENCY, RANGE, NeverDialList
from softswitch.store import lead_file
from softswitch.store.columns import ALIASES
from softswitch.store.telephone import WrongNumber, read_number, read_prefix

_WILDCARDS = frozenset("*?#%_")


def read_never_dial(path: Path, country: str) -> NeverDialList:
    """The list, hashed under a key of this process alone. Raises UsageError as `read_numbers`."""
    return NeverDialList.from_numbers(secrets.token_bytes(32), read_numbers(path, country))


def read_numbers(path: Path, country: str) -> list[str]:
    """Every number in E.164 form, and every range as its first digits and `*`; those without a country code are
    `country`'s. Short emergency numbers are left out, for they are on every list.

    UsageError, with the line, for an entry that is neither: a list that leaves somebody out without saying so is
    worse than none.
    """
    file = lead_file.inspect(path)
    names = [name.strip().lower().replace(" ", "_") for name in file.header]
    column = next((n for n, name in enumerate(names) if name in ALIASES["number"]), None)
    rows = list(lead_file.rows(file))
    if column is None:
        column = 0
        if not any(c.isalpha() for c in file.header[0]):  # the first line is an entry already
            rows.insert(0, (1, list(file.header)))
    entries = []
    for line, row in rows:
        text = row[column].strip() if column < len(row) else ""
        if text in EMERGENCY:
            continue
        try:
            entries.append(_entry(text, country))
        except WrongNumber as wrong:
            raise UsageError(
                f"{path}, line {line}: the number {wrong}; correct it, for nobody may be left out"
            ) from None
    return entries


def _entry(text: str, country: str) -> str:
    if text.endswith(RANGE):
        return read_prefix(text.removesuffix(RANGE), country) + RANGE
    if _WILDCARDS & set(text):
        raise WrongNumber("has a wildcard; only a * at its end makes it a range")
    return read_number(text, country, any_kind=True).number
