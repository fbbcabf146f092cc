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
    HORIZON_S,
    LANDINGS,
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
LEVEL_MEMORY_S = 480.0  # 2-16 minutes differ by 0.4 point of utilisation at most
LEVEL_PRIOR = 12.0  # answers
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
    make_tables(state)


@njit(cache=True, nogil=True)
def make_tables(state: np.ndarray) -> None:
    """All that is made from the life tables, now."""
    floor = state[0]
    tabulate_calls(floor)
    tabulate_service(floor)
    tabulate_calls(floor)


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


@njit(cache=True, nogil=True)
def _at(curve: Table, time_s: float) -> float:
    """A curve given at whole seconds from 0, in between; constant outside."""
    if time_s <= 0.0:
        return curve[0]
    last = curve.size - 1
    if time_s >= last:
        return curve[last]
    whole = int(time_s)
    part = time_s - whole
    return curve[whole] * (1.0 - part) + curve[whole + 1] * part


@njit(cache=True, nogil=True)
def _service_hazard(floor: Floor, time: int, ends: int, age: float) -> float:
    index = service_bin(age)
    return floor.service[ends, index] / max(floor.service[time, index], LEAST_TIME_S)


@njit(cache=True, nogil=True)
def _gone(floor: Floor, time: int, ends: int, age: float, gone: Table) -> None:
    """P(an end in each second from this age on) into gone: (HORIZON_S + 1,); the last entry stays 0."""
    alive = 1.0
    for second in range(HORIZON_S):
        stays = alive * math.exp(-_service_hazard(floor, time, ends, age + second + 0.5))
        gone[second] = alive - stays
        alive = stays
    gone[HORIZON_S] = 0.0


@njit(cache=True, nogil=True)
def tabulate_service(floor: Floor) -> None:
    """Make anew `talk_holds` and `wrap_holds`, and in curve 2 P(an agent taken s seconds ago is not free again)."""
    returning = floor.returned / floor.wrapped_up
    spare_s = _spare_s(floor)
    gone, done, holds = floor.curves[0], floor.curves[1], floor.curves[2]
    for start in range(SERVICE_BINS):
        age = SERVICE_EDGES_S[start]
        if start < SERVICE_BINS - 1:
            age = 0.5 * (age + SERVICE_EDGES_S[start + 1])
        _gone(floor, np.int64(WRAP_TIME), np.int64(WRAP_ENDS), age, gone)
        _accumulate(gone, done)
        for landing in range(LANDINGS):
            floor.wrap_holds[start, landing] = 1.0 - returning * _at(done, floor.landing_s[landing] + spare_s)
    _gone(floor, np.int64(WRAP_TIME), np.int64(WRAP_ENDS), 0.0, gone)
    _accumulate(gone, done)
    for start in range(SERVICE_BINS):
        age = SERVICE_EDGES_S[start]
        if start < SERVICE_BINS - 1:
            age = 0.5 * (age + SERVICE_EDGES_S[start + 1])
        _gone(floor, np.int64(TALK_TIME), np.int64(TALK_ENDS), age, gone)
        for landing in range(LANDINGS):
            floor.talk_holds[start, landing] = 1.0 - returning * _follows(
                gone, done, floor.landing_s[landing] + spare_s
            )
    _gone(floor, np.int64(TALK_TIME), np.int64(TALK_ENDS), 0.0, gone)
    for ahead in range(HORIZON_S + 1):
        holds[ahead] = 1.0 - returning * _follows(gone, done, float(ahead))


@njit(cache=True, nogil=True)
def _accumulate(gone: Table, done: Table) -> None:
    total = 0.0
    for second in range(done.size):
        done[second] = total
        total += gone[second]


@njit(cache=True, nogil=True)
def _follows(gone: Table, done: Table, until_s: float) -> float:
    """P(what ends as `gone` says, and what follows it and ends as `done` says, are both over at `until_s`)."""
    both = 0.0
    for second in range(min(int(until_s) + 1, gone.size)):
        both += gone[second] * _at(done, until_s - second - 0.5)
    return both


@njit(cache=True, nogil=True)
def _spare_s(floor: Floor) -> float:
    """How long a person who turns out to need an agent still waits for one."""
    if floor.every_answer:
        return floor.patience_s
    return max(floor.patience_s - floor.verdict_s, 0.0)


@njit(cache=True, nogil=True)
def _smoothed(events: Table, time: Table, index: int) -> float:
    last = time.size - 1
    low, high = max(index - 1, 0), min(index + 1, last)
    seen = events[low] + 2.0 * events[index] + events[high]
    spent = time[low] + 2.0 * time[index] + time[high]
    return seen / max(spent, LEAST_TIME_S)


