"""What a site's agents work for: its surveys, campaigns and queues, opened before the first call and started last."""

from collections.abc import Mapping
from contextlib import AsyncExitStack

import structlog

from softswitch.config import Connect, recordings_directory
from softswitch.dialler.dialling import Dialler
from softswitch.errors import UsageError
from softswitch.exchange.calls.callback_offers import CallbackOffers
from softswitch.exchange.calls.dialled import DialledCalls
from softswitch.exchange.calls.queues import Queue
from softswitch.exchange.floor.key_words import KeyWords
from softswitch.exchange.running.opening import make_dialler
from softswitch.exchange.running.premises import Site, wall
from softswitch.exchange.running.reports import Reports
from softswitch.exchange.running.tolls import calls_of_today
from softswitch.exchange.running.uptake import Left
from softswitch.safeguards.toll import TollGuard

log = structlog.get_logger(__name__)

RING_PER_CALL_S = 1.5  # an agent whose phone is rung first must answer within this part of the two-second rule


async def open_work(site: Site, reports: Reports, toll: TollGuard, stack: AsyncExitStack) -> list[Queue]:
    """Make all of it as the store has it; nothing is dialled, and nobody can call, before the switch goes on.

    stack: what is to be ended with the switch goes onto it.
    """
    settings = site.settings
    await site.surveys.open(site.store)
    site.driver.add(site.board, on_event=reports.receive_agent_changed)
    for part in (site.surveys, site.watching):
        site.driver.add(part, on_event=part.carry_out)
    key_words = KeyWords(site, settings)
    if key_words.is_wanted:
        site.driver.add(key_words, on_event=lambda _: None)
        key_words.start()
        stack.push_async_callback(key_words.stop)
    for agent in settings.agents:
        if agent.connect is Connect.RING_PER_CALL:
            site.board.expect_heard_within(agent.id, RING_PER_CALL_S)
    for campaign in settings.campaigns:
        _carry_out(site, reports, await make_dialler(site, campaign))
    toll.restore(await calls_of_today(site.store, settings))
    queues = [Queue.of(inbound, settings) for inbound in settings.inbound]
    for queue in queues:
        site.blend.add_queue(queue.needs)
    site.inbound.kept_places.offers = CallbackOffers(site, wall)
    reports.open_for(queues, {supervisor.id for supervisor in settings.supervisors})
    return queues


def start_campaigns(site: Site, left: Left, orders: Mapping[str, str]) -> None:
    """Each does what it did in the process before, else what it was told last, else what the file says.

    orders: what each was told last, by name. One that may not start does not keep the site's other work from starting.
    """
    with site.mutating() as now:
        for campaign in site.settings.campaigns:
            site.campaigns[campaign.name].count_leads()
            told = orders.get(campaign.name, "running" if campaign.start else "stopped")
            wanted = left.site.get(f"campaign {campaign.name}", told)
            if wanted in ("running", "paused"):
                _start(site, campaign.name, now)
            if wanted == "paused":
                site.campaigns[campaign.name].dialler.pause(now)


def _carry_out(site: Site, reports: Reports, dialler: Dialler) -> None:
    """Give a dialler its hands and ears."""
    campaign = dialler.campaign
    site.campaigns[campaign.name] = DialledCalls(
        dialler,
        lines=site.lines,
        agents=site.agents,
        records=site.records,
        driver=site.driver,
        recordings=recordings_directory(site.settings),
        choose_trunks=lambda number: site.choose_trunks(campaign.name, number),
        turn=site.turn,
        settle=site.settle,
        on_agent=reports.receive_agent_changed,
        on_suppressed=reports.receive_suppressed,
    )


def _start(site: Site, name: str, now: float) -> None:
    try:
        site.start_campaign(name, now)
    except UsageError as error:
        log.error("campaign not started", campaign=name, reason=str(error))
        site.not_started[name] = str(error)
