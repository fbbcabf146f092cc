"""Importing a list: every row of a CSV file becomes a lead or a counted, explained exception.

The file is read through before anything is written, then taken in groups of rows, one transaction each, and nothing of
the list is dialled before all of it is there. An import that was broken off goes on where it was when the same file is
imported again; a second import of a whole file adds nothing. A report never repeats a number: it names line, column,
reason and the last two digits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

from softswitch.store import lead_file
from softswitch.store.columns import Columns, read_header
from softswitch.store.lead_rows import ImportReport, Refused, RowReader
from softswitch.store.lists import NewLead, Standing
from softswitch.store.telephone import ends_in
from softswitch.store.vault import SealedPerson

ROWS_PER_TRANSACTION = 1000
"""Few enough that a dial attempt of the running switch waits a tenth of a second behind them at most."""
_HELD = {
    "never-dial": "on the never-dial list",
    "suppressed": "suppressed",
    "in list": "the campaign has it already",
}


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
        self._reader = RowReader(
            columns, self._report, country=self._country, time_zone=self._time_zone, wall=self._wall
        )
        self._seen = {}
        list_ref = ""
        rows = lead_file.rows(file)

        async def prepare() -> _Group | None:
            group = await asyncio.to_thread(lambda: list(islice(rows, ROWS_PER_TRANSACTION)))
            if not group:
                return None
            candidates = await asyncio.to_thread(self._check, group, columns)
            numbers = [number for each in candidates for number in _numbers_of(each.lead)]
            fresh = self._sift(candidates, await standing(self._campaign, numbers), columns)
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
        self._reader.begin_group()
        number_column = columns.name_of("number")
        for line, values in group:
            report.rows += 1
            if len(values) > len(columns.header):
                report.invalid += 1
                report.note(line, "row", f"has {len(values)} values for {len(columns.header)} columns")
                continue
            try:
                lead = self._reader.read(line, [value.strip() for value in values])
            except Refused as refused:
                report.invalid += 1
                report.note(line, refused.column, str(refused))
                continue
            first = self._seen.setdefault(lead.number, line)
            if first != line:
                report.duplicates_in_file += 1
                report.note(line, number_column, f"number {ends_in(lead.number)}: already on line {first}")
                continue
            candidates.append(_Candidate(line, self._with_new_others(line, lead, columns) if lead.others else lead))
        return candidates

    def _with_new_others(self, line: int, lead: NewLead, columns: Columns) -> NewLead:
        """Without further numbers that another row of the file has."""
        kept = []
        for number, zone in lead.others:
            first = self._seen.setdefault(number, line)
            if first == line:
                kept.append((number, zone))
            else:
                self._reader.leave_out(
                    line, columns.name_of("number"), f"number {ends_in(number)}: already on line {first}"
                )
        return lead._replace(others=tuple(kept))

    def _sift(self, candidates: Sequence[_Candidate], standing: Standing, columns: Columns) -> list[NewLead]:
        """Leads that no safeguard and no earlier import holds back."""
        report, fresh = self._report, []
        column = columns.name_of("number")
        for line, candidate in candidates:
            lead, held = candidate, self._held_back(candidate.number, standing)
            if held == "in list":
                report.duplicates_in_list += 1
                report.note(line, column, f"number {ends_in(lead.number)}: {_HELD[held]}")
                continue
            if lead.others:
                lead, held = self._with_free_numbers(line, lead, standing, columns)
            if held:
                report.never_dial += held == "never-dial"
                report.suppressed += held == "suppressed"
                report.note(line, column, f"number {ends_in(lead.number)}: {_HELD[held]}")
            else:
                fresh.append(lead)
        return fresh

    def _held_back(self, number: str, standing: Standing) -> str:
        """Why a number cannot be a lead's; empty: it can."""
        if self._never_dial is not None and self._never_dial(number):
            return "never-dial"
        if number in standing.suppressed:
            return "suppressed"
        return "in list" if number in standing.in_campaign else ""

    def _with_free_numbers(self, line: int, lead: NewLead, standing: Standing, columns: Columns) -> tuple[NewLead, str]:
        """The lead with those of its numbers that nothing holds back; where none is left, itself and why."""
        every = ((lead.number, lead.time_zone), *lead.others)
        why = [self._held_back(number, standing) for number, _ in every]
        free = [each for each, held in zip(every, why, strict=True) if not held]
        if not free:
            return lead, why[0]
        for (number, _), held in zip(every, why, strict=True):
            if held:
                self._reader.leave_out(line, columns.name_of("number"), f"number {ends_in(number)}: {_HELD[held]}")
        return lead._replace(number=free[0][0], time_zone=free[0][1], others=tuple(free[1:])), ""


def _numbers_of(lead: NewLead) -> tuple[str, ...]:
    return (lead.number, *(number for number, _ in lead.others)) if lead.others else (lead.number,)
