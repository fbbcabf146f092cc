"""What the pacing knows of a live campaign is what it knows of a simulated one, the day's end with it."""

from datetime import time, timedelta

import pytest
from softswitch.pacing import events
from softswitch.pacing.market import Market
from softswitch.pacing.policies import POLICY_PREDICTIVE
from softswitch.pacing.replay import STEPPED
from softswitch.pacing.simulate import day_of

from softswitch.amd.verdict import Cause, Verdict
from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentState
from softswitch.dialler.campaign import AmdMode
from softswitch.dialler.events import PlaceCall
from softswitch.dialler.floor import CampaignFloor
from tests.dialler.desk import NOON, lead

HOUR_S = 3600.0


@pytest.fixture
def told(monkeypatch):
    """(kind, value) of every event that a live campaign's pacing is told."""
    heard: list[tuple[int, float]] = []
    tell = CampaignFloor._tell

    def listen(self, kind, row, value, now):
        heard.append((kind, value))
        return tell(self, kind, row, value, now)

    monkeypatch.setattr(CampaignFloor, "_tell", listen)
    return heard


def day_ends(told) -> float:
    return [value for kind, value in told if kind == events.DAY_ENDS][-1]


def test_the_day_ends_with_the_calling_hours_of_the_callees(open_desk, told):
    desk = open_desk(lead(1), lead(2, time_zone="Atlantic/Azores"), closes=time(20, 0))
    desk.agent("ada")
    desk.pass_time(61)
    assert day_ends(told) == pytest.approx(1000.0 + 9 * HOUR_S, abs=31.0)  # 20:00 there is 21:00 in London


def test_the_day_ends_at_the_site_s_midnight_at_the_latest(open_desk, told):
    afternoon = NOON + timedelta(hours=6)
    desk = open_desk(lead(1), lead(2, time_zone="America/New_York"), wall=afternoon)  # until 21:00 there, 02:00 here
    desk.agent("ada")
    desk.pass_time(61)
    assert day_ends(told) == pytest.approx(1000.0 + 6 * HOUR_S, abs=31.0)


def test_shift_ends_and_roll_checks_bring_the_day_s_end_nearer(open_desk, told):
    desk = open_desk(lead(1))
    board = desk.dialler.board
    board.expect_work("ada", [(0.0, 1000.0 + HOUR_S), (1000.0 + 1.25 * HOUR_S, 1000.0 + 5 * HOUR_S)])
    desk.agent("ada")
    assert day_ends(told) == pytest.approx(1000.0 + 4.75 * HOUR_S, abs=1.0)
    board.expect_work("bob", [(0.0, 1000.0 + 2.75 * HOUR_S)])
    desk.agent("bob", AgentState.PAUSED)
    assert day_ends(told) == pytest.approx(1000.0 + 3.75 * HOUR_S, abs=1.0)


def test_a_clock_that_is_set_moves_the_day_s_end(open_desk, told):
    desk = open_desk(lead(1), lead(2))
    desk.agent("ada")
    before = day_ends(told)
    desk.dialler.set_wall(NOON + timedelta(hours=2), desk.now)
    desk.pass_time(61)
    assert day_ends(told) == pytest.approx(before - 2 * HOUR_S, abs=62.0)


def test_every_event_of_a_simulated_day_is_given_live_too(open_desk, told):
    market = Market(agents=5, day_s=7200.0, channels=20, abandoned_target=0.1, abandoned_limit=0.5)
    day = day_of(market, policy=POLICY_PREDICTIVE, seed=3, log_lines=60_000)
    simulated = {int(kind) for kind in day.log["kind"]} - {STEPPED} | {events.DAY_ENDS}
    assert events.CALL_DROPPED in simulated and events.CHANNELS in simulated
    desk = open_desk(*[lead(index) for index in range(40)], amd=AmdMode.BEFORE_AGENT)
    desk.agent("ada")
    connected = desk.dial()
    desk.ring(connected)
    desk.answer(connected)
    desk.dialler.receive_verdict(connected, Verdict.HUMAN, Cause.CLASSIFIER, 1500, desk.now)
    desk.settle()
    desk.hear(connected)
    desk.end(connected)
    for end in ("machine", "no answer", "dropped"):
        desk.pass_time(60)  # her wrap-up
        ref = [event.call_ref for event in desk.of(PlaceCall)][-1]
        desk.ring(ref)
        if end == "no answer":
            desk.fail(ref, Outcome.NO_ANSWER, 480)
            continue
        desk.answer(ref)
        if end == "machine":
            desk.machine(ref)
            desk.end(ref, by_callee=False)
            continue
        desk.agent("ada", AgentState.OFFLINE)
        desk.dialler.receive_verdict(ref, Verdict.HUMAN, Cause.CLASSIFIER, 1500, desk.now)
        desk.pass_time(10)
    assert simulated <= {kind for kind, _ in told}
