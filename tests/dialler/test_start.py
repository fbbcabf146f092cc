from dataclasses import replace
from datetime import time, timedelta

import numpy as np
import pytest

from softswitch.dialler.agents import AgentState
from softswitch.dialler.campaign import Policy, Purpose
from softswitch.dialler.dialling import Dialler
from softswitch.dialler.events import ConnectAgent, PlaceCall
from softswitch.dialler.suppression import SuppressionList
from softswitch.errors import UsageError
from tests.dialler.desk import CAMPAIGN, NOON, lead


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"caller_id": ""}, "caller id"),
        ({"caller_id": "01234567890"}, "caller id"),
        ({"caller_id": "+449012345678"}, "premium"),
        ({"information_message": ""}, "information message"),
        ({"purpose": Purpose.MARKETING}, "TPS"),
        ({"minimum_ring_s": 14.9}, "minimum_ring_s"),
        ({"ring_timeout_s": 14.0}, "ring_timeout_s"),
        ({"two_second_rule_s": 2.5}, "two_second_rule_s"),
        ({"abandoned_limit": 0.05}, "abandoned_limit"),
        ({"abandoned_target": 0.04}, "abandoned_target"),
        ({"abandoned_lock_s": 3600.0}, "abandoned_lock_s"),
        ({"machine_lock_s": 3600.0}, "machine_lock_s"),
        ({"opens": time(8)}, "hours"),
        ({"closes": time(22)}, "hours"),
        ({"opens": time(21), "closes": time(9)}, "opens is not before"),
        ({"weekdays": frozenset()}, "weekdays"),
        ({"maximum_attempts": 0}, "maximum_attempts"),
    ],
)
def test_a_campaign_that_would_break_a_rule_does_not_start_and_says_which(open_desk, change, why):
    desk = open_desk(started=False, **change)
    with pytest.raises(UsageError, match=why):
        desk.dialler.start(desk.now)
    assert desk.dialler.figures(desk.now).state == "stopped"


def test_every_fault_is_said_at_once(open_desk):
    desk = open_desk(started=False, caller_id="", information_message="")
    with pytest.raises(UsageError, match=r"caller id.*information message"):
        desk.dialler.start(desk.now)


def test_marketing_starts_with_a_screening_not_older_than_28_days(open_desk):
    desk = open_desk(started=False, purpose=Purpose.MARKETING)
    desk.dialler.receive_screening(NOON - timedelta(days=29), desk.now)
    with pytest.raises(UsageError, match="TPS"):
        desk.dialler.start(desk.now)
    desk.dialler.receive_screening(NOON - timedelta(days=27), desk.now)
    desk.dialler.start(desk.now)


def test_shorter_lock_outs_are_allowed_where_every_call_has_an_agent(open_desk):
    desk = open_desk(lead(1), abandoned_lock_s=0.0, machine_lock_s=0.0, policy=Policy.GUARANTEED_AGENT)
    assert desk.dialler.figures(desk.now).state == "running"


def test_without_the_time_of_day_nothing_starts():
    dialler = Dialler(
        CAMPAIGN, suppression=SuppressionList(), rng=np.random.default_rng(1), new_ref=iter("abc").__next__
    )
    with pytest.raises(UsageError, match="set_wall"):
        dialler.start(0)


def test_a_wall_clock_without_a_zone_is_refused(open_desk):
    with pytest.raises(UsageError, match="zone"):
        open_desk(wall=NOON.replace(tzinfo=None))


def test_a_guaranteed_call_goes_to_the_agent_reserved_for_it(open_desk):
    desk = open_desk(lead(1), lead(2), policy=Policy.GUARANTEED_AGENT)
    desk.agent("ada")
    call = desk.dial()
    desk.agent("bob")
    other = desk.dial()
    assert ConnectAgent(other, "bob") in desk.answer(other)
    assert ConnectAgent(call, "ada") in desk.answer(call)


def test_when_a_reserved_agent_leaves_another_is_promised_to_the_ringing_call(open_desk):
    desk = open_desk(lead(1), policy=Policy.GUARANTEED_AGENT)
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.agent("bob")
    desk.agent("ada", AgentState.OFFLINE)
    assert desk.dialler.board.call_of("bob") == call


def test_predictive_dials_one_call_for_each_agent_even_before_it_has_learnt_anything(open_desk):
    desk = open_desk(*[lead(index) for index in range(20)], policy=Policy.PREDICTIVE)
    desk.agent("ada")
    desk.agent("bob")
    assert len(desk.of(PlaceCall)) >= 2


def test_the_same_inputs_give_the_same_events(open_desk):
    def shift():
        desk = open_desk(*[lead(index) for index in range(9)])
        for name in "abc":
            desk.agent(name)
        for event in desk.of(PlaceCall)[:2]:
            desk.answer(event.call_ref)
        desk.pass_time(100)
        return desk.events

    assert shift() == shift()


def test_a_stricter_campaign_is_welcome(open_desk):
    desk = open_desk(started=False, minimum_ring_s=20.0, abandoned_limit=0.01, opens=time(10))
    desk.dialler.start(desk.now)
    assert replace(CAMPAIGN, opens=time(10)).opens == time(10)
