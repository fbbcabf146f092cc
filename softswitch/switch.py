"""The switch: builds every room of a site, wires them, starts and ends them in order. Nothing else knows everybody."""

import asyncio
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from softswitch.config import (
    Settings,
    recordings_directory,
    store_url,
    vault_key_file,
)
from softswitch.dialler.agents import AgentBoard, AgentState
from softswitch.dialler.blending import Blend
from softswitch.dialler.locks import NumberLocks
from softswitch.dialler.suppression import SuppressionList
from softswitch.exchange.audit.keys import find_key
from softswitch.exchange.audit.start import make_audit, start_audit
from softswitch.exchange.calls.inbound import InboundCalls
from softswitch.exchange.calls.queues import Queue
from softswitch.exchange.calls.records import Records
from softswitch.exchange.desks.administration import Administration, make_administration
from softswitch.exchange.desks.desk import Desk
from softswitch.exchange.floor.agents import AgentLines
from softswitch.exchange.floor.supervision import Supervision
from softswitch.exchange.floor.supervisors import SupervisorLines
from softswitch.exchange.intake.trunks import Trunks
from softswitch.exchange.running import health
from softswitch.exchange.running.conditions import SiteConditions
from softswitch.exchange.running.health import Health
from softswitch.exchange.running.list_watch import ListWatch
from softswitch.exchange.running.media_process import MediaProcess, Progress, quietly
from softswitch.exchange.running.never_dial_watch import NeverDialWatch, take_up_never_dial
from softswitch.exchange.running.opening import (
    campaigns_of,
    import_lists,
    make_folders,
    make_tracing,
    new_ref,
    open_homer,
    open_sip,
    take_up_locks,
    take_up_recordings,
    take_up_store,
)
from softswitch.exchange.running.premises import Site, wall
from softswitch.exchange.running.reports import Reports
from softswitch.exchange.running.retention import Retention
from softswitch.exchange.running.suppression_watch import SuppressionWatch
from softswitch.exchange.running.tolls import make_toll_guard
from softswitch.exchange.running.uptake import Left, SiteNotes, Uptake, take_up_places
from softswitch.exchange.running.work import open_work, start_campaigns
from softswitch.exchange.telephony.carriers import find_carriers
from softswitch.exchange.telephony.headsets import Headsets
from softswitch.exchange.telephony.lines import Lines
from softswitch.exchange.telephony.notes import Notes, NoteSeal
from softswitch.exchange.telephony.srtp_rules import srtp_rules
from softswitch.safeguards.audit import SWITCH
from softswitch.safeguards.gate import Gate
from softswitch.safeguards.interlocks import AUDIT, CLOCK, MEDIA, STORE, Interlocks
from softswitch.store.database import Store
from softswitch.store.training import TrainingBook
from softswitch.transports.driver import Driver

if TYPE_CHECKING:
    from softswitch.web.server import WebServer

log = structlog.get_logger(__name__)

STOP_S = 5.0  # what calls are given to end in order
STOP_LOOK_S = 0.05
ANSWERED_LAST_S = 3.0
"""Whoever answers as the minimum ring ends hears an agent or the message within two seconds."""
AUDIT_FRESH_S = 30.0  # the log is looked at every five
STORE_FRESH_S = 20.0  # it is written to every five


