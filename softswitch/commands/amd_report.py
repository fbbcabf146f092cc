"""`softswitch amd report`: what answering-machine detection did at a site, by campaign and day, and how wrongly."""

import asyncio
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from softswitch.commands.figures import is_standard_output, show_figures, write_json
from softswitch.errors import UsageError

if TYPE_CHECKING:
    from softswitch.store.amd_days import AmdDay

DAYS = 30


def report(
    config: Annotated[Path, typer.Argument(help="The site's TOML file.")],
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help=f"One day; left out: those of the last {DAYS} with calls."),
    ] = None,
    campaign: Annotated[str, typer.Option(help="One campaign; left out: all.")] = "",
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures to this file; - for standard output.")
    ] = None,
) -> None:
    """Show each campaign's verdicts, corrections, freed agents, reviews and false positives by day."""
    days = asyncio.run(_read(config, None if day is None else day.date(), campaign))
    if not is_standard_output(json_file):
        _show(days)
    if json_file is not None:
        write_json(json_file, [asdict(each) for each in days])


async def _read(config: Path, day: date | None, campaign: str) -> "list[AmdDay]":
    from softswitch.config import campaign_of, load, store_url
    from softswitch.dialler.rules import DEFAULT_MARGINS
    from softswitch.store.connection import is_missing_file
    from softswitch.store.database import Store

    settings = load(config)
    campaigns = [campaign_of(each, settings) for each in settings.campaigns if campaign in ("", each.name)]
    if campaign and not campaigns:
        names = ", ".join(each.name for each in settings.campaigns) or "none"
        raise UsageError(f'there is no campaign "{campaign}"; {config} has {names}')
    if is_missing_file(store_url(settings)):
        raise UsageError(f"{config} has no store yet; nothing has been dialled")
    zone = settings.site.time_zone
    today = datetime.now(ZoneInfo(zone)).date()
    days = [day] if day is not None else [today - timedelta(days=back) for back in range(DAYS)]
    store = await Store.open(store_url(settings), locked=True)
    try:
        found = [
            await store.amd_day(each, one, zone, DEFAULT_MARGINS.false_positive_prior(each))
            for each in campaigns
            for one in days
        ]
    finally:
        await store.close()
    return [each for each in found if day is not None or each.answered]


def _show(days: "list[AmdDay]") -> None:
    console = Console(highlight=False)
    for each in days:
        show_figures(console, f"{each.campaign}, {each.day} ({each.point})", _lines(each))
    if not days:
        console.print("No call has been judged.")


def _lines(each: "AmdDay") -> list[tuple[str, str]]:
    from softswitch.dialler.compliance_figures import interval

    share = "not reviewed" if each.false_positive_share is None else f"{each.false_positive_share:.1%}"
    origin = "measured" if each.share_is_measured else "prior, until 100 are reviewed"
    return [
        ("calls judged", str(each.answered)),
        *((f"  {verdict}", str(count)) for verdict, count in each.verdicts.items()),
        *((f"  corrected, {which.replace('>', ' to ')}", str(count)) for which, count in each.corrections.items()),
        ("ended by a verdict", str(each.ended_by_verdict)),
        ("agents freed", str(each.freed_agents)),
        ("messages left", str(each.messages_left)),
        ("waiting for review", str(each.waiting_for_review)),
        ("reviewed", f"{each.reviewed} (and {each.cannot_tell} that nobody can tell)"),
        ("false positives of the day", f"{each.false_positives}: {share}, {interval(each.false_positive_interval)}"),
        (f"share reckoned with ({origin})", f"{each.share_reckoned_with:.2%}, {interval(each.share_interval)}"),
        ("live, abandoned", f"{each.live}, {each.abandoned} + {each.expected_false_positives:.2f} expected"),
        ("abandoned-call rate", f"{each.abandoned_rate:.2%}, {interval(each.abandoned_rate_interval)}"),
    ]
