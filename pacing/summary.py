"""Figures of many simulated days, with their confidence intervals."""

import math
from collections.abc import Callable, Sequence

import numpy as np
from softswitch.pacing.baselines import BASELINES
from softswitch.pacing.market import Market
from softswitch.pacing.policies import FALLBACKS, POLICIES
from softswitch.pacing.replay import replay
from softswitch.pacing.simulate import Day, day_of, false_positive_share

from softswitch.errors import UsageError

KNOWN = POLICIES | BASELINES
TIMED_S = 1800.0
"""So much of a day is replayed to time the decisions."""
SETTINGS: dict[str, list[tuple[float, ...]]] = {
    "ratio": [(1.0 + 0.25 * step,) for step in range(45)],
    "mean_matching": [(0.2 + 0.05 * step,) for step in range(27)],
    "vicidial": [
        (method, waiting, most, limit)
        for method in (0.0, 1.0, 2.0)
        for waiting in (-2.0, -1.0, 0.0)
        for most in (1.5, 2.0, 3.0)
        for limit in (0.005, 0.03)
    ],
}
"""What hindsight may choose from. VICIdial: method (hard limit, average, tapered), target, greatest level, limit."""
MOST_SETTING = 1000.0
DEFAULT_SETTING = {"ratio": (2.0,), "mean_matching": (0.9,), "vicidial": (2.0, -1.0, 3.0, 0.03)}


