"""One writer for all: writes that wait at the same moment share one transaction, and so one flush to the disk.

SQLite has a single writer anyway, and a flush costs the same for one row as for fifty. A caller gets its answer after
the shared transaction is durable; one of lazy work alone is durable with the next that is not. Where one write is bad
(a row that exists already), each is tried again alone, so that it cannot take its neighbours with it. Where the
database itself fails (full, locked), all fail at once: waiting out the lock for each would keep the switch in doubt
for minutes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.base import Executable

from softswitch.errors import SoftswitchError, UsageError
from softswitch.store import journal
from softswitch.store.connection import LAZY, WRITING, plain_reason
from softswitch.store.errors import StoreFailed
from softswitch.store.journal import Entry

LARGEST_GROUP = 256

Work = Callable[[AsyncConnection], Awaitable[Any]]
SharedWork = Callable[[AsyncConnection, Sequence[Any]], Awaitable[None]]
"""Does for several items at once what it does for one."""


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """A statement with one row and its entries in the journal, or a piece of work with a transaction in its hand, its
    own or shared with its neighbours'; `done` gets the result."""

    done: asyncio.Future[Any]
    statement: Executable | None = None
    row: Mapping[str, Any] | None = None
    entries: Sequence[Entry] = ()
    work: Work | None = None
    shared: SharedWork | None = None
    item: Any = None
    lazy: bool = False


class Writer:
    """The queue in front of the writing connection."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.execution_options(**WRITING)
        self._jobs: asyncio.Queue[_Job | None] = asyncio.Queue()
        self._closed = False
        self._task = asyncio.create_task(self._run(), name="store-writer")

    async def execute(self, statement: Executable, row: Mapping[str, Any], entries: Sequence[Entry] = ()) -> None:
        """Run a statement that must change one row, and enter it in the journal; UsageError when there is none."""
        await self._wait_for(lambda done: _Job(done, statement=statement, row=row, entries=entries))

    async def run(self, work: Work, *, lazy: bool = False) -> Any:
        """Run `work` inside a transaction; it may be run a second time if its group failed.

        lazy: durable with the next write that is not, as the groups of an import are with its end.
        """
        return await self._wait_for(lambda done: _Job(done, work=work, lazy=lazy))

    async def share(self, work: SharedWork, item: Any) -> None:
        """Run `work` inside a transaction, for this item and for those of its neighbours that want the same work."""
        await self._wait_for(lambda done: _Job(done, shared=work, item=item))

    async def close(self) -> None:
        """Finish what is queued, then take nothing more."""
        if not self._closed:
            self._closed = True
            self._jobs.put_nowait(None)
        await asyncio.gather(self._task, return_exceptions=True)

    async def _wait_for(self, make: Callable[[asyncio.Future[Any]], _Job]) -> Any:
        if self._closed or self._task.done():
            raise StoreFailed("the store is closed")
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._jobs.put_nowait(make(done))
        return await done

    async def _run(self) -> None:
        ended = False
        while not ended:
            group = [await self._jobs.get()]
            while len(group) < LARGEST_GROUP and not self._jobs.empty():
                group.append(self._jobs.get_nowait())
            ended = None in group
            # A caller that has been cancelled before its turn wants nothing written.
            jobs = [job for job in group if job is not None and not job.done.cancelled()]
            if jobs:
                await self._write(jobs)

    async def _write(self, jobs: Sequence[_Job]) -> None:
        try:
            results = await self._transact(jobs)
        except Exception as error:
            if len(jobs) > 1 and not isinstance(error, OperationalError | OSError):
                for job in jobs:
                    await self._write([job])
                return
            for job in jobs:
                if not job.done.cancelled():
                    job.done.set_exception(_as_ours(error))
            return
        for job, result in zip(jobs, results, strict=True):
            if not job.done.cancelled():
                job.done.set_result(result)

    async def _transact(self, jobs: Sequence[_Job]) -> list[Any]:
        """Results of the jobs, in order, after the commit."""
        results: list[Any] = []
        engine = self._engine.execution_options(**LAZY) if all(job.lazy for job in jobs) else self._engine
        async with engine.begin() as connection:
            for _, same in groupby(jobs, key=_alike):
                together = list(same)
                if (shared := together[0].shared) is not None:
                    await shared(connection, [job.item for job in together])
                    results.extend([None] * len(together))
                    continue
                if (work := together[0].work) is not None:
                    results.append(await work(connection))
                    continue
                statement, rows = together[0].statement, [dict(job.row or {}) for job in together]
                assert statement is not None
                changed = (await connection.execute(statement, rows)).rowcount
                if 0 <= changed != len(rows):
                    raise UsageError("the store has no such row; it must be committed before it is saved again")
                await journal.write(connection, [entry for job in together for entry in job.entries])
                results.extend([None] * len(together))
        return results


def _alike(job: _Job) -> int:
    """The same for jobs that are done together."""
    return next(id(each) for each in (job.shared, job.statement, job) if each is not None)


def _as_ours(error: Exception) -> Exception:
    if isinstance(error, SQLAlchemyError | OSError):
        return StoreFailed(f"the store cannot write: {plain_reason(error)}")
    return error if isinstance(error, SoftswitchError) else StoreFailed(f"the store cannot write: {error!r}")
