"""A small site for the web's tests: a switch that keeps its promises (`SwitchControl`), and accounts in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from argon2 import PasswordHasher
from small_auditing import SmallAuditing

from softswitch.dialler.agents import AgentState
from softswitch.dialler.attempt import DialAttempt, Disposition
from softswitch.dialler.callbacks import moment_of
from softswitch.dialler.detection import Truth
from softswitch.errors import PeerError, UsageError
from softswitch.safeguards import four_eyes
from softswitch.safeguards.agent_page import (
    AgentPageView,
    InterviewFigures,
    InterviewView,
    interview_figures,
    interview_view,
)
from softswitch.safeguards.campaign_views import CallbackView, CampaignView, OutlookView, ShiftView
from softswitch.safeguards.four_eyes import Request, What
from softswitch.safeguards.interlocks import InterlockView
from softswitch.safeguards.overrides import OverrideView
from softswitch.safeguards.shift_book import Interval
from softswitch.safeguards.supervision_views import AlertView, ConversationView, SupervisionView, SupervisorAudioView
from softswitch.safeguards.trace_view import StepView, TraceView
from softswitch.safeguards.visibility import AgentCallView, CallView
from softswitch.safeguards.wallboard import AgentView, QueueView, TrunkView, WallboardView
from softswitch.store.requests import Playback
from softswitch.store.reviews import Review
from softswitch.store.training import TrainingResult
from softswitch.survey.interview import Interview
from softswitch.survey.questionnaire import Ending, Questionnaire
from softswitch.survey.quotas import CellFigures, QuotaBook
from softswitch.web.accounts import Role, Row
from softswitch.web.passwords import Passwords

CANARY = "+441632960961"
"""The callee's number of every call here; no answer of the web may hold it."""
PASSWORD = "correct horse battery"


def quick_passwords() -> Passwords:
    """argon2id with its smallest costs: the tests ask whether it is used rightly, not how hard it is."""
    return Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class MemoryAccounts:
    def __init__(self) -> None:
        self.rows: dict[str, tuple[str, str]] = {}

    async def account(self, name: str) -> tuple[str, str] | None:
        return self.rows.get(name)

    async def add_account(self, name: str, password_hash: str, role: str) -> None:
        self.rows[name] = (password_hash, role)

    async def accounts(self) -> list[str]:
        return list(self.rows)

    @classmethod
    def with_everybody(cls) -> "MemoryAccounts":
        """One account for each role, and a second agent; all with `PASSWORD`."""
        accounts = cls()
        hashed = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
        for name, role in (
            ("ada", Role.ADMINISTRATOR),
            ("sue", Role.SUPERVISOR),
            ("otto", Role.AUDITOR),
            ("101", Role.AGENT),
            ("102", Role.AGENT),
        ):
            accounts.rows[name] = (hashed, role)
        return accounts


class MemoryPeople(MemoryAccounts):
    """The same with second factors and accounts that are shut."""

    def __init__(self) -> None:
        super().__init__()
        self.totp: dict[str, str] = {}
        self.steps: dict[str, int] = {}
        self.shut: set[str] = set()

    async def person(self, name: str) -> Row | None:
        found = self.rows.get(name)
        return None if found is None else Row(name, *found, self.totp.get(name, ""), name in self.shut)

    async def people(self) -> list[Row]:
        return [row for name in self.rows if (row := await self.person(name)) is not None]

    async def set_totp(self, name: str, totp: str) -> bool:
        self.totp[name], self.steps[name] = totp, 0
        return name in self.rows

    async def use_totp_step(self, name: str, step: int) -> bool:
        is_new = step > self.steps.get(name, 0)
        self.steps[name] = max(step, self.steps.get(name, 0))
        return is_new

    async def set_disabled(self, name: str, disabled: bool) -> bool:
        (self.shut.add if disabled else self.shut.discard)(name)
        return name in self.rows


