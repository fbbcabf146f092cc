"""Days of eight agents on the virtual clock, with a real store; every rule is held against a recount of the journal.

A short day and its morrow here; `SOFTSWITCH_DAYS=30` is a month of whole ones, over some minutes.
"""

import heapq
import os
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from softswitch.amd.verdict import Cause, Verdict
from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentState
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.campaign import AmdMode, Campaign, Policy
from softswitch.dialler.events import (
    CancelCall,
    CommitAttempt,
    ConnectAgent,
    DiallerEvent,
    HangUp,
    Listen,
    PlaceCall,
    PlayMessage,
)
from softswitch.dialler.rules import UNITED_KINGDOM
from tests.dialler.house import LONDON, House, Template
from tests.recount import recount, tell

DAYS = int(os.environ.get("SOFTSWITCH_DAYS", "0"))
AGENTS = tuple(f"agent{n}" for n in range(8))
SURVEY = Campaign(
    "survey", caller_id="+441134960000", information_message="who-called", amd=AmdMode.PARALLEL,
    policy=Policy.PREDICTIVE, abandoned_target=0.03, queue_high=100,
)  # fmt: skip
PANEL = replace(SURVEY, name="panel", amd=AmdMode.OFF, policy=Policy.PROGRESSIVE)
KEPT = (
    "rings_cut_short", "outside_hours", "outside_own_hours", "within_abandoned_lock", "within_machine_lock",
    "without_caller_id", "premium_caller_id", "message_late",
)  # fmt: skip


