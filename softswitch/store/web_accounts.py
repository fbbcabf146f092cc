"""Accounts of the people who log in to the web; what a hash or a role means is the web's business."""

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.store.schema import accounts


async def find(engine: AsyncEngine, name: str) -> tuple[str, str] | None:
    query = select(accounts.c.password_hash, accounts.c.role).where(accounts.c.name == name)
    async with engine.connect() as connection:
        row = (await connection.execute(query)).first()
    return None if row is None else (row[0], row[1])


async def put(connection: AsyncConnection, name: str, password_hash: str, role: str) -> None:
    await connection.execute(delete(accounts).where(accounts.c.name == name))
    await connection.execute(insert(accounts), {"name": name, "password_hash": password_hash, "role": role})


async def names(engine: AsyncEngine) -> list[str]:
    async with engine.connect() as connection:
        return list((await connection.execute(select(accounts.c.name).order_by(accounts.c.name))).scalars())
