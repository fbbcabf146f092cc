"""More of `softswitch leads ...`: who a lead is and who may know, erasure, suppression, and the order of lists."""

import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from softswitch.commands.lead_import import leads_app
from softswitch.commands.terminal import Config, is_missing_file, progress_bar, run
from softswitch.errors import UsageError

if TYPE_CHECKING:
    from softswitch.config import Settings
    from softswitch.store.database import Store

__all__ = ["leads_app"]

GROUP = 1000
LIST_REF_CHARACTERS = 16

Reason = Annotated[str, typer.Option(help="Why; noted in the site's audit log.")]
LeadRef = Annotated[str, typer.Option("--lead-ref", help="The lead's name, as call records have it.")]


@leads_app.command()
def erase(
    config: Config,
    reason: Reason,
    lead_ref: LeadRef = "",
    suppress: Annotated[
        bool, typer.Option(help="Keep the number's keyed hash, so that no later list brings the person back.")
    ] = True,
) -> None:
    """Erase a person for good: every lead with the number, of any campaign, whatever file or copy it lies in.

    Without --lead-ref the telephone numbers are read from standard input, one a line.
    """
    run(_erase(config, reason, lead_ref, suppress=suppress))


@leads_app.command()
def show(config: Config, lead_ref: LeadRef, reason: Reason) -> None:
    """Show who a lead is. The reason is in the audit log before anything is read."""
    run(_show(config, lead_ref, reason))


@leads_app.command()
def export(
    config: Config,
    file: Annotated[Path, typer.Argument(help="CSV to write; - for standard output.")],
    campaign: Annotated[str, typer.Option("--campaign", help="All campaigns when left out.")] = "",
    persons: Annotated[bool, typer.Option("--persons", help="With numbers and fields; needs a reason.")] = False,
    reason: Annotated[str, typer.Option(help="Why numbers are wanted; noted in the site's audit log.")] = "",
) -> None:
    """Export leads and what became of them; without --persons nothing says who anybody is."""
    run(_export(config, file, campaign, reason, persons=persons))


@leads_app.command()
def suppress(
    config: Config,
    campaign: Annotated[str, typer.Option("--campaign", help="For one campaign; left out: for the whole site.")] = "",
    tps: Annotated[Path | None, typer.Option(help="Take over a whole TPS list: a file of one number a line.")] = None,
    reason: Annotated[str, typer.Option(help="Kept with each number; never the number itself.")] = "",
) -> None:
    """Have numbers never dialled again. A running switch knows within a second.

    Telephone numbers are read from standard input, one a line, unless --tps names a file.
    """
    run(_suppress(config, campaign, tps, reason))


@leads_app.command("lists")
def lists_(
    config: Config,
    campaign: Annotated[str, typer.Option("--campaign", help="All campaigns when left out.")] = "",
    change: Annotated[str, typer.Option("--list", help="Change this list instead, by its reference.")] = "",
    priority: Annotated[int | None, typer.Option(help="Lists of a higher priority are dialled first.")] = None,
    share: Annotated[int | None, typer.Option(min=1, max=1000, help="Of leads among lists of one priority.")] = None,
    active: Annotated[bool | None, typer.Option("--active/--resting", help="Whether it is dialled at all.")] = None,
) -> None:
    """Show the lists of leads, or set the priority and the share of one."""
    values = {"priority": priority, "share": share, "active": active}
    run(_lists(config, campaign, change, {name: value for name, value in values.items() if value is not None}))


@asynccontextmanager
async def opened(config: Path, *, locked: bool = False) -> "AsyncIterator[tuple[Settings, Store]]":
    """The site's settings and its store. UsageError where there is none yet."""
    from softswitch.config import load, store_url, vault_key_file
    from softswitch.store.database import Store

    settings = load(config)
    if is_missing_file(store_url(settings)):
        raise UsageError(f"{config} has no store yet; `softswitch leads import` makes it")
    store = await Store.open(store_url(settings), vault_key_file(settings), locked=locked)
    try:
        yield settings, store
    finally:
        await store.close()


async def note(settings: "Settings", action: str, *, subject: str, reason: str) -> None:
    """In the site's audit log, on disk, before it is done. UsageError without a reason."""
    from softswitch.exchange.audit.start import make_audit, person

    if not reason.strip():
        raise UsageError("say with --reason why: it is noted in the site's audit log")
    await make_audit(settings).note(person(), action, subject=subject, reason=reason)


async def _erase(config: Path, reason: str, lead_ref: str, *, suppress: bool) -> None:
    async with opened(config) as (settings, store):
        if lead_ref:
            await note(settings, "erase lead", subject=lead_ref, reason=reason)
            erased = [await store.erase_lead(lead_ref, reason, suppress=suppress)]
        else:
            numbers = list(_numbers_given(settings))
            erased = []
            for number in numbers:
                refs = await store.leads_with(number)
                await note(settings, "erase lead", subject=" ".join(refs) or "no lead", reason=reason)
                erased.append(await store.erase_number(number, reason, suppress=suppress))
        await store.scrub()
    leads = sum(each.leads for each in erased)
    kept = ", their hashes suppressed for the site" if suppress else ""
    Console(stderr=True, highlight=False).print(f"{len(erased)} persons erased, {leads} leads of theirs{kept}.")


