"""Callers who would rather be called back than wait: their promise is kept in the store, their place in the queue."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from softswitch.dialler.callbacks import promised
from softswitch.dialler.lead import Lead, LeadState
from softswitch.errors import SoftswitchError, UsageError
from softswitch.exchange.calls.dialled import DialledCalls
from softswitch.store.telephone import WrongNumber, read_number, zones_together

if TYPE_CHECKING:
    from softswitch.exchange.running.premises import Site

log = structlog.get_logger(__name__)

LATEST = timedelta(minutes=30)
"""The callback is made then, ahead of everybody in the hopper, if the place in the queue has not come before: a switch
that was started anew knows promises, not places."""
LIST = "callback offers"


class CallbackOffers:
    """Makes a caller's own number a lead of the queue's callback campaign: its hours, locks and lists hold for it."""

    def __init__(self, site: "Site", wall: Callable[[], datetime]) -> None:
        self._site = site
        self._wall = wall
        self._tasks: set[asyncio.Task[None]] = set()

    def take(
        self, campaign: str, queue: str, caller: str, kept: Callable[[Lead], None], refused: Callable[[], None]
    ) -> None:
        """Promise the caller a call; `kept` once it is durable, `refused` where it cannot be, the reason is logged.

        caller: as the carrier told it; personal data.
        """
        task = asyncio.get_running_loop().create_task(self._take(campaign, queue, caller, kept, refused))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def due(self, lead: Lead) -> None:
        """The caller's place is reached: called back at once, with the agent who is ready."""
        calls = self._site.campaigns[lead.campaign]
        now_due = replace(promised(lead, self._wall(), ""), state=LeadState.QUEUED)
        self._site.records.save_lead(now_due)
        with self._site.mutating() as now:
            calls.dialler.add_callbacks([now_due], now)

    async def _take(
        self, campaign: str, queue: str, caller: str, kept: Callable[[Lead], None], refused: Callable[[], None]
    ) -> None:
        try:
            lead = await self._promise(self._site.campaigns[campaign], queue, caller)
        except (SoftswitchError, WrongNumber) as error:
            log.warning("a caller cannot be called back", queue=queue, reason=str(error))
            refused()
        else:
            kept(lead)

    async def _promise(self, calls: DialledCalls, queue: str, caller: str) -> Lead:
        site, dialler = self._site, calls.dialler
        if dialler.wanted not in ("running", "finished"):
            raise UsageError(f"campaign {calls.campaign} is {dialler.wanted}")
        phone = read_number(caller, site.settings.site.country)
        here = site.settings.site.time_zone
        zone = zones_together(phone.zones, here, self._wall()) if phone.zones else here
        lead, list_ref = await site.store.lead_of_number(calls.campaign, phone.number, zone, LIST)
        with site.mutating() as now:
            due = dialler.promise_callback(lead, self._wall() + LATEST, None, queue, now)
        await site.records.written()
        if list_ref:
            await site.store.complete_list(list_ref)
        return promised(lead, due, "")
