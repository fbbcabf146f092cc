"""A lead file read in groups of rows: each row becomes a lead, sealed for the vault, or an explained exception.

This is the half of an import that asks nobody: what the store and the safeguards say of a number comes after it, in
`store.leads`. So it can be done in a process of its own (`store.import_worker`) while the other half writes.
"""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple, TypeAlias

from softswitch.store import lead_file
from softswitch.store.columns import Columns
from softswitch.store.lead_file import LeadFile
from softswitch.store.lead_rows import ImportReport, Refused, RowReader
from softswitch.store.new_leads import NewLead, NewLeads
from softswitch.store.telephone import ends_in
from softswitch.store.vault import SEAL_RANDOM_BYTES, Person, SealedPerson, Vault

ROWS_PER_TRANSACTION = 1000
"""Few enough that a dial attempt of the running switch waits a tenth of a second behind them at most."""
_SEALED: dict[str, str] = {}


class Site(NamedTuple):
    """What numbers mean that say neither country nor zone, and which moment it is."""

    country: str
    time_zone: str
    wall: datetime


class Candidate(NamedTuple):
    """A row that is sound in itself and new in the file."""

    line: int
    lead: NewLead
    """Without its fields where it is sealed and nothing can make it be sealed again."""
    sealed: SealedPerson | None


class LeadGroup(NamedTuple):
    """Rows that follow one another."""

    candidates: list[Candidate]
    report: ImportReport
    """Of these rows alone."""

    @property
    def wanted(self) -> dict[str, bytes]:
        """Every number, with its keyed hash where it was sealed."""
        wanted = {each.lead.number: each.sealed.digest if each.sealed else b"" for each in self.candidates}
        for each in self.candidates:
            for number, _ in each.lead.others:
                wanted[number] = b""
        return wanted


class PlainGroup(NamedTuple):
    """The same where all are sealed and have one number each, column by column: a third of the work, on the way from
    one process to the other as in the store."""

    lines: Sequence[int]
    numbers: Sequence[str]
    leads: NewLeads
    report: ImportReport

    @property
    def wanted(self) -> dict[str, bytes]:
        return dict(zip(self.numbers, self.leads.digests, strict=True))


Group: TypeAlias = LeadGroup | PlainGroup


def plain_where_possible(group: LeadGroup) -> Group:
    lines = [each.line for each in group.candidates]
    leads = [each.lead for each in group.candidates]
    sealed = [each.sealed for each in group.candidates if each.sealed is not None]
    if not leads or len(sealed) < len(leads) or any(lead.others for lead in leads):
        return group
    return PlainGroup(lines, [lead.number for lead in leads], NewLeads.of(leads, sealed), group.report)


class GroupReader:
    """Reads one file once. `next_group` until it is None."""

    def __init__(self, file: LeadFile, columns: Columns, site: Site, vault: Vault | None) -> None:
        """vault: None where nothing is to be written."""
        self._rows = lead_file.rows(file)
        self._columns = columns
        self._number_column = columns.name_of("number")
        self._vault = vault
        self._reader = RowReader(columns, country=site.country, time_zone=site.time_zone, wall=site.wall)
        self._seen: dict[str, int] = {}

    def next_group(self) -> Group | None:
        """Raises UsageError where the file cannot be read on."""
        rows = list(islice(self._rows, ROWS_PER_TRANSACTION))
        if not rows:
            return None
        report = self._reader.begin_group()
        return plain_where_possible(LeadGroup(self._check(rows, report), report))

    def _check(self, rows: Sequence[tuple[int, list[str]]], report: ImportReport) -> list[Candidate]:
        candidates, most = [], len(self._columns.header)
        report.rows += len(rows)
        random = _slices(os.urandom(SEAL_RANDOM_BYTES * len(rows)))
        for line, values in rows:
            if len(values) > most:
                report.invalid += 1
                report.note(line, "row", f"has {len(values)} values for {most} columns")
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
                report.note(line, self._number_column, f"number {ends_in(lead.number)}: already on line {first}")
                continue
            if lead.others:
                lead = self._with_new_others(line, lead, report)
            candidates.append(self._sealed(line, lead, next(random)))
        return candidates

    def _sealed(self, line: int, lead: NewLead, random: bytes) -> Candidate:
        if self._vault is None:
            return Candidate(line, lead, None)
        lead_ref, number, time_zone, priority, fields, others = lead
        if others:
            return Candidate(line, lead, self._vault.seal(lead_ref, person_of(lead), random))
        sealed = self._vault.seal(lead_ref, Person(number, fields), random)
        return Candidate(line, NewLead(lead_ref, number, time_zone, priority, _SEALED), sealed)

    def _with_new_others(self, line: int, lead: NewLead, report: ImportReport) -> NewLead:
        """Without further numbers that another row of the file has."""
        kept = []
        for number, zone in lead.others:
            first = self._seen.setdefault(number, line)
            if first == line:
                kept.append((number, zone))
            else:
                report.leave_out(line, self._number_column, f"number {ends_in(number)}: already on line {first}")
        return lead._replace(others=tuple(kept))


def _slices(random: bytes) -> Iterator[bytes]:
    return (random[n : n + SEAL_RANDOM_BYTES] for n in range(0, len(random), SEAL_RANDOM_BYTES))


def person_of(lead: NewLead) -> Person:
    """What the vault keeps of a lead."""
    return Person(lead.number, lead.fields, tuple(number for number, _ in lead.others))