async def _show(config: Path, lead_ref: str, reason: str) -> None:
    from softswitch.exchange.audit.start import person
    from softswitch.safeguards.visibility import Looker, Role, reveal_lead

    async with opened(config) as (settings, store):

        async def noted(actor: str, action: str, *, subject: str, reason: str) -> None:
            await note(settings, action, subject=subject, reason=reason)

        looker = Looker(person(), Role.ADMINISTRATOR)
        view = await reveal_lead(lead_ref, looker, reason, note=noted, read=store.lead)
    table = Table(show_header=False, title=view.lead_ref)
    for name, value in (("number", view.number), ("campaign", view.campaign), ("state", view.state)):
        table.add_row(name, value)
    for name, value in view.fields.items():
        table.add_row(name, value)
    Console(highlight=False).print(table)


async def _export(config: Path, file: Path, campaign: str, reason: str, *, persons: bool) -> None:
    from softswitch.store.lead_export import write_leads

    async with opened(config, locked=not persons) as (settings, store):
        fields = None
        if persons:
            await note(settings, "export leads", subject=campaign or "every campaign", reason=reason)
            fields = await store.field_names(campaign)
        leads, numbers = store.all_leads(campaign, persons=persons), await store.most_numbers(campaign)
        try:
            if str(file) == "-":
                count = await write_leads(leads, sys.stdout, fields, numbers)
            else:
                # Written beside and renamed, so that a half-written export is never taken for a whole one.
                part = file.with_name(f"{file.name}.part")
                mine = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(mine, "w", encoding="utf-8", newline="") as out:
                    count = await write_leads(leads, out, fields, numbers)
                part.replace(file)
        except OSError as error:
            raise UsageError(f"{file} cannot be written: {error.strerror}") from error
    Console(stderr=True).print(f"{count} leads.")


async def _suppress(config: Path, campaign: str, tps: Path | None, reason: str) -> None:
    from softswitch.store.suppression import TPS

    if tps is not None and campaign:
        raise UsageError("a TPS list is the whole site's: leave --campaign out")
    async with opened(config) as (settings, store):
        if campaign and campaign not in [c.name for c in settings.campaigns]:
            raise UsageError(f'there is no campaign "{campaign}" in {config}')
        began = datetime.now(UTC)
        source = _numbers_given(settings) if tps is None else _numbers_of(tps, settings)
        given = added = 0
        if tps is not None:
            await store.begin_screening()
        group: list[str] = []
        with progress_bar("suppressing") as show:
            for number in source:
                group.append(number)
                if len(group) == GROUP:
                    added += await store.suppress_many(group, TPS if tps is not None else campaign, reason)
                    given += len(group)
                    show(given, given)
                    group = []
            added += await store.suppress_many(group, TPS if tps is not None else campaign, reason)
            given += len(group)
        if tps is not None:
            if not given:
                raise UsageError(f"{tps} names no number; the list before is kept")
            await store.end_screening(began)
    Console(stderr=True, highlight=False).print(f"{given} numbers, {added} of them not suppressed before.")


async def _lists(config: Path, campaign: str, change: str, values: dict[str, int | bool]) -> None:
    if values and not change:
        raise UsageError("say with --list which list to change")
    async with opened(config, locked=True) as (_, store):
        if values:
            await store.change_list(change, **values)
        known = await store.lists(campaign)
    table = Table("list", "campaign", "name", "imported", "priority", "share", "dialled")
    table.columns[0].no_wrap, table.columns[0].min_width = True, LIST_REF_CHARACTERS  # as --list wants it
    for column in table.columns[1:]:
        column.overflow = "fold"
    for each in known:
        dialled = "import not complete" if each.completed_at is None else "yes" if each.active else "no"
        day = f"{each.imported_at:%Y-%m-%d %H:%M}"
        table.add_row(each.list_ref, each.campaign, each.name, day, str(each.priority), str(each.share), dialled)
    Console(highlight=False).print(table)


def _numbers_given(settings: "Settings") -> list[str]:
    lines = [line.strip() for line in sys.stdin]
    numbers = [_number(line, n, "standard input", settings) for n, line in enumerate(lines, 1) if line]
    if not numbers:
        raise UsageError("give the telephone numbers on standard input, one a line")
    return numbers


def _numbers_of(path: Path, settings: "Settings") -> Iterator[str]:
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            for n, line in enumerate(file, 1):
                text = line.strip().strip('"').split(",")[0].strip()
                if text and not (n == 1 and not any(c.isdigit() for c in text)):  # a line of column names
                    yield _number(text, n, str(path), settings)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _number(text: str, line: int, where: str, settings: "Settings") -> str:
    from softswitch.store.telephone import WrongNumber, read_number

    try:
        return read_number(text, settings.site.country, any_kind=True).number
    except WrongNumber as wrong:
        raise UsageError(f"{where}, line {line}: the number {wrong}; correct it, for nobody may be left out") from None
