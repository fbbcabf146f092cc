"""The rules that no estimate may break, and the arithmetic under the predictive rule."""

import numpy as np
import pytest
from softswitch.pacing import budget, events
from softswitch.pacing.controller import marginal_drops, step
from softswitch.pacing.floor import LANDINGS, READY, RESERVED, TALKING, WRAPPING_UP, new_state
from softswitch.pacing.policies import (
    FALLBACK_ERRORS,
    FALLBACK_NO_DATA,
    FALLBACK_OVER_LIMIT,
    FALLBACK_SPENT,
    FALLBACK_TRUNK,
    FALLBACK_UNCALIBRATED,
    POLICIES,
    POLICY_GUARANTEED,
    POLICY_MANUAL,
    POLICY_PREVIEW,
    POLICY_PROGRESSIVE,
    POLICY_RATIO,
)

from softswitch.errors import UsageError
from tests.pacing.conftest import Floor


def situation(taught: Floor, seed: int) -> Floor:
    """Some agents, some calls, some day so far."""
    rng = np.random.default_rng(seed)
    floor = Floor(taught.state.copy(), taught.now + 1.0)
    for doing, most in ((READY, 5), (TALKING, 25), (WRAPPING_UP, 6)):
        for _ in range(int(rng.integers(0, most))):
            floor.agent(doing, floor.now - rng.uniform(0.0, 200.0))
    for _ in range(int(rng.integers(0, 40))):
        age_s = rng.uniform(0.0, 24.0)
        floor.place(age_s=age_s, rings_s=age_s - 2.0 if age_s > 2.0 else None)
    floor.tell(events.LIVE_TODAY, value=int(rng.integers(200, 2000)))
    floor.tell(events.DROPPED_TODAY, value=int(rng.integers(0, 30)))
    floor.tell(events.CHANNELS, value=int(rng.integers(0, 60)))
    return floor


def decided(floor: Floor, **changes: float) -> int:
    """What it would do with something else, without doing it."""
    state = floor.state.copy()
    for name, value in changes.items():
        state[name] = value
    return step(state, floor.now)


def busy(taught: Floor, *, ready: int = 1, talking: int = 8, wrapping: int = 2) -> Floor:
    floor = Floor(taught.state.copy(), taught.now + 1.0)
    for doing, count, since_s in ((READY, ready, 1.0), (TALKING, talking, 60.0), (WRAPPING_UP, wrapping, 8.0)):
        for _ in range(count):
            floor.agent(doing, floor.now - since_s)
    floor.tell(events.LIVE_TODAY, value=800)
    floor.tell(events.DROPPED_TODAY, value=4)
    return floor


def test_in_every_situation_it_dials_no_less_than_progressive_and_no_more_than_the_channels(taught: Floor) -> None:
    for seed in range(150):
        floor = situation(taught, seed)
        progressive = decided(floor, policy=POLICY_PROGRESSIVE)
        assert 0 <= progressive <= decided(floor) <= floor["channels_free"]


def test_one_more_ready_agent_never_means_fewer_calls(taught: Floor) -> None:
    for seed in range(80):
        floor = situation(taught, seed)
        before = decided(floor)
        floor.agent(READY, floor.now - 1.0)
        assert decided(floor) >= before


def test_one_more_call_on_its_way_never_means_more_new_ones(taught: Floor) -> None:
    for seed in range(80):
        floor = situation(taught, seed)
        before = decided(floor)
        floor.place(age_s=6.0, rings_s=4.0)
        assert decided(floor) <= before


def test_progressive_guaranteed_and_preview_want_one_call_for_each_ready_agent(floor: Floor) -> None:
    for _ in range(4):
        floor.agent(READY)
    floor.agent(TALKING)
    floor.agent(RESERVED)
    for policy in (POLICY_PROGRESSIVE, POLICY_GUARANTEED, POLICY_PREVIEW):
        assert decided(floor, policy=policy) == 4
    floor.place(3)
    assert decided(floor, policy=POLICY_PROGRESSIVE) == 1
    floor.place(3)
    assert decided(floor, policy=POLICY_PROGRESSIVE) == 0


