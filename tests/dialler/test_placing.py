from dataclasses import replace
from datetime import timedelta

import pytest

from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentState
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.events import (
    AttemptEnded,
    CampaignChanged,
    CancelCall,
    CommitAttempt,
    ConnectAgent,
    HangUp,
    LeadsWanted,
    MuteAgent,
    PlaceCall,
    PlayMessage,
)
from softswitch.dialler.lead import LeadState
from tests.dialler.desk import NOON, lead


def test_no_call_is_placed_before_its_attempt_is_committed(open_desk):
    desk = open_desk(lead(1))
    desk.commits_at_once = False
    desk.agent("ada")
    call_ref = desk.of(CommitAttempt)[0].attempt.call_ref
    assert not desk.of(PlaceCall)
    desk.dialler.receive_attempt_committed(call_ref, desk.now)
    assert desk.settle()[0] == PlaceCall(call_ref, lead(1).number)


def test_a_second_confirmation_of_the_same_commitment_places_no_second_call(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    desk.dialler.receive_attempt_committed(desk.dial(), desk.now)
    desk.settle()
    assert len(desk.of(PlaceCall)) == 1


def test_a_commitment_that_fails_leaves_no_attempt_and_the_lead_is_tried_again_a_second_later(open_desk):
    desk = open_desk(lead(1))
    desk.commits_at_once = False
    desk.agent("ada")
    desk.dialler.receive_commit_failed(desk.of(CommitAttempt)[0].attempt.call_ref, desk.now)
    desk.settle()
    assert not desk.of(AttemptEnded)
    desk.commits_at_once = True
    assert not any(isinstance(event, CommitAttempt) for event in desk.pass_time(0.9))
    desk.pass_time(0.2)
    assert desk.of(PlaceCall)[-1].number == lead(1).number


def test_a_commitment_confirmed_too_late_is_not_dialled(open_desk):
    desk = open_desk(lead(1))
    desk.commits_at_once = False
    desk.agent("ada")
    desk.pass_time(6)
    desk.dialler.receive_attempt_committed(desk.of(CommitAttempt)[0].attempt.call_ref, desk.now)
    desk.settle()
    assert not desk.of(PlaceCall)
    assert desk.last_attempt().outcome == Outcome.BLOCKED


def test_an_interlock_that_opens_blocks_what_is_committed_and_lets_live_calls_go_on(open_desk):
    desk = open_desk(lead(1), lead(2))
    desk.agent("ada")
    call = desk.dial()
    desk.answer(call)
    desk.hear(call)
    desk.commits_at_once = False
    desk.agent("bob")
    desk.dialler.receive_interlocks(False, desk.now)
    desk.dialler.receive_attempt_committed(desk.of(CommitAttempt)[-1].attempt.call_ref, desk.now)
    told = desk.settle()
    assert CampaignChanged("survey", "held", "an interlock is open") in told
    assert desk.last_attempt().disposition == Disposition.BLOCKED
    assert len(desk.of(PlaceCall)) == 1
    assert desk.dialler.calls(desk.now)[0].state == "in call"


def test_a_blocked_attempt_does_not_count_against_its_lead(open_desk):
    desk = open_desk(lead(1))
    desk.commits_at_once = False
    desk.agent("ada")
    desk.dialler.receive_interlocks(False, desk.now)
    desk.dialler.receive_attempt_committed(desk.of(CommitAttempt)[-1].attempt.call_ref, desk.now)
    desk.dialler.receive_interlocks(True, desk.now)
    desk.commits_at_once = True
    desk.settle()
    desk.fail(desk.dial(), Outcome.BUSY)
    assert desk.last_lead().attempts == 1


def test_nothing_is_dialled_until_the_interlocks_and_the_trunk_have_reported(open_desk):
    desk = open_desk(lead(1), channels=0)
    desk.agent("ada")
    assert not desk.of(CommitAttempt)
    desk.dialler.receive_channels(5, desk.now)
    desk.settle()
    assert len(desk.of(PlaceCall)) == 1


def test_no_more_calls_are_placed_than_channels_are_free(open_desk):
    desk = open_desk(*[lead(index) for index in range(9)], channels=3)
    for name in "abcdef":
        desk.agent(name)
    desk.pass_time(5)
    assert len(desk.of(PlaceCall)) == 3


def test_an_unanswered_call_is_cancelled_at_its_time_out_and_not_before(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.pass_time(4)
    desk.ring(call)
    assert CancelCall(call) not in desk.pass_time(21.9)
    assert CancelCall(call) in desk.pass_time(0.2)
    desk.fail(call, Outcome.CANCELLED, 487)
    assert desk.last_attempt().disposition == Disposition.NO_ANSWER


def test_losing_every_agent_does_not_cut_off_a_ringing_call_early(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.agent("ada", AgentState.OFFLINE)
    desk.dialler.stop(desk.now)
    assert CancelCall(call) not in desk.pass_time(14.9)


def test_a_second_180_does_not_start_the_ring_clock_anew(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.pass_time(10)
    desk.ring(call)
    assert CancelCall(call) in desk.pass_time(12.1)


def test_a_telephone_that_rings_after_early_media_rings_for_the_whole_minimum_ring(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.dialler.receive_ringing(call, desk.now, alerted=False)  # 183: the carrier's own tone, as soon as it is asked
    desk.pass_time(10)
    desk.ring(call)  # 180: the callee's telephone
    assert CancelCall(call) not in desk.pass_time(21.9)
    assert CancelCall(call) in desk.pass_time(0.2)


def test_early_media_alone_start_the_ring_clock_and_what_comes_after_the_first_180_does_not_start_it_anew(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.dialler.receive_ringing(call, desk.now, alerted=False)
    desk.pass_time(10)
    desk.dialler.receive_ringing(call, desk.now, alerted=False)
    assert CancelCall(call) in desk.pass_time(12.1)


def test_an_invite_that_nothing_rings_for_is_given_up(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    assert CancelCall(call) in desk.pass_time(45.1)
    desk.fail(call, Outcome.CANCELLED, 487)
    assert desk.last_attempt().disposition == Disposition.FAILED


def test_a_cancelled_call_whose_end_is_never_told_is_closed_in_the_books(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    desk.ring(desk.dial())
    desk.pass_time(22 + 41)
    assert desk.last_attempt().disposition == Disposition.NO_ANSWER


def test_the_kill_switch_mutes_plays_and_ends_and_nothing_new_is_dialled(open_desk):
    desk = open_desk(lead(1), lead(2))
    desk.agent("ada")
    call = desk.dial()
    desk.answer(call)
    desk.hear(call)
    desk.dialler.kill(desk.now, "closing")
    told = desk.settle()
    ours = [event for event in told if isinstance(event, (MuteAgent, PlayMessage))]
    assert ours == [MuteAgent(call, "ada"), PlayMessage(call, "closing")]
    desk.dialler.receive_message_ended(call, desk.now)
    assert any(isinstance(event, HangUp) for event in desk.settle())
    desk.end(call, by_callee=False)
    desk.pass_time(60)
    assert len(desk.of(PlaceCall)) == 1
    assert desk.dialler.figures(desk.now).state == "stopped"


def test_a_call_that_rings_when_the_kill_switch_falls_hears_the_message_if_it_is_answered(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.dialler.kill(desk.now, "closing")
    assert CancelCall(call) not in desk.pass_time(10)
    told = desk.answer(call)
    assert PlayMessage(call, "closing") in told
    assert not any(isinstance(event, ConnectAgent) for event in told)
    assert desk.dialler.day(desk.now).abandoned == 1


@pytest.mark.parametrize("late", ["ringing", "answered", "failed", "ended", "heard", "machine", "committed", "invited"])
def test_news_of_a_call_that_is_over_changes_nothing(open_desk, late):
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.fail(call, Outcome.BUSY)
    dialler = desk.dialler
    {
        "ringing": lambda: dialler.receive_ringing(call, desk.now),
        "answered": lambda: dialler.receive_answered(call, desk.now),
        "failed": lambda: dialler.receive_failed(call, Outcome.BUSY, 486, desk.now),
        "ended": lambda: dialler.receive_ended(call, True, desk.now),
        "heard": lambda: dialler.receive_agent_heard(call, desk.now, desk.now),
        "machine": lambda: desk.machine(call),
        "committed": lambda: dialler.receive_attempt_committed(call, desk.now),
        "invited": lambda: dialler.receive_invited(call, desk.now),
    }[late]()
    assert desk.settle() == []


def test_a_lead_that_comes_back_for_its_retry_is_dialled_again(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    desk.fail(desk.dial(), Outcome.BUSY)
    waiting = desk.last_lead()
    desk.source.append(waiting)
    desk.pass_time((waiting.not_before - desk.wall).total_seconds() - 60)
    assert len(desk.of(PlaceCall)) == 1, "given too early, it goes back and waits"
    desk.pass_time(60)
    desk.source.append(desk.last_lead())
    desk.pass_time(6)
    assert len(desk.of(PlaceCall)) == 2


def test_a_call_that_is_tried_over_another_trunk_is_one_attempt_and_names_the_trunk_that_carried_it(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    for trunk in ("cheap", "spare"):
        desk.dialler.receive_trunk(call, trunk, desk.now)
    desk.settle()
    desk.fail(call, Outcome.BUSY)
    assert desk.last_attempt().trunk == "spare"
    assert len(desk.of(CommitAttempt)) == len(desk.of(AttemptEnded)) == 1
    desk.dialler.receive_trunk(call, "late", desk.now)
    assert desk.settle() == []


def test_a_receiver_that_is_lifted_as_our_cancel_is_on_its_way_makes_a_silent_call_and_rests_for_three_days(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.pass_time(23.0)
    assert desk.of(CancelCall)
    desk.fail(call, Outcome.CANCELLED, 200)
    attempt = desk.last_attempt()
    assert (attempt.disposition, attempt.abandoned, attempt.silent) == ("abandoned", True, True)
    assert attempt.answered_at == desk.wall
    assert (desk.dialler.day(desk.now).abandoned, desk.dialler.day(desk.now).silent) == (1, 1)
    assert desk.last_lead().not_before >= desk.wall + timedelta(hours=72)
    assert not desk.of(ConnectAgent)


def test_at_the_end_of_the_process_what_rings_rings_out_and_whoever_answers_is_served(open_desk):
    desk = open_desk(lead(1), lead(2), lead(3))
    for agent in ("ada", "bob", "eve"):
        desk.agent(agent)
    first, second, third = [event.call_ref for event in desk.of(PlaceCall)]
    desk.ring(first)
    desk.ring(second)
    desk.pass_time(5)
    desk.dialler.ring_out(desk.now)
    assert CancelCall(third) in desk.settle()  # nothing rings there yet
    assert ConnectAgent(second, "ada") in desk.answer(second)
    desk.hear(second)
    desk.pass_time(9.9)
    assert desk.dialler.rings and CancelCall(first) not in desk.events
    assert CancelCall(first) in desk.pass_time(0.2)
    assert not desk.dialler.rings
    assert len(desk.of(PlaceCall)) == 3


def waiting_for_its_turn(desk):
    """A call that is committed and to be placed, of which nothing has left; its reference."""
    desk.dialler.receive_agent("ada", AgentState.READY, desk.now)
    while (event := desk.dialler.next_event()) is not None:
        match event:
            case LeadsWanted():
                desk.dialler.add_leads([lead(1)], desk.now)
            case CommitAttempt():
                desk.dialler.receive_attempt_committed(event.attempt.call_ref, desk.now)
            case PlaceCall():
                call_ref = event.call_ref
    return call_ref


@pytest.mark.parametrize(
    "ends",
    [
        lambda desk: desk.dialler.stop(desk.now),
        lambda desk: desk.dialler.pause(desk.now),
        lambda desk: desk.dialler.kill(desk.now),
        lambda desk: desk.dialler.receive_interlocks(False, desk.now),
        lambda desk: desk.dialler.set_wall(NOON + timedelta(hours=9), desk.now),
        lambda desk: desk.dialler.receive_suppressed(lead(1).number, desk.now),
    ],
)
def test_a_call_whose_turn_on_the_carrier_comes_too_late_never_leaves_and_was_no_attempt(open_desk, ends):
    desk = open_desk(started=False)
    desk.dialler.start(desk.now)
    call = waiting_for_its_turn(desk)
    ends(desk)
    assert not desk.dialler.receive_turn(call, desk.now)
    desk.settle()
    assert (desk.last_attempt().disposition, desk.last_attempt().invited_at) == (Disposition.BLOCKED, None)
    assert desk.dialler.figures(desk.now).attempts_today == 0
    assert desk.dialler.board.state_of("ada") is AgentState.READY


def test_a_call_whose_turn_comes_leaves_and_one_that_is_given_up_before_gives_its_lead_back(open_desk):
    desk = open_desk(started=False)
    desk.dialler.start(desk.now)
    call = waiting_for_its_turn(desk)
    assert desk.dialler.receive_turn(call, desk.now)
    desk.dialler.ring_out(desk.now)
    assert [type(event) for event in desk.settle()][-1] is CancelCall
    desk.dialler.receive_not_placed(call, desk.now)
    desk.settle()
    assert desk.last_lead() == replace(lead(1), state=LeadState.NEW)
    assert desk.dialler.calls(desk.now) == ()
