"""Other ways of pacing, to be beaten in simulation; each gets the best setting that hindsight can find for it.

Written from their descriptions, and fed with the same events as the controller.
"""

import math

import numpy as np
from numba import njit
from softswitch.pacing.controller import advance
from softswitch.pacing.estimators import service_bin
from softswitch.pacing.floor import (
    LANDINGS,
    LISTENING,
    PLACED,
    READY,
    RING_BINS,
    RINGING,
    SETUP_BINS,
    TALKING,
    WAITING,
    WRAPPING_UP,
    Floor,
    Table,
)  # fmt: skip

MATCHING = 100
"""Mean matching: as many calls as will bring, on average, as many people as agents will be free."""
VICIDIAL = 101
"""A level of lines per agent, corrected every 15 s by who is waiting."""
BASELINES = {"mean_matching": MATCHING, "vicidial": VICIDIAL}

HARD_LIMIT, AVERAGE, TAPERED = 0, 1, 2
_LEVEL, _LINES_AT, _LEVEL_AT, _LIMIT_AT, _SAMPLED_AT, _SAMPLES, _READY_SUM, _OVER = range(8)
OPENS_HOUR = 9.0
"""The simulated day begins at 09:00; the tapered rule looks at the clock."""


@njit(cache=True, nogil=True)
def _counts(floor: Floor) -> tuple[int, int, int, int, int]:
    """(ready, talking, wrapping up, ringing, waiting)."""
    ready, talking, wrapping, ringing, waiting = 0, 0, 0, 0, 0
    for row in range(floor.agents_known):
        doing = floor.agents[row].doing
        ready += doing == READY
        talking += doing == TALKING
        wrapping += doing == WRAPPING_UP
    for index in range(floor.calls_up):
        stage = floor.calls[floor.order[index]].stage
        waiting += stage == WAITING
        ringing += stage != WAITING
    return ready, talking, wrapping, ringing, waiting


@njit(cache=True, nogil=True)
def matching_dials(state: np.ndarray, factor: float, now: float) -> int:
    """Dial while the people expected from calls in flight stay under `factor` x the agents expected to be free."""
    floor = state[0]
    advance(floor, now)
    middle = LANDINGS // 2
    free = 0.0
    for row in range(floor.agents_known):
        agent = floor.agents[row]
        if agent.doing == READY:
            free += 1.0
        elif agent.doing == TALKING:
            free += 1.0 - floor.talk_holds[service_bin(now - agent.since), middle]
        elif agent.doing == WRAPPING_UP:
            free += 1.0 - floor.wrap_holds[service_bin(now - agent.since), middle]
    people = 0.0
    for index in range(floor.calls_up):
        call = floor.calls[floor.order[index]]
        age = int(now - call.since)
        if call.stage == RINGING:
            people += floor.ringing_takes[min(age, RING_BINS - 1), LANDINGS - 1]
        elif call.stage == PLACED:
            people += floor.placed_takes[min(age, SETUP_BINS - 1), LANDINGS - 1]
        elif call.stage == LISTENING:
            people += call.person
        else:
            people += 1.0
    if floor.lands < 1e-6:
        return 0
    wanted = math.floor((factor * free - people) / floor.lands + 0.5)
    return int(min(max(wanted, 0), floor.channels_free))


@njit(cache=True, nogil=True)
def vicidial_dials(state: np.ndarray, setting: Table, memory: Table, now: float) -> int:
    """setting: [method, target of waiting agents, greatest level, drop limit]; memory: zeros at the day's start."""
    floor = state[0]
    ready, talking, wrapping, ringing, waiting = _counts(floor)
    agents = ready + talking + wrapping
    if memory[_LEVEL] == 0.0:
        memory[_LEVEL] = 1.0
        memory[_LINES_AT], memory[_LEVEL_AT], memory[_LIMIT_AT], memory[_SAMPLED_AT] = now, now, now, now
    if now - memory[_SAMPLED_AT] >= 1.0:
        memory[_SAMPLED_AT] = now
        memory[_SAMPLES] += 1.0
        memory[_READY_SUM] += ready
    if now - memory[_LIMIT_AT] >= 60.0:
        memory[_LIMIT_AT] = now
        answered = floor.live + floor.dropped
        over = answered >= 50.0 and floor.dropped > setting[3] * answered
        memory[_OVER] = 1.0 if over else 0.0
    if now - memory[_LEVEL_AT] >= 15.0 and agents > 0:
        memory[_LEVEL_AT] = now
        mean_ready = memory[_READY_SUM] / max(memory[_SAMPLES], 1.0)
        memory[_SAMPLES], memory[_READY_SUM] = 0.0, 0.0
        memory[_LEVEL] *= 1.0 + (mean_ready - waiting + setting[1]) / agents
        memory[_LEVEL] = min(max(memory[_LEVEL], 1.0), setting[2])
    level = memory[_LEVEL]
    if memory[_OVER] > 0.0:
        if setting[0] == HARD_LIMIT:
            level = 1.0
        elif setting[0] == AVERAGE:
            level = max(0.5 * level, 1.0)
        else:
            hour = OPENS_HOUR + now / 3600.0
            clock = 100.0 * math.floor(hour) + 60.0 * (hour - math.floor(hour))
            level = min(max(level * (2100.0 - clock) / 1000.0, 1.0), setting[2])
    if now - memory[_LINES_AT] < 2.5:
        return 0
    memory[_LINES_AT] = now
    lines = level * (ready + waiting + talking) - (ringing + waiting + talking)
    return int(min(max(math.floor(lines + 0.5), 0), floor.channels_free))
