"""A small site for the web's tests: a switch that keeps its promises (`SwitchControl`)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from small_auditing import SmallAuditing
from small_supervision import SmallSupervision

from softswitch.dialler.detection import Truth
from softswitch.errors import UsageError
from softswitch.recordings.names import parts_of
from softswitch.safeguards import four_eyes
from softswitch.safeguards.campaign_views import CampaignView, OutlookView, ShiftView
from softswitch.safeguards.four_eyes import Request, What
from softswitch.safeguards.interlocks import InterlockView
from softswitch.safeguards.overrides import OverrideView
from softswitch.safeguards.shift_book import Interval
from softswitch.safeguards.supervision_views import ConversationView
from softswitch.safeguards.trace_view import StepView, TraceView
from softswitch.safeguards.visibility import CallView
from softswitch.safeguards.wallboard import AgentView, QueueView, TrunkView, WallboardView
from softswitch.store.requests import Playback
from softswitch.store.reviews import Review

CANARY = "+441632960961"
"""The callee's number of every call here; no answer of the web may hold it."""


class SmallSwitch(SmallSupervision):
    def __init__(self, agents: tuple[str, ...] = ("101", "102")) -> None:
        super().__init__(agents)
        self.auditing = SmallAuditing(self.campaign)
        self.asked_for: dict[str, Request] = {}
        self.played: dict[str, Playback] = {}
        self.container: Path | None = None
        """The one recording that there is, named after its call; its further parts lie beside it."""
        self.servers_up = 2
        self.trunk = ("registered", 0)
        """State, and the status that its registration was refused by."""
        self.outlook: OutlookView | None = None
        self.steps: tuple[Interval, ...] = ()
        self.talks: list[ConversationView] = []
        self.further: tuple[InterlockView, ...] = ()
        """Interlocks beside the two that it always has."""
        self.asked: dict[str, OverrideView] = {}
        self.looked_at: list[tuple[str, str, str]] = []
        self.to_review = ["m1", "m2"]
        self.heard: list[tuple[str, Truth, str]] = []

    def wallboard(self) -> WallboardView:
        return WallboardView(
            site="Lab site",
            uptime_s=self.now,
            agents=tuple(
                AgentView(agent, state, self.now - self.since[agent], "", self.campaign, 3, 120.0, 20.0, 300.0)
                for agent, state in self.states.items()
            ),
            calls=tuple(
                CallView(
                    call.call_ref, self.campaign, call.agent, call.state, self.now - call.began_s, "HUMAN", "•••• 61"
                )
                for call in self.live.values()
            ),
            campaigns=(
                CampaignView(
                    name=self.campaign,
                    state=self.campaign_state,
                    policy="predictive",
                    leads_left=40,
                    leads_total=60,
                    ringing=len(self.live),
                    attempts_today=len(self.attempts),
                    live_today=12,
                    abandoned_today=1,
                    silent_today=0,
                    machines_today=4,
                    abandoned_rate=0.02,
                    abandoned_limit=0.03,
                    outcomes={"answered": 13, "busy": 4, "no-answer": 3},
                    hopper=180,
                    held_because=self.campaign_held,
                    idle_because=self.campaign_idle,
                    outlook=self.outlook,
                ),
            ),
            trunks=(TrunkView("carrier", self.trunk[0], len(self.live), 30, 2, self.servers_up, self.trunk[1]),),
            interlocks=(
                InterlockView("recorder", True, ""),
                InterlockView("supervisor", bool(self.present), "" if self.present else "No supervisor watches."),
                *self.further,
            ),
            media_packets_in=1000,
            media_packets_out=990,
            media_packets_lost=3,
            media_us_per_packet=3.5,
            datagrams_dropped={"banned": 12, "rate": 0},
            sources_banned={"guessing": 2},
            supervision=self.supervision(),
            muted_agents=tuple(sorted(self.muted)),
            conversations=tuple(self.talks),
            alerts=tuple(self.alerts),
            queues=(QueueView("inbound-442079460100", 2, 31.0),),
        )

    def shift(self) -> ShiftView:
        return ShiftView("Europe/London", 0.03, self.steps)

    async def trace(self, call: str, *, by: str, whole: bool, reason: str) -> TraceView:
        if call not in self.live:
            raise KeyError(call)
        if whole:
            self.looked_at.append((by, call, reason))
        step = StepView(
            after_s=0.0,
            at="2026-11-20T10:00:00.000000+00:00",
            side="carrier",
            peer="192.0.2.2:5060",
            transport="UDP",
            sent=True,
            label="INVITE",
            cseq="1 INVITE",
            sdp="PCMA sendrecv 192.0.2.1:20000",
            is_copy=False,
            message=f"INVITE sip:{self._number(whole)}@x",
        )
        return TraceView(call, whole, "192.0.2.1:5060", (step, replace(step, sent=False, label="200 OK")))

    async def capture(self, call: str, *, by: str, whole: bool, reason: str) -> bytes:
        view = await self.trace(call, by=by, whole=whole, reason=reason)
        return view.steps[0].message.encode()

    def _number(self, whole: bool) -> str:
        return CANARY if whole else "xxxxxx61"

    async def reviews(self, campaign: str, limit: int) -> list[Review]:
        if campaign:
            self._known_campaign(campaign)
        return [self._review(call_ref) for call_ref in self.to_review][:limit]

    async def review(self, call_ref: str, truth: Truth, by: str) -> None:
        if call_ref == "not-drawn":
            raise UsageError("this call was not drawn for review")
        if call_ref not in self.to_review:
            raise KeyError(call_ref)
        self.to_review.remove(call_ref)
        self.heard.append((call_ref, truth, by))

    def _review(self, call_ref: str) -> Review:
        return Review(
            call_ref,
            self.campaign,
            "2026-11-20",
            "MACHINE",
            "BEEP",
            0.97,
            4200,
            "careful",
            f"{call_ref}.ssr",
            "",
            "",
            None,
        )

    async def ask_request(self, what: What, call_refs: Sequence[str], by: str, reason: str, for_s: float) -> Request:
        four_eyes.check_ask(what, call_refs, reason, for_s)
        request = Request(f"{len(self.asked_for):04x}", what, tuple(call_refs), reason, by, datetime.now(UTC), for_s)
        self.asked_for[request.request_ref] = request
        return request

    async def approve_request(self, request_ref: str, by: str) -> Request:
        request, now = self.asked_for[request_ref], datetime.now(UTC)
        four_eyes.check_approve(request, by, now)
        self.asked_for[request_ref] = replace(request, approved_by=by, approved_at=now)
        return self.asked_for[request_ref]

    async def requests(self) -> list[Request]:
        return list(self.asked_for.values())

    async def begin_playback(self, call_ref: str, by: str, reason: str) -> tuple[Playback, int]:
        if self.container is None or self.container.stem != call_ref:
            raise KeyError(call_ref)
        playback = Playback(f"{len(self.played):04x}", call_ref, reason, by, datetime.now(UTC))
        self.played[playback.playback_ref] = playback
        return playback, len(parts_of(self.container.parent, call_ref))

    async def playback_part(self, playback_ref: str, part: int, by: str) -> Path:
        playback = self.played[playback_ref]
        if playback.asked_by != by or self.container is None:
            raise KeyError(playback_ref)
        parts = parts_of(self.container.parent, playback.call_ref)
        if not 1 <= part <= len(parts):
            raise KeyError(part)
        return parts[part - 1]

    async def note_listened(self, playback_ref: str, listened_s: float, by: str) -> None:
        self.played[playback_ref] = replace(self.played[playback_ref], listened_s=listened_s)

    async def playbacks(self) -> list[Playback]:
        return list(self.played.values())

    async def ask_override(self, interlock: str, by: str, reason: str, for_s: float) -> None:
        self._known_interlock(interlock)
        self.asked[interlock] = OverrideView(interlock, by, "", reason, for_s, 600.0)

    async def agree_override(self, interlock: str, by: str) -> None:
        if interlock not in self.asked:
            raise UsageError(f"nobody has asked to override {interlock}, or it is more than 10 minutes ago")
        if self.asked[interlock].asked_by == by:
            raise UsageError("you have asked for it yourself: another administrator must agree")
        self.asked[interlock] = replace(self.asked[interlock], agreed_by=by)

    async def end_override(self, interlock: str, by: str) -> None:
        del self.asked[interlock]

    def overrides(self) -> tuple[OverrideView, ...]:
        return tuple(self.asked.values())

    def _known_interlock(self, name: str) -> None:
        if name not in {view.name for view in self.wallboard().interlocks}:
            raise KeyError(name)
