"""What the floor can be told: every change of an agent, a call or the day is one event, and the state follows.

The simulator, the live dialler and a replay use the same `receive`; a log of (kind, row, value, now) is all that a
replay needs.
"""

from numba import njit
from softswitch.pacing.estimators import (
    FAILS_WITHIN_S,
    FAILURES_IN_ROW,
    count_agents,
    count_ringing,
    learn_answer,
    learn_verdict,
    service_bin,
)  # fmt: skip
from softswitch.pacing.floor import (
    AWAY,
    BEGINS,
    ENDS,
    FAILS,
    FREE,
    LISTENING,
    MOST_SEGMENTS,
    PLACED,
    RING_BINS,
    RINGING,
    SETUP_BINS,
    TALK_ENDS,
    TALKING,
    WAITING,
    WRAP_ENDS,
    WRAPPING_UP,
    Floor,
    Table,
)  # fmt: skip

AGENT_DOES = 0
"""row: the agent; value: AWAY, READY, TALKING, WRAPPING_UP or RESERVED."""
AGENT_LEAVES = 1
"""row: the agent; value: when, as known in advance (pause, shift end, roll check); infinite takes it back."""
CALL_PLACED = 2
"""An INVITE goes out. value: segment. The answer is the row that the call has from here on, -1 where none is left."""
CALL_RINGS = 3
CALL_ANSWERED = 4
"""AMD listens. (A campaign in which every answer needs an agent goes to PERSON_WAITS at once.)"""
PERSON_WAITS = 5
"""The call needs an agent: a person, or doubt."""
MACHINE_ENDED = 6
"""AMD told a machine; the call needs no agent any more."""
CALL_ENDED = 7
"""Over without an answer (no answer, busy, failed, cancelled), or ended by the callee before it was decided."""
CALL_CONNECTED = 8
"""An agent has it: a live call."""
CALL_DROPPED = 9
"""No agent in time: abandoned."""
CHANNELS = 10
"""value: channels free on the trunk."""
ANSWERS_LEFT = 11
"""value: live answers that the list can still give; NaN where unknown."""
LIVE_TODAY = 12
DROPPED_TODAY = 13
MACHINES_TODAY = 14
FALSE_POSITIVES = 15
"""value: measured share of machine-classed calls that are people."""
DAY_ENDS = 16
"""value: when dialling ends."""
SEGMENT = 17
"""value: the part of the campaign to which the next calls belong."""
BOUND_CALLS = 18
"""value: calls placed for agents reserved in advance, which are none of the controller's business."""
TARGET = 19
POLICY = 20
CALL_WITHDRAWN = 21
"""The call was never placed after all: nothing is learnt from it."""
KINDS = 22


@njit(cache=True, nogil=True)
def receive(state: Table, kind: int, row: int, value: float, now: float) -> int:
    """Take one event in. Returns the call's row for CALL_PLACED, else 0; -1 where the event names nothing that is.

    An event that contradicts what is known (a call that is over, a stage already passed) changes nothing.
    """
    floor = state[0]
    if kind == AGENT_DOES:
        return _agent_does(floor, row, int(value), now)
    if kind == AGENT_LEAVES:
        if not 0 <= row < floor.agents.size:
            return -1
        _reach(floor, row, now)
        floor.agents[row].leaves_at = value
        return 0
    if kind == CALL_PLACED:
        return _placed(floor, int(value), now)
    if CALL_RINGS <= kind <= CALL_DROPPED:
        if not 0 <= row < floor.calls.size or floor.calls[row].stage == FREE:
            return -1
        return _call_goes_on(floor, kind, row, now)
    if kind == CALL_WITHDRAWN:
        if not 0 <= row < floor.calls.size or floor.calls[row].stage == FREE:
            return -1
        _free(floor, row)
        floor.tokens += 1.0
    elif kind == CHANNELS:
        floor.channels_free = int(value)
    elif kind == ANSWERS_LEFT:
        floor.answers_known = value
    elif kind == LIVE_TODAY:
        floor.live = value
    elif kind == DROPPED_TODAY:
        value = max(value, 0.0)
        if value < floor.dropped:  # another day: what thresholds led to goes on in proportion
            floor.priced *= value / floor.dropped
        floor.dropped = value
    elif kind == MACHINES_TODAY:
        floor.machines = value
    elif kind == FALSE_POSITIVES:
        floor.false_positive_share = min(max(value, 0.0), 1.0)
    elif kind == DAY_ENDS:
        floor.ends_at = value
    elif kind == SEGMENT:
        floor.segment = min(max(int(value), 0), MOST_SEGMENTS - 1)
    elif kind == BOUND_CALLS:
        floor.bound = int(value)
    elif kind == TARGET:
        floor.target = min(max(value, 0.0), floor.limit)
    elif kind == POLICY:
        floor.policy = int(value)
    else:
        return -1
    return 0


