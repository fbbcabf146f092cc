"""What a day's rate will come to by its end, with an interval: the beta-binomial projection.

So far `missed` of the day's live calls were missed and `met` were not. Taken from Jeffreys' prior, the share p of calls
that are missed has the distribution Beta(missed + 1/2, met + 1/2). Of n more calls BetaBinomial(n, missed + 1/2,
met + 1/2) will be missed. With K of them the day's rate is (missed + K) / (missed + met + n): `expected` is its mean,
`low` and `high` are its 2.5 % and 97.5 % quantiles. It holds where calls go on as they did; a campaign that falls back
to guaranteed agents at its limit does better.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import exp, lgamma, log

MOST_CALLS = 50_000
"""Calls still to come in a day; beyond it the interval is no narrower on a screen."""
TAIL = 0.025


@dataclass(frozen=True, slots=True)
class Projection:
    expected: float
    """Share of the day's live calls, 0-1."""
    low: float
    high: float
    """95 of 100 such days end between the two."""
    calls: int
    """Live calls that are still to come."""


def project(missed: float, met: float, calls_to_come: float) -> Projection:
    """missed, met: live calls of the day so far, not negative; missed may be a fraction, where some are estimated.
    calls_to_come: live calls until the day's dialling ends."""
    calls = min(MOST_CALLS, max(0, round(calls_to_come)))
    if calls > 100:
        calls = round(calls, -1)  # a screen shows no more; so it is reckoned anew now and then alone
    return _project(round(max(0.0, missed), 2), max(0.0, met), calls)


@lru_cache(maxsize=256)
def _project(missed: float, met: float, calls: int) -> Projection:
    total = missed + met + calls
    if total <= 0:
        return Projection(0.0, 0.0, 0.0, 0)
    a, b = missed + 0.5, met + 0.5
    low, high = _quantiles(calls, a, b)
    return Projection((missed + calls * a / (a + b)) / total, (missed + low) / total, (missed + high) / total, calls)


def _quantiles(n: int, a: float, b: float) -> tuple[int, int]:
    """The smallest numbers up to which BetaBinomial(n, a, b) has 2.5 % and 97.5 % of its mass."""
    weight = lgamma(n + b) - lgamma(n + a + b) + lgamma(a + b) - lgamma(b)  # logarithm of P(K = 0)
    reached, low = exp(weight), -1
    for k in range(n):
        if low < 0 and reached >= TAIL:
            low = k
        if reached >= 1 - TAIL:
            return max(low, 0), k
        weight += log((n - k) * (a + k)) - log((k + 1) * (b + n - k - 1))
        reached += exp(weight)
    return (n if low < 0 else low), n
