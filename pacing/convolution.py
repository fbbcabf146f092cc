"""Sums of independent Bernoulli variables (Poisson-binomial), for all landing times at once."""

import math

from numba import njit
from softswitch.pacing.floor import LANDINGS, Table


@njit(cache=True, nogil=True)
def add_term(sums: Table, size: int, probability: Table) -> None:
    """Convolve each column of a distribution over 0..size-1 with one Bernoulli variable, in place.

    sums: (>= size, LANDINGS); what passes size-1 is dropped.  probability: (LANDINGS,), 0-1.
    """
    for count in range(size - 1, 0, -1):
        for landing in range(LANDINGS):
            joins = probability[landing]
            sums[count, landing] = sums[count, landing] * (1.0 - joins) + sums[count - 1, landing] * joins
    for landing in range(LANDINGS):
        sums[0, landing] *= 1.0 - probability[landing]


@njit(cache=True, nogil=True)
def add_moments(moments: Table, probability: Table) -> None:
    """Add one variable to the first three cumulants; moments: (>= 3, LANDINGS)."""
    for landing in range(LANDINGS):
        joins = probability[landing]
        spread = joins * (1.0 - joins)
        moments[0, landing] += joins
        moments[1, landing] += spread
        moments[2, landing] += spread * (1.0 - 2.0 * joins)


@njit(cache=True, nogil=True)
def normal_tail(mean: float, variance: float, third: float, count: int) -> float:
    """P(S >= count) of an integer sum from its first three cumulants (Edgeworth, one term, continuity corrected)."""
    if variance < 1e-9:
        return 1.0 if mean >= count - 0.5 else 0.0
    deviation = math.sqrt(variance)
    z = (count - 0.5 - mean) / deviation
    skew = third / (variance * deviation)
    density = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    below = 0.5 * math.erfc(-z / math.sqrt(2.0)) - skew / 6.0 * (z * z - 1.0) * density
    return min(max(1.0 - below, 0.0), 1.0)
