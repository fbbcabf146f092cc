"""`softswitch check`: what is wrong with a configuration, with line and key."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from softswitch.errors import SoftswitchError


def check(path: Path) -> int:
    """Print what is wrong with a configuration; 0 when it can be used, 1 when not."""
    from softswitch.config import problems

    console = Console(highlight=False, soft_wrap=True)
    findings = problems(path)
    fatal = 0
    for finding in findings:
        grave = finding.fatal or finding.keeps_from_running
        fatal += grave
        console.print(f"{'[red]error[/]  ' if grave else '[yellow]warning[/]'} {escape(finding.plain)}")
    if vault := explain_vault(path):
        console.print(escape(f"vault    {vault}"))
    if fatal:
        console.print(f"{path}: cannot be used, {fatal} of {len(findings)} findings must be put right first.")
        return 1
    console.print(f"{path}: can be used" + (f", with {len(findings)} warnings." if findings else "; nothing to say."))
    return 0


def explain_vault(path: Path) -> str:
    """Where the key to numbers and names is, and how good a place that is; empty for a file that cannot be read."""
    from sqlalchemy.engine import make_url

    from softswitch.config import load, store_url, vault_key_file
    from softswitch.store.vault_root import key_place

    try:
        settings = load(path)
    except SoftswitchError:  # has been said
        return ""
    try:
        place = key_place(make_url(store_url(settings)), vault_key_file(settings))
    except SoftswitchError as error:
        return str(error)
    if not place.chosen:
        made = "" if place.path.exists() else ", where the first start makes it"
        return (
            f"its key is {place.path}{made}. A thief of this disk has numbers and key: better name a file on another "
            "disk under [vault] key_file, or give the service the credential softswitch-vault-key"
        )
    return f"its key is {place.path}"
