"""How many calls to place now: the one function that the live dialler and the simulator both call.

The predictive rule: for moments ahead at which a call placed now would be answered, count what will then take an agent
(talks and wrap-ups still going on, calls ringing now that will have been answered). That count is a sum of independent
Bernoulli variables, with probabilities from life tables, so its distribution is exact by convolution. A call is worth
placing while the chance that it finds nobody, per live answer that it brings, stays under a threshold; the threshold is
what is left of the day's allowance of abandoned calls.

Never fewer than one call for each ready agent, never more than the free channels.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from softswitch.pacing.estimators import SERVICE_EDGES_S, Estimates, Table
from softswitch.pacing.policies import POLICIES, POLICY_PREDICTIVE

from softswitch.errors import UsageError

LANDINGS = 8
"""Moments looked at: quantiles of the time to answer of a call placed now."""
EXACT_TERMS = 64
"""Longer sums take a normal approximation with one Edgeworth term; at most 0.4 point of utilisation lost."""
LINES_PER_AGENT = 10
"""A cap against absurd estimates; at 10 % answers about 2 lines per agent are in use."""
WARM_OUTCOMES = 40.0
"""Attempt outcomes at which half of the allowance is believed to be understood."""
GAIN = 1.0
"""Threshold over allowance per answer: 0.8-1.5 were tried in simulation, more swings and wastes the morning's share."""
DAMPING_ANSWERS = 60.0
GUARD = 0.96
RESERVE_SHARE = 0.04
"""Of the allowance left unplanned, calls per agent; with GUARD it kept P(day over) under 1 % in simulation."""
DEFAULT_ANSWERS_LEFT = 150.0
"""Live answers to plan for where the caller cannot tell how many the day will bring: about an hour of a small site."""


@dataclass(frozen=True, slots=True)
class PacingState:
    """Everything that a decision depends on. Ages are seconds: of talk, of wrap-up, and since the call was placed."""

    agents_ready: int
    talk_ages_s: Table
    wrap_ages_s: Table
    ringing_ages_s: Table
    """One for each call placed and not answered, refused or ended."""
    answered_waiting: int
    """Answered calls without an agent."""
    estimates: Estimates
    live_today: int
    """Live calls passed to an agent since midnight."""
    abandoned_today: float
    """With the expected false positives of AMD added."""
    channels_free: int
    target: float
    """Abandoned share to aim for."""
    limit: float
    """Abandoned share at which dialling ahead stops."""
    policy: int
    answers_left: float = DEFAULT_ANSWERS_LEFT
    """Live answers expected in the rest of the day (or list)."""
    every_answer_needs_an_agent: bool = True
    """The campaign connects before AMD has decided (`parallel` or `off`), so machines take agents too."""


@njit(cache=True, nogil=True)
def threshold(
    live: float, abandoned: float, target: float, limit: float, answers_left: float, agents: int, experience: float
) -> float:
    """Greatest chance of abandonment that a marginal live answer may have; 0 or less forbids dialling ahead.

    The allowance of the day so far and to come, less what is spent and a reserve for calls in flight, spread over the
    answers to come.
    """
    answered = live + abandoned
    if abandoned > 0.0 and abandoned >= limit * answered:
        return 0.0
    allowance = GUARD * target * (answered + answers_left)
    # A small day cannot afford a whole reserve: it keeps half its allowance.
    reserve = min(2.0 + RESERVE_SHARE * agents, 0.5 * allowance)
    spread = GAIN * (allowance - abandoned - reserve) / (answers_left + DAMPING_ANSWERS)
    return min(spread, 0.5) * experience / (experience + WARM_OUTCOMES)


@njit(cache=True, nogil=True)
def _age_bin(age: float) -> int:
    index = int(SERVICE_EDGES_S.size) - 1
    while index > 0 and SERVICE_EDGES_S[index] > age:
        index -= 1
    return index


@njit(cache=True, nogil=True)
def add_bernoulli(distribution: Table, probability: float) -> None:
    """Convolve a distribution over 0..n-1 with one Bernoulli variable, in place; what passes n-1 is dropped."""
    stays = 1.0 - probability
    for count in range(distribution.size - 1, 0, -1):
        distribution[count] = distribution[count] * stays + distribution[count - 1] * probability
    distribution[0] *= stays


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


@njit(cache=True, nogil=True)
def _add_term(probability: float, distribution: Table, moments: Table) -> None:
    """Add one Bernoulli variable to the exact distribution and to the cumulants."""
    add_bernoulli(distribution, probability)
    spread = probability * (1.0 - probability)
    moments[0] += probability
    moments[1] += spread
    moments[2] += spread * (1.0 - 2.0 * probability)


@njit(cache=True, nogil=True)
def _finds_nobody(distribution: Table, moments: Table, waiting: int, agents: int, exact: bool) -> float:
    """P(everybody is taken) at one moment."""
    if agents - waiting <= 0:
        return 1.0
    if exact:
        free = 0.0
        for count in range(distribution.size):
            free += distribution[count]
        return max(1.0 - free, 0.0)
    return normal_tail(moments[0], moments[1], moments[2], agents - waiting)


