"""The store's face: what the switch, the web and the commands ask of it.

Every write goes through one `Writer` and is durable when its call returns; a write that fails raises `StoreFailed` and
leaves what was stored before as it was. Reads go their own way and never wait for a write.
"""

from collections.abc import Callable, Collection, Coroutine, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, cast

from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from softswitch.dialler.campaign import Campaign
from softswitch.store import erasure, orders, web_accounts
from softswitch.store.calling_lists import CallingListStore
from softswitch.store.connection import create_engine, migrate
from softswitch.store.people import reading
from softswitch.store.recovery import Recovery, recover
from softswitch.store.schema import pulse
from softswitch.store.vault_root import key_place, open_vault


class Store(CallingListStore):
    """An open store: `await Store.open(url)`, and `await store.close()` when done."""

    @classmethod
    async def open(cls, url: str, key_file: Path | None = None, *, locked: bool = False) -> Self:
        """Open and bring the schema to the newest revision; UsageError or StoreFailed with what to do.

        key_file: the vault's master key; left out, it is `vault.key` beside an SQLite store, and is made with a new
        one.  locked: without the key, for those who need no number and no name; what does raises `VaultLocked`.
        """
        engine = create_engine(url)
        try:
            place = None if locked else key_place(engine.url, key_file)
            await migrate(engine, place)
            vault = await open_vault(engine, place)
            store = cls(engine, vault)
        except BaseException:
            await engine.dispose()
            raise
        if place is not None:
            await erasure.finish_scrubbing(engine)
        return store

    async def close(self) -> None:
        """Finish the writes that wait; a second call does nothing."""
        await self._writer.close()
        await self._engine.dispose()

    async def check(self) -> None:
        """Write a little; StoreFailed when the store cannot. Tells an interlock when it may close again."""

        async def beat(connection: AsyncConnection) -> None:
            await connection.execute(delete(pulse))
            await connection.execute(insert(pulse), {"name": "store", "at": datetime.now(UTC)})

        await self._writer.run(beat)

    async def release_leads(
        self,
        campaign: str = "",
        wall: datetime | None = None,
        going_on: Collection[str] = (),
        campaigns: Iterable[Campaign] = (),
    ) -> Recovery:
        """At start, for a campaign or for all: close attempts that a crash left open, give queued leads back.

        going_on: `call_ref` of calls that the crash did not end.  campaigns: those of the site, by whose rules
        `store.recovery` decides what becomes of each lead.
        """
        rules = {each.name: each for each in campaigns}

        async def work(connection: AsyncConnection) -> Recovery:
            return await recover(connection, campaign, wall or datetime.now(UTC), going_on, rules)

        return cast(Recovery, await self._writer.run(work))

    # Campaigns

    async def keep_order(self, campaign: str, wanted: str) -> None:
        """What a campaign is told: "running", "paused" or "stopped"."""

        async def work(connection: AsyncConnection) -> None:
            await orders.keep(connection, campaign, wanted)

        await self._writer.run(work)

    async def campaign_orders(self) -> dict[str, str]:
        """What each campaign was told last, by name."""
        with reading():
            return await orders.all_orders(self._engine)

    # Accounts of the web

    async def account(self, name: str) -> tuple[str, str] | None:
        """(password hash, role), or None for an unknown name."""
        with reading():
            return await web_accounts.find(self._engine, name)

    async def add_account(self, name: str, password_hash: str, role: str) -> None:
        """Add an account, or replace the password and the role of the one that has this name."""

        async def work(connection: AsyncConnection) -> None:
            await web_accounts.put(connection, name, password_hash, role)

        await self._writer.run(work)

    async def person(self, name: str) -> web_accounts.PersonRow | None:
        """The whole account, or None for an unknown name."""
        with reading():
            return await web_accounts.find_person(self._engine, name)

    async def people(self) -> list[web_accounts.PersonRow]:
        with reading():
            return await web_accounts.all_people(self._engine)

    async def set_totp(self, name: str, totp: str) -> bool:
        """Set, or with an empty one remove, the encrypted secret of the second factor; False for an unknown name."""
        return await self._change_account(lambda connection: web_accounts.set_totp(connection, name, totp))

    async def use_totp_step(self, name: str, step: int) -> bool:
        """Spend a code of the second factor; False where it, or a newer one, was spent before."""
        return await self._change_account(lambda connection: web_accounts.use_totp_step(connection, name, step))

    async def set_disabled(self, name: str, disabled: bool) -> bool:
        """Shut or open an account; False for an unknown name."""
        return await self._change_account(lambda connection: web_accounts.set_disabled(connection, name, disabled))

    async def _change_account(self, change: Callable[[AsyncConnection], Coroutine[Any, Any, bool]]) -> bool:
        async def work(connection: AsyncConnection) -> bool:
            return await change(connection)

        return cast(bool, await self._writer.run(work))

    async def accounts(self) -> list[str]:
        """Every name."""
        with reading():
            return await web_accounts.names(self._engine)
