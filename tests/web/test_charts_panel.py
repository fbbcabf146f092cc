"""The wallboard's charts as ECharts is told them: axes of round numbers with room between their marks."""

from datetime import UTC, datetime, timedelta

import pytest

from softswitch.safeguards.campaign_views import ShiftView
from softswitch.safeguards.shift_book import Interval
from softswitch.web.charts_panel import ABANDONED, AGENTS, CONVERSATIONS, DIALS, chart_of, scale

NINE = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
WORKING = {"in call": 6.5, "ready": 2.0, "wrap-up": 1.5, "paused": 1.0}
STEPS = tuple(Interval(NINE + timedelta(minutes=5 * n), 60 + n, 12 + n % 5, 0.3, 0.041, WORKING) for n in range(30))


@pytest.mark.parametrize(
    ("top", "whole", "marks"),
    [(0, True, (0, 1, 2)), (1, True, (0, 1, 2)), (2.5, True, (0, 2, 4)), (7, True, (0, 4, 8)), (11, True, (0, 6, 12)),
     (192, True, (0, 100, 200)), (201, True, (0, 120, 240)), (0, False, (0, 0.01, 0.02)), (3.0, False, (0, 1.5, 3)),
     (0.7, False, (0, 0.4, 0.8))],
)  # fmt: skip
def test_an_axis_has_three_marks_at_round_numbers_and_room_for_the_highest_value(
    top: float, whole: bool, marks: tuple[float, ...]
) -> None:
    found = scale(top, whole=whole)
    assert (0, found["interval"], found["max"]) == marks
    assert found["max"] >= top


@pytest.mark.parametrize(("which", "top"), [(CONVERSATIONS, 200), (DIALS, 1200), (ABANDONED, 5), (AGENTS, 12)])
def test_each_chart_has_an_axis_for_what_it_shows_also_before_anything_has_happened(which: str, top: float) -> None:
    options, _ = chart_of(which, ShiftView("Europe/London", 0.03, STEPS), ())
    assert options["yAxis"]["max"] == top
    options, _ = chart_of(which, ShiftView("Europe/London", 0.03, ()), ())
    assert options["yAxis"]["max"] > 0