class MemoryJournal:
    """What was noted; while `trouble` says so, nothing can be."""

    def __init__(self) -> None:
        self.records: list[tuple[str, str, str, str]] = []
        """(actor, action, subject, reason)."""
        self.trouble = ""

    async def note(self, actor: str, action: str, *, subject: str, reason: str) -> None:
        if self.trouble:
            raise UsageError(self.trouble)
        self.records.append((actor, action, subject, reason))

    def actions(self, actor: str = "") -> list[str]:
        return [record[1] for record in self.records if actor in ("", record[0])]


class MemoryBook:
    """Results of practice calls."""

    def __init__(self) -> None:
        self.kept: list[TrainingResult] = []

    async def keep(self, result: TrainingResult) -> None:
        self.kept.insert(0, result)

    async def results(self, agent: str = "", limit: int = 100) -> list[TrainingResult]:
        return [each for each in self.kept if agent in ("", each.agent)][:limit]


@dataclass
class _Call:
    call_ref: str
    agent: str
    state: str
    began_s: float


class SmallSwitch:
    """Two agents or more, one campaign, calls that are placed by hand; time is told by `tick`."""

    def __init__(self, agents: tuple[str, ...] = ("101", "102")) -> None:
        self.now = 0.0
        self.states = dict.fromkeys(agents, AgentState.OFFLINE)
        self.since = dict.fromkeys(agents, 0.0)
        self.campaign = "transport-2026"
        self.campaign_state = "stopped"
        self.auditing = SmallAuditing(self.campaign)
        self.present: list[str] = []
        self.killed_by: list[str] = []
        self.asked_for: dict[str, Request] = {}
        self.played: dict[str, Playback] = {}
        self.container: Path | None = None
        """The one recording that there is, named after its call."""
        self.headsets: dict[str, bytes] = {}
        self.watching: dict[str, SupervisionView] = {}
        self.muted: set[str] = set()
        self.asks_reason = False
        self.tested: set[str] = set()
        self.supervisor_phones: set[str] = set()
        self.servers_up = 2
        self.outlook: OutlookView | None = None
        self.steps: tuple[Interval, ...] = ()
        self.reasons: list[str] = []
        self.alerts: list[AlertView] = []
        self.talks: list[ConversationView] = []
        self.asked: dict[str, OverrideView] = {}
        self.looked_at: list[tuple[str, str, str]] = []
        self.dispositions: list[tuple[str, str, Disposition]] = []
        self.promises: dict[str, CallbackView] = {}
        self.to_review = ["m1", "m2"]
        self.heard: list[tuple[str, Truth, str]] = []
        self.live: dict[str, _Call] = {}
        self.led: dict[str, Interview] = {}
        """Interviews by agent."""
        self.untested: set[str] = set()
        """Agents who must test their headset."""
        self.codes: dict[str, str] = {}
        self.pages: list[str] = []
        self.tones: list[str] = []
        self.digits: list[str] = []
        self.opted_out: list[str] = []
        self.attempts: list[DialAttempt] = []

    def tick(self, seconds: float) -> None:
        self.now += seconds

    def place_call(self, call_ref: str, agent: str = "", state: str = "ringing") -> None:
        self.live[call_ref] = _Call(call_ref, agent, state, self.now)
        at = datetime(2026, 11, 20, 10, tzinfo=UTC) + timedelta(seconds=len(self.attempts))
        self.attempts.append(DialAttempt(call_ref, f"lead-{call_ref}", self.campaign, "carrier", at, agent=agent))
        if agent:
            self._set(agent, AgentState.IN_CALL)

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
                    outlook=self.outlook,
                ),
            ),
            trunks=(TrunkView("carrier", "registered", len(self.live), 30, 2, self.servers_up),),
            interlocks=(
                InterlockView("recorder", True, ""),
                InterlockView("supervisor", bool(self.present), "" if self.present else "No supervisor watches."),
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

    def agent_call(self, agent: str) -> AgentCallView | None:
        self._known(agent)
        call = next((call for call in self.live.values() if call.agent == agent), None)
        return AgentCallView(call.call_ref, self.campaign, {"salutation": "Ms"}) if call else None

    async def calls_of(self, campaign: str, limit: int, offset: int) -> list[DialAttempt]:
        newest_first = [attempt for attempt in reversed(self.attempts) if attempt.campaign == campaign]
        return newest_first[offset : offset + limit]

    async def start_campaign(self, name: str) -> None:
        self._known_campaign(name)
        if not self.present:
            raise UsageError("No supervisor watches; open the wallboard first.")
        self.campaign_state = "running"

    async def pause_campaign(self, name: str) -> None:
        self._known_campaign(name)
        self.campaign_state = "paused"

    async def stop_campaign(self, name: str) -> None:
        self._known_campaign(name)
        self.campaign_state = "stopped"

    async def log_in_agent(self, agent: str) -> None:
        self._set(agent, AgentState.PAUSED)

    async def log_out_agent(self, agent: str) -> None:
        self._set(agent, AgentState.OFFLINE)

    async def ready_agent(self, agent: str) -> None:
        if self._known(agent) is AgentState.OFFLINE:
            raise UsageError(f"Agent {agent} is not logged in; log in first.")
        self._set(agent, AgentState.READY)

    async def pause_agent(self, agent: str, code: str) -> None:
        if self._known(agent) is AgentState.OFFLINE:
            raise UsageError(f"Agent {agent} is not logged in; log in first.")
        self.codes[agent] = code
        self._set(agent, AgentState.PAUSED)

    async def dispose(self, agent: str, call_ref: str, disposition: Disposition) -> None:
        self._known(agent)
        if call_ref not in {attempt.call_ref for attempt in self.attempts if attempt.agent == agent}:
            raise UsageError("That call is not this agent's.")
        self.attempts = [
            replace(attempt, disposition=disposition) if attempt.call_ref == call_ref else attempt
            for attempt in self.attempts
        ]
        self.dispositions.append((agent, call_ref, disposition))

    async def accept_preview(self, agent: str, call_ref: str) -> None:
        self._shown(agent, call_ref).state = "dialling"

    async def skip_preview(self, agent: str, call_ref: str, reason: str) -> None:
        self._shown(agent, call_ref)
        del self.live[call_ref]

    async def dial_reference(self, agent: str, campaign: str, lead_ref: str) -> str:
        self._known_campaign(campaign)
        if self._known(agent) is not AgentState.READY:
            raise UsageError("be ready first: the call needs an agent")
        self.place_call(f"of-{lead_ref}", agent, "dialling")
        return f"of-{lead_ref}"

    def _shown(self, agent: str, call_ref: str) -> _Call:
        self._known(agent)
        call = self.live.get(call_ref)
        if call is None or (call.agent, call.state) != (agent, "preview"):
            raise UsageError("you are not shown this lead, or no longer")
        return call

    async def call_back(self, agent: str, call_ref: str, when: datetime, *, mine: bool) -> datetime:
        self._known(agent)
        if call_ref not in {attempt.call_ref for attempt in self.attempts if attempt.agent == agent}:
            raise UsageError("That call is not this agent's.")
        moment = self._promise(f"lead-{call_ref}", when, agent if mine else "", agent)
        if agent in self.led and self.led[agent].ending is None:
            self.led[agent].receive_ending(Ending.APPOINTMENT, self.now)
        return moment

    async def promise_callback(self, campaign: str, lead_ref: str, when: datetime, agent: str, by: str) -> datetime:
        self._known_campaign(campaign)
        return self._promise(lead_ref, when, agent, by)

    async def cancel_callback(self, campaign: str, lead_ref: str) -> None:
        self._known_campaign(campaign)
        if self.promises.pop(lead_ref, None) is None:
            raise UsageError("There is no callback to take back.")

    async def callbacks(self, campaign: str, came_to: str, limit: int) -> list[CallbackView]:
        self._known_campaign(campaign)
        return list(self.promises.values())[:limit] if came_to == "open" else []

    def _promise(self, lead_ref: str, when: datetime, agent: str, by: str) -> datetime:
        due = moment_of(when, "Europe/London")
        view = CallbackView(lead_ref, self.campaign, due, agent, by, "", False, None, "")
        self.promises[lead_ref] = view
        return due

    async def hang_up(self, call_ref: str) -> None:
        call = self.live.pop(call_ref)
        if call.agent:
            self._set(call.agent, AgentState.WRAP_UP)

    async def kill_switch(self, by: str) -> None:
        self.killed_by.append(by)
        self.live.clear()
        self.campaign_state = "stopped"

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

    async def seat_agent_headset(self, agent: str, offer: bytes) -> bytes:
        self._known(agent)
        return self._seat(agent, offer)

    async def end_agent_headset(self, agent: str) -> None:
        self._known(agent)
        self.headsets.pop(agent, None)

    async def seat_supervisor_headset(self, name: str, offer: bytes) -> bytes:
        return self._seat(name, offer)

    async def end_supervisor_headset(self, name: str) -> None:
        self.headsets.pop(name, None)

    def supervisor_audio(self, name: str) -> SupervisorAudioView:
        up, tested = name in self.headsets, name in self.tested
        return SupervisorAudioView(name in self.supervisor_phones, up, tested, up and tested)

    async def play_supervisor_tone(self, name: str) -> None:
        if name not in self.headsets and name not in self.supervisor_phones:
            raise UsageError("you have neither headset nor phone")
        self.headsets.setdefault(name, b"")
        self.tones.append(name)

    async def pass_supervisor_test(self, name: str) -> None:
        if name not in self.headsets:
            raise UsageError("we do not hear you yet")
        self.tested.add(name)

    def _seat(self, name: str, offer: bytes) -> bytes:
        if not offer.startswith(b"v=0"):
            raise PeerError("a session description does not begin with v=0", 488)
        if b"m=audio" not in offer:
            raise UsageError("all media ports are in use; widen the range in [media]")
        self.headsets[name] = offer
        return b"v=0\r\nan answer"

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
        return playback, 1

    async def playback_part(self, playback_ref: str, part: int, by: str) -> Path:
        playback = self.played[playback_ref]
        if playback.asked_by != by or part != 1 or self.container is None:
            raise KeyError(playback_ref)
        return self.container

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

    def supervision(self) -> tuple[SupervisionView, ...]:
        return tuple(self.watching.values())

    async def supervise(self, agent: str, mode: str, by: str, reason: str = "") -> None:
        if self.asks_reason and not reason.strip():
            raise UsageError("say why: the reason is noted in the audit log")
        if self._known(agent) is AgentState.OFFLINE:
            raise UsageError(f"agent {agent} is not logged in")
        call_ref = next((call.call_ref for call in self.live.values() if call.agent == agent), "")
        if mode in ("barge", "take_over") and not call_ref:
            raise UsageError(f"agent {agent} is in no call; barging in is for the call of the moment")
        self.reasons.append(reason)
        self.watching[by] = SupervisionView(by, agent, mode, "on", call_ref, 0.0)

    async def end_supervision(self, by: str) -> None:
        self.watching.pop(by, None)

    async def see_alert(self, number: int, by: str) -> None:
        found = next((n for n, each in enumerate(self.alerts) if each.number == number), None)
        if found is None:
            raise KeyError(number)
        self.alerts[found] = replace(self.alerts[found], seen_by=by)

    async def report_recognised(self, agent: str, by: str) -> None:
        if self._known(agent) is not AgentState.IN_CALL:
            raise UsageError(f"agent {agent} is in no call")
        self.raise_alert("callee recognised the agent", agent, f"told by {by}")

    def raise_alert(self, kind: str, agent: str, told: str, call_ref: str = "c1", node: str = "") -> None:
        self.alerts.insert(0, AlertView(len(self.alerts) + 1, kind, agent, call_ref, node, told, 0.0, ""))

    async def mute_agent(self, agent: str, muted: bool, by: str) -> None:
        if self._known(agent) is not AgentState.IN_CALL:
            raise UsageError(f"agent {agent} is in no call")
        self.muted = (self.muted | {agent}) if muted else (self.muted - {agent})

    # The agent's page, with the interviews of a real script.

    def begin_interview(self, call_ref: str, agent: str, script: Questionnaire, **fields: str) -> Interview:
        self.place_call(call_ref, agent, "in call")
        interview = Interview(script, call_ref, agent, fields, QuotaBook(script.cells), self.now)
        self.led[agent] = interview
        return interview

    def agent_page(self, agent: str) -> AgentPageView:
        state = self._known(agent)
        call = self.agent_call(agent)
        return AgentPageView(
            agent=agent,
            state=state.value,
            code=self.codes.get(agent, "") if state is AgentState.PAUSED else "",
            since_s=self.now - self.since[agent],
            wrap_up_left_s=max(0.0, 15.0 - (self.now - self.since[agent])) if state is AgentState.WRAP_UP else 0.0,
            pause_wanted=False,
            calls=len(self.attempts),
            is_line_up=agent in self.headsets or state is not AgentState.OFFLINE,
            has_phone=True,
            headset_test_due=agent in self.untested,
            pause_codes=("break", "lunch", "technical"),
            call_ref="" if call is None else call.call_ref,
            call=call,
            has_script=agent in self.led,
            disposition="",
        )

    def interview(self, agent: str) -> InterviewView | None:
        self._known(agent)
        return interview_view(self.led[agent], self.now) if agent in self.led else None

    async def answer(self, agent: str, node: str, given: object) -> None:
        self._led(agent).receive_answer(node, given, self.now)

    async def go_back(self, agent: str) -> None:
        self._led(agent).receive_back(self.now)

    async def end_interview(self, agent: str, ending: Ending) -> None:
        self._led(agent).receive_ending(ending, self.now)

    async def opt_out(self, agent: str) -> None:
        self._led(agent).receive_ending(Ending.OPTED_OUT, self.now)
        self.opted_out.append(self._led(agent).call_ref)

    async def end_call(self, agent: str) -> None:
        if self._led(agent).ending is None:
            raise UsageError("the interview goes on")
        await self.hang_up(self._led(agent).call_ref)

    async def send_digit(self, agent: str, key: str) -> None:
        if not self._led(agent).node.dtmf:
            raise UsageError("no keys are sent here")
        self.digits.append(key)

    def agent_page_opened(self, agent: str) -> None:
        self.pages.append(agent)

    def agent_page_closed(self, agent: str) -> None:
        self.pages.remove(agent)

    async def play_test_tone(self, agent: str) -> None:
        if self._known(agent) is AgentState.OFFLINE:
            raise UsageError("the line is not up yet")
        self.tones.append(agent)

    async def pass_headset_test(self, agent: str) -> None:
        self._known(agent)
        self.untested.discard(agent)

    def interviews(self) -> tuple[InterviewFigures, ...]:
        return tuple(interview_figures(each, (), self.now) for each in self.led.values() if each.ending is None)

    def quotas(self, campaign: str) -> tuple[CellFigures, ...]:
        self._known_campaign(campaign)
        return (CellFigures("young", 100, 12, 3),)

    def _led(self, agent: str) -> Interview:
        self._known(agent)
        if agent not in self.led:
            raise UsageError("there is no interview now")
        return self.led[agent]

    def supervisor_arrived(self, name: str) -> None:
        assert name not in self.present
        self.present.append(name)

    def supervisor_left(self, name: str) -> None:
        self.present.remove(name)

    def _known(self, agent: str) -> AgentState:
        return self.states[agent]

    def _known_campaign(self, name: str) -> None:
        if name != self.campaign:
            raise KeyError(name)

    def _set(self, agent: str, state: AgentState) -> None:
        self._known(agent)
        self.states[agent] = state
        self.since[agent] = self.now
