"""Two campaigns with common numbers, a real store, and a world that keeps no rule: any outcome, kill -9 and clock.

The model knows what the world saw (telephones that rang, voices, who was heard when), and nothing that the dialler
says of itself; from that it counts by the rules. `SOFTSWITCH_DEEP=1` looks a hundred times as far.
"""

import os
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from softswitch.amd.verdict import Cause, Verdict
from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentChanged, AgentState
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.campaign import AmdMode, Campaign, Policy
from softswitch.dialler.events import (
    AttemptChanged,
    AttemptEnded,
    CancelCall,
    CommitAttempt,
    ConnectAgent,
    DiallerEvent,
    HangUp,
    Listen,
    PlaceCall,
    PlayMessage,
)
from tests.dialler.house import LONDON, House, Killed, Template

DEEP = os.environ.get("SOFTSWITCH_DEEP") == "1"
AGENTS = ("ada", "bob", "cyd")
SURVEY = Campaign(
    "survey", caller_id="+441134960000", information_message="who-called", amd=AmdMode.OFF, queue_low=2, queue_high=6,
    policy=Policy.PROGRESSIVE,
)  # fmt: skip
PANEL = replace(SURVEY, name="panel", amd=AmdMode.PARALLEL, policy=Policy.PREDICTIVE, abandoned_target=0.03)
NUMBERS = {
    "survey": [f"0207946{n:04d}" for n in range(12)],
    "panel": [f"0207946{n:04d}" for n in range(4, 16)],
}
DAYS = {
    "an ordinary day": datetime(2027, 3, 9, 12, tzinfo=UTC),
    "the day before clocks go forward": datetime(2027, 3, 27, 19, 30, tzinfo=UTC),
    "the day before they go back": datetime(2026, 10, 24, 18, 30, tzinfo=UTC),
    "shortly before closing time": datetime(2027, 6, 9, 19, 58, tzinfo=UTC),
}
RULE_S, MINIMUM_RING_S = 2.0, 15.0


@dataclass
class Seen:
    """What the world saw of one call."""

    campaign: str
    number: str
    rang_at: float | None = None
    answered_at: float | None = None
    day: Any = None
    """Calendar day of the answer, in London, by the clock of that moment."""
    voice_at: float | None = None
    heard_at: float | None = None
    message: bool = False
    """The house gave up on agents, and asked for the message."""
    by_verdict: bool = False
    agent: str = ""
    cancelled: bool = False
    """CANCEL left; it may be said again."""
    hung_up_on: bool = False
    over: bool = False
    ended_at: float | None = None
    counted: str = ""
    """"live", "abandoned", "machine" or nothing."""

    @property
    def due(self) -> float:
        assert self.answered_at is not None
        return RULE_S + min(self.answered_at, self.answered_at if self.voice_at is None else self.voice_at)


@dataclass
class Model:
    """Counts by the rules, from what was seen alone."""

    calls: dict[str, Seen] = field(default_factory=dict)
    objected: set[str] = field(default_factory=set)
    rests_until: dict[str, datetime] = field(default_factory=dict)
    may_ring_until: dict[str, float] = field(default_factory=dict)
    """Telephones that a killed house left ringing."""

    def up(self) -> list[str]:
        return [ref for ref, each in self.calls.items() if not each.over]

    def count(self, call: Seen, as_what: str) -> None:
        call.counted = as_what

    def end(self, call: Seen, now: float, wall: datetime, *, by_callee: bool) -> None:
        """A call is over: it is counted now at the latest, and its number rests."""
        if call.over:
            return
        call.over, call.ended_at = True, now
        if call.answered_at is not None and not call.counted and (call.hung_up_on or not by_callee or now >= call.due):
            self.count(call, "abandoned")
        hours = {"abandoned": 72, "machine": 24}.get(call.counted)
        if hours is not None:
            until = wall + timedelta(hours=hours)
            self.rests_until[call.number] = max(until, self.rests_until.get(call.number, until))

    def counts(self, campaign: str, day: Any) -> dict[str, int]:
        theirs = [each.counted for each in self.calls.values() if each.campaign == campaign and each.day == day]
        return {what: theirs.count(what) for what in ("live", "abandoned", "machine")}


