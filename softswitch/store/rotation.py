"""A new master key for a store: at once, or with every lead's key wrapped anew.

The new key is on disk before the store wants it, and takes the old one's place after: whenever the power fails, one of
the two files opens the store.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.errors import UsageError
from softswitch.store import erasure
from softswitch.store.connection import WRITING
from softswitch.store.schema import leads, vault_keys, vault_root
from softswitch.store.vault import RootKeys, Vault
from softswitch.store.vault_key import KEY_BYTES, MasterKey, coming, read_key, replace, write_key
from softswitch.store.vault_root import opened, rewrap_root

PAGE = 5000
_REWRAP = update(vault_keys).where(vault_keys.c.position == bindparam("at")).values(wrapped=bindparam("anew"))


async def rotate(
    engine: AsyncEngine, path: Path, *, every_lead: bool, on_progress: Callable[[int, int], None] | None = None
) -> MasterKey:
    """Put the store under a new master key, which takes the old one's place in the file. Within one transaction.

    every_lead: wrap each lead's key under a new wrapping key too, for a store whose old keys somebody may have seen;
    the index key stays, for there are hashes of numbers that nobody knows any more. Raises UsageError where the file
    is not the store's key, or cannot be replaced (a systemd credential cannot).
    """
    if not os.access(path.parent, os.W_OK):
        raise UsageError(
            f"{path} cannot be replaced here: give the service a new credential by `vault rotate --to FILE`"
        )
    async with engine.execution_options(**WRITING).begin() as connection:
        row = (await connection.execute(select(vault_root.c.wrapped, vault_root.c.key_id))).one()
        keys = opened(row.wrapped, row.key_id, read_key(path))
        new_path = coming(path)
        new_path.unlink(missing_ok=True)
        master = write_key(new_path, secrets.token_bytes(KEY_BYTES))
        if every_lead:
            new = RootKeys.new(index=keys.index)
            await _rewrap(connection, keys.vault(), new.vault(), on_progress)
            keys = new
        await rewrap_root(connection, keys, master)
        await connection.execute(update(vault_root).values(to_be_scrubbed=True))
    replace(new_path, path)
    await erasure.scrub(engine)
    return MasterKey(master.secret, path)


async def _rewrap(
    connection: AsyncConnection, old: Vault, new: Vault, on_progress: Callable[[int, int], None] | None
) -> None:
    last = done = 0
    whole = (
        await connection.execute(select(vault_keys.c.position).order_by(vault_keys.c.position.desc()))
    ).scalar() or 0
    query = (
        select(leads.c.position, leads.c.lead_ref, vault_keys.c.wrapped)
        .join(vault_keys, vault_keys.c.position == leads.c.position)
        .order_by(leads.c.position)
        .limit(PAGE)
    )
    while rows := (await connection.execute(query.where(leads.c.position > last))).all():
        anew = [{"at": row.position, "anew": old.rewrapped(row.lead_ref, row.wrapped, new)} for row in rows]
        await connection.execute(_REWRAP, anew)
        last = rows[-1].position
        done += len(rows)
        if on_progress is not None:
            on_progress(done, max(done, whole))
