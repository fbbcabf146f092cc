"""Accounts of the people who log in to the web; what a hash or a role means is the web's business."""

from dataclasses import dataclass

from sqlalchemy import CursorResult, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.store.schema import accounts


@dataclass(frozen=True, slots=True)
class PersonRow:
    name: str
    password_hash: str
    role: str
    """One, or several with blanks between."""
    totp: str = ""
    """The secret of the second factor, encrypted; empty: not enrolled."""
    totp_step: int = 0
    """The newest time step whose code was used; no older one counts again."""
    disabled: bool = False


_ROW = (
    accounts.c.name, accounts.c.password_hash, accounts.c.role, accounts.c.totp, accounts.c.totp_step,
    accounts.c.disabled,
)  # fmt: skip


async def find(engine: AsyncEngine, name: str) -> tuple[str, str] | None:
    row = await find_person(engine, name)
    return None if row is None else (row.password_hash, row.role)


async def find_person(engine: AsyncEngine, name: str) -> PersonRow | None:
    async with engine.connect() as connection:
        row = (await connection.execute(select(*_ROW).where(accounts.c.name == name))).first()
    return None if row is None else PersonRow(*row)


async def all_people(engine: AsyncEngine) -> list[PersonRow]:
    async with engine.connect() as connection:
        return [PersonRow(*row) for row in await connection.execute(select(*_ROW).order_by(accounts.c.name))]


async def put(connection: AsyncConnection, name: str, password_hash: str, role: str) -> None:
    """A new account, or another password and role; a second factor that is there stays."""
    values = {"password_hash": password_hash, "role": role}
    result: CursorResult[tuple[()]] = await connection.execute(
        update(accounts).where(accounts.c.name == name).values(values)
    )
    if not result.rowcount:
        await connection.execute(insert(accounts), {"name": name, **values})


async def set_totp(connection: AsyncConnection, name: str, totp: str) -> bool:
    """Whether there is such an account."""
    statement = update(accounts).where(accounts.c.name == name).values(totp=totp, totp_step=0)
    result: CursorResult[tuple[()]] = await connection.execute(statement)
    return bool(result.rowcount)


async def use_totp_step(connection: AsyncConnection, name: str, step: int) -> bool:
    """Spend a code; False where it, or a newer one, was spent before."""
    statement = update(accounts).where(accounts.c.name == name, accounts.c.totp_step < step).values(totp_step=step)
    result: CursorResult[tuple[()]] = await connection.execute(statement)
    return bool(result.rowcount)


async def set_disabled(connection: AsyncConnection, name: str, disabled: bool) -> bool:
    statement = update(accounts).where(accounts.c.name == name).values(disabled=disabled)
    result: CursorResult[tuple[()]] = await connection.execute(statement)
    return bool(result.rowcount)


async def names(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return list((await connection.execute(select(accounts.c.name).order_by(accounts.c.name))).scalars())
