"""A copy of a whole site on another disk: taken while it runs, brought up to date by the next one, put back on an empty
machine. Keys are no part of it: whoever finds the copy alone reads no number and no second factor.

    site/         the site's file, and every file in its folder that it names
    data/         softswitch.db, audit.log, audit.head, audit.seals
    recordings/   the ledger, the certificates, and each recording that has a line
    backup.json   when it was whole last, and the size and hash of each file but the recordings, whose ledger has theirs
"""

import contextlib
import fcntl
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from softswitch.config import Settings, load, recordings_directory, store_url, vault_key_file
from softswitch.errors import UsageError
from softswitch.exchange.audit.book import HEAD, NAME, SEALS
from softswitch.exchange.audit.keys import OWN as AUDIT_KEY
from softswitch.recordings import ledger
from softswitch.recordings.destruction import standing
from softswitch.recordings.names import SUFFIX
from softswitch.store.vault_key import BESIDE_THE_STORE
from softswitch.web.sealing import OWN as PEOPLE_KEY

MANIFEST = "backup.json"
STORE = "softswitch.db"
CERTIFICATES = "recordings.certificates"
PART = "part"
FORM = 1
_PIECE = 1 << 20
_LOOKS = 20
"""So often at most the ledger is read anew because recordings were closed while others were copied."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What came of it."""

    recordings: int
    """In the copy now."""
    fresh: int
    """Copied by this run."""
    gone: int
    """Taken out of the copy: destroyed on the site since."""
    keys: dict[str, Path]
    """Files without which the copy cannot be read, and which are not in it, by what they open."""
    outside: tuple[Path, ...]
    """Files that the site's file names elsewhere on this machine, and which are not in it either."""


def back_up(config: Path, folder: Path) -> Copied:
    """Bring the copy in a folder up to date, or make it; the site may run. Blocks for as long as the disks need.

    Raises UsageError where it cannot be, and then the copy is as it was but for recordings that came or went.
    """
    settings, config = load(config), config.absolute()
    database = database_of(settings)
    if not database.is_file():
        raise UsageError(f"{config} has no store yet: there is nothing to back up")
    _check_target(folder, settings, config)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh, gone, kept = _copy_recordings(recordings_directory(settings), folder / "recordings")
        inside, outside = named_files(settings, config)
        part = folder / PART
        shutil.rmtree(part, ignore_errors=True)
        for path in (config, *inside):
            _copy(path, part / "site" / path.relative_to(config.parent))
        (part / "data").mkdir(mode=0o700)
        _copy_store(database, part / "data" / STORE)
        _copy_audit(settings.site.data_directory, part / "data")
        told = {
            "form": FORM,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "site": settings.site.name,
            "site_file": config.name,
            "keys": sorted(keys_of(settings)),
            "files": {str(path.relative_to(part)): _hash(path) for path in sorted(part.rglob("*")) if path.is_file()},
        }
        (folder / MANIFEST).unlink(missing_ok=True)  # from here until it is there again the copy is none
        for name in ("site", "data"):
            shutil.rmtree(folder / name, ignore_errors=True)
            (part / name).rename(folder / name)
        part.rmdir()
        _write(folder / MANIFEST, json.dumps(told, indent=1).encode() + b"\n")
    except (OSError, sqlite3.Error, shutil.Error, ledger.LedgerBroken) as error:
        raise UsageError(f"the site cannot be backed up to {folder}: {error}") from error
    return Copied(kept, fresh, gone, keys_of(settings), tuple(outside))


def put_back(folder: Path, config: Path) -> tuple[Settings, datetime]:
    """Make the site of a copy anew, with its file at `config`; its settings, and of when the copy is.

    Raises UsageError where the copy is not whole, or where there is a site already.
    """
    told = _manifest(folder)
    config = config.absolute()
    if config.exists():
        raise UsageError(f"{config} exists, and is not written over: restore beside it, or move it away")
    try:
        config.parent.mkdir(parents=True, exist_ok=True)
        for path in sorted((folder / "site").rglob("*")):
            target = config.parent / path.relative_to(folder / "site")
            if path.is_file() and path.name != told["site_file"]:
                if target.exists() and target.read_bytes() != path.read_bytes():
                    raise UsageError(f"{target} exists, and is another than in the copy: move it away")
                _copy(path, target)
        _copy(folder / "site" / told["site_file"], config)
        try:
            settings = load(config)
            database, recordings = database_of(settings), recordings_directory(settings)
            for taken in (database, settings.site.data_directory / NAME, recordings / ledger.NAME):
                if taken.exists():
                    raise UsageError(f"there is a site already: {taken} exists")
            for name in told["keys"]:
                if not (place := key_places(settings)[name]).is_file():
                    raise UsageError(f"put the key to {name} back first, at {place}: the copy does not hold it")
        except BaseException:
            config.unlink()
            raise
        for path in sorted((folder / "data").iterdir()):
            _copy(path, database if path.name == STORE else settings.site.data_directory / path.name)
        for path in sorted((folder / "recordings").iterdir()):
            _copy(path, recordings / path.name)
    except (OSError, shutil.Error) as error:
        raise UsageError(f"the copy in {folder} cannot be put back: {error}") from error
    return settings, datetime.fromisoformat(told["at"])


def database_of(settings: Settings) -> Path:
    """Raises UsageError for a store that is no file."""
    from sqlalchemy.engine import make_url

    url = make_url(store_url(settings))
    if url.get_backend_name() != "sqlite" or not url.database:
        raise UsageError("the store is in PostgreSQL: back it up by pg_dump, and the folders as docs/backup.md says")
    return Path(url.database)


def keys_of(settings: Settings) -> dict[str, Path]:
    """Those that lie on this machine as files."""
    return {name: path for name, path in key_places(settings).items() if path.is_file()}


