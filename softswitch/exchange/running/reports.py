"""What the rooms of a site report, and what follows of it elsewhere: the paths between rooms that know nothing of each
other."""

from contextlib import suppress

import structlog

from softswitch.calls.events import CallEnded, CallEvent, CallFailed, CallOffered
from softswitch.calls.routing import LogIn, Refuse, RoutingTable, ToQueue, route
from softswitch.dialler.agents import AgentChanged, AgentState, CallEnd
from softswitch.exchange.calls.queues import Queue
from softswitch.exchange.floor.headset_tests import HEADSET_TEST
from softswitch.exchange.running import health
from softswitch.exchange.running.media_process import MediaProcess
from softswitch.exchange.running.premises import Site, wall
from softswitch.exchange.running.uptake import SiteNotes
from softswitch.exchange.telephony.notes import Notes
from softswitch.media.control import MediaPlane
from softswitch.media.events import MediaEvent, PlaneDied, PlaneRecovered, RecordingClosed, RecordingFailed
from softswitch.safeguards.audit import SWITCH
from softswitch.safeguards.interlocks import AUDIT, MEDIA
from softswitch.store.journal import Entry, Kind
from softswitch.ua.accounts import AccountFailed, AccountReachable, AccountRegistered
from softswitch.ua.defence import SourceBanned
from softswitch.ua.pool import PoolEvent

log = structlog.get_logger(__name__)

SHIFT_OVER = "shift over"
"""Pause code of an agent whose hours ended in a call; the log-out follows it."""


