"""Leads with several numbers: in order, each with its own rules, never two at once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from softswitch.calls.outcome import Outcome
from softswitch.dialler.alternatives import at, without_suppressed
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.campaign import AmdMode, RecycleRule
from softswitch.dialler.events import LeadChanged, NumberSuppressed, PlaceCall
from softswitch.dialler.lead import LeadNumber, LeadState
from softswitch.dialler.snapshots import call_from, call_snapshot
from softswitch.dialler.suppression import SuppressionList
from tests.dialler.desk import NOON, lead

HOME, MOBILE, WORK = "+442079460001", "+447700900123", "+33123456789"
MINUTES = timedelta(minutes=1)


def person(**changes):
    numbers = (
        LeadNumber(HOME, "Europe/London"), LeadNumber(MOBILE, "Europe/London"), LeadNumber(WORK, "Europe/Paris"),
    )  # fmt: skip
    return replace(lead(1), number=HOME, numbers=numbers, **changes)


def told(desk) -> list[str]:
    return [event.number for event in desk.of(PlaceCall)]


def try_once(desk, outcome=Outcome.NO_ANSWER, status=480):
    """The call that rings comes to nothing; what is known of its lead from then on."""
    ref = desk.dial()
    desk.ring(ref)
    desk.fail(ref, outcome, status)
    return desk.last_lead()


def come_back(desk, left) -> None:
    """Later the store gives the lead out again."""
    desk.pass_time(400)
    desk.source = [left]
    desk.pass_time(60)


def test_the_next_number_has_its_turn_where_nobody_answers(open_desk):
    desk = open_desk(person(), next_number_s=300.0)
    desk.agent("ada")
    left = try_once(desk)
    assert (left.number, left.state, left.attempts) == (MOBILE, LeadState.WAITING, 1)
    assert left.not_before == desk.wall + timedelta(seconds=300)
    assert [each.attempts for each in left.numbers] == [1, 0, 0]
    assert desk.last_attempt().number_rank == 0
    come_back(desk, left)
    left = try_once(desk, Outcome.BUSY, 486)
    assert told(desk) == [HOME, MOBILE] and desk.last_attempt().number_rank == 1
    assert (left.number, left.time_zone) == (WORK, "Europe/Paris")
    come_back(desk, left)
    left = try_once(desk)
    assert told(desk) == [HOME, MOBILE, WORK]
    assert left.number == MOBILE, "a busy line is free again before somebody comes home"
    assert left.outcomes == {"no-answer": 2, "busy": 1} and left.numbers[1].outcomes == {"busy": 1}


def test_a_number_that_does_not_exist_is_never_tried_again(open_desk):
    desk = open_desk(person())
    desk.agent("ada")
    left = try_once(desk, Outcome.INVALID_NUMBER, 404)
    assert left.number == MOBILE and left.numbers[0].state is LeadState.DONE
    come_back(desk, left)
    left = try_once(desk, Outcome.INVALID_NUMBER, 404)
    come_back(desk, left)
    assert try_once(desk, Outcome.INVALID_NUMBER, 404).state is LeadState.DONE


def test_a_number_on_the_never_dial_list_gives_its_turn_away_and_counts_as_no_attempt(open_desk):
    desk = open_desk(person())
    desk.agent("ada")
    left = try_once(desk, Outcome.BLOCKED, 0)
    assert (left.number, left.attempts) == (MOBILE, 0)


def test_rules_count_by_number_and_the_maximum_by_lead(open_desk):
    rules = {"no-answer": RecycleRule(60.0, 1)}
    desk = open_desk(person(), recycle=rules, maximum_attempts=2)
    desk.agent("ada")
    left = try_once(desk)
    assert left.numbers[0].state is LeadState.DONE and left.state is LeadState.WAITING
    come_back(desk, left)
    assert try_once(desk).state is LeadState.DONE, "two attempts are all that the campaign allows"


def test_who_was_abandoned_rests_with_all_numbers(open_desk):
    desk = open_desk(person())
    desk.agent("ada")
    ref = desk.dial()
    desk.ring(ref)
    desk.dialler.board.release("ada", ref, desk.now)
    desk.agent("ada", desk.dialler.board.state_of("ada").PAUSED)
    desk.answer(ref)
    desk.pass_time(20)
    desk.end(ref)
    left = desk.last_lead()
    assert left.last_outcome == "abandoned" and left.number == HOME
    assert left.not_before >= NOON + timedelta(hours=72)


def test_a_machine_passes_its_turn_on_and_waits_for_a_day_itself(open_desk):
    desk = open_desk(person(), amd=AmdMode.BEFORE_AGENT)
    desk.agent("ada")
    ref = desk.dial()
    desk.ring(ref)
    desk.answer(ref)
    desk.machine(ref)
    desk.end(ref, by_callee=False)
    left = desk.last_lead()
    assert left.number == MOBILE and left.not_before < desk.wall + 10 * MINUTES
    assert left.numbers[0].not_before >= desk.wall + timedelta(hours=24)


@pytest.mark.parametrize("said", [Disposition.COMPLETED, Disposition.REFUSAL, Disposition.NOT_ELIGIBLE])
def test_a_person_who_has_answered_is_not_rung_at_another_number(open_desk, said):
    desk = open_desk(person())
    desk.agent("ada")
    ref = desk.dial()
    desk.ring(ref)
    desk.answer(ref)
    desk.hear(ref)
    desk.dialler.receive_disposition(ref, said, desk.now)
    desk.end(ref)
    assert desk.last_lead().state is LeadState.DONE


def test_a_wrong_number_leaves_the_others(open_desk):
    desk = open_desk(person())
    desk.agent("ada")
    ref = desk.dial()
    desk.ring(ref)
    desk.answer(ref)
    desk.hear(ref)
    desk.dialler.receive_disposition(ref, Disposition.WRONG_NUMBER, desk.now)
    desk.end(ref)
    left = desk.last_lead()
    assert (left.number, left.state, left.numbers[0].state) == (MOBILE, LeadState.WAITING, LeadState.DONE)


def test_an_opt_out_holds_for_every_number_of_the_person(open_desk):
    suppression = SuppressionList()
    other = replace(lead(2), number=WORK)
    desk = open_desk(person(), other, suppression=suppression)
    desk.agent("ada")
    ref = desk.dial()
    desk.ring(ref)
    desk.answer(ref)
    desk.hear(ref)
    desk.dialler.receive_disposition(ref, Disposition.OPT_OUT, desk.now)
    desk.end(ref)
    assert {event.number for event in desk.of(NumberSuppressed)} == {HOME, MOBILE, WORK}
    states = {event.lead.lead_ref: event.lead.state for event in desk.of(LeadChanged)}
    assert states == {"lead1": LeadState.SUPPRESSED, "lead2": LeadState.SUPPRESSED}
    assert all(suppression.contains(number) for number in (HOME, MOBILE, WORK))


def test_a_suppressed_number_is_skipped_in_the_hopper_and_while_it_rings(open_desk):
    desk = open_desk(person(), started=False)
    desk.dialler.receive_suppressed(HOME, desk.now)
    desk.dialler.start(desk.now)
    desk.agent("ada")
    left = desk.last_lead()
    assert not told(desk) and (left.number, left.state) == (MOBILE, LeadState.WAITING)
    desk.source = [left]
    desk.pass_time(60)
    assert told(desk) == [MOBILE]
    desk.ring(desk.dial())
    desk.dialler.receive_suppressed(MOBILE, desk.now)
    desk.fail(desk.dial(), Outcome.CANCELLED, 487)
    assert desk.last_lead().number == WORK
    assert [each.state for each in desk.last_lead().numbers[:2]] == [LeadState.SUPPRESSED] * 2


def test_a_lead_whose_numbers_are_all_suppressed_is():
    left = without_suppressed(person(), lambda number: True, NOON)
    assert left.state is LeadState.SUPPRESSED and {each.state for each in left.numbers} == {LeadState.SUPPRESSED}
    done = person(state=LeadState.DONE)
    assert without_suppressed(done, lambda number: True, NOON) is done


def test_a_lead_rings_on_one_number_at_a_time_whoever_has_the_others(open_desk):
    desk = open_desk(person(), replace(lead(2), number=MOBILE), started=False, next_number_s=1.0)
    desk.dialler.start(desk.now)
    desk.settle()
    desk.agent("ada")
    desk.agent("bob")
    assert sorted(told(desk)) == sorted([HOME, MOBILE])
    first = next(event.call_ref for event in desk.of(PlaceCall) if event.number == HOME)
    for event in desk.of(PlaceCall):
        desk.ring(event.call_ref)
    desk.fail(first, Outcome.NO_ANSWER, 480)
    left = desk.last_lead()
    desk.pass_time(2)
    desk.dialler.add_leads([left], desk.now)
    desk.settle()
    assert left.number == MOBILE and told(desk).count(MOBILE) == 1, "it rings already, for another lead"


def test_each_number_is_rung_in_the_hours_of_its_own_zone(open_desk):
    evening = NOON + timedelta(hours=8, minutes=20)  # 20:20 in London, 21:20 in Paris
    desk = open_desk(at(person(), WORK), wall=evening)
    desk.agent("ada")
    assert not told(desk)
    assert desk.last_lead().not_before == NOON.replace(hour=7, minute=0) + timedelta(days=1)
    desk.source = [at(person(), MOBILE)]
    desk.pass_time(120)
    assert told(desk) == [MOBILE]


def test_a_call_is_taken_up_with_every_number_of_its_lead(open_desk):
    desk = open_desk(at(person(), MOBILE))
    desk.agent("ada")
    ref = desk.dial()
    call = desk.dialler._shift.calls[ref]
    again = call_from(call_snapshot(call))
    assert again.lead == call.lead and again.attempt.number_rank == 1
