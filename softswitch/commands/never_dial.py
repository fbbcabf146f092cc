"""`softswitch never-dial ...`: who may never be called, taken from a list of which nothing but keyed hashes is kept."""

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from softswitch.commands.terminal import NICE, AsJson, Config, is_missing_file, run, say_json

never_dial_app = typer.Typer(no_args_is_help=True)


@never_dial_app.command("import")
def import_(
    config: Config,
    file: Annotated[Path, typer.Argument(help="CSV with a column number, or numbers alone; delete it afterwards.")],
    shorter: Annotated[
        bool, typer.Option("--shorter", help="The list is whole, though it names far fewer than the one before.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Put this list in the place of the one before. Only keyed hashes are kept; a running switch has it in a second.

    A line that is no number is named, and nothing is imported: a list that leaves somebody out looks complete. So does
    one that was cut off: a list that lost more than a tenth, or all, of its numbers is not imported either.
    """
    run(_import(config, file, shorter=shorter, as_json=as_json), as_json=as_json)


@never_dial_app.command()
def status(config: Config) -> None:
    """Say how many numbers the list has, and when it was imported. Exit status 1 where there is none, or it is old."""
    run(_status(config))


async def _import(config: Path, file: Path, *, shorter: bool, as_json: bool) -> None:
    import asyncio

    from softswitch.config import load, store_url, vault_key_file
    from softswitch.exchange.audit.start import make_audit, person
    from softswitch.store.database import Store
    from softswitch.store.never_dial import check_names_somebody
    from softswitch.store.never_dial_file import read_numbers

    if as_json:
        os.nice(NICE)
    settings = load(config)
    settings.site.data_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    numbers = await asyncio.to_thread(read_numbers, file, settings.site.country)
    check_names_somebody(len(numbers))
    store = await Store.open(store_url(settings), vault_key_file(settings))
    try:
        subject = f"{len(set(numbers))} numbers" + (", though the list before was longer" if shorter else "")
        await make_audit(settings).note(person(), "import never-dial list", subject=subject, reason=file.name)
        count = await store.replace_never_dial(numbers, shorter=shorter)
    finally:
        await store.close()
    if as_json:
        say_json({"report": {"numbers": count}})
    else:
        Console(stderr=True, highlight=False).print(f"{count:,} numbers; nothing but keyed hashes of them is kept.")


async def _status(config: Path) -> None:
    from datetime import UTC, datetime

    from softswitch.config import load, store_url, vault_key_file
    from softswitch.safeguards import conditions
    from softswitch.store.database import Store

    settings = load(config)
    found = None
    if not is_missing_file(store_url(settings)):
        store = await Store.open(store_url(settings), vault_key_file(settings))
        try:
            found = await store.never_dial()
        finally:
            await store.close()
    console = Console(highlight=False, soft_wrap=True)
    trouble = conditions.never_dial(found and found[1], datetime.now(UTC), settings.safeguards.never_dial_days)
    if found is not None:
        console.print(f"{len(found[0]):,} numbers, of {found[1]:%Y-%m-%d %H:%M} UTC")
    if trouble:
        console.print(f"[red]✗[/] {trouble}")
        raise typer.Exit(1)
