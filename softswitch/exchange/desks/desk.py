"""What people ask of a running site: the wallboard, agents' states, campaigns, the kill switch."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog

from softswitch.config import recordings_directory
from softswitch.dialler.agents import AgentState, CallEnd
from softswitch.dialler.attempt import DialAttempt, Disposition
from softswitch.dialler.detection import Truth
from softswitch.dialler.dialling import Dialler
from softswitch.dialler.lead import Lead
from softswitch.errors import UsageError
from softswitch.exchange.calls.dialled import DialledCalls
from softswitch.exchange.calls.queues import name_of
from softswitch.exchange.desks.auditing import Auditing
from softswitch.exchange.desks.reviewing import Reviewing
from softswitch.exchange.desks.safekeeping import Safekeeping
from softswitch.exchange.desks.supervisor import SupervisorDesk
from softswitch.exchange.running.premises import Site, wall
from softswitch.exchange.telephony.tracing import Tracing
from softswitch.safeguards.campaign_views import CallbackView, CampaignView, ShiftView, callback_view, campaign_view
from softswitch.safeguards.four_eyes import Request, What
from softswitch.safeguards.overrides import OverrideView
from softswitch.safeguards.trace_view import TraceView
from softswitch.safeguards.visibility import call_view
from softswitch.safeguards.wallboard import TrunkView, WallboardView, agent_view
from softswitch.store.requests import Playback
from softswitch.store.reviews import Review

log = structlog.get_logger(__name__)

CALLBACKS_SHOWN = timedelta(days=31)
COUNT_S = 0.5
CLOSING_PROMPT = "closing"
"""Name under [prompts] of what a callee hears when the kill switch ends the call."""


class Desk(SupervisorDesk):
    """Fulfils `softswitch.web.control.SwitchControl`."""

    def __init__(self, site: Site, started_at: float, tracing: Tracing | None = None) -> None:
        super().__init__(site)
        self._started_at = started_at
        self._tracing = tracing
        self._counted, self._counted_at = (0, 0, 0, 0.0), float("-inf")
        self._reviewing = Reviewing(site)
        self.auditing = Auditing(site)
        self._safekeeping = Safekeeping(site.store, site.audit, recordings_directory(site.settings), wall)

    def wallboard(self) -> WallboardView:
        site, now = self._site, self._site.driver.now
        packets_in, packets_out, packets_lost, cpu_s = self._packets(now)
        defence = site.pool.defence
        return WallboardView(
            site=site.settings.site.name,
            uptime_s=now - self._started_at,
            agents=tuple(agent_view(figures) for figures in site.board.figures(now)),
            calls=tuple(call_view(figures) for dialler in site.diallers for figures in dialler.calls(now)),
            campaigns=tuple(self._campaign_view(dialler, now) for dialler in site.diallers),
            trunks=tuple(self._trunk(trunk.name, trunk.channels) for trunk in site.settings.trunks),
            interlocks=site.interlocks.views(),
            media_packets_in=packets_in,
            media_packets_out=packets_out,
            media_packets_lost=packets_lost,
            media_us_per_packet=1e6 * cpu_s / max(1, packets_in + packets_out),
            media_deaths=site.plane.deaths,
            datagrams_dropped={} if defence is None else {str(why): count for why, count in defence.dropped.items()},
            sources_banned={} if defence is None else {str(why): count for why, count in defence.bans.items()},
            supervision=site.supervision.views(now),
            muted_agents=site.agents.muted(),
            refused_agents=dict(site.admissions.refused),
            conversations=site.watching.conversations(now),
            alerts=site.watching.alerts(now),
            queues=tuple(site.inbound.queue_view(name_of(each.did), now) for each in site.settings.inbound),
        )

    def _campaign_view(self, dialler: Dialler, now: float) -> CampaignView:
        view = campaign_view(dialler.figures(now), self._site.shift.outlook(dialler, now))
        why = self._site.not_started.get(view.name, "") if view.state == "stopped" else ""
        return replace(view, held_because=f"could not be started: {why}") if why else view

    def _packets(self, now: float) -> tuple[int, int, int, float]:
        """As `plane.totals`, which looks at every leg: twice a second is enough for whoever looks at a screen."""
        if now - self._counted_at >= COUNT_S:
            self._counted, self._counted_at = self._site.plane.totals(), now
        return self._counted

    def shift(self) -> ShiftView:
        """The day until now, for charts."""
        return self._site.shift.view()

    def _trunk(self, name: str, channels: int) -> TrunkView:
        pool = self._site.pool
        up, servers = pool.servers_of(name)
        state, refusal = str(pool.account_state(name)), pool.refusal_of(name)
        return TrunkView(name, state, pool.calls_on(name), channels, servers, up, refusal)

    async def calls_of(self, campaign: str, limit: int, offset: int) -> list[DialAttempt]:
        self._campaign(campaign)
        return await self._site.store.attempts(campaign, limit, offset)

    async def leads_of(self, campaign: str) -> AsyncIterator[Lead]:
        """Every lead, without number and fields, as they are read."""
        self._campaign(campaign)
        return self._site.store.all_leads(campaign)

    async def start_campaign(self, name: str) -> None:
        """What a campaign was told last is kept: the next process of the site goes on from there."""
        with self._site.mutating() as now:
            self._site.start_campaign(name, now)
        self._site.records.keep_order(name, "running")

    async def pause_campaign(self, name: str) -> None:
        dialler = self._campaign(name).dialler
        if dialler.wanted not in ("running", "paused"):
            raise UsageError(f"campaign {name} is {dialler.wanted}: there is nothing to pause")
        with self._site.mutating() as now:
            dialler.pause(now)
        self._site.records.keep_order(name, "paused")

    async def stop_campaign(self, name: str) -> None:
        with self._site.mutating() as now:
            self._campaign(name).dialler.stop(now)
        self._site.not_started.pop(name, None)
        self._site.records.keep_order(name, "stopped")

    async def log_in_agent(self, agent: str) -> None:
        self._known(agent)
        self._site.admissions.check(agent)
        with self._site.mutating() as now:
            self._site.agents.log_in(agent, now)

    async def log_out_agent(self, agent: str) -> None:
        self._known(agent)
        with self._site.mutating() as now:
            self._site.agents.log_out(agent, now)

    async def ready_agent(self, agent: str) -> None:
        self._known(agent)
        self._site.admissions.check(agent)
        self.check_headset_tested(agent)
        if not self._site.agents.is_in(agent):
            raise UsageError(f"agent {agent} is not logged in: the phone must dial the log-in first")
        self._site.set_agent(agent, AgentState.READY, self._site.driver.now)

    async def pause_agent(self, agent: str, code: str) -> None:
        self._known(agent)
        if self._site.board.state_of(agent) is AgentState.OFFLINE:
            raise UsageError(f"agent {agent} is not logged in")
        self._site.set_agent(agent, AgentState.PAUSED, self._site.driver.now, code)

    async def dispose(self, agent: str, call_ref: str, disposition: Disposition) -> None:
        self._known(agent)
        dialler = next((each for each in self._site.diallers if _had_by(agent, call_ref, each)), None)
        if dialler is None:
            raise UsageError("this is not a call of yours, or it is too long ago")
        with self._site.mutating() as now:
            dialler.receive_disposition(call_ref, disposition, now)
            if self._site.board.state_of(agent) is AgentState.WRAP_UP:
                dialler.receive_wrapped_up(agent, None, now)
        if disposition is Disposition.OPT_OUT:
            await self.opt_out_kept()

    async def accept_preview(self, agent: str, call_ref: str) -> None:
        """Have the lead called that the agent is shown."""
        self._known(agent)
        with self._site.mutating() as now:
            self._showing(call_ref).receive_preview_accepted(agent, call_ref, now)

    async def skip_preview(self, agent: str, call_ref: str, reason: str) -> None:
        self._known(agent)
        with self._site.mutating() as now:
            self._showing(call_ref).receive_preview_skipped(agent, call_ref, reason, now)

    async def dial_reference(self, agent: str, campaign: str, lead_ref: str) -> str:
        """Call a lead of a campaign of policy manual for the agent who asks for it; the `call_ref`."""
        self._known(agent)
        dialler = self._campaign(campaign).dialler
        lead = await self._lead_of(campaign, lead_ref)
        with self._site.mutating() as now:
            return dialler.dial_by_reference(agent, lead, now)

    def _showing(self, call_ref: str) -> Dialler:
        for dialler in self._site.diallers:
            if dialler.is_shown(call_ref):
                return dialler
        raise UsageError("you are not shown this lead, or no longer")

    async def promise_callback(self, campaign: str, lead_ref: str, when: datetime, agent: str, by: str) -> datetime:
        """The same for a lead that is in no call, for an agent or (empty) anybody."""
        dialler = self._campaign(campaign).dialler
        if agent:
            self._known(agent)
        lead = await self._lead_of(campaign, lead_ref)
        with self._site.mutating() as now:
            return dialler.promise_callback(lead, when, agent or None, by, now)

    async def cancel_callback(self, campaign: str, lead_ref: str) -> None:
        dialler = self._campaign(campaign).dialler
        lead = await self._lead_of(campaign, lead_ref)
        with self._site.mutating() as now:
            dialler.cancel_callback(lead, now)

    async def callbacks(self, campaign: str, came_to: str, limit: int) -> list[CallbackView]:
        """came_to: "open", "missed" and so on, the earliest first; missed ones of the last month."""
        known = self._campaign(campaign).dialler.campaign
        since = None if came_to == "open" else wall() - CALLBACKS_SHOWN
        found = await self._site.store.callbacks(campaign, ("" if came_to == "open" else came_to,), limit, since)
        return [callback_view(each, known, wall()) for each in found]

    async def _lead_of(self, campaign: str, lead_ref: str) -> Lead:
        await self._site.records.written()
        lead = await self._site.store.lead(lead_ref)
        if lead.campaign != campaign:
            raise UsageError(f'there is no lead "{lead_ref}" in campaign {campaign}')
        return lead

    async def hang_up(self, call_ref: str) -> None:
        with self._site.mutating() as now:
            self._site.hang_up(call_ref, now, CallEnd.SUPERVISOR)

    async def kill_switch(self, by: str) -> None:
        site = self._site
        clip = CLOSING_PROMPT if CLOSING_PROMPT in site.settings.prompts else ""
        with site.mutating() as now:
            steps: list[Callable[[], object]] = [partial(site.agents.mute, agent.id) for agent in site.settings.agents]
            steps += [partial(dialler.kill, now, clip) for dialler in site.diallers]
            steps += [partial(site.inbound.kill, clip, now), site.trials.end]
            for step in steps:
                try:
                    step()
                except Exception:  # whatever is broken of one must not keep the others talking
                    log.exception("a part of the kill switch failed")
        for name in site.campaigns:
            site.records.keep_order(name, "stopped")

    async def ask_override(self, interlock: str, by: str, reason: str, for_s: float) -> None:
        """The first of two administrators: nothing is overridden by it."""
        overrides, now = self._site.overrides, self._site.driver.now
        overrides.check_ask(interlock, by, reason, for_s, now)
        text = f"for {for_s / 60:.0f} minutes: {reason}"
        await self._audit.note(by, "ask to override", subject=f"interlock {interlock}", reason=text)
        overrides.ask(interlock, by, reason, for_s, self._site.driver.now)

    async def agree_override(self, interlock: str, by: str) -> None:
        """The second: the interlock is overridden from now on, for the time that was asked for."""
        overrides = self._site.overrides
        asked = overrides.check_agree(interlock, by, self._site.driver.now)
        text = f"asked for by {asked.asked_by}, for {asked.for_s / 60:.0f} minutes: {asked.reason}"
        await self._audit.note(by, "override", subject=f"interlock {interlock}", reason=text)
        if overrides.check_agree(interlock, by, self._site.driver.now) is not asked:
            raise UsageError("another question has taken its place: look at it first")
        overrides.agree(interlock, by, self._site.driver.now)
        self._site.health.look()

    async def end_override(self, interlock: str, by: str) -> None:
        """At once, and noted then: it makes the site safer."""
        held = self._site.overrides.end(interlock, self._site.driver.now)
        self._site.health.look()
        text = f"asked for by {held.asked_by}" + (f", agreed to by {held.agreed_by}" if held.agreed_by else "")
        await self._audit.note(by, "end override", subject=f"interlock {interlock}", reason=text)

    def overrides(self) -> tuple[OverrideView, ...]:
        now = self._site.driver.now
        return tuple(
            OverrideView(each.interlock, each.asked_by, each.agreed_by, each.reason, each.for_s, each.ends_at - now)
            for each in self._site.overrides.all(now)
        )

    async def trace(self, call: str, *, by: str, whole: bool, reason: str) -> TraceView:
        tracing = self._kept_messages()
        if whole:
            await self._audit.note(by, "trace", subject=call, reason=reason)
        return tracing.view(call, whole=whole)

    async def capture(self, call: str, *, by: str, whole: bool, reason: str) -> bytes:
        tracing = self._kept_messages()
        if whole:
            await self._audit.note(by, "capture", subject=call, reason=reason)
        return tracing.capture(call, whole=whole)

    def _kept_messages(self) -> Tracing:
        if self._tracing is None:
            raise UsageError("no messages are kept: set [trace] messages to more than 0 and start the switch again")
        return self._tracing

    async def reviews(self, campaign: str, limit: int) -> list[Review]:
        return await self._reviewing.waiting(campaign, limit)

    async def review(self, call_ref: str, truth: Truth, by: str) -> None:
        await self._reviewing.judge(call_ref, truth, by)

    async def ask_request(self, what: What, call_refs: Sequence[str], by: str, reason: str, for_s: float) -> Request:
        return await self._safekeeping.ask(what, call_refs, by, reason, for_s)

    async def approve_request(self, request_ref: str, by: str) -> Request:
        return await self._safekeeping.approve(request_ref, by)

    async def requests(self) -> list[Request]:
        return await self._safekeeping.requests()

    async def begin_playback(self, call_ref: str, by: str, reason: str) -> tuple[Playback, int]:
        return await self._safekeeping.begin_playback(call_ref, by, reason)

    async def playback_part(self, playback_ref: str, part: int, by: str) -> Path:
        return await self._safekeeping.playback_part(playback_ref, part, by)

    async def note_listened(self, playback_ref: str, listened_s: float, by: str) -> None:
        await self._safekeeping.note_listened(playback_ref, listened_s, by)

    async def playbacks(self) -> list[Playback]:
        return await self._safekeeping.playbacks()

    async def seat_agent_headset(self, agent: str, offer: bytes) -> bytes:
        self._known(agent)
        self._site.admissions.check(agent)
        with self._site.mutating() as now:
            return self._site.agents.receive_headset(agent, offer, now)

    async def end_agent_headset(self, agent: str) -> None:
        self._known(agent)
        with self._site.mutating() as now:
            self._site.agents.end_headset(agent, now)

    def _campaign(self, name: str) -> DialledCalls:
        return self._site.campaigns[name]


def _had_by(agent: str, call_ref: str, dialler: Dialler) -> bool:
    try:
        return dialler.attempt(call_ref).agent == agent
    except KeyError:
        return False