@njit(cache=True, nogil=True)
def _takes_from(floor: Floor, first: int, middle: bool, until_s: float, delay_s: float) -> float:
    """P(a call that has rung for `first` s holds an agent `until_s` s from now); `middle`: it is half a bin older."""
    survival, holds, people = floor.curves[0], floor.curves[2], floor.curves[3]
    alive = survival[first]
    if middle:
        alive = math.sqrt(max(survival[first] * survival[min(first + 1, survival.size - 1)], 1e-300))
    if alive <= 1e-9:
        return 0.0
    takes = 0.0
    for index in range(first, HORIZON_S):
        ahead = float(index - first) if middle else index - first + 0.5
        left = until_s - delay_s - ahead
        if left < -0.5:
            break
        reached = min(left + 0.5, 1.0)
        if middle and index == first:
            reached *= 0.5
        takes += reached * people[index] * _at(holds, left)
    return min(takes / alive, 1.0)


@njit(cache=True, nogil=True)
def tabulate_calls(floor: Floor) -> None:
    """Make anew everything that depends on set-up and ringing; `tabulate_service` has filled curve 2."""
    ring = floor.ring
    survival, people, needed, takes = floor.curves[0], floor.curves[3], floor.curves[4], floor.curves[5]
    delay_s = 0.0 if floor.every_answer else floor.verdict_s
    of_late = level(floor)
    alive = 1.0
    for index in range(RING_BINS):
        person = _smoothed(ring[PEOPLE], ring[TIME], index)
        machine = _smoothed(ring[MACHINES], ring[TIME], index)
        floor.hazards[index] = person + machine
        floor.person[index] = person / max(person + machine, LEAST_TIME_S)
        if index <= HORIZON_S:
            answer = of_late * (person + machine)
            hazard = answer + ring[ENDS, index] / max(ring[TIME, index], LEAST_TIME_S)
            survival[index] = alive
            gone = alive * (1.0 - math.exp(-hazard))
            people[index] = floor.person[index] * gone * answer / hazard if hazard > 0.0 else 0.0
            alive -= gone
    _set_landings(floor, needed, delay_s)
    for landing in range(LANDINGS):
        for age in range(RING_BINS):
            first = min(age, HORIZON_S - 1)
            floor.ringing_takes[age, landing] = _takes_from(floor, first, True, floor.landing_s[landing], delay_s)
    for second in range(HORIZON_S + 1):
        takes[second] = _takes_from(floor, np.int64(0), False, float(second), delay_s)
    for age in range(SETUP_BINS):
        _placed_takes(floor, age + 0.5, floor.placed_takes[age])
    _placed_takes(floor, 0.0, floor.fresh_takes[:])


@njit(cache=True, nogil=True)
def _set_landings(floor: Floor, needed: Table, delay_s: float) -> None:
    """When a call placed now would need an agent: P in all, and its quantiles."""
    people = floor.curves[3]
    needed[:] = 0.0
    total, alive = 0.0, 1.0
    for begin in range(HORIZON_S):
        begins, fails = _setup_hazards(floor, begin + 0.5)
        hazard = begins + fails
        gone = alive * (1.0 - math.exp(-hazard))
        rings = gone * begins / hazard if hazard > 0.0 else 0.0
        alive -= gone
        if rings > 1e-4:
            for index in range(HORIZON_S - begin):
                needed[begin + index] += rings * people[index]
                total += rings * people[index]
    floor.lands = total
    passed, second = 0.0, 0
    for landing in range(LANDINGS):
        wanted = total * (landing + 0.5) / LANDINGS
        while second < HORIZON_S and passed + needed[second] < wanted:
            passed += needed[second]
            second += 1
        inside = (wanted - passed) / needed[second] if needed[second] > 0.0 else 0.5
        floor.landing_s[landing] = second + 0.5 + inside + delay_s


@njit(cache=True, nogil=True)
def _placed_takes(floor: Floor, age: float, into: Table) -> None:
    """P(a call whose INVITE is `age` s old holds an agent) at each landing time; curve 5 holds it from ringing on."""
    into[:] = 0.0
    latest = floor.landing_s[LANDINGS - 1]
    alive, at = 1.0, 0.0
    while at < latest and alive > 1e-4:
        begins, fails = _setup_hazards(floor, age + at + 0.5)
        hazard = begins + fails
        gone = alive * (1.0 - math.exp(-hazard))
        alive -= gone
        rings = gone * begins / hazard if hazard > 0.0 else 0.0
        for landing in range(LANDINGS):
            left = floor.landing_s[landing] - at - 0.5
            if left > 0.0:
                into[landing] += rings * _at(floor.curves[5], left)
        at += 1.0


@njit(cache=True, nogil=True)
def _setup_hazards(floor: Floor, age: float) -> tuple[float, float]:
    """Per second: (ringing begins, the call fails)."""
    index = min(int(age), SETUP_BINS - 1)
    time = max(floor.setup[TIME, index], LEAST_TIME_S)
    return floor.setup[BEGINS, index] / time, floor.setup[FAILS, index] / time
