"""A dialler goes on with the calls of one that was killed: who talks talks on, the others go where their clocks say."""

import json

import pytest

from softswitch.amd.verdict import Cause, Verdict
from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentBoard, AgentState
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.campaign import AmdMode
from softswitch.dialler.events import AttemptChanged, CancelCall, ConnectAgent, HangUp, PlayMessage
from softswitch.dialler.lead import LeadState
from softswitch.errors import UsageError
from tests.dialler.desk import Desk, lead

AGENTS = ("ada", "bob")


def kill(open_desk, desk: Desk, *, away_s: float = 1.0, agents=AGENTS, **campaign) -> Desk:
    """The desk of the next process, so many seconds later, with what JSON keeps of the last one."""
    calls = [desk.dialler.snapshot(figures.call_ref) for figures in desk.dialler.calls(desk.now)]
    wraps = {agent: desk.dialler.wrap_up_snapshot(agent) for agent in AGENTS}
    people = [desk.dialler.board.snapshot(agent) for agent in agents]
    kept_calls, kept_wraps, kept_people = json.loads(json.dumps([calls, wraps, people]))
    board = AgentBoard()
    new = open_desk(started=False, board=board, wall=desk.wall, **campaign)
    new.dialler.set_wall(desk.wall, desk.now)
    new.dialler.restore_day(desk.dialler.day(desk.now))
    new.now = desk.now + away_s
    for one in filter(None, kept_people):
        board.restore(one)
    for agent, call in kept_wraps.items():
        if call is not None:
            new.dialler.take_up_wrap_up(agent, call)
    for call in kept_calls:
        new.dialler.take_up(call, new.now)
    new.settle()
    return new


def talking(open_desk, **campaign) -> tuple[Desk, str]:
    desk = open_desk(lead(1), **campaign)
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.answer(call)
    desk.hear(call)
    return desk, call


def test_who_talks_talks_on_and_ends_as_if_nothing_had_happened(open_desk) -> None:
    desk, call = talking(open_desk)
    desk.pass_time(5)
    before = desk.dialler.attempt(call)
    new = kill(open_desk, desk)
    assert new.dialler.attempt(call) == before
    assert new.dialler.board.state_of("ada") is AgentState.IN_CALL
    assert not new.of(PlayMessage) + new.of(HangUp) + new.of(ConnectAgent)
    new.pass_time(30)
    new.end(call)
    assert new.last_attempt().disposition == Disposition.CONNECTED
    assert new.last_attempt().agent == "ada"
    assert new.last_lead().state is LeadState.DONE
    assert new.dialler.board.state_of("ada") is AgentState.WRAP_UP


def test_the_store_is_told_again_what_is_known_of_a_call_that_goes_on(open_desk) -> None:
    desk, call = talking(open_desk)
    new = kill(open_desk, desk)
    (told,) = new.of(AttemptChanged)
    assert told.attempt == desk.dialler.attempt(call)


def test_an_answered_call_whose_two_seconds_have_passed_hears_the_message_and_is_abandoned(open_desk) -> None:
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.agent("ada", AgentState.OFFLINE)
    desk.answer(call)
    new = kill(open_desk, desk, away_s=3.0)
    new.pass_time(0.0)
    assert new.of(PlayMessage) == [PlayMessage(call, "who-called")]
    new.dialler.receive_message_started(call, new.now, new.now)
    new.dialler.receive_message_ended(call, new.now)
    new.settle()
    new.end(call, by_callee=False)
    attempt = new.last_attempt()
    assert (attempt.disposition, attempt.abandoned, attempt.silent) == (Disposition.ABANDONED, True, False)


def test_an_answered_call_in_time_gets_the_agent_who_is_ready(open_desk) -> None:
    desk = open_desk(lead(1), amd=AmdMode.BEFORE_AGENT)
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.answer(call)
    new = kill(open_desk, desk, away_s=0.3, amd=AmdMode.BEFORE_AGENT)
    assert not new.of(PlayMessage)
    new.dialler.receive_verdict(call, Verdict.HUMAN, Cause.SHORT_GREETING, 700, new.now)
    new.settle()
    assert new.of(ConnectAgent) == [ConnectAgent(call, "ada")]


