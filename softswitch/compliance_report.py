"""`softswitch report compliance`: each campaign's calendar day held against the rules, as table, CSV or JSON."""

import asyncio
from dataclasses import asdict
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from softswitch.errors import UsageError
from softswitch.figures_output import interval, show_figures, write_csv, write_json

if TYPE_CHECKING:
    from softswitch.dialler.compliance import ComplianceDay

report_app = typer.Typer(no_args_is_help=True)


class Rules(StrEnum):
    """By which rules; see `softswitch.dialler.rules`."""

    UK = "uk"
    US = "us"
    OWN = "own"


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
        Rules, typer.Option(help="uk (Ofcom), us (FTC, FCC), or own: the campaign's settings, where they are stricter.")
    ] = Rules.UK,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Write a line for each campaign to this file; - for standard output.")
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures to this file; - for standard output.")
    ] = None,
) -> None:
    """Hold each campaign's day against the rules: abandoned calls by both clocks, silent calls, the detector's false
    positives, messages, rings, hours, locks, caller ids."""
    if csv_file is not None and json_file is not None:
        raise UsageError("choose one of --csv and --json")
    days = asyncio.run(_read(config, None if day is None else day.date(), campaign, rules))
    if csv_file is not None:
        write_csv(csv_file, _rows(days))
    elif json_file is not None:
        write_json(json_file, [{**asdict(each), "breaches": each.breaches} for each in days])
    else:
        _show(days)


async def _read(config: Path, day: date | None, campaign: str, rules: Rules) -> "list[ComplianceDay]":
    from softswitch.config import campaign_of, load, store_url
    from softswitch.dialler.campaign import Campaign
    from softswitch.dialler.rules import UNITED_KINGDOM, UNITED_STATES, own_rules
    from softswitch.store.connection import is_missing_file
    from softswitch.store.database import Store

    settings = load(config)
    if is_missing_file(store_url(settings)):
        raise UsageError(f"{config} has no store yet; nothing has been dialled")
    zone = settings.site.time_zone
    day = day or datetime.now(ZoneInfo(zone)).date()
    known = {each.name: campaign_of(each, settings) for each in settings.campaigns}
    store = await Store.open(store_url(settings), locked=True)  # nobody's number is needed
    try:
        names = [*known, *(each for each in await store.campaigns_of(day, zone) if each not in known)]
        if campaign and campaign not in names:
            raise UsageError(f'there is no campaign "{campaign}"; {config} has {", ".join(names) or "none"}')
        found = []
        for name in names:
            if campaign in ("", name):
                one = known.get(name, Campaign(name))
                by = {Rules.UK: UNITED_KINGDOM, Rules.US: UNITED_STATES, Rules.OWN: own_rules(one)}[rules]
                found.append(await store.compliance_day(one, by, day, zone))
        return found
    finally:
        await store.close()


def _rows(days: "list[ComplianceDay]") -> list[list[object]]:
    """A header, and a line for each campaign."""
    flat = [_flat(each) for each in days]
    return [list(flat[0]), *(list(each.values()) for each in flat)] if flat else []


def _flat(each: "ComplianceDay") -> dict[str, object]:
    """Intervals in two columns."""
    flat: dict[str, object] = {}
    for name, value in asdict(each).items():
        if isinstance(value, tuple):
            flat |= {f"{name}_low": value[0], f"{name}_high": value[1]}
        else:
            flat[name] = value
    return {**flat, "breaches": "; ".join(each.breaches)}


def _show(days: "list[ComplianceDay]") -> None:
    console = Console(highlight=False)
    for each in days:
        show_figures(console, f"{each.campaign}, {each.day} ({each.time_zone}; rules: {each.rules})", _lines(each))
        for breach in each.breaches:
            console.print(f"[red]not kept:[/] {breach}")
        if not each.breaches:
            console.print("All rules kept.")
    if not days:
        console.print("No campaign is set up, and none has dialled.")


def _lines(each: "ComplianceDay") -> list[tuple[str, str]]:
    origin = f"measured on {each.reviewed}" if each.false_positives_measured else "prior, until 100 are reviewed"
    period = f"over {each.period_days} days" if each.period_days > 1 else "of the day"
    return [
        ("dials", str(each.dials)),
        ("answers", str(each.answers)),
        ("live answers", str(each.live_answers)),
        ("connected to an agent in time (L)", str(each.connected)),
        ("abandoned, by the stricter clock (A)", str(each.abandoned)),
        ("  by the clock from the answer", str(each.abandoned_from_answer)),
        ("  by the clock from the greeting", str(each.abandoned_from_greeting)),
        ("silent", str(each.silent)),
        ("hung up before anybody was due", str(each.hung_up)),
        ("ended by a verdict", str(each.ended_by_amd)),
        ("machines met by agents (M)", str(each.machines_with_agents)),
        (f"false positives ({origin})", f"{each.false_positive_share:.2%}, {interval(each.false_positive_interval)}"),
        ("  expected (F)", f"{each.expected_false_positives:.2f}"),
        ("abandoned-call rate, A / (A + L)", f"{each.rate_without_amd:.2%}"),
        ("  with false positives, (A + F) / (A + F + L)", f"{each.rate:.2%}, {interval(each.rate_interval)}"),
        ("  less machines, A' / (A' + L)", f"{each.rate_less_machines:.2%}"),
        (f"  {period}; limit {each.limit:.0%}", f"{each.period_rate:.2%}"),
        ("information message in time, late, missing", _three(each)),
        ("agent heard late", str(each.agent_late)),
        ("rings cut short", str(each.rings_cut_short)),
        ("outside the rules' hours, the campaign's own", f"{each.outside_hours}, {each.outside_own_hours}"),
        ("within a lock of 72 h, of 24 h", f"{each.within_abandoned_lock}, {each.within_machine_lock}"),
        ("without caller id, with a premium one", f"{each.without_caller_id}, {each.premium_caller_id}"),
    ]


def _three(each: "ComplianceDay") -> str:
    return f"{each.message_in_time}, {each.message_late}, {each.message_missing}"
