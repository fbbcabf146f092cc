"""Which column of a lead file means what: our own names, and VICIdial's accepted as aliases."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from softswitch.errors import UsageError

ALIASES = {
    "number": ("number", "phone", "phone_number", "telephone", "telephone_number", "mobile", "msisdn", "tel"),
    "number_2": (
        "phone_2",
        "phone2",
        "number_2",
        "alt_phone",
        "alt_number",
        "alternative_phone",
        "mobile_2",
        "mobile2",
    ),
    **{f"number_{n}": (f"phone_{n}", f"phone{n}", f"number_{n}", f"mobile_{n}") for n in range(3, 10)},
    "country_prefix": ("phone_code", "country_prefix", "dial_code"),
    "country": ("country", "country_code"),
    "time_zone": ("time_zone", "timezone", "tz"),
    "offset_hours": ("gmt_offset_now", "gmt_offset", "utc_offset"),
    "priority": ("priority", "rank"),
    "first_name": ("first_name", "firstname", "forename"),
    "last_name": ("last_name", "lastname", "surname"),
    "address1": ("address1", "address", "address_line_1"),
    "postal_code": ("postal_code", "postcode", "zip", "zip_code"),
    "reference": ("reference", "vendor_lead_code", "vendor_id"),
}
"""Meaning -> the column names that carry it. Columns beside these become fields under their own names."""

OTHER_NUMBERS = tuple(f"number_{n}" for n in range(2, 10))
"""Tried in this order, after the first."""
LEAD_COLUMNS = ("number", *OTHER_NUMBERS, "country_prefix", "country", "time_zone", "offset_hours", "priority")
"""Meanings that the switch itself uses; the others go into the lead's fields."""

LEFT_OUT = frozenset(
    # Numbers live in one table; VICIdial's own counters and ids say nothing here.
    {"fax"}
    | {"list_id", "entry_list_id", "lead_id", "called_count", "called_since_last_reset", "last_local_call_time"}
    | {"entry_date", "modify_date", "status", "user", "security_phrase"}
)
MAXIMUM_COLUMNS = 200

_MEANING = {alias: meaning for meaning, aliases in ALIASES.items() for alias in aliases}


@dataclass(frozen=True, slots=True)
class Columns:
    """What stands where in each row."""

    header: tuple[str, ...]
    meanings: Mapping[str, int]
    """Position of each of the `LEAD_COLUMNS` that is there."""
    fields: Mapping[str, int]
    """Position of each field that an agent may be shown, by the name it has in the store."""
    left_out: tuple[str, ...]

    def name_of(self, meaning: str) -> str:
        """The file's own name for a column, for the person who has to correct it."""
        return self.header[self.meanings[meaning]]


def read_header(header: Sequence[str], own: Mapping[str, str] | None = None) -> Columns:
    """Columns of a header line; `own` maps meanings to this file's names. UsageError for a header that cannot work."""
    names = tuple(name.strip() for name in header)
    plain = [name.lower().replace(" ", "_").replace("-", "_") for name in names]
    if len(plain) > MAXIMUM_COLUMNS:
        raise UsageError(f"the file has {len(plain)} columns; is the delimiter right? {MAXIMUM_COLUMNS} are accepted")
    renamed = _renamed(names, own or {})
    meanings: dict[str, int] = {}
    fields: dict[str, int] = {}
    left_out: list[str] = []
    for position, name in enumerate(plain):
        meaning = renamed.get(position) or _MEANING.get(name, name)
        if position not in renamed and (name in LEFT_OUT or not name):
            left_out.append(names[position] or f"(column {position + 1}, without a name)")
            continue
        where = meanings if meaning in LEAD_COLUMNS else fields
        if meaning in where:
            twice = f'"{names[where[meaning]]}" and "{names[position]}"'
            raise UsageError(f"the columns {twice} both mean {meaning}; remove or rename one of them")
        where[meaning] = position
    if "number" not in meanings:
        raise UsageError(_no_number(names))
    return Columns(names, meanings, fields, tuple(left_out))


def _renamed(names: Sequence[str], own: Mapping[str, str]) -> dict[int, str]:
    renamed: dict[int, str] = {}
    for meaning, name in own.items():
        if name not in names:
            raise UsageError(f'there is no column "{name}" for {meaning}; there are: {_listed(names)}')
        renamed[names.index(name)] = meaning
    return renamed


def _no_number(names: Sequence[str]) -> str:
    accepted = "; ".join(f"{meaning}: {', '.join(aliases)}" for meaning, aliases in ALIASES.items())
    return (
        f"no column holds the telephone number. Found in the first line: {_listed(names)}. "
        f"Accepted names are {accepted}. Other columns become fields of the lead"
    )


def _listed(names: Sequence[str]) -> str:
    """Names of a header, without the digits of a file that has no header and begins with data."""
    shown = [f'"{name[:40]}"' if sum(c.isdigit() for c in name) < 5 else "(a number)" for name in names[:30]]
    return ", ".join(shown) + (", ..." if len(names) > len(shown) else "")
