"""`softswitch survey export` and `check`, `softswitch report survey`: answers as files, outcome rates by AAPOR."""

import asyncio
import csv
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from softswitch.commands.figures import is_standard_output, write_csv, write_json
from softswitch.errors import UsageError

if TYPE_CHECKING:
    from softswitch.config import CampaignSettings, Settings
    from softswitch.store.database import Store
    from softswitch.store.interviews import KeptInterview
    from softswitch.survey.aapor import Rates
    from softswitch.survey.outcomes import Outcomes

survey_app = typer.Typer(no_args_is_help=True)

Config = Annotated[Path, typer.Argument(help="The site's TOML file.")]
OfCampaign = Annotated[str, typer.Option("--campaign", help="Needed where the site has more than one.")]
_A_DAY = ["%Y-%m-%d"]


@survey_app.command()
def check(script: Annotated[Path, typer.Argument(help="A script, TOML or YAML.")]) -> None:
    """Say what is wrong with a script, with its line; nothing is known here of the fields that agents may see."""
    from softswitch.config.scripts import examine_script

    console = Console(highlight=False, soft_wrap=True)
    found, faults = examine_script(script, None)
    for fault in faults:
        console.print(escape(str(fault)))
    if found is None:
        console.print(f"{escape(str(script))}: cannot be used, {len(faults)} findings.")
        raise typer.Exit(1)
    nodes, least = len(found.nodes), found.fewest_left[found.start]
    console.print(
        f"{escape(str(script))}: can be used; {nodes} nodes, {least} questions or more on the way to the end."
    )


@survey_app.command()
def export(
    config: Config,
    file: Annotated[Path, typer.Argument(help="CSV or, by its name, JSON to write; - for CSV on standard output.")],
    campaign: OfCampaign = "",
) -> None:
    """Export a campaign's answers, one row for each interview, by call reference; there is no number in them."""
    asyncio.run(_export(config, file, campaign))


def survey_report(
    config: Config,
    campaign: OfCampaign = "",
    e: Annotated[
        float | None,
        typer.Option("--e", min=0.0, max=1.0, help="Eligible share of the unknown; left out: as among the known."),
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=_A_DAY, help="First day, in the site's time zone; left out: all.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(formats=_A_DAY, help="Last day; left out: until now.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write JSON here; - for standard output.")] = None,
    csv_file: Annotated[Path | None, typer.Option("--csv", help="Write CSV here; - for standard output.")] = None,
) -> None:
    """Show final dispositions, response, cooperation, refusal and contact rates by AAPOR's Standard Definitions, and
    how full the quotas are."""
    days = [None if each is None else each.date() for each in (since, until)]
    report = asyncio.run(_report(config, campaign, days[0], days[1], e))
    if not any(map(is_standard_output, (json_file, csv_file))):
        _show(report)
    if json_file is not None:
        write_json(json_file, asdict(report))
    if csv_file is not None:
        write_csv(csv_file, report.rows())


async def _report(config: Path, campaign: str, since: date | None, until: date | None, e: float | None) -> "Outcomes":
    from softswitch.config.scripts import load_script
    from softswitch.exchange.desks.outcomes import read_outcomes

    async with _opened(config, campaign) as (site, settings, store):
        script = None if settings.script is None else load_script(settings.script, settings.visible_fields)
        return await read_outcomes(settings, script, store, site.site.time_zone, since=since, until=until, e=e)


async def _export(config: Path, file: Path, campaign: str) -> None:
    async with _opened(config, campaign) as (_, settings, store):
        kept = [each async for each in store.interviews_of(settings.name)]
    try:
        if is_standard_output(file):
            _write_csv(kept, sys.stdout)
        else:
            # Written beside and renamed, so that a half-written export is never taken for a whole one.
            part = file.with_name(f"{file.name}.part")
            with part.open("w", encoding="utf-8", newline="") as out:
                (_write_json if file.suffix.lower() == ".json" else _write_csv)(kept, out)
            part.replace(file)
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error
    Console(stderr=True).print(f"{len(kept)} interviews.")


_FACTS = ("call_ref", "script", "agent", "begun_at", "ended_at", "ending", "is_partial")


def _write_csv(kept: "Sequence[KeptInterview]", out: TextIO) -> None:
    """A column for each question of any of them, in the order in which they come; several choices with | between."""
    questions = list(dict.fromkeys(node for each in kept for node in each.answers))
    writer = csv.writer(out)
    writer.writerow([*_FACTS, *questions, "seconds"])
    for each in kept:
        facts = [_told(getattr(each, name)) for name in _FACTS]
        answers = [_told(each.answers.get(node)) for node in questions]
        writer.writerow([*facts, *answers, round(sum(each.seconds.values()), 1)])


def _write_json(kept: "Sequence[KeptInterview]", out: TextIO) -> None:
    rows = [
        {name: _moment(getattr(each, name)) for name in _FACTS}
        | {"answers": dict(each.answers), "seconds": dict(each.seconds), "cells": list(each.cells)}
        for each in kept
    ]
    json.dump(rows, out, indent=2, ensure_ascii=False)
    out.write("\n")


def _moment(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _told(value: Any) -> str:
    from softswitch.store.cdr import cell

    return cell("|".join(map(str, value)) if isinstance(value, list | tuple) else value)


def _show(report: "Outcomes") -> None:
    console = Console(highlight=False)
    period = f", {report.since or 'the beginning'} to {report.until or 'now'}" if report.since or report.until else ""
    table = Table(title=f"{report.campaign}{period}: final dispositions of {report.cases} cases")
    for name, justify in (("", "left"), ("final disposition", "left"), ("cases", "right")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    for letters, meaning, count in report.disposition_lines():
        table.add_row(letters, meaning, str(count))
    console.print(table)
    shown = Table(title=f"Outcome rates, e = {report.rates.e:.3f}")
    names = [name for name in asdict(report.rates) if name != "e"]
    for kind in ("RR", "COOP", "REF", "CON"):
        shown.add_column(kind, justify="right")
    columns = [[name for name in names if name.startswith(kind)] for kind in ("RR", "COOP", "REF", "CON")]
    for n in range(max(map(len, columns))):
        shown.add_row(*(_rate(report.rates, column[n]) if n < len(column) else "" for column in columns))
    console.print(shown)
    if report.quotas:
        quotas = Table("cell", "filled", "target", "in the period", title="Quotas, complete interviews")
        for cell in report.quotas:
            quotas.add_row(escape(cell.name), str(cell.filled), str(cell.target), str(cell.in_period))
        console.print(quotas)


def _rate(rates: "Rates", name: str) -> str:
    value = getattr(rates, name)
    return f"{name}  {'–' if value is None else f'{value:.1%}'}"


@asynccontextmanager
async def _opened(config: Path, campaign: str) -> "AsyncIterator[tuple[Settings, CampaignSettings, Store]]":
    """The site, the campaign that is meant, and the store without its key: answers name nobody."""
    from softswitch.config import load, store_url
    from softswitch.store.connection import is_missing_file
    from softswitch.store.database import Store

    settings: Settings = load(config)
    named = [each for each in settings.campaigns if campaign in ("", each.name)]
    if len(named) != 1:
        said = f'there is no campaign "{campaign}"' if campaign else "say which --campaign"
        raise UsageError(f"{said}; {config} has {', '.join(each.name for each in settings.campaigns) or 'none'}")
    if is_missing_file(store_url(settings)):
        raise UsageError(f"{config} has no store yet; nothing has been dialled")
    store = await Store.open(store_url(settings), locked=True)
    try:
        yield settings, named[0], store
    finally:
        await store.close()
