"""Rows of calls and agents: what is told twice, late or wrongly changes nothing."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from softswitch.pacing import events
from softswitch.pacing.events import receive
from softswitch.pacing.floor import FREE, MOST_AGENTS, MOST_CALLS, READY, TALKING, new_state

from tests.pacing.conftest import Floor


def test_a_calls_row_is_free_again_after_it_and_is_used_again(floor: Floor) -> None:
    first, second = floor.place(2)
    floor.tell(events.CALL_ENDED, first)
    assert floor["calls_up"] == 1
    assert floor.place() == [first]
    assert {first, second} == set(floor["order"][:2].tolist())


def test_news_of_a_call_that_is_over_changes_nothing(floor: Floor) -> None:
    (row,) = floor.place()
    floor.tell(events.CALL_ENDED, row)
    before = floor.state.copy()
    for kind in (events.CALL_RINGS, events.CALL_ANSWERED, events.CALL_CONNECTED, events.CALL_DROPPED):
        assert floor.tell(kind, row) == -1
    assert floor.state.tobytes() == before.tobytes()


def test_rows_that_cannot_be_are_refused(floor: Floor) -> None:
    for row in (-1, MOST_CALLS):
        assert floor.tell(events.CALL_RINGS, row) == -1
    for row in (-1, MOST_AGENTS):
        assert floor.tell(events.AGENT_DOES, row, READY) == -1
        assert floor.tell(events.AGENT_LEAVES, row, 5.0) == -1
    assert floor.tell(99, 0, 1.0) == -1


def test_with_every_row_taken_no_further_call_has_one(floor: Floor) -> None:
    floor.place(MOST_CALLS)
    assert floor.place() == [-1]


def test_an_answer_without_ringing_is_one_of_a_call_that_rang_no_time(floor: Floor) -> None:
    (row,) = floor.place(age_s=2.0)
    assert floor.tell(events.CALL_ANSWERED, row) == 0
    assert floor.tell(events.PERSON_WAITS, row) == 0
    assert floor["observed"] == 1.0
    floor.tell(events.CALL_CONNECTED, row)
    assert (floor["live"], floor["calls_up"]) == (1.0, 0)


def test_the_day_counts_what_was_connected_dropped_and_told_as_machine(floor: Floor) -> None:
    rows = floor.place(4, age_s=5.0, rings_s=3.0)
    kinds = (events.CALL_CONNECTED, events.CALL_DROPPED, events.MACHINE_ENDED, events.CALL_ENDED)
    for row, kind in zip(rows, kinds, strict=True):
        if kind != events.CALL_ENDED:
            floor.tell(events.CALL_ANSWERED, row)
        floor.tell(kind, row)
    assert (floor["live"], floor["dropped"], floor["machines"], floor["calls_up"]) == (1.0, 1.0, 1.0, 0)


def test_a_call_that_was_withdrawn_teaches_nothing(floor: Floor) -> None:
    before = floor["setup"].sum()
    (row,) = floor.place()
    floor.tell(events.CALL_WITHDRAWN, row)
    assert (floor["calls_up"], floor["outcomes"]) == (0, 0.0)
    assert floor["setup"].sum() == before


EVENTS = st.lists(
    st.tuples(st.integers(-1, events.KINDS), st.integers(-1, 12), st.integers(-1, 5), st.floats(0.0, 30.0)), max_size=80
)


@settings(max_examples=60, deadline=None)
@given(EVENTS)
def test_whatever_is_told_rows_stay_a_permutation_and_counts_stay_possible(told: list) -> None:
    from softswitch.pacing.controller import step

    state = new_state(target=0.03)
    now = 0.0
    for kind, row, value, later_s in told:
        now += later_s
        receive(state, kind, row, float(value), now)
        dials = step(state, now)
        assert 0 <= dials <= max(int(state["channels_free"][0]), 0)
    floor = state[0]
    up = int(floor["calls_up"])
    assert sorted(floor["order"].tolist()) == list(range(MOST_CALLS))
    assert (floor["calls"]["stage"][floor["order"][:up]] != FREE).all()
    assert (floor["calls"]["stage"][floor["order"][up:]] == FREE).all()
    for name in ("ring", "setup", "service"):
        assert np.isfinite(floor[name]).all()
        assert (floor[name] >= 0.0).all()


def test_the_same_agents_news_twice_is_told_once(floor: Floor) -> None:
    row = floor.agent(TALKING)
    before = floor.state.copy()
    floor.tell(events.AGENT_DOES, row, TALKING, at=5.0)
    assert floor.state.tobytes() == before.tobytes()
