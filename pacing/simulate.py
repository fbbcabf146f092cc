"""A call centre's day, event by event, paced by the same `controller.step` and `Estimator` as live calls.

People and machines answer after log-normal times, the answer rate and the talk time drift, agents log in one after the
other and take breaks. AMD holds a call back until it knows; a person whom no agent has taken `patience_s` after the
answer is abandoned.
"""

import heapq
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields

import numpy as np
import numpy.typing as npt
from softswitch.pacing.controller import PacingState, step
from softswitch.pacing.estimators import Estimator
from softswitch.pacing.policies import POLICIES

from softswitch.errors import UsageError

TICK_S = 2.0  # 0.25-2.5 s differ by half a point at most; besides, each event that frees something asks at once


@dataclass(frozen=True, slots=True)
class Market:
    """Who is called and who calls. The defaults are the reference market that published figures refer to."""

    agents: int = 10
    day_s: float = 8 * 3600.0
    answer_rate: float = 0.2
    """P(any answer), people and machines."""
    machine_share: float = 0.3
    """Of answers."""
    failure_share: float = 0.06
    setup_mean_s: float = 2.5
    setup_cv: float = 0.4
    people_answer_mean_s: float = 9.5
    people_answer_cv: float = 0.55
    machine_answer_mean_s: float = 15.0
    machine_answer_cv: float = 0.25
    no_answer_s: float = 22.0
    amd_s: float = 1.5
    """From the answer to the verdict."""
    amd_false_positive_share: float = 0.02
    """People taken for machines; they are lost, and are not counted in the overflow."""
    patience_s: float = 2.0
    talk_mean_s: float = 120.0
    short_talk_share: float = 0.4
    short_talk_mean_s: float = 25.0
    """Exponential; the other talks are log-normal with `long_talk_cv`."""
    long_talk_cv: float = 0.8
    wrap_up_mean_s: float = 15.0
    """Erlang-2."""
    break_every_s: float = 55 * 60.0
    break_s: float = 360.0
    log_in_spread_s: float = 900.0
    rate_drift_sd: float = 0.2
    """Of the answer rate's logit, an Ornstein-Uhlenbeck process."""
    rate_drift_s: float = 45 * 60.0
    rate_jump_sd: float = 0.35
    rate_jump_every_s: float = 2 * 3600.0
    talk_drift_sd: float = 0.12
    talk_drift_s: float = 3600.0
    channels: int = 10_000
    abandoned_target: float = 0.03
    """The day's ceiling, which the published figures are for."""
    abandoned_limit: float = 0.05
    """A running rate over this stops dialling ahead; above the target, or every unlucky morning would be lost."""

    def __post_init__(self) -> None:
        if self.agents < 1 or self.day_s <= 0:
            raise UsageError("a market needs at least one agent and some time")
        for name in ("answer_rate", "machine_share", "failure_share", "amd_false_positive_share", "short_talk_share"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise UsageError(f"{name} is a share: it must lie between 0 and 1")
        if not 0.0 < self.answer_rate < 1.0:
            raise UsageError("answer_rate must lie between 0 and 1")

    @classmethod
    def from_mapping(cls, values: Mapping[str, object]) -> "Market":
        """From a TOML table. Raises UsageError for a name that is not a market's."""
        known = {field.name for field in fields(cls)}
        for name in values:
            if name not in known:
                raise UsageError(f"{name} is no market parameter; known are {', '.join(sorted(known))}")
        return cls(**values)  # type: ignore[arg-type]


@dataclass(slots=True)
class _Agent:
    state: str = "offline"
    since: float = 0.0
    break_due: float = 0.0
    logged_in_at: float = 0.0
    busy_s: float = 0.0
    away_s: float = 0.0
    waited_s: float = 0.0


class _Day:
    """The simulation's state: a heap of events and what they change."""

    def __init__(
        self, market: Market, policy: int, rng: np.random.Generator, clock: Callable[[], float] | None
    ) -> None:
        self.market, self.policy, self.rng, self.clock = market, policy, rng, clock
        self.estimator = Estimator()
        self.heap: list[tuple[float, int, Callable[..., None], tuple[object, ...]]] = []
        self.serial = 0
        self.now = 0.0
        self.agents = [_Agent() for _ in range(market.agents)]
        self.ready: deque[_Agent] = deque()
        self.ringing: dict[int, float] = {}
        self.waiting: dict[int, float] = {}
        self.calls = 0
        self.dials = self.live = self.abandoned = self.false_positives = self.machines = 0
        self.talk_s = 0.0
        self.steps = 0
        self.step_s = 0.0
        self.rate_drift = rng.normal(0.0, market.rate_drift_sd)
        self.rate_jump = 0.0
        self.talk_drift = rng.normal(0.0, market.talk_drift_sd)

    def at(self, delay: float, what: Callable[..., None], *arguments: object) -> None:
        self.serial += 1
        heapq.heappush(self.heap, (self.now + delay, self.serial, what, arguments))

    def run(self) -> None:
        market = self.market
        for agent in self.agents:
            self.at(self.rng.uniform(0.0, market.log_in_spread_s), self.log_in, agent)
        self.at(0.0, self.tick)
        self.at(60.0, self.drift)
        while self.heap and self.heap[0][0] <= market.day_s:
            self.now, _, what, arguments = heapq.heappop(self.heap)
            what(*arguments)
        self.now = market.day_s
        for agent in self.agents:
            self.leave_state(agent)

    # -- the market's drift

    def drift(self) -> None:
        market, rng = self.market, self.rng
        pull = math.exp(-60.0 / market.rate_drift_s)
        self.rate_drift = self.rate_drift * pull + rng.normal(0.0, market.rate_drift_sd * math.sqrt(1 - pull * pull))
        pull = math.exp(-60.0 / market.talk_drift_s)
        self.talk_drift = self.talk_drift * pull + rng.normal(0.0, market.talk_drift_sd * math.sqrt(1 - pull * pull))
        if rng.random() < 60.0 / market.rate_jump_every_s:
            self.rate_jump = rng.normal(0.0, market.rate_jump_sd)
        self.at(60.0, self.drift)

    def answer_rate(self) -> float:
        logit = math.log(self.market.answer_rate / (1.0 - self.market.answer_rate)) + self.rate_drift + self.rate_jump
        return 1.0 / (1.0 + math.exp(-logit))

    def log_normal(self, mean: float, cv: float) -> float:
        sigma = math.sqrt(math.log1p(cv * cv))
        return float(self.rng.lognormal(math.log(mean) - 0.5 * sigma * sigma, sigma))

    # -- agents

    def leave_state(self, agent: _Agent) -> None:
        spent = self.now - agent.since
        if agent.state in {"talk", "wrap"}:
            agent.busy_s += spent
        elif agent.state == "ready":
            agent.waited_s += spent
        elif agent.state == "break":
            agent.away_s += spent

    def enter(self, agent: _Agent, state: str) -> None:
        self.leave_state(agent)
        agent.state, agent.since = state, self.now

    def log_in(self, agent: _Agent) -> None:
        agent.since = agent.logged_in_at = self.now
        agent.state = "break"
        agent.break_due = self.now + self.rng.uniform(0.5, 1.5) * self.market.break_every_s
        self.become_ready(agent)

    def become_ready(self, agent: _Agent) -> None:
        self.enter(agent, "ready")
        self.ready.append(agent)
        self.match()
        self.pace()

    def wrapped_up(self, agent: _Agent) -> None:
        on_break = self.now >= agent.break_due
        self.estimator.receive_wrap_up(self.now - agent.since, returned=not on_break)
        if on_break:
            self.enter(agent, "break")
            agent.break_due = self.now + self.market.break_s + self.rng.uniform(0.5, 1.5) * self.market.break_every_s
            self.at(self.market.break_s, self.become_ready, agent)
        else:
            self.become_ready(agent)

    def hang_up(self, agent: _Agent) -> None:
        self.estimator.receive_talk(self.now - agent.since)
        self.talk_s += self.now - agent.since
        self.enter(agent, "wrap")
        self.at(self.rng.gamma(2.0, self.market.wrap_up_mean_s / 2.0), self.wrapped_up, agent)

    def match(self) -> None:
        while self.waiting and self.ready:
            del self.waiting[next(iter(self.waiting))]
            agent = self.ready.popleft()
            self.live += 1
            self.enter(agent, "talk")
            self.at(self.talk(), self.hang_up, agent)

    def talk(self) -> float:
        market = self.market
        scale = math.exp(self.talk_drift)
        if self.rng.random() < market.short_talk_share:
            return float(self.rng.exponential(market.short_talk_mean_s)) * scale
        short = market.short_talk_share * market.short_talk_mean_s
        return (
            self.log_normal((market.talk_mean_s - short) / (1.0 - market.short_talk_share), market.long_talk_cv) * scale
        )

    # -- calls

    def dial(self) -> None:
        market, rng = self.market, self.rng
        self.calls += 1
        self.dials += 1
        call = self.calls
        self.ringing[call] = self.now
        setup = self.log_normal(market.setup_mean_s, market.setup_cv)
        if rng.random() < market.failure_share:
            self.at(setup, self.fail, call)
            return
        machine = rng.random() < market.machine_share
        rings = (
            self.log_normal(market.machine_answer_mean_s, market.machine_answer_cv)
            if machine
            else self.log_normal(market.people_answer_mean_s, market.people_answer_cv)
        )
        if rng.random() < self.answer_rate():
            self.at(setup + min(rings, market.no_answer_s), self.answer, call, machine)
        else:
            self.at(setup + market.no_answer_s, self.fail, call)

    def fail(self, call: int) -> None:
        self.estimator.receive_attempt_outcome(False, False, self.now - self.ringing.pop(call))
        self.pace()

    def answer(self, call: int, machine: bool) -> None:
        """The call stays among the ringing until AMD has decided: only then does it need an agent or none."""
        delay = min(self.market.amd_s, self.market.patience_s)
        if machine:
            self.machines += 1
            self.at(delay, self.resolve, call, False)
        elif self.rng.random() < self.market.amd_false_positive_share:
            self.false_positives += 1
            self.at(delay, self.resolve, call, False)
        else:
            self.at(delay, self.resolve, call, True)

    def resolve(self, call: int, live: bool) -> None:
        self.estimator.receive_attempt_outcome(True, live, self.now - self.ringing.pop(call))
        if live:
            self.waiting[call] = self.now
            self.match()
        if call in self.waiting:
            self.at(max(self.market.patience_s - self.market.amd_s, 0.0), self.lose_patience, call)
        self.pace()

    def lose_patience(self, call: int) -> None:
        if self.waiting.pop(call, None) is not None:
            self.abandoned += 1

    # -- pacing

    def tick(self) -> None:
        self.pace()
        self.at(TICK_S, self.tick)

    def ages(self, state: str) -> npt.NDArray[np.float64]:
        return np.array([self.now - agent.since for agent in self.agents if agent.state == state], dtype=np.float64)

    def pace(self) -> None:
        started = self.clock() if self.clock else 0.0
        dials = step(self.pacing_state())
        if self.clock:
            self.step_s += self.clock() - started
        self.steps += 1
        for _ in range(dials):
            self.dial()

    def pacing_state(self) -> PacingState:
        market = self.market
        return PacingState(
            agents_ready=len(self.ready),
            talk_ages_s=self.ages("talk"),
            wrap_ages_s=self.ages("wrap"),
            ringing_ages_s=np.array([self.now - placed for placed in self.ringing.values()], dtype=np.float64),
            answered_waiting=len(self.waiting),
            estimates=self.estimator.estimates(),
            live_today=self.live,
            abandoned_today=float(self.abandoned),
            channels_free=max(market.channels - len(self.ringing), 0),
            target=market.abandoned_target,
            limit=market.abandoned_limit,
            policy=self.policy,
            answers_left=self.answers_left(),
            every_answer_needs_an_agent=False,
        )

    def answers_left(self) -> float:
        """What the rest of the day may bring at the pace so far, starting from a call in 200 s for each agent."""
        trust_s = 1800.0
        pace = (self.live + self.market.agents * trust_s / 200.0) / (self.now + trust_s)
        return pace * (self.market.day_s - self.now)


def simulate(
    market: Market | Mapping[str, object] | None = None,
    *,
    policy: str = "predictive",
    seed: int = 1,
    clock: Callable[[], float] | None = None,
) -> dict[str, float | int | str]:
    """One day of a market under a policy, JSON-ready.

    policy: progressive, predictive or guaranteed_agent.  clock: a source of seconds, if the steps are to be timed.
    utilisation: talk and wrap-up over the time logged in, less breaks.
    overflow_rate: abandoned / (abandoned + connected).
    """
    if not isinstance(market, Market):
        market = Market.from_mapping(market or {})
    if policy not in POLICIES:
        raise UsageError(f"there is no pacing policy {policy!r}; choose one of {', '.join(POLICIES)}")
    day = _Day(market, POLICIES[policy], np.random.default_rng(seed), clock)
    day.run()
    logged_in = sum(day.now - agent.logged_in_at - agent.away_s for agent in day.agents)
    answered = day.live + day.abandoned
    return {
        "policy": policy,
        "agents": market.agents,
        "answer_rate": market.answer_rate,
        "seed": seed,
        "utilisation": sum(agent.busy_s for agent in day.agents) / logged_in,
        "overflow_rate": day.abandoned / answered if answered else 0.0,
        "idle_wait_s": sum(agent.waited_s for agent in day.agents) / max(day.live, 1),
        "talk_min_per_agent_hour": day.talk_s / logged_in * 60.0,
        "dials": day.dials,
        "connected": day.live,
        "abandoned": day.abandoned,
        "machines": day.machines,
        "false_positives": day.false_positives,
        "steps": day.steps,
        "us_per_step": day.step_s / max(day.steps, 1) * 1e6 if clock else math.nan,
    }


def describe(market: Market) -> dict[str, object]:
    """The market's parameters by name."""
    return asdict(market)
