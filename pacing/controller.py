"""How many calls to place now: the one function that the live dialler, the simulator and a replay call.

The predictive rule: for moments ahead at which a call placed now would need an agent, count who will be taken then:
agents not free by that time, calls in flight that have taken one. That count is a sum of independent Bernoulli
variables with probabilities from life tables, so its distribution is exact by convolution. A call is worth placing
while the chance that it finds nobody stays under a threshold per live answer; the threshold is what is left of the
day's allowance (`budget`).

Never fewer than one call for each ready agent, never more than free channels and the trunk's calls per second, and for
no agent who is known to leave before the call would land. Nothing here ever cancels a call.
"""

import math

from numba import njit
from softswitch.pacing.budget import agents_in, errors_exceed, live_share, over_limit, threshold
from softswitch.pacing.convolution import add_moments, add_term, normal_tail
from softswitch.pacing.estimators import FAILURES_IN_ROW, count_agents, count_ringing, fade, segment_level, service_bin
from softswitch.pacing.floor import (
    EXACT_AGENTS,
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
from softswitch.pacing.forecast import tabulate_calls, tabulate_service
from softswitch.pacing.policies import (
    FALLBACK_COLD,
    FALLBACK_ERRORS,
    FALLBACK_NO_DATA,
    FALLBACK_OVER_LIMIT,
    FALLBACK_SPENT,
    FALLBACK_TRUNK,
    FALLBACK_UNCALIBRATED,
    POLICY_MANUAL,
    POLICY_PREDICTIVE,
    POLICY_RATIO,
)  # fmt: skip

EXACT_TERMS = 72
"""Longer sums take a normal approximation with one Edgeworth term; at most 0.4 point of utilisation lost."""
LINES_PER_AGENT = 30
"""A cap against absurd estimates; at 10 % answers about 2 lines per agent are in use."""
TABLES_EVERY_S = 5.0
AGENTS_MEMORY_S = 1800.0
"""The day is planned for the agents of the last half hour: that one of five takes a break is no news."""
SERVICE_EVERY_S = 20.0
CALIBRATION_FACTOR = 1.7
"""Observed answers may be so many times the predicted ones, or the other way round, and..."""
CALIBRATION_SIGMAS = 4.0
"""...this far beyond chance, before predictions count as off."""
LARGE_FLOOR = 100
"""Agents beyond whom ringing is counted more often than tables are made: in between answers run ahead of what was
expected of the calls that ring, and where a dozen do the charts take it for a jump."""
ANSWERS_OF_AN_AGENT = 10.0
"""In the memory of the calibration, a quarter of an hour, at two minutes a talk; a floor of shorter ones counts as a
larger one."""
COUNTED_S = 300.0
"""Between two counts of ringing for one agent: so long that as many answers come in between as with 60 agents and the
tables' five seconds."""
LONGEST_RING_S = 240.0
"""A call that has been on its way for longer has ended, and nobody said so."""


@njit(cache=True, nogil=True)
def advance(floor: Floor, now: float) -> None:
    """The clock goes on: agents' time, the trunk's tokens, forgetting, and the tables once they are old."""
    if floor.now != floor.now:
        floor.now = now
    elapsed_s = now - floor.now
    if elapsed_s > 0.0:
        agents = agents_in(floor)
        floor.agent_s += agents * min(elapsed_s, 60.0)
        if agents > 0:
            kept = math.exp(-min(elapsed_s, 60.0) / AGENTS_MEMORY_S) if floor.agents_of_late > 0.0 else 0.0
            floor.agents_of_late = kept * floor.agents_of_late + (1.0 - kept) * agents
        floor.now = now
        if floor.calls_per_s < math.inf:
            floor.tokens = min(floor.tokens + elapsed_s * floor.calls_per_s, max(floor.calls_per_s, 1.0))
    size = max(floor.agents_known, floor.observed / ANSWERS_OF_AN_AGENT)
    if size > LARGE_FLOOR and now - floor.counted_at >= COUNTED_S / size:
        floor.counted_at = now
        for index in range(floor.calls_up):
            count_ringing(floor, floor.order[index], now)
    if now - floor.tabled_at < TABLES_EVERY_S:
        return
    if floor.tabled_at > -math.inf:
        fade(floor, now - floor.tabled_at)
    floor.tabled_at = now
    for index in range(floor.calls_up):
        count_ringing(floor, floor.order[index], now)
    if now - floor.served_at >= SERVICE_EVERY_S:
        floor.served_at = now
        count_agents(floor, now)
        tabulate_service(floor)
    tabulate_calls(floor)


@njit(cache=True, nogil=True)
def step(state: Table, now: float) -> int:
    """Calls to place now, 0 or more; of preview, leads to show.

    state: (1,) FLOOR, brought up to date by `events.receive`.  now: monotonic seconds.  The same state and time give
    the same answer; the state then tells why (`allowed`, `fallback`).
    """
    floor = state[0]
    advance(floor, now)
    most = floor.channels_free
    if floor.calls_per_s < math.inf:
        most = min(most, int(floor.tokens))
    ready, agents = 0, 0
    latest_s = floor.landing_s[LANDINGS - 1]
    for row in range(floor.agents_known):
        agent = floor.agents[row]
        if agent.doing in (READY, TALKING, WRAPPING_UP):
            stays = agent.leaves_at > now + latest_s
            agents += 1
            ready += agent.doing == READY and stays
    floor.allowed, floor.fallback = 0.0, 0
    if agents == 0 or most <= 0 or floor.policy == POLICY_MANUAL:
        return 0
    flying = max(floor.calls_up - floor.bound, 0)
    least = int(min(max(ready - flying, 0), most))
    if floor.policy not in (POLICY_PREDICTIVE, POLICY_RATIO):
        return least
    floor.fallback = _fallback(floor, now)
    if floor.fallback != 0:
        return least
    if floor.policy == POLICY_RATIO:
        return int(min(max(math.ceil(floor.ratio * ready) - flying, least), most))
    floor.allowed = threshold(floor, agents, now)
    if floor.allowed <= 0.0:
        floor.fallback = FALLBACK_ERRORS if errors_exceed(floor) else FALLBACK_SPENT
        return least
    most = int(max(min(most, LINES_PER_AGENT * agents - flying), least))
    return predictive_dials(floor, agents, least, most, floor.allowed, now)


@njit(cache=True, nogil=True)
def _fallback(floor: Floor, now: float) -> int:
    """Why nothing may be dialled ahead now; 0: it may."""
    if over_limit(floor):
        return FALLBACK_OVER_LIMIT
    if floor.policy == POLICY_RATIO:
        return 0
    if floor.failed_in_row >= FAILURES_IN_ROW:
        return FALLBACK_TRUNK
    if floor.outcomes < 1.0 or floor.lands < 1e-6:
        return FALLBACK_COLD
    difference = abs(floor.observed - floor.predicted)
    if difference > CALIBRATION_SIGMAS * math.sqrt(floor.predicted + 4.0) and (
        floor.observed > CALIBRATION_FACTOR * floor.predicted or floor.predicted > CALIBRATION_FACTOR * floor.observed
    ):
        return FALLBACK_UNCALIBRATED
    for index in range(floor.calls_up):
        call = floor.calls[floor.order[index]]
        if call.stage != WAITING and now - call.since > LONGEST_RING_S:
            return FALLBACK_NO_DATA
    return 0


@njit(cache=True, nogil=True)
def _add(floor: Floor, probability: Table, size: int) -> None:
    """One more that may be taken at the landing times; size: of the exact distribution, 0 where it is not kept."""
    add_moments(floor.moments, probability)
    if size > 0:
        add_term(floor.sums, size, probability)


@njit(cache=True, nogil=True)
def _sum_up(floor: Floor, agents: int, size: int, now: float) -> int:
    """Distribution and moments of all that is known at the landing times; the number of calls that wait."""
    floor.moments[:, :] = 0.0
    if size > 0:
        floor.sums[:size, :] = 0.0
        floor.sums[0, :] = 1.0
    term = floor.term[:]
    for row in range(floor.agents_known):
        agent = floor.agents[row]
        if agent.doing == TALKING:
            term[:] = floor.talk_holds[service_bin(now - agent.since)]
        elif agent.doing == WRAPPING_UP:
            term[:] = floor.wrap_holds[service_bin(now - agent.since)]
        elif agent.doing == READY and agent.leaves_at < math.inf:
            term[:] = 0.0
        else:
            continue
        if agent.leaves_at < math.inf:
            for landing in range(LANDINGS):
                if agent.leaves_at <= now + floor.landing_s[landing]:
                    term[landing] = 1.0
        _add(floor, term, size)
    waiting = 0
    for index in range(floor.calls_up):
        call = floor.calls[floor.order[index]]
        age = now - call.since
        if call.stage == RINGING:
            term[:] = floor.ringing_takes[min(int(age), RING_BINS - 1)]
        elif call.stage == PLACED:
            term[:] = floor.placed_takes[min(int(age), SETUP_BINS - 1)]
        elif call.stage == LISTENING:
            term[:] = call.person
        else:
            waiting += 1
            continue
        if call.stage != LISTENING:
            scale = segment_level(floor, call.segment)
            if scale != 1.0:
                for landing in range(LANDINGS):
                    term[landing] = min(scale * term[landing], 0.98)
        _add(floor, term, size)
    return waiting


@njit(cache=True, nogil=True)
def marginal_drops(floor: Floor, free: int, size: int) -> float:
    """P(one more call finds every agent taken), the mean of its landing times.

    free: agents whom nobody waits for; the call is dropped where at least so many are taken.  That it also takes an
    agent from those who land after it was tried as a further term, and gained nothing.
    """
    moments = floor.moments
    own = 0.0
    for landing in range(LANDINGS):
        if size > 0:
            enough = 0.0
            for count in range(free):
                enough += floor.sums[count, landing]
            own += max(1.0 - enough, 0.0)
        else:
            own += normal_tail(moments[0, landing], moments[1, landing], moments[2, landing], free)
    return own / LANDINGS


@njit(cache=True, nogil=True)
def predictive_dials(floor: Floor, agents: int, least: int, most: int, allowed: float, now: float) -> int:
    """Calls to place, `least` to `most`, while `marginal_drops` per live answer is within `allowed`."""
    exact = agents <= EXACT_AGENTS and agents + floor.calls_up <= EXACT_TERMS
    size = agents if exact else 0
    waiting = _sum_up(floor, agents, size, now)
    if agents - waiting <= 0:
        return least
    term = floor.term[:]
    term[:] = floor.fresh_takes
    scale = segment_level(floor, floor.segment)
    per_live = 1.0 / live_share(floor)
    for landing in range(LANDINGS):
        term[landing] = min(scale * term[landing], 0.98)
    dials = 0
    while dials < most:
        if dials >= least and marginal_drops(floor, agents - waiting, size) * per_live > allowed:
            break
        dials += 1
        _add(floor, term, size)
    return dials
