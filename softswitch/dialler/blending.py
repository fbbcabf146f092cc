"""Agents who serve inbound queues and campaigns at once: whom each campaign may count on at this moment. Pure.

All agents are on one board, and every call takes the longest-waiting one who may have it. What has to be shared out is
how many a campaign plans for: two campaigns that both dial for the same ready agent ring two people for one. So each
ready agent is counted on by one campaign only, the one that is furthest below its fair share; and as many as an inbound
queue needs for its service level, by Erlang C of its traffic, are counted on by none. Where too few are ready for that,
campaigns do not plan for as many of those who talk for them: the pool shrinks before the rush, not in it.
"""

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

from softswitch.dialler.agents import AgentBoard, AgentState
from softswitch.pacing.sharing import agents_for_inbound, outbound_pool

TRAFFIC_S = 900.0
"""Memory of a queue's arrivals; a quarter of an hour is the interval in which call centres count."""
FIRST_S = 120.0
"""A queue that is younger is taken to be so old: one early caller is no rush."""
HANDLE_S = 180.0
"""Of a call and its wrap-up, before any has ended."""
LEARNING_SHARE = 0.1
"""Of the newest call's handling time."""
FRESH_S = 1.0
"""How long an answer holds while nothing changes."""
_WITH_CALLS = (AgentState.RESERVED, AgentState.IN_CALL, AgentState.WRAP_UP)
_COMING_BACK = {AgentState.WRAP_UP: 0, AgentState.IN_CALL: 1}


@dataclass(frozen=True, slots=True)
class QueueNeeds:
    """What one inbound queue asks of the agents."""

    name: str
    """As the board has it for the agents in its calls."""
    agents: tuple[str, ...] = ()
    """Who has its skills; empty: all."""
    service_share: float = 0.0
    """Of its callers who are to be answered within `answer_within_s`, 0 to below 1; 0: it takes what is there."""
    answer_within_s: float = 20.0
    priority: int = 0


@dataclass(slots=True)
class _Queue:
    needs: QueueNeeds
    opened_at: float | None = None
    weight: float = 0.0
    """Arrivals, each of them forgotten in time."""
    weighed_at: float = 0.0
    handle_s: float = HANDLE_S

    def receive_caller(self, now: float) -> None:
        if self.opened_at is None:
            self.opened_at = self.weighed_at = now
        self.weight = self.weight * math.exp((self.weighed_at - now) / TRAFFIC_S) + 1.0
        self.weighed_at = now

    def arrivals_per_s(self, now: float) -> float:
        if self.opened_at is None:
            return 0.0
        seen_s = TRAFFIC_S * (1.0 - math.exp(-max(now - self.opened_at, FIRST_S) / TRAFFIC_S))
        return self.weight * math.exp((self.weighed_at - now) / TRAFFIC_S) / seen_s


@dataclass(slots=True)
class _Campaign:
    agents: tuple[str, ...]
    weight: float
    wants: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Allotment:
    """For one campaign."""

    ready: frozenset[str]
    """Ready agents whom it may count on."""
    lent: frozenset[str]
    """Agents who talk or wrap up for a campaign, and whom an inbound queue will need when they are back."""


