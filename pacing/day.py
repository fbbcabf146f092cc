"""A call centre's day, event by event, paced by the same `events.receive` and `controller.step` as live calls.

People and machines answer after log-normal times, the answer rate and the talk time drift, agents log in one after the
other and take breaks. AMD holds a call back until it knows; a person whom no agent has taken `patience_s` after the
answer is abandoned.
"""

import math

import numpy as np
from numba import njit
from softswitch.pacing import events
from softswitch.pacing.agenda import pop, push
from softswitch.pacing.baselines import MATCHING, VICIDIAL, matching_dials, vicidial_dials
from softswitch.pacing.controller import step
from softswitch.pacing.events import receive
from softswitch.pacing.floor import AWAY, MOST_CALLS, READY, TALKING, WRAPPING_UP, Floor, Table
from softswitch.pacing.policies import FALLBACKS
from softswitch.pacing.replay import STEPPED

TICK_S = 1.0
DRIFT_EVERY_S = 60.0

# What happens
LOG_IN, TICK, DRIFT, RING, FAIL, ANSWER, RESOLVE, LOSE, HANG_UP, WRAPPED, BACK = range(11)

SIDE = np.dtype(
    [("tag", "i8"), ("machine", "i8"), ("answers", "i8"), ("rings_s", "f8"), ("lost_at", "f8")],
    align=True,
)
"""What a callee will do, by the call's row."""
SHIFT = np.dtype(
    [("doing", "i8"), ("since", "f8"), ("break_due", "f8"), ("in_at", "f8"), ("busy_s", "f8"), ("away_s", "f8")],
    align=True,
)
# Figures of a day
(
    DIALS, LIVE, DROPPED, PEOPLE_LOST, MACHINES, TALK_S, STEPS, IN_S, BUSY_S, WAITS, LOGGED_LINES, FALLBACK_S,
) = range(12)  # fmt: skip
FIGURES = FALLBACK_S + len(FALLBACKS)
"""The last ones are seconds by `fallback`."""


@njit(cache=True, nogil=True)
def _log_normal(rng: np.random.Generator, mean: float, cv: float) -> float:
    sigma = math.sqrt(math.log1p(cv * cv))
    return mean * math.exp(sigma * rng.standard_normal() - 0.5 * sigma * sigma)


@njit(cache=True, nogil=True)
def _tell(state: np.ndarray, log: np.ndarray, figures: Table, kind: int, row: int, value: float, now: float) -> int:
    answer = receive(state, kind, row, value, now)
    line = int(figures[LOGGED_LINES])
    if line < log.size:
        entry = log[line]
        entry.kind, entry.row, entry.value, entry.now = kind, row, value, now
        figures[LOGGED_LINES] += 1
    return answer


@njit(cache=True, nogil=True)
def _trunk_is_down(one: Floor, now: float) -> bool:
    return one.outage_every_s > 0.0 and now % one.outage_every_s >= one.outage_every_s - one.outage_s


@njit(cache=True, nogil=True)
def _talk_s(one: Floor, rng: np.random.Generator, drift: float) -> float:
    scale = math.exp(drift)
    if rng.random() < one.short_talk_share:
        return rng.exponential(one.short_talk_mean_s) * scale
    short = one.short_talk_share * one.short_talk_mean_s
    return _log_normal(rng, (one.talk_mean_s - short) / (1.0 - one.short_talk_share), one.long_talk_cv) * scale


