from datetime import UTC, date, datetime

import pytest

from softswitch.dialler.abandonment import (
    AbandonmentLedger,
    DayCounts,
    FalsePositives,
    abandoned_rate,
    abandoned_rate_less_machines,
)
from softswitch.dialler.agents import AgentState
from softswitch.dialler.events import PlaceCall
from softswitch.dialler.rules import UNITED_KINGDOM, UNITED_STATES
from tests.dialler.desk import lead

DAY = date(2026, 6, 10)


def test_without_amd_the_rate_is_abandoned_of_abandoned_and_live():
    assert abandoned_rate(DayCounts(DAY, live=97, abandoned=3), 0.02) == pytest.approx(0.03)


def test_with_amd_the_expected_false_positives_are_added_above_and_below():
    assert abandoned_rate(DayCounts(DAY, live=90, abandoned=1, machines=100), 0.02) == pytest.approx(3 / 93)


def test_machines_that_agents_met_may_reduce_the_count():
    counts = DayCounts(DAY, live=80, abandoned=5, machines_with_agents=20)
    assert abandoned_rate_less_machines(counts) == pytest.approx(4 / 84)


def test_a_day_without_live_calls_has_rate_zero():
    assert abandoned_rate(DayCounts(DAY), 0.02) == 0.0
    assert abandoned_rate_less_machines(DayCounts(DAY)) == 0.0


def test_the_prior_stands_until_a_hundred_recordings_are_reviewed():
    assert FalsePositives(0.02, reviewed=99, people=9).share == 0.02
    assert FalsePositives(0.02, reviewed=100, people=1).share == 0.01


def test_the_interval_is_wilsons():
    low, high = FalsePositives(0.02, reviewed=100, people=1).interval()
    assert (round(low, 4), round(high, 4)) == (0.0018, 0.0545)
    assert FalsePositives(0.02).interval() == (0.0, 1.0)


def test_a_day_ends_at_the_sites_midnight():
    ledger = AbandonmentLedger("Europe/London", FalsePositives(0.02))
    ledger.record_abandoned(datetime(2026, 6, 10, 22, 59, tzinfo=UTC))
    ledger.record_abandoned(datetime(2026, 6, 10, 23, 1, tzinfo=UTC))  # 00:01 on the 11th in London
    assert ledger.counts(datetime(2026, 6, 10, 12, 0, tzinfo=UTC)).abandoned == 1
    assert ledger.counts(datetime(2026, 6, 11, 12, 0, tzinfo=UTC)).abandoned == 1


def test_at_the_limit_every_call_has_its_agent_before_it_is_placed(open_desk):
    desk = open_desk(lead(1), lead(2), started=False)
    desk.dialler.restore_day(DayCounts(DAY, live=30, abandoned=2))
    desk.dialler.start(desk.now)
    desk.agent("ada")
    assert desk.dialler.figures(desk.now).policy == "guaranteed_agent"
    assert desk.dialler.board.state_of("ada") is AgentState.RESERVED
    assert len(desk.of(PlaceCall)) == 1


def test_under_rules_of_thirty_days_these_bind_as_well_as_the_day(open_desk):
    yesterday = DayCounts(date(2026, 6, 9), live=95, abandoned=5)
    for rules, reserved in ((UNITED_STATES, True), (UNITED_KINGDOM, False)):
        desk = open_desk(lead(1), started=False, rules=rules)
        desk.dialler.restore_day(yesterday)
        desk.dialler.restore_day(DayCounts(DAY, live=30))
        desk.dialler.start(desk.now)
        desk.agent("ada")
        assert desk.dialler.attempt(desk.dial()).guaranteed is reserved, rules.name
        counts, days = desk.dialler.tightest(desk.now)
        assert (counts.abandoned, counts.live, days) == ((5, 125, 30) if reserved else (0, 30, 1))


def test_a_good_month_does_not_excuse_a_bad_day(open_desk):
    desk = open_desk(lead(1), started=False, rules=UNITED_STATES)
    desk.dialler.restore_day(DayCounts(date(2026, 6, 9), live=900))
    desk.dialler.restore_day(DayCounts(DAY, live=30, abandoned=2))
    desk.dialler.start(desk.now)
    desk.agent("ada")
    assert desk.dialler.attempt(desk.dial()).guaranteed
    assert desk.dialler.tightest(desk.now)[1] == 1


def test_the_day_finds_back_under_its_limit(open_desk):
    desk = open_desk(lead(1), started=False)
    desk.dialler.restore_day(DayCounts(DAY, live=64, abandoned=2))
    desk.dialler.start(desk.now)
    desk.agent("ada")
    call = desk.dial()
    desk.answer(call)
    desk.hear(call)
    assert desk.dialler.figures(desk.now).policy == "progressive"
