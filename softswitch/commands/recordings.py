"""`softswitch recordings ...`: the auditor's keys, and what the auditor does with a site's sealed recordings."""

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from softswitch.errors import SoftswitchError, UsageError
from softswitch.recordings.form import HASH_BYTES, NotARecording
from softswitch.recordings.inspection import Findings, inspect_files, inspect_folder
from softswitch.recordings.keys import fingerprint, new_key_pair, read_private_key, write_private_key
from softswitch.recordings.ledger import CLOSED, NAME, ORIGIN, Entry, entries, is_being_written
from softswitch.recordings.names import SUFFIX, call_ref_of
from softswitch.recordings.reading import SealedFile

recordings_app = typer.Typer(no_args_is_help=True)


class Format(StrEnum):
    WAV = "wav"
    FLAC = "flac"


PrivateKey = Annotated[Path | None, typer.Option(help="The auditor's private key: decrypt every chunk too.")]
Folder = Annotated[Path, typer.Argument(help="A site's recordings folder.")]
Files = Annotated[list[Path], typer.Argument(help="Sealed recordings.")]


@recordings_app.command()
def keygen(
    file: Annotated[Path, typer.Argument(help="Where the private key goes; a new file, for you alone.")] = Path(
        "auditor.key"
    ),
) -> None:
    """Make the auditor's key pair: the private key into a file, the public one, for the site, on standard output."""
    pair = new_key_pair()
    write_private_key(file, pair)
    print(pair.public.hex())
    _say(
        f"{file} holds the private key: keep it away from the site, and keep a copy, for without it no recording can "
        'be heard. The line above is for the site: \\[recordings] auditor_public_key = "..." '
        f"(fingerprint {fingerprint(pair.public).hex()})."
    )


@recordings_app.command()
def verify(
    places: Annotated[list[Path], typer.Argument(help="A recordings folder, or single recordings.")],
    private_key: PrivateKey = None,
    may_be_missing: Annotated[
        bool, typer.Option("--may-be-missing", help="Recordings were deleted once their time was over.")
    ] = False,
    anchor: Annotated[
        str, typer.Option(help="Chain hash noted at an earlier verification: nothing before it may have changed.")
    ] = "",
) -> None:
    """Look for anything altered, cut off, moved, removed or put in. Exit status 1, and what it is, if there is."""
    pair = None if private_key is None else read_private_key(private_key)
    if len(places) == 1 and places[0].is_dir():
        found = inspect_folder(places[0], pair, may_be_missing=may_be_missing, anchor=_anchor(anchor))
    else:
        if anchor or may_be_missing:
            raise UsageError("--anchor and --may-be-missing are about a whole folder: name one")
        found = inspect_files(places, pair)
    _show(found, decrypted=pair is not None)
    raise typer.Exit(1 if found.troubles else 0)


