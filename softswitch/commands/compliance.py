"""`softswitch report compliance`: each campaign's calendar day held against the rules, as table, PDF, CSV or JSON."""

import asyncio
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from softswitch.commands.figures import show_figures, write_bytes, write_csv, write_json
from softswitch.dialler.rule_choice import RuleChoice
from softswitch.errors import UsageError

if TYPE_CHECKING:
    from softswitch.dialler.compliance import ComplianceDay

report_app = typer.Typer(no_args_is_help=True)


@report_app.callback()
def report() -> None:
    """What may be shown to those who ask whether the rules are kept."""


@report_app.command()
def compliance(
    config: Annotated[Path, typer.Argument(help="The site's TOML file.")],
    day: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="A day in the site's time zone; left out: today.")
    ] = None,
    campaign: Annotated[
        str, typer.Option(help="One campaign; left out: all that dialled, and all that are set up.")
    ] = "",
    rules: Annotated[
        RuleChoice | None,
        typer.Option(
            help="uk (Ofcom), us (FTC, FCC), or own: the campaign's settings, where they are stricter; left out: what "
            "the campaign has chosen."
        ),
    ] = None,
    pdf_file: Annotated[Path | None, typer.Option("--pdf", help="Write a page for each campaign to this file.")] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write a line for each campaign to this file; - for standard output.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures to this file; - for standard output.")
    ] = None,
) -> None:
    """Hold each campaign's day against the rules: abandoned calls by both clocks, silent calls, the detector's false
    positives, messages, rings, hours, locks, caller ids."""
    if sum(each is not None for each in (pdf_file, csv_file, json_file)) > 1:
        raise UsageError("choose one of --pdf, --csv and --json")
    from softswitch.dialler.compliance_figures import rows_of

    days = asyncio.run(_read(config, None if day is None else day.date(), campaign, rules))
    if pdf_file is not None:
        from softswitch.config import load
        from softswitch.web.compliance_pdf import compliance_pdf

        write_bytes(pdf_file, compliance_pdf(days, load(config).site.name, datetime.now(UTC)))
    elif csv_file is not None:
        write_csv(csv_file, rows_of(days))
    elif json_file is not None:
        write_json(json_file, [{**asdict(each), "breaches": each.breaches} for each in days])
    else:
        _show(days)


async def _read(config: Path, day: date | None, campaign: str, rules: RuleChoice | None) -> "list[ComplianceDay]":
    from softswitch.config import load, store_url
    from softswitch.exchange.desks.compliance import compliance_days
    from softswitch.store.connection import is_missing_file
    from softswitch.store.database import Store

    settings = load(config)
    if is_missing_file(store_url(settings)):
        raise UsageError(f"{config} has no store yet; nothing has been dialled")
    store = await Store.open(store_url(settings), locked=True)  # nobody's number is needed
    try:
        return await compliance_days(settings, store, day, campaign, rules)
    finally:
        await store.close()


def _show(days: "list[ComplianceDay]") -> None:
    from softswitch.dialler.compliance_figures import lines_of

    console = Console(highlight=False)
    for each in days:
        show_figures(console, f"{each.campaign}, {each.day} ({each.time_zone}; rules: {each.rules})", lines_of(each))
        for breach in each.breaches:
            console.print(f"[red]not kept:[/] {breach}")
        if not each.breaches:
            console.print("All rules kept.")
    if not days:
        console.print("No campaign is set up, and none has dialled.")
