"""The day's allowance of abandoned calls: what is left of it, and how dearly the next live answer may be bought.

Abandoned share = (A + F) / (A + F + L): A drops, F the expected false positives of AMD, L live calls. What may still be
dropped is the target's share of all answers of the day, those to come included, less what is spent.
"""

import math

from numba import njit
from softswitch.pacing.floor import AWAY, LANDINGS, Floor

ANSWERS_PRIOR_S = 200.0
"""A live call for each agent in so many seconds, until the day tells better."""
PACE_PRIOR_S = 1800.0
"""That guess is worth so much of a day."""
DEFAULT_ANSWERS_LEFT = 150.0
"""Live answers to plan for where nobody knows the day's end: about an hour of a small site."""
RESERVE_SPREADS = 2.5
"""Drops kept back, in standard deviations of the number of people who answer while a call lands: drops come in clumps,
before what is in the air is known to have gone wrong, and a jump of the answer rate in the last minutes of a day leaves
no time to make up for them. Some 0.3 people answer meanwhile with 5 agents, 0.7 with 10, 1.4 with 20, 5 with 60, and 3
where 10 agents have talks of a moment."""
RESERVE_FREE = 0.6
"""Of each standard deviation over so many people one more drop is kept back: the more people answer at once, the larger
clumps are beyond their spread. Clumps of three to five were what put days of 10 and 20 agents over their target."""
SLOW_ENOUGH = 0.45
MOST_MISSED = 4.0
"""Drops kept back where one call for each ready agent brings less than so great a share of today's answers, up to so
many as that share goes to nothing. Once the allowance is spent those answers do not come, and with them goes what they
would have allowed; over this share the reserve covers it. Without this 2.0 to 5.5 % of days of 3 to 5 agents were over
where one call in twenty is answered."""
SLOWNESS = 2.0
SLOWNESS_PER_RESERVE = 0.8
"""How the allowance is stretched when little of it is left: see `drops_to_plan`."""
LEAST_PLANNED = 0.02
"""Drops that are risked in the rest of the day where only the reserve is left: the first steps ahead cost almost
nothing, and already keep agents far busier than one call for each does."""
DAMPING_ANSWERS = 4.0
MOST_TARGETS = 2.0
"""Never a faster spending than so many times the target, whatever is left; and ever less, down to the target itself, in
the last answers of a day, so many as one drop takes to be made up for (1 / target): busier last minutes are worth
little, and a clump of drops in them is never made up for."""
FIRST_GAIN = 0.65
GAIN_DROPS = 25.0
LEAST_GAIN, MOST_GAIN = 0.2, 3.0
"""Threshold over drops per live answer: it begins at `FIRST_GAIN`, which counts as much as `GAIN_DROPS` drops."""
WARM_OUTCOMES = 40.0
"""Attempt outcomes at which half of the allowance is believed to be understood."""


@njit(cache=True, nogil=True)
def agents_in(floor: Floor) -> int:
    """Agents who are not away."""
    count = 0
    for row in range(floor.agents_known):
        count += floor.agents[row].doing != AWAY
    return count


@njit(cache=True, nogil=True)
def live_share(floor: Floor) -> float:
    """Share of the calls that need an agent which are people's: less than 1 where machines come to agents too."""
    if not floor.every_answer:
        return 1.0
    return min((floor.live + floor.dropped + 15.0) / (floor.answers_seen + 20.0), 1.0)


@njit(cache=True, nogil=True)
def people_per_s(floor: Floor, agents: int) -> float:
    """Live answers (connected or not) to be expected with the agents of late, at today's pace for each of them."""
    staff = min(floor.agents_of_late, 1.2 * agents + 1.0) if floor.agents_of_late > 0.0 else 1.0 * agents
    prior_s = PACE_PRIOR_S * staff
    pace = (floor.answers_seen + prior_s / ANSWERS_PRIOR_S) / (floor.agent_s + prior_s)
    return live_share(floor) * pace * staff


@njit(cache=True, nogil=True)
def answers_left(floor: Floor, agents: int, now: float) -> float:
    """Live answers expected in the rest of the day."""
    left = DEFAULT_ANSWERS_LEFT
    if floor.ends_at == floor.ends_at:
        left = people_per_s(floor, agents) * max(floor.ends_at - now, 0.0)
    if floor.answers_known == floor.answers_known:
        left = min(left, max(floor.answers_known, 0.0))
    return left


