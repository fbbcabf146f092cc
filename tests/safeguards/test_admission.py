from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from softswitch.safeguards.admission import NOT_NOW, Admission, Clearance, Shift, admit

LONDON = ZoneInfo("Europe/London")
MONDAY_NOON = datetime(2027, 6, 14, 12, 0, tzinfo=LONDON)
OFFICE = Shift(frozenset(range(5)), time(9), time(17))
NIGHT = Shift(frozenset({4}), time(22), time(6))
CAMPAIGNS = {"transport": ("travel",), "crime": ("victims", "courts")}


def test_an_agent_of_whom_nothing_is_known_may_not_work() -> None:
    assert not admit(None, MONDAY_NOON, CAMPAIGNS).granted


def test_an_agent_without_limits_may_work_for_every_campaign() -> None:
    assert admit(Clearance(), MONDAY_NOON, CAMPAIGNS) == Admission("", ("transport", "crime"))


@pytest.mark.parametrize(
    ("first", "last", "granted"),
    [
        (None, date(2027, 6, 14), True),
        (None, date(2027, 6, 13), False),
        (date(2027, 6, 14), None, True),
        (date(2027, 6, 15), None, False),
        (date(2027, 6, 1), date(2027, 6, 30), True),
    ],
)
def test_a_clearance_holds_from_its_first_day_to_its_last(first: date | None, last: date | None, granted: bool) -> None:
    admission = admit(Clearance(first, last), MONDAY_NOON, CAMPAIGNS)
    assert admission.granted is granted
    assert granted or "clearance" in admission.reason


def test_the_day_is_that_of_the_sites_time_zone() -> None:
    before_midnight = datetime(2027, 6, 14, 22, 30, tzinfo=ZoneInfo("UTC"))
    clearance = Clearance(cleared_until=date(2027, 6, 14))
    assert admit(clearance, before_midnight, {}).granted
    assert not admit(clearance, before_midnight.astimezone(ZoneInfo("Europe/Athens")), {}).granted


@pytest.mark.parametrize(
    ("clock", "granted"), [(time(8, 59), False), (time(9), True), (time(16, 59), True), (time(17), False)]
)
def test_roster_hours_begin_and_end_on_the_minute(clock: time, granted: bool) -> None:
    moment = datetime.combine(MONDAY_NOON.date(), clock, LONDON)
    assert admit(Clearance(roster=(OFFICE,)), moment, CAMPAIGNS).granted is granted


@pytest.mark.parametrize(
    ("day", "clock", "granted"),
    [
        (18, time(21, 59), False),
        (18, time(22), True),
        (19, time(5, 59), True),
        (19, time(6), False),
        (18, time(3), False),
    ],
)
def test_a_night_shift_goes_over_midnight_into_a_day_that_is_not_its_own(day: int, clock: time, granted: bool) -> None:
    moment = datetime.combine(date(2027, 6, day), clock, LONDON)  # the 18th is a Friday
    assert admit(Clearance(roster=(NIGHT,)), moment, {}).granted is granted


def test_one_of_several_shifts_is_enough() -> None:
    assert admit(Clearance(roster=(NIGHT, OFFICE)), MONDAY_NOON, {}).granted


def test_an_excluded_category_withholds_its_campaigns_and_no_others() -> None:
    admission = admit(Clearance(excluded=frozenset({"victims"})), MONDAY_NOON, CAMPAIGNS)
    assert admission.granted
    assert admission.campaigns == ("transport",)
    assert admission.withheld == (("crime", "victims"),)


def test_who_is_excluded_from_every_campaign_may_not_log_in() -> None:
    admission = admit(Clearance(excluded=frozenset({"victims", "travel"})), MONDAY_NOON, CAMPAIGNS)
    assert not admission.granted
    assert "travel, victims" in admission.reason


def test_what_the_agent_is_told_says_nothing_of_the_reason() -> None:
    assert not {"clearance", "roster", "excluded", "campaign"} & set(NOT_NOW.split())
