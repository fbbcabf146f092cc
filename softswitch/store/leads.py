"""Importing a list: every row of a CSV file becomes a lead or a counted, explained exception.

The file is read through before anything is written, then taken in groups of rows, one transaction each, and nothing of
the list is dialled before all of it is there. An import that was broken off goes on where it was when the same file is
imported again; a second import of a whole file adds nothing. A report never repeats a number: it names line, column,
reason and the last two digits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from softswitch.store import lead_file
from softswitch.store.columns import Columns, read_header
from softswitch.store.import_worker import ImportWorker
from softswitch.store.lead_groups import Candidate, GroupReader, LeadGroup, Site, person_of
from softswitch.store.lead_rows import ImportReport
from softswitch.store.lists import NewLead, Standing, Wanted
from softswitch.store.telephone import ends_in
from softswitch.store.vault import SealedPerson, Vault

FROM_ROWS = 20_000
"""A file with so many is read by a process of its own, which takes a second to begin."""
_HELD = {
    "never-dial": "on the never-dial list",
    "suppressed": "suppressed",
    "in list": "the campaign has it already",
}


class LeadStore(Protocol):
    """Where leads go; `softswitch.store.database.Store` fulfils it."""

    @property
    def vault(self) -> Vault: ...
    async def begin_list(self, campaign: str, name: str, file_digest: bytes) -> str: ...
    async def incomplete_list(self, campaign: str, file_digest: bytes) -> str: ...
    async def add_leads(
        self, list_ref: str, campaign: str, new: Sequence[NewLead], sealed: Sequence[SealedPerson]
    ) -> None: ...
    async def complete_list(self, list_ref: str) -> None: ...


StandingOf = Callable[[str, Wanted], Awaitable[Standing]]
"""(campaign, numbers) -> what the store says of them."""


async def nothing_stands(campaign: str, wanted: Wanted) -> Standing:
    """For a dry run where there is no store yet."""
    return Standing(frozenset(), frozenset())


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
        self._site = Site(country, time_zone, wall or datetime.now(UTC))
        self._never_dial = never_dial
        self._own_columns = columns
        self._report = ImportReport()

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
        report = self._report = ImportReport(dry_run=store is None, columns_left_out=columns.left_out)
        vault = None if store is None else store.vault
        groups: GroupReader | ImportWorker
        if file.rows >= FROM_ROWS:
            groups = ImportWorker(file, columns, self._site, None if vault is None else vault.keys)
        else:
            groups = GroupReader(file, columns, self._site, vault)
        list_ref = ""

        def next_group() -> "asyncio.Task[LeadGroup | None]":
            return asyncio.create_task(asyncio.to_thread(groups.next_group))

        coming = next_group()
        try:  # one group is made ready while the one before it is written
            while (group := await coming) is not None:
                coming = next_group()
                report.add(group.report)
                fresh = self._sift(group.candidates, await standing(self._campaign, _wanted(group)), columns)
                if store is not None and fresh:
                    if not list_ref:
                        list_ref = await store.begin_list(self._campaign, path.stem, file.digest)
                    new = [each.lead for each in fresh]
                    sealed = [
                        each.sealed or store.vault.seal(each.lead.lead_ref, person_of(each.lead)) for each in fresh
                    ]
                    await store.add_leads(list_ref, self._campaign, new, sealed)
                report.accepted += len(fresh)
                if on_progress is not None:
                    on_progress(report.rows, file.rows)
        finally:
            if isinstance(groups, ImportWorker):
                groups.close()
            await asyncio.gather(coming, return_exceptions=True)
        if store is not None:
            if not list_ref:  # all of it is there already, and perhaps the end of an import was not
                list_ref = await store.incomplete_list(self._campaign, file.digest)
            if list_ref:
                await store.complete_list(list_ref)
        report.problems.sort(key=lambda problem: problem.line)
        return report

    def _sift(self, candidates: Sequence[Candidate], standing: Standing, columns: Columns) -> list[Candidate]:
        """Those that no safeguard and no earlier import holds back; without a seal where their numbers are others
        than was sealed."""
        report, fresh = self._report, []
        column = columns.name_of("number")
        for line, lead, sealed in candidates:
            held = self._held_back(lead.number, standing)
            if held == "in list":
                report.duplicates_in_list += 1
                report.note(line, column, f"number {ends_in(lead.number)}: {_HELD[held]}")
                continue
            left = lead
            if lead.others:
                left, held = self._with_free_numbers(line, lead, standing, column)
            if held:
                report.never_dial += held == "never-dial"
                report.suppressed += held == "suppressed"
                report.note(line, column, f"number {ends_in(lead.number)}: {_HELD[held]}")
            else:
                fresh.append(Candidate(line, left, sealed if left is lead else None))
        return fresh

    def _held_back(self, number: str, standing: Standing) -> str:
        """Why a number cannot be a lead's; empty: it can."""
        if self._never_dial is not None and self._never_dial(number):
            return "never-dial"
        if number in standing.suppressed:
            return "suppressed"
        return "in list" if number in standing.in_campaign else ""

    def _with_free_numbers(self, line: int, lead: NewLead, standing: Standing, column: str) -> tuple[NewLead, str]:
        """The lead with those of its numbers that nothing holds back; where none is left, itself and why."""
        every = ((lead.number, lead.time_zone), *lead.others)
        why = [self._held_back(number, standing) for number, _ in every]
        free = [each for each, held in zip(every, why, strict=True) if not held]
        if not free:
            return lead, why[0]
        if len(free) == len(every):
            return lead, ""
        for (number, _), held in zip(every, why, strict=True):
            if held:
                self._report.leave_out(line, column, f"number {ends_in(number)}: {_HELD[held]}")
        return lead._replace(number=free[0][0], time_zone=free[0][1], others=tuple(free[1:])), ""


def _wanted(group: LeadGroup) -> dict[str, bytes]:
    """Every number of a group, with its keyed hash where it was sealed."""
    wanted = {each.lead.number: each.sealed.digest if each.sealed else b"" for each in group.candidates}
    for each in group.candidates:
        for number, _ in each.lead.others:
            wanted[number] = b""
    return wanted
