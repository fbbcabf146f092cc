"""The shift in steps of five minutes, for its charts: dials, conversations, missed calls, what agents did. Pure.

It is told what happens with the wall clock of the site, and begins anew with each calendar day. What happened before
the process was started comes from the journal, by the same ways.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

STEP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Interval:
    """Five minutes."""

    begins: datetime
    dials: int
    conversations: int
    """Live calls that got an agent."""
    missed: float
    """Abandoned, with what is estimated of the detector's errors."""
    rate: float
    """Missed share of the day's live calls, by the end of the interval: 0-1."""
    agents: dict[str, float]
    """How many were in each state, in the mean: by state."""


@dataclass(slots=True)
class _Step:
    dials: int = 0
    conversations: int = 0
    missed: float = 0.0
    agent_s: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))


class ShiftBook:
    """Counts the shift as it goes on; `intervals` has it in steps."""

    def __init__(self) -> None:
        self._steps: dict[datetime, _Step] = {}
        self._agents: dict[str, tuple[str, datetime]] = {}
        self._totals: dict[str, tuple[int, int, float]] = {}
        """By campaign, the day's counts so far."""

    def receive_totals(self, campaign: str, dials: int, live: int, missed: float, wall: datetime) -> None:
        """What a campaign's day has come to. What the first look finds is in the journal, of another process."""
        known = self._totals.get(campaign)
        self._totals[campaign] = (dials, live, missed)
        if known is None:
            return
        if dials < known[0] or live < known[1]:  # midnight
            known = (0, 0, 0.0)
        self.receive(dials - known[0], live - known[1], max(0.0, missed - known[2]), wall)

    def receive(self, dials: int, conversations: int, missed: float, wall: datetime) -> None:
        """So many more, at this moment."""
        if dials or conversations or missed:
            step = self._step(wall)
            step.dials += dials
            step.conversations += conversations
            step.missed += missed

    def receive_agent(self, agent: str, state: str, wall: datetime) -> None:
        """What an agent does from now on."""
        self._account(agent, wall)
        self._agents[agent] = (state, wall)

    def intervals(self, wall: datetime) -> tuple[Interval, ...]:
        """The day until now, from the first interval in which anything happened."""
        for agent in self._agents:
            self._account(agent, wall)
        today = [(begins, step) for begins, step in sorted(self._steps.items()) if begins.date() == wall.date()]
        self._steps = dict(today)
        found: list[Interval] = []
        conversations = missed = 0.0
        at, last = (today[0][0], _begin(wall)) if today else (wall, wall)
        while today and at <= last:
            step = self._steps.get(at, _Step())
            conversations += step.conversations
            missed += step.missed
            rate = missed / (missed + conversations) if missed else 0.0
            lasts_s = min(STEP, wall - at).total_seconds()
            agents = {state: seconds / lasts_s for state, seconds in step.agent_s.items()} if lasts_s > 0 else {}
            found.append(Interval(at, step.dials, step.conversations, round(step.missed, 2), rate, agents))
            at += STEP
        return tuple(found)

    def _account(self, agent: str, wall: datetime) -> None:
        state, since = self._agents.get(agent, ("", wall))
        while state and since < wall:
            until = min(wall, _begin(since) + STEP)
            self._step(since).agent_s[state] += (until - since).total_seconds()
            since = until
        if state:
            self._agents[agent] = (state, max(since, wall))

    def _step(self, wall: datetime) -> _Step:
        return self._steps.setdefault(_begin(wall), _Step())


def _begin(wall: datetime) -> datetime:
    return wall.replace(minute=wall.minute - wall.minute % 5, second=0, microsecond=0)