class TwoCampaigns(RuleBasedStateMachine):
    template: Template

    @initialize(day=st.sampled_from(sorted(DAYS)), seed=st.integers(0, 3))
    def open(self, day: str, seed: int) -> None:
        self.model = Model()
        self.committed: dict[str, tuple[str, str]] = {}
        self.turns: dict[str, tuple[str, str]] = {}
        """Calls that wait for their turn on the carrier, in order: campaign and number."""
        self.house = House(self.template, [SURVEY, PANEL], DAYS[day], self.carry_out, seed=seed)
        for agent in AGENTS:
            self.house.board.receive_state(agent, AgentState.READY, self.house.now)
        self.settle()

    def teardown(self) -> None:
        if hasattr(self, "house"):
            try:
                self.nothing_is_lost()
            finally:
                self.house.close()

    # what leaves the house

    def carry_out(self, campaign: str, event: DiallerEvent) -> None:
        model, now = self.model, self.house.now
        call = model.calls.get(getattr(event, "call_ref", ""))
        match event:
            case CommitAttempt(attempt=attempt, number=number):
                self.committed[attempt.call_ref] = (campaign, number)
                self.house.diallers[campaign].receive_attempt_committed(attempt.call_ref, now)
            case PlaceCall(call_ref=call_ref, number=number) if int(call_ref.removeprefix("call")) % 3 == 0:
                self.turns[call_ref] = (campaign, number)
            case PlaceCall(call_ref=call_ref, number=number):
                self.placed(campaign, call_ref, number)
            case CancelCall(call_ref=call_ref) if call_ref in self.turns:
                del self.turns[call_ref]
                self.house.diallers[campaign].receive_not_placed(call_ref, now)
            case CancelCall():
                assert call is not None
                assert call.answered_at is None
                assert call.cancelled or call.rang_at is None or now >= call.rang_at + MINIMUM_RING_S
                call.cancelled = True
                if not self.is_never_told(event.call_ref):
                    call.over = True
                    self.dialler_of(call).receive_failed(event.call_ref, Outcome.CANCELLED, 487, now)
            case ConnectAgent(agent=agent):
                assert call is not None
                assert call.answered_at is not None
                for ref in model.up():
                    assert model.calls[ref] is call or model.calls[ref].agent != agent, "an agent has one call"
                call.agent = agent
            case PlayMessage():
                assert call is not None
                call.agent, call.message = "", True
                if call.heard_at is None:
                    model.count(call, "abandoned")
            case Listen():
                assert call is not None
                call.agent = ""
            case HangUp():
                assert call is not None
                call.agent, call.hung_up_on = "", True
                if not self.is_never_told(event.call_ref):
                    self.ring_off(event.call_ref, call, by_callee=False)
            case AgentChanged(agent=agent, state=state):
                if state not in (AgentState.RESERVED, AgentState.IN_CALL):
                    for ref in model.up():
                        if model.calls[ref].agent == agent:
                            model.calls[ref].agent = ""
            case AttemptEnded() | AttemptChanged():
                self.given_up()

    def placed(self, campaign: str, call_ref: str, number: str) -> None:
        model, house = self.model, self.house
        assert self.committed[call_ref] == (campaign, number), "no INVITE without a commitment"
        assert house.run(house.store.attempt(call_ref)) is not None, "and the store has it"
        assert number not in model.objected
        assert house.diallers[campaign].wanted == "running"
        self.given_up()
        assert number not in [model.calls[ref].number for ref in model.up()], "a number rings once at a time"
        assert model.may_ring_until.get(number, 0.0) <= house.now, "a killed house may have left it ringing"
        assert number not in model.rests_until or model.rests_until[number] <= house.wall
        local = house.wall.astimezone(ZoneInfo(LONDON))
        assert 9 <= local.hour < 21, local
        model.calls[call_ref] = Seen(campaign, number)
        house.diallers[campaign].receive_invited(call_ref, house.now)

    def is_never_told(self, call_ref: str) -> bool:
        """One end in five is lost; the house gives such a call up after a while, and so it is over."""
        return int(call_ref.removeprefix("call")) % 5 == 0

    def given_up(self) -> None:
        for ref in self.model.up():
            call = self.model.calls[ref]
            if self.is_never_told(ref) and self.dialler_of(call).snapshot(ref) is None:
                self.model.end(call, self.house.now, self.house.wall, by_callee=False)

    def settle(self) -> None:
        try:
            self.house.settle()
        except Killed:
            self.kill(media_too=False)

    # what the world does

    def pick(self, at: int) -> tuple[str, Seen] | None:
        up = self.model.up()
        if not up:
            return None
        call_ref = up[at % len(up)]
        return call_ref, self.model.calls[call_ref]

    def dialler_of(self, call: Seen) -> Any:
        return self.house.diallers[call.campaign]

    def answer(self, call_ref: str, call: Seen) -> None:
        call.answered_at = self.house.now
        call.day = self.house.wall.astimezone(ZoneInfo(LONDON)).date()
        self.dialler_of(call).receive_answered(call_ref, self.house.now)

    def hear(self, call_ref: str, call: Seen) -> None:
        """The agent's voice reaches the callee."""
        now, agent = self.house.now, call.agent
        if call.heard_at is None and not call.counted:
            self.model.count(call, "live" if now <= call.due else "abandoned")
        call.heard_at = call.heard_at or now
        self.dialler_of(call).receive_agent_heard(call_ref, now, now, agent)

    def ring_off(self, call_ref: str, call: Seen, *, by_callee: bool) -> None:
        self.model.end(call, self.house.now, self.house.wall, by_callee=by_callee)
        call.agent = ""
        self.dialler_of(call).receive_ended(call_ref, by_callee, self.house.now)

    @rule(at=st.integers(0, 9), how=st.integers(0, 9))
    def a_call_goes_on(self, at: int, how: int) -> None:
        found = self.pick(at)
        if found is None:
            return
        call_ref, call = found
        now = self.house.now
        if call.answered_at is None:
            if call.rang_at is None and how < 8:
                call.rang_at = now
                self.dialler_of(call).receive_ringing(call_ref, now)
            elif how < 7:
                self.answer(call_ref, call)
            else:
                call.over = True
                outcome = (Outcome.BUSY, Outcome.NO_ANSWER, Outcome.FAILED)[how - 7]
                self.dialler_of(call).receive_failed(call_ref, outcome, (486, 480, 503)[how - 7], now)
        elif call.agent and call.heard_at is None and how < 8:
            self.hear(call_ref, call)
        elif how == 8 and call.voice_at is None:
            call.voice_at = now
            self.dialler_of(call).receive_speech_started(call_ref, now, now)
        elif how == 9 or call.heard_at is not None:
            self.ring_off(call_ref, call, by_callee=True)
        self.settle()

    @rule()
    def a_turn_on_the_carrier_comes(self) -> None:
        if self.turns:
            call_ref = next(iter(self.turns))
            campaign, number = self.turns.pop(call_ref)
            if self.house.diallers[campaign].receive_turn(call_ref, self.house.now):
                self.placed(campaign, call_ref, number)
            self.settle()

    @rule(campaign=st.sampled_from(["survey", "panel"]), order=st.sampled_from(["start", "pause", "stop", "lists"]))
    def people_say_what_a_campaign_is_to_do(self, campaign: str, order: str) -> None:
        dialler, now = self.house.diallers[campaign], self.house.now
        match order:
            case "start":
                dialler.start(now)
            case "pause":
                dialler.pause(now)
            case "stop":
                dialler.stop(now)
            case "lists":
                dialler.receive_lists_changed(now)
        self.settle()

    @rule(at=st.integers(0, 9))
    def a_call_is_answered_and_served(self, at: int) -> None:
        found = self.pick(at)
        if found is not None and found[1].answered_at is None:
            self.answer(*found)
            self.settle()
            if not found[1].over and found[1].agent:
                self.hear(*found)
                self.settle()

    @rule(at=st.integers(0, 9))
    def a_verdict_says_that_nobody_is_there(self, at: int) -> None:
        found = self.pick(at)
        if found is None or found[1].answered_at is None or found[1].by_verdict or found[1].message:
            return
        call_ref, call = found
        acted = self.dialler_of(call).receive_verdict(
            call_ref, Verdict.MACHINE, Cause.LONG_GREETING, 900, self.house.now, probability=0.99
        )
        if acted:
            assert call.campaign == "panel"
            call.by_verdict, call.agent = True, ""
            self.model.count(call, "machine")
        self.settle()

    @rule(at=st.integers(0, 9))
    def the_media_of_a_call_are_lost(self, at: int) -> None:
        found = self.pick(at)
        if found is not None and found[1].answered_at is not None:
            self.dialler_of(found[1]).receive_media_failed(found[0], self.house.now)
            self.settle()

    @rule(agent=st.sampled_from(AGENTS), state=st.sampled_from([AgentState.OFFLINE, AgentState.PAUSED]))
    def an_agent_vanishes_and_comes_back(self, agent: str, state: AgentState) -> None:
        self.house.board.receive_state(agent, state, self.house.now)
        self.settle()
        self.house.board.receive_state(agent, AgentState.READY, self.house.now)
        self.settle()

    @rule(agent=st.sampled_from(AGENTS))
    def an_agent_is_ready(self, agent: str) -> None:
        self.house.board.receive_state(agent, AgentState.READY, self.house.now)
        self.settle()

    @rule(at=st.integers(0, 15), how=st.integers(0, 2))
    def somebody_objects(self, at: int, how: int) -> None:
        """To an agent in a call, or by letter; perhaps while the telephone rings."""
        number = f"+44207946{at:04d}"
        found = self.pick(at)
        if how == 0 and found is not None and found[1].heard_at is not None:
            call_ref, call = found
            self.dialler_of(call).receive_disposition(call_ref, Disposition.OPT_OUT, self.house.now)
            number = call.number
        elif how == 1 and found is not None:
            number = found[1].number
        self.model.objected.add(number)
        self.house.run(self.house.store.suppress(number, reason="by letter"))
        for dialler in self.house.diallers.values():
            dialler.receive_suppressed(number, self.house.now)
        self.settle()

    @rule(seconds=st.sampled_from([0.3, 1.0, 2.0, 5.0, 16.0, 30.0, 61.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        until = self.house.now + seconds
        for _ in range(3000):
            timer = self.house.next_timer()
            if timer is None or timer > until:
                break
            self.house.now = max(self.house.now, timer)
            try:
                self.house.handle_timers()
            except Killed:
                self.kill(media_too=False)
        else:
            pytest.fail("a timer that is always due")
        self.house.now = until

    @rule()
    def everybody_goes_home_and_comes_back(self) -> None:
        """To nine o'clock of the next day, through the night on which the clocks may change."""
        for call_ref in self.model.up():
            call = self.model.calls[call_ref]
            if call.answered_at is not None:
                self.ring_off(call_ref, call, by_callee=True)
        self.settle()
        self.time_passes(100.0)
        local = self.house.wall.astimezone(ZoneInfo(LONDON))
        morning = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), ZoneInfo(LONDON))
        self.house.now += (morning.replace(hour=9).astimezone(UTC) - self.house.wall).total_seconds() + 1.0
        for agent in AGENTS:
            self.house.board.receive_state(agent, AgentState.READY, self.house.now)
        for dialler in self.house.diallers.values():
            dialler.handle_timer(self.house.now)
        self.settle()

    @rule(minutes=st.sampled_from([-61, -5, 1, 61]))
    def the_clock_is_set(self, minutes: int) -> None:
        self.house.set_wall(self.house.wall + timedelta(minutes=minutes))
        if minutes > 0:  # the quarter of an hour after a kill is the wall clock's
            self.model.may_ring_until.clear()
        self.settle()

    @rule(closed=st.booleans(), channels=st.sampled_from([1, 12]))
    def the_site_changes(self, closed: bool, channels: int) -> None:
        house = self.house
        for interlocks in (closed, True):
            for dialler in house.diallers.values():
                dialler.receive_interlocks(interlocks, house.now)
                dialler.receive_channels(channels, house.now)
            self.settle()

    # death

    @rule(media_too=st.booleans(), after=st.sampled_from([None, 0, 1, 2, 3]))
    def the_process_is_killed(self, media_too: bool, after: int | None) -> None:
        """At rest; or a few events from now, when some of what was decided is done and the rest is not: then the media
        process lives on."""
        if after is not None:
            self.house.dies_after = after
            return
        self.kill(media_too=media_too)

    def kill(self, *, media_too: bool) -> None:
        house, model = self.house, self.model
        self.turns.clear()
        if media_too:  # every call ends; who rang, rings on until the carrier gives up
            for ref in model.up():
                call = model.calls[ref]
                if call.answered_at is None:
                    model.may_ring_until[call.number] = house.now + 180.0
                model.end(call, house.now, house.wall, by_callee=False)
        for call in model.calls.values():
            call.agent = call.agent if not call.over else ""
        house.die(model.up(), media_too=media_too)
        for ref, call in model.calls.items():
            if call.ended_at == house.now and call.answered_at is not None and not call.counted:
                # Rang off in the very moment: whoever does not know it must take it for an abandoned call.
                kept = house.run(house.store.attempt(ref))
                call.counted = "abandoned" if kept is not None and kept.abandoned else ""
        for agent in AGENTS:
            house.board.receive_state(agent, AgentState.READY, house.now)
        self.settle()

    # what always holds

    @invariant()
    def the_ledger_says_what_the_world_saw(self) -> None:
        if not hasattr(self, "house"):
            return
        day = self.house.wall.astimezone(ZoneInfo(LONDON)).date()
        for name, dialler in self.house.diallers.items():
            counts = dialler.day(self.house.now)
            told = {"live": counts.live, "abandoned": counts.abandoned, "machine": counts.machines}
            assert told == self.model.counts(name, day), name

    @invariant()
    def nobody_who_answered_waits_longer_than_the_rule_allows(self) -> None:
        if not hasattr(self, "house"):
            return
        for ref in self.model.up():
            call = self.model.calls[ref]
            if call.answered_at is not None and not call.counted and not call.agent:
                assert self.house.now <= call.due + 1e-6

    def nothing_is_lost(self) -> None:
        """The store knows every call and every lead, and counts as the world does."""
        house, model = self.house, self.model
        house.dies_after = None
        self.settle()
        kept = {each.call_ref: each for each in house.run(house.store.attempts(limit=10_000))}
        assert model.calls.keys() <= kept.keys()
        for ref, call in model.calls.items():
            if call.over:
                assert kept[ref].abandoned == (call.counted == "abandoned"), ref
        for name in house.diallers:
            for day in {call.day for call in model.calls.values() if call.day is not None}:
                counts = house.run(house.store.attempt_counts(name, day, LONDON))
                told = {"live": counts.live, "abandoned": counts.abandoned, "machine": counts.machines}
                assert told == model.counts(name, day), (name, day)
        house.die((), media_too=True)
        states = house.run(_states(house.store))
        assert len(states) == sum(len(numbers) for numbers in NUMBERS.values())
        queued = [state for state in states if state == "queued"]
        assert len(queued) == sum(len(each._supply) + len(each.calls(house.now)) for each in house.diallers.values())


async def _states(store: Any) -> list[str]:
    return [lead.state.value async for lead in store.all_leads()]


TwoCampaigns.TestCase.settings = settings(
    max_examples=1000 if DEEP else 8,
    stateful_step_count=60 if DEEP else 35,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module", autouse=True)
def lists() -> None:
    TwoCampaigns.template = Template(NUMBERS)


TestTwoCampaignsInAWorldThatKeepsNoRule = TwoCampaigns.TestCase
