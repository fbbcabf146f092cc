"""Importing a list: every row of a CSV file becomes a lead or a counted, explained exception.

The file is read through before anything is written, then taken in groups of rows, one transaction each, and nothing of
the list is dialled before all of it is there. An import that was broken off goes on where it was when the same file is
imported again; a second import of a whole file adds nothing. A report never repeats a number: it names line, column,
reason and the last two digits.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from softswitch.store import lead_file
from softswitch.store.columns import Columns, read_header
from softswitch.store.import_worker import ImportWorker
from softswitch.store.lead_groups import Candidate, Group, GroupReader, PlainGroup, Site, person_of
from softswitch.store.lead_rows import ImportReport
from softswitch.store.lists import Standing, Wanted
from softswitch.store.new_leads import NewLead, NewLeads
from softswitch.store.telephone import ends_in
from softswitch.store.vault import Vault

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
    async def add_leads(self, list_ref: str, campaign: str, new: NewLeads) -> None: ...
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
        new: NewLeads | None

        def next_group() -> "asyncio.Task[Group | None]":
            return asyncio.create_task(asyncio.to_thread(groups.next_group))

        coming = next_group()
        try:  # one group is made ready while the one before it is written
            while (group := await coming) is not None:
                coming = next_group()
                report.add(group.report)
                wanted = group.wanted
                held = self._held(wanted, await standing(self._campaign, wanted))
                if isinstance(group, PlainGroup):
                    new = self._sift_plain(group, held, columns)
                    report.accepted += len(new.lead_refs)
                else:
                    fresh = self._sift(group.candidates, held, columns)
                    report.accepted += len(fresh)
                    new = None if vault is None or not fresh else _sealed(fresh, vault)
                if store is not None and new:
                    if not list_ref:
                        list_ref = await store.begin_list(self._campaign, path.stem, file.digest)
                    await store.add_leads(list_ref, self._campaign, new)
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

    def _held(self, wanted: Iterable[str], standing: Standing) -> dict[str, str]:
        """Those of some numbers that cannot be a lead's, with why."""
        held = dict.fromkeys(standing.in_campaign, "in list") | dict.fromkeys(standing.suppressed, "suppressed")
        if self._never_dial is not None:
            held |= dict.fromkeys(filter(self._never_dial, wanted), "never-dial")
        return held

    def _sift_plain(self, group: PlainGroup, held: Mapping[str, str], columns: Columns) -> NewLeads:
        """Those that no safeguard and no earlier import holds back."""
        if not held:
            return group.leads
        for line, number in zip(group.lines, group.numbers, strict=True):
            if number in held:
                self._hold_back(line, number, held[number], columns)
        return group.leads.only([number not in held for number in group.numbers])

    def _sift(self, candidates: Sequence[Candidate], held: Mapping[str, str], columns: Columns) -> list[Candidate]:
        """The same of leads with several numbers; without a seal where their numbers are others than was sealed."""
        fresh = []
        for line, lead, sealed in candidates:
            why = held.get(lead.number, "")
            left = lead
            if lead.others and why != "in list":
                left, why = self._with_free_numbers(line, lead, held, columns)
            if why:
                self._hold_back(line, lead.number, why, columns)
            else:
                fresh.append(Candidate(line, left, sealed if left is lead else None))
        return fresh

    def _hold_back(self, line: int, number: str, why: str, columns: Columns) -> None:
        report = self._report
        report.duplicates_in_list += why == "in list"
        report.never_dial += why == "never-dial"
        report.suppressed += why == "suppressed"
        report.note(line, columns.name_of("number"), f"number {ends_in(number)}: {_HELD[why]}")

    def _with_free_numbers(
        self, line: int, lead: NewLead, held: Mapping[str, str], columns: Columns
    ) -> tuple[NewLead, str]:
        """The lead with those of its numbers that nothing holds back; where none is left, itself and why."""
        every = ((lead.number, lead.time_zone), *lead.others)
        free = [each for each in every if each[0] not in held]
        if not free:
            return lead, held[lead.number]
        if len(free) == len(every):
            return lead, ""
        for number, _ in every:
            if number in held:
                self._report.leave_out(
                    line, columns.name_of("number"), f"number {ends_in(number)}: {_HELD[held[number]]}"
                )
        return lead._replace(number=free[0][0], time_zone=free[0][1], others=tuple(free[1:])), ""


def _sealed(fresh: Sequence[Candidate], vault: Vault) -> NewLeads:
    leads = [each.lead for each in fresh]
    persons = [each.sealed or vault.seal(each.lead.lead_ref, person_of(each.lead)) for each in fresh]
    return NewLeads.of(leads, persons)
