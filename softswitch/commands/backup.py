"""`softswitch backup` and `softswitch restore`: a copy of a whole site, and the site from it."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from softswitch.commands.terminal import Config, run

Folder = Annotated[Path, typer.Argument(help="Of the copy, best on another machine's disk.")]


def backup(config: Config, folder: Folder) -> None:
    """Copy a whole site, which may run: settings, store, audit log, recordings; not its keys. The same folder again is
    brought up to date, and loses what retention has destroyed since."""
    run(_backup(config, folder))


def restore(
    folder: Folder, config: Annotated[Path, typer.Argument(help="Where the site's TOML file goes: a new file.")]
) -> None:
    """Make a site anew from its backup, with every campaign stopped. Put its keys back first; start it afterwards."""
    run(_restore(folder, config))


async def _backup(config: Path, folder: Path) -> None:
    import asyncio

    from softswitch.commands.site_copy import back_up
    from softswitch.config import load
    from softswitch.exchange.audit.start import make_audit, person

    await make_audit(load(config)).note(person(), "back up", subject="site", reason=f"to {folder}")
    done = await asyncio.to_thread(back_up, config, folder)
    _say(
        f"{folder} is whole: {done.recordings:,} recordings, {done.fresh:,} of them new; {done.gone:,} that were "
        "destroyed since are gone from it too."
    )
    for path in done.outside:
        _say(f"[yellow]not in it[/], for it lies elsewhere on this machine: {escape(str(path))}")
    for name, path in done.keys.items():
        _say(f"[yellow]not in it[/], keep a copy in another place: the key to {name}, {escape(str(path))}")


def _say(text: str) -> None:
    Console(stderr=True, highlight=False).print(text, soft_wrap=True)


async def _restore(folder: Path, config: Path) -> None:
    import asyncio

    from softswitch.commands.site_copy import put_back
    from softswitch.config import store_url
    from softswitch.exchange.audit.start import make_audit, person
    from softswitch.store.database import Store

    settings, at = await asyncio.to_thread(put_back, folder, config)
    store = await Store.open(store_url(settings), locked=True)
    try:
        for campaign in settings.campaigns:  # who opted out meanwhile is not known here
            await store.keep_order(campaign.name, "stopped")
    finally:
        await store.close()
    await make_audit(settings).note(person(), "restore", subject="site", reason=f"as it was at {at.isoformat()}")
    _say(f"{config} is there, as the site was on {at:%Y-%m-%d at %H:%M} UTC, with every campaign stopped.")
    _say("What came after is lost:")
    _say("  who opted out since would be called again: softswitch leads suppress, before anything is dialled;")
    _say("  people who were erased since are there again: softswitch leads erase;")
    _say("  passwords, PINs and second factors are those of then.")