class Blend:
    """One for the site. Asked by each campaign's pacing, told of traffic by the inbound calls."""

    def __init__(self, board: AgentBoard) -> None:
        self._board = board
        self._queues: dict[str, _Queue] = {}
        self._campaigns: dict[str, _Campaign] = {}
        self.waiting_in: Callable[[str], int] = lambda queue: 0
        """Callers who wait in a queue now."""
        self._known: dict[str, Allotment] = {}
        self._generation = -1
        self._known_at = -math.inf

    def add_queue(self, needs: QueueNeeds) -> None:
        self._queues[needs.name] = _Queue(needs)
        self._known_at = -math.inf

    def add_campaign(self, name: str, agents: tuple[str, ...], weight: float, wants: Callable[[], float]) -> None:
        """wants: how many ready agents it could use now, infinite where it dials on."""
        self._campaigns[name] = _Campaign(agents, weight, wants)
        self._known_at = -math.inf

    def receive_caller(self, queue: str, now: float) -> None:
        """Somebody has called."""
        if queue in self._queues:
            self._queues[queue].receive_caller(now)
            self._known_at = -math.inf

    def receive_handled(self, queue: str, handle_s: float) -> None:
        """A call of the queue took an agent so long, the wrap-up with it."""
        if queue in self._queues:
            one = self._queues[queue]
            one.handle_s += LEARNING_SHARE * (handle_s - one.handle_s)

    def wanted_for(self, queue: str, now: float) -> int:
        """Agents whom the queue's traffic needs for its service level. KeyError for one that nobody has."""
        one = self._queues[queue]
        if not one.needs.service_share:
            return 0
        most = sum(state is not AgentState.OFFLINE for _, state, *_ in self._board.doing(one.needs.agents))
        rate, within_s = one.arrivals_per_s(now), one.needs.answer_within_s
        return agents_for_inbound(rate, max(one.handle_s, 1.0), one.needs.service_share, within_s, most)

    def allotment(self, campaign: str, now: float) -> Allotment:
        """KeyError for a campaign that was never added."""
        if self._generation != self._board.generation or not 0 <= now - self._known_at < FRESH_S:
            self._known = self._shared_out(now)
            self._generation, self._known_at = self._board.generation, now
        return self._known[campaign]

    def _shared_out(self, now: float) -> dict[str, Allotment]:
        doing = {name: (state, of) for name, state, of, _ in self._board.doing()}
        ready = self._board.ready_agents()
        lent: set[str] = set()
        for queue in sorted(self._queues.values(), key=lambda each: -each.needs.priority):
            self._keep_for(queue, ready, lent, doing, now)
        given: dict[str, list[str]] = {name: [] for name in self._campaigns}
        wants = {name: one.wants() for name, one in self._campaigns.items()}
        working = dict.fromkeys(self._campaigns, 0)
        for state, of in doing.values():
            if of in working and state in _WITH_CALLS:
                working[of] += 1
        choices = {agent: [n for n, one in self._campaigns.items() if _may(agent, one.agents)] for agent in ready}
        for agent in sorted(ready, key=lambda each: len(choices[each])):  # of equal choice, who waits longest
            open_ones = [name for name in choices[agent] if len(given[name]) < wants[name]]
            if open_ones:
                # The next agent goes where the share per weight would stay lowest (Webster's divisor method).
                chosen = min(open_ones, key=lambda name: (working[name] + 0.5) / self._campaigns[name].weight)
                given[chosen].append(agent)
                working[chosen] += 1
        return {name: Allotment(frozenset(agents), frozenset(lent)) for name, agents in given.items()}

    def _keep_for(
        self,
        queue: _Queue,
        ready: list[str],
        lent: set[str],
        doing: dict[str, tuple[AgentState, str]],
        now: float,
    ) -> None:
        """Take out of `ready` whom the queue needs, and lend it for the rest those who will be back first."""
        needs = queue.needs
        free = [agent for agent in ready if _may(agent, needs.agents)]
        with_callers = sum(of == needs.name and state in _WITH_CALLS for state, of in doing.values())
        waiting, wanted = self.waiting_in(needs.name), self.wanted_for(needs.name, now)
        kept = free[: len(free) - outbound_pool(len(free), with_callers, waiting, wanted)]
        for agent in kept:
            ready.remove(agent)
        short = max(wanted - with_callers, waiting) - len(kept)
        coming = [
            agent
            for agent, (state, of) in doing.items()
            if state in _COMING_BACK and of in self._campaigns and agent not in lent and _may(agent, needs.agents)
        ]
        coming.sort(key=lambda agent: _COMING_BACK[doing[agent][0]])
        lent.update(coming[: max(short, 0)])


def _may(agent: str, agents: Collection[str]) -> bool:
    return not agents or agent in agents
