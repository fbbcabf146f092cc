"""`softswitch vault ...`: the key to numbers and names."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from softswitch.commands.terminal import Config, is_missing_file, progress_bar, run
from softswitch.errors import UsageError

vault_app = typer.Typer(no_args_is_help=True)


@vault_app.command()
def keygen(
    file: Annotated[Path, typer.Argument(help="Where the key goes; a new file, for you alone.")] = Path("vault.key"),
) -> None:
    """Make a site's master key."""
    run(_keygen(file))


@vault_app.command()
def status(config: Config) -> None:
    """Say where the key is, whether it opens the store, and how many leads the vault holds."""
    run(_status(config))


@vault_app.command()
def rotate(
    config: Config,
    every_lead: Annotated[
        bool, typer.Option("--every-lead", help="Wrap each lead's key anew too; 10 s for a million leads.")
    ] = False,
) -> None:
    """Put the store under a new key, which takes the old one's place. Stop the switch first."""
    run(_rotate(config, every_lead=every_lead))


async def _keygen(file: Path) -> None:
    from softswitch.store.vault_key import make_key

    key = make_key(file)
    Console(stderr=True, highlight=False, soft_wrap=True).print(
        f"{file} holds key {key.key_id}. Name it in the site's file, [vault] key_file, and keep a copy away from the "
        "site: without it no number and no name can be read again. Best keep it on another disk than the store, or "
        f"make a credential of it: systemd-creds encrypt --name=softswitch-vault-key {file} softswitch-vault-key.cred"
    )


async def _status(config: Path) -> None:
    from softswitch.config import load, store_url, vault_key_file
    from softswitch.store.database import Store

    settings = load(config)
    if is_missing_file(store_url(settings)):
        raise UsageError(f"{config} has no store yet; its vault is made with it")
    store = await Store.open(store_url(settings), vault_key_file(settings))
    try:
        found = await store.vault_status()
    finally:
        await store.close()
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"key      {found.key_id}, which opens this store")
    console.print(f"founded  {found.founded_at:%Y-%m-%d %H:%M} UTC")
    if found.rotated_at is not None:
        console.print(f"rotated  {found.rotated_at:%Y-%m-%d %H:%M} UTC")
    console.print(f"leads    {found.leads:,} sealed, {found.erased:,} erased")
    if found.to_be_scrubbed:
        console.print("scrub    keys that were destroyed may still stand in the store's log; a start scrubs them")


async def _rotate(config: Path, *, every_lead: bool) -> None:

    from sqlalchemy.engine import make_url

    from softswitch.config import load, store_url, vault_key_file
    from softswitch.exchange.audit.start import make_audit, person
    from softswitch.store import rotation
    from softswitch.store.connection import create_engine
    from softswitch.store.database import Store
    from softswitch.store.vault_root import key_place

    settings = load(config)
    url = store_url(settings)
    if is_missing_file(url):
        raise UsageError(f"{config} has no store yet")
    place = key_place(make_url(url), vault_key_file(settings))
    await (await Store.open(url, place.path)).close()  # the newest schema, and a key that opens it
    audit = make_audit(settings)
    await audit.note(person(), "rotate vault key", subject=str(place.path.name), reason="new master key")
    engine = create_engine(url)
    try:
        with progress_bar("wrapping keys") as show:
            key = await rotation.rotate(engine, place.path, every_lead=every_lead, on_progress=show)
    finally:
        await engine.dispose()
    Console(stderr=True, highlight=False, soft_wrap=True).print(
        f"{place.path} holds key {key.key_id} now. Keep a copy of it away from the site; copies of the old key open "
        "older copies of the store alone."
    )
