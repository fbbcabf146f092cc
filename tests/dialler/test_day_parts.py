"""Attempts spread over the parts of the callee's day."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import numpy as np
import pytest

from softswitch.dialler import recycle
from softswitch.dialler.attempt import Disposition
from softswitch.dialler.campaign import RecycleRule
from softswitch.dialler.hours import in_another_part
from softswitch.dialler.lead import Lead
from softswitch.errors import UsageError
from tests.dialler.desk import CAMPAIGN, lead

PARTS = (time(12), time(17))
SOON = RecycleRule(1800.0, 9)
SPREAD = replace(
    CAMPAIGN, day_parts=PARTS, maximum_attempts=99, machine_lock_s=0.0, recycle={"no-answer": SOON, "busy": SOON}
)


def utc(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 6, day, hour, minute, tzinfo=UTC)


def after(disposition: Disposition, wall: datetime, one: Lead | None = None) -> datetime | None:
    return recycle.after(one or lead(1), disposition, SPREAD, wall, np.random.default_rng(1)).not_before


def test_who_did_not_answer_in_the_morning_is_tried_in_the_afternoon_then_in_the_evening_then_in_the_morning() -> None:
    # London is an hour ahead of UTC in June.
    assert after(Disposition.NO_ANSWER, utc(10, 8)) == utc(10, 11)
    assert after(Disposition.NO_ANSWER, utc(10, 11)) == utc(10, 16)
    assert after(Disposition.NO_ANSWER, utc(10, 16)) == utc(10, 23)  # midnight there: the hours say when it opens


def test_a_retry_that_falls_into_another_part_by_itself_is_left_there() -> None:
    assert after(Disposition.NO_ANSWER, utc(10, 10, 45)) == utc(10, 11, 15)


def test_a_busy_line_is_tried_again_in_the_same_part() -> None:
    assert after(Disposition.BUSY, utc(10, 8)) == utc(10, 8, 30)


def test_a_machine_of_one_evening_is_tried_on_the_next_day_but_not_in_the_evening() -> None:
    due = after(Disposition.MACHINE, utc(10, 18))
    assert due is not None and due == utc(11, 23)  # 24 h later it is evening again; then comes the next morning


def test_the_parts_are_those_of_the_callee_s_clock_on_the_night_on_which_it_changes_too() -> None:
    evening = datetime(2026, 10, 24, 18, tzinfo=UTC)  # the clock goes back that night
    due = in_another_part(evening, evening + timedelta(hours=1), "Europe/London", PARTS)
    assert due == datetime(2026, 10, 24, 23, tzinfo=UTC)
    sunday = datetime(2026, 10, 25, 9, 30, tzinfo=UTC)
    assert in_another_part(sunday, sunday, "Europe/London", PARTS) == datetime(2026, 10, 25, 12, tzinfo=UTC)


def test_without_parts_or_in_an_unknown_zone_the_rule_alone_counts() -> None:
    assert in_another_part(utc(10, 8), utc(10, 9), "Europe/London", ()) == utc(10, 9)
    assert in_another_part(utc(10, 8), utc(10, 9), "Europe/Nowhere", PARTS) == utc(10, 9)


def test_parts_out_of_order_are_refused(open_desk) -> None:
    desk = open_desk(started=False, day_parts=(time(17), time(12)))
    with pytest.raises(UsageError, match="day_parts"):
        desk.dialler.start(desk.now)


def test_a_retry_that_falls_due_after_closing_time_is_not_made_in_the_same_part_of_the_next_day() -> None:
    early = replace(SPREAD, closes=time(14), recycle={"no-answer": RecycleRule(6 * 3600.0, 9)})
    tried = utc(10, 9, 30)  # 10:30 in London; six hours later it is another part of the day, and nobody may be rung
    due = recycle.after(lead(1), Disposition.NO_ANSWER, early, tried, None).not_before
    assert due == utc(11, 11)  # noon of the next day, not its morning


def test_where_all_calling_hours_lie_in_one_part_the_rule_alone_counts() -> None:
    mornings = replace(SPREAD, closes=time(11, 30), recycle={"no-answer": RecycleRule(6 * 3600.0, 9)})
    tried = utc(10, 9, 30)
    assert recycle.after(lead(1), Disposition.NO_ANSWER, mornings, tried, None).not_before == utc(10, 15, 30)
