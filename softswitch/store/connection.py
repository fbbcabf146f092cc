"""Opening the database: how SQLite is told to be durable, and the way to the newest schema."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from softswitch.errors import UsageError
from softswitch.store.errors import StoreFailed

if TYPE_CHECKING:
    from alembic.config import Config

    from softswitch.store.vault_key import KeyPlace

MIGRATIONS = Path(__file__).parent / "migrations"
NEWEST_REVISION = "0013"
"""The last of the migrations, to be known without reading them."""
_VERSION_TABLE = "alembic_version"
BUSY_TIMEOUT_MS = 5000
CACHE_KIB = 64 * 1024
"""Of pages, for each connection: the indexes of a million leads."""
_ALONE = 0x736F6674  # "soft": advisory locks of PostgreSQL are numbers that a database's users agree on
_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}

# A transaction that will write says so from its first statement (BEGIN IMMEDIATE): one that reads first and writes
# later would fail at once, whatever the busy timeout, when another process has written in between.
WRITING = {"softswitch_writes": True}
# One that need not be durable before a later one is: it is whole or not there, and a killed process loses nothing of
# it, but a power failure may take it back until the next one that is durable, or a checkpoint, is on the disk.
LAZY = {"softswitch_lazy": True}
_CHECKPOINT_PAGES, _LAZY_CHECKPOINT_PAGES = 1000, 8192
"""With so many pages the log is carried into the database: a page that several transactions change is written once."""
# For what SQLite does outside of transactions alone: VACUUM, and emptying its log.
OUTSIDE = {"softswitch_outside": True}


def create_engine(url: str) -> AsyncEngine:
    """Engine for `sqlite:///file` or `postgresql://...`; UsageError for an address that cannot be one."""
    try:
        parsed = make_url(url)
        parsed = parsed.set(drivername=_DRIVERS.get(parsed.drivername, parsed.drivername))
        backend = parsed.get_backend_name()
        if backend not in ("sqlite", "postgresql"):
            raise UsageError(f'the store cannot be a "{backend}"; use sqlite:///FILE or postgresql://USER@HOST/NAME')
        if backend == "sqlite":
            _check_file(parsed.database)
        engine = create_async_engine(parsed, hide_parameters=True)  # values are personal; errors are logged
    except (ArgumentError, NoSuchModuleError) as error:
        raise UsageError("the store's url is none; use sqlite:///FILE or postgresql://USER@HOST/NAME") from error
    except ModuleNotFoundError as error:
        raise UsageError(f"the store needs the Python package {error.name}: pip install {error.name}") from error
    if backend == "sqlite":
        _make_durable(engine)
    return engine


async def migrate(engine: AsyncEngine, key: "KeyPlace | None" = None) -> None:
    """Bring the schema to the newest revision, in one transaction; an empty database gets all tables.

    key: what stands in the clear in an old store is encrypted under it; without one such a store is left alone.
    Alembic is needed, and read, only where there is something to do: after a crash every tenth of a second counts.
    """
    try:
        async with engine.connect() as connection:
            if await connection.run_sync(revision_of) == NEWEST_REVISION:
                return
    except SQLAlchemyError as error:
        raise StoreFailed(f"the store cannot be opened: {plain_reason(error)}") from error
    from alembic.util import CommandError

    try:
        async with engine.execution_options(**WRITING).begin() as connection:
            await connection.run_sync(be_alone)
            await connection.run_sync(upgrade, key=key)
    except CommandError as error:
        raise UsageError(f"the store was made by a newer softswitch; install that one ({error})") from error
    except SQLAlchemyError as error:
        raise StoreFailed(f"the store cannot be opened: {plain_reason(error)}") from error


def be_alone(connection: Connection) -> None:
    """Wait until no other node makes schema or vault, and keep others waiting until this transaction is over. SQLite's
    transactions that write are alone by themselves."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _ALONE})


def revision_of(connection: Connection) -> str:
    """Of the schema that is there; empty where there is none."""
    if not inspect(connection).has_table(_VERSION_TABLE):
        return ""
    return connection.execute(text(f"SELECT version_num FROM {_VERSION_TABLE}")).scalar() or ""  # noqa: S608


def upgrade(connection: Connection, revision: str = "head", key: "KeyPlace | None" = None) -> None:
    from alembic import command

    config = migration_config(connection)
    config.attributes["vault_key"] = key
    command.upgrade(config, revision)


def migration_config(connection: Connection | None = None) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def plain_reason(error: Exception) -> str:
    """The database's own words without the statement and its values, which may hold personal data."""
    original = getattr(error, "orig", None) or error
    return re.sub(r"\+?\d{7,}", "…", str(original).partition("\n")[0])


def is_missing_file(url: str) -> bool:
    """Whether the store is a file that is not there yet."""
    parsed = make_url(url)
    return parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").is_file()


def _check_file(database: str | None) -> None:
    if not database or database == ":memory:" or database.startswith("file:"):
        raise UsageError("the store must be a file: a dial attempt has to outlive a crash; use sqlite:///FILE")
    try:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the store's folder {Path(database).parent} cannot be made: {error.strerror}") from error


def _make_durable(engine: AsyncEngine) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def _configure(connection: Any, record: object) -> None:
        # The driver begins no transaction of its own; `_begin` does, in the mode that fits.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",  # in WAL mode NORMAL may lose the last commits when power fails
            "foreign_keys = ON",
            "secure_delete = ON",  # what is deleted is overwritten, not only forgotten
            f"cache_size = -{CACHE_KIB}",
            "temp_store = MEMORY",  # a sort's temporary file would outlive what it holds
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("softswitch_outside"):
            return
        writes = options.get("softswitch_writes")
        lazy = bool(options.get("softswitch_lazy"))
        if writes and connection.info.get("lazy", False) is not lazy:
            connection.exec_driver_sql(f"PRAGMA synchronous = {'NORMAL' if lazy else 'FULL'}")
            pages = _LAZY_CHECKPOINT_PAGES if lazy else _CHECKPOINT_PAGES
            connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint = {pages}")
            connection.info["lazy"] = lazy
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
