"""The rules that no estimate may break, and the arithmetic under the predictive rule."""

import dataclasses
import itertools

import numpy as np
import pytest
from softswitch.pacing.controller import PacingState, add_bernoulli, normal_tail, step, threshold
from softswitch.pacing.estimators import Estimator
from softswitch.pacing.policies import POLICIES, POLICY_GUARANTEED, POLICY_PREDICTIVE, POLICY_PROGRESSIVE

from softswitch.errors import UsageError


def ages(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def experienced(answer_rate: float = 0.2) -> Estimator:
    rng = np.random.default_rng(11)
    estimator = Estimator()
    for _ in range(800):
        if rng.random() < answer_rate:
            estimator.receive_attempt_outcome(True, bool(rng.random() < 0.7), 2.5 + rng.lognormal(2.2, 0.4))
        else:
            estimator.receive_attempt_outcome(False, False, 24.5)
    for _ in range(100):
        estimator.receive_talk(rng.exponential(100.0))
        estimator.receive_wrap_up(rng.gamma(2.0, 7.5))
    return estimator


ESTIMATES = experienced().estimates()
BASE = PacingState(
    agents_ready=1,
    talk_ages_s=ages(5, 20, 60, 90, 120, 200),
    wrap_ages_s=ages(3, 9, 14),
    ringing_ages_s=ages(),
    answered_waiting=0,
    estimates=ESTIMATES,
    live_today=400,
    abandoned_today=4.0,
    channels_free=100,
    target=0.03,
    limit=0.05,
    policy=POLICY_PREDICTIVE,
    answers_left=800.0,
    every_answer_needs_an_agent=False,
)


def state(**changes: object) -> PacingState:
    return dataclasses.replace(BASE, **changes)


def situations() -> list[PacingState]:
    rng = np.random.default_rng(4)
    return [
        state(
            agents_ready=int(rng.integers(0, 6)),
            talk_ages_s=rng.uniform(0, 300, rng.integers(0, 30)),
            wrap_ages_s=rng.uniform(0, 40, rng.integers(0, 6)),
            ringing_ages_s=rng.uniform(0, 25, rng.integers(0, 60)),
            answered_waiting=int(rng.integers(0, 3)),
            live_today=int(rng.integers(0, 2000)),
            abandoned_today=float(rng.integers(0, 40)),
            channels_free=int(rng.integers(0, 60)),
            every_answer_needs_an_agent=bool(rng.integers(0, 2)),
        )
        for _ in range(300)
    ]


def test_in_every_situation_it_dials_no_less_than_progressive_and_no_more_than_the_channels() -> None:
    for situation in situations():
        progressive = step(dataclasses.replace(situation, policy=POLICY_PROGRESSIVE))
        assert progressive <= step(situation) <= situation.channels_free


def test_progressive_and_guaranteed_place_one_call_for_each_ready_agent_without_one() -> None:
    for policy in (POLICY_PROGRESSIVE, POLICY_GUARANTEED):
        assert step(state(policy=policy, agents_ready=4)) == 4
        assert step(state(policy=policy, agents_ready=4, ringing_ages_s=ages(1, 2), answered_waiting=1)) == 1
        assert step(state(policy=policy, agents_ready=0)) == 0
        assert step(state(policy=policy, agents_ready=2, ringing_ages_s=ages(1, 2, 3))) == 0


def test_nobody_logged_in_means_no_call() -> None:
    for policy in POLICIES.values():
        empty = state(policy=policy, agents_ready=0, talk_ages_s=ages(), wrap_ages_s=ages())
        assert step(empty) == 0


def test_predictive_dials_ahead_of_agents_who_will_be_free() -> None:
    assert step(state()) > 1
    assert step(state(agents_ready=0, talk_ages_s=ages(5, 20), wrap_ages_s=ages(8, 12, 20, 25, 30))) > 0


def test_calls_that_ring_already_are_taken_into_account() -> None:
    dials = [step(state(ringing_ages_s=np.full(ringing, 6.0))) for ringing in range(0, 30, 3)]
    assert dials == sorted(dials, reverse=True)
    assert dials[-1] == 0


def test_fresh_rings_leave_less_room_than_rings_past_their_time() -> None:
    assert step(state(ringing_ages_s=np.full(8, 22.0))) > step(state(ringing_ages_s=np.full(8, 6.0)))


def test_over_the_limit_of_today_nothing_is_dialled_ahead() -> None:
    for abandoned in (21.1, 40.0):
        over = state(abandoned_today=abandoned)
        assert abandoned / (400 + abandoned) >= 0.05
        assert step(over) == step(dataclasses.replace(over, policy=POLICY_PROGRESSIVE))


def test_a_spent_allowance_stops_dialling_ahead_before_the_limit_does() -> None:
    spent = state(abandoned_today=18.0, live_today=500, answers_left=20.0)
    assert step(spent) == step(dataclasses.replace(spent, policy=POLICY_PROGRESSIVE))


def test_the_threshold_falls_with_every_abandoned_call() -> None:
    values = [threshold(300.0, float(abandoned), 0.03, 0.05, 600.0, 10, 500.0) for abandoned in range(12)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.02


def test_a_cold_start_is_careful() -> None:
    cold = state(estimates=Estimator().estimates(), live_today=0, abandoned_today=0.0)
    assert step(cold) == step(dataclasses.replace(cold, policy=POLICY_PROGRESSIVE))


def test_in_a_small_campaign_the_first_abandoned_call_ends_dialling_ahead() -> None:
    small = state(live_today=12, abandoned_today=1.0, target=0.01, limit=0.03, answers_left=20.0)
    assert step(small) == step(dataclasses.replace(small, policy=POLICY_PROGRESSIVE))


def test_machines_that_take_agents_leave_less_room() -> None:
    assert step(state(every_answer_needs_an_agent=True)) <= step(state())


def test_the_same_state_gives_the_same_answer() -> None:
    assert len({step(situation) for situation in [BASE] * 5}) == 1


def test_the_convolution_is_the_sum_over_all_outcomes() -> None:
    probabilities = [0.1, 0.55, 0.8, 0.3]
    distribution = np.zeros(5)
    distribution[0] = 1.0
    for probability in probabilities:
        add_bernoulli(distribution, probability)
    expected = np.zeros(5)
    for outcome in itertools.product((0, 1), repeat=4):
        expected[sum(outcome)] += np.prod([p if hit else 1 - p for p, hit in zip(probabilities, outcome, strict=True)])
    np.testing.assert_allclose(distribution, expected, atol=1e-12)


def test_the_normal_tail_is_near_the_exact_one_for_long_sums() -> None:
    probabilities = np.random.default_rng(8).uniform(0.02, 0.95, 90)
    distribution = np.zeros(91)
    distribution[0] = 1.0
    for probability in probabilities:
        add_bernoulli(distribution, probability)
    spread = probabilities * (1 - probabilities)
    third = float((spread * (1 - 2 * probabilities)).sum())
    for count in range(35, 60):
        exact = distribution[count:].sum()
        near = normal_tail(float(probabilities.sum()), float(spread.sum()), third, count)
        assert near == pytest.approx(exact, abs=2e-3)


def test_a_large_floor_is_paced_as_well_by_the_normal_tail() -> None:
    rng = np.random.default_rng(6)
    large = state(
        agents_ready=2,
        talk_ages_s=rng.uniform(0, 300, 180),
        wrap_ages_s=rng.uniform(0, 30, 18),
        ringing_ages_s=rng.uniform(0, 25, 120),
        channels_free=1000,
    )
    assert 2 <= step(large) < 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"policy": 7},
        {"agents_ready": -1},
        {"abandoned_today": -0.5},
        {"target": 0.05, "limit": 0.03},
        {"talk_ages_s": np.array([1, 2])},
        {"ringing_ages_s": ages(float("nan"))},
        {"wrap_ages_s": ages(-2.0)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_impossible_state_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        step(state(**wrong))
