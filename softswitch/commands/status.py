"""`softswitch status SITE.toml`: whether a running switch dials, and if not, which interlock holds it back and why."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from softswitch.commands.switch_client import PasswordFile, User, client_of

HELD = 1
"""Exit status while an interlock holds back what somebody started; 0: nothing does, 2: no switch answers."""


def status(
    config: Annotated[Path, typer.Argument(help="The site's TOML file: it says where the web is.")],
    url: Annotated[str, typer.Option(envvar="SOFTSWITCH_WEB_URL", help="Where the web is, if elsewhere.")] = "",
    user: User = "administrator",
    password_file: PasswordFile = None,
    token_file: Annotated[
        Path | None, typer.Option(help="File with a token of `softswitch people token`, in place of a password.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what the API answers.")] = False,
) -> None:
    """Say whether the site dials. Exit status 0: what was started may dial; 1: an interlock holds it back, or it could
    not be started; 2: no answer."""
    from softswitch.config import load

    client = client_of(load(config), url, user, password_file, token_file)
    answer = client.get("status")
    found: dict[str, Any] = json.loads(answer)
    if as_json:
        sys.stdout.write(answer.decode() + "\n")
    else:
        _show(found)
    raise typer.Exit(0 if found["dials"] else HELD)


def _show(found: dict[str, Any]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    up = f"up {found['uptime_s'] / 3600:.1f} h, {found['agents_in']} agents in, {found['calls']} calls"
    console.print(f"{escape(found['site'])}: {'dialling allowed' if found['dials'] else '[red]held[/]'} ({up})")
    for lock in found["interlocks"]:
        sign = "[green]✓[/]" if lock["closed"] else ("[yellow]![/]" if lock["overridden"] else "[red]✗[/]")
        reason = f": {escape(lock['reason'])}" if lock["reason"] else ""
        console.print(f"  {sign} {escape(lock['name'])}{reason}")
    for name, state in found["campaigns"].items():
        why = found["campaigns_held_by"].get(name) or found["campaigns_idle_because"].get(name, "")
        console.print(f"  campaign {escape(name)}: {state}{', ' if why else ''}{escape(why)}")
