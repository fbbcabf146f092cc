"""A call centre's day, event by event, paced by the same `events.receive` and `controller.step` as live calls.

People and machines answer after log-normal times, the answer rate and the talk time drift, agents log in one after the
other and take breaks. AMD holds a call back until it knows; a person whom no agent has taken `patience_s` after the
answer is abandoned.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from softswitch.pacing import events
from softswitch.pacing.baselines import MATCHING, VICIDIAL, matching_dials, vicidial_dials
from softswitch.pacing.controller import step
from softswitch.pacing.events import receive
from softswitch.pacing.floor import AWAY, MOST_CALLS, READY, TALKING, WRAPPING_UP, Floor, Table, new_state
from softswitch.pacing.market import Market
from softswitch.pacing.policies import POLICIES, POLICY_PROGRESSIVE, POLICY_RATIO
from softswitch.pacing.replay import LOGGED, STEPPED, replay

TICK_S = 1.0
DRIFT_EVERY_S = 60.0

# What happens
LOG_IN, TICK, DRIFT, RING, FAIL, ANSWER, RESOLVE, LOSE, HANG_UP, WRAPPED, BACK = range(11)

HEAP = np.dtype([("at", "f8"), ("serial", "i8"), ("what", "i8"), ("who", "i8"), ("tag", "i8")], align=True)
SIDE = np.dtype(
    [
        ("tag", "i8"),
        ("fails", "i8"),
        ("machine", "i8"),
        ("answers", "i8"),
        ("rings_s", "f8"),
        ("since", "f8"),
        ("stage", "i8"),
    ],
    align=True,
)
"""What a callee will do, by the call's row."""
SHIFT = np.dtype(
    [("doing", "i8"), ("since", "f8"), ("break_due", "f8"), ("in_at", "f8"), ("busy_s", "f8"), ("away_s", "f8")],
    align=True,
)
# Figures of a day
(
    DIALS, LIVE, DROPPED, PEOPLE_LOST, MACHINES, TALK_S, STEPS, IN_S, BUSY_S, WAITS, LOGGED_LINES, PROGRESSIVE_S,
) = range(12)  # fmt: skip
FIGURES = 12


@njit(cache=True, nogil=True)
def _earlier(heap: np.ndarray, one: int, other: int) -> bool:
    a, b = heap[one], heap[other]
    return a.at < b.at or (a.at == b.at and a.serial < b.serial)


@njit(cache=True, nogil=True)
def _swap(heap: np.ndarray, one: int, other: int) -> None:
    a, b = heap[one], heap[other]
    at, serial, what, who, tag = a.at, a.serial, a.what, a.who, a.tag
    a.at, a.serial, a.what, a.who, a.tag = b.at, b.serial, b.what, b.who, b.tag
    b.at, b.serial, b.what, b.who, b.tag = at, serial, what, who, tag


@njit(cache=True, nogil=True)
def _push(heap: np.ndarray, size: np.ndarray, at: float, what: int, who: int, tag: int) -> None:
    """size: (2,) int64, entries and serial."""
    index = size[0]
    entry = heap[index]
    entry.at, entry.serial, entry.what, entry.who, entry.tag = at, size[1], what, who, tag
    size[0] += 1
    size[1] += 1
    while index > 0:
        parent = (index - 1) // 2
        if not _earlier(heap, index, parent):
            break
        _swap(heap, index, parent)
        index = parent


