"""A PostgreSQL server of the tests' own, on loopback, in a temporary folder; thrown away with all that it holds."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import text

from softswitch.store.connection import create_engine, migrate
from tests.ports import free_port

_PATHS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
INITDB = shutil.which("initdb") or (str(_PATHS[-1]) if _PATHS else "")
"""Empty: PostgreSQL's server is not installed."""
TEMPLATE = "migrated"
_QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "shared_buffers=32MB", "max_connections=40")


def sqlite_file(url: str) -> Path:
    """Of a store that is a file; a test that looks into it is skipped where stores are none."""
    if not url.startswith("sqlite:///"):
        pytest.skip("looks into SQLite's file")
    return Path(url.removeprefix("sqlite:///"))


@dataclass
class Server:
    port: int
    _numbers: Iterator[int] = field(default_factory=count)

    def url_of(self, name: str) -> str:
        return f"postgresql://softswitch@127.0.0.1:{self.port}/{name}"

    def new_database(self, template: str = TEMPLATE) -> str:
        """The url of a store that is migrated and holds nothing; template0: of an empty database."""
        name = f"store_{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url_of(name)

    def prepare(self) -> None:
        self._execute(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")

        async def run() -> None:
            engine = create_engine(self.url_of(TEMPLATE))
            await migrate(engine)
            await engine.dispose()

        asyncio.run(run())

    def _execute(self, statement: str) -> None:
        async def run() -> None:
            engine = create_engine(self.url_of("postgres"))
            try:
                async with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                    await connection.execute(text(statement))
            finally:
                await engine.dispose()

        asyncio.run(run())


@contextmanager
def postgresql() -> Iterator[Server]:
    """A server that runs while the context does."""
    with tempfile.TemporaryDirectory(prefix="softswitch-postgresql-") as folder:
        if _is_root():
            shutil.chown(folder, "postgres", "postgres")
        data = f"{folder}/data"
        _run(INITDB, "-D", data, "-U", "softswitch", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        server = Server(free_port())
        settings = ("listen_addresses=127.0.0.1", f"port={server.port}", "unix_socket_directories=", *_QUICK)
        options = " ".join(f"-c {setting}" for setting in settings)
        control = (str(Path(INITDB).resolve().with_name("pg_ctl")), "-D", data, "-w", "-t", "120")
        _run(*control, "-l", f"{folder}/log", "-o", options, "start")
        try:
            server.prepare()
            yield server
        finally:
            _run(*control, "-m", "immediate", "stop")


def _is_root() -> bool:
    """PostgreSQL does not run as root; Debian's package brings a user for it."""
    return os.geteuid() == 0


def _run(*command: str) -> None:
    user = "postgres" if _is_root() else None
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", user=user)
