"""The projection to midnight, against draws of its own distribution and against a plain sum."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest

from softswitch.safeguards.projection import MOST_CALLS, project


@pytest.mark.parametrize(("missed", "met", "more"), [(3, 297, 600), (0, 50, 500), (12.5, 400, 90), (1, 0, 20)])
def test_mean_and_interval_are_those_of_many_drawn_days(missed: float, met: int, more: int) -> None:
    rng = np.random.default_rng(7)
    shares = rng.beta(missed + 0.5, met + 0.5, 200_000)
    days = (missed + rng.binomial(more, shares)) / (missed + met + more)
    found = project(missed, met, more)
    assert found.calls == more
    assert found.expected == pytest.approx(days.mean(), abs=5 * days.std() / len(days) ** 0.5)
    step = 1.0 / (missed + met + more)
    assert found.low == pytest.approx(np.quantile(days, 0.025), abs=1.5 * step)
    assert found.high == pytest.approx(np.quantile(days, 0.975), abs=1.5 * step)
    assert found.low <= found.expected <= found.high


def test_the_quantiles_are_exact_where_they_can_be_summed_by_hand() -> None:
    def mass(k: int) -> Fraction:  # BetaBinomial(10, 1/2, 3/2) by rising products
        def rising(x: Fraction, n: int) -> Fraction:
            product = Fraction(1)
            for i in range(n):
                product *= x + i
            return product

        a, b = Fraction(1, 2), Fraction(3, 2)
        return comb(10, k) * rising(a, k) * rising(b, 10 - k) / rising(a + b, 10)

    sums = [float(sum(mass(j) for j in range(k + 1))) for k in range(11)]
    low = next(k for k, reached in enumerate(sums) if reached >= 0.025)
    high = next(k for k, reached in enumerate(sums) if reached >= 0.975)
    found = project(0, 1, 10)
    assert (found.low, found.high) == (low / 11, high / 11)


def test_without_calls_to_come_the_day_is_what_it_is() -> None:
    found = project(2, 98, 0)
    assert (found.expected, found.low, found.high) == (0.02, 0.02, 0.02)
    assert project(0, 0, 0).expected == 0.0
    assert project(2, 98, -5).calls == 0


def test_the_longer_the_day_the_wider_what_a_first_hour_says_and_the_more_calls_the_surer() -> None:
    few, many = project(1, 49, 1000), project(20, 980, 1000)
    assert few.high - few.low > many.high - many.low
    assert project(1, 49, 10**9).calls == MOST_CALLS
