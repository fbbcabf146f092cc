"""What is learnt from events: life tables against known distributions, the level, its jumps."""

import numpy as np
import pytest
from softswitch.pacing import events
from softswitch.pacing.estimators import level, segment_level, spend, spend_service
from softswitch.pacing.floor import HORIZON_S, LANDINGS, TALKING, WRAPPING_UP
from softswitch.pacing.forecast import make_tables

from tests.pacing.conftest import Floor, teach


def test_time_is_spent_in_the_bins_that_it_passed() -> None:
    time = np.zeros(4)
    spend(time, 0.5, 2.25)
    assert time.tolist() == pytest.approx([0.5, 1.0, 0.25, 0.0])
    spend(time, 2.5, 9.0)
    assert time.tolist() == pytest.approx([0.5, 1.0, 0.75, 6.0])


def test_service_time_is_spent_in_wider_bins() -> None:
    time = np.zeros(11)
    spend_service(time, 1.0, 8.0)
    assert time[:5].tolist() == pytest.approx([1.0, 2.0, 3.0, 1.0, 0.0])


def test_the_share_of_people_who_answer_is_learnt(taught: Floor) -> None:
    of_late = level(taught.state[0])
    assert 0.6 < of_late < 1.6
    assert taught["lands"] / of_late == pytest.approx(0.2 * 0.7, rel=0.2)


def test_a_cold_floor_expects_a_usual_market_and_rather_many_people(floor: Floor) -> None:
    assert 0.12 < floor["lands"] < 0.35
    assert floor["outcomes"] == 0.0


def test_landing_times_are_those_of_people_who_answer(taught: Floor) -> None:
    landing_s = taught["landing_s"]
    assert (np.diff(landing_s) > 0.0).all()
    # set-up 2 s, then 3-15 s of ringing, then 1.5 s until AMD knows
    assert 5.5 < landing_s[0] < 9.0
    assert 15.0 < landing_s[-1] < 20.5


def test_a_call_that_has_rung_past_the_usual_answer_hardly_takes_an_agent_any_more(taught: Floor) -> None:
    takes = taught["ringing_takes"]
    assert takes[18, LANDINGS - 1] < 0.03
    assert takes[5, LANDINGS - 1] > takes[18, LANDINGS - 1] + 0.05


def test_probabilities_are_probabilities(taught: Floor, floor: Floor) -> None:
    for one in (taught, floor):
        for name in ("ringing_takes", "placed_takes", "fresh_takes", "talk_holds", "wrap_holds", "person"):
            table = one[name]
            assert (table >= -1e-12).all(), name
            assert (table <= 1.0 + 1e-12).all(), name


def test_agents_are_the_likelier_free_the_later_one_looks(taught: Floor) -> None:
    for name in ("talk_holds", "wrap_holds"):
        assert (np.diff(taught[name], axis=1) <= 1e-9).all()
    assert (taught["wrap_holds"][0] < taught["talk_holds"][0]).all()


def test_what_is_held_after_a_landing_is_talk_and_wrap_up_against_a_simulation(taught: Floor) -> None:
    rng = np.random.default_rng(2)
    service_s = rng.exponential(100.0, 40_000) + rng.gamma(2.0, 7.5, 40_000)
    make_tables(taught.state)
    holds = taught["curves"][2]
    for ahead in (10, 30, HORIZON_S):
        assert holds[ahead] == pytest.approx((service_s > ahead).mean(), abs=0.06)


def test_calls_that_still_ring_do_not_bias_the_level(taught: Floor) -> None:
    for second in range(240):
        taught.now += 0.25
        if second % 2 == 0:
            taught.place()
        taught.step()
    # half a minute of calls of which none may have answered yet is no sign that nobody does
    before_answers = level(taught.state[0])
    assert 0.3 < before_answers < 1.3


def test_a_jump_of_the_answer_rate_is_noticed_and_the_level_follows(taught: Floor) -> None:
    assert taught["jumps"] <= 4
    before = taught["jumps"]
    teach(taught, rate=0.5, calls=120, seed=5)
    assert taught["jumps"] > before
    assert taught["lands"] == pytest.approx(0.5 * 0.7, rel=0.35)


def test_learning_within_tens_of_calls(floor: Floor) -> None:
    teach(floor, rate=0.6, calls=60, seed=2)
    assert floor["lands"] > 0.28


def test_the_market_does_not_forget_over_night(taught: Floor) -> None:
    before = taught["lands"]
    taught.now += 14 * 3600.0
    taught.step()
    taught.now += 10.0
    taught.step()
    assert taught["lands"] == pytest.approx(before, rel=0.15)


def test_a_list_that_answers_less_is_learnt_for_itself(taught: Floor) -> None:
    for _ in range(300):
        row = taught.tell(events.CALL_PLACED, value=3)
        taught.now += 2.0
        taught.tell(events.CALL_RINGS, row)
        taught.now += 22.0
        taught.tell(events.CALL_ENDED, row)
    assert segment_level(taught.state[0], 3) < 0.6
    assert segment_level(taught.state[0], 4) == 1.0


def test_agents_who_leave_after_wrap_up_are_not_counted_on(taught: Floor) -> None:
    before = taught["wrap_holds"][0, LANDINGS - 1]
    for _ in range(150):
        for doing, lasts_s in ((TALKING, 60.0), (WRAPPING_UP, 10.0), (0, 1.0)):
            taught.tell(events.AGENT_DOES, 900, doing)
            taught.now += lasts_s
    make_tables(taught.state)
    assert taught["wrap_holds"][0, LANDINGS - 1] > before + 0.3
