"""The command line: `softswitch demo | run | check | status | campaign | recordings | audit | people | leads ...`."""

import asyncio
import os
import signal
import sys
from collections.abc import Coroutine
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape

from softswitch.commands.figures import write_json
from softswitch.core_dumps import keep_memory_private
from softswitch.errors import SoftswitchError

T = TypeVar("T")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A SIP softswitch with an embedded predictive dialler.",
)
console = Console(stderr=True)


@app.command()
def demo(
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the report's figures to this file.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Where store, recordings, logs and plot go; a new temporary folder by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the callees' behaviour.")] = 1,
    plain: Annotated[bool, typer.Option("--plain", help="No live screen.")] = False,
) -> None:
    """Run a campaign of 60 leads and four agents on loopback, against the lab, and judge it.

    Ends by itself inside two minutes; exit status 0 only if the shift was healthy.
    """
    from softswitch.demo.shift import run_demo

    report = _run(run_demo(folder, seed=seed, live=not plain and sys.stdout.isatty(), console=Console()))
    if json_file is not None:
        write_json(json_file, report.figures())
    raise typer.Exit(0 if report.healthy else 1)


@app.command()
def run(config: Annotated[Path, typer.Argument(help="TOML, as configs/one-site.toml.")]) -> None:
    """Run the switch until SIGINT or SIGTERM; live calls end in order first."""
    from softswitch.config import load
    from softswitch.logs import log_what_nobody_caught, write_logs_to
    from softswitch.progress import start_showing
    from softswitch.switch import Switch
    from softswitch.transports.collector import collect_rarely
    from softswitch.transports.threads import hand_over_quickly

    async def serve() -> None:
        write_logs_to(None)
        log_what_nobody_caught()
        ended = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, ended.set)
        while not ended.is_set():
            await serve_once(Switch(load(config), config), ended)

    async def serve_once(switch: Switch, ended: asyncio.Event) -> None:
        """Until it ends, or is to begin again with its file as it is then."""
        await start_showing(switch, console)
        collect_rarely()
        hand_over_quickly()
        try:
            if switch.first_password is not None:
                _tell_first_password(switch.first_password, switch.settings.site.data_directory)
            console.print(f"Ready: SIP on {switch.sip_address}, web on {switch.web_url}. Ctrl-C ends the shift.")
            waits = [asyncio.create_task(each.wait()) for each in (ended, switch.restart_asked)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for each in waits:
                each.cancel()
            console.print("Ending: no new calls; live calls are ended in order.")
        finally:
            await switch.stop()

    _run(serve())


@app.command()
def check(config: Annotated[Path, typer.Argument(help="The TOML file to look at.")]) -> None:
    """Say in plain words what is wrong with a configuration, with line and key."""
    from softswitch.commands.check import check as check_configuration

    raise typer.Exit(check_configuration(config))


def _tell_first_password(password: str, folder: Path) -> None:
    """On the screen; where what we say is kept as a log, in a file for us alone."""
    from softswitch.config.writing import write_secret
    from softswitch.logs import is_kept

    told = f"its password [bold]{password}[/]. It is shown this once."
    if is_kept(sys.stderr):
        path = write_secret(folder, "administrator", password)
        told = f"its password is in {path}: read it, and delete that file."
    console.print(
        f"[bold]First start.[/] The administrator's account is [bold]administrator[/], {told}", soft_wrap=True
    )


def _run(work: Coroutine[Any, Any, T]) -> T:
    import uvloop

    os.umask(0o077)  # store, recordings and logs are for the user alone who runs the switch
    return uvloop.run(work)


@cache
def whole_app() -> typer.Typer:
    """With every command; what they stand on is loaded here."""
    from softswitch.commands.amd import amd_app
    from softswitch.commands.amd_report import report
    from softswitch.commands.audit import audit_app
    from softswitch.commands.backup import backup, restore
    from softswitch.commands.campaign import campaign_app
    from softswitch.commands.compliance import report_app
    from softswitch.commands.init import init
    from softswitch.commands.lab import lab
    from softswitch.commands.leads import leads_app
    from softswitch.commands.never_dial import never_dial_app
    from softswitch.commands.pacing import pacing_app
    from softswitch.commands.people import people_app
    from softswitch.commands.safekeeping import recordings_app
    from softswitch.commands.settings import settings
    from softswitch.commands.status import status
    from softswitch.commands.survey import survey_app, survey_report
    from softswitch.commands.traces import trace
    from softswitch.commands.vault import vault_app

    app.command()(init)
    app.command()(settings)
    app.command()(lab)
    app.command()(trace)
    app.command()(status)
    app.command()(backup)
    app.command()(restore)
    amd_app.command()(report)
    app.add_typer(amd_app, name="amd", help="Measure answering-machine detection.")
    report_app.command("survey")(survey_report)
    app.add_typer(report_app, name="report", help="Whether the rules are kept; outcome rates of a survey.")
    app.add_typer(pacing_app, name="pacing", help="Simulate pacing.")
    app.add_typer(survey_app, name="survey", help="Scripts and the answers to them.")
    app.add_typer(recordings_app, name="recordings", help="Keys, verification and export of sealed recordings.")
    app.add_typer(audit_app, name="audit", help="Keys, verification and export of the audit log.")
    app.add_typer(campaign_app, name="campaign", help="Start, pause and stop the campaigns of a running switch.")
    app.add_typer(leads_app, name="leads", help="Lists of leads: import, erase, suppress, export; call records.")
    app.add_typer(never_dial_app, name="never-dial", help="Whom no call may reach: import, status.")
    app.add_typer(vault_app, name="vault", help="The key to numbers and names.")
    app.add_typer(people_app, name="people", help="Who may log in to the web, and as what.")
    return app


def main() -> None:
    keep_memory_private()
    try:
        whole_app()()
    except SoftswitchError as error:  # an error of ours is a sentence, not a traceback
        console.print(f"[red]softswitch:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
