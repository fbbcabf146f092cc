"""`softswitch leads dry-run | import | export-cdr`: lists of leads come in, call records go out."""

import asyncio
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape

from softswitch.commands.terminal import AsJson, Config, is_missing_file, progress_bar, progress_lines, run, say_json
from softswitch.errors import UsageError

if TYPE_CHECKING:
    from softswitch.store.lead_rows import ImportReport

SHOWN_PROBLEMS = 20

leads_app = typer.Typer(no_args_is_help=True)

LeadFile = Annotated[Path, typer.Argument(help="CSV, UTF-8, with a line of column names.")]
CampaignName = Annotated[str, typer.Option("--campaign", help="Needed where the site has more than one.")]
OwnColumns = Annotated[
    list[str] | None, typer.Option("--column", help="As in number=Rufnummer: the file's own name for a column.")
]


@leads_app.command("import")
def import_(
    config: Config, file: LeadFile, campaign: CampaignName = "", column: OwnColumns = None, as_json: AsJson = False
) -> None:
    """Import a list of leads; rows that cannot be used are named and counted. Safe to repeat."""
    run(_import(config, file, campaign, column, dry_run=False, as_json=as_json), as_json=as_json)


@leads_app.command("dry-run")
def dry_run(
    config: Config, file: LeadFile, campaign: CampaignName = "", column: OwnColumns = None, as_json: AsJson = False
) -> None:
    """Say what an import would do, and write nothing."""
    run(_import(config, file, campaign, column, dry_run=True, as_json=as_json), as_json=as_json)


@leads_app.command("export-cdr")
def export_cdr(
    config: Config,
    file: Annotated[Path, typer.Argument(help="CSV to write; - for standard output.")],
    campaign: Annotated[str, typer.Option("--campaign", help="All campaigns when left out.")] = "",
    since: Annotated[datetime | None, typer.Option(help="First day or moment, in the site's time zone.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Day or moment before which it ends.")] = None,
) -> None:
    """Export call records, one row for each dial attempt; they hold no telephone number."""
    run(_export(config, file, campaign, since, until))


async def _import(
    config: Path, file: Path, campaign: str, columns: list[str] | None, *, dry_run: bool, as_json: bool
) -> None:
    from softswitch.config import load, store_url, vault_key_file
    from softswitch.dialler.campaign import Purpose
    from softswitch.store.database import Store
    from softswitch.store.leads import LeadImport
    from softswitch.store.lists import Standing, Wanted
    from softswitch.store.never_dial_file import read_never_dial

    settings = load(config)
    names = [c.name for c in settings.campaigns]
    if not campaign and len(names) == 1:
        campaign = names[0]
    if campaign not in names:
        said = f'there is no campaign "{campaign}"' if campaign else "say which --campaign"
        raise UsageError(f"{said}; {config} has {', '.join(names) or 'none'}")
    path, site = settings.safeguards.never_dial, settings.site
    lists = [await asyncio.to_thread(read_never_dial, path, site.country)] if path and path.is_file() else []
    work = LeadImport(
        campaign,
        country=site.country,
        time_zone=site.time_zone,
        never_dial=lambda number: any(each.contains(number) for each in lists),
        columns=_own_columns(columns or []),
    )
    marketing = next(c.purpose for c in settings.campaigns if c.name == campaign) is Purpose.MARKETING
    with progress_lines() if as_json else progress_bar("rehearsing" if dry_run else "importing") as show:
        if dry_run and is_missing_file(store_url(settings)):
            report = await work.run(file, None, on_progress=show)
        else:
            store = await Store.open(store_url(settings), vault_key_file(settings))
            if (stored := await store.never_dial()) is not None:
                lists.append(stored[0])

            async def standing(campaign: str, wanted: Wanted) -> Standing:
                return await store.standing(campaign, wanted, marketing=marketing)

            try:
                report = await work.run(file, None if dry_run else store, standing=standing, on_progress=show)
            finally:
                await store.close()
    if as_json:
        say_json({"report": {**asdict(report), "problems": [str(problem) for problem in report.problems]}})
    else:
        _show(report, campaign, screened=bool(lists))


async def _export(config: Path, file: Path, campaign: str, since: datetime | None, until: datetime | None) -> None:
    from zoneinfo import ZoneInfo

    from softswitch.config import load, store_url
    from softswitch.store.cdr import write_cdrs
    from softswitch.store.database import Store

    settings = load(config)
    zone = ZoneInfo(settings.site.time_zone)
    first, last = (None if moment is None else moment.replace(tzinfo=zone).astimezone(UTC) for moment in (since, until))
    if is_missing_file(store_url(settings)):
        raise UsageError(f"{config} has no store yet; nothing has been dialled")
    store = await Store.open(store_url(settings), locked=True)  # call records name nobody
    try:
        records = store.attempts_between(campaign, first, last)
        if str(file) == "-":
            count = await write_cdrs(records, sys.stdout)
        else:
            # Written beside and renamed, so that a half-written export is never taken for a whole one.
            part = file.with_name(f"{file.name}.part")
            with part.open("w", encoding="utf-8", newline="") as out:
                count = await write_cdrs(records, out)
            part.replace(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error
    finally:
        await store.close()
    Console(stderr=True).print(f"{count} records.")


def _own_columns(given: list[str]) -> dict[str, str]:
    own = {}
    for pair in given:
        meaning, equals, name = pair.partition("=")
        if not equals or not meaning or not name:
            raise UsageError(f"--column {pair}: write it as number=Rufnummer")
        own[meaning.strip()] = name.strip()
    return own


def _show(report: "ImportReport", campaign: str, *, screened: bool) -> None:
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(title=f"{campaign}: {'what an import would do' if report.dry_run else 'imported'}", show_header=False)
    table.add_column("what")
    table.add_column("rows", justify="right")
    for what, count in (
        ("rows in the file", report.rows),
        ("leads to be added" if report.dry_run else "leads added", report.accepted),
        ("duplicates in the file", report.duplicates_in_file),
        ("in the campaign already", report.duplicates_in_list),
        ("suppressed", report.suppressed),
        ("on the never-dial list" + ("" if screened else " (there is none)"), report.never_dial),
        ("cannot be used", report.invalid),
        ("time zone guessed", report.time_zones_guessed),
        ("numbers left out", report.numbers_left_out),
        ("fields withheld", report.fields_withheld),
    ):
        table.add_row(what, f"{count:,}")
    console.print(table)
    if report.columns_left_out:
        console.print("Columns left out: " + escape(", ".join(report.columns_left_out)))
    for problem in report.problems[:SHOWN_PROBLEMS]:
        console.print(escape(f"  {problem}"), soft_wrap=True)
    if len(report.problems) > SHOWN_PROBLEMS:
        console.print(f"  ... and more; {SHOWN_PROBLEMS} are shown.")