class Reports:
    """Rooms are built with these methods before the site is whole: whoever builds it gives the four parts below
    before the first report can come."""

    media: MediaProcess
    site: Site
    notes: Notes
    site_notes: SiteNotes

    def __init__(self) -> None:
        self._queues: dict[str, Queue] = {}
        self._routing = RoutingTable()
        self._closing = False
        self._audit_trouble: str | None = None

    def open_for(self, queues: list[Queue], supervisors: set[str]) -> None:
        """Who may call in from now on, and where it leads."""
        self._queues = {queue.campaign: queue for queue in queues}
        self._routing = RoutingTable({queue.did: queue.campaign for queue in queues}, supervisors=supervisors)

    def close(self) -> None:
        """The site ends: a media process that goes now is no accident."""
        self._closing = True

    def receive_pool_event(self, event: PoolEvent) -> None:
        now = self.site.driver.now
        match event:
            case CallOffered():
                self._route(event, now)
            case CallEvent():
                self.site.lines.receive_call_event(event, now)
                if isinstance(event, CallEnded | CallFailed):  # before its answer it has no line yet
                    self.site.inbound.receive_withdrawn(event.leg_id, now)
                self.site.report_channels()
            case AccountFailed():
                log.warning("carrier account", account=event.account, news="AccountFailed", status=event.status)
                self.site.health.look()
            case AccountRegistered() | AccountReachable():
                log.info("carrier account", account=event.account, news=type(event).__name__)
                self.site.health.look()
            case SourceBanned():
                log.warning("source banned", address=event.address, reason=event.reason, seconds=event.seconds)
            case _:
                log.info("agent phone", agent=event.agent, news=type(event).__name__)

    def _route(self, event: CallOffered, now: float) -> None:
        match route(event, self._routing):
            case LogIn(agent):
                if self.site.admissions.refuse(agent):
                    self.site.pool.reject(event.leg_id, 403, now)
                else:
                    self.site.agents.receive_log_in_call(event, now)
            case ToQueue(name):
                reasons = self.site.interlocks.reasons_among(health.INBOUND)
                if reasons:
                    log.warning("inbound call refused", queue=name, reasons=reasons)
                    self.site.pool.reject(event.leg_id, 480, now)
                else:
                    self.site.inbound.receive_call(event, self._queues[name], now)
            case Refuse(status):
                self.site.pool.reject(event.leg_id, status, now)

    def receive_agent_arrived(self, agent: str, now: float) -> None:
        """An agent's line is heard: ready, or first the test of the headset, where the agent's page asks for it. Nobody
        arrives who may not work now, however it came about."""
        if self.site.admissions.refuse(agent):
            self.site.agents.log_out(agent, now)
        elif self.site.headset_tests.is_due(agent):
            self.site.set_agent(agent, AgentState.PAUSED, now, HEADSET_TEST)
        else:
            self.site.set_agent(agent, AgentState.READY, now)

    def receive_agent_changed(self, event: AgentChanged) -> None:
        now = self.site.driver.now
        self.site_notes.agent_changed(event.agent)
        self.site.surveys.receive_agent_changed(event, now)
        self.site.shift.receive_agent_changed(event)
        told = {"state": event.state.value, "code": event.code}
        entry = Entry(Kind.AGENT, wall(), call_ref=event.call_ref, agent=event.agent, content=told)
        self.site.records.record(entry)
        if event.state not in (AgentState.RESERVED, AgentState.IN_CALL):
            self.site.agents.release(event.agent, now)
        if event.state is AgentState.OFFLINE:
            self.site.headset_tests.receive_gone(event.agent)
            self.site.supervision.agent_gone(event.agent, now)
        if event.state is AgentState.READY:
            self.site.inbound.serve(now)
        self.site.driver.settle(self.site.pool)

    def receive_suppressed(self, number: str) -> None:
        with self.site.mutating() as now:
            for dialler in self.site.diallers:
                dialler.receive_suppressed(number, now)

    def note_supervision(self, supervisor: str, action: str, *, subject: str, reason: str) -> None:
        """What is done with an agent by itself; what cannot be noted is not done any longer."""

        def failed(why: str) -> None:
            log.error("supervision cannot be noted, and ends", reason=why)
            with self.site.mutating() as now:
                self.site.supervision.stop(supervisor, why, now, noted=False)

        self.site.audit.note_soon(supervisor, action, subject=subject, reason=reason, failed=failed)

    def end_call(self, call_ref: str, now: float) -> None:
        """A call whose supervisor has gone, who had taken it over; it may be over already."""
        with suppress(KeyError):
            self.site.hang_up(call_ref, now, CallEnd.SUPERVISOR)
        self.site.settle()

    def receive_audit_health(self, trouble: str) -> None:
        """Whether the audit log can be written; where it cannot, nothing is dialled."""
        if trouble != self._audit_trouble:
            self._audit_trouble = trouble
            if trouble:
                log.error("the audit log cannot be written, nothing is dialled", reason=trouble)
            self.site.health.report(AUDIT, not trouble, trouble)
        else:
            self.site.interlocks.report(AUDIT, not trouble, trouble, self.site.driver.now)

    def settle(self) -> None:
        self.site.settle()

    def receive_media_event(self, event: MediaEvent) -> None:
        if isinstance(event, PlaneDied):
            self._receive_plane_death(event)
            return
        if isinstance(event, PlaneRecovered):
            log.error(
                "the media process died and was replaced", reason=event.reason, legs=event.legs, gap_s=event.gap_s
            )
            return
        self.site.lines.receive_media_event(event)
        self.site.settle()

    def receive_recording(self, event: RecordingClosed | RecordingFailed) -> None:
        call_ref = event.call_ref
        if isinstance(event, RecordingClosed):
            if event.frames_lost:
                log.warning("recording has gaps", call=call_ref, frames_lost=event.frames_lost)
            return
        log.error("recording failed", call=call_ref, reason=event.reason)
        self.site.health.recording_failed(event.reason)
        for calls in self.site.campaigns.values():
            calls.recording_failed(call_ref)
        self.site.inbound.recording_failed(call_ref, self.site.driver.now)

    def _receive_plane_death(self, event: PlaneDied) -> None:
        """No recording, no call: every call ends, nothing is dialled until a new media process is up."""
        if self._closing:
            return
        log.error("the media process died", reason=event.reason)
        self.site.health.report(MEDIA, False, f"the media process died: {event.reason}")
        with self.site.mutating() as now:
            self.site.lines.hang_up_all(now)
        self.media.restart(self._receive_new_plane)

    def _receive_new_plane(self, plane: MediaPlane) -> None:
        self.site.lines.plane = plane
        self.notes.write_anew(self.site.lines.leg_ids())
        self.site.health.report(MEDIA, True)

    def may_ring(self, number: str) -> str | None:
        return self.site.may_ring(number)

    def choose_overflow_trunks(self, trunk: str, number: str) -> list[str]:
        return self.site.choose_overflow_trunks(trunk, number)

    def tick(self) -> None:
        """Health looked, or something reported to it: tell the diallers what may be done, and what time it is."""
        now = self.site.driver.now
        self._end_overrides(now)
        self._end_shifts(now)
        self.site.rostering.look(now)
        for dialler in self.site.diallers:
            dialler.set_wall(wall(), now)
        self.site.agents.look(now)
        self.site.surveys.look(now)
        self.site.inbound.handle_timer(now)
        self.site.report_channels()
        self.site.shift.look(now)

    def _end_overrides(self, now: float) -> None:
        """Interlocks count again once the time of their override is over."""
        overrides = self.site.overrides
        overrides.handle_timer(now)
        while (event := overrides.next_event()) is not None:
            held = event.override
            what = "override over" if held.agreed_by else "override not agreed to"
            why = f"asked for by {held.asked_by}" + (f", agreed to by {held.agreed_by}" if held.agreed_by else "")
            self.site.audit.note_soon(
                SWITCH, what, subject=f"interlock {held.interlock}", reason=why, failed=self.receive_audit_health
            )

    def _end_shifts(self, now: float) -> None:
        """Agents whose clearance or hours are over are logged out, once they are in no call and none is on its way.

        Who is in a call is given no other after it, and is not counted on for one.
        """
        for agent in self.site.settings.agents:
            state = self.site.board.state_of(agent.id)
            if state is AgentState.OFFLINE or not self.site.admissions.refuse(agent.id):
                continue
            if state in (AgentState.READY, AgentState.PAUSED):
                self.site.agents.log_out(agent.id, now)
            else:
                self.site.board.receive_state(agent.id, AgentState.PAUSED, now, SHIFT_OVER)
