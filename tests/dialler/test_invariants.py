"""A dialler under every order of events that a trunk, a media plane, agents and a store can come up with."""

from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from softswitch.amd.verdict import Cause, Verdict
from softswitch.calls.outcome import Outcome
from softswitch.dialler.abandonment import recount
from softswitch.dialler.agents import AgentChanged, AgentState
from softswitch.dialler.attempt import AGENT_DISPOSITIONS, DialAttempt, Disposition
from softswitch.dialler.campaign import AmdMode, Policy
from softswitch.dialler.dialling import Dialler
from softswitch.dialler.events import (
    AttemptChanged,
    AttemptEnded,
    CancelCall,
    CommitAttempt,
    ConnectAgent,
    HangUp,
    LeadChanged,
    LeadsWanted,
    Listen,
    NumberSuppressed,
    PlaceCall,
    PlayMessage,
    PreviewEnded,
    PreviewOffered,
)
from softswitch.dialler.lead import Lead, LeadState
from softswitch.dialler.suppression import SuppressionList
from softswitch.errors import UsageError
from tests.dialler.desk import CAMPAIGN, NOON, lead

AGENTS = ("ada", "bob", "cyd")
LEADS = 40
DISPOSITIONS = sorted(AGENT_DISPOSITIONS)
START = 1000.0


