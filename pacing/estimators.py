"""What is known of the market: discounted life tables of set-up, ringing, talk and wrap-up; the answer rate's level.

A life table holds, by age, how long was spent at that age and how often it ended there; their quotient is a hazard.
Exposure is counted while calls and talks last, not at their ends: else the first minutes would have seen short ones
only. Old experience fades with the time in which there were calls. Priors are generic, weak and on the careful side.
"""

import math

import numpy as np
from numba import njit
from softswitch.pacing.floor import (
    BEGINS,
    ENDS,
    FAILS,
    MACHINES,
    PEOPLE,
    PLACED,
    RING_BINS,
    RINGING,
    SERVICE_BINS,
    SERVICE_EDGES_S,
    SETUP_BINS,
    TALK_ENDS,
    TALK_TIME,
    TALKING,
    TIME,
    WRAP_ENDS,
    WRAP_TIME,
    WRAPPING_UP,
    Floor,
    Table,
)  # fmt: skip

TABLE_MEMORY_S = 4 * 3600.0
"""The shape of ringing, talk and wrap-up is the market's and moves slowly."""
LEVEL_MEMORY_S = 720.0  # 2-16 minutes differ by 0.4 point of utilisation at most
LEVEL_PRIOR = 16.0  # answers
CALIBRATION_MEMORY_S = 900.0
SEGMENT_PRIOR = 30.0  # answers
JUMP = 1.6
"""A change of the answer rate by this factor is what the two CUSUM charts listen for."""
JUMP_ALARM = 5.5  # log likelihood ratio: one false alarm in some 200 answers, which costs a little precision only

RING_PRIOR = 16.0  # calls
SERVICE_PRIOR = 4.0  # calls
PRIOR_ANSWERED = 0.30
PRIOR_PERSON = 0.75  # of answers; rather too many than too few
PRIOR_TALK_S = 90.0
PRIOR_WRAP_UP_S = 12.0
PRIOR_RING_S = 25.0
PRIOR_SETUP_S = 2.5
PRIOR_VERDICT_S = 1.5
LEAST_TIME_S = 1e-6
FAILURES_IN_ROW = 20
"""So many calls that fail at set-up one after the other are an outage, which tells nothing of calls that a trunk takes:
where six in ten fail it happens once in thirty thousand calls."""
FAILS_WITHIN_S = 10.0
"""A call that ends later without having rung is one of a trunk that does not tell of ringing."""


def set_priors(state: np.ndarray) -> None:
    """Answers spread evenly over the ringing time, and therefore right for nobody and wrong for nobody by much."""
    floor = state[0]
    alive = 1.0
    for age in range(RING_BINS):
        answered = PRIOR_ANSWERED / PRIOR_RING_S if age < PRIOR_RING_S else 0.0
        ended = 0.01 if age < PRIOR_RING_S else 0.5
        floor["ring"][TIME, age] = RING_PRIOR * max(alive, 0.02)
        floor["ring"][PEOPLE, age] = RING_PRIOR * PRIOR_PERSON * min(answered, alive)
        floor["ring"][MACHINES, age] = RING_PRIOR * (1.0 - PRIOR_PERSON) * min(answered, alive)
        floor["ring"][ENDS, age] = RING_PRIOR * max(alive, 0.02) * ended
        alive *= math.exp(-ended) * (1.0 - answered)
    at_setup = RING_PRIOR * np.maximum(np.exp(-np.arange(SETUP_BINS) / PRIOR_SETUP_S), 0.05)
    floor["setup"][TIME] = at_setup
    floor["setup"][BEGINS] = 0.95 * at_setup / PRIOR_SETUP_S
    floor["setup"][FAILS] = 0.05 * at_setup / PRIOR_SETUP_S
    widths = np.append(np.diff(SERVICE_EDGES_S), SERVICE_EDGES_S[-1])
    for time, ends, mean_s in ((TALK_TIME, TALK_ENDS, PRIOR_TALK_S), (WRAP_TIME, WRAP_ENDS, PRIOR_WRAP_UP_S)):
        reached = np.exp(-SERVICE_EDGES_S / mean_s)
        floor["service"][time] = SERVICE_PRIOR * np.maximum(reached * np.minimum(widths, mean_s), 0.05 * mean_s)
        floor["service"][ends] = floor["service"][time] / mean_s
    floor["verdict_s"] = PRIOR_VERDICT_S
    floor["returned"], floor["wrapped_up"] = 19.0, 20.0  # a break an hour at some 25 calls


@njit(cache=True, nogil=True)
def service_bin(age: float) -> int:
    """The age bin of talk or wrap-up."""
    index = SERVICE_BINS - 1
    while index > 0 and SERVICE_EDGES_S[index] > age:
        index -= 1
    return index


@njit(cache=True, nogil=True)
def spend(time: Table, first_s: float, last_s: float) -> None:
    """Add the ages from `first_s` to `last_s` to a table of 1 s bins, the last one open."""
    last = time.size - 1
    index = min(int(first_s), last)
    at = first_s
    while at < last_s:
        upper = last_s if index == last else min(float(index + 1), last_s)
        time[index] += upper - at
        at = upper
        index = min(index + 1, last)


@njit(cache=True, nogil=True)
def spend_service(time: Table, first_s: float, last_s: float) -> None:
    """The same for the bins of `SERVICE_EDGES_S`."""
    index = service_bin(first_s)
    at = first_s
    while at < last_s:
        upper = last_s if index == SERVICE_BINS - 1 else min(SERVICE_EDGES_S[index + 1], last_s)
        time[index] += upper - at
        at = upper
        index = min(index + 1, SERVICE_BINS - 1)


