"""`softswitch audit ...`: keys for the audit log, looking for anything changed in it, and taking it elsewhere."""

import asyncio
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.markup import escape

from softswitch.errors import UsageError
from softswitch.exchange.audit.book import HEAD, NAME, SEALS
from softswitch.exchange.audit.keys import AuditKey, fits, known_key
from softswitch.safeguards.audit import AuditRecord
from softswitch.safeguards.audit_inspection import Inspection, inspect

audit_app = typer.Typer(no_args_is_help=True)

Place = Annotated[Path, typer.Argument(help="The site's TOML file, or the folder with audit.log, .head and .seals.")]
Keys = Annotated[
    list[str] | None, typer.Option("--public-key", help="The key that must have signed, hex; again for an older one.")
]
Anchor = Annotated[str, typer.Option(help="Digest noted at an earlier verification: it must still be there.")]


@audit_app.command()
def keygen(
    file: Annotated[Path, typer.Argument(help="Where the private key goes; a new file, for you alone.")] = Path(
        "audit.key"
    ),
) -> None:
    """Make the key that signs a site's audit log: the private key into a file, the public one on standard output."""
    key = AuditKey.make(file)
    print(key.public)
    _say(
        f"{file} is for the site's process alone: name it as [audit] signing_key, or hand it over with systemd "
        "(LoadCredential=audit-signing-key:...). The line above is for the auditor: audit verify --public-key."
    )