@njit(cache=True, nogil=True)
def _pop(heap: np.ndarray, size: np.ndarray) -> None:
    """Remove the first entry; read it before."""
    size[0] -= 1
    _swap(heap, 0, size[0])
    index = 0
    while True:
        child = 2 * index + 1
        if child >= size[0]:
            return
        if child + 1 < size[0] and _earlier(heap, child + 1, child):
            child += 1
        if not _earlier(heap, child, index):
            return
        _swap(heap, index, child)
        index = child


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
    rate_logit = math.log(one.answer_rate / (1.0 - one.answer_rate))
    for agent in range(agents):
        _push(heap, size, drifts.random() * one.log_in_spread_s, np.int64(LOG_IN), agent, np.int64(0))
    _push(heap, size, 0.0, np.int64(TICK), np.int64(0), np.int64(0))
    _push(heap, size, DRIFT_EVERY_S, np.int64(DRIFT), np.int64(0), np.int64(0))
    delay_s = min(one.amd_s, one.patience_s)
    now = 0.0
    while size[0] > 0 and heap[0].at <= one.day_s:
        now, what, who, given = heap[0].at, heap[0].what, heap[0].who, heap[0].tag
        _pop(heap, size)
        pace = True
        if what == TICK:
            _push(heap, size, now + TICK_S, np.int64(TICK), np.int64(0), np.int64(0))
        elif what == DRIFT:
            pull = math.exp(-DRIFT_EVERY_S / one.rate_drift_s)
            rate_drift = rate_drift * pull + drifts.standard_normal() * one.rate_drift_sd * math.sqrt(1.0 - pull * pull)
            pull = math.exp(-DRIFT_EVERY_S / one.talk_drift_s)
            talk_drift = talk_drift * pull + drifts.standard_normal() * one.talk_drift_sd * math.sqrt(1.0 - pull * pull)
            jumps, by = drifts.random() < DRIFT_EVERY_S / one.rate_jump_every_s, drifts.standard_normal()
            if jumps:
                rate_jump = by * one.rate_jump_sd
            _push(heap, size, now + DRIFT_EVERY_S, np.int64(DRIFT), np.int64(0), np.int64(0))
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
                _push(heap, size, now + one.break_s, np.int64(BACK), who, np.int64(0))
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
            _push(heap, size, now + rng.exponential(half) + rng.exponential(half), np.int64(WRAPPED), who, np.int64(0))
            _tell(state, log, figures, events.AGENT_DOES, who, float(WRAPPING_UP), now)
        else:
            call = side[who]
            if call.tag != given:
                continue
            if what == RING:
                if call.answers:
                    _push(heap, size, now + min(call.rings_s, one.no_answer_s), np.int64(ANSWER), who, given)
                else:
                    _push(heap, size, now + one.no_answer_s, np.int64(FAIL), who, given)
                _tell(state, log, figures, events.CALL_RINGS, who, 0.0, now)
            elif what == FAIL:
                call.tag = -1
                _tell(state, log, figures, events.CALL_ENDED, who, 0.0, now)
            elif what == ANSWER:
                _push(heap, size, now + delay_s, np.int64(RESOLVE), who, given)
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
                    _push(heap, size, now + max(one.patience_s - delay_s, 0.0), np.int64(LOSE), who, given)
                    _tell(state, log, figures, events.PERSON_WAITS, who, 0.0, now)
            else:  # LOSE
                call.tag = -1
                figures[DROPPED] += 1
                queued -= 1
                at = 0
                while queue[at] != who:
                    at += 1
                for index in range(at, queued):
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
            _push(heap, size, now + _talk_s(one, rng, talk_drift), np.int64(HANG_UP), agent_row, np.int64(0))
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
            if rng.random() < one.failure_share:
                _push(heap, size, now + setup_s, np.int64(FAIL), row, tag)
                continue
            call.machine = rng.random() < one.machine_share
            if call.machine:
                call.rings_s = _log_normal(rng, one.machine_answer_mean_s, one.machine_answer_cv)
            else:
                call.rings_s = _log_normal(rng, one.people_answer_mean_s, one.people_answer_cv)
            rate = 1.0 / (1.0 + math.exp(-(rate_logit + rate_drift + rate_jump)))
            call.answers = rng.random() < rate
            _push(heap, size, now + setup_s, np.int64(RING), row, tag)
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


