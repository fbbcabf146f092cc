"""What others have suppressed while the switch runs: a command at a terminal, another node. Known within a second."""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog

from softswitch.dialler.campaign import Purpose
from softswitch.errors import SoftswitchError
from softswitch.exchange.premises import Site

log = structlog.get_logger(__name__)

LOOK_S = 1.0
OVERLAP = timedelta(seconds=10)
"""Looked back each time: a transaction is seen when it is committed, which is after its moment."""


class SuppressionWatch:
    """Looks into the store, and tells suppression list and diallers."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._looked_at = datetime.now(UTC)
        self._known: set[tuple[bytes, str]] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look once, so that a marketing campaign knows its screening before it is started; then go on looking."""
        await self.look()
        self._task = asyncio.create_task(self._work(), name="suppression-watch")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def look(self) -> None:
        """Take over what is new. Raises SoftswitchError where the store cannot be read."""
        began = datetime.now(UTC)
        found = set(await self._site.store.suppressed_since(self._looked_at - OVERLAP))
        screened_at = await self._site.store.screened_at()
        self._looked_at = began
        new, self._known = found - self._known, found
        with self._site.mutating() as now:
            for calls in self._site.campaigns.values():
                if screened_at is not None and calls.dialler.campaign.purpose is Purpose.MARKETING:
                    calls.dialler.receive_screening(screened_at, now)
            for digest, scope in new:
                self._site.suppression.add_hashes([digest], scope)
            hashes = {digest for digest, scope in new if not scope}
            for calls in self._site.campaigns.values() if hashes else ():
                for number in calls.numbers():
                    if self._site.store.digest(number) in hashes:
                        calls.dialler.receive_suppressed(number, now)

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except SoftswitchError as error:  # the store's interlock tells of it, and nothing is dialled
                log.error("suppressions cannot be read", reason=str(error))
