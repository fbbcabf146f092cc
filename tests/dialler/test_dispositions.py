from datetime import timedelta

import pytest

from softswitch.dialler.abandonment import recount
from softswitch.dialler.agents import AgentState
from softswitch.dialler.attempt import CallSound, Disposition
from softswitch.dialler.events import AttemptChanged, HangUp, LeadChanged, NumberSuppressed
from softswitch.dialler.lead import LeadState
from softswitch.dialler.suppression import SuppressionList
from softswitch.errors import UsageError
from tests.dialler.desk import lead


def after_a_talk(open_desk, *, ended=True, **campaign):
    desk = open_desk(lead(1), **campaign)
    desk.agent("ada")
    call = desk.dial()
    desk.answer(call)
    desk.hear(call)
    desk.pass_time(60)
    if ended:
        desk.end(call)
    return desk, call


def test_the_agent_wraps_up_and_is_ready_when_the_time_is_over(open_desk):
    desk, _ = after_a_talk(open_desk)
    assert desk.dialler.board.state_of("ada") is AgentState.WRAP_UP
    desk.pass_time(15.1)
    assert desk.dialler.board.state_of("ada") is AgentState.READY
    assert desk.last_attempt().disposition == Disposition.CONNECTED


def test_a_disposition_in_the_wrap_up_is_told_and_ends_it(open_desk):
    desk, call = after_a_talk(open_desk)
    desk.dialler.receive_wrapped_up("ada", Disposition.COMPLETED, desk.now)
    desk.settle()
    assert desk.of(AttemptChanged)[-1].attempt.disposition == Disposition.COMPLETED
    assert desk.last_lead().state is LeadState.DONE
    assert desk.dialler.board.state_of("ada") is AgentState.READY
    assert desk.dialler.day(desk.now).outcomes == {"completed": 1}
    assert desk.dialler.attempt(call).disposition == Disposition.COMPLETED


def test_a_disposition_chosen_in_the_call_stands_at_its_end(open_desk):
    desk, call = after_a_talk(open_desk, ended=False)
    desk.dialler.receive_disposition(call, Disposition.REFUSAL, desk.now)
    desk.end(call)
    assert desk.last_attempt().disposition == Disposition.REFUSAL


def test_a_callback_comes_back_at_its_time(open_desk):
    desk, _ = after_a_talk(open_desk)
    due = desk.wall + timedelta(hours=3)
    desk.dialler.receive_wrapped_up("ada", Disposition.CALLBACK, desk.now, due)
    desk.settle()
    after = desk.last_lead()
    assert (after.state, after.not_before, after.last_outcome) == (LeadState.CALLBACK, due, "callback")


def test_the_last_word_on_a_call_stands_and_its_lead_follows(open_desk):
    desk, call = after_a_talk(open_desk)
    desk.dialler.receive_disposition(call, Disposition.CALLBACK, desk.now)
    desk.dialler.receive_disposition(call, Disposition.COMPLETED, desk.now)
    desk.settle()
    states = [event.lead.state for event in desk.of(LeadChanged)]
    assert states == [LeadState.DONE, LeadState.CALLBACK, LeadState.DONE]
    assert desk.last_lead().attempts == 1
    assert desk.dialler.day(desk.now).outcomes == {"completed": 1}


def test_an_opt_out_suppresses_the_number_at_once_also_during_the_call(open_desk):
    desk, call = after_a_talk(open_desk, ended=False)
    desk.dialler.receive_disposition(call, Disposition.OPT_OUT, desk.now)
    assert NumberSuppressed(lead(1).number, "opt-out") in desk.settle()
    desk.end(call)
    assert desk.last_lead().state is LeadState.SUPPRESSED


def test_a_machine_that_the_agent_tells_is_no_live_call(open_desk):
    desk, _ = after_a_talk(open_desk)
    desk.dialler.receive_wrapped_up("ada", Disposition.MACHINE, desk.now)
    day = desk.dialler.day(desk.now)
    assert (day.live, day.machines, day.machines_with_agents) == (0, 0, 1)


def test_a_late_disposition_is_taken_after_the_wrap_up_is_over(open_desk):
    desk, call = after_a_talk(open_desk)
    desk.pass_time(60)
    desk.dialler.receive_disposition(call, Disposition.PARTIAL, desk.now)
    desk.settle()
    assert desk.last_lead().state is LeadState.WAITING


def test_an_agent_cannot_choose_what_only_the_system_tells(open_desk):
    desk, call = after_a_talk(open_desk)
    with pytest.raises(UsageError):
        desk.dialler.receive_disposition(call, Disposition.ABANDONED, desk.now)


def test_an_agent_who_ends_the_call_wraps_up(open_desk):
    desk, call = after_a_talk(open_desk, ended=False)
    desk.dialler.hang_up(call, desk.now)
    assert HangUp(call, "asked") in desk.settle()
    assert desk.dialler.board.state_of("ada") is AgentState.WRAP_UP
    desk.end(call, by_callee=False)
    assert desk.last_attempt().disposition == Disposition.CONNECTED


def test_the_recordings_name_and_lost_packets_reach_the_record_also_afterwards(open_desk):
    desk, call = after_a_talk(open_desk, ended=False)
    desk.dialler.receive_sound(call, CallSound(3, mos=4.1), desk.now)
    desk.end(call)
    assert (desk.last_attempt().packets_lost, desk.last_attempt().mos) == (3, 4.1)
    desk.dialler.receive_recording(call, f"{call}.wav", desk.now)
    desk.settle()
    assert desk.of(AttemptChanged)[-1].attempt.recording == f"{call}.wav"


def test_a_days_counts_can_be_taken_up_again_from_its_attempts(open_desk):
    desk, call = after_a_talk(open_desk)
    day = desk.dialler.day(desk.now)
    assert recount([desk.dialler.attempt(call)], day.day, "Europe/London") == day
    other = open_desk(started=False)
    other.dialler.restore_day(day)
    assert other.dialler.figures(other.now).live_today == 1


def test_an_opt_out_holds_for_every_campaign_also_where_this_one_had_the_number_on_a_list_of_its_own(open_desk):
    known = SuppressionList()
    desk, call = after_a_talk(open_desk, ended=False, suppression=known)
    known.add(lead(1).number, "survey")
    desk.dialler.receive_disposition(call, Disposition.OPT_OUT, desk.now)
    assert NumberSuppressed(lead(1).number, "opt-out") in desk.settle()
    assert known.contains(lead(1).number, "another")