def test_calls_bound_to_their_agents_take_nothing_from_the_others(floor: Floor) -> None:
    floor.agent(READY)
    floor.agent(RESERVED)
    floor.place()
    floor.tell(events.BOUND_CALLS, value=1)
    assert decided(floor, policy=POLICY_GUARANTEED) == 1


def test_in_manual_mode_the_system_places_nothing(floor: Floor) -> None:
    floor.agent(READY)
    assert decided(floor, policy=POLICY_MANUAL) == 0


def test_a_ratio_is_lines_for_each_ready_agent_until_the_limit(floor: Floor) -> None:
    for _ in range(4):
        floor.agent(READY)
    floor.place(3)
    assert decided(floor, policy=POLICY_RATIO, ratio=2.5) == 7
    assert decided(floor, policy=POLICY_RATIO, ratio=2.5, limit=0.03, live=96.0, dropped=4.0) == 1


def test_nobody_logged_in_means_no_call(floor: Floor) -> None:
    for policy in POLICIES.values():
        assert decided(floor, policy=policy) == 0


def test_predictive_dials_ahead_of_agents_who_will_be_free(taught: Floor) -> None:
    assert busy(taught).step() > 1
    assert busy(taught, ready=0, talking=2, wrapping=6).step() > 0


def test_calls_that_ring_already_are_taken_into_account(taught: Floor) -> None:
    dials = []
    for ringing in range(0, 60, 6):
        floor = busy(taught)
        floor.place(ringing, age_s=8.0, rings_s=6.0)
        dials.append(floor.step())
    assert dials == sorted(dials, reverse=True)
    assert dials[-1] == 0


def test_rings_past_their_time_leave_more_room_than_fresh_ones(taught: Floor) -> None:
    fresh, late = busy(taught), busy(taught)
    fresh.place(8, age_s=8.0, rings_s=6.0)
    late.place(8, age_s=22.0, rings_s=20.0)
    assert late.step() > fresh.step()


def test_an_agent_who_is_known_to_leave_is_not_dialled_for(taught: Floor) -> None:
    floor = busy(taught, ready=2, talking=0, wrapping=0)
    staying = floor.step()
    floor.tell(events.AGENT_LEAVES, 0, floor.now + 5.0)
    leaving = decided(floor)
    floor.tell(events.AGENT_LEAVES, 1, floor.now + 5.0)
    assert staying > leaving > decided(floor) == 0
    floor.tell(events.AGENT_LEAVES, 0, np.inf)
    floor.tell(events.AGENT_LEAVES, 1, np.inf)
    assert decided(floor) == staying


def test_the_trunks_calls_per_second_are_kept(taught: Floor) -> None:
    floor = busy(taught, ready=12)
    floor.state["calls_per_s"], floor.state["tokens"] = 2.0, 2.0
    placed_at = []
    for _ in range(40):
        for _ in range(floor.step()):
            floor.place()
            placed_at.append(floor.now)
        floor.now += 0.25
    assert len(placed_at) >= 12
    for second in np.arange(placed_at[0], placed_at[-1], 0.25):
        assert sum(second <= at < second + 1.0 for at in placed_at) <= 4  # a full bucket and one second's filling


def test_over_the_limit_of_today_nothing_is_dialled_ahead(taught: Floor) -> None:
    floor = busy(taught)
    state = floor.state.copy()
    state["limit"], state["dropped"] = 0.03, 30.0
    assert step(state, floor.now) == decided(floor, policy=POLICY_PROGRESSIVE)
    assert state["fallback"][0] == FALLBACK_OVER_LIMIT


def test_a_spent_allowance_stops_dialling_ahead_and_says_so(taught: Floor) -> None:
    floor = busy(taught)
    state = floor.state.copy()
    state["dropped"], state["answers_known"] = 25.0, 20.0
    assert step(state, floor.now) == decided(floor, policy=POLICY_PROGRESSIVE)
    assert state["fallback"][0] == FALLBACK_SPENT


def test_a_target_of_nothing_is_progressive(taught: Floor) -> None:
    floor = busy(taught, ready=3)
    assert decided(floor, target=0.0) == decided(floor, policy=POLICY_PROGRESSIVE) == 3


def test_a_lower_target_never_means_more_calls(taught: Floor) -> None:
    for seed in range(40):
        floor = situation(taught, seed)
        dials = [decided(floor, target=target) for target in (0.0, 0.01, 0.03, 0.1)]
        assert dials == sorted(dials)


