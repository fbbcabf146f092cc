"""The vault's root in the store: founded with the first master key, opened with the one that belongs to it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import URL, Connection, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.errors import UsageError
from softswitch.store.connection import WRITING, be_alone
from softswitch.store.schema import vault, vault_keys, vault_root
from softswitch.store.vault import LockedVault, RootKeys, Vault
from softswitch.store.vault_key import BESIDE_THE_STORE, KeyPlace, MasterKey, coming, read_key, replace

ROOT = "root"


def root_keys(connection: Connection, place: KeyPlace) -> RootKeys:
    """The store's own, or new ones, with a new master key where nobody chose one, in a store that has none yet.

    Within a transaction that writes. UsageError where the master key is missing, or is another store's.
    """
    row = connection.execute(select(vault_root.c.wrapped, vault_root.c.key_id)).first()
    if row is not None:
        return unlocked(row.wrapped, row.key_id, place)
    master = place.read_or_make()
    keys = RootKeys.new()
    connection.execute(
        insert(vault_root),
        {
            "name": ROOT,
            "wrapped": keys.wrapped(master.secret),
            "key_id": master.key_id,
            "founded_at": datetime.now(UTC),
            "rotated_at": None,
            "to_be_scrubbed": False,
        },
    )
    return keys


def unlocked(wrapped: bytes, key_id: str, place: KeyPlace) -> RootKeys:
    """By the key that lies there, or by the one that a rotation left beside it when power failed."""
    master, beside = place.read(), coming(place.path)
    if master.key_id != key_id and beside.is_file():
        keys = opened(wrapped, key_id, read_key(beside))
        replace(beside, place.path)
        return keys
    return opened(wrapped, key_id, master)


def opened(wrapped: bytes, key_id: str, master: MasterKey) -> RootKeys:
    """Raises UsageError where the master key does not open these root keys."""
    keys = RootKeys.unwrapped(master.secret, wrapped)
    if keys is None:
        if master.key_id != key_id:
            wrong = (
                f"is another store's: it is key {master.key_id}, and this store's vault was locked with key {key_id}"
            )
            raise UsageError(f"the vault's key in {master.path} {wrong}")
        raise UsageError("the vault's root is damaged: put a copy of the store back; the key in use is the right one")
    return keys


def key_place(url: URL, key_file: Path | None) -> KeyPlace:
    """Where the master key of a store is. UsageError where nobody says so of a store that is no file."""
    if key_file is not None:
        return KeyPlace(key_file)
    if url.get_backend_name() != "sqlite":
        raise UsageError("the vault's key has no place: name a file under [vault] key_file, or give a credential")
    return KeyPlace(Path(url.database or "").parent / BESIDE_THE_STORE, chosen=False)


async def open_vault(engine: AsyncEngine, place: KeyPlace | None) -> Vault:
    """The store's vault. Without a place it stays locked. UsageError where the key is missing or wrong."""
    if place is None:
        return LockedVault("this was asked of a store that was opened without the vault's key")
    async with engine.connect() as connection:
        row = (await connection.execute(select(vault_root.c.wrapped, vault_root.c.key_id))).first()
    if row is not None:
        return unlocked(row.wrapped, row.key_id, place).vault()
    async with engine.execution_options(**WRITING).begin() as connection:
        await connection.run_sync(be_alone)
        keys = await connection.run_sync(root_keys, place)
    return keys.vault()


@dataclass(frozen=True, slots=True)
class VaultStatus:
    """The vault as an administrator is told of it."""

    key_id: str
    """Of the master key that opens it."""
    founded_at: datetime
    rotated_at: datetime | None
    leads: int
    erased: int
    to_be_scrubbed: bool


async def read_status(engine: AsyncEngine) -> VaultStatus:
    """UsageError for a store that has no vault yet."""
    column = vault_root.c
    async with engine.connect() as connection:
        root = (await connection.execute(select(vault_root))).mappings().first()
        if root is None:
            raise UsageError("this store has no vault yet")
        sealed = (await connection.execute(select(func.count()).select_from(vault))).scalar_one()
        keys = (await connection.execute(select(func.count()).select_from(vault_keys))).scalar_one()
    return VaultStatus(
        root[column.key_id], root[column.founded_at], root[column.rotated_at], sealed, keys - sealed,
        root[column.to_be_scrubbed],
    )  # fmt: skip


async def rewrap_root(connection: AsyncConnection, keys: RootKeys, master: MasterKey) -> None:
    """Put the root under another master key."""
    values = {"wrapped": keys.wrapped(master.secret), "key_id": master.key_id, "rotated_at": datetime.now(UTC)}
    await connection.execute(update(vault_root).values(**values))
