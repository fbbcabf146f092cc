"""Importing a list: every row of a CSV file becomes a lead or a counted, explained exception.

The file is read through before anything is written, then taken in groups of rows, one transaction each, and nothing of
the list is dialled before all of it is there. An import that was broken off goes on where it was when the same file is
imported again; a second import of a whole file adds nothing. A report never repeats a number: it names line, column,
reason and the last two digits.
"""

import asyncio
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

from softswitch.store import lead_file
from softswitch.store.columns import Columns, read_header
from softswitch.store.lists import NewLead, Standing
from softswitch.store.telephone import (
    Telephone,
    WrongNumber,
    ends_in,
    is_zone,
    read_number,
    zone_with_offset,
)
from softswitch.store.vault import SealedPerson

ROWS_PER_TRANSACTION = 1000
"""Few enough that a dial attempt of the running switch waits a tenth of a second behind them at most."""
REF_RANDOM_BYTES = 10
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
    """Accepted, but the number fits several zones or none, and the file names none."""
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


class LeadStore(Protocol):
    """Where leads go; `softswitch.store.database.Store` fulfils it."""

    async def begin_list(self, campaign: str, name: str, file_digest: bytes) -> str: ...
    def seal(self, new: Sequence[NewLead]) -> list[SealedPerson]: ...
    async def add_leads(
        self, list_ref: str, campaign: str, new: Sequence[NewLead], sealed: Sequence[SealedPerson]
    ) -> None: ...
    async def complete_list(self, list_ref: str) -> None: ...


StandingOf = Callable[[str, Sequence[str]], Awaitable[Standing]]
"""(campaign, numbers) -> what the store says of them."""


async def nothing_stands(campaign: str, wanted: Sequence[str]) -> Standing:
    """For a dry run where there is no store yet."""
    return Standing(frozenset(), frozenset())


class _Candidate(NamedTuple):
    line: int
    lead: NewLead


class _Group(NamedTuple):
    """Rows that are ready to be written."""

    rows: int
    """Of the file, up to the last of these."""
    fresh: list[NewLead]
    sealed: list[SealedPerson]