@recordings_app.command()
def export(
    files: Files,
    private_key: Annotated[Path, typer.Option(help="The auditor's private key.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="A file, or a folder for several.")],
    format: Annotated[Format, typer.Option(help="What is written.")] = Format.WAV,
    past_damage: Annotated[
        bool, typer.Option("--past-damage", help="Of a damaged recording, write what can still be read.")
    ] = False,
    config: Annotated[Path | None, typer.Option(help="The site's TOML file, where they are a site's own.")] = None,
    request: Annotated[str, typer.Option(help="Approved by a second person: `softswitch recordings ask`.")] = "",
) -> None:
    """Decrypt recordings into files that can be played: agent left, callee right; what was paused is silence.

    On a site it takes a request that two people stand behind; it is noted in the audit log, and good for one export.
    """
    from softswitch.recordings.export import export as export_one

    pair = read_private_key(private_key)
    if config is not None:
        _spend(config, [call_ref_of(path) for path in files], request)
    several = len(files) > 1 or out.is_dir()
    if several:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
    failed = 0
    for path in files:
        target = out / f"{path.stem}.{format}" if several else out
        try:
            done = export_one(path, pair, target, kind=format, past_damage=past_damage)
        except SoftswitchError as error:
            failed += 1
            _say(f"[red]{path.name}[/]: {escape(str(error))}")
            continue
        said = f"{target}: {done.duration_s:.1f} s"
        if done.paused_s:
            said += f", {done.paused_s:.1f} s of them paused"
        if done.damage:
            failed += 1
            said += f"; [red]damaged: {escape(done.damage)}[/]"
        elif not done.is_finished:
            said += "; a crash cut it off there"
        _say(said)
    raise typer.Exit(1 if failed else 0)


@recordings_app.command()
def sweep(
    config: Annotated[Path, typer.Argument(help="The site's TOML file.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be destroyed, and leave it.")] = False,
) -> None:
    """Destroy what has been kept for long enough, as a running site does by itself after each midnight."""
    from softswitch.config import load, store_url
    from softswitch.exchange.audit.keys import find_key
    from softswitch.exchange.audit.start import make_audit, person
    from softswitch.exchange.running.retention import Retention
    from softswitch.store.database import Store

    settings = load(config)

    async def run() -> None:
        store = await Store.open(store_url(settings), locked=True)
        try:
            key = find_key(settings.audit.signing_key, settings.site.data_directory)
            found = await Retention(settings, store, make_audit(settings), key).sweep(person(), dry_run=dry_run)
        finally:
            await store.close()
        swept = (("recordings", found.recordings), ("interviews", found.interviews), ("leads", found.leads))
        for what, by_rule in swept:
            for rule, names in by_rule.items():
                print(f"{len(names)} {what} {'would be ' if dry_run else ''}destroyed ({rule})")
        _say(f"{found.held} calls are under a legal hold." if found.held else "No call is under a legal hold.")

    asyncio.run(run())


@recordings_app.command()
def certificates(
    folder: Folder,
    public_key: Annotated[
        list[str] | None, typer.Option("--public-key", help="The key that must have signed: the audit log's, hex.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificates as they stand.")] = False,
) -> None:
    """List what was destroyed, when, under which rule, by whom. Exit status 1 where one is missing or wrong."""
    from softswitch.exchange.audit.keys import fits
    from softswitch.exchange.running.retention import CERTIFICATES, tombstones_of
    from softswitch.recordings.destruction import standing
    from softswitch.safeguards.retention import Certificate, inspect

    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    path = folder / CERTIFICATES
    lines = path.read_text("ascii", "replace").splitlines() if path.is_file() else []
    keys = [key.lower() for key in public_key or ()]
    troubles = list(inspect(lines, fits, public_keys=keys, tombstones=tombstones_of(standing(folder).tombstones)))
    table = Table("number", "when (UTC)", "what", "how many", "rule", "by", box=None)
    for line in lines:
        if as_json:
            print(line)
            continue
        try:
            one = Certificate.from_line(line)
        except UsageError:
            continue  # among the troubles
        table.add_row(str(one.number), one.at[:19], one.what, str(len(one.things)), escape(one.rule), escape(one.by))
    if not as_json:
        Console(highlight=False).print(table)
    for trouble in troubles:
        _say(f"[red]✗[/] {escape(trouble)}")
    raise typer.Exit(1 if troubles else 0)


@recordings_app.command("list")
def list_(folder: Folder) -> None:
    """List a folder's recordings: when, how long by their size, and whether they were closed. Needs no key."""
    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    known = {entry.name: entry for entry in entries(folder / NAME)}
    table = Table("call", "part", "began (UTC)", "kB", "state", box=None)
    for path in sorted(folder.glob(f"*{SUFFIX}"), key=lambda each: each.stat().st_mtime_ns):
        try:
            with SealedFile(path) as file:
                header = file.header
        except NotARecording as error:
            table.add_row(path.stem, "", "", "", f"[red]{error}[/]")
            continue
        began = datetime.fromtimestamp(header.started_ns / 1e9, UTC)
        size = f"{path.stat().st_size / 1000:,.0f}"
        state = _state(path, known.get(path.name))
        table.add_row(header.call_ref, str(header.part), f"{began:%Y-%m-%d %H:%M:%S}", size, state)
    Console(highlight=False).print(table)


def _state(path: Path, entry: Entry | None) -> str:
    if entry is None:
        return "being written" if is_being_written(path) else "[red]not in the ledger[/]"
    return "closed" if entry.state == CLOSED else "[yellow]cut off by a crash[/]"


def _anchor(text: str) -> bytes:
    try:
        anchor = bytes.fromhex(text)
    except ValueError:
        anchor = b""
    if text and len(anchor) != HASH_BYTES:
        raise UsageError(f"--anchor is a chain hash of {2 * HASH_BYTES} hexadecimal digits, as verify prints it")
    return anchor or ORIGIN


def _show(found: Findings, *, decrypted: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for trouble in found.troubles:
        console.print(f"[red]✗[/] {escape(trouble)}")
    for name in found.unfinished:
        console.print(f"[yellow]·[/] {escape(name)}: a crash cut it off; it reads up to there")
    for name in found.being_written:
        console.print(f"· {escape(name)}: is being written, not looked at")
    if found.destroyed:
        console.print(f"· {len(found.destroyed)} were destroyed, their time being over: see `recordings certificates`")
    if found.missing:
        console.print(f"· {len(found.missing)} recordings of the ledger are no longer in the folder")
    how = "every chunk decrypted" if decrypted else "without the private key"
    console.print(f"{found.closed} recordings whole, {len(found.troubles)} troubles ({how}).")
    if found.lines:
        console.print(f"The ledger has {found.lines} lines; note its chain hash for --anchor: {found.head.hex()}")


def _spend(config: Path, calls: list[str], request: str) -> None:
    """Use up what two people have agreed to, and have it in the site's audit log, before anything is decrypted."""
    from softswitch.config import load, recordings_directory, store_url
    from softswitch.exchange.audit.start import make_audit, person
    from softswitch.exchange.desks.safekeeping import Safekeeping
    from softswitch.store.database import Store

    if not request:
        raise UsageError("name with --request what two people have agreed to: `softswitch recordings ask`, and approve")
    settings = load(config)

    async def spend() -> None:
        store = await Store.open(store_url(settings), locked=True)
        try:
            keeping = Safekeeping(
                store, make_audit(settings), recordings_directory(settings), lambda: datetime.now(UTC)
            )
            await keeping.use(request, sorted(set(calls)), person())
        finally:
            await store.close()

    asyncio.run(spend())


def _say(text: str) -> None:
    Console(stderr=True, highlight=False).print(text, soft_wrap=True)