def test_more_drops_are_kept_back_the_more_people_may_answer_at_once() -> None:
    kept = [budget.kept_back(spread) for spread in (0.0, 0.3, 0.6, 1.2, 2.2)]
    assert kept[0] == 0.0
    assert kept[2] == pytest.approx(1.5)
    steps = np.diff(kept) / np.diff([0.0, 0.3, 0.6, 1.2, 2.2])
    assert (np.diff(steps) > -1e-9).all()  # clumps grow no slower than the spread
    assert steps[-1] == pytest.approx(3.5)


def test_predictions_that_are_far_off_mean_progressive_until_they_are_right_again(taught: Floor) -> None:
    floor = busy(taught, ready=2)
    state = floor.state.copy()
    state["predicted"], state["observed"] = 40.0, 90.0
    assert step(state, floor.now) == 2
    assert state["fallback"][0] == FALLBACK_UNCALIBRATED
    state["observed"] = 44.0
    assert step(state, floor.now) > 2
    assert state["fallback"][0] == 0


def test_a_call_of_which_nothing_is_heard_any_more_means_progressive(taught: Floor) -> None:
    floor = busy(taught, ready=2)
    floor.place(age_s=300.0)
    assert floor.step() == 1
    assert floor["fallback"] == FALLBACK_NO_DATA


def test_a_trunk_that_fails_every_call_means_progressive_until_one_rings(taught: Floor) -> None:
    floor = busy(taught, ready=2)
    before = floor.step()
    for row in floor.place(25, age_s=1.0):
        floor.tell(events.CALL_ENDED, row)
    assert floor.step() == 2
    assert floor["fallback"] == FALLBACK_TRUNK
    (row,) = floor.place(1, age_s=1.0)
    floor.tell(events.CALL_RINGS, row)
    assert 2 < floor.step() <= before + 1
    assert floor["fallback"] == 0


def test_a_cold_start_is_careful(floor: Floor) -> None:
    floor.agent(READY)
    for _ in range(6):
        floor.agent(TALKING)
    assert floor.step() == 1


def test_in_a_small_campaign_the_first_abandoned_call_ends_dialling_ahead(taught: Floor) -> None:
    floor = busy(taught)
    assert decided(floor, live=12.0, dropped=1.0, target=0.01, answers_known=20.0) == 1


def test_expected_false_positives_are_paid_out_of_the_allowance(taught: Floor) -> None:
    floor = busy(taught, ready=0, talking=10)
    plain = decided(floor, dropped=0.0, target=0.03)
    with_errors = decided(floor, dropped=0.0, target=0.03, machines=350.0, false_positive_share=0.045)
    assert with_errors <= plain
    assert decided(floor, dropped=0.0, machines=350.0, false_positive_share=0.2) == 0


def test_the_same_state_gives_the_same_answer_and_state(taught: Floor) -> None:
    floor = busy(taught)
    first, second = floor.state.copy(), floor.state.copy()
    assert step(first, floor.now) == step(second, floor.now)
    assert first.tobytes() == second.tobytes()


def test_the_marginal_drop_of_a_call_is_the_chance_that_all_are_taken_when_it_lands(taught: Floor) -> None:
    floor = busy(taught, ready=0, talking=3, wrapping=1)
    floor.place(5, age_s=7.0, rings_s=5.0)
    decided_dials = floor.step()  # fills the sums, its own dials included
    assert decided_dials >= 0
    state = floor.state[0]
    full = []
    for landing in range(LANDINGS):
        distribution = np.ones(1)
        terms = [state["talk_holds"][7, landing]] * 3 + [state["wrap_holds"][3, landing]]
        terms += [state["ringing_takes"][5, landing]] * 5 + [state["fresh_takes"][landing]] * decided_dials
        for term in terms:
            distribution = np.convolve(distribution, [1.0 - term, term])
        full.append(distribution[4:].sum())
    assert marginal_drops(state, 4, 4) == pytest.approx(np.mean(full), abs=1e-9)


