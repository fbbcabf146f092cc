"""The shift's charts, on a wall clock of the test's own."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from softswitch.safeguards.shift_book import ShiftBook

NINE = datetime(2026, 11, 20, 9, 2, tzinfo=ZoneInfo("Europe/London"))


def later(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def test_what_happens_is_counted_in_the_five_minutes_in_which_it_happens() -> None:
    book = ShiftBook()
    book.receive_totals("a", 100, 40, 1.0, NINE)  # of the process before: the journal tells of it
    book.receive_totals("a", 104, 42, 1.0, later(1))
    book.receive_totals("b", 0, 0, 0.0, later(1))
    book.receive_totals("b", 5, 1, 1.0, later(4))
    first, second = book.intervals(later(5))
    assert (first.begins.minute, first.dials, first.conversations, first.rate) == (0, 4, 2, 0.0)
    assert (second.begins.minute, second.dials, second.conversations) == (5, 5, 1)
    assert second.rate == pytest.approx(1 / 4)  # of the day, not of the interval


def test_agents_are_told_by_the_mean_over_each_interval_though_they_change_within_it() -> None:
    book = ShiftBook()
    book.receive_agent("101", "ready", NINE)
    book.receive_agent("102", "ready", NINE)
    book.receive_agent("102", "in call", later(1))
    first, second, third = book.intervals(later(9))
    assert first.agents == {"ready": pytest.approx(4 / 5), "in call": pytest.approx(2 / 5)}
    assert second.agents == {"ready": pytest.approx(1.0), "in call": pytest.approx(1.0)}
    assert third.agents == {"ready": pytest.approx(1.0), "in call": pytest.approx(1.0)}  # the minute of it that is over


def test_intervals_in_which_nothing_happened_stand_in_their_place() -> None:
    book = ShiftBook()
    book.receive(1, 0, 0.0, NINE)
    book.receive(1, 0, 0.0, later(31))
    assert [each.dials for each in book.intervals(later(31))] == [1, 0, 0, 0, 0, 0, 1]


def test_a_new_day_begins_with_nothing() -> None:
    book = ShiftBook()
    book.receive_totals("a", 7, 3, 0.0, NINE)
    book.receive_totals("a", 9, 4, 0.0, later(1))
    book.receive_totals("a", 2, 1, 0.0, NINE + timedelta(days=1))
    (only,) = book.intervals(NINE + timedelta(days=1, minutes=1))
    assert (only.dials, only.conversations) == (2, 1)
    assert ShiftBook().intervals(NINE) == ()
