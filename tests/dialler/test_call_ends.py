"""What an agent is told of a call that ended without the agent's doing."""

import pytest

from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentState, CallEnd
from softswitch.dialler.campaign import AmdMode, Policy
from tests.dialler.desk import Desk, lead


def in_call(open_desk, **campaign) -> tuple[Desk, str]:
    desk = open_desk(lead(1), lead(2), **campaign)
    desk.agent("ada")
    call = desk.dial()
    desk.answer(call)
    desk.hear(call)
    return desk, call


def told(desk: Desk) -> str:
    desk.settle()
    return desk.dialler.board.last_end_of("ada")


def test_who_hung_up_is_told_through_the_wrap_up_and_until_the_next_call_comes(open_desk):
    desk, call = in_call(open_desk)
    assert told(desk) == ""
    desk.pass_time(60)
    desk.end(call)
    assert (desk.dialler.board.state_of("ada"), told(desk)) == (AgentState.WRAP_UP, CallEnd.HUNG_UP)
    desk.agent("ada", AgentState.PAUSED)
    desk.pass_time(16)
    assert (desk.dialler.board.state_of("ada"), told(desk)) == (AgentState.PAUSED, CallEnd.HUNG_UP)
    desk.agent("ada")
    call = desk.dial()
    desk.answer(call)
    desk.hear(call)
    assert told(desk) == ""


def test_a_machine_is_told_to_the_agent_who_was_with_it_and_is_free_at_once(open_desk):
    desk, call = in_call(open_desk, amd=AmdMode.PARALLEL)
    desk.machine(call)
    assert told(desk) == CallEnd.MACHINE
    assert desk.dialler.board.state_of("ada") is AgentState.RESERVED  # for the next call, which rings
    desk.fail(desk.dial(), Outcome.NO_ANSWER, 487)
    assert told(desk) == CallEnd.MACHINE  # what came to nothing was no call of the agent's


@pytest.mark.parametrize("because", [CallEnd.SUPERVISOR, None])
def test_an_agent_who_ends_the_call_is_told_nothing_and_one_whose_supervisor_does_is(open_desk, because):
    desk, call = in_call(open_desk)
    desk.dialler.hang_up(call, desk.now, because)
    assert told(desk) == (because or "")
    desk.end(call, by_callee=False)
    assert told(desk) == (because or "")


def test_the_kill_switch_and_broken_media_are_told_as_such(open_desk):
    desk, call = in_call(open_desk)
    desk.dialler.kill(desk.now, "closing")
    assert told(desk) == CallEnd.STOPPED
    desk, call = in_call(open_desk)
    desk.dialler.receive_media_failed(call, desk.now)
    assert told(desk) == CallEnd.BROKE_OFF


def test_who_was_reserved_for_a_call_that_nobody_answered_is_told_nothing(open_desk):
    desk = open_desk(lead(1), policy=Policy.GUARANTEED_AGENT)
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.pass_time(20)
    desk.fail(call, Outcome.NO_ANSWER, 487)
    assert (desk.dialler.board.state_of("ada"), told(desk)) == (AgentState.READY, "")


def test_what_was_told_is_told_by_the_next_process_too_and_not_to_the_next_shift(open_desk):
    desk, call = in_call(open_desk)
    desk.end(call)
    left = desk.dialler.board.snapshot("ada")
    other = open_desk()
    other.dialler.board.restore(left)
    assert told(other) == CallEnd.HUNG_UP
    other.agent("ada", AgentState.OFFLINE)
    assert told(other) == ""
