"""Simulated days of a market, each paced by the same `events.receive` and `controller.step` as live calls."""

from dataclasses import dataclass

import numpy as np
from softswitch.pacing.agenda import HEAP
from softswitch.pacing.day import (
    BUSY_S,
    DIALS,
    DROPPED,
    FALLBACK_S,
    FIGURES,
    IN_S,
    LIVE,
    LOGGED_LINES,
    MACHINES,
    PEOPLE_LOST,
    SHIFT,
    SIDE,
    STEPS,
    TALK_S,
    WAITS,
    run_day,
)  # fmt: skip
from softswitch.pacing.floor import MOST_CALLS, Table, new_state
from softswitch.pacing.market import Market
from softswitch.pacing.policies import POLICIES, POLICY_PROGRESSIVE, POLICY_RATIO
from softswitch.pacing.replay import LOGGED, replay


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
    fallback_s: Table
    """(len(FALLBACKS),) for how long it dialled one call for each ready agent, and why; the first: it did not."""
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
    heap = np.zeros(MOST_CALLS + market.agents + 4, dtype=HEAP)
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
        fallback_s=figures[FALLBACK_S:],
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
