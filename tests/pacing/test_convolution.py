"""Sums of Bernoulli variables against their plain NumPy twin."""

import itertools

import numpy as np
import pytest
from softswitch.pacing.convolution import add_moments, add_term, normal_tail
from softswitch.pacing.floor import LANDINGS


def twin(probabilities: np.ndarray) -> np.ndarray:
    """Distribution of the number of hits, by NumPy's polynomial product."""
    distribution = np.ones(1)
    for probability in probabilities:
        distribution = np.convolve(distribution, [1.0 - probability, probability])
    return distribution


def summed(terms: np.ndarray, size: int) -> np.ndarray:
    sums = np.zeros((size, LANDINGS))
    sums[0] = 1.0
    for term in terms:
        add_term(sums, size, term)
    return sums


def test_the_convolution_is_the_sum_over_all_outcomes() -> None:
    probabilities = np.array([0.1, 0.55, 0.8, 0.3])
    sums = summed(np.repeat(probabilities[:, None], LANDINGS, axis=1), 5)
    expected = np.zeros(5)
    for outcome in itertools.product((0, 1), repeat=4):
        chances = [p if hit else 1 - p for p, hit in zip(probabilities, outcome, strict=True)]
        expected[sum(outcome)] += np.prod(chances)
    np.testing.assert_allclose(sums[:, 0], expected, atol=1e-12)


def test_each_landing_time_has_its_own_distribution_and_what_passes_the_end_is_dropped() -> None:
    terms = np.random.default_rng(5).uniform(0.0, 1.0, (40, LANDINGS))
    sums = summed(terms, 12)
    for landing in range(LANDINGS):
        np.testing.assert_allclose(sums[:, landing], twin(terms[:, landing])[:12], atol=1e-12)


def test_cumulants_are_those_of_the_distribution() -> None:
    terms = np.random.default_rng(6).uniform(0.0, 1.0, (30, LANDINGS))
    moments = np.zeros((3, LANDINGS))
    for term in terms:
        add_moments(moments, term)
    distribution, counts = twin(terms[:, 3]), np.arange(31)
    mean = (distribution * counts).sum()
    assert moments[0, 3] == pytest.approx(mean)
    assert moments[1, 3] == pytest.approx((distribution * (counts - mean) ** 2).sum())
    assert moments[2, 3] == pytest.approx((distribution * (counts - mean) ** 3).sum())


def test_the_normal_tail_is_near_the_exact_one_for_long_sums() -> None:
    probabilities = np.random.default_rng(8).uniform(0.02, 0.95, 90)
    distribution = twin(probabilities)
    spread = probabilities * (1 - probabilities)
    third = float((spread * (1 - 2 * probabilities)).sum())
    for count in range(35, 60):
        near = normal_tail(float(probabilities.sum()), float(spread.sum()), third, count)
        assert near == pytest.approx(distribution[count:].sum(), abs=2e-3)


def test_a_sum_that_is_certain_has_a_certain_tail() -> None:
    assert normal_tail(3.0, 0.0, 0.0, 3) == 1.0
    assert normal_tail(3.0, 0.0, 0.0, 4) == 0.0
