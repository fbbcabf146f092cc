"""The audit log of a running site: written before what it notes is done, and never on the event loop's time."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from softswitch.errors import UsageError
from softswitch.exchange.audit.book import NAME, AuditBook, Entry
from softswitch.exchange.audit.keys import AuditKey
from softswitch.safeguards.audit_seal import Why
from softswitch.safeguards.redaction import redact

__all__ = ["NAME", "AuditFile"]

LOOK_S = 5.0
"""How often it is looked at whether the log can be written, and whether a day is over."""


class AuditFile:
    """Appends to the log of a data directory; goes on from its last record, whoever wrote it.

    What is asked for while a write is under way goes to disk together in the next one, in the order of asking.
    """

    def __init__(
        self,
        directory: Path,
        key: AuditKey | None = None,
        *,
        on_health: Callable[[str], None] = lambda trouble: None,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """key: signs seals and head.  on_health: told after each write or look why it failed; empty: it did not."""
        self._book = AuditBook(directory, key, wall)
        self.path = self._book.path
        self._on_health = on_health
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._watch: asyncio.Task[None] | None = None

    async def note(self, actor: str, action: str, *, subject: str, reason: str) -> None:
        """Write one record and have it on disk. Raises UsageError where that cannot be, and then nothing may be shown.

        A number in the reason is masked: the log is for years, and says who looked, not at whom.
        """
        await self._begin(Entry(actor, action, redact(subject), redact(reason)))

    def note_soon(self, actor: str, action: str, *, subject: str, reason: str, failed: Callable[[str], None]) -> None:
        """The same in its turn, for what comes about by itself; `failed` is told why where it cannot be written."""

        def tell(done: "asyncio.Future[None]") -> None:
            error = None if done.cancelled() else done.exception()
            if error is not None:
                failed(str(error))

        self._begin(Entry(actor, action, redact(subject), redact(reason))).add_done_callback(tell)

    async def drain(self) -> None:
        """Wait until all is written."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def seal(self, why: Why) -> None:
        """Seal all that is in no seal yet. Raises UsageError where that cannot be."""
        async with self._turn:
            await asyncio.to_thread(self._book.seal, why)

    async def start(self) -> None:
        """Seal what a crash has left without one, and begin to look after the log until `close`. Raises UsageError."""
        await self.seal(Why.START)
        self._watch = asyncio.create_task(self._look_after(), name="audit-log")

    async def close(self) -> None:
        """Write and seal all there is. What cannot be is told to `on_health`, and sealed by the next start."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        await self.drain()
        try:
            await self.seal(Why.SHUTDOWN)
        except UsageError as error:
            self._on_health(str(error))

    async def look(self) -> None:
        """Find out whether the log can be written, tell, and seal a day that is over."""
        async with self._turn:
            await self._carried_out(self._book.look)

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self.look()

    def _begin(self, entry: Entry) -> "asyncio.Future[None]":
        """Written even where the one who asked is cancelled."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append((entry, done))
        task = loop.create_task(self._write_waiting())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return asyncio.shield(done)

    async def _write_waiting(self) -> None:
        async with self._turn:
            batch, self._waiting = self._waiting, []
            if not batch:
                return
            error = await self._carried_out(lambda: self._book.append([entry for entry, _ in batch]))
            for _, done in batch:
                if error is None:
                    done.set_result(None)
                else:
                    done.set_exception(UsageError(str(error)))

    async def _carried_out(self, work: Callable[[], None]) -> UsageError | None:
        try:
            await asyncio.to_thread(work)
        except UsageError as error:
            self._on_health(str(error))
            return error
        self._on_health("")
        return None