@njit(cache=True, nogil=True)
def _reach(floor: Floor, row: int, now: float) -> None:
    """Rows up to this one are in use."""
    while floor.agents_known <= row:
        agent = floor.agents[floor.agents_known]
        agent.doing, agent.since, agent.counted = AWAY, now, now
        floor.agents_known += 1


@njit(cache=True, nogil=True)
def _agent_does(floor: Floor, row: int, doing: int, now: float) -> int:
    if not 0 <= row < floor.agents.size:
        return -1
    _reach(floor, row, now)
    agent = floor.agents[row]
    if agent.doing == doing:
        return 0
    if agent.doing in (TALKING, WRAPPING_UP):
        count_agents(floor, now)
        age_bin = service_bin(now - agent.since)
        floor.service[TALK_ENDS if agent.doing == TALKING else WRAP_ENDS, age_bin] += 1.0
        if agent.doing == TALKING and doing != WRAPPING_UP:
            floor.service[WRAP_ENDS, 0] += 1.0  # no wrap-up at all
        if doing != WRAPPING_UP:
            floor.returned = floor.returned * 0.99 + (doing != AWAY)
            floor.wrapped_up = floor.wrapped_up * 0.99 + 1.0
    agent.doing, agent.since, agent.counted = doing, now, now
    return 0


@njit(cache=True, nogil=True)
def _placed(floor: Floor, segment: int, now: float) -> int:
    if floor.calls_up >= floor.calls.size:
        return -1
    row = floor.order[floor.calls_up]
    call = floor.calls[row]
    call.stage, call.since, call.counted = PLACED, now, now
    call.person, call.segment, call.position = 0.0, min(max(segment, 0), MOST_SEGMENTS - 1), floor.calls_up
    floor.calls_up += 1
    floor.parts = max(floor.parts, call.segment + 1)
    floor.tokens -= 1.0
    return row


@njit(cache=True, nogil=True)
def _free(floor: Floor, row: int) -> None:
    floor.calls_up -= 1
    position = floor.calls[row].position
    other = floor.order[floor.calls_up]
    floor.order[position], floor.order[floor.calls_up] = other, row
    floor.calls[other].position, floor.calls[row].position = position, floor.calls_up
    floor.calls[row].stage = FREE


@njit(cache=True, nogil=True)
def _rings(floor: Floor, row: int, now: float) -> None:
    call = floor.calls[row]
    count_ringing(floor, row, now)
    floor.failed_in_row = 0
    floor.setup[BEGINS, min(int(now - call.since), SETUP_BINS - 1)] += 1.0
    call.stage, call.since, call.counted = RINGING, now, now


@njit(cache=True, nogil=True)
def _answered(floor: Floor, row: int, now: float) -> None:
    call = floor.calls[row]
    if call.stage == PLACED:
        _rings(floor, row, now)
    count_ringing(floor, row, now)
    learn_answer(floor, row)
    age = now - call.since
    # From here on `counted` keeps the age of ringing at the answer, for the verdict to be learnt by.
    call.stage, call.since, call.counted = LISTENING, now, age
    call.person = floor.person[min(int(age), RING_BINS - 1)]


@njit(cache=True, nogil=True)
def _call_goes_on(floor: Floor, kind: int, row: int, now: float) -> int:
    call = floor.calls[row]
    if kind == CALL_RINGS:
        if call.stage == PLACED:
            _rings(floor, row, now)
        return 0
    if kind == CALL_ANSWERED:
        if call.stage in (PLACED, RINGING):
            _answered(floor, row, now)
        return 0
    if kind in (PERSON_WAITS, MACHINE_ENDED, CALL_CONNECTED, CALL_DROPPED):
        if call.stage in (PLACED, RINGING):
            _answered(floor, row, now)
        if call.stage == LISTENING:
            if not floor.every_answer:
                floor.verdict_s += 0.05 * (min(now - call.since, 10.0) - floor.verdict_s)
            learn_verdict(floor, row, kind != MACHINE_ENDED or floor.every_answer != 0)
            call.stage, call.since = WAITING, now
            if kind != MACHINE_ENDED:
                floor.answers_seen += 1.0
                floor.priced += floor.allowed
        if kind == MACHINE_ENDED:
            floor.machines += 1.0
        elif kind == CALL_CONNECTED:
            floor.live += 1.0
        elif kind == CALL_DROPPED:
            floor.dropped += 1.0
        if kind != PERSON_WAITS:
            _free(floor, row)
        return 0
    if call.stage == PLACED:
        count_ringing(floor, row, now)
        if floor.failed_in_row < FAILURES_IN_ROW:
            floor.setup[FAILS, min(int(now - call.since), SETUP_BINS - 1)] += 1.0
        floor.failed_in_row += now - call.since < FAILS_WITHIN_S
        floor.outcomes += 1.0
    elif call.stage == RINGING:
        count_ringing(floor, row, now)
        floor.ring[ENDS, min(int(now - call.since), RING_BINS - 1)] += 1.0
        floor.outcomes += 1.0
    _free(floor, row)
    return 0