class DiallerMachine(RuleBasedStateMachine):
    """The model keeps only what the outside sees: events told, and when what was reported."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.store = {f"lead{index}": lead(index, state=LeadState.NEW) for index in range(LEADS)}
        self.handed_over: set[str] = set()
        self.asked_to_commit: dict[str, tuple[DialAttempt, str]] = {}
        self.confirmed: set[str] = set()
        self.placed: dict[str, str] = {}
        """Numbers by call, until the attempt has ended."""
        self.ringing_at: dict[str, float] = {}
        self.answered_at: dict[str, float] = {}
        self.looked_after: set[str] = set()
        """Answered calls for which an agent, the message or an end was asked for."""
        self.shown: dict[str, str] = {}
        """Leads that agents look at: agent by call."""
        self.with_agent: dict[str, str] = {}
        self.attempts: dict[str, DialAttempt] = {}
        self.ended: set[str] = set()
        self.locked_until: dict[str, datetime] = {}
        self.suppressed: set[str] = set()
        self.interlocks_closed = True
        self.running = True
        self.calls_ever: list[str] = ["never-heard-of"]

    @initialize(amd=st.sampled_from(AmdMode), policy=st.sampled_from(Policy))
    def open(self, amd: AmdMode, policy: Policy) -> None:
        refs = count(1)
        self.campaign = replace(
            CAMPAIGN,
            amd=amd,
            policy=policy,
            queue_low=2,
            queue_high=6,
            voicemail_message="we-called",
            voicemail_allowed=True,
        )
        self.dialler = Dialler(
            self.campaign,
            suppression=SuppressionList(),
            rng=np.random.default_rng(1),
            new_ref=lambda: f"call{next(refs)}",
        )
        self.dialler.set_wall(NOON, START)
        self.dialler.receive_channels(5, self.now)
        self.dialler.receive_interlocks(True, self.now)
        self.dialler.start(self.now)
        self.dialler.receive_agent("ada", AgentState.READY, self.now)
        self.settle()

    @property
    def wall(self) -> datetime:
        return NOON + timedelta(seconds=self.now - START)

    def settle(self) -> None:
        while (event := self.dialler.next_event()) is not None:
            self.check(event)

    def check(self, event: object) -> None:
        match event:
            case LeadsWanted(count=wanted):
                due = [
                    one
                    for one in self.store.values()
                    if one.lead_ref not in self.handed_over
                    and one.state in (LeadState.NEW, LeadState.WAITING, LeadState.CALLBACK)
                    and (one.not_before is None or one.not_before <= self.wall)
                ][:wanted]
                self.handed_over |= {one.lead_ref for one in due}
                self.dialler.add_leads([replace(one, state=LeadState.QUEUED) for one in due], self.now)
            case PreviewOffered(call_ref=call_ref, agent=agent):
                assert self.interlocks_closed
                assert self.running
                self.shown[call_ref] = agent
            case PreviewEnded(call_ref=call_ref):
                del self.shown[call_ref]
            case CommitAttempt(attempt=attempt, number=number):
                self.shown.pop(attempt.call_ref, None)
                assert number not in self.placed.values(), "a number is dialled once at a time"
                assert number not in [other for _, other in self.asked_to_commit.values()]
                assert self.interlocks_closed
                assert self.running
                self.asked_to_commit[attempt.call_ref] = attempt, number
            case PlaceCall(call_ref=call_ref, number=number):
                assert call_ref in self.confirmed, "no call without a commitment"
                assert self.interlocks_closed
                assert self.running
                assert number not in self.suppressed
                assert number not in self.locked_until or self.locked_until[number] <= self.wall
                self.placed[call_ref] = number
                self.calls_ever.append(call_ref)
            case CancelCall(call_ref=call_ref):
                assert call_ref not in self.answered_at
                if call_ref in self.ringing_at:
                    assert self.now >= self.ringing_at[call_ref] + 15.0, "no ringing call is cut off early"
            case ConnectAgent(call_ref=call_ref, agent=agent):
                assert call_ref in self.answered_at
                self.with_agent.pop(call_ref, None)
                assert agent not in self.with_agent.values(), "one agent, one call"
                assert self.dialler.board.call_of(agent) == call_ref
                self.with_agent[call_ref] = agent
                self.looked_after.add(call_ref)
            case PlayMessage(call_ref=call_ref) | HangUp(call_ref=call_ref) | Listen(call_ref=call_ref):
                assert call_ref in self.answered_at
                if isinstance(event, PlayMessage) and event.clip == self.campaign.voicemail_message:
                    assert self.dialler.attempt(call_ref).amd_verdict == "MACHINE", "no person hears the message"
                    assert self.dialler.lead_of(call_ref).outcomes.get("voicemail", 0) < 1, "one for each lead"
                self.with_agent.pop(call_ref, None)
                self.looked_after.add(call_ref)
            case AgentChanged(agent=agent, state=state, call_ref=call_ref):
                if state not in (AgentState.RESERVED, AgentState.IN_CALL):
                    self.with_agent = {ref: one for ref, one in self.with_agent.items() if one != agent}
            case AttemptChanged(attempt=attempt):
                self.attempts[attempt.call_ref] = attempt
            case AttemptEnded(attempt=attempt):
                assert attempt.call_ref not in self.ended, "an attempt ends once"
                assert attempt.disposition
                assert attempt.ended_at is not None
                self.ended.add(attempt.call_ref)
                self.attempts[attempt.call_ref] = attempt
                number = self.placed.pop(attempt.call_ref, None)
                self.with_agent.pop(attempt.call_ref, None)
                self.looked_after.add(attempt.call_ref)
                lock_s = self.lock_s(attempt)
                if number is not None and lock_s:
                    self.locked_until[number] = attempt.answered_at + timedelta(seconds=lock_s)
            case LeadChanged(lead=changed):
                assert isinstance(changed, Lead)
                self.store[changed.lead_ref] = changed
                self.handed_over.discard(changed.lead_ref)
            case NumberSuppressed(number=number):
                self.suppressed.add(number)

    def lock_s(self, attempt: DialAttempt) -> float:
        if attempt.abandoned:
            return 72 * 3600.0
        return 24 * 3600.0 if attempt.amd_acted else 0.0

    # what the world does

    @rule(at=st.integers(0, 50), how=st.integers(0, 9))
    def progress(self, at: int, how: int) -> None:
        """A call goes on as calls do: confirmed, rung, answered, an agent or the message heard, ended."""
        if self.campaign.policy is Policy.MANUAL:
            self.ask_for_a_lead(at, how)
        going = [*self.asked_to_commit, *self.placed, *self.shown]
        if not going:
            return
        call_ref = going[at % len(going)]
        if call_ref in self.shown:
            with suppress(UsageError):  # it may have become too late
                if how > 2:
                    self.dialler.receive_preview_accepted(self.shown[call_ref], call_ref, self.now)
                else:
                    self.dialler.receive_preview_skipped(self.shown[call_ref], call_ref, "knows them", self.now)
        elif call_ref in self.asked_to_commit:
            self.commit(call_ref, succeeds=how > 0)
        elif call_ref not in self.ringing_at and call_ref not in self.answered_at:
            self.dialler.receive_invited(call_ref, self.now)
            if how > 1:
                self.ring(call_ref)
        elif call_ref not in self.answered_at:
            if how > 3:
                self.answer(call_ref)
            elif how < 3:
                outcome = (Outcome.BUSY, Outcome.CANCELLED, Outcome.FAILED)[how]
                self.dialler.receive_failed(call_ref, outcome, 486, self.now)
        elif call_ref in self.with_agent and how > 2:
            self.dialler.receive_agent_heard(call_ref, self.now, self.now)
        elif how > 7:
            self.dialler.receive_ended(call_ref, how % 2 == 0, self.now)
        elif how > 2:
            self.dialler.receive_message_started(call_ref, self.now, self.now)
        else:
            verdict, cause = (
                (Verdict.HUMAN, Cause.END_OF_GREETING),
                (Verdict.MACHINE, (Cause.BEEP, Cause.LONG_GREETING, Cause.RESUMED_SPEECH)[at % 3]),
                (Verdict.NOTSURE, Cause.TOO_LONG),
            )[how]
            self.dialler.receive_verdict(call_ref, verdict, cause, 900, self.now, probability=0.8 + (at % 20) / 100)
        self.settle()

    def ask_for_a_lead(self, at: int, how: int) -> None:
        wanted = self.store[f"lead{at % LEADS}"]
        if wanted.lead_ref in self.handed_over:
            return
        ready = [agent for agent in AGENTS if self.dialler.board.state_of(agent) is AgentState.READY]
        with suppress(UsageError):
            self.dialler.dial_by_reference((ready or AGENTS)[how % len(ready or AGENTS)], wanted, self.now)
            self.handed_over.add(wanted.lead_ref)
        self.settle()

    @rule(at=st.integers(0, 50), how=st.integers(4, 9))
    def progress_without_trouble(self, at: int, how: int) -> None:
        self.progress(at, how)

    @rule(at=st.integers(0, 50), how=st.integers(0, 60))
    def trouble(self, at: int, how: int) -> None:
        """Anything at any moment, of a call that lives, is over, or never was."""
        known = [*self.placed, *self.asked_to_commit, *self.calls_ever]
        call_ref, now, dialler = known[at % len(known)], self.now, self.dialler
        match how % 16:
            case 0:
                dialler.receive_invited(call_ref, now)
            case 1:
                self.ring(call_ref)
            case 2:
                self.answer(call_ref)
            case 3:
                dialler.receive_failed(call_ref, list(Outcome)[how % len(Outcome)], 487, now)
            case 4:
                dialler.receive_ended(call_ref, how % 2 == 0, now)
            case 5:
                dialler.receive_agent_heard(call_ref, now - how % 3, now)
            case 6:
                dialler.receive_speech_started(call_ref, now - how / 60, now)
            case 7:
                verdict, cause = list(Verdict)[how % len(Verdict)], list(Cause)[(how + at) % len(Cause)]
                dialler.receive_verdict(call_ref, verdict, cause, 900, now, probability=how / 60)
            case 8:
                dialler.receive_message_started(call_ref, now, now)
            case 9:
                dialler.receive_message_ended(call_ref, now)
            case 10:
                dialler.receive_media_failed(call_ref, now)
            case 11:
                dialler.hang_up(call_ref, now)
            case 12:
                dialler.receive_disposition(call_ref, DISPOSITIONS[how % len(DISPOSITIONS)], now)
            case 13:
                dialler.receive_recording(call_ref, "a.wav", now)
            case 14:
                dialler.receive_beep(call_ref, now)
            case 15:
                dialler.receive_greeting_ended(call_ref, now)
        self.settle()

    def commit(self, call_ref: str, *, succeeds: bool) -> None:
        del self.asked_to_commit[call_ref]
        if succeeds:
            self.confirmed.add(call_ref)
            self.dialler.receive_attempt_committed(call_ref, self.now)
        else:
            self.dialler.receive_commit_failed(call_ref, self.now)

    def ring(self, call_ref: str) -> None:
        if call_ref in self.placed and call_ref not in self.answered_at:
            self.ringing_at.setdefault(call_ref, self.now)
        self.dialler.receive_ringing(call_ref, self.now)

    def answer(self, call_ref: str) -> None:
        if call_ref in self.placed:
            self.answered_at.setdefault(call_ref, self.now)
        self.dialler.receive_answered(call_ref, self.now)

    @rule(agent=st.sampled_from(AGENTS), how=st.integers(0, 9))
    def change_agent(self, agent: str, how: int) -> None:
        if how < 6:
            self.dialler.receive_agent(agent, AgentState.READY, self.now)
        elif how < 8:
            self.dialler.receive_agent(agent, (AgentState.PAUSED, AgentState.OFFLINE)[how - 6], self.now)
        else:
            self.dialler.receive_wrapped_up(agent, (None, Disposition.CALLBACK)[how - 8], self.now)
        self.settle()

    @rule(how=st.integers(0, 29), index=st.integers(0, LEADS - 1))
    def change_site(self, how: int, index: int) -> None:
        """Interlocks, the trunk, opt-outs and the supervisor's buttons."""
        if how < 8:
            self.interlocks_closed = how > 0
            self.dialler.receive_interlocks(self.interlocks_closed, self.now)
        elif how < 10:
            self.dialler.receive_channels((1, 6)[how - 8], self.now)
        elif how < 12:
            self.suppressed.add(lead(index).number)
            self.dialler.receive_suppressed(lead(index).number, self.now)
        else:
            what = {12: "pause", 13: "stop", 14: "kill"}.get(how, "start")
            self.running = what == "start"
            getattr(self.dialler, what)(self.now)
        self.settle()

    @rule(seconds=st.one_of(st.floats(0.01, 0.5), st.floats(0.5, 3.0), st.floats(3.0, 40.0)))
    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        for _ in range(2_000):
            timer = self.dialler.next_timer()
            if timer is None or timer > until:
                break
            self.now = max(self.now, timer)
            self.dialler.handle_timer(self.now)
            self.settle()
        else:
            pytest.fail("a timer that is always due")
        self.now = until

    @rule(hours=st.sampled_from([1, 5, 24, 73]))
    def pass_the_night(self, hours: int) -> None:
        """Everybody goes home and comes back; calls that were left are ended by their time-outs."""
        self.dialler.pause(self.now)
        self.running = False
        self.pass_time(120.0)
        self.now += hours * 3600.0
        self.dialler.handle_timer(self.now)
        self.settle()
        self.dialler.start(self.now)
        self.running = True
        self.settle()

    # what holds at any moment

    @invariant()
    def every_answered_call_is_looked_after_within_the_two_second_rule(self) -> None:
        for call_ref, answered_at in self.answered_at.items():
            if call_ref not in self.looked_after:
                assert self.now <= answered_at + 2.0 + 1e-6

    @invariant()
    def the_ledger_equals_a_recount_of_the_attempts(self) -> None:
        if not hasattr(self, "dialler"):
            return
        day = self.dialler.day(self.now)
        living = [self.dialler.attempt(ref) for ref in self.placed]
        over = [self.attempts[ref] for ref in self.ended]
        assert recount([*over, *living], day.day, "Europe/London") == day

    @invariant()
    def no_lead_is_lost(self) -> None:
        if not hasattr(self, "dialler"):
            return
        in_calls = {self.dialler.lead_of(ref).lead_ref for ref in self.placed}
        in_calls |= {attempt.lead_ref for attempt, _ in self.asked_to_commit.values()}
        in_calls |= {self.dialler.lead_of(ref).lead_ref for ref in self.shown}
        in_hopper = len(self.dialler._supply)
        assert in_hopper + len(in_calls) == len(self.handed_over)

    @invariant()
    def agents_figures_add_up(self) -> None:
        if not hasattr(self, "dialler"):
            return
        for figures in self.dialler.board.figures(self.now):
            assert figures.talk_s + figures.wrap_up_s <= figures.logged_in_s + 1e-6


