import pytest

from softswitch.amd.verdict import Cause, Verdict
from softswitch.dialler.agents import AgentState
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.campaign import AmdMode
from softswitch.dialler.events import AgentChanged, ConnectAgent, HangUp, LeadChanged, NumberLocked, PlayMessage
from softswitch.dialler.lead import LeadState
from tests.dialler.desk import lead


def answered_without_agent(open_desk, **campaign):
    desk = open_desk(lead(1), lead(2), **campaign)
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.agent("ada", AgentState.OFFLINE)
    desk.pass_time(3)
    desk.answer(call)
    return desk, call


def connecting(open_desk):
    """An answered call that is being connected with ada, who was ready before bob."""
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.pass_time(1)
    desk.agent("bob")
    desk.answer(call)
    return desk, call


def test_an_answered_call_goes_to_the_agent_who_has_waited_longest(open_desk):
    desk = open_desk(lead(1))
    desk.agent("bob")
    desk.pass_time(5)
    desk.agent("ada")
    assert desk.answer(desk.dial())[-1] == ConnectAgent(desk.dial(), "bob")


def test_an_agent_heard_in_time_makes_it_a_live_call(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.answer(call)
    desk.pass_time(0.04)
    desk.dialler.receive_callee_heard(call, desk.now)
    desk.hear(call)
    assert desk.dialler.day(desk.now).live == 1
    assert desk.dialler.attempt(call).answer_to_agent_ms == pytest.approx(40)


def test_without_an_agent_the_message_is_asked_for_before_the_two_seconds_are_over(open_desk):
    desk, call = answered_without_agent(open_desk)
    assert not any(isinstance(event, PlayMessage) for event in desk.pass_time(1.7))
    assert PlayMessage(call, "who-called") in desk.pass_time(0.1)
    assert desk.dialler.day(desk.now).abandoned == 1


def test_the_message_mitigates_but_the_call_still_counts_as_abandoned(open_desk):
    desk, call = answered_without_agent(open_desk)
    desk.pass_time(1.8)
    desk.dialler.receive_message_started(call, desk.now, desk.now)
    desk.pass_time(6)
    desk.dialler.receive_message_ended(call, desk.now)
    assert HangUp(call, "message-ended") in desk.settle()
    desk.end(call, by_callee=False)
    attempt = desk.last_attempt()
    assert (attempt.disposition, attempt.abandoned, attempt.silent) == (Disposition.ABANDONED, True, False)


def test_speech_before_the_200_is_the_stricter_clock(open_desk):
    desk, call = answered_without_agent(open_desk)
    desk.dialler.receive_speech_started(call, desk.now - 0.5, desk.now)
    told = desk.pass_time(1.3)
    assert PlayMessage(call, "who-called") in told


def test_speech_after_the_200_gives_no_more_time(open_desk):
    desk, call = answered_without_agent(open_desk)
    desk.pass_time(1.0)
    desk.dialler.receive_speech_started(call, desk.now, desk.now)
    assert PlayMessage(call, "who-called") in desk.pass_time(0.8)


def test_an_agent_who_gets_ready_in_time_takes_the_waiting_call(open_desk):
    desk, call = answered_without_agent(open_desk)
    desk.pass_time(1.0)
    assert ConnectAgent(call, "bob") in desk.agent("bob")
    desk.pass_time(0.05)
    desk.hear(call)
    assert desk.dialler.day(desk.now).abandoned == 0


def test_an_agent_who_gets_ready_after_the_message_began_does_not_get_the_call(open_desk):
    desk, _ = answered_without_agent(open_desk)
    desk.pass_time(1.9)
    assert not any(isinstance(event, ConnectAgent) for event in desk.agent("bob"))


def test_an_agent_who_is_not_heard_is_paused_and_the_next_one_gets_the_call(open_desk):
    desk, call = connecting(open_desk)
    told = desk.pass_time(0.31)
    assert AgentChanged("ada", AgentState.PAUSED, "", "unheard") in told
    assert ConnectAgent(call, "bob") in told
    desk.hear(call)
    assert desk.dialler.attempt(call).agent == "bob"


def test_news_of_an_agent_who_was_taken_out_of_the_call_does_not_count(open_desk):
    desk, call = connecting(open_desk)
    answered_at = desk.now
    desk.pass_time(0.31)
    desk.dialler.receive_agent_heard(call, answered_at + 0.2, desk.now)
    assert not desk.dialler.attempt(call).agent


def test_when_no_agent_is_heard_the_message_comes_in_time(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    answered_at = desk.now
    desk.answer(call)
    desk.pass_time(1.76)
    assert PlayMessage(call, "who-called") in desk.events
    assert desk.now - answered_at < 2


def test_an_agent_who_vanishes_while_being_connected_is_replaced_at_once(open_desk):
    desk, call = connecting(open_desk)
    assert ConnectAgent(call, "bob") in desk.agent("ada", AgentState.OFFLINE)
    assert not desk.agent("ada", AgentState.OFFLINE)


def test_an_agent_who_vanishes_in_the_conversation_leaves_the_callee_with_the_message(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.answer(call)
    desk.hear(call)
    desk.pass_time(30)
    assert PlayMessage(call, "who-called") in desk.agent("ada", AgentState.OFFLINE)
    desk.end(call)
    assert desk.last_attempt().disposition == Disposition.CONNECTED
    assert desk.dialler.day(desk.now).abandoned == 0


def test_an_agent_heard_too_late_makes_it_an_abandoned_call_all_the_same(open_desk):
    desk = open_desk(lead(1))
    desk.dialler.board.expect_heard_within("ada", 1.9)
    desk.agent("ada")
    call = desk.dial()
    desk.answer(call)
    desk.dialler.receive_agent_heard(call, desk.now + 2.1, desk.now + 2.1)
    day = desk.dialler.day(desk.now)
    assert (day.live, day.abandoned) == (0, 1)


def test_who_hangs_up_within_the_rule_is_not_abandoned(open_desk):
    desk, call = answered_without_agent(open_desk)
    desk.pass_time(1.2)
    desk.end(call)
    assert desk.last_attempt().disposition == Disposition.HUNG_UP
    assert desk.dialler.day(desk.now).abandoned == 0


def test_who_hangs_up_after_two_seconds_of_nothing_was_called_silently(open_desk):
    desk, call = answered_without_agent(open_desk)
    desk.pass_time(2.5)
    desk.end(call)
    attempt = desk.last_attempt()
    assert attempt.abandoned
    assert attempt.silent
    assert desk.dialler.day(desk.now).silent == 1


def test_a_live_call_that_breaks_on_our_side_counts_as_abandoned(open_desk):
    desk, call = answered_without_agent(open_desk)
    desk.dialler.receive_media_failed(call, desk.now)
    assert HangUp(call, "media") in desk.settle()
    desk.end(call, by_callee=False)
    assert desk.last_attempt().abandoned


def test_an_abandoned_number_is_locked_for_72_hours(open_desk):
    desk, call = answered_without_agent(open_desk)
    desk.pass_time(4)
    desk.end(call)
    locked = desk.of(NumberLocked)[-1]
    assert (locked.until - desk.wall).total_seconds() == pytest.approx(72 * 3600, abs=5)
    after = [event.lead for event in desk.of(LeadChanged)][-1]
    assert after.state is LeadState.WAITING
    assert (after.not_before - desk.wall).total_seconds() >= 72 * 3600 - 5


def test_a_200_that_crosses_our_cancel_is_served_like_any_answer(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.pass_time(22)
    assert ConnectAgent(call, "ada") in desk.answer(call)


def test_before_agent_waits_for_the_verdict(open_desk):
    desk = open_desk(lead(1), amd=AmdMode.BEFORE_AGENT)
    desk.agent("ada")
    call = desk.dial()
    assert not any(isinstance(event, ConnectAgent) for event in desk.answer(call))
    desk.pass_time(0.9)
    desk.dialler.receive_verdict(call, Verdict.HUMAN, Cause.SHORT_GREETING, 900, desk.now)
    assert ConnectAgent(call, "ada") in desk.settle()


def test_before_agent_doubt_gives_way_in_time_for_the_two_second_rule(open_desk):
    desk = open_desk(lead(1), amd=AmdMode.BEFORE_AGENT)
    desk.agent("ada")
    call = desk.dial()
    desk.answer(call)
    assert not any(isinstance(event, ConnectAgent) for event in desk.pass_time(1.4))
    assert ConnectAgent(call, "ada") in desk.pass_time(0.1)


def test_an_agent_whose_phone_must_be_rung_gets_no_more_time_than_the_rule_leaves(open_desk):
    desk = open_desk(lead(1))
    desk.dialler.board.expect_heard_within("ada", 10.0)
    desk.agent("ada")
    call = desk.dial()
    desk.answer(call)
    told = desk.pass_time(1.76)
    assert PlayMessage(call, "who-called") in told
    assert AgentChanged("ada", AgentState.READY, "") in told, "it was the rule that cut it short, not the agent"


def test_it_is_the_agent_who_must_be_heard_and_not_the_callee(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.answer(call)
    desk.dialler.receive_callee_heard(call, desk.now)  # the agent's cable is out: the callee hears nothing
    assert PlayMessage(call, "who-called") in desk.pass_time(2.0)
    assert desk.dialler.board.state_of("ada") is AgentState.PAUSED
    assert (desk.dialler.day(desk.now).live, desk.dialler.day(desk.now).abandoned) == (0, 1)
