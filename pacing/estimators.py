"""What is known of the market: discounted life tables of ringing, talk and wrap-up, and the answer rate's fast level.

A life table holds, by age, how long was spent at that age and how often it ended there; their quotient is a hazard.
Old experience fades by a factor with each new one. Priors are generic and weak: worth about a dozen calls.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from softswitch.errors import UsageError

Table = npt.NDArray[np.float64]

RING_BINS = 46
"""1 s each, by age since the call was placed; the last is open."""
HORIZON = 30
"""Seconds ahead that matter: a call placed now is answered within them or hardly ever."""
SERVICE_EDGES_S: Table = np.array([0.0, 2.0, 4.0, 7.0, 11.0, 16.0, 24.0, 40.0, 80.0, 160.0, 320.0])
"""Lower edges of the age bins of talk and wrap-up; the last is open."""
SERVICE_BINS = len(SERVICE_EDGES_S)

RING_MEMORY = 3000.0  # outcomes: hours at ten agents; the shape of ringing is the market's and moves slowly
SERVICE_MEMORY = 600.0  # calls
LEVEL_MEMORY = 150.0  # outcomes: some 8 minutes at ten agents, the best of 2-16 tried
LEVEL_PRIOR = 12.0  # answers
RING_PRIOR = 16.0  # calls
SERVICE_PRIOR = 4.0  # calls
PRIOR_ANSWERED = 0.30
PRIOR_LIVE = 0.75  # of answers; rather too many than too few
PRIOR_TALK_S = 90.0
PRIOR_WRAP_UP_S = 12.0
PRIOR_TIMEOUT_S = 25.0  # 22 s of ringing and the set-up


@dataclass(frozen=True, slots=True)
class Estimates:
    """Probabilities that `controller.step` looks up; made by `Estimator.estimates`."""

    answered_within: Table
    """(RING_BINS, HORIZON + 1): P(answered within t s | still ringing at this age)."""
    live_within: Table
    """(RING_BINS, HORIZON + 1): the same for answers by people."""
    talk_to_idle: Table
    """(SERVICE_BINS, HORIZON + 1): P(agent idle within t s | talking at this age)."""
    wrap_up_to_idle: Table
    """(SERVICE_BINS, HORIZON + 1): the same in wrap-up."""
    answered_share: float
    """P(answered) of a call placed now."""
    live_share: float
    """P(answered by a person)."""
    experience: float
    """Attempt outcomes seen."""


@njit(cache=True, nogil=True)
def expose(table: Table, events: Table, edges: Table, duration: float, weight: float, ended: bool) -> None:
    """Add one life of `duration` s to a life table.

    table: (n,) time spent in each age bin.  events: (n,) ends in it.  edges: (n,) lower edges, s.
    """
    last = edges.size - 1
    for index in range(edges.size):
        if duration < edges[index]:
            break
        upper = edges[index + 1] if index < last else math.inf
        table[index] += weight * (min(duration, upper) - edges[index])
        if ended and duration < upper:
            events[index] += weight


@njit(cache=True, nogil=True)
def ring_tables(
    exposure: Table, answers: Table, lives: Table, ends: Table, level: float, answered_within: Table, live_within: Table
) -> None:
    """Fill both (RING_BINS, HORIZON + 1) tables from hazards; answers are scaled by the fast level."""
    bins = exposure.size
    for age in range(bins):
        ringing, answered, live = 1.0, 0.0, 0.0
        answered_within[age, 0] = 0.0
        live_within[age, 0] = 0.0
        for ahead in range(1, answered_within.shape[1]):
            index = min(age + ahead - 1, bins - 1)
            answer_hazard = level * answers[index] / exposure[index]
            hazard = answer_hazard + ends[index] / exposure[index]
            if hazard > 0.0:
                gone = ringing * (1.0 - math.exp(-hazard))
                here = gone * answer_hazard / hazard
                answered += here
                if answers[index] > 0.0:  # no answer has been seen, nor is any expected, long after the time-out
                    live += here * lives[index] / answers[index]
                ringing -= gone
            answered_within[age, ahead] = answered
            live_within[age, ahead] = live


@njit(cache=True, nogil=True)
def service_tables(
    edges: Table,
    talk_time: Table,
    talk_ends: Table,
    wrap_time: Table,
    wrap_ends: Table,
    returning: float,
    talk_to_idle: Table,
    wrap_to_idle: Table,
) -> None:
    """Fill both (SERVICE_BINS, HORIZON + 1) tables: remaining wrap-up, and remaining talk followed by a wrap-up."""
    bins = edges.size
    steps = wrap_to_idle.shape[1]
    for start in range(bins):
        alive = 1.0
        age = _middle(edges, start)
        wrap_to_idle[start, 0] = 0.0
        for ahead in range(1, steps):
            index = _bin(edges, age + ahead - 0.5)
            alive *= math.exp(-wrap_ends[index] / wrap_time[index])
            wrap_to_idle[start, ahead] = returning * (1.0 - alive)
    fresh = np.zeros(steps)
    alive = 1.0
    for ahead in range(1, steps):
        index = _bin(edges, ahead - 0.5)
        alive *= math.exp(-wrap_ends[index] / wrap_time[index])
        fresh[ahead] = 1.0 - alive
    for start in range(bins):
        age = _middle(edges, start)
        for ahead in range(steps):
            talk_to_idle[start, ahead] = 0.0
        alive = 1.0
        for ends_at in range(1, steps):
            index = _bin(edges, age + ends_at - 0.5)
            stays = alive * math.exp(-talk_ends[index] / talk_time[index])
            for ahead in range(ends_at, steps):
                talk_to_idle[start, ahead] += returning * (alive - stays) * fresh[ahead - ends_at]
            alive = stays


@njit(cache=True, nogil=True)
def _middle(edges: Table, index: int) -> float:
    if index == edges.size - 1:
        return float(edges[index])
    return float(0.5 * (edges[index] + edges[index + 1]))


@njit(cache=True, nogil=True)
def _bin(edges: Table, age: float) -> int:
    index = int(edges.size) - 1
    while index > 0 and edges[index] > age:
        index -= 1
    return index


class Estimator:
    """Learns the market from outcomes. Holds NumPy arrays only; the controller sees copies."""

    def __init__(self) -> None:
        self._ring_edges: Table = np.arange(RING_BINS, dtype=np.float64)
        self._ring_time: Table = np.zeros(RING_BINS)
        self._ring_answers: Table = np.zeros(RING_BINS)
        self._ring_lives: Table = np.zeros(RING_BINS)
        self._ring_ends: Table = np.zeros(RING_BINS)
        self._talk_time, self._talk_ends = _service_prior(PRIOR_TALK_S)
        self._wrap_time, self._wrap_ends = _service_prior(PRIOR_WRAP_UP_S)
        self._level_seen = 0.0
        self._level_expected = 0.0
        self._returned = 19.0  # of 20: a break an hour at some 25 calls
        self._wrapped_up = 20.0
        self._experience = 0.0
        self._current: Estimates | None = None
        self._set_ring_prior()

    def _set_ring_prior(self) -> None:
        """Answers spread over the ringing time, a few failures at once, the rest to the time-out."""
        ages = self._ring_edges + 0.5
        # Flat within the time-out, and therefore right for nobody and wrong for nobody by much.
        density = np.where(ages < PRIOR_TIMEOUT_S, 1.0 / PRIOR_TIMEOUT_S, 1e-4)
        alive = 1.0
        for index in range(RING_BINS):
            answered = PRIOR_ANSWERED * float(density[index])
            failed = 0.02 if index in {1, 2, 3} else 0.0
            ended = failed if ages[index] < PRIOR_TIMEOUT_S else 0.5 * alive
            self._ring_time[index] = RING_PRIOR * max(alive, 0.02)
            self._ring_answers[index] = RING_PRIOR * min(answered, alive)
            self._ring_ends[index] = RING_PRIOR * ended
            alive = max(alive - answered - ended, 0.0)
        self._ring_lives[:] = PRIOR_LIVE * self._ring_answers

    def receive_attempt_outcome(self, answered: bool, live: bool, ring_s: float) -> None:
        """One dial attempt has left the ringing stage, `ring_s` after it was placed, by an answer or otherwise.

        live: a person answered. Where AMD is off or unsure, count the call as live.
        Raises UsageError for a negative or non-finite time.
        """
        _check("ring_s", ring_s)
        self._level_seen *= 1.0 - 1.0 / LEVEL_MEMORY
        self._level_expected *= 1.0 - 1.0 / LEVEL_MEMORY
        self._level_expected += self._answers_expected(ring_s)
        self._level_seen += answered
        fade = 1.0 - 1.0 / RING_MEMORY
        for table in (self._ring_time, self._ring_answers, self._ring_lives, self._ring_ends):
            np.multiply(table, fade, out=table)
        events = self._ring_answers if answered else self._ring_ends
        expose(self._ring_time, events, self._ring_edges, ring_s, 1.0, True)
        if answered and live:
            self._ring_lives[min(int(ring_s), RING_BINS - 1)] += 1.0
        self._experience += 1.0
        self._current = None

    def _answers_expected(self, ring_s: float) -> float:
        """Cumulative answer hazard up to an age: how many answers the slow table would have expected."""
        whole = min(int(ring_s), RING_BINS - 1)
        hazard = self._ring_answers / self._ring_time
        return float(hazard[:whole].sum() + hazard[whole] * min(ring_s - whole, 1.0))

    def receive_talk(self, talk_s: float) -> None:
        """An agent has talked for so long, to whomever."""
        _check("talk_s", talk_s)
        self._serve(self._talk_time, self._talk_ends, talk_s)

    def receive_wrap_up(self, wrap_up_s: float, returned: bool = True) -> None:
        """An agent has wrapped up for so long; `returned`: and became ready, rather than paused or left."""
        _check("wrap_up_s", wrap_up_s)
        self._serve(self._wrap_time, self._wrap_ends, wrap_up_s)
        self._returned = self._returned * 0.99 + returned
        self._wrapped_up = self._wrapped_up * 0.99 + 1.0

    def _serve(self, time_spent: Table, ends: Table, duration_s: float) -> None:
        fade = 1.0 - 1.0 / SERVICE_MEMORY
        time_spent *= fade
        ends *= fade
        expose(time_spent, ends, SERVICE_EDGES_S, duration_s, 1.0, True)
        self._current = None

    @property
    def level(self) -> float:
        """The answer rate of late against the slow table's: 1 is as usual."""
        return (self._level_seen + LEVEL_PRIOR) / (self._level_expected + LEVEL_PRIOR)

    def estimates(self) -> Estimates:
        """Tables for `controller.step`; made anew only after something was learnt."""
        if self._current is None:
            answered_within = np.empty((RING_BINS, HORIZON + 1))
            live_within = np.empty((RING_BINS, HORIZON + 1))
            talk_to_idle = np.empty((SERVICE_BINS, HORIZON + 1))
            wrap_up_to_idle = np.empty((SERVICE_BINS, HORIZON + 1))
            ring_tables(
                self._ring_time, self._ring_answers, self._ring_lives, self._ring_ends, self.level,
                answered_within, live_within,
            )  # fmt: skip
            service_tables(
                SERVICE_EDGES_S, self._talk_time, self._talk_ends, self._wrap_time, self._wrap_ends,
                self._returned / self._wrapped_up, talk_to_idle, wrap_up_to_idle,
            )  # fmt: skip
            self._current = Estimates(
                answered_within=answered_within,
                live_within=live_within,
                talk_to_idle=talk_to_idle,
                wrap_up_to_idle=wrap_up_to_idle,
                answered_share=float(answered_within[0, HORIZON]),
                live_share=float(live_within[0, HORIZON]),
                experience=self._experience,
            )
        return self._current


def _service_prior(mean_s: float) -> tuple[Table, Table]:
    """An exponential life of this mean, worth `SERVICE_PRIOR` lives, in every bin at least a trace."""
    edges = SERVICE_EDGES_S
    widths = np.append(np.diff(edges), mean_s)
    reached = np.exp(-edges / mean_s)
    time_spent: Table = SERVICE_PRIOR * np.maximum(reached * np.minimum(widths, mean_s), 0.05 * mean_s)
    return time_spent, time_spent / mean_s


def _check(name: str, value: float) -> None:
    if not (math.isfinite(value) and value >= 0.0):
        raise UsageError(f"{name} must be seconds, zero or more, not {value}")
