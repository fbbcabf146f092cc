"""Rows of a lead file: what each means, and the report that tells of those that mean no lead.

A report never repeats a number: it names line, column, reason and the last two digits.
"""

import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime

from softswitch.dialler.hours import BETWEEN_ZONES
from softswitch.store.columns import OTHER_NUMBERS, Columns
from softswitch.store.new_leads import NewLead
from softswitch.store.telephone import (
    Telephone,
    WrongNumber,
    ends_in,
    is_zone,
    read_number,
    zone_with_offset,
    zones_together,
)
from softswitch.survey.spoken_digits import plain

REF_RANDOM_BYTES = 10
REFS_AT_ONCE = 50
"""Random bytes are drawn for so many."""
MOST_PROBLEMS = 1000
MOST_PRIORITY = 1_000_000  # a database of 32-bit integers keeps it
MOST_FIELD_CHARACTERS = 2000
DIGITS_THAT_IDENTIFY = 6
"""A field with fewer of the number's digits in a row is a house number or a year."""
_NO_DIGITS = re.compile(r"[^0-9]+")


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row was not taken, or was taken with a change."""

    line: int
    """In the file, from 1; the header is line 1."""
    column: str
    """As the file names it."""
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}: {self.reason}"


@dataclass(slots=True)
class ImportReport:
    """What became of a file."""

    rows: int = 0
    accepted: int = 0
    """Rows that became leads, or would in a dry run."""
    duplicates_in_file: int = 0
    duplicates_in_list: int = 0
    """The campaign has the number already."""
    suppressed: int = 0
    never_dial: int = 0
    invalid: int = 0
    time_zones_guessed: int = 0
    """Accepted, but the file names none, and the number fits none, in place of which the site's is taken, or several
    whose clocks differ: then it is called while it is day in all of them."""
    numbers_left_out: int = 0
    """Of leads that were accepted with another of their numbers: not valid, never dialled, suppressed, or somebody's
    already."""
    fields_withheld: int = 0
    """Fields left empty because they repeat the row's telephone number."""
    columns_left_out: tuple[str, ...] = ()
    dry_run: bool = False
    problems: list[RowProblem] = field(default_factory=list)
    """The first thousand; the counts are complete."""

    @property
    def rejected(self) -> int:
        return self.rows - self.accepted

    def note(self, line: int, column: str, reason: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(RowProblem(line, column, reason))

    def leave_out(self, line: int, column: str, reason: str) -> None:
        """Tell of a number that the lead goes without."""
        self.numbers_left_out += 1
        self.note(line, column, f"{reason}; the lead's other numbers are taken")

    def add(self, more: "ImportReport") -> None:
        """What became of further rows."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(more, name))
        self.problems += more.problems[: max(0, MOST_PROBLEMS - len(self.problems))]


COUNTS = tuple(each.name for each in fields(ImportReport) if each.type is int)


class Refused(Exception):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


class RowReader:
    """Makes leads of the rows of one file."""

    def __init__(self, columns: Columns, *, country: str, time_zone: str, wall: datetime) -> None:
        """country, time_zone: the site's, for numbers that say neither."""
        self._columns = columns
        self._report = ImportReport()
        self._country = country
        self._time_zone = time_zone
        self._wall = wall
        self._meanings = tuple(columns.meanings.items())
        self._fields_at = tuple(columns.fields.items())
        self._random = ""
        self._other_columns = [meaning for meaning in OTHER_NUMBERS if meaning in columns.meanings]
        self._moment = ""

    def begin_group(self) -> ImportReport:
        """Leads of one group have references that begin alike, and a report of their own, which this is."""
        self._moment = f"{time.time_ns() // 1_000_000:012x}"
        self._report = ImportReport()
        return self._report

    def read(self, line: int, values: Sequence[str]) -> NewLead:
        """The lead that a row means; `Refused` where it means none."""
        told = {name: values[position] for name, position in self._meanings if position < len(values)}
        country = told.get("country", "").upper() if "country" in told else ""
        country = country if len(country) == 2 else self._country
        if self._other_columns:
            phones, refused = self._phones(country, told)
        else:
            phones, refused = [self._phone("number", country, told)], []
        first = phones[0]
        zone = self._zone(first, told.get("time_zone", ""), told.get("offset_hours", ""))
        others = self._others(phones[1:], zone, told, refused)
        priority = _priority(told["priority"], self._columns) if told.get("priority") else 0
        for why in refused:
            self._report.leave_out(line, why.column, str(why))
        return NewLead(
            self._new_ref(),
            first.number,
            zone,
            priority,
            self._fields(line, values, phones),
            others,
        )

    def _phones(self, country: str, told: Mapping[str, str]) -> tuple[list[Telephone], list[Refused]]:
        """Different numbers of a row, at least one, and what is wrong with the others."""
        phones: dict[str, Telephone] = {}
        refused: list[Refused] = []
        for meaning in ("number", *self._other_columns):
            if meaning != "number" and not told.get(meaning):
                continue
            try:
                phone = self._phone(meaning, country, told)
            except Refused as error:
                refused.append(error)
            else:
                phones.setdefault(phone.number, phone)
        if not phones:
            raise refused[0]
        return list(phones.values()), refused

    def _phone(self, meaning: str, country: str, told: Mapping[str, str]) -> Telephone:
        text = told.get(meaning, "")
        try:
            phone = read_number(text, country, told.get("country_prefix", ""))
            if not _zone_column(told):
                self._zone_of(phone)
        except WrongNumber as wrong:
            which = f"number {ends_in(text)}: " if text else "the number "
            raise Refused(self._columns.name_of(meaning), f"{which}{wrong}") from None
        return phone

    def _others(
        self, phones: Sequence[Telephone], zone: str, told: Mapping[str, str], refused: list[Refused]
    ) -> tuple[tuple[str, str], ...]:
        """Numbers after the first, each with its time zone: the lead's where the file names that and it can be, or
        nothing else is known; else its own."""
        others = []
        for phone in phones:
            takes_lead_s = not phone.zones or (_zone_column(told) and zone in phone.zones)
            try:
                others.append((phone.number, zone if takes_lead_s else self._zone_of(phone)))
            except WrongNumber as wrong:
                column = self._columns.name_of(_zone_column(told))
                refused.append(Refused(column, f"number {ends_in(phone.number)}: {wrong}"))
        return tuple(others)

    def _zone(self, phone: Telephone, named: str, offset: str) -> str:
        if named:
            if not is_zone(named):
                raise Refused(
                    self._columns.name_of("time_zone"), "is no time zone; use an IANA name such as Europe/London"
                )
            return named
        if offset:
            try:
                zone = zone_with_offset(float(offset.replace(",", ".")), phone.zones, self._wall)
            except (ValueError, OverflowError):
                zone = None
            if zone is None:
                raise Refused(
                    self._columns.name_of("offset_hours"), "is no difference from UTC in hours, such as -5.00"
                )
            return zone
        zone = self._zone_of(phone)
        if not phone.zones or BETWEEN_ZONES in zone:
            self._report.time_zones_guessed += 1
        return zone

    def _zone_of(self, phone: Telephone) -> str:
        """By the number alone; WrongNumber where it may be anywhere."""
        if len(phone.zones) == 1:
            return phone.zones[0]
        return zones_together(phone.zones, self._time_zone, self._wall) if phone.zones else self._time_zone

    def _fields(self, line: int, values: Sequence[str], phones: Sequence[Telephone]) -> dict[str, str]:
        """What an agent may be shown later; a field that repeats a number is emptied, whatever it is called."""
        fields: dict[str, str] = {}
        numbers = [phone.national for phone in phones if len(phone.national) >= DIGITS_THAT_IDENTIFY]
        # Seldom: what no field holds together with the others, none holds alone.
        repeated = _holds("".join([values[n] for _, n in self._fields_at if n < len(values)]), numbers)
        for name, position in self._fields_at:
            value = values[position][:MOST_FIELD_CHARACTERS] if position < len(values) else ""
            if repeated and _holds(value, numbers):
                self._report.fields_withheld += 1
                self._report.note(line, self._columns.header[position], "repeats the telephone number; left empty")
            elif value:
                fields[name] = value
        return fields

    def _new_ref(self) -> str:
        """Random but for its beginning, the moment of its group: so that a million of them are kept in order, as
        RFC 9562 section 5.7 does it. Nobody but the store ever sees them in the order of a list."""
        if not self._random:
            self._random = os.urandom(REF_RANDOM_BYTES * REFS_AT_ONCE).hex()
        drawn, self._random = self._random[: 2 * REF_RANDOM_BYTES], self._random[2 * REF_RANDOM_BYTES :]
        return self._moment + drawn


def _holds(text: str, numbers: Sequence[str]) -> bool:
    """Whether a text holds the digits of a number, in any script and grouping."""
    digits = _NO_DIGITS.sub("", text if text.isascii() else plain(text))
    return any(number in digits for number in numbers)


def _zone_column(told: Mapping[str, str]) -> str:
    """What the row says of its time zone; empty where it says nothing."""
    return next((meaning for meaning in ("time_zone", "offset_hours") if told.get(meaning)), "")


def _priority(text: str, columns: Columns) -> int:
    try:
        priority = int(text)
    except ValueError:
        raise Refused(columns.name_of("priority"), "is no whole number") from None
    if abs(priority) > MOST_PRIORITY:
        raise Refused(columns.name_of("priority"), "lies beyond a million")
    return priority
