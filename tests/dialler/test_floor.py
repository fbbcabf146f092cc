"""The pacing floor is kept by what has changed, and is at every decision what a look at everything would make of it."""

import math
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from softswitch.pacing import events, floor

from softswitch.amd.verdict import Cause, Verdict
from softswitch.calls.outcome import Outcome
from softswitch.dialler.abandonment import DayCounts
from softswitch.dialler.agents import AgentBoard, AgentState
from softswitch.dialler.blending import Blend
from softswitch.dialler.call import UNANSWERED, CallState
from softswitch.dialler.campaign import AmdMode, Policy
from softswitch.dialler.dialling import Dialler
from softswitch.dialler.events import CommitAttempt, LeadsWanted, PlaceCall
from softswitch.dialler.floor import _DOING, _NEW, _OVER, _RINGS, _TALKING, DAY_ENDS_WITHIN_S, CampaignFloor, _Row
from softswitch.dialler.snapshots import call_from, call_snapshot
from softswitch.dialler.suppression import SuppressionList
from tests.dialler.desk import CAMPAIGN, NOON, lead

AGENTS = ("ada", "bob", "cyd", "dan")


class LooksAtEverything(CampaignFloor):
    """The same without a memory of what has changed: every call and every agent, at every look."""

    def _look_at_the_day(self, closes_at, now):
        if math.isnan(closes_at):
            return
        ends_at = now + self._shift.board.work_to_come_s(now, closes_at, self._shift.campaign.agents)
        if not abs(ends_at - float(self.state["ends_at"][0])) < DAY_ENDS_WITHIN_S:
            self._tell(events.DAY_ENDS, 0, ends_at, now)

    def _look_at_calls(self, now):
        bound = 0
        for call_ref, call in self._shift.calls.items():
            if call.state is CallState.PREVIEW:
                continue
            reached = self._reached(call)
            bound += bool(call.agent) and call.state in UNANSWERED
            if call_ref not in self._rows:
                if reached not in (_NEW, _RINGS):
                    continue
                row = self._tell(events.CALL_PLACED, 0, 0, call.begun_at)
                if row < 0:
                    continue
                self._rows[call_ref] = _Row(call, row, _NEW, 0)
            self._goes_on(call_ref, reached, now)
        for call_ref in [ref for ref in self._rows if ref not in self._shift.calls]:
            self._goes_on(call_ref, _OVER, now)
            del self._rows[call_ref]
        self._set(events.BOUND_CALLS, bound, now)

    def _goes_on(self, call_ref, reached, now):
        known = self._rows[call_ref]
        if reached > known.reached:
            self._rows[call_ref] = known._replace(reached=reached)
            self._go_on(known, reached, now)

    def _look_at_agents(self, now):
        campaign, board = self._shift.campaign, self._shift.board
        allotted = self._shift.allotment(now)
        connecting = {call.agent for call in self._shift.calls.values() if call.state in _TALKING}
        for name, state, of, will_pause in board.doing(campaign.agents):
            doing = floor.TALKING if name in connecting else _DOING[state]
            elsewhere = doing in (floor.TALKING, floor.WRAPPING_UP) and of != campaign.name
            if elsewhere or (doing == floor.READY and allotted is not None and name not in allotted.ready):
                doing = floor.AWAY
            leaves_at = board.leaves_at(name)
            if will_pause or (allotted is not None and name in allotted.lent):
                leaves_at = -math.inf
            row, before, leaving_at = self._agents.get(name, (len(self._agents), -1, math.inf))
            if doing != before:
                self._tell(events.AGENT_DOES, row, doing, now)
            if leaves_at != leaving_at:
                self._tell(events.AGENT_LEAVES, row, max(leaves_at, now), now)
            self._agents[name] = (row, doing, leaves_at)


class Both:
    """A campaign's floor and its twin, which must be told the same, in the same order, and decide the same."""

    def __init__(self, shift):
        self.floor, self.twin = CampaignFloor(shift), LooksAtEverything(shift)
        self.fallback, self.answers, self.looks, self.dialled = "", 0.0, 0, 0
        self.told = ([], [])
        for each, told in zip((self.floor, self.twin), self.told, strict=True):
            each._tell = self._listening(each, told)

    def _listening(self, each, told):
        def tell(kind, row, value, now):
            told.append((kind, row, float(value), now))
            return int(events.receive(each.state, kind, row, float(value), now))

        return tell

    def dials(self, *given):
        due, twins = self.floor.dials(*given), self.twin.dials(*given)
        assert self.told[0] == self.told[1]
        assert due == twins
        for told in self.told:
            told.clear()
        self.looks, self.dialled = self.looks + 1, self.dialled + due
        return due


