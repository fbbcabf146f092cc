"""A campaign that was started before its hours open does not go through its whole list to find nobody to ring."""

from dataclasses import replace
from datetime import timedelta

import pytest

from softswitch.dialler.events import LeadChanged, LeadsWanted, PlaceCall
from softswitch.dialler.lead import Lead, LeadState
from tests.dialler.desk import NOON, lead

TEN_TO_NINE = NOON - timedelta(hours=3, minutes=10)
IN_A_HOPPER = {"queue_low": 0, "queue_high": 5}


def many(count: int, zone: str = "Europe/London") -> list[Lead]:
    return [replace(lead(1), lead_ref=f"lead{n}", number=f"+44207946{n:04d}", time_zone=zone) for n in range(count)]


@pytest.fixture
def early(open_desk):
    """Before opening, with an agent who is ready and a source of many leads, which gives nobody twice too early."""

    def make(leads, wall=TEN_TO_NINE):
        desk = open_desk(wall=wall, started=False, **IN_A_HOPPER)
        desk.source = leads
        desk.dialler.start(desk.now)
        desk.agent("ada")
        return desk

    return make


def test_before_opening_a_minute_passes_from_one_hopper_full_of_leads_to_the_next(early):
    desk = early(many(1000))
    desk.pass_time(9 * 60.0)
    asked = len(desk.of(LeadsWanted))
    assert 2 <= asked <= 11
    assert len(desk.of(LeadChanged)) <= 5 * asked
    assert not desk.of(PlaceCall)


def test_a_campaign_says_from_when_on_somebody_may_be_called(early):
    desk = early(many(1000))
    desk.pass_time(5.0)
    assert desk.dialler.figures(desk.now).opens_at == NOON - timedelta(hours=3)
    assert desk.dialler.figures(desk.now).idle_because == "nobody may be called before 09:00"
    desk.pass_time(10 * 60.0)
    assert len(desk.of(PlaceCall)) == 1
    assert desk.dialler.figures(desk.now).opens_at is None
    assert desk.dialler.figures(desk.now).idle_because == ""


def test_at_opening_the_first_call_leaves_at_once(early):
    desk = early(many(1000))
    desk.pass_time(10 * 60.0 - 1.0)
    assert not desk.of(PlaceCall)
    desk.pass_time(2.0)
    assert len(desk.of(PlaceCall)) == 1


def test_leads_of_a_zone_whose_day_has_begun_are_found_behind_those_of_one_where_it_has_not(early):
    here = [replace(lead(2), lead_ref="here")]
    desk = early([*many(30, "Atlantic/Azores"), *here], wall=NOON - timedelta(hours=2, minutes=30))
    desk.pass_time(10.0)
    assert len(desk.of(PlaceCall)) == 1


def test_those_who_were_asked_too_early_wait_for_the_opening(early):
    desk = early(many(5))
    desk.pass_time(5.0)
    given_back = [event.lead for event in desk.of(LeadChanged)]
    assert {each.state for each in given_back} == {LeadState.WAITING}
    assert {each.not_before for each in given_back} == {NOON - timedelta(hours=3)}


def test_a_lead_that_waits_for_itself_alone_keeps_no_other_waiting(open_desk):
    """Its own time has not come; the source may have others whose has."""
    desk = open_desk(replace(lead(1), not_before=NOON + timedelta(hours=1)), **IN_A_HOPPER)
    desk.agent("ada")
    desk.source.append(lead(2))
    desk.pass_time(6.0)
    assert [event.call_ref for event in desk.of(PlaceCall)] == ["survey-call1"]
