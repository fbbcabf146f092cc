"""What must not be lost: every write to the store goes through here, in order, and is tried again until it succeeds."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.callbacks import Callback
from softswitch.dialler.events import CallbackClosed, ReviewOffered
from softswitch.dialler.lead import Lead
from softswitch.errors import SoftswitchError, UsageError
from softswitch.store.database import Store
from softswitch.store.errors import StoreFailed
from softswitch.store.interviews import KeptInterview
from softswitch.store.journal import Entry
from softswitch.store.verdicts import KeptVerdict

log = structlog.get_logger(__name__)

WRITTEN_S = 5.0
RETRY_S = (0.2, 1.0, 5.0)
TOGETHER = 100
"""Writes in one transaction at most."""
BEAT_S = 5.0
"""An idle store is written to so often: that it can be is known before a call needs it."""
Write = Callable[[], Awaitable[None]]


class Records:
    """The store as the exchange sees it.

    Reads and `commit_attempt` are awaited and raise; the `save_...` and `lock_...` are queued and never do: while the
    store cannot write they wait, and `on_health(False, why)` opens the store's interlock: no new call is dialled.
    """

    def __init__(self, store: Store, on_health: Callable[[bool, str], None]) -> None:
        self._store = store
        self._on_health = on_health
        self._queue: deque[Write] = deque()
        self._failing = False
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        loop = asyncio.get_running_loop()
        self._tasks = (loop.create_task(self._work()), loop.create_task(self._beat()))

    async def commit_attempt(self, attempt: DialAttempt) -> None:
        """Return once the attempt is durable. Raises SoftswitchError where it cannot be made so."""
        try:
            await self._store.commit_attempt(attempt)
        except SoftswitchError as error:
            self._on_health(False, f"the store cannot write: {error}")
            self._put(self._check)
            raise

    async def next_leads(self, campaign: str, count: int, wall: datetime, *, marketing: bool = False) -> list[Lead]:
        return await self._store.next_leads(campaign, count, wall, marketing=marketing)

    async def lead_totals(self, campaign: str) -> tuple[int, int]:
        """(left, in all)."""
        return await self._store.lead_totals(campaign)

    async def next_due(self, campaign: str, wall: datetime) -> datetime | None:
        return await self._store.next_due(campaign, wall)

    def open_attempt(self, attempt: DialAttempt) -> None:
        """Begin the record of a call that we did not place, and that therefore waits for nobody's commitment."""
        self._put(lambda: self._store.commit_attempt(attempt))

    def save_attempt(self, attempt: DialAttempt) -> None:
        self._put(lambda: self._store.save_attempt(attempt))

    def keep_verdict(self, verdict: KeptVerdict) -> None:
        self._put(lambda: self._store.keep_verdict(verdict))

    def offer_review(self, offered: ReviewOffered) -> None:
        self._put(lambda: self._store.offer_review(offered))

    def save_lead(self, lead: Lead) -> None:
        self._put(lambda: self._store.save_lead(lead))

    def suppress(self, number: str, reason: str) -> None:
        self._put(lambda: self._store.suppress(number, reason=reason))

    def record(self, entry: Entry) -> None:
        """Into the journal, what no other row tells of."""
        self._put(lambda: self._store.record(entry))

    async def keep_interview(self, kept: KeptInterview) -> None:
        """Return once it is durable; where the store cannot write, it waits like the rest and is not lost."""
        try:
            await self._store.keep_interview(kept)
        except SoftswitchError as error:
            self._on_health(False, f"the store cannot write: {error}")
            self.save_interview(kept)

    def save_interview(self, kept: KeptInterview) -> None:
        self._put(lambda: self._store.keep_interview(kept))

    def forget_interview(self, call_ref: str) -> None:
        self._put(lambda: self._store.forget_interview(call_ref))

    def lock_number(self, number: str, until: datetime) -> None:
        self._put(lambda: self._store.lock_number(number, until))

    async def due_callbacks(self, campaign: str, until: datetime, *, marketing: bool = False) -> list[Lead]:
        return await self._store.due_callbacks(campaign, until, marketing=marketing)

    def make_callback(self, callback: Callback) -> None:
        self._put(lambda: self._store.make_callback(callback))

    def close_callback(self, closed: CallbackClosed) -> None:
        self._put(lambda: self._store.close_callback(closed.lead_ref, closed.came_to, closed.at, closed.call_ref))

    def keep_order(self, campaign: str, wanted: str) -> None:
        self._put(lambda: self._store.keep_order(campaign, wanted))

    async def written(self) -> None:
        """Return once what is queued now is in the store. Raises StoreFailed where that takes too long."""
        if not await self.drain(WRITTEN_S):
            raise StoreFailed("the store does not write just now: try again")

    async def drain(self, timeout_s: float) -> bool:
        """Wait until all is written; False where it could not be in time."""
        try:
            await asyncio.wait_for(self._idle.wait(), timeout_s)
        except TimeoutError:
            log.error("records not written", waiting=len(self._queue))
            return False
        return True

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _check(self) -> None:
        await self._store.check()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            if not self._queue:
                self._put(self._check)

    def _put(self, write: Write) -> None:
        self._queue.append(write)
        self._idle.clear()
        self._wake.set()

    async def _work(self) -> None:
        while True:
            await self._wake.wait()
            failures = 0
            while self._queue:
                if await self._write():
                    failures = 0
                else:
                    await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
                    failures += 1
            self._wake.clear()
            self._idle.set()

    async def _write(self) -> bool:
        """Write what waits, together; False where the store cannot. What stood behind a write that failed is written
        again with it, so that the last word on a call or a lead stays the last."""
        together = [self._queue[n] for n in range(min(TOGETHER, len(self._queue)))]
        results = await asyncio.gather(*(write() for write in together), return_exceptions=True)
        for result in results:
            if isinstance(result, UsageError):
                log.error("a record names nothing that the store knows", reason=str(result))
            elif isinstance(result, SoftswitchError):
                self._failing = True
                self._on_health(False, f"the store cannot write: {result}")
                return False
            elif isinstance(result, BaseException):
                raise result
            self._queue.popleft()
        if self._failing:
            log.info("the store writes again")
        self._failing = False
        self._on_health(True, "")
        return True
