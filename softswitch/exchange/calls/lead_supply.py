"""What a campaign's dialler asks of the store: leads, callbacks whose moment comes, and attempts made durable."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any

import structlog

from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.campaign import Purpose
from softswitch.dialler.dialling import Dialler
from softswitch.errors import SoftswitchError
from softswitch.exchange.calls.records import Records

log = structlog.get_logger(__name__)


class LeadSupply:
    """Asks without waiting, and tells the dialler the answer within `mutating`."""

    def __init__(
        self, dialler: Dialler, records: Records, mutating: Callable[[], AbstractContextManager[float]]
    ) -> None:
        self._dialler = dialler
        self._campaign = dialler.campaign.name
        self._records = records
        self._mutating = mutating
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def _marketing(self) -> bool:
        return self._dialler.campaign.purpose is Purpose.MARKETING

    async def close(self) -> None:
        """Wait for what is still being read or written."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def want_leads(self, count: int) -> None:
        self._spawn(self._bring_leads(count))

    def count(self) -> None:
        """Tell the dialler how many leads there are, which a campaign at rest does not ask."""
        self._spawn(self._count())

    def want_callbacks(self, until: datetime) -> None:
        self._spawn(self._bring_callbacks(until))

    def commit(self, attempt: DialAttempt) -> None:
        self._spawn(self._commit(attempt))

    async def _bring_leads(self, count: int) -> None:
        try:
            wall = datetime.now(UTC)
            leads = await self._records.next_leads(self._campaign, count, wall, marketing=self._marketing)
            if leads:  # counting a million takes longer than taking two hundred of them
                with self._mutating() as now:
                    self._dialler.add_leads(leads, now)
            left, total = await self._records.lead_totals(self._campaign)
            next_due = None if leads else await self._records.next_due(self._campaign, wall)
        except SoftswitchError as error:
            log.error("leads cannot be read", campaign=self._campaign, reason=str(error))
            return  # the store's interlock is open; the dialler asks again when it is closed
        with self._mutating() as now:
            self._dialler.receive_lead_totals(total, left, now, next_due)
            if not leads:
                self._dialler.add_leads(leads, now)

    async def _count(self) -> None:
        try:
            left, total = await self._records.lead_totals(self._campaign)
        except SoftswitchError as error:
            log.error("leads cannot be counted", campaign=self._campaign, reason=str(error))
            return
        with self._mutating() as now:
            self._dialler.receive_lead_totals(total, left, now)

    async def _bring_callbacks(self, until: datetime) -> None:
        try:
            leads = await self._records.due_callbacks(self._campaign, until, marketing=self._marketing)
        except SoftswitchError as error:
            log.error("callbacks cannot be read", campaign=self._campaign, reason=str(error))
            return  # they are asked for again in a moment
        if leads:
            with self._mutating() as now:
                self._dialler.add_callbacks(leads, now)

    async def _commit(self, attempt: DialAttempt) -> None:
        try:
            await self._records.commit_attempt(attempt)
        except SoftswitchError as error:
            log.error("attempt not committed, not dialled", call=attempt.call_ref, reason=str(error))
            with self._mutating() as now:
                self._dialler.receive_commit_failed(attempt.call_ref, now)
            return
        with self._mutating() as now:
            self._dialler.receive_attempt_committed(attempt.call_ref, now)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
