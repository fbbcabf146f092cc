"""`softswitch campaign start | pause | stop | status`: the campaigns of a running switch."""

import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from softswitch.commands.switch_client import PasswordFile, Refused, SwitchClient, User, client_of
from softswitch.commands.terminal import Config
from softswitch.dialler.callbacks import CameTo
from softswitch.errors import UsageError

LEAD_REF_CHARACTERS = 32
"""Shown whole: who takes a callback back has to name its lead."""

campaign_app = typer.Typer(no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The campaign's name.")]
Where = Annotated[str, typer.Option("--url", envvar="SOFTSWITCH_WEB_URL", help="Left out: as the file says.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what the API answers.")]


@campaign_app.command()
def start(
    config: Config, campaign: Name, url: Where = "", user: User = "administrator", password_file: PasswordFile = None
) -> None:
    """Begin to dial. Refused, with every reason, where the campaign may not: no information message, no valid caller
    id, no never-dial list, marketing without a fresh TPS screening. It goes on after a restart of the switch."""
    _command(_client(config, campaign, url, user, password_file), campaign, "start")


@campaign_app.command()
def pause(
    config: Config, campaign: Name, url: Where = "", user: User = "administrator", password_file: PasswordFile = None
) -> None:
    """No new calls; those that ring or talk go on. `start` goes on from here."""
    _command(_client(config, campaign, url, user, password_file), campaign, "pause")


@campaign_app.command()
def stop(
    config: Config, campaign: Name, url: Where = "", user: User = "administrator", password_file: PasswordFile = None
) -> None:
    """No new calls, and the leads that were ready to be dialled go back. It stays stopped after a restart."""
    _command(_client(config, campaign, url, user, password_file), campaign, "stop")


@campaign_app.command()
def status(
    config: Config,
    campaign: Annotated[str, typer.Argument(help="The campaign's name; all when left out.")] = "",
    url: Where = "",
    user: User = "administrator",
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """What a campaign does at this moment, why it does not where it does not, and its figures of today."""
    client = _client(config, campaign, url, user, password_file)
    answer = _asked(client.get, "campaigns", *([campaign] if campaign else []))
    if as_json:
        sys.stdout.write(answer.decode() + "\n")
        return
    found = json.loads(answer)
    for view in found if isinstance(found, list) else [found]:
        _show(view)


@campaign_app.command()
def callbacks(
    config: Config,
    campaign: Name,
    came_to: Annotated[CameTo, typer.Option(help="Those still to be made, or what others came to.")] = CameTo.OPEN,
    url: Where = "",
    user: User = "administrator",
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """Callbacks that were promised: those still to be made, or what others of the last month came to."""
    client = _client(config, campaign, url, user, password_file)
    answer = client.get("campaigns", campaign, "callbacks", query={"came_to": came_to.value, "limit": "500"})
    if as_json:
        sys.stdout.write(answer.decode() + "\n")
        return
    table = Table("due (UTC)", "lead", "for", "made by", "", title=Text(f"{campaign}: callbacks, {came_to.value}"))
    table.columns[1].no_wrap, table.columns[1].min_width = True, LEAD_REF_CHARACTERS
    for column in table.columns[2:]:
        column.overflow = "fold"
    for each in json.loads(answer):
        due = each["due_at"][:16].replace("T", " ")
        table.add_row(
            due,
            *map(Text, (each["lead_ref"], each["agent"] or "anybody", each["made_by"])),
            "overdue" if each["overdue"] else "",
        )
    Console(highlight=False).print(table)


def _client(config: Any, campaign: str, url: str, user: str, password_file: Any) -> SwitchClient:
    from softswitch.config import load

    settings = load(config)
    names = [each.name for each in settings.campaigns]
    if campaign and campaign not in names:
        raise UsageError(f'there is no campaign "{campaign}"; {config} has {", ".join(names) or "none"}')
    if not url and not settings.web.port:
        raise UsageError("[web] port is 0, so only the running switch knows it: say where with --url")
    return client_of(settings, url, user, password_file)


def _command(client: SwitchClient, campaign: str, what: str) -> None:
    view = json.loads(_asked(client.post, "campaigns", campaign, what))
    line = Text(f"{view['name']}: {view['state']}")
    if view["held_because"]:
        line.append(f", {view['held_because']}")
    Console(highlight=False).print(line, soft_wrap=True)


def _asked(ask: Any, *path: str) -> bytes:
    try:
        answer: bytes = ask(*path)
    except Refused as refused:
        if refused.status == 404:
            raise UsageError("the running switch has no such campaign: was it started with this file?") from None
        raise
    return answer


def _show(view: dict[str, Any]) -> None:
    console = Console(highlight=False)
    why = view["held_because"] or view["idle_because"]
    state = view["state"] + (f": {why}" if why else "")
    table = Table(title=Text(f"{view['name']}: {state}"), show_header=False)
    table.add_column("what")
    table.add_column("figure", justify="right")
    low, high = view["abandoned_rate_bounds"]
    for what, figure in (
        ("dials", view["policy"].replace("_", " ") + (f" ({view['fallback']})" if view["fallback"] else "")),
        ("leads left", f"{view['leads_left']:,} of {view['leads_total']:,}"),
        ("ringing", f"{view['ringing']:,}"),
        ("dialled today", f"{view['attempts_today']:,}"),
        ("live calls today", f"{view['live_today']:,}"),
        ("abandoned today", f"{view['abandoned_today']:,}"),
        ("silent today", f"{view['silent_today']:,}"),
        ("machines today", f"{view['machines_today']:,}"),
        ("callbacks due, missed today", f"{view['callbacks_due']:,}, {view['callbacks_missed']:,}"),
        *((outcome, f"{count:,}") for outcome, count in sorted(view["outcomes"].items(), key=lambda each: -each[1])),
        ("abandoned rate", f"{view['abandoned_rate']:.2%} ({low:.2%} to {high:.2%}) of {view['abandoned_limit']:.2%}"),
    ):
        table.add_row(what, Text(figure))
    console.print(table)
