"""What pacing knows at one moment: agents, calls, life tables, the day. One record, changed in place by events.

A state is a (1,) array of `FLOOR`, which kernels, the simulator, the live dialler and a replay share; a copy of it is
`state.copy()`. All times are monotonic seconds; agents and calls are named by their row.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from softswitch.pacing.policies import POLICY_PREDICTIVE

from softswitch.errors import UsageError

Table: TypeAlias = npt.NDArray[np.float64]
Floor: TypeAlias = Any
"""One record of FLOOR, as kernels see it: `state[0]`."""

# What an agent does.
AWAY = 0
READY = 1
TALKING = 2
WRAPPING_UP = 3
RESERVED = 4
"""Bound to a call before its answer (guaranteed): neither free for others nor awaited."""

# How far a call has come. A call that is over, or has its agent, has no row.
FREE = 0
PLACED = 1
"""The INVITE is out, nothing rings yet."""
RINGING = 2
LISTENING = 3
"""Answered, and AMD has not decided."""
WAITING = 4
"""A person without an agent: the two seconds run."""

RING_BINS = 64
"""1 s each, by age since the first ringing; the last is open."""
SETUP_BINS = 16
"""1 s each, by age since the INVITE; the last is open."""
HORIZON_S = 60
"""How far ahead landings are looked for; nobody rings longer (timer C apart) but for markets without a time-out."""
SERVICE_EDGES_S: Table = np.array([0.0, 2.0, 4.0, 7.0, 11.0, 16.0, 24.0, 40.0, 80.0, 160.0, 320.0])
"""Lower edges of the age bins of talk and wrap-up; the last is open."""
SERVICE_BINS = len(SERVICE_EDGES_S)
MOST_AGENTS = 1024
MOST_CALLS = 8192
EXACT_AGENTS = 80
"""Up to so many agents the convolution is exact."""
LANDINGS = 8
"""Moments looked at: quantiles of the time at which a call placed now would need an agent."""
MOST_SEGMENTS = 32
"""Parts of a campaign that may answer differently (list, carrier, hour): their levels are learnt one by one."""

# Rows of `ring`
TIME, PEOPLE, MACHINES, ENDS = 0, 1, 2, 3
# Rows of `setup`: time, ringing begins, ends
BEGINS, FAILS = 1, 2
# Rows of `service`
TALK_TIME, TALK_ENDS, WRAP_TIME, WRAP_ENDS = 0, 1, 2, 3

AGENT = np.dtype([("doing", "i8"), ("since", "f8"), ("counted", "f8"), ("leaves_at", "f8")], align=True)
"""counted: exposure is in the tables up to here.  leaves_at: a pause, shift end or roll check known in advance;
infinite where none is."""
CALL = np.dtype(
    [("stage", "i8"), ("since", "f8"), ("counted", "f8"), ("person", "f8"), ("segment", "i8"), ("position", "i8")],
    align=True,
)
"""since: when this stage began.  counted: exposure is in the tables up to here; once answered, the age of ringing at
the answer.  person: P(a person | answered then).  position: where `order` names this row."""
FLOOR = np.dtype(
    [
        # the campaign's settings: see `new_state`
        ("policy", "i8"), ("target", "f8"), ("limit", "f8"), ("ratio", "f8"), ("threshold", "f8"),
        ("patience_s", "f8"), ("every_answer", "i8"), ("false_positive_share", "f8"), ("calls_per_s", "f8"),
        # told by events: channels free, part of the campaign that is dialled, answers that the list has left, day's end
        ("channels_free", "i8"), ("segment", "i8"), ("answers_known", "f8"), ("ends_at", "f8"), ("bound", "i8"),
        # counts of the day
        ("live", "f8"), ("dropped", "f8"), ("machines", "f8"), ("answers_seen", "f8"), ("agent_s", "f8"),
        ("agents_of_late", "f8"),
        # clocks
        ("now", "f8"), ("tabled_at", "f8"), ("counted_at", "f8"), ("served_at", "f8"), ("tokens", "f8"),
        # slow scalars of the market
        ("verdict_s", "f8"), ("returned", "f8"), ("wrapped_up", "f8"), ("outcomes", "f8"),
        # calls that failed at set-up one after the other
        ("failed_in_row", "i8"),
        # the fast level of the answer rate, and the charts that notice its jumps
        ("level_seen", "f8"), ("level_expected", "f8"), ("rise", "f8"), ("fall", "f8"), ("rise_seen", "f8"),
        ("rise_expected", "f8"), ("fall_seen", "f8"), ("fall_expected", "f8"), ("jumps", "i8"),
        # predicted against observed answers
        ("predicted", "f8"), ("observed", "f8"),
        # what the last decision came to; P(a call placed now needs an agent); the sum of thresholds over live answers
        ("allowed", "f8"), ("fallback", "i8"), ("lands", "f8"), ("priced", "f8"),
        # rows: the first `agents_known` agents; the rows of calls that the first `calls_up` of `order` name; segments
        ("agents_known", "i8"), ("calls_up", "i8"), ("parts", "i8"), ("agents", AGENT, (MOST_AGENTS,)),
        ("calls", CALL, (MOST_CALLS,)), ("order", "i8", (MOST_CALLS,)),
        # life tables, and answers seen and expected by segment
        ("ring", "f8", (4, RING_BINS)), ("setup", "f8", (3, SETUP_BINS)), ("service", "f8", (4, SERVICE_BINS)),
        ("segments", "f8", (MOST_SEGMENTS, 2)),
        # made from them by `estimators`: answers per second of ringing at that age before the level, and P(a person |
        # answered at that age); when a call placed now would need an agent; P(taken at those moments) of an agent by a
        # ringing call, by one that does not ring yet, by one placed now, of a talking agent and of one in wrap-up
        ("hazards", "f8", (RING_BINS,)), ("person", "f8", (RING_BINS,)), ("landing_s", "f8", (LANDINGS,)),
        ("ringing_takes", "f8", (RING_BINS, LANDINGS)), ("placed_takes", "f8", (SETUP_BINS, LANDINGS)),
        ("fresh_takes", "f8", (LANDINGS,)), ("talk_holds", "f8", (SERVICE_BINS, LANDINGS)),
        ("wrap_holds", "f8", (SERVICE_BINS, LANDINGS)),
        # room to work in
        ("curves", "f8", (8, HORIZON_S + 1)), ("sums", "f8", (EXACT_AGENTS + 1, LANDINGS)),
        ("moments", "f8", (3, LANDINGS)), ("term", "f8", (LANDINGS,)),
    ],
    align=True,
)  # fmt: skip


def new_state(
    *,
    policy: int = POLICY_PREDICTIVE,
    target: float = 0.01,
    limit: float = 1.0,
    ratio: float = 1.0,
    patience_s: float = 2.0,
    every_answer_needs_an_agent: bool = False,
    false_positive_share: float = 0.0,
    ends_at: float = np.nan,
    calls_per_s: float = np.inf,
) -> np.ndarray:
    """An empty floor, (1,) FLOOR, with the priors of a market that nobody has seen yet.

    target: overflow (or, with `false_positive_share` of machine-classed calls, abandoned) share of the day.
    limit: running share at which nothing is dialled ahead any more.  ratio: lines per ready agent of policy `ratio`.
    patience_s: from the answer until a person without an agent is lost.  every_answer_needs_an_agent: AMD runs beside
    the agent or not at all.  ends_at: end of the day's dialling; NaN where unknown.
    Raises UsageError for shares that cannot be.
    """
    from softswitch.pacing.estimators import set_priors
    from softswitch.pacing.forecast import make_tables

    if not (0.0 <= target <= limit <= 1.0 and 0.0 <= false_positive_share <= 1.0):
        raise UsageError("the abandoned target must lie between 0 and the limit, and the limit under 1")
    if not (patience_s > 0.0 and ratio >= 0.0 and calls_per_s > 0.0):
        raise UsageError("patience and calls per second must be positive, the ratio not negative")
    state = np.zeros(1, dtype=FLOOR)
    floor = state[0]
    floor["agents"]["leaves_at"] = np.inf
    floor["calls"]["position"] = floor["order"] = np.arange(MOST_CALLS)
    floor["policy"], floor["target"], floor["limit"], floor["ratio"] = policy, target, limit, ratio
    floor["threshold"], floor["patience_s"] = np.nan, patience_s
    floor["every_answer"], floor["false_positive_share"] = every_answer_needs_an_agent, false_positive_share
    floor["channels_free"], floor["calls_per_s"] = MOST_CALLS, calls_per_s
    floor["ends_at"], floor["answers_known"] = ends_at, np.nan
    floor["now"], floor["tabled_at"], floor["served_at"] = np.nan, -np.inf, -np.inf
    floor["tokens"] = max(calls_per_s, 1.0)
    set_priors(state)
    make_tables(state)
    return state
