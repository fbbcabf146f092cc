"""First and last day, calls a day, and a screening that grows old while the campaign runs."""

from datetime import date, timedelta

import pytest

from softswitch.calls.outcome import Outcome
from softswitch.dialler.campaign import Purpose
from softswitch.dialler.events import PlaceCall
from softswitch.dialler.lead import LeadState
from softswitch.errors import UsageError
from tests.dialler.desk import NOON, lead

TODAY = NOON.date()
A_DAY = timedelta(days=1)


def tick(desk, wall):
    """What a site does twice a second: the time of day is told, and what may be done."""
    desk.dialler.set_wall(wall, desk.now)
    desk.dialler.receive_interlocks(True, desk.now)
    desk.settle()


def state_of(desk):
    figures = desk.dialler.figures(desk.now)
    return figures.state, figures.held_because


def test_a_campaign_that_begins_tomorrow_waits_and_says_so(open_desk):
    desk = open_desk(lead(1), starts_on=TODAY + A_DAY)
    desk.agent("ada")
    assert state_of(desk) == ("held", "it begins on 11 June 2026")
    assert not desk.of(PlaceCall)
    tick(desk, NOON + A_DAY)
    desk.pass_time(2)
    assert state_of(desk)[0] == "running" and len(desk.of(PlaceCall)) == 1


def test_a_campaign_whose_list_comes_before_its_first_day_is_not_finished_without_one(open_desk):
    desk = open_desk(starts_on=TODAY + A_DAY)
    desk.agent("ada")
    desk.dialler.add_leads([], desk.now)
    desk.dialler.receive_lead_totals(0, 0, desk.now)
    desk.pass_time(60)
    assert state_of(desk) == ("held", "it begins on 11 June 2026")
    desk.dialler.add_leads([lead(1)], desk.now)
    desk.dialler.receive_lead_totals(1, 1, desk.now)
    tick(desk, NOON + A_DAY)
    desk.pass_time(2)
    assert state_of(desk)[0] == "running" and len(desk.of(PlaceCall)) == 1


def test_after_its_last_day_nothing_is_dialled(open_desk):
    desk = open_desk(lead(1), ends_on=TODAY)
    desk.dialler.set_wall(NOON + A_DAY, desk.now)
    desk.agent("ada")
    assert state_of(desk) == ("held", "it ended on 10 June 2026")
    assert not desk.of(PlaceCall)


def test_a_campaign_that_is_over_does_not_start(open_desk):
    desk = open_desk(started=False, ends_on=TODAY - A_DAY)
    with pytest.raises(UsageError, match="ended on 09 June 2026"):
        desk.dialler.start(desk.now)


def test_a_first_day_after_the_last_is_refused(open_desk):
    desk = open_desk(started=False, starts_on=date(2026, 7, 2), ends_on=date(2026, 7, 1))
    with pytest.raises(UsageError, match="starts_on"):
        desk.dialler.start(desk.now)


def test_the_site_s_own_reasons_are_said_with_the_campaign_s(open_desk):
    desk = open_desk(started=False, caller_id="")
    with pytest.raises(UsageError, match=r"caller id.*no never-dial list"):
        desk.dialler.start(desk.now, ["there is no never-dial list"])


def test_so_many_calls_a_day_and_the_next_day_as_many_again(open_desk):
    desk = open_desk(*[lead(index) for index in range(9)], calls_a_day=3)
    for name in ("ada", "bob"):
        desk.agent(name)
    for _ in range(4):
        for call in desk.of(PlaceCall):
            desk.fail(call.call_ref, Outcome.BUSY)
        desk.pass_time(2)
    assert len(desk.of(PlaceCall)) == 3
    assert state_of(desk) == ("held", "its 3 calls of today are made")
    tick(desk, NOON + A_DAY)
    desk.pass_time(2)
    assert len(desk.of(PlaceCall)) == 5  # one for each agent
    assert state_of(desk)[0] == "running"


def test_a_screening_that_grows_too_old_stops_dialling(open_desk):
    desk = open_desk(lead(1), started=False, purpose=Purpose.MARKETING)
    desk.dialler.receive_screening(NOON - timedelta(days=27), desk.now)
    desk.dialler.start(desk.now)
    desk.dialler.set_wall(NOON + 2 * A_DAY, desk.now)
    desk.agent("ada")
    assert state_of(desk)[0] == "held" and "TPS" in state_of(desk)[1]
    assert not desk.of(PlaceCall)


def test_leads_that_were_taken_before_a_new_screening_go_back_to_be_screened(open_desk):
    desk = open_desk(lead(1), started=False, purpose=Purpose.MARKETING)
    desk.dialler.receive_screening(NOON - timedelta(days=27), desk.now)
    desk.dialler.start(desk.now)
    desk.settle()
    tick(desk, NOON + 2 * A_DAY)  # what lies in the hopper was screened too long ago
    desk.source = [lead(2)]
    desk.dialler.receive_screening(NOON + 2 * A_DAY, desk.now)
    desk.settle()
    assert (desk.last_lead().lead_ref, desk.last_lead().state) == ("lead1", LeadState.NEW)
    desk.dialler.receive_screening(NOON + 2 * A_DAY, desk.now)  # the same list, said again
    desk.agent("ada")
    desk.pass_time(6)
    assert [event.number for event in desk.of(PlaceCall)] == [lead(2).number]
