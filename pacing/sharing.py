"""How many agents campaigns may count on: inbound queues come first where callers would wait too long."""

import math

from softswitch.errors import UsageError


def waits_longer(offered: float, agents: int, handle_s: float, within_s: float) -> float:
    """P(a caller waits longer than `within_s`): M/M/c, Erlang C. 1 where the agents are too few for the traffic.

    offered: traffic in erlangs, arrivals per second times handling time.
    """
    if offered <= 0.0:
        return 0.0
    if agents <= offered:
        return 1.0
    blocked = 1.0  # Erlang B by its recursion
    for count in range(1, agents + 1):
        blocked = offered * blocked / (count + offered * blocked)
    waits = agents * blocked / (agents - offered * (1.0 - blocked))
    return waits * math.exp(-(agents - offered) * within_s / handle_s)


def agents_for_inbound(arrivals_per_s: float, handle_s: float, share: float, within_s: float, most: int) -> int:
    """Fewest agents with whom `share` of callers are answered within `within_s` s; `most` where none suffice.

    Raises UsageError for numbers that cannot be.
    """
    if not (arrivals_per_s >= 0.0 and handle_s > 0.0 and within_s >= 0.0 and 0.0 <= share < 1.0 and most >= 0):
        raise UsageError("arrivals, handling time, waiting time, share and agents must be possible ones")
    offered = arrivals_per_s * handle_s
    for agents in range(most + 1):
        if waits_longer(offered, agents, handle_s, within_s) <= 1.0 - share:
            return agents
    return most


def outbound_pool(ready: int, with_callers: int, waiting: int, wanted: int) -> int:
    """Ready agents whom campaigns may count on: those left when inbound has its `wanted` agents and every caller one.

    with_callers: agents in inbound calls (or their wrap-up) now.  waiting: callers in the queues.  The controller plans
    a landing time ahead, so `wanted` should be for the traffic expected then: the pool shrinks before the rush.
    """
    for_inbound = max(wanted - with_callers, waiting, 0)
    return max(ready - for_inbound, 0)