class World:
    """Two campaigns that share agents, and a network and people that do anything."""

    def __init__(self, policy, amd, *, shared):
        self.now, numbers = 1000.0, count(1)
        self.board = AgentBoard()
        blend = Blend(self.board) if shared else None
        self.diallers, self.floors = [], []
        for name in ("survey", "panel"):
            refs = count(1)
            dialler = Dialler(
                replace(CAMPAIGN, name=name, policy=policy, amd=amd, ratio=3.0, wrap_up_s=5.0, preview_s=9.0),
                suppression=SuppressionList(),
                rng=np.random.default_rng(3),
                new_ref=lambda refs=refs, name=name: f"{name}{next(refs)}",
                board=self.board,
                blend=blend,
            )
            dialler._pace._floor = Both(dialler._shift)
            self.floors.append(dialler._pace._floor)
            self.diallers.append(dialler)
            dialler.set_wall(NOON, self.now)
            dialler.restore_day(DayCounts(NOON.date(), live=1000))
            dialler.receive_interlocks(True, self.now)
            dialler.receive_channels(9, self.now)
        self._leads = lambda: lead(next(numbers))
        for dialler in self.diallers:
            dialler.start(self.now)
        self.settle()

    def settle(self):
        told = True
        while told:
            told = False
            for dialler in self.diallers:
                while (event := dialler.next_event()) is not None:
                    told = True
                    match event:
                        case LeadsWanted():
                            dialler.add_leads([self._leads() for _ in range(event.count)], self.now)
                        case CommitAttempt():
                            dialler.receive_attempt_committed(event.attempt.call_ref, self.now)
                        case PlaceCall():
                            dialler.receive_invited(event.call_ref, self.now)
                if _timer(dialler) <= self.now:
                    dialler.handle_timer(self.now)
                    told = True

    def pass_time(self, seconds):
        until = self.now + seconds
        while (timer := min(map(_timer, self.diallers))) <= until:
            self.now = max(self.now, timer)
            for dialler in self.diallers:
                if _timer(dialler) <= self.now:
                    dialler.handle_timer(self.now)
            self.settle()
        self.now = until

    def do(self, what, at):
        dialler = self.diallers[at % 2]
        agent, calls = AGENTS[at % len(AGENTS)], dialler.calls(self.now)
        ref = calls[at // 2 % len(calls)].call_ref if calls else ""
        match what:
            case "ready" | "paused" | "offline":
                dialler.receive_agent(agent, AgentState(what), self.now)
            case "leaves":
                self.board.expect_leave(agent, self.now + at if at % 3 else None)
            case "works":
                self.board.expect_work(agent, [(self.now, self.now + 60 * at), (self.now + 90 * at, self.now + 2e4)])
            case "rings":
                dialler.receive_ringing(ref, self.now)
            case "answers":
                dialler.receive_answered(ref, self.now)
            case "heard":
                dialler.receive_agent_heard(ref, self.now, self.now)
            case "verdict":
                verdict = (Verdict.HUMAN, Verdict.MACHINE, Verdict.NOTSURE)[at % 3]
                dialler.receive_verdict(ref, verdict, Cause.NONE, 900, self.now)
            case "ends":
                dialler.receive_ended(ref, at % 3 == 0, self.now)
            case "fails":
                dialler.receive_failed(ref, Outcome.BUSY, 486, self.now)
            case "accepts":
                for call in calls:
                    if call.state == "preview":
                        dialler.receive_preview_accepted(call.agent, call.call_ref, self.now)
            case "channels":
                dialler.receive_channels(at % 12, self.now)
            case "is taken up":
                self._take_up(dialler, ref)
            case "time":
                self.pass_time(at / 4)
        self.settle()

    def _take_up(self, dialler, ref):
        """As if another process had had a call like this one until now."""
        snapshot = dialler.snapshot(ref)
        if snapshot is not None and snapshot["state"] in ("ringing", "answered", "message"):
            call = call_from(snapshot)
            lead_of_it = self._leads()
            call.lead, call.agent = lead_of_it, ""
            call.attempt = replace(call.attempt, call_ref=f"old {ref} {self.now}")
            if not any(one.call_ref == call.attempt.call_ref for one in dialler.calls(self.now)):
                dialler.take_up(call_snapshot(call), self.now)


def _timer(dialler):
    timer = dialler.next_timer()
    return math.inf if timer is None else timer


DONE = (
    "ready", "ready", "paused", "offline", "leaves", "works", "rings", "rings", "rings", "answers", "answers", "heard",
    "heard", "verdict", "ends", "ends", "fails", "accepts", "channels", "is taken up", "time", "time",
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(DONE), st.integers(0, 99)), min_size=20, max_size=120),
    st.sampled_from([Policy.RATIO, Policy.PREDICTIVE, Policy.GUARANTEED_AGENT, Policy.PREVIEW]),
    st.sampled_from(AmdMode),
    st.booleans(),
)
def test_looking_at_what_has_changed_comes_to_what_looking_at_everything_comes_to(steps, policy, amd, shared):
    world = World(policy, amd, shared=shared)
    world.do("ready", 0)
    for what, at in steps:
        world.do(what, at)
    assert all(each.looks for each in world.floors)


@pytest.mark.parametrize("amd", AmdMode)
def test_a_long_shift_is_dialled_by_the_same_decisions(amd):
    world, rng = World(Policy.RATIO, amd, shared=True), np.random.default_rng(5)
    for at in range(4):
        world.do("ready", at)
    for _ in range(350):
        world.do(DONE[int(rng.integers(len(DONE)))], int(rng.integers(100)))
    assert sum(each.dialled for each in world.floors) > 20