@audit_app.command()
def verify(
    place: Place,
    public_key: Keys = None,
    anchor: Anchor = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Look for any line removed, changed, put in, moved or cut off. Exit status 1, and which line, if there is one.

    By the site's file, at the site, the site's own key must have signed; elsewhere name the key with --public-key.
    """
    keys = frozenset(_hex(key, "--public-key") for key in public_key or ()) or _own_key(place)
    found = _inspect(_folder(place), keys, _hex(anchor, "--anchor") if anchor else "")
    if as_json:
        print(json.dumps({**asdict(found), "troubles": [str(trouble) for trouble in found.troubles]}))
    else:
        _show(found, pinned=bool(keys))
    raise typer.Exit(1 if found.troubles else 0)


@audit_app.command()
def export(
    config: Annotated[Path, typer.Argument(help="The site's TOML file.")],
    file: Annotated[Path, typer.Argument(help="JSON lines to write, a new file; - for standard output.")],
    reason: Annotated[str, typer.Option(help="Why it is taken elsewhere; noted in the audit log.")],
    since: Annotated[datetime | None, typer.Option(help="First day or moment, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Day or moment before which it ends, UTC.")] = None,
    actor: Annotated[str, typer.Option(help="Only what this one did.")] = "",
    action: Annotated[str, typer.Option(help="Only this.")] = "",
) -> None:
    """Write the log's lines as they stand there. Without --actor and --action the chain can be followed in them."""
    from softswitch.config import load
    from softswitch.exchange.audit.start import make_audit, person

    if not reason.strip():
        raise UsageError("say with --reason why the audit log is exported: it is noted in the log")
    site = load(config)
    folder = site.site.data_directory
    about = ", ".join(
        f"{name} {value}"
        for name, value in (("since", since), ("until", until), ("actor", actor), ("action", action))
        if value
    )
    asyncio.run(make_audit(site).note(person(), "export audit log", subject=about or "all of it", reason=reason))
    count = 0
    with ExitStack() as stack:
        log = _snapshot(folder, stack)
        out = _output(file, stack)
        for raw in _chosen(log.lines(), since, until, actor, action):
            out.write(raw)
            count += 1
    _say(f"{count} lines.")


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The three files as they were at one moment, while the site may be writing."""

    log: BinaryIO | None
    size: int
    head: bytes | None
    seals: list[bytes]

    def lines(self) -> Iterator[bytes]:
        left = self.size
        while self.log is not None and left > 0:
            line = self.log.readline(left)
            if not line:
                return
            left -= len(line)
            yield line


def _snapshot(folder: Path, stack: ExitStack) -> _Snapshot:
    try:
        log = stack.enter_context((folder / NAME).open("rb"))
    except FileNotFoundError:
        if not (folder / HEAD).exists() and not (folder / SEALS).exists():
            raise UsageError(f"{folder} holds no audit log") from None
        return _Snapshot(None, 0, _read(folder / HEAD), (_read(folder / SEALS) or b"").splitlines(keepends=True))
    except OSError as error:
        raise UsageError(f"{folder / NAME} cannot be read: {error.strerror}") from error
    fcntl.flock(log, fcntl.LOCK_SH)
    try:
        size = os.fstat(log.fileno()).st_size
        head, seals = _read(folder / HEAD), _read(folder / SEALS)
    finally:
        fcntl.flock(log, fcntl.LOCK_UN)
    return _Snapshot(log, size, head, (seals or b"").splitlines(keepends=True))


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def _inspect(folder: Path, keys: Iterable[str], anchor: str) -> Inspection:
    with ExitStack() as stack:
        snapshot = _snapshot(folder, stack)
        return inspect(
            snapshot.lines(), snapshot.seals, snapshot.head, fits, public_keys=frozenset(keys), anchor=anchor
        )


def _folder(place: Path) -> Path:
    if place.is_dir():
        return place
    if place.name == NAME:
        return place.parent
    from softswitch.config import load

    return load(place).site.data_directory


def _own_key(place: Path) -> frozenset[str]:
    """Of a site whose file is named, as far as we may read it."""
    if place.is_dir() or place.name == NAME:
        return frozenset()
    from softswitch.config import load

    settings = load(place)
    try:
        key = known_key(settings.audit.signing_key, settings.site.data_directory)
    except UsageError:
        return frozenset()
    return frozenset() if key is None else frozenset({key.public})


def _output(file: Path, stack: ExitStack) -> BinaryIO:
    if str(file) == "-":
        import sys

        return sys.stdout.buffer
    try:
        return stack.enter_context(os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"))
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error


def _chosen(
    lines: Iterable[bytes], since: datetime | None, until: datetime | None, actor: str, action: str
) -> Iterator[bytes]:
    """A line that is no record has no time of its own: it goes with the record before it."""
    wanted = since is None
    for raw in lines:
        try:
            record = AuditRecord.from_line(raw.decode("ascii"))
            at = datetime.fromisoformat(record.at)
        except (UsageError, ValueError):
            if wanted and not actor and not action:
                yield raw
            continue
        wanted = (since is None or at >= since.replace(tzinfo=UTC)) and (
            until is None or at < until.replace(tzinfo=UTC)
        )
        if wanted and actor in ("", record.actor) and action in ("", record.action):
            yield raw


def _hex(text: str, option: str) -> str:
    if len(text) != 64 or any(letter not in "0123456789abcdef" for letter in text.lower()):
        raise UsageError(f"{option} is 64 hexadecimal digits")
    return text.lower()


def _show(found: Inspection, *, pinned: bool) -> None:
    console = Console(highlight=False, soft_wrap=True)
    for trouble in found.troubles:
        console.print(f"[red]✗[/] {escape(str(trouble))}")
    for note in found.notes:
        console.print(f"[yellow]·[/] {escape(note)}")
    if found.torn:
        console.print(f"· {found.torn} lines were torn by a crash, and the records behind them say so")
    console.print(
        f"{found.records} records, {found.sealed} of them under {found.seals} seals, {len(found.troubles)} troubles."
    )
    if found.keys and not pinned:
        console.print(
            "Signed by " + ", ".join(found.keys) + ": compare it with the one you were given, or pass --public-key."
        )
    console.print(f"Note the last digest for --anchor: {found.digest}")


def _say(text: str) -> None:
    Console(stderr=True, highlight=False).print(text, soft_wrap=True)