@njit(cache=True, nogil=True)
def level(floor: Floor) -> float:
    """The answer rate of late against the slow table's: 1 is as usual."""
    return (floor.level_seen + LEVEL_PRIOR) / (floor.level_expected + LEVEL_PRIOR)


@njit(cache=True, nogil=True)
def segment_level(floor: Floor, segment: int) -> float:
    """The answer rate of a part of the campaign (list, carrier, hour) against the whole campaign's."""
    if floor.parts <= 1:
        return 1.0
    seen, expected = floor.segments[segment, 0], floor.segments[segment, 1]
    return (seen + SEGMENT_PRIOR) / (expected + SEGMENT_PRIOR)


@njit(cache=True, nogil=True)
def count_ringing(floor: Floor, row: int, now: float) -> None:
    """Put a call's time in this stage into the tables, up to `now`, and expect the answers that belong to it."""
    call = floor.calls[row]
    since, until = call.counted, now
    if until <= since or call.stage not in (PLACED, RINGING):
        return
    call.counted = until
    if call.stage == PLACED:
        if floor.failed_in_row < FAILURES_IN_ROW:
            spend(floor.setup[TIME], since - call.since, until - call.since)
        return
    first_s, last_s = since - call.since, until - call.since
    spend(floor.ring[TIME], first_s, last_s)
    last = RING_BINS - 1
    expected = 0.0
    index = min(int(first_s), last)
    at = first_s
    while at < last_s:
        upper = last_s if index == last else min(float(index + 1), last_s)
        expected += floor.hazards[index] * (upper - at)
        at = upper
        index = min(index + 1, last)
    of_late = level(floor)
    floor.segments[call.segment, 1] += expected * of_late
    expected *= segment_level(floor, call.segment)
    floor.predicted += expected * of_late
    floor.rise = max(0.0, floor.rise - (JUMP - 1.0) * expected * of_late)
    floor.fall = max(0.0, floor.fall + (1.0 - 1.0 / JUMP) * expected * of_late)
    floor.level_expected += expected
    floor.rise_expected += expected
    floor.fall_expected += expected
    _watch_jumps(floor)


@njit(cache=True, nogil=True)
def learn_answer(floor: Floor, row: int) -> None:
    """A ringing call was answered: the level, the charts and the calibration hear of it."""
    floor.segments[floor.calls[row].segment, 0] += 1.0
    floor.observed += 1.0
    floor.level_seen += 1.0
    floor.rise_seen += 1.0
    floor.fall_seen += 1.0
    floor.rise += math.log(JUMP)
    floor.fall = max(0.0, floor.fall - math.log(JUMP))
    _watch_jumps(floor)


@njit(cache=True, nogil=True)
def _watch_jumps(floor: Floor) -> None:
    """CUSUM: at an alarm the level forgets what was before the change began (Page 1954)."""
    if floor.rise <= 0.0:
        floor.rise_seen, floor.rise_expected = 0.0, 0.0
    if floor.fall <= 0.0:
        floor.fall_seen, floor.fall_expected = 0.0, 0.0
    risen, fallen = floor.rise > JUMP_ALARM, floor.fall > JUMP_ALARM
    if not (risen or fallen):
        return
    if risen:
        floor.level_seen, floor.level_expected = floor.rise_seen, floor.rise_expected
    else:
        floor.level_seen, floor.level_expected = floor.fall_seen, floor.fall_expected
    floor.rise, floor.fall = 0.0, 0.0
    floor.jumps += 1


@njit(cache=True, nogil=True)
def learn_verdict(floor: Floor, row: int, person: bool) -> None:
    """An answered call turned out to be a person's or a machine's; its age of ringing at the answer is in `counted`."""
    call = floor.calls[row]
    index = min(max(int(call.counted), 0), RING_BINS - 1)
    floor.ring[PEOPLE if person else MACHINES, index] += 1.0
    floor.outcomes += 1.0


@njit(cache=True, nogil=True)
def count_agents(floor: Floor, now: float) -> None:
    """Put what agents are doing into the tables of talk and wrap-up, up to `now`."""
    for row in range(floor.agents_known):
        agent = floor.agents[row]
        if now > agent.counted:
            if agent.doing == TALKING:
                spend_service(floor.service[TALK_TIME], agent.counted - agent.since, now - agent.since)
            elif agent.doing == WRAPPING_UP:
                spend_service(floor.service[WRAP_TIME], agent.counted - agent.since, now - agent.since)
            agent.counted = now


@njit(cache=True, nogil=True)
def fade(floor: Floor, elapsed_s: float) -> None:
    """Forget a little of everything. Idle hours count as a minute: a night teaches nothing, and erases nothing."""
    elapsed_s = min(elapsed_s, 60.0)
    slow = math.exp(-elapsed_s / TABLE_MEMORY_S)
    floor.ring[:, :] *= slow
    floor.setup[:, :] *= slow
    floor.service[:, :] *= slow
    floor.segments[:, :] *= slow
    fast = math.exp(-elapsed_s / LEVEL_MEMORY_S)
    floor.level_seen *= fast
    floor.level_expected *= fast
    calibration = math.exp(-elapsed_s / CALIBRATION_MEMORY_S)
    floor.predicted *= calibration
    floor.observed *= calibration
