"""The two-second rule of 16 CFR 310.4(b)(4)(iii) runs from the called person's completed greeting; Ofcom's not."""

from datetime import timedelta

import pytest

from softswitch.amd.verdict import Cause, Verdict
from softswitch.dialler.agents import AgentState
from softswitch.dialler.campaign import AmdMode
from softswitch.dialler.compliance import Clocks
from softswitch.dialler.detection import completed_greeting_s
from softswitch.dialler.events import ConnectAgent, PlayMessage
from softswitch.dialler.rules import UNITED_KINGDOM, UNITED_STATES, own_rules
from softswitch.dialler.snapshots import call_from, call_snapshot
from tests.dialler.desk import CAMPAIGN, lead

MESSAGE_S = 1.75
"""After the clock's start the message is asked for."""


@pytest.fixture
def greeted(open_desk):
    """A call whose callee speaks from 0.4 s after the answer for 0.8 s, which is known at 1.5 s. No agent is left."""

    def make(rules=UNITED_STATES, greeting_s=0.8, verdict=Verdict.HUMAN, **campaign):
        desk = open_desk(lead(1), lead(2), rules=rules, **{"amd": AmdMode.PARALLEL, **campaign})
        desk.agent("ada")
        call = desk.dial()
        desk.ring(call)
        desk.agent("ada", AgentState.OFFLINE)
        desk.pass_time(3)
        desk.answer(call)
        desk.pass_time(0.5)
        desk.dialler.receive_speech_started(call, desk.now - 0.1, desk.now)
        desk.pass_time(1.0)
        desk.dialler.receive_verdict(
            call, verdict, Cause.CLASSIFIER, 1500, desk.now, probability=0.97, greeting_s=greeting_s
        )
        return desk, call

    return make


def message_after_answer_s(desk, call) -> float:
    """When the information message is asked for, to a hundredth."""
    answered = desk.dialler.attempt(call).answered_at
    for _ in range(400):
        if any(isinstance(event, PlayMessage) for event in desk.pass_time(0.01)):
            return round((desk.wall - answered).total_seconds(), 2)
    raise AssertionError("it never is")


def test_in_the_united_states_the_clock_runs_from_the_end_of_the_completed_greeting(greeted):
    desk, call = greeted()
    assert message_after_answer_s(desk, call) == pytest.approx(0.4 + 0.8 + MESSAGE_S, abs=0.011)


@pytest.mark.parametrize("rules", [UNITED_KINGDOM, own_rules(CAMPAIGN)])
def test_elsewhere_it_runs_from_the_answer_whenever_the_greeting_ends(greeted, rules):
    desk, call = greeted(rules)
    assert message_after_answer_s(desk, call) == pytest.approx(MESSAGE_S, abs=0.011)


def test_while_the_greeting_goes_on_the_stricter_clock_stands(greeted):
    desk, call = greeted(greeting_s=None)
    assert message_after_answer_s(desk, call) == pytest.approx(MESSAGE_S, abs=0.011)


def test_a_machines_greeting_starts_no_clock(greeted):
    desk, call = greeted(verdict=Verdict.MACHINE)
    assert desk.dialler.attempt(call).greeting_end_at is None


@pytest.mark.parametrize("rules", [UNITED_STATES, UNITED_KINGDOM])
def test_both_clocks_are_written_down_whoever_makes_the_rules(greeted, rules):
    desk, call = greeted(rules)
    attempt = desk.dialler.attempt(call)
    assert attempt.speech_at - attempt.answered_at == timedelta(seconds=0.4)
    assert attempt.greeting_end_at - attempt.speech_at == timedelta(seconds=0.8)


def test_the_first_end_that_was_told_stands(greeted):
    desk, call = greeted()
    desk.dialler.receive_verdict(
        call, Verdict.HUMAN, Cause.CLASSIFIER, 1900, desk.now, probability=0.99, greeting_s=1.4
    )
    attempt = desk.dialler.attempt(call)
    assert attempt.greeting_end_at - attempt.speech_at == timedelta(seconds=0.8)


def test_a_greeting_never_ends_in_the_future(greeted):
    desk, call = greeted(greeting_s=30.0)
    assert desk.dialler.attempt(call).greeting_end_at == desk.wall


@pytest.mark.parametrize(("rules", "abandoned"), [(UNITED_STATES, 0), (UNITED_KINGDOM, 1)])
def test_an_agent_who_is_heard_within_two_seconds_of_its_end_is_in_time_where_that_is_the_rule(
    greeted, rules, abandoned
):
    desk, call = greeted(rules)
    desk.pass_time(1.0)  # 2.5 s after the answer, 1.3 s after the greeting's end
    told = desk.agent("bob")
    if ConnectAgent(call, "bob") in told:
        desk.pass_time(0.05)
        desk.hear(call)
    desk.end(call)
    assert desk.dialler.day(desk.now).abandoned == abandoned
    assert desk.dialler.day(desk.now).live == 1 - abandoned


def test_the_report_asks_for_what_the_dialler_kept(greeted):
    desk, call = greeted()
    attempt = desk.dialler.attempt(call)
    there, here = Clocks.of(attempt, UNITED_STATES), Clocks.of(attempt, UNITED_KINGDOM)
    assert there.due == attempt.greeting_end_at + timedelta(seconds=2)
    assert here.due == here.from_answer == attempt.answered_at + timedelta(seconds=2)
    assert here.from_greeting == attempt.speech_at + timedelta(seconds=2)


def test_the_clock_outlives_the_process(greeted):
    desk, call = greeted()
    note = desk.dialler.snapshot(call)
    again = call_from(note)
    assert again.deadline(2.0) == pytest.approx(desk.now - 0.3 + 2.0)
    assert call_snapshot(again) == note


@pytest.mark.parametrize(
    ("features", "greeting_s"),
    [
        ({"span_ms": 800.0, "quiet_ms": 420.0}, 0.8),
        ({"span_ms": 800.0, "quiet_ms": 120.0}, None),  # a breath
        ({"span_ms": 0.0, "quiet_ms": 900.0}, None),
        ({"span_ms": None, "quiet_ms": None}, None),  # nobody spoke
        ({"span_ms": float("nan"), "quiet_ms": float("nan")}, None),
        ({}, None),
    ],
)
def test_a_greeting_is_complete_once_it_is_followed_by_more_than_a_breath(features, greeting_s):
    assert completed_greeting_s(features) == greeting_s
