"""What the life tables say of the next minute: when a call would need an agent, and who would be free by then.

Each is a probability at the landing times, by age, made anew every few seconds, so that a decision only looks it up.
"""

import math

import numpy as np
from numba import njit
from softswitch.pacing.estimators import LEAST_TIME_S, level, service_bin
from softswitch.pacing.floor import (
    BEGINS,
    ENDS,
    FAILS,
    HORIZON_S,
    LANDINGS,
    MACHINES,
    PEOPLE,
    RING_BINS,
    SERVICE_BINS,
    SERVICE_EDGES_S,
    SETUP_BINS,
    TALK_ENDS,
    TALK_TIME,
    TIME,
    WRAP_ENDS,
    WRAP_TIME,
    Floor,
    Table,
)  # fmt: skip


@njit(cache=True, nogil=True)
def make_tables(state: np.ndarray) -> None:
    """All that is made from the life tables, now."""
    floor = state[0]
    tabulate_calls(floor)
    tabulate_service(floor)
    tabulate_calls(floor)


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
def _needs(floor: Floor, delay_s: float) -> None:
    """P(an agent is held by a ringing call's person `ahead` s from now), by its age: `ringing_takes`, and curve 5.

    A call that is answered in the second `i` of its ringing holds an agent from `delay_s` later on. What is to come
    of a call as old as `i` is its own second and what is to come of one a second older, a second later: one pass.
    """
    survival, holds, people = floor.curves[0], floor.curves[2], floor.curves[3]
    takes, held, to_come = floor.curves[5], floor.curves[6], floor.curves[7]
    for ahead in range(HORIZON_S + 1):
        held[ahead] = min(max(ahead - delay_s + 0.5, 0.0), 1.0) * _at(holds, ahead - delay_s)
    to_come[:] = 0.0
    latest = min(int(floor.landing_s[LANDINGS - 1]) + 2, HORIZON_S)
    for age in range(HORIZON_S - 1, -1, -1):
        for ahead in range(latest, 0, -1):
            to_come[ahead] = to_come[ahead - 1]
        to_come[0] = 0.0
        # halfway through its second, a call has half of the chance of that second left
        next_age = min(age + 1, HORIZON_S)
        alive = math.sqrt(survival[age] * survival[next_age])
        for landing in range(LANDINGS):
            at = min(floor.landing_s[landing], float(latest))
            takes_then = _at(to_come, at) + 0.5 * people[age] * _at(held, at)
            floor.ringing_takes[age, landing] = min(takes_then / alive, 1.0) if alive > 1e-9 else 0.0
        for ahead in range(latest + 1):
            to_come[ahead] += people[age] * held[ahead]
    floor.ringing_takes[HORIZON_S:, :] = floor.ringing_takes[HORIZON_S - 1]
    takes[0] = 0.0
    for ahead in range(1, latest + 1):
        takes[ahead] = 0.5 * (to_come[ahead - 1] + to_come[ahead])  # the first second is on average half over
    takes[latest:] = takes[latest]


@njit(cache=True, nogil=True)
def tabulate_calls(floor: Floor) -> None:
    """Make anew everything that depends on set-up and ringing; `tabulate_service` has filled curve 2."""
    ring = floor.ring
    survival, people, needed = floor.curves[0], floor.curves[3], floor.curves[4]
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
    _needs(floor, delay_s)
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
