"""Lists that run dry in the middle of a shift, and lists that come or change meanwhile."""

from datetime import timedelta

import pytest

from softswitch.calls.outcome import Outcome
from softswitch.dialler.events import LeadChanged, LeadsWanted, PlaceCall
from softswitch.dialler.lead import LeadState
from tests.dialler.desk import NOON, lead

DONE = "all its leads are done: it goes on when further ones are imported"
RESTING = "the leads that are left are on lists that rest, or their numbers are locked"


@pytest.fixture
def dry(open_desk):
    """One lead, which was busy, and an agent who is ready."""
    desk = open_desk(lead(1))
    desk.agent("ada")
    desk.fail(desk.dial(), Outcome.BUSY)
    desk.pass_time(6)
    return desk


def told(desk) -> str:
    return desk.dialler.figures(desk.now).idle_because


@pytest.mark.parametrize(
    ("due", "words"),
    [
        (NOON + timedelta(minutes=95), "no lead is due before 13:35"),
        (NOON + timedelta(hours=21), "no lead is due before 09:00 on Thursday 11 June"),
        (NOON - timedelta(minutes=1), ""),
        (None, RESTING),
    ],
)
def test_a_campaign_whose_leads_all_wait_says_until_when_on_the_sites_clock(dry, due, words):
    dry.dialler.receive_lead_totals(1, 1, dry.now, due)
    assert told(dry) == words


def test_nothing_is_said_of_waiting_while_a_call_is_up_or_the_campaign_is_not_running(open_desk):
    desk = open_desk(lead(1))
    assert told(desk) == ""
    desk.agent("ada")
    desk.dialler.receive_lead_totals(1, 1, desk.now)
    desk.pass_time(6)
    assert desk.of(PlaceCall) and told(desk) == ""
    desk.dialler.pause(desk.now)
    assert told(desk) == ""


def test_a_campaign_that_is_finished_says_so_and_goes_on_when_a_list_comes(open_desk):
    desk = open_desk(lead(1))
    desk.agent("ada")
    desk.fail(desk.dial(), Outcome.INVALID_NUMBER, 404)
    desk.pass_time(6)
    assert desk.dialler.wanted == "finished" and told(desk) == DONE
    desk.source = [lead(2)]
    desk.dialler.receive_lead_totals(2, 1, desk.now)
    desk.dialler.receive_lists_changed(desk.now)
    desk.settle()
    assert [call.number for call in desk.of(PlaceCall)] == [lead(1).number, lead(2).number]
    assert desk.dialler.wanted == "running" and told(desk) == ""


def test_leads_at_hand_go_back_when_lists_change_and_promises_stay(open_desk):
    promise = lead(9, last_outcome="callback", not_before=NOON + timedelta(minutes=1))
    desk = open_desk(lead(1), lead(2), promise)
    desk.source = [lead(3)]
    desk.dialler.receive_lists_changed(desk.now)
    desk.settle()
    assert [event.lead.lead_ref for event in desk.of(LeadChanged)] == ["lead1", "lead2"]
    assert {event.lead.state for event in desk.of(LeadChanged)} == {LeadState.NEW}
    desk.agent("ada")
    assert [call.number for call in desk.of(PlaceCall)] == [lead(3).number]
    assert desk.dialler.figures(desk.now).callbacks_due == 1


@pytest.mark.parametrize("wanted", ["pause", "stop"])
def test_a_list_that_comes_starts_no_campaign_that_people_have_held(open_desk, wanted):
    desk = open_desk(lead(1))
    desk.agent("ada")
    getattr(desk.dialler, wanted)(desk.now)
    desk.settle()
    asked = len(desk.of(LeadsWanted))
    desk.dialler.receive_lists_changed(desk.now)
    desk.pass_time(30)
    assert len(desk.of(LeadsWanted)) == asked
    assert desk.dialler.wanted == {"pause": "paused", "stop": "stopped"}[wanted]