def wilson(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """Interval of a share (Wilson score)."""
    if of == 0:
        return 0.0, 1.0
    share = hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def interval(values: np.ndarray) -> tuple[float, float]:
    """95 % of a mean over days (normal; days are independent). (-inf, inf) of one day."""
    if values.size < 2:
        return -math.inf, math.inf
    half = 1.96 * float(values.std(ddof=1)) / math.sqrt(values.size)
    return float(values.mean()) - half, float(values.mean()) + half


def simulate(
    market: Market,
    *,
    policy: str = "predictive",
    target: float | None = None,
    with_amd_errors: bool = False,
    setting: tuple[float, ...] | None = None,
    days: int = 1,
    seed: int = 1,
    clock: Callable[[], float] | None = None,
    tell: Callable[[], None] = lambda: None,
) -> dict[str, object]:
    """Figures of `days` days from `seed` on, JSON-ready; shares are 0-1, intervals are pairs.

    target: of the overflow, or of the abandoned rate where `with_amd_errors`; the market's own without one.
    setting: what a baseline takes; see `SETTINGS`.  tell: called after each day.
    Raises UsageError for an unknown policy, or a setting that it does not take.
    """
    if policy not in KNOWN:
        raise UsageError(f"there is no pacing policy {policy!r}; choose one of {', '.join(KNOWN)}")
    if setting is not None:
        wanted = len(DEFAULT_SETTING.get(policy, ()))
        if len(setting) != wanted or not all(abs(value) <= MOST_SETTING for value in setting):
            raise UsageError(f"{policy} takes {wanted} settings, numbers up to {MOST_SETTING:g}")
    if days < 1:
        raise UsageError("at least one day")
    aim = market.abandoned_target if target is None else target
    if not 0.0 <= aim <= 1.0:
        raise UsageError("the target is a share: it must lie between 0 and 1")
    chosen = setting if setting is not None else DEFAULT_SETTING.get(policy, ())
    results = []
    for day in range(days):
        results.append(
            day_of(
                market,
                policy=KNOWN[policy],
                setting=chosen,
                seed=seed + day,
                target=aim,
                with_amd_errors=with_amd_errors,
            )
        )
        tell()
    figures = summarise(market, results, aim, with_amd_errors)
    figures["us_per_step"] = _us_per_step(market, policy, aim, seed, clock)
    return {
        "policy": policy, "agents": market.agents, "answer_rate": market.answer_rate, "target": aim,
        "with_amd_errors": with_amd_errors, "days": days, "seed": seed, "setting": list(chosen), **figures,
    }  # fmt: skip


def summarise(market: Market, results: Sequence[Day], target: float, with_amd_errors: bool) -> dict[str, object]:
    """The figures of days that were simulated; `p_day_over_target` counts what the target is of."""
    busy = np.array([day.busy_s / day.logged_in_s if day.logged_in_s else 0.0 for day in results])
    dropped = np.array([day.dropped for day in results])
    live = np.array([day.connected for day in results])
    classed = np.array([day.machines + day.people_lost for day in results])
    false_ones = classed * false_positive_share(market)
    missed = dropped + false_ones
    counted = missed if with_amd_errors else dropped
    over = int((counted > target * (counted + live) + 1e-9).sum())
    daily = dropped / np.maximum(dropped + live, 1.0)
    waits = np.concatenate([day.waits_s for day in results])
    hours = sum(day.logged_in_s for day in results) / 3600.0
    p50, p95 = np.quantile(waits, [0.5, 0.95]) if waits.size else (math.nan, math.nan)
    return {
        "utilisation": float(busy.mean()),
        "utilisation_ci": list(_of_shares(interval(busy))),
        "overflow_rate": _share(dropped.sum(), dropped.sum() + live.sum()),
        "overflow_rate_ci": list(_of_shares(interval(daily))),
        "abandoned_rate": _share(missed.sum(), missed.sum() + live.sum()),
        "p_day_over_target": over / len(results),
        "p_day_over_target_ci": list(wilson(over, len(results))),
        "idle_wait_s_p50": float(p50) if waits.size else None,
        "idle_wait_s_p95": float(p95) if waits.size else None,
        "talk_min_per_agent_hour": sum(day.talk_s for day in results) / 60.0 / hours if hours else 0.0,
        "dials_per_agent_hour": sum(day.dials for day in results) / hours if hours else 0.0,
        "connected_per_day": float(live.mean()),
        "dropped_per_day": float(dropped.mean()),
        "fallbacks": _fallbacks(results),
    }


def best_in_hindsight(
    market: Market, *, policy: str, target: float, days: int, seed: int, tell: Callable[[], None] = lambda: None
) -> dict[str, object]:
    """The setting of a baseline that keeps agents busiest within the target over just these days."""
    if policy not in SETTINGS:
        raise UsageError(f"{policy} has no setting to choose; hindsight is for {', '.join(SETTINGS)}")
    best: dict[str, object] | None = None
    for setting in SETTINGS[policy]:
        found = simulate(market, policy=policy, target=target, setting=setting, days=days, seed=seed)
        tell()
        if _number(found, "overflow_rate") > target:
            continue
        if best is None or _number(found, "utilisation") > _number(best, "utilisation"):
            best = found
    if best is None:
        raise UsageError(f"no setting of {policy} keeps the overflow under {target:g} in this market")
    return best


def _number(figures: dict[str, object], name: str) -> float:
    value = figures[name]
    assert isinstance(value, float)
    return value


def _share(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole > 0 else 0.0


def _fallbacks(results: Sequence[Day]) -> dict[str, float]:
    """Shares of the time in which one call for each ready agent was dialled, by the reason."""
    seconds = np.sum([day.fallback_s for day in results], axis=0)
    return {FALLBACKS[why]: _share(seconds[why], seconds.sum()) for why in FALLBACKS if why and seconds[why] > 0.0}


def _of_shares(pair: tuple[float, float]) -> tuple[float | None, float | None]:
    """An interval as JSON knows it, without infinity, and as shares do, between 0 and 1."""
    low, high = pair
    return (max(low, 0.0) if math.isfinite(low) else None, min(high, 1.0) if math.isfinite(high) else None)


def _us_per_step(
    market: Market, policy: str, target: float, seed: int, clock: Callable[[], float] | None
) -> float | None:
    """Microseconds of a decision, its inputs built, called as live dialling calls it; None without a clock."""
    if clock is None or policy in BASELINES:
        return None
    day = day_of(
        market, policy=KNOWN[policy], seed=seed, target=target, log_lines=400_000, until_s=min(TIMED_S, market.day_s)
    )
    replay(day.log[:100], day.opening.copy())  # compiled before it is timed
    return replay(day.log, day.opening.copy(), clock).mean_s * 1e6
