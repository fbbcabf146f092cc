"""A floor that tests tell what happens on it."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from softswitch.pacing import events
from softswitch.pacing.controller import step
from softswitch.pacing.events import receive
from softswitch.pacing.floor import READY, TALKING, WRAPPING_UP, new_state


@dataclass
class Floor:
    """A pacing state and its clock."""

    state: np.ndarray
    now: float = 0.0
    agents: int = field(default=0)

    def tell(self, kind: int, row: int = 0, value: float = 0.0, at: float | None = None) -> int:
        return receive(self.state, kind, row, float(value), self.now if at is None else at)

    def agent(self, doing: int, since: float | None = None) -> int:
        """One more agent, who has done this since then."""
        row, self.agents = self.agents, self.agents + 1
        self.tell(events.AGENT_DOES, row, doing, self.now if since is None else since)
        return row

    def place(self, count: int = 1, age_s: float = 0.0, rings_s: float | None = None) -> list[int]:
        """Calls on their way for `age_s`, ringing for the last `rings_s` of it."""
        rows = [self.tell(events.CALL_PLACED, at=self.now - age_s) for _ in range(count)]
        if rings_s is not None:
            for row in rows:
                self.tell(events.CALL_RINGS, row, at=self.now - rings_s)
        return rows

    def step(self) -> int:
        return step(self.state, self.now)

    def __getitem__(self, name: str) -> float:
        return self.state[name][0]


def teach(floor: Floor, *, rate: float = 0.2, people: float = 0.7, calls: int = 1500, seed: int = 11) -> None:
    """Let it see calls, one each two seconds, and talks: people answer after 3-15 s, nobody rings longer than 22 s.

    Nobody is in and nothing is up when it ends.
    """
    rng = np.random.default_rng(seed)
    happens: list[tuple[float, int, str, int]] = []
    for index in range(calls):
        placed = floor.now + 2.0 * index
        answers = rng.random() < rate
        ends = placed + 2.0 + (rng.uniform(3.0, 15.0) if answers else 22.0)
        outcome = "none" if not answers else ("person" if rng.random() < people else "machine")
        happens += [(placed, index, "place", 0), (placed + 2.0, index, "ring", 0), (ends, index, outcome, 0)]
        if outcome != "none":
            happens.append((ends + 1.5, index, f"{outcome} told", 0))
    talk_from = floor.now
    rows: dict[int, int] = {}
    for at, index, what, _ in sorted(happens):
        floor.now = at
        if what == "place":
            rows[index] = floor.tell(events.CALL_PLACED)
            floor.step()
        elif what == "ring":
            floor.tell(events.CALL_RINGS, rows[index])
        elif what == "none":
            floor.tell(events.CALL_ENDED, rows[index])
        elif what in ("person", "machine"):
            floor.tell(events.CALL_ANSWERED, rows[index])
        else:
            connected = what == "person told"
            floor.tell(events.CALL_CONNECTED if connected else events.MACHINE_ENDED, rows[index])
    until = floor.now
    row = 1000
    at = talk_from
    for _ in range(200):
        talk_s, wrap_s = rng.exponential(100.0), rng.gamma(2.0, 7.5)
        for doing in (TALKING, WRAPPING_UP, READY):
            floor.tell(events.AGENT_DOES, row, doing, at=at)
            at += {TALKING: talk_s, WRAPPING_UP: wrap_s, READY: 0.0}[doing]
    floor.tell(events.AGENT_DOES, row, 0, at=at)
    floor.now = max(until, at) + 30.0
    floor.step()


@pytest.fixture
def floor() -> Floor:
    """Cold: it has seen nothing."""
    return Floor(new_state(target=0.03))


@pytest.fixture(scope="session")
def _taught() -> Floor:
    made = Floor(new_state(target=0.03))
    teach(made)
    return made


@pytest.fixture
def taught(_taught: Floor) -> Floor:
    """One that knows the market of `teach`, with an allowance that is hardly touched."""
    return Floor(_taught.state.copy(), _taught.now)
