"""Which leads are dialled, and when: opt-outs, rests, calling hours, the hopper and its source."""

from datetime import UTC, datetime, timedelta

from softswitch.calls.outcome import Outcome
from softswitch.dialler.agents import AgentBoard, AgentState
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.events import (
    CampaignChanged,
    CancelCall,
    ConnectAgent,
    LeadChanged,
    LeadsWanted,
    PlaceCall,
)
from softswitch.dialler.lead import LeadState
from softswitch.dialler.locks import NumberLocks
from softswitch.dialler.rules import UNITED_STATES
from softswitch.dialler.suppression import SuppressionList
from tests.dialler.desk import lead


def test_an_opt_out_in_mid_ring_cuts_the_call_off_after_the_minimum_ring(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.pass_time(5)
    desk.dialler.receive_suppressed(lead(1).number, desk.now)
    assert CancelCall(call) not in desk.pass_time(9.9)
    assert CancelCall(call) in desk.pass_time(0.2)
    desk.fail(call, Outcome.CANCELLED, 487)
    assert desk.last_attempt().disposition == Disposition.CANCELLED
    assert desk.last_lead().state is LeadState.SUPPRESSED


def test_an_opt_out_in_mid_ring_that_is_answered_meanwhile_goes_to_an_agent(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    call = desk.dial()
    desk.ring(call)
    desk.dialler.receive_suppressed(lead(1).number, desk.now)
    assert ConnectAgent(call, "ada") in desk.answer(call)
    desk.hear(call)
    desk.end(call)
    assert desk.last_lead().state is LeadState.SUPPRESSED


def test_an_opt_out_takes_the_number_out_of_the_hopper(open_desk):
    desk = open_desk(lead(1), lead(2))
    desk.dialler.receive_suppressed(lead(1).number, desk.now)
    desk.settle()
    assert desk.last_lead().state is LeadState.SUPPRESSED
    desk.agent("ada")
    assert desk.of(PlaceCall)[-1].number == lead(2).number


def test_two_campaigns_never_ring_one_number_at_once(open_desk):
    locks, board = NumberLocks(), AgentBoard()
    one = open_desk(lead(1), locks=locks, board=board)
    other = open_desk(lead(1), locks=locks, board=board, name="other")
    one.agent("ada")
    one.agent("bob")
    other.pass_time(2)
    assert len(one.of(PlaceCall)) + len(other.of(PlaceCall)) == 1
    assert other.last_lead().state is LeadState.WAITING


def test_a_number_rests_for_as_long_as_the_rules_of_the_campaign_that_would_dial_it_say(open_desk):
    locks = NumberLocks()
    short = open_desk(lead(1), locks=locks, rules=UNITED_STATES, abandoned_lock_s=0.0, machine_lock_s=0.0)
    short.agent("ada")
    call = short.dial()
    short.agent("ada", AgentState.OFFLINE)
    short.answer(call)
    short.pass_time(2)
    short.end(call)
    ended = short.wall
    other = open_desk(lead(1), locks=locks, name="other", wall=ended + timedelta(hours=1))
    other.agent("bob")
    assert not other.of(PlaceCall)
    assert other.last_lead().not_before == ended + timedelta(hours=72)
    later = open_desk(lead(1), locks=locks, name="later", wall=ended + timedelta(hours=72))
    later.agent("bob")
    assert len(later.of(PlaceCall)) == 1


def test_calls_after_which_numbers_rest_are_forgotten_once_no_campaign_asks_for_so_long():
    locks, first = NumberLocks(), datetime(2026, 6, 10, 12, tzinfo=UTC)
    locks.rest("+442079460001", first, abandoned=True)
    assert locks.locked_until("+442079460001", first, abandoned_lock_s=96 * 3600.0) == first + timedelta(hours=96)
    for days, known in ((3, True), (5, False)):
        now = first + timedelta(days=days)
        locks.rest("+442079460002", now, abandoned=False)
        found = locks.locked_until("+442079460001", first, abandoned_lock_s=96 * 3600.0)
        assert (found is not None) is known


def test_a_locked_number_is_not_dialled_whichever_lead_has_it(open_desk):
    locks = NumberLocks()
    desk = open_desk(lead(1), locks=locks, started=False)
    locks.lock(lead(1).number, desk.wall + timedelta(hours=70))
    desk.dialler.start(desk.now)
    desk.agent("ada")
    assert not desk.of(PlaceCall)
    assert desk.last_lead().not_before >= desk.wall + timedelta(hours=69)


def test_a_lead_outside_its_calling_hours_goes_back_with_the_next_opening(open_desk):
    desk = open_desk(lead(1, time_zone="Australia/Sydney"), lead(2))  # 21:00 there
    desk.agent("ada")
    assert [event.number for event in desk.of(PlaceCall)] == [lead(2).number]
    given_back = desk.of(LeadChanged)[0].lead
    assert given_back.lead_ref == "lead1"
    assert given_back.not_before - desk.wall == timedelta(hours=12)


def test_leads_of_equal_number_are_held_once(open_desk):
    twin = lead(1, lead_ref="twin")
    desk = open_desk(lead(1), twin)
    desk.agent("ada")
    desk.agent("bob")
    assert len(desk.of(PlaceCall)) == 1


def test_higher_priority_and_callbacks_are_dialled_first(open_desk):
    callback = lead(3, last_outcome="callback", attempts=1)
    desk = open_desk(lead(1), lead(2, priority=5), callback)
    for name in "abc":
        desk.agent(name)
    assert [event.number for event in desk.of(PlaceCall)] == [lead(i).number for i in (3, 2, 1)]


def test_a_campaign_is_finished_when_nothing_is_left_and_the_source_is_empty(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    desk.fail(desk.dial(), Outcome.INVALID_NUMBER, 404)
    assert CampaignChanged("survey", "finished") in desk.pass_time(6)


def test_a_campaign_with_leads_that_wait_for_a_retry_is_not_finished(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    desk.fail(desk.dial(), Outcome.BUSY)
    assert CampaignChanged("survey", "finished") not in desk.pass_time(60)


def test_the_source_is_left_alone_for_a_while_after_it_had_nothing(open_desk):
    desk = open_desk(lead(1))
    desk.pass_time(4.9)
    assert len(desk.of(LeadsWanted)) == 1
    desk.pass_time(0.2)
    assert len(desk.of(LeadsWanted)) == 2


def test_stopping_gives_the_hoppers_leads_back_as_they_were(open_desk):
    desk = open_desk(lead(1), lead(2, attempts=1))
    desk.dialler.stop(desk.now)
    desk.settle()
    assert [event.lead.state for event in desk.of(LeadChanged)] == [LeadState.NEW, LeadState.WAITING]


def test_a_number_that_is_suppressed_for_one_campaign_in_mid_ring_is_cut_off_there_and_rung_by_another(open_desk):
    suppression = SuppressionList()
    one = open_desk(lead(1), suppression=suppression)
    one.agent("ada")
    one.ring(one.dial())
    one.dialler.receive_suppressed(lead(1).number, one.now, everywhere=False)
    one.settle()
    assert not one.of(CancelCall)
    one.pass_time(15)
    assert one.of(CancelCall)
    two = open_desk(lead(1), suppression=suppression, name="panel")
    two.agent("bob")
    assert [call.number for call in two.of(PlaceCall)] == [lead(1).number]
