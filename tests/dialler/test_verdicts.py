import pytest

from softswitch.amd.verdict import Cause, Verdict
from softswitch.dialler.agents import AgentChanged, AgentState
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.campaign import AmdMode
from softswitch.dialler.events import ConnectAgent, HangUp, NumberLocked, PlayMessage
from softswitch.dialler.lead import LeadState
from tests.dialler.desk import lead


def talking(open_desk, amd=AmdMode.PARALLEL):
    desk = open_desk(lead(1), amd=amd)
    desk.agent("ada")
    call = desk.dial()
    desk.answer(call)
    if amd is AmdMode.BEFORE_AGENT:
        desk.dialler.receive_verdict(call, Verdict.HUMAN, Cause.SHORT_GREETING, 900, desk.now)
        desk.settle()
    desk.hear(call)
    return desk, call


def test_a_machine_frees_the_agent_at_once_and_without_wrap_up(open_desk):
    desk, call = talking(open_desk)
    desk.pass_time(1.5)
    told = desk.machine(call)
    assert HangUp(call, "machine") in told
    assert AgentChanged("ada", AgentState.READY, "") in told
    desk.end(call, by_callee=False)
    assert desk.last_attempt().disposition == Disposition.MACHINE
    assert desk.last_lead().state is LeadState.WAITING


def test_a_machine_is_neither_a_live_call_nor_an_abandoned_one(open_desk):
    desk, call = talking(open_desk)
    desk.machine(call)
    desk.end(call, by_callee=False)
    day = desk.dialler.day(desk.now)
    assert (day.live, day.abandoned, day.machines) == (0, 0, 1)
    assert desk.dialler.figures(desk.now).abandoned_rate == 1.0, (
        "the expected false positive, and no live call beside it"
    )


def test_a_machine_is_not_dialled_again_for_24_hours(open_desk):
    desk, call = talking(open_desk)
    desk.machine(call)
    desk.end(call, by_callee=False)
    assert (desk.of(NumberLocked)[-1].until - desk.wall).total_seconds() == pytest.approx(24 * 3600)
    assert (desk.last_lead().not_before - desk.wall).total_seconds() >= 24 * 3600


def test_a_machine_waiting_for_an_agent_is_ended_and_not_abandoned(open_desk):
    desk = open_desk(lead(1), amd=AmdMode.PARALLEL)
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.agent("ada", AgentState.OFFLINE)
    desk.answer(call)
    desk.pass_time(1)
    assert HangUp(call, "machine") in desk.machine(call)
    assert PlayMessage(call, "who-called") not in desk.pass_time(3)


def test_a_verdict_that_comes_when_the_conversation_is_under_way_hangs_up_on_nobody(open_desk):
    desk, call = talking(open_desk)
    desk.pass_time(10.5)
    assert not desk.machine(call)
    assert desk.dialler.attempt(call).amd_verdict == ""


def test_speech_that_runs_on_after_human_hangs_up_on_nobody(open_desk):
    desk, call = talking(open_desk)
    desk.dialler.receive_verdict(call, Verdict.HUMAN, Cause.SHORT_GREETING, 900, desk.now)
    desk.pass_time(2)
    assert not desk.machine(call, Cause.LONG_GREETING)
    assert desk.dialler.attempt(call).amd_verdict == "HUMAN"


def test_a_beep_after_human_is_believed_in_parallel_mode(open_desk):
    desk, call = talking(open_desk)
    desk.dialler.receive_verdict(call, Verdict.HUMAN, Cause.SHORT_GREETING, 900, desk.now)
    desk.pass_time(4)
    assert HangUp(call, "machine") in desk.machine(call, Cause.BEEP)


def test_a_beep_after_human_is_believed_where_the_verdict_connected_the_agent_too(open_desk):
    desk, call = talking(open_desk, AmdMode.BEFORE_AGENT)
    assert HangUp(call, "machine") in desk.machine(call, Cause.BEEP)


def test_a_machine_told_twice_is_counted_once(open_desk):
    desk, call = talking(open_desk)
    desk.machine(call)
    assert not desk.machine(call)
    assert desk.dialler.day(desk.now).machines == 1


def test_before_agent_a_machine_never_meets_an_agent(open_desk):
    desk = open_desk(lead(1), amd=AmdMode.BEFORE_AGENT)
    desk.agent("ada")
    call = desk.dial()
    desk.answer(call)
    desk.machine(call)
    desk.end(call, by_callee=False)
    assert not desk.of(ConnectAgent)


def test_a_verdict_in_a_campaign_without_amd_is_ignored(open_desk):
    desk, call = talking(open_desk, AmdMode.OFF)
    assert not desk.machine(call)


def test_a_machine_that_hears_the_message_stays_an_abandoned_call(open_desk):
    desk = open_desk(lead(1), amd=AmdMode.PARALLEL)
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.agent("ada", AgentState.OFFLINE)
    desk.answer(call)
    desk.pass_time(2)
    desk.machine(call)
    desk.end(call)
    assert desk.last_attempt().disposition == Disposition.ABANDONED