@njit(cache=True, nogil=True)
def spent(floor: Floor) -> float:
    """Drops and expected false positives so far."""
    return floor.dropped + floor.machines * floor.false_positive_share


@njit(cache=True, nogil=True)
def allowance_left(floor: Floor, left: float) -> float:
    """Drops that the day may still have if `left` live answers are to come; under 0 once it is overdrawn."""
    false_ones = floor.machines * floor.false_positive_share
    answered = floor.live + floor.dropped
    false_to_come = left * false_ones / max(answered, 1.0)
    return floor.target * (answered + left + false_ones + false_to_come) - spent(floor) - false_to_come


@njit(cache=True, nogil=True)
def errors_exceed(floor: Floor) -> bool:
    """The expected false positives alone are over the target: nothing was ever left to spend."""
    false_ones = floor.machines * floor.false_positive_share
    return false_ones > floor.target * (floor.live + floor.dropped + false_ones)


@njit(cache=True, nogil=True)
def over_limit(floor: Floor) -> bool:
    """The running share is at the limit over which nothing is dialled ahead."""
    gone = spent(floor)
    return gone > 0.0 and floor.limit < 1.0 and gone >= floor.limit * (floor.live + gone)


@njit(cache=True, nogil=True)
def gain(floor: Floor) -> float:
    """Threshold over the drops that it leads to, per live answer, as this day has shown it: the slow trim.

    It cannot wind up: it counts thresholds only while something is dialled ahead, and its range is bounded.
    """
    seen = (floor.priced + FIRST_GAIN * GAIN_DROPS) / (floor.dropped + GAIN_DROPS)
    return min(max(seen, LEAST_GAIN), MOST_GAIN)


@njit(cache=True, nogil=True)
def drops_to_plan(allowance: float, reserve: float) -> float:
    """Drops to be planned for in the rest of the day, of an allowance that must not be overdrawn.

    Utilisation over that of one call for each ready agent grows about with a small power of the overflow, so an even
    spending is best; but the last drop that is allowed ends it, and the less is left, the more it is worth to have it
    left. The form was fitted to the solution of that control problem (dynamic programming over time and allowance,
    with clumps and a forecast of answers that is some per cent off), which hardly depends on the time that is left:
    nothing where the next drop is one too many, next to nothing within the reserve, a fifth of three, half of six, all
    but three or four of many.
    """
    if allowance <= 1.0:
        return 0.0
    rest = max(allowance - reserve, 0.0)
    planned = allowance * rest / (allowance + SLOWNESS + SLOWNESS_PER_RESERVE * reserve)
    return max(planned, LEAST_PLANNED)


@njit(cache=True, nogil=True)
def kept_back(spread: float) -> float:
    """The reserve, in drops. spread: standard deviation of the people who answer while a call lands."""
    return RESERVE_SPREADS * spread + max(spread - RESERVE_FREE, 0.0)


@njit(cache=True, nogil=True)
def drops_missed(floor: Floor, agents: int, left: float) -> float:
    """Drops to keep back for the answers that would not come if nothing were dialled ahead in the rest of the day.

    left: live answers expected at today's pace.
    """
    pace = people_per_s(floor, agents)
    if pace <= 0.0 or floor.lands <= 0.0:
        return 0.0
    conversation_s = agents / pace  # from one to the next of an agent
    slow = conversation_s / (conversation_s + floor.landing_s[LANDINGS - 1] / floor.lands)  # call after call
    return min(floor.target * left * (1.0 - slow), MOST_MISSED * max(1.0 - slow / SLOW_ENOUGH, 0.0))


@njit(cache=True, nogil=True)
def threshold(floor: Floor, agents: int, now: float) -> float:
    """Greatest chance of a drop that a marginal live answer may have; 0 forbids dialling ahead."""
    if floor.threshold == floor.threshold:
        return floor.threshold
    left = answers_left(floor, agents, now)
    coming = people_per_s(floor, agents) * floor.landing_s[LANDINGS // 2]
    allowance = allowance_left(floor, left) - drops_missed(floor, agents, left)
    planned = drops_to_plan(allowance, kept_back(math.sqrt(coming)))
    most = floor.target * (1.0 + (MOST_TARGETS - 1.0) * min(left * floor.target, 1.0))
    share = min(planned / (left + DAMPING_ANSWERS), most)
    return min(gain(floor) * share, 0.5) * floor.outcomes / (floor.outcomes + WARM_OUTCOMES)