def test_a_large_floor_is_paced_by_the_normal_tail(taught: Floor) -> None:
    floor = Floor(taught.state.copy(), taught.now + 1.0)
    rng = np.random.default_rng(6)
    for doing, count in ((READY, 2), (TALKING, 180), (WRAPPING_UP, 18)):
        for _ in range(count):
            floor.agent(doing, floor.now - rng.uniform(0.0, 100.0))
    floor.place(60, age_s=8.0, rings_s=6.0)
    floor.tell(events.LIVE_TODAY, value=5000)
    assert 2 <= floor.step() < 400


def test_the_threshold_falls_with_every_dropped_call(taught: Floor) -> None:
    floor = busy(taught)
    values = []
    for dropped in range(40):
        floor.state["dropped"] = dropped
        values.append(budget.threshold(floor.state[0], 11, floor.now))
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.02
    assert values[-1] == 0.0


def test_the_last_drops_of_a_day_are_planned_for_one_by_one() -> None:
    planned = [budget.drops_to_plan(allowance, 1.0) for allowance in (-2.0, 0.9, 1.0, 2.0, 4.0, 20.0)]
    assert planned[:3] == [0.0, 0.0, 0.0]
    assert 0.0 < planned[3] < 1.0 < planned[4] < 3.0
    assert 16.0 < planned[5] < 20.0
    assert 0.0 < budget.drops_to_plan(2.0, 3.0) < 0.05


def test_while_a_drop_could_be_afforded_dialling_ahead_goes_on_at_a_small_risk(taught: Floor) -> None:
    floor = busy(taught)
    state = floor.state[0]
    floor.tell(events.ANSWERS_LEFT, value=100.0)
    floor.tell(
        events.DROPPED_TODAY, value=25.0
    )  # of 900 answers and these; one may be needed for those that do not come
    assert 2.0 < budget.allowance_left(state, 100.0) < 3.0
    assert 0.0 < budget.threshold(state, 11, floor.now) < 0.001
    floor.tell(events.DROPPED_TODAY, value=27.0)
    assert 0.0 < budget.allowance_left(state, 100.0) < 1.0
    assert budget.threshold(state, 11, floor.now) == 0.0


def test_where_amds_errors_alone_are_over_the_target_it_paces_progressively_and_says_so(taught: Floor) -> None:
    floor = busy(taught, ready=2)
    state = floor.state.copy()
    state["live"], state["dropped"] = 700.0, 0.0
    state["machines"], state["false_positive_share"] = 335.0, 0.105
    assert step(state, floor.now) == decided(floor, policy=POLICY_PROGRESSIVE)
    assert state["fallback"][0] == FALLBACK_ERRORS
    state["false_positive_share"] = 0.045
    assert step(state, floor.now) > decided(floor, policy=POLICY_PROGRESSIVE)
    assert state["fallback"][0] == 0


def test_larger_floors_and_those_with_shorter_talks_keep_more_back(taught: Floor) -> None:
    few, many = busy(taught, talking=3), busy(taught, talking=30)
    for floor in (few, many):
        floor.tell(events.ANSWERS_LEFT, value=50.0)
        floor.tell(events.DROPPED_TODAY, value=20.0)
    assert budget.threshold(few.state[0], 6, few.now) > budget.threshold(many.state[0], 33, many.now)
    short = Floor(few.state.copy(), few.now)
    short.state["answers_seen"], short.state["agent_s"] = 2000.0, 40_000.0
    few.state["answers_seen"], few.state["agent_s"] = 200.0, 40_000.0
    assert budget.threshold(few.state[0], 6, few.now) > budget.threshold(short.state[0], 6, few.now)


def test_another_day_begins_with_what_thresholds_led_to_the_day_before(taught: Floor) -> None:
    floor = busy(taught)
    floor.tell(events.DROPPED_TODAY, value=20.0)
    floor.state["priced"] = 16.0
    floor.tell(events.DROPPED_TODAY, value=0.0)
    assert budget.gain(floor.state[0]) == pytest.approx(budget.FIRST_GAIN)


@pytest.mark.parametrize(
    "wrong",
    [{"target": 0.05, "limit": 0.03}, {"target": -0.1}, {"patience_s": 0.0}, {"ratio": -1.0}, {"calls_per_s": 0.0}],
    ids=str,
)
def test_an_impossible_floor_is_refused(wrong: dict) -> None:
    with pytest.raises(UsageError):
        new_state(**wrong)
