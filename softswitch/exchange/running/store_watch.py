"""What others put into the store while the switch runs, at a terminal or on another node: known within a second."""

import asyncio
from abc import ABC, abstractmethod

import structlog

from softswitch.errors import SoftswitchError

log = structlog.get_logger(__name__)

LOOK_S = 1.0


class StoreWatch(ABC):
    """Looks into the store each second."""

    WHAT: str
    """What it looks for, in the plural."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def look(self) -> None:
        """Take over what is new. Raises SoftswitchError where the store cannot be read."""

    async def start(self) -> None:
        """Look once, so that no campaign is started without it; then go on looking."""
        await self.look()
        self._task = asyncio.create_task(self._work(), name=f"watch for {self.WHAT}")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except SoftswitchError as error:  # the store's interlock tells of it, and nothing is dialled
                log.error("the store cannot be read", what=self.WHAT, reason=str(error))