class Switch:
    """One site. `await start()`, then it runs on the event loop until `await stop()`."""

    def __init__(self, settings: Settings, path: Path | None = None) -> None:
        """path: the file that they were loaded from, for the administrator's page; None: they cannot be changed."""
        self.settings = settings
        self._path = path
        self.restart_asked = asyncio.Event()
        """Set when an administrator wants the switch to begin again with its file as it is now."""
        self.first_password: str | None = None
        """The administrator's, after the very first start."""
        self.administration: Administration | None = None
        """Of the file; None where there is none."""
        self.site: Site
        self.desk: Desk
        self._web: WebServer
        self._stack = AsyncExitStack()
        self._reports = Reports()
        self._media = self._reports.media = MediaProcess(settings, self._reports.receive_media_event)
        self._stopping = False

    @property
    def sip_address(self) -> str:
        host, port = self.site.pool.own.main.address
        return f"{host}:{port}"

    @property
    def web_url(self) -> str:
        return self._web.url

    @property
    def is_running(self) -> bool:
        """Whether a media process of ours is still there."""
        return self._media.is_running

    # Start

    async def start(self, on_progress: Progress = quietly) -> None:
        """Bring everything up; on an error what was already up is taken down again. UsageError says what to do."""
        try:
            await self._start(on_progress)
        except BaseException:
            await self._stack.aclose()
            raise

    async def _start(self, on_progress: Progress) -> None:
        settings, reports = self.settings, self._reports
        make_folders(settings)
        store = await Store.open(store_url(settings), vault_key_file(settings))
        self._stack.push_async_callback(store.close)
        driver = Driver()
        self._stack.callback(driver.close)
        plane = await self._media.start(on_progress)
        self._stack.push_async_callback(self._media.stop)
        seal = NoteSeal(store.note_key())
        left = Left.read(plane, seal)
        if not left.lines:  # people who talk wait for no books
            await take_up_recordings(settings)
        never_dial, never_dial_at = await take_up_never_dial(store, settings)
        conditions = SiteConditions(settings)
        conditions.store_written_at = await store.written_at([campaign.name for campaign in settings.campaigns])
        await take_up_store(store, left, campaigns_of(settings))

        suppression, locks = SuppressionList(digest=store.digest), NumberLocks(store.digest)
        board = AgentBoard()
        blend = Blend(board)
        conditions.never_dial_at = never_dial_at
        interlocks = Interlocks(
            (*health.NAMES, AUDIT),
            fresh_for_s={AUDIT: AUDIT_FRESH_S, STORE: STORE_FRESH_S},
            campaigns=conditions.of_campaigns(),
        )
        suppression.add_hashes(await store.suppressed(""))
        await take_up_locks(locks, store, settings)
        toll = make_toll_guard(settings, lambda: self.site.calls_up)
        gate = Gate(
            interlocks=interlocks,
            suppressed=suppression.contains,
            may_ring=reports.may_ring,
            toll=toll,
            never_dial=never_dial,
        )
        tracing = make_tracing(settings, driver, lambda: self.site.pool.own)
        transport, pool = await open_sip(settings, driver, gate, tracing)
        self._stack.callback(transport.close)
        take_up_places(pool, left, driver.now)
        carriers = await find_carriers(settings, driver, pool)
        self._stack.callback(carriers.close)
        if tracing is not None and settings.trace.homer:
            self._stack.callback((await open_homer(settings, tracing)).close)
        lines = Lines(
            pool, plane, settings.media.address, lambda: driver.now, reports.receive_recording, srtp_rules(settings)
        )
        records = Records(store, lambda closed, why: self.site.health.report(STORE, closed, why))
        self._stack.push_async_callback(records.close)
        headsets = Headsets(lines, settings.media.address, settle=reports.settle)
        agents = AgentLines(
            lines,
            {agent.id: agent.connect for agent in settings.agents},
            new_ref,
            headsets,
            on_arrived=reports.receive_agent_arrived,
            on_gone=lambda agent, now: self.site.set_agent(agent, AgentState.OFFLINE, now),
            silence_s=settings.sip.phone_silence_s,
        )
        inbound = InboundCalls(
            lines, agents, board, records, recordings_directory(settings),
            new_ref=new_ref, wall=wall, ring=pool.ring, reject=pool.reject, blend=blend,
            choose_trunks=reports.choose_overflow_trunks,
        )  # fmt: skip
        watch = Health(
            interlocks,
            recordings=recordings_directory(settings),
            minimum_free_mb=settings.recordings.minimum_free_mb,
            supervisor_ratio=settings.safeguards.supervisor_ratio,
            agents_in=lambda: sum(board.state_of(a.id) is not AgentState.OFFLINE for a in settings.agents),
            trunk_trouble=lambda: self.site.trunk_trouble(*(trunk.name for trunk in self.site.settings.trunks)),
            on_tick=reports.tick,
            clock=lambda: driver.now,
            toll_alarm=lambda: toll.alarm,
            can_listen=conditions.can_listen,
            clock_trouble=conditions.clock,
            further=conditions.questions(),
            instead=conditions.instead(),
        )
        supervisors = SupervisorLines(
            lines, headsets, new_ref, {each.id for each in settings.supervisors if each.phone_username}
        )
        audit = make_audit(settings, reports.receive_audit_health)
        self._stack.push_async_callback(audit.close)
        supervision = Supervision(
            lines, supervisors, agents,
            is_in=lambda agent: board.state_of(agent) is not AgentState.OFFLINE, note=reports.note_supervision,
            end_call=reports.end_call,
        )  # fmt: skip
        self.site = reports.site = conditions.site = Site(
            settings, driver, store, records, pool, lines, board, agents, supervisors, supervision, audit, inbound,
            interlocks, watch, suppression, locks, blend,
        )  # fmt: skip
        lines.names = tracing.names if tracing is not None else None
        self.desk = Desk(self.site, driver.now, tracing)
        queues = await open_work(self.site, reports, toll, self._stack)
        send = tracing.sending(transport.send) if tracing is not None else transport.send
        await self._take_up(left, queues, seal)
        carriers.on_found = reports.site_notes.carrier_found
        await transport.serve()
        driver.add(pool, on_event=reports.receive_pool_event, send=send)
        self.site.settle()
        self.site.surveys.all_taken_up(driver.now)
        watch.report(STORE, True)
        watch.report(MEDIA, True)
        await start_audit(audit, settings, reports.receive_audit_health)
        watch.start()
        self._stack.push_async_callback(watch.stop)
        with self.site.mutating() as now:
            pool.start(now)
        if left.lines:
            await take_up_recordings(settings)
        await import_lists(store, settings, never_dial)
        await self._keep_watch(gate, conditions)
        await self.site.shift.restore(store)
        await self._start_web(store, Trunks(self.site, carriers, toll.allow_at_once))
        start_campaigns(self.site, left, await store.campaign_orders())
        self._media.is_ours = True

    async def _keep_watch(self, gate: Gate, conditions: SiteConditions) -> None:
        """What goes on beside the calls: lists that change are seen, and what is too old is destroyed."""
        site, settings = self.site, self.settings
        for each in (SuppressionWatch(site), NeverDialWatch(site, gate, conditions), ListWatch(site)):
            await each.start()
            self._stack.push_async_callback(each.stop)
        retention = Retention(
            settings,
            site.store,
            site.audit,
            find_key(settings.audit.signing_key, settings.site.data_directory),
            clock_trouble=lambda: site.interlocks.open_reason(CLOCK),
        )
        retention.start()
        self._stack.push_async_callback(retention.stop)

    async def _take_up(self, left: Left, queues: list[Queue], seal: NoteSeal) -> None:
        """Go on with what a killed process has left, before anybody can say anything to us; and begin to leave notes
        for the next."""
        site, lines, reports = self.site, self.site.lines, self._reports
        notes = Notes(lambda: lines.plane, lines.note_of, seal=seal, soon=asyncio.get_running_loop().call_soon)
        reports.notes, reports.site_notes = notes, SiteNotes(site, notes)
        going_on = Uptake(site, left, queues).run(site.driver.now)
        if going_on != left.call_refs():
            await site.store.release_leads(going_on=going_on, campaigns=campaigns_of(self.settings))
        site.plane.claim(lines.media_legs())
        reports.site_notes.begin(left)

    async def _start_web(self, store: Store, trunks: Trunks) -> None:
        """Last, and its libraries are read beside the loop: calls do not wait for pages."""
        await asyncio.to_thread(import_module, "softswitch.web_opening")
        from softswitch.web.passwords import first_start
        from softswitch.web_opening import make_web

        self.first_password = await first_start(store)
        if self._path is not None:
            self.administration = make_administration(self._path, self.site, self.restart_asked.set, trunks)
            self._stack.push_async_callback(self.administration.close)
        self._web = make_web(
            self.settings, self.desk, store, self.site.audit, self.site.admissions.refuse, store.token_name,
            TrainingBook(store),
            self.administration,
        )  # fmt: skip
        await self._web.start()
        self._stack.push_async_callback(self._web.stop)

    # Stop

    async def stop(self) -> None:
        """No new calls; what rings rings out, live ones end in order, records are written, recordings closed. A second
        call does nothing."""
        if self._stopping or not hasattr(self, "site"):
            return
        self._stopping = True
        await self._ring_out()
        self._reports.close()
        self._media.no_more_restarts()
        site = self.site
        with site.mutating() as now:
            for dialler in site.diallers:
                dialler.stop(now)
            site.pool.stop(now)
            if site.lines.headsets is not None:
                site.lines.headsets.hang_up_all()
        for _ in range(int(STOP_S / STOP_LOOK_S)):
            if site.pool.is_quiet:
                break
            await asyncio.sleep(STOP_LOOK_S)
        for calls in site.campaigns.values():
            await calls.close()
        await site.records.drain(STOP_S)
        site.audit.note_soon(SWITCH, "stop", subject="", reason="", failed=self._reports.receive_audit_health)
        self._media.cancel_restarts()
        await self._stack.aclose()

    async def _ring_out(self) -> None:
        """No telephone is cut off before the minimum ring, nor for the end of this process."""
        diallers = self.site.diallers
        with self.site.mutating() as now:
            for dialler in diallers:
                dialler.ring_out(now)
        longest_s = max((each.campaign.minimum_ring_s for each in diallers), default=0.0)
        if any(each.rings for each in diallers):
            log.info("telephones ring out before the end", seconds=longest_s)
        for _ in range(int((longest_s + ANSWERED_LAST_S) / STOP_LOOK_S)):
            if not any(each.rings for each in diallers):
                break
            await asyncio.sleep(STOP_LOOK_S)
