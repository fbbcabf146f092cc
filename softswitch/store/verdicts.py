"""What the detector found in each call, for the record and for whoever trains the next one."""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import and_, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from softswitch.store.schema import amd_verdicts


@dataclass(frozen=True, slots=True)
class KeptVerdict:
    """A verdict or a correction, whether or not anything came of it."""

    call_ref: str
    campaign: str
    at: datetime
    verdict: str
    """By name, as `amd.verdict.Verdict`."""
    cause: str
    probability: float | None
    audio_ms: int
    point: str
    acted: bool
    """It took the call for nobody's."""
    features: dict[str, float | None]


async def keep(connection: AsyncConnection, verdict: KeptVerdict) -> None:
    """Add a call's next verdict."""
    known = select(func.count()).where(amd_verdicts.c.call_ref == verdict.call_ref)
    position = (await connection.execute(known)).scalar_one()
    await connection.execute(insert(amd_verdicts), {**asdict(verdict), "position": position})


async def of_call(engine: AsyncEngine, call_ref: str) -> list[KeptVerdict]:
    """All verdicts of a call, in order."""
    query = select(amd_verdicts).where(amd_verdicts.c.call_ref == call_ref).order_by(amd_verdicts.c.position)
    async with engine.connect() as connection:
        rows = (await connection.execute(query)).mappings().all()
    return [KeptVerdict(**{name: value for name, value in row.items() if name != "position"}) for row in rows]


async def corrections(engine: AsyncEngine, campaign: str, since: datetime, until: datetime) -> dict[str, int]:
    """How often which verdict gave way to which, as in "HUMAN>MACHINE", among corrections in [since, until)."""
    before = amd_verdicts.alias("before")
    column = amd_verdicts.c
    query = (
        select(before.c.verdict, column.verdict)
        .join(before, and_(before.c.call_ref == column.call_ref, before.c.position == column.position - 1))
        .where(column.campaign == campaign, column.at >= since, column.at < until)
    )
    async with engine.connect() as connection:
        found = Counter(f"{first}>{second}" for first, second in await connection.execute(query) if first != second)
    return dict(sorted(found.items()))