def test_an_agent_who_was_being_connected_is_connected_anew(open_desk) -> None:
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.answer(call)
    new = kill(open_desk, desk, away_s=0.5)
    assert new.of(ConnectAgent) == [ConnectAgent(call, "ada")]
    new.hear(call)
    assert new.dialler.board.state_of("ada") is AgentState.IN_CALL
    assert new.dialler.day(new.now).live == 1


def test_an_agent_who_did_not_come_along_is_replaced_by_the_next(open_desk) -> None:
    desk, call = talking(open_desk)
    desk.agent("bob")
    new = kill(open_desk, desk, agents=("bob",))
    assert new.of(ConnectAgent) == [ConnectAgent(call, "bob")]


def test_a_call_whose_only_agent_did_not_come_along_hears_the_message(open_desk) -> None:
    desk, call = talking(open_desk)
    new = kill(open_desk, desk, agents=())
    assert new.of(PlayMessage) == [PlayMessage(call, "who-called")]


def test_what_has_not_rung_is_cancelled_at_once_and_is_no_fault_of_the_callee(open_desk) -> None:
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    new = kill(open_desk, desk)
    assert new.of(CancelCall) == [CancelCall(call)]
    new.fail(call, Outcome.CANCELLED, 487)
    assert new.last_attempt().disposition == Disposition.CANCELLED
    assert new.last_lead().state is LeadState.WAITING


def test_what_rings_is_cut_off_only_after_the_minimum_ring(open_desk) -> None:
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    new = kill(open_desk, desk, away_s=2.0)
    new.pass_time(12.9)
    assert not new.of(CancelCall)
    new.pass_time(0.2)
    assert new.of(CancelCall) == [CancelCall(call)]


def test_whoever_lifts_the_receiver_before_is_served(open_desk) -> None:
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    new = kill(open_desk, desk)
    new.answer(call)
    assert new.of(ConnectAgent) == [ConnectAgent(call, "ada")]


def test_a_hang_up_that_may_not_have_been_said_is_said(open_desk) -> None:
    desk, call = talking(open_desk)
    desk.dialler.hang_up(call, desk.now)
    desk.settle()
    new = kill(open_desk, desk)
    assert [event.call_ref for event in new.of(HangUp)] == [call]
    new.end(call, by_callee=False)
    assert new.last_attempt().disposition == Disposition.CONNECTED


def test_what_the_agent_says_in_a_wrap_up_that_began_before_is_heard(open_desk) -> None:
    desk, call = talking(open_desk)
    desk.end(call)
    new = kill(open_desk, desk)
    assert new.dialler.board.state_of("ada") is AgentState.WRAP_UP
    new.dialler.receive_disposition(call, Disposition.COMPLETED, new.now)
    new.settle()
    assert new.of(AttemptChanged)[-1].attempt.disposition == Disposition.COMPLETED
    new.pass_time(new.dialler.campaign.wrap_up_s)
    assert new.dialler.board.state_of("ada") is AgentState.READY


def test_a_number_whose_call_goes_on_is_dialled_by_nobody_else(open_desk) -> None:
    desk, _ = talking(open_desk)
    new = kill(open_desk, desk)
    assert not new.dialler._shift.locks.claim("+442079460001")


def test_an_agent_is_as_before_with_figures_of_the_shift_and_a_pause_that_was_asked_for(open_desk) -> None:
    desk, _ = talking(open_desk)
    desk.pass_time(7)
    desk.agent("ada", AgentState.PAUSED)
    new = kill(open_desk, desk, away_s=2.0)
    assert new.dialler.board.will_pause("ada")
    (figures,) = new.dialler.board.figures(new.now)
    assert (figures.calls, figures.talk_s) == (1, pytest.approx(9))


@pytest.mark.parametrize("harm", ["state", "lead", "empty", "ended", "twice"])
def test_a_snapshot_that_cannot_be_used_is_refused_in_one_way(open_desk, harm: str) -> None:
    desk, call = talking(open_desk)
    kept = desk.dialler.snapshot(call)
    new = open_desk(started=False)
    if harm == "state":
        kept["state"] = "dreaming"
    elif harm == "lead":
        del kept["lead"]["number"]
    elif harm == "ended":
        kept["state"] = "ended"
    elif harm == "twice":
        new.dialler.take_up(kept, new.now)
    else:
        kept = {}
    with pytest.raises(UsageError):
        new.dialler.take_up(kept, new.now)
    with pytest.raises(UsageError):
        AgentBoard().restore({"name": "ada"})