@njit(cache=True, nogil=True)
def run_day(
    market: np.ndarray,
    state: np.ndarray,
    policy: int,
    setting: Table,
    rng: np.random.Generator,
    drifts: np.random.Generator,
    heap: np.ndarray,
    side: np.ndarray,
    shift: np.ndarray,
    waits: Table,
    log: np.ndarray,
    figures: Table,
) -> None:
    """Simulate one day into `figures` and `waits` (seconds that an agent waited for each call).

    market: (1,) MARKET.  policy: one of POLICIES or of the baselines.  setting: (4,) what the baseline takes.
    rng, drifts: Generators of calls, and of the market's drift, which is the same for each policy under one seed.
    heap, side, shift, log: empty, large enough; a log of no lines is not written.  figures: (FIGURES,) zeros.
    """
    one = market[0]
    agents = int(one.agents)
    size = np.zeros(2, dtype=np.int64)
    queue = np.zeros(side.size, dtype=np.int64)  # people who wait, first come first served
    queued = 0
    ready = np.zeros(agents, dtype=np.int64)  # agents who wait, the longest first
    free = 0
    tag = 0
    memory = np.zeros(24)
    rate_drift = drifts.standard_normal() * one.rate_drift_sd
    rate_jump = 0.0
    talk_drift = drifts.standard_normal() * one.talk_drift_sd
    for agent in range(agents):
        push(heap, size, drifts.random() * one.log_in_spread_s, np.int64(LOG_IN), agent, np.int64(0))
    push(heap, size, 0.0, np.int64(TICK), np.int64(0), np.int64(0))
    push(heap, size, DRIFT_EVERY_S, np.int64(DRIFT), np.int64(0), np.int64(0))
    delay_s = min(one.amd_s, one.patience_s)
    now = 0.0
    while True:
        # who has waited longest is lost first: one time to look at, and nothing stays in the heap of who is connected
        loses = queued > 0 and side[queue[0]].lost_at <= heap[0].at
        at = side[queue[0]].lost_at if loses else heap[0].at
        if at > one.day_s:
            break
        figures[FALLBACK_S + state[0].fallback] += at - now
        now = at
        if loses:
            what, who, given = np.int64(LOSE), queue[0], side[queue[0]].tag
        else:
            what, who, given = heap[0].what, heap[0].who, heap[0].tag
            pop(heap, size)
        pace = True
        if what == TICK:
            push(heap, size, now + TICK_S, np.int64(TICK), np.int64(0), np.int64(0))
        elif what == DRIFT:
            pull = math.exp(-DRIFT_EVERY_S / one.rate_drift_s)
            rate_drift = rate_drift * pull + drifts.standard_normal() * one.rate_drift_sd * math.sqrt(1.0 - pull * pull)
            pull = math.exp(-DRIFT_EVERY_S / one.talk_drift_s)
            talk_drift = talk_drift * pull + drifts.standard_normal() * one.talk_drift_sd * math.sqrt(1.0 - pull * pull)
            jumps, by = drifts.random() < DRIFT_EVERY_S / one.rate_jump_every_s, drifts.standard_normal()
            if jumps:
                rate_jump = by * one.rate_jump_sd
            push(heap, size, now + DRIFT_EVERY_S, np.int64(DRIFT), np.int64(0), np.int64(0))
            pace = False
        elif what in (LOG_IN, BACK, WRAPPED):
            agent = shift[who]
            if what == LOG_IN:
                agent.in_at = now
                agent.break_due = now + (0.5 + rng.random()) * one.break_every_s
            elif what == BACK:
                agent.away_s += now - agent.since
            else:
                agent.busy_s += now - agent.since
            if what == WRAPPED and now >= agent.break_due:
                agent.doing, agent.since = AWAY, now
                agent.break_due = now + one.break_s + (0.5 + rng.random()) * one.break_every_s
                push(heap, size, now + one.break_s, np.int64(BACK), who, np.int64(0))
                _tell(state, log, figures, events.AGENT_DOES, who, float(AWAY), now)
            else:
                agent.doing, agent.since = READY, now
                ready[free] = who
                free += 1
                _tell(state, log, figures, events.AGENT_DOES, who, float(READY), now)
        elif what == HANG_UP:
            agent = shift[who]
            agent.busy_s += now - agent.since
            figures[TALK_S] += now - agent.since
            agent.doing, agent.since = WRAPPING_UP, now
            half = 0.5 * one.wrap_up_mean_s
            push(heap, size, now + rng.exponential(half) + rng.exponential(half), np.int64(WRAPPED), who, np.int64(0))
            _tell(state, log, figures, events.AGENT_DOES, who, float(WRAPPING_UP), now)
        else:
            call = side[who]
            if call.tag != given:
                continue
            if what == RING:
                if call.answers:
                    push(heap, size, now + min(call.rings_s, one.no_answer_s), np.int64(ANSWER), who, given)
                else:
                    push(heap, size, now + one.no_answer_s, np.int64(FAIL), who, given)
                _tell(state, log, figures, events.CALL_RINGS, who, 0.0, now)
            elif what == FAIL:
                call.tag = -1
                _tell(state, log, figures, events.CALL_ENDED, who, 0.0, now)
            elif what == ANSWER:
                push(heap, size, now + delay_s, np.int64(RESOLVE), who, given)
                _tell(state, log, figures, events.CALL_ANSWERED, who, 0.0, now)
            elif what == RESOLVE:
                lost = rng.random() < one.amd_false_positive_share
                if call.machine or lost:
                    figures[MACHINES if call.machine else PEOPLE_LOST] += 1
                    call.tag = -1
                    _tell(state, log, figures, events.MACHINE_ENDED, who, 0.0, now)
                else:
                    queue[queued] = who
                    queued += 1
                    call.lost_at = now + max(one.patience_s - delay_s, 0.0)
                    _tell(state, log, figures, events.PERSON_WAITS, who, 0.0, now)
            else:  # LOSE
                call.tag = -1
                figures[DROPPED] += 1
                queued -= 1
                for index in range(queued):
                    queue[index] = queue[index + 1]
                _tell(state, log, figures, events.CALL_DROPPED, who, 0.0, now)
        while queued > 0 and free > 0:
            who, agent_row = queue[0], ready[0]
            queued -= 1
            for index in range(queued):
                queue[index] = queue[index + 1]
            free -= 1
            for index in range(free):
                ready[index] = ready[index + 1]
            side[who].tag = -1
            agent = shift[agent_row]
            waits[int(figures[WAITS]) % waits.size] = now - agent.since
            figures[WAITS] += 1
            figures[LIVE] += 1
            agent.doing, agent.since = TALKING, now
            push(heap, size, now + _talk_s(one, rng, talk_drift), np.int64(HANG_UP), agent_row, np.int64(0))
            _tell(state, log, figures, events.CALL_CONNECTED, who, 0.0, now)
            _tell(state, log, figures, events.AGENT_DOES, agent_row, float(TALKING), now)
        if not pace:
            continue
        if one.channels < MOST_CALLS:
            talking = 0
            for row in range(agents):
                talking += shift[row].doing == TALKING
            channels = max(one.channels - state[0].calls_up - talking, 0.0)
            if channels != state[0].channels_free:
                _tell(state, log, figures, events.CHANNELS, np.int64(0), channels, now)
        if policy == VICIDIAL:
            dials = vicidial_dials(state, setting, memory, now)
        elif policy == MATCHING:
            dials = matching_dials(state, setting[0], now)
        else:
            dials = step(state, now)
        figures[STEPS] += 1
        line = int(figures[LOGGED_LINES])
        if line < log.size:
            entry = log[line]
            entry.kind, entry.row, entry.value, entry.now = STEPPED, 0, dials, now
            figures[LOGGED_LINES] += 1
        for _ in range(dials):
            row = _tell(state, log, figures, events.CALL_PLACED, np.int64(0), 0.0, now)
            if row < 0:
                break
            figures[DIALS] += 1
            tag += 1
            call = side[row]
            call.tag = tag
            setup_s = _log_normal(rng, one.setup_mean_s, one.setup_cv)
            if rng.random() < one.failure_share or _trunk_is_down(one, now):
                push(heap, size, now + setup_s, np.int64(FAIL), row, tag)
                continue
            call.machine = rng.random() < one.machine_share
            if call.machine:
                call.rings_s = _log_normal(rng, one.machine_answer_mean_s, one.machine_answer_cv)
            else:
                call.rings_s = _log_normal(rng, one.people_answer_mean_s, one.people_answer_cv)
            usual = one.rates[min(int(now / one.part_s), one.rates.size - 1)]
            rate_logit = math.log(usual / (1.0 - usual)) + rate_drift + rate_jump
            rate = 1.0 / (1.0 + math.exp(-rate_logit))
            call.answers = rng.random() * (1.0 - one.failure_share) < rate
            push(heap, size, now + setup_s, np.int64(RING), row, tag)
    for row in range(agents):
        agent = shift[row]
        if agent.in_at >= 0.0:
            if agent.doing in (TALKING, WRAPPING_UP):
                agent.busy_s += one.day_s - agent.since
                if agent.doing == TALKING:
                    figures[TALK_S] += one.day_s - agent.since
            elif agent.doing == AWAY:
                agent.away_s += one.day_s - agent.since
            figures[IN_S] += one.day_s - agent.in_at - agent.away_s
            figures[BUSY_S] += agent.busy_s