def key_places(settings: Settings) -> dict[str, Path]:
    data = settings.site.data_directory
    return {
        "numbers and names": vault_key_file(settings) or database_of(settings).parent / BESIDE_THE_STORE,
        "second factors": data / PEOPLE_KEY,
        "the audit log's seals": settings.audit.signing_key or data / AUDIT_KEY,
    }


def named_files(settings: Settings, config: Path) -> tuple[list[Path], list[Path]]:
    """The files that a configuration names, without its keys: those in its folder, and those elsewhere."""
    keys = set(keys_of(settings).values())
    inside: set[Path] = set()
    outside: set[Path] = set()
    for path in _paths(settings):
        if path.is_file() and path not in keys:
            (inside if path.is_relative_to(config.parent) else outside).add(path)
    return sorted(inside), sorted(outside)


def _paths(value: Any) -> Iterator[Path]:
    if isinstance(value, Path):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _paths(getattr(value, name))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _paths(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _paths(each)


def _check_target(folder: Path, settings: Settings, config: Path) -> None:
    own = (settings.site.data_directory, recordings_directory(settings))
    if any(folder.absolute().is_relative_to(each) or each.is_relative_to(folder.absolute()) for each in own):
        raise UsageError(f"{folder} is a folder of the site itself: name one on another disk")
    if not folder.exists() or not any(folder.iterdir()):
        return
    try:
        told = _read_manifest(folder)
    except UsageError:
        if {path.name for path in folder.iterdir()} <= {"site", "data", "recordings", PART}:
            return  # one that was broken off
        raise UsageError(f"{folder} holds something else than a backup: name an empty folder") from None
    if told["site_file"] != config.name or told["site"] != settings.site.name:
        raise UsageError(f"{folder} is the backup of {told['site']}, file {told['site_file']}: name another folder")


def _copy_recordings(source: Path, target: Path) -> tuple[int, int, int]:
    """(copied, taken out, there now). What is told of is a ledger that was read after the last file was copied: whoever
    destroys a recording writes its tombstone first, so none that was half destroyed is among those that are kept."""
    target.mkdir(mode=0o700, exist_ok=True)
    fresh = 0
    for _ in range(_LOOKS):
        kept, lines = _ledger_of(source)
        missing = [name for name in kept if not _is_there(source / name, target / name)]
        if not missing:
            break
        for name in missing:
            with contextlib.suppress(FileNotFoundError):  # destroyed meanwhile
                _copy(source / name, target / PART)
                (target / PART).rename(target / name)
                fresh += 1
    else:
        raise UsageError("recordings come and go faster than they are copied: try again in a quieter hour")
    gone = [path for path in target.glob(f"*{SUFFIX}") if path.name not in kept]
    for path in gone:
        path.unlink()
    for name, content in lines.items():
        _write(target / name, content)
    return fresh, len(gone), len(kept)


def _ledger_of(folder: Path) -> tuple[set[str], dict[str, bytes]]:
    """The recordings that are not destroyed, and the files that say so, as they are at one moment."""
    try:
        with (folder / ledger.NAME).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)  # nobody appends, and nobody destroys
            kept = {name for name in standing(folder).kept if (folder / name).is_file()}
            lines = {ledger.NAME: file.read()}
            with contextlib.suppress(FileNotFoundError):
                lines[CERTIFICATES] = (folder / CERTIFICATES).read_bytes()
    except FileNotFoundError:
        return set(), {}
    return kept, lines


def _is_there(path: Path, target: Path) -> bool:
    """What has a line in the ledger never changes, so its length says enough."""
    with contextlib.suppress(FileNotFoundError):
        return target.stat().st_size == path.stat().st_size
    return not path.exists()


def _copy_store(database: Path, target: Path) -> None:
    """As it is at one moment, by SQLite itself; who writes meanwhile does not wait. Raises sqlite3.Error."""
    with (
        contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as source,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        target.chmod(0o600)
        source.backup(copy)
        found = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise sqlite3.DatabaseError(f"the copy of the store is damaged: {found}")


def _copy_audit(source: Path, target: Path) -> None:
    """Log, head and seals as they are between two records; the log is held for no longer than it takes to look."""
    log = source / NAME
    if not log.is_file():
        return
    with log.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        sizes = {name: (source / name).stat().st_size for name in (NAME, SEALS) if (source / name).is_file()}
        head = (source / HEAD).read_bytes() if (source / HEAD).is_file() else b""
        fcntl.flock(file, fcntl.LOCK_UN)
    for name, size in sizes.items():  # they only grow
        _copy(source / name, target / name, size)
    _write(target / HEAD, head)


def _copy(path: Path, target: Path, size: int | None = None) -> None:
    """For its owner alone, on the disk when it returns."""
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("rb") as source, target.open("wb") as copy:
        os.fchmod(copy.fileno(), 0o600)
        left = path.stat().st_size if size is None else size
        while piece := source.read(min(_PIECE, left)):
            copy.write(piece)
            left -= len(piece)
        copy.flush()
        os.fsync(copy.fileno())


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _hash(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        made = sha256()
        while piece := file.read(_PIECE):
            made.update(piece)
        return {"bytes": file.tell(), "sha256": made.hexdigest()}


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        told = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        told = None
    if not isinstance(told, dict) or told.get("form") != FORM:
        raise UsageError(f"{folder} holds no whole backup: it has no {MANIFEST} that can be read")
    return told


def _manifest(folder: Path) -> dict[str, Any]:
    """Of a copy that is whole. Raises UsageError."""
    told = _read_manifest(folder)
    for name, wanted in told["files"].items():
        if not (folder / name).is_file() or _hash(folder / name) != wanted:
            raise UsageError(f"{folder} is not as it was backed up: {name} is missing or altered")
    return told