@dataclass(frozen=True, slots=True)
class Day:
    """What one simulated day came to."""

    dials: int
    connected: int
    """L: people whom an agent took."""
    dropped: int
    """A: people for whom no agent was free in time."""
    people_lost: int
    """People taken for machines."""
    machines: int
    talk_s: float
    busy_s: float
    """Talk and wrap-up of all agents."""
    logged_in_s: float
    """Of all agents, breaks left out."""
    steps: int
    waits_s: Table
    """How long an agent had waited, for each call connected."""
    log: np.ndarray
    """(lines,) LOGGED."""
    opening: np.ndarray
    """(1,) FLOOR: the controller's state before the day, from which the log can be replayed."""
    closing: np.ndarray


def day_of(
    market: Market,
    *,
    policy: int,
    setting: tuple[float, ...] = (),
    seed: int = 1,
    target: float | None = None,
    with_amd_errors: bool = False,
    log_lines: int = 0,
    until_s: float | None = None,
    opening: np.ndarray | None = None,
) -> Day:
    """One day of a market under a policy of `POLICIES` or a baseline.

    with_amd_errors: the target then includes the expected false positives, at their true share.  log_lines: room for
    the log; 0 keeps none.  until_s: stop early.  opening: a state to begin with, instead of a new one: one that has
    learnt, or in which something was set.
    """
    call_rng, drift_rng = (np.random.default_rng(each) for each in np.random.SeedSequence(seed).spawn(2))
    state = opening_state(market, policy, setting, target, with_amd_errors) if opening is None else opening.copy()
    record = market.as_record()
    record["day_s"] = min(market.day_s, until_s) if until_s is not None else market.day_s
    side = np.zeros(MOST_CALLS, dtype=SIDE)
    side["tag"] = -1
    shift = np.zeros(market.agents, dtype=SHIFT)
    shift["in_at"] = -1.0
    figures = np.zeros(FIGURES)
    waits = np.zeros(int(market.agents * market.day_s / 5.0) + 100)
    log = np.zeros(log_lines, dtype=LOGGED)
    settings = np.zeros(4)
    settings[: len(setting)] = setting
    heap = np.zeros(2 * MOST_CALLS + 3 * market.agents + 1000, dtype=HEAP)
    before = state.copy()
    run_day(record, state, policy, settings, call_rng, drift_rng, heap, side, shift, waits, log, figures)
    return Day(
        dials=int(figures[DIALS]),
        connected=int(figures[LIVE]),
        dropped=int(figures[DROPPED]),
        people_lost=int(figures[PEOPLE_LOST]),
        machines=int(figures[MACHINES]),
        talk_s=float(figures[TALK_S]),
        busy_s=float(figures[BUSY_S]),
        logged_in_s=float(figures[IN_S]),
        steps=int(figures[STEPS]),
        waits_s=waits[: min(int(figures[WAITS]), waits.size)],
        log=log[: int(figures[LOGGED_LINES])],
        opening=before,
        closing=state,
    )


def opening_state(
    market: Market,
    policy: int,
    setting: tuple[float, ...] = (),
    target: float | None = None,
    with_amd_errors: bool = False,
) -> np.ndarray:
    """What the controller knows before a day of this market: its own settings, and of the market nothing."""
    aim = market.abandoned_target if target is None else target
    state = new_state(
        policy=policy if policy in POLICIES.values() else POLICY_PROGRESSIVE,
        target=aim,
        limit=max(market.abandoned_limit, aim),
        ratio=setting[0] if policy == POLICY_RATIO and setting else 1.0,
        patience_s=market.patience_s,
        false_positive_share=false_positive_share(market) if with_amd_errors else 0.0,
        ends_at=market.day_s,
    )
    state["channels_free"] = min(market.channels, MOST_CALLS)
    return state


def compile_kernels() -> None:
    """Fill the kernel cache, so that the first decision of a shift is as quick as the next."""
    day = day_of(Market(agents=2, day_s=30.0), policy=POLICY_PROGRESSIVE, log_lines=1000)
    replay(day.log, day.opening)


def false_positive_share(market: Market) -> float:
    """Share of machine-classed calls that are people, as a review of recordings would find it."""
    people = (1.0 - market.machine_share) * market.amd_false_positive_share
    classed = people + market.machine_share
    return people / classed if classed > 0.0 else 0.0