class LeadImport:
    """One import into one campaign."""

    def __init__(
        self,
        campaign: str,
        *,
        country: str,
        time_zone: str,
        never_dial: Callable[[str], bool] | None = None,
        columns: Mapping[str, str] | None = None,
        wall: datetime | None = None,
    ) -> None:
        """country, time_zone: the site's, for numbers that say neither.  columns: meaning -> the file's own name."""
        self._campaign = campaign
        self._country = country
        self._time_zone = time_zone
        self._never_dial = never_dial
        self._own_columns = columns
        self._wall = wall or datetime.now(UTC)
        self._report = ImportReport()
        self._seen: dict[str, int] = {}
        self._moment = ""

    async def run(
        self,
        path: Path,
        store: LeadStore | None,
        *,
        standing: StandingOf = nothing_stands,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> ImportReport:
        """Import `path`; without a store it is a dry run. UsageError when the file as a whole cannot be used.

        on_progress: called with (rows done, rows in all) after each group.
        """
        file = await asyncio.to_thread(lead_file.inspect, path)
        columns = read_header(file.header, self._own_columns)
        self._report = ImportReport(dry_run=store is None, columns_left_out=columns.left_out)
        self._seen = {}
        list_ref = ""
        rows = lead_file.rows(file)

        async def prepare() -> _Group | None:
            group = await asyncio.to_thread(lambda: list(islice(rows, ROWS_PER_TRANSACTION)))
            if not group:
                return None
            candidates = await asyncio.to_thread(self._check, group, columns)
            fresh = self._sift(candidates, await standing(self._campaign, [c.lead.number for c in candidates]), columns)
            sealed = await asyncio.to_thread(store.seal, fresh) if store is not None else []
            return _Group(self._report.rows, fresh, sealed)

        # One group is made ready while the one before it is written: SQLite works without Python's lock.
        coming = asyncio.create_task(prepare())
        try:
            while (ready := await coming) is not None:
                coming = asyncio.create_task(prepare())
                if store is not None and ready.fresh:
                    if not list_ref:
                        list_ref = await store.begin_list(self._campaign, path.stem, file.digest)
                    await store.add_leads(list_ref, self._campaign, ready.fresh, ready.sealed)
                self._report.accepted += len(ready.fresh)
                if on_progress is not None:
                    on_progress(ready.rows, file.rows)
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        if store is not None:
            if not list_ref:  # all of it is there already, and perhaps the end of an import was not
                list_ref = await store.begin_list(self._campaign, path.stem, file.digest)
            await store.complete_list(list_ref)
        self._report.problems.sort(key=lambda problem: problem.line)
        return self._report

    def _check(self, group: Sequence[tuple[int, list[str]]], columns: Columns) -> list[_Candidate]:
        """Rows that are sound in themselves and new in the file."""
        report, candidates = self._report, []
        self._moment = f"{time.time_ns() // 1_000_000:012x}"
        number_column = columns.name_of("number")
        for line, values in group:
            report.rows += 1
            if len(values) > len(columns.header):
                report.invalid += 1
                report.note(line, "row", f"has {len(values)} values for {len(columns.header)} columns")
                continue
            try:
                lead = self._lead(line, [value.strip() for value in values], columns)
            except _Refused as refused:
                report.invalid += 1
                report.note(line, refused.column, str(refused))
                continue
            first = self._seen.setdefault(lead.number, line)
            if first != line:
                report.duplicates_in_file += 1
                report.note(line, number_column, f"number {ends_in(lead.number)}: already on line {first}")
                continue
            candidates.append(_Candidate(line, lead))
        return candidates

    def _sift(self, candidates: Sequence[_Candidate], standing: Standing, columns: Columns) -> list[NewLead]:
        """Leads that no safeguard and no earlier import holds back."""
        report, fresh = self._report, []
        column = columns.name_of("number")
        for candidate in candidates:
            number, line = candidate.lead.number, candidate.line
            if self._never_dial is not None and self._never_dial(number):
                report.never_dial += 1
                report.note(line, column, f"number {ends_in(number)}: on the never-dial list")
            elif number in standing.suppressed:
                report.suppressed += 1
                report.note(line, column, f"number {ends_in(number)}: suppressed")
            elif number in standing.in_campaign:
                report.duplicates_in_list += 1
                report.note(line, column, f"number {ends_in(number)}: the campaign has it already")
            else:
                fresh.append(candidate.lead)
        return fresh

    def _lead(self, line: int, values: Sequence[str], columns: Columns) -> NewLead:
        told = {name: values[position] for name, position in columns.meanings.items() if position < len(values)}
        text = told.get("number", "")
        country = told.get("country", "").upper()
        try:
            phone = read_number(text, country if len(country) == 2 else self._country, told.get("country_prefix", ""))
        except WrongNumber as wrong:
            which = f"number {ends_in(text)}: " if text else "the number "
            raise _Refused(columns.name_of("number"), f"{which}{wrong}") from None
        return NewLead(
            lead_ref=self._new_ref(),
            number=phone.number,
            time_zone=self._zone(phone, told.get("time_zone", ""), told.get("offset_hours", ""), columns),
            priority=_priority(told.get("priority", ""), columns),
            fields=self._fields(line, values, phone, columns),
        )

    def _zone(self, phone: Telephone, named: str, offset: str, columns: Columns) -> str:
        if named:
            if not is_zone(named):
                raise _Refused(columns.name_of("time_zone"), "is no time zone; use an IANA name such as Europe/London")
            return named
        if offset:
            try:
                zone = zone_with_offset(float(offset.replace(",", ".")), phone.zones, self._wall)
            except (ValueError, OverflowError):
                zone = None
            if zone is None:
                raise _Refused(columns.name_of("offset_hours"), "is no difference from UTC in hours, such as -5.00")
            return zone
        if len(phone.zones) == 1:
            return phone.zones[0]
        if self._time_zone not in phone.zones:
            self._report.time_zones_guessed += 1
        return self._time_zone if self._time_zone in phone.zones or not phone.zones else phone.zones[0]

    def _fields(self, line: int, values: Sequence[str], phone: Telephone, columns: Columns) -> dict[str, str]:
        """What an agent may be shown later; a field that repeats the number is emptied, whatever it is called."""
        fields: dict[str, str] = {}
        for name, position in columns.fields.items():
            value = values[position][:MOST_FIELD_CHARACTERS] if position < len(values) else ""
            if not value:
                continue
            if len(value) >= len(phone.national) >= DIGITS_THAT_IDENTIFY and phone.national in _NO_DIGITS.sub(
                "", value
            ):
                self._report.fields_withheld += 1
                self._report.note(line, columns.header[position], "repeats the telephone number; left empty")
                continue
            fields[name] = value
        return fields

    def _new_ref(self) -> str:
        """Random but for its beginning, the moment of its group: so that a million of them are kept in order, as
        RFC 9562 section 5.7 does it. Nobody but the store ever sees them in the order of a list."""
        return self._moment + os.urandom(REF_RANDOM_BYTES).hex()


class _Refused(Exception):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


def _priority(text: str, columns: Columns) -> int:
    try:
        priority = int(text or "0")
    except ValueError:
        raise _Refused(columns.name_of("priority"), "is no whole number") from None
    if abs(priority) > MOST_PRIORITY:
        raise _Refused(columns.name_of("priority"), "lies beyond a million")
    return priority