class Network:
    """Telephones that answer by chance: a third people, a quarter machines, the rest busy, dead or nobody at home."""

    def __init__(self, seed: int, leads: int, wall: datetime) -> None:
        self.rng = np.random.default_rng(seed)
        self.due: list[tuple[float, int, Callable[[], None]]] = []
        self.order = count()
        self.up: dict[str, str] = {}
        self.person: dict[str, bool] = {}
        self.served: set[str] = set()
        numbers = [f"02079{n:06d}" for n in self.rng.choice(900_000, leads, replace=False)]
        lists = {"survey": numbers[: leads * 3 // 4], "panel": numbers[leads // 2 :]}
        self.template = Template(lists)
        self.house = House(self.template, [SURVEY, PANEL], wall, self.carry_out, seed=seed)
        self.house.channels, self.house.written_by = 40, 256
        for dialler in self.house.diallers.values():
            dialler.receive_channels(40, self.house.now)
            dialler.pause(self.house.now)
        self.house.settle()

    def later(self, seconds: float, call_ref: str, what: Callable[[Any], None]) -> None:
        """Do something with a call's dialler, if the call is still up then."""

        def act() -> None:
            if call_ref in self.up:
                what(self.house.diallers[self.up[call_ref]])

        heapq.heappush(self.due, (self.house.now + seconds, next(self.order), act))

    def over(self, call_ref: str, how: Callable[[Any], None]) -> None:
        how(self.house.diallers[self.up.pop(call_ref)])

    def carry_out(self, campaign: str, event: DiallerEvent) -> None:
        house, rng = self.house, self.rng
        ref = getattr(event, "call_ref", "")
        match event:
            case CommitAttempt(attempt=attempt):
                house.diallers[campaign].receive_attempt_committed(attempt.call_ref, house.now)
            case PlaceCall():
                self.up[ref] = campaign
                house.diallers[campaign].receive_invited(ref, house.now)
                fate = rng.random()
                if fate < 0.12:
                    self.later(
                        2.0, ref, lambda d: self.over(ref, lambda d: d.receive_failed(ref, BUSY, 486, house.now))
                    )
                    return
                self.later(1.5, ref, lambda d: d.receive_ringing(ref, house.now))
                if fate < 0.67:
                    self.person[ref] = fate < 0.42
                    self.later(1.5 + rng.gamma(3.0, 3.0), ref, lambda d: self.answer(ref, d))
            case CancelCall():
                gone = Outcome.CANCELLED
                self.later(0.1, ref, lambda d: self.over(ref, lambda d: d.receive_failed(ref, gone, 487, house.now)))
            case ConnectAgent(agent=agent):
                if rng.random() < 0.995:  # now and then a headset is dead
                    self.later(0.08, ref, lambda d: self.hear(ref, agent, d))
            case PlayMessage():
                self.later(0.06, ref, lambda d: d.receive_message_started(ref, house.now, house.now))
                self.later(9.0, ref, lambda d: d.receive_message_ended(ref, house.now))
                self.later(float(rng.exponential(6.0)), ref, lambda d: self.ring_off(ref))
            case HangUp():
                self.later(0.05, ref, lambda d: self.over(ref, lambda d: d.receive_ended(ref, False, house.now)))
            case Listen():
                self.later(20.0, ref, lambda d: self.ring_off(ref))

    def ring_off(self, ref: str) -> None:
        self.over(ref, lambda d: d.receive_ended(ref, True, self.house.now))

    def answer(self, ref: str, dialler: Any) -> None:
        rng, now = self.rng, self.house.now
        dialler.receive_answered(ref, now)
        self.later(
            float(rng.uniform(0.2, 1.6)), ref, lambda d: d.receive_speech_started(ref, self.house.now, self.house.now)
        )
        person = self.person[ref]
        if person and rng.random() < 0.02:  # some hang up at once
            self.later(float(rng.uniform(0.3, 3.0)), ref, lambda d: self.ring_off(ref))
        right = rng.random() < (0.985 if person else 0.9)
        verdict = Verdict.HUMAN if person is right else Verdict.MACHINE
        self.later(float(rng.uniform(1.0, 2.5)), ref, lambda d: d.receive_verdict(
            ref, verdict, Cause.CLASSIFIER, 1500, self.house.now, probability=0.97))  # fmt: skip

    def hear(self, ref: str, agent: str, dialler: Any) -> None:
        now, rng = self.house.now, self.rng
        dialler.receive_agent_heard(ref, now, now, agent)
        if ref in self.served:
            return
        self.served.add(ref)
        if not self.person[ref]:
            machine = Disposition.MACHINE
            self.later(6.0, ref, lambda d: d.receive_disposition(ref, machine, self.house.now))
            self.later(6.5, ref, lambda d: d.hang_up(ref, self.house.now))
            return
        talk_s = 5.0 + float(rng.gamma(1.5, 60.0))
        if rng.random() < 0.02:
            out = Disposition.OPT_OUT
            self.later(talk_s / 2, ref, lambda d: d.receive_disposition(ref, out, self.house.now))
        self.later(talk_s, ref, lambda d: self.ring_off(ref))

    def run_until(self, until: float) -> None:
        house = self.house
        while True:
            timer = house.next_timer()
            first = min(timer if timer is not None else until, self.due[0][0] if self.due else until)
            if first >= until:
                break
            house.now = max(house.now, first)
            while self.due and self.due[0][0] <= house.now:
                heapq.heappop(self.due)[2]()
            house.handle_timers()
        house.now = until

    def work(self, day: date, hours: float) -> None:
        """From a minute before opening; breaks come by chance."""
        house = self.house
        opens = datetime.combine(day, datetime.min.time().replace(hour=8, minute=59), ZoneInfo(LONDON))
        self.run_until(house.now + (opens.astimezone(UTC) - house.wall).total_seconds())
        for agent in AGENTS:
            house.board.receive_state(agent, AgentState.READY, house.now)
        for dialler in house.diallers.values():
            dialler.start(house.now)
        house.settle()
        ends = house.now + hours * 3600.0
        while house.now < ends:
            self.run_until(min(ends, house.now + 300.0))
            agent = AGENTS[int(self.rng.integers(len(AGENTS)))]
            paused = house.board.state_of(agent) is AgentState.PAUSED
            house.board.receive_state(agent, AgentState.READY if paused else AgentState.PAUSED, house.now)
            for each in AGENTS:  # whoever was not heard puts on another headset
                if house.board.state_of(each) is AgentState.PAUSED and each != agent:
                    house.board.receive_state(each, AgentState.READY, house.now)
            house.settle()
        for agent in AGENTS:
            house.board.receive_state(agent, AgentState.PAUSED, house.now)
        for dialler in house.diallers.values():  # else it would be asked every second of the night
            dialler.pause(house.now)
        house.settle()
        self.run_until(house.now + 900.0)


BUSY = Outcome.BUSY


def test_every_rule_is_kept_on_every_day_and_the_report_equals_the_recount() -> None:
    first = date(2027, 3, 15)  # the clocks go forward on the 28th
    days = [first + timedelta(days=n) for n in range(DAYS or 2)]
    hours = 8.0 if DAYS else 0.25
    opened = datetime.combine(first, datetime.min.time(), ZoneInfo(LONDON)).replace(hour=8, minute=30)
    network = Network(5, 1500 * len(days) if DAYS else 300, opened.astimezone(UTC))
    house = network.house
    try:
        for day in days:
            network.work(day, hours)
            if DAYS:
                print(f"{day}: {sum(day_of(house, name, day)['dials'] for name in house.diallers)} dials", flush=True)
        house.write()
        calls = tell(house.run(_all(house.store.journal())))
        leads = {lead.lead_ref: lead for lead in house.run(_all(house.store.all_leads(persons=True)))}
        numbers = {ref: lead.number for ref, lead in leads.items()}
        live = abandoned = dials = 0
        for day in days:
            for name in house.diallers:
                report = day_of(house, name, day)
                counted = recount(calls, name, day, LONDON, numbers)
                assert counted == {each: report[each] for each in counted}, (day, name)
                assert {each: report[each] for each in KEPT if report[each]} == {}, (day, name)
                dials, live = dials + report["dials"], live + report["connected"]
                abandoned += report["abandoned"]
        assert dials > 30 * len(days)
        assert live > 5 * len(days)
        assert all(not told.kinds - {"agent"} or told.at("ended") for told in calls.values()), "every call has an end"
        states = [lead.state.value for lead in leads.values()]
        assert len(states) == network.template.accepted
        print(f"{len(days)} days: {dials} dials, {live} connected, {abandoned} abandoned")
    finally:
        house.close()


def day_of(house: House, name: str, day: date) -> dict[str, Any]:
    house.write()
    return asdict(house.run(house.store.compliance_day(house.diallers[name].campaign, UNITED_KINGDOM, day, LONDON)))


async def _all(them: Any) -> list[Any]:
    return [each async for each in them]
