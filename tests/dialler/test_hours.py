from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.dialler.hours import CallingHours

HOURS = CallingHours(time(9), time(21))
LONDON = ZoneInfo("Europe/London")


def test_the_callees_zone_decides():
    wall = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)  # 13:00 in London, 05:00 in Los Angeles
    assert HOURS.is_open("Europe/London", wall)
    assert not HOURS.is_open("America/Los_Angeles", wall)


def test_closing_time_is_closed_and_opening_time_is_open():
    assert HOURS.is_open("Europe/London", datetime(2026, 6, 10, 9, 0, tzinfo=LONDON))
    assert not HOURS.is_open("Europe/London", datetime(2026, 6, 10, 21, 0, tzinfo=LONDON))


def test_a_call_that_would_ring_past_closing_time_is_not_begun():
    wall = datetime(2026, 6, 10, 20, 59, 45, tzinfo=LONDON)
    assert HOURS.is_open("Europe/London", wall)
    assert not HOURS.is_open("Europe/London", wall, for_s=22)


@pytest.mark.parametrize(
    ("day", "hours_between"),
    [(date(2026, 3, 29), 23 - 12), (date(2026, 10, 25), 25 - 12), (date(2026, 6, 10), 24 - 12)],
)
def test_a_night_on_which_the_clocks_change_is_an_hour_shorter_or_longer(day, hours_between):
    closed = datetime.combine(day - timedelta(days=1), time(21), LONDON).astimezone(UTC)
    opening = HOURS.next_opening("Europe/London", closed)
    assert opening - closed == timedelta(hours=hours_between)
    assert opening.astimezone(LONDON).time() == time(9)


def test_holidays_and_weekdays_are_skipped():
    hours = CallingHours(time(9), time(21), weekdays=frozenset(range(5)), holidays=frozenset({date(2026, 6, 15)}))
    friday_night = datetime(2026, 6, 12, 21, 0, tzinfo=LONDON)
    assert hours.next_opening("Europe/London", friday_night) == datetime(2026, 6, 16, 9, 0, tzinfo=LONDON)


@pytest.mark.parametrize("zone", ["", "Europe/Lundon", "../etc/passwd", "Europe"])
def test_a_zone_that_does_not_exist_is_always_closed(zone):
    wall = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
    assert not HOURS.is_open(zone, wall)
    assert HOURS.next_opening(zone, wall) is None


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),
    st.sampled_from(["Europe/London", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca"]),
    st.floats(0, 60),
)
def test_the_next_opening_is_open_and_nothing_between_is(wall, zone, for_s):
    opening = HOURS.next_opening(zone, wall, for_s)
    assert opening >= wall
    assert HOURS.is_open(zone, opening, for_s)
    local = opening.astimezone(ZoneInfo(zone))
    assert time(9) <= local.time() < time(21)
    if opening > wall:
        assert not HOURS.is_open(zone, wall, for_s)
        assert not HOURS.is_open(zone, opening - timedelta(seconds=1), for_s)


SPLIT = "America/Chicago|America/New_York"


def test_who_may_be_in_several_zones_is_rung_while_it_is_day_in_all_of_them() -> None:
    hours = CallingHours(time(9), time(21))
    january = [datetime(2026, 1, 14, hour, 30, tzinfo=UTC) for hour in (14, 15, 25 - 24)]
    assert not hours.is_open(SPLIT, january[0])  # 9:30 in New York, 8:30 in Chicago
    assert hours.is_open(SPLIT, january[1])
    assert not hours.is_open(SPLIT, datetime(2026, 1, 15, 2, 30, tzinfo=UTC))  # 20:30 in Chicago, 21:30 in New York
    assert hours.next_opening(SPLIT, january[0]) == datetime(2026, 1, 14, 15, tzinfo=UTC)
    assert hours.closing(SPLIT, january[1]) == datetime(2026, 1, 15, 2, tzinfo=UTC)
    assert hours.closing(SPLIT, datetime(2026, 1, 15, 2, 30, tzinfo=UTC)) is None


def test_zones_without_an_hour_in_common_are_never_open_and_one_that_is_unknown_closes_all() -> None:
    evening, noon = CallingHours(time(18), time(20)), datetime(2026, 1, 14, 12, tzinfo=UTC)
    assert evening.next_opening("America/Los_Angeles|America/New_York", noon) is None
    assert CallingHours(time(9), time(21)).next_opening("Europe/London|Europe/Atlantis", noon) is None
    assert not CallingHours(time(9), time(21)).is_open("Europe/London|Europe/Atlantis", noon)


def test_the_next_opening_for_several_zones_is_found_over_weekends_and_nights() -> None:
    hours = CallingHours(time(9), time(21), weekdays=frozenset(range(5)))
    friday_evening = datetime(2026, 1, 17, 2, 0, tzinfo=UTC)  # 20:00 in Chicago, 21:00 in New York
    assert hours.next_opening(SPLIT, friday_evening) == datetime(2026, 1, 19, 15, tzinfo=UTC)
