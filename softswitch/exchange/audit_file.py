"""The audit log on disk: one line a record, each bound to the one before; written before what it notes is done."""

import asyncio
import fcntl
import os
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from softswitch.errors import UsageError
from softswitch.safeguards.audit import AuditChain, AuditRecord
from softswitch.safeguards.redaction import redact

NAME = "audit.log"
_TAIL_BYTES = 65_536  # the last record is far shorter


class AuditFile:
    """Appends to the log of a data directory; goes on from its last record, whoever wrote it."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / NAME
        self._turn = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def note(self, actor: str, action: str, *, subject: str, reason: str) -> None:
        """Write one record and have it on disk. Raises UsageError where that cannot be, and then nothing may be shown.

        A number in the reason is masked: the log is for years, and says who looked, not at whom.
        """
        await self._begin(self._in_turn(actor, action, subject, reason))

    def note_soon(self, actor: str, action: str, *, subject: str, reason: str, failed: Callable[[str], None]) -> None:
        """The same in its turn, for what comes about by itself; `failed` is told why where it cannot be written."""
        self._begin(self._or_tell(failed, self._in_turn(actor, action, subject, reason)))

    async def drain(self) -> None:
        """Wait until all is written."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, writing: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task even where it is waited for, so that records stand in the order in which they were asked for."""
        task = asyncio.get_running_loop().create_task(writing)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _or_tell(self, failed: Callable[[str], None], writing: Coroutine[Any, Any, None]) -> None:
        try:
            await writing
        except UsageError as error:
            failed(str(error))

    async def _in_turn(self, actor: str, action: str, subject: str, reason: str) -> None:
        async with self._turn:
            await asyncio.to_thread(self._write, actor, action, redact(subject), redact(reason))

    def _write(self, actor: str, action: str, subject: str, reason: str) -> None:
        try:
            with os.fdopen(os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "a") as log:
                fcntl.flock(log, fcntl.LOCK_EX)  # `softswitch recordings export` writes here too
                chain = AuditChain(self._last())
                record = chain.append(actor, action, at=datetime.now(UTC), subject=subject, reason=reason)
                log.write(record.to_line() + "\n")
                log.flush()
                os.fsync(log.fileno())
        except OSError as error:
            raise UsageError(f"the audit log {self.path} cannot be written: {error.strerror}") from error

    def _last(self) -> AuditRecord | None:
        if not self.path.is_file():
            return None
        with self.path.open("rb") as log:
            log.seek(max(0, self.path.stat().st_size - _TAIL_BYTES))
            lines = log.read().decode("ascii", "replace").splitlines()
        return AuditRecord.from_line(lines[-1]) if lines else None