@njit(cache=True, nogil=True)
def predictive_dials(
    ready: int,
    talk: Table,
    wrap: Table,
    ringing: Table,
    waiting: int,
    answered_within: Table,
    live_within: Table,
    talk_to_idle: Table,
    wrap_to_idle: Table,
    allowed: float,
    least: int,
    most: int,
    needy: bool,
) -> int:
    """Calls to place, `least` to `most`, while the marginal chance of abandonment per live answer is within `allowed`.

    talk, wrap, ringing: float64 ages in s.  The tables are those of `Estimates`.  needy: machines take agents too.
    """
    agents = ready + talk.size + wrap.size
    needs = answered_within if needy else live_within
    bins = needs.shape[0]
    horizon = needs.shape[1] - 1
    lands = needs[0, horizon]
    live = live_within[0, horizon]
    if lands <= 1e-6 or live <= 1e-6 or agents - waiting <= 0:
        return least
    per_live = lands / live
    exact = talk.size + wrap.size + ringing.size <= EXACT_TERMS
    size = max(agents - waiting, 1) if exact else 1
    distributions = np.zeros((LANDINGS, size))
    moments = np.zeros((LANDINGS, 3))
    joins = np.zeros(LANDINGS)
    ahead = 1
    for landing in range(LANDINGS):
        while ahead < horizon and needs[0, ahead] < lands * (landing + 0.5) / LANDINGS:
            ahead += 1
        distribution = distributions[landing]
        distribution[0] = 1.0
        for age in talk:
            _add_term(1.0 - talk_to_idle[_age_bin(age), ahead], distribution, moments[landing])
        for age in wrap:
            _add_term(1.0 - wrap_to_idle[_age_bin(age), ahead], distribution, moments[landing])
        for age in ringing:
            _add_term(needs[min(int(age), bins - 1), ahead], distribution, moments[landing])
        joins[landing] = needs[0, ahead]
        for _ in range(least):
            _add_term(joins[landing], distribution, moments[landing])
    dials = least
    while dials < most:
        nobody = 0.0
        for landing in range(LANDINGS):
            nobody += _finds_nobody(distributions[landing], moments[landing], waiting, agents, exact)
        if nobody / LANDINGS * per_live > allowed:
            break
        dials += 1
        for landing in range(LANDINGS):
            _add_term(joins[landing], distributions[landing], moments[landing])
    return dials


@njit(cache=True, nogil=True)
def dials_to_place(
    policy: int,
    ready: int,
    talk: Table,
    wrap: Table,
    ringing: Table,
    waiting: int,
    answered_within: Table,
    live_within: Table,
    talk_to_idle: Table,
    wrap_to_idle: Table,
    experience: float,
    live_today: float,
    abandoned_today: float,
    channels: int,
    target: float,
    limit: float,
    answers_left: float,
    needy: bool,
) -> int:
    """The whole decision on bare values; `step` says what they are."""
    agents = int(ready + talk.size + wrap.size)
    if agents == 0 or channels <= 0:
        return 0
    least = int(min(max(ready - ringing.size - waiting, 0), channels))
    if policy != POLICY_PREDICTIVE:
        return least
    allowed = threshold(live_today, abandoned_today, target, limit, answers_left, agents, experience)
    if allowed <= 0.0:
        return least
    most = int(max(min(channels, LINES_PER_AGENT * agents - ringing.size - waiting), least))
    return predictive_dials(
        ready, talk, wrap, ringing, waiting, answered_within, live_within, talk_to_idle, wrap_to_idle, allowed, least,
        most, needy,
    )  # fmt: skip


def step(state: PacingState) -> int:
    """Calls to place now, 0 to `channels_free`. Pure: the same state gives the same answer.

    Raises UsageError for a state that cannot be.
    """
    _check(state)
    estimates = state.estimates
    return int(
        dials_to_place(
            state.policy,
            state.agents_ready,
            state.talk_ages_s,
            state.wrap_ages_s,
            state.ringing_ages_s,
            state.answered_waiting,
            estimates.answered_within,
            estimates.live_within,
            estimates.talk_to_idle,
            estimates.wrap_up_to_idle,
            estimates.experience,
            float(state.live_today),
            float(state.abandoned_today),
            state.channels_free,
            state.target,
            state.limit,
            float(state.answers_left),
            state.every_answer_needs_an_agent,
        )
    )


def _check(state: PacingState) -> None:
    if state.policy not in POLICIES.values():
        raise UsageError(f"there is no pacing policy {state.policy}; choose one of {POLICIES}")
    if min(state.agents_ready, state.answered_waiting, state.live_today) < 0 or state.abandoned_today < 0.0:
        raise UsageError("agents, calls and counters cannot be negative")
    if not 0.0 <= state.target <= state.limit <= 1.0:
        raise UsageError("the abandoned target must lie between 0 and the limit, and the limit under 1")
    for name in ("talk_ages_s", "wrap_ages_s", "ringing_ages_s"):
        ages = getattr(state, name)
        if not (isinstance(ages, np.ndarray) and ages.dtype == np.float64 and ages.ndim == 1):
            raise UsageError(f"{name} must be a one-dimensional float64 array")
        if ages.size and not (np.isfinite(ages).all() and ages.min() >= 0.0):
            raise UsageError(f"{name} must hold seconds, zero or more")
