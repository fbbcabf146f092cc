"""Breaks and roll checks: told to the board in time, begun and ended by the clock, after the call that is on."""

from datetime import UTC, datetime, timedelta
from math import inf

import pytest

from softswitch.config import Settings
from softswitch.dialler.agents import AgentBoard, AgentState
from softswitch.exchange.floor.rostering import Rostering

BREAK = datetime(2026, 6, 10, 11, 30, tzinfo=UTC)
"""12:30 in London, on a Wednesday."""


class House:
    def __init__(self, moment: datetime, **told: object) -> None:
        settings = Settings.model_validate(
            {
                "people": {"roll_checks": told.get("roll_checks", ())},
                "agents": [{"id": "ada", "breaks": told.get("breaks", ()), "roster": told.get("roster", ())}],
            }
        )
        self.board, self.moment, self.now = AgentBoard(), moment, 1000.0
        self.rostering = Rostering(settings, self.board, self.board.receive_state, lambda: self.moment)
        self.board.receive_state("ada", AgentState.READY, self.now)

    def look(self, after: timedelta = timedelta(0)) -> AgentState:
        self.moment += after
        self.now += after.total_seconds()
        self.rostering.look(self.now)
        return self.board.state_of("ada")


@pytest.mark.parametrize(
    "told",
    [{"breaks": ["mon-fri 12:30-13:00"]}, {"roll_checks": ["wed 12:30-12:45"]}, {"roster": ["mon-fri 09:00-12:30"]}],
)
def test_the_board_knows_some_minutes_ahead_when_an_agent_will_leave(told) -> None:
    house = House(BREAK - timedelta(minutes=20), **told)
    house.look()
    assert house.board.leaves_at("ada") == inf
    house.look(timedelta(minutes=12, seconds=30))
    assert house.board.leaves_at("ada") == pytest.approx(house.now + 450.0)


def test_a_break_begins_and_ends_by_the_clock(told=("mon-fri 12:30-13:00",)) -> None:
    house = House(BREAK - timedelta(seconds=1), breaks=told)
    assert house.look() is AgentState.READY
    assert house.look(timedelta(seconds=1)) is AgentState.PAUSED
    assert house.board.code_of("ada") == "break"
    house.board.receive_state("ada", AgentState.READY, house.now)
    assert house.look(timedelta(seconds=1)) is AgentState.PAUSED  # it is still the break
    assert house.look(timedelta(minutes=30)) is AgentState.READY


def test_a_roll_check_waits_for_the_call_that_is_on() -> None:
    house = House(BREAK, roll_checks=["mon-sun 12:30-12:45"])
    house.board.reserve_longest_waiting(house.now, "call1", "survey")
    house.board.receive_connected("ada", "call1", house.now)
    assert house.look() is AgentState.IN_CALL
    house.board.receive_call_ended("ada", "call1", house.now, wrap_up_s=0.0)
    assert house.look() is AgentState.PAUSED and house.board.code_of("ada") == "roll check"


def test_a_pause_of_the_agent_s_own_is_left_alone() -> None:
    house = House(BREAK, breaks=["mon-fri 12:30-13:00"])
    house.board.receive_state("ada", AgentState.PAUSED, house.now, "toilet")
    assert house.look() is AgentState.PAUSED
    assert house.look(timedelta(minutes=31)) is AgentState.PAUSED
    assert house.board.code_of("ada") == "toilet"


def test_the_board_knows_the_hours_that_are_left_without_breaks_and_roll_checks() -> None:
    house = House(
        BREAK - timedelta(minutes=30),
        roster=["mon-fri 09:00-17:00"], breaks=["mon-fri 12:30-13:00"], roll_checks=["wed 15:45-16:00"],
    )  # fmt: skip
    house.look()
    whole_day = house.now + 12 * 3600.0
    assert house.board.work_to_come_s(house.now, whole_day) == pytest.approx((5 * 60 - 30 - 15) * 60.0)
    assert house.board.work_to_come_s(house.now, house.now + 3600.0) == pytest.approx(1800.0)
    house.look(timedelta(minutes=45))
    assert house.board.work_to_come_s(house.now, whole_day) == pytest.approx((4 * 60 - 15) * 60.0)
    assert house.board.work_to_come_s(house.now, whole_day, ["nobody"]) == pytest.approx(whole_day - house.now)


def test_hours_over_midnight_are_counted_on_both_days() -> None:
    house = House(BREAK + timedelta(hours=11), roster=["mon-fri 22:00-06:00"])  # 23:30 in London
    house.look()
    assert house.board.work_to_come_s(house.now, house.now + 86400.0) == pytest.approx((6.5 + 1.5) * 3600.0)
