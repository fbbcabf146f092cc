"""What the estimator makes of outcomes: life tables against known distributions."""

import numpy as np
import pytest
from softswitch.pacing.estimators import HORIZON, Estimator, expose

from softswitch.errors import UsageError


def taught(answer_rate: float = 0.25, live: float = 0.7, calls: int = 3000, seed: int = 3) -> Estimator:
    """Answers come evenly between 5 and 15 s, everything else ends at 22 s."""
    rng = np.random.default_rng(seed)
    estimator = Estimator()
    for _ in range(calls):
        if rng.random() < answer_rate:
            estimator.receive_attempt_outcome(True, bool(rng.random() < live), rng.uniform(5, 15))
        else:
            estimator.receive_attempt_outcome(False, False, 22.0)
    return estimator


def test_a_life_is_spread_over_the_bins_that_it_passed_and_ends_in_the_last() -> None:
    time, ends = np.zeros(3), np.zeros(3)
    expose(time, ends, np.array([0.0, 2.0, 5.0]), 4.0, 1.0, True)
    assert time.tolist() == [2.0, 2.0, 0.0]
    assert ends.tolist() == [0.0, 1.0, 0.0]
    expose(time, ends, np.array([0.0, 2.0, 5.0]), 9.0, 1.0, False)
    assert time.tolist() == [4.0, 5.0, 4.0]
    assert ends.tolist() == [0.0, 1.0, 0.0]


def test_answer_and_live_shares_are_learnt() -> None:
    estimates = taught().estimates()
    assert estimates.answered_share == pytest.approx(0.25, abs=0.05)
    assert estimates.live_share / estimates.answered_share == pytest.approx(0.7, abs=0.08)


def test_a_call_that_has_rung_past_the_usual_answer_is_hardly_answered_any_more() -> None:
    within = taught().estimates().answered_within
    assert within[0, 4] < 0.03
    assert within[10, 6] > within[0, 6] + 0.1
    assert within[16, HORIZON] < 0.05


def test_probabilities_are_probabilities_and_grow_with_the_time_looked_ahead() -> None:
    for estimator in (Estimator(), taught()):
        estimates = estimator.estimates()
        for table in (
            estimates.answered_within, estimates.live_within, estimates.talk_to_idle, estimates.wrap_up_to_idle,
        ):  # fmt: skip
            assert (table >= 0.0).all()
            assert (table <= 1.0).all()
            assert (np.diff(table, axis=1) >= -1e-12).all()
        assert (estimates.live_within <= estimates.answered_within + 1e-12).all()


def test_the_level_follows_a_change_sooner_than_the_table() -> None:
    estimator = taught(answer_rate=0.15)
    assert estimator.level == pytest.approx(1.0, abs=0.35)
    for _ in range(60):
        estimator.receive_attempt_outcome(True, True, 10.0)
    assert estimator.level > 1.5


def test_a_cold_estimator_expects_a_usual_market() -> None:
    estimates = Estimator().estimates()
    assert 0.15 < estimates.live_share < estimates.answered_share < 0.4
    assert estimates.experience == 0.0


def test_short_talks_and_wrap_ups_are_learnt_soon() -> None:
    estimator = Estimator()
    for _ in range(60):
        estimator.receive_talk(8.0)
        estimator.receive_wrap_up(2.0)
    estimates = estimator.estimates()
    assert estimates.talk_to_idle[2, 12] > 0.6
    assert estimates.wrap_up_to_idle[1, 4] > 0.6


def test_agents_who_leave_after_wrap_up_are_not_counted_on() -> None:
    stays, leaves = Estimator(), Estimator()
    for _ in range(100):
        stays.receive_wrap_up(5.0)
        leaves.receive_wrap_up(5.0, returned=False)
    assert leaves.estimates().wrap_up_to_idle[0, HORIZON] < 0.6 * stays.estimates().wrap_up_to_idle[0, HORIZON]


def test_estimates_are_made_anew_only_after_something_was_learnt() -> None:
    estimator = Estimator()
    first = estimator.estimates()
    assert estimator.estimates() is first
    estimator.receive_talk(60.0)
    assert estimator.estimates() is not first


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
def test_impossible_times_are_refused(wrong: float) -> None:
    estimator = Estimator()
    for receive in (
        estimator.receive_talk,
        estimator.receive_wrap_up,
        lambda time_s: estimator.receive_attempt_outcome(True, True, time_s),
    ):
        with pytest.raises(UsageError, match="seconds"):
            receive(wrong)