DiallerMachine.TestCase.settings = settings(
    max_examples=30, stateful_step_count=60, deadline=None, suppress_health_check=list(HealthCheck)
)
TestTheDiallerUnderEveryOrderOfEvents = DiallerMachine.TestCase


WALK = {
    "progress_without_trouble": 10.0,
    "progress": 3.0,
    "pass_time": 8.0,
    "change_agent": 3.0,
    "trouble": 1.0,
    "change_site": 0.4,
    "pass_the_night": 0.1,
}


@pytest.mark.parametrize("amd", AmdMode)
@pytest.mark.parametrize("policy", Policy)
def test_a_long_shift_with_some_trouble_keeps_every_rule(amd: AmdMode, policy: Policy) -> None:
    """What random rules of equal weight seldom reach: long stretches in which most things go well."""
    machine = DiallerMachine()
    machine.open(amd, policy)
    rng = np.random.default_rng([list(AmdMode).index(amd), list(Policy).index(policy)])
    rules, weights = list(WALK), np.array(list(WALK.values()))
    for _ in range(1500):
        at, how = int(rng.integers(0, 50)), int(rng.integers(0, 61))
        chance = float(rng.random())
        for call_ref in list(machine.with_agent):
            if chance < 0.8:  # most agents are heard at once
                machine.dialler.receive_agent_heard(call_ref, machine.now, machine.now)
                machine.settle()
        if chance < 0.1:  # somebody looks after the site
            machine.change_site(5, 0)
            machine.change_site(29, 0)
            machine.change_agent(AGENTS[at % 3], 0)
        match str(rng.choice(rules, p=weights / weights.sum())):
            case "progress_without_trouble":
                machine.progress(at, 4 + how % 6)
            case "progress":
                machine.progress(at, how % 10)
            case "pass_time":
                machine.pass_time(float(rng.choice([0.05, 0.4, 2.0, 12.0])))
            case "change_agent":
                machine.change_agent(AGENTS[at % 3], how % 10)
            case "trouble":
                machine.trouble(at, how)
            case "change_site":
                machine.change_site(how % 30, at % LEADS)
            case _:
                machine.pass_the_night((1, 5, 24, 73)[how % 4])
        machine.every_answered_call_is_looked_after_within_the_two_second_rule()
        machine.the_ledger_equals_a_recount_of_the_attempts()
        machine.no_lead_is_lost()
        machine.agents_figures_add_up()
    if (policy, amd) != (Policy.MANUAL, AmdMode.BEFORE_AGENT):  # a call at a time, and the walk is seldom in time
        assert any(attempt.bridged_at is not None for attempt in machine.attempts.values())
    assert len(machine.ended) > 10
