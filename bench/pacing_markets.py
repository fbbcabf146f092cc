"""How does pacing fare in markets that it was not made for? For each file: utilisation and overflow (0-1), days over
the target, shares of the time on fallback; beside it one call for each agent, VICIdial's rule with the best of its
settings, and the controller with one fixed threshold, the best for just these days.

python bench/pacing_markets.py --days 20 --seed 40000 tests/pacing/markets/*.toml --json -
"""

import tomllib
from pathlib import Path

from figures import parser, report
from softswitch.pacing.market import Market
from softswitch.pacing.policies import POLICY_PREDICTIVE
from softswitch.pacing.simulate import day_of, opening_state
from softswitch.pacing.summary import best_in_hindsight, simulate, summarise

from softswitch.errors import UsageError

MADE = Path(__file__).resolve().parents[1] / "tests" / "pacing" / "markets"
SHOWN = ("utilisation", "utilisation_ci", "overflow_rate", "p_day_over_target", "p_day_over_target_ci", "fallbacks")
THRESHOLDS = (0.003, 0.005, 0.008, 0.012, 0.016, 0.02, 0.025, 0.03, 0.04, 0.06, 0.1, 0.2)


def vicidial(market: Market, target: float, days: int, seed: int) -> float | None:
    try:
        best = best_in_hindsight(market, policy="vicidial", target=target, days=days, seed=seed)
    except UsageError:
        return None  # no setting keeps to the target
    return float(str(best["utilisation"]))


def hindsight(market: Market, target: float, days: int, seed: int) -> float:
    """Utilisation with the fixed threshold that is best within the target over all of these days together."""
    best = 0.0
    for threshold in THRESHOLDS:
        opening = opening_state(market, POLICY_PREDICTIVE, target=target)
        opening["threshold"] = threshold
        held = [day_of(market, policy=POLICY_PREDICTIVE, seed=seed + day, opening=opening) for day in range(days)]
        found = summarise(market, held, target, False)
        if float(str(found["overflow_rate"])) <= target:
            best = max(best, float(str(found["utilisation"])))
    return best


def fares(market: Market, target: float, days: int, seed: int, beside: int) -> dict[str, object]:
    """beside: days of the methods beside it; 0 leaves them out."""
    found = simulate(market, target=target, days=days, seed=seed)
    figures: dict[str, object] = {name: found[name] for name in SHOWN}
    if beside:
        progressive = simulate(market, policy="progressive", target=target, days=beside, seed=seed)
        figures["progressive"] = progressive["utilisation"]
        figures["vicidial, best"] = vicidial(market, target, beside, seed)
        figures["threshold, best"] = hindsight(market, target, beside, seed)
    return figures


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("markets", type=Path, nargs="*", help="default: those of the tests")
    options.add_argument("--days", type=int, default=2)
    options.add_argument("--beside", type=int, default=1, help="days of the other methods, the first of these")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--target", type=float, default=0.03)
    chosen = options.parse_args()
    result: dict[str, object] = {"days": chosen.days, "seed": chosen.seed, "target": chosen.target}
    for path in chosen.markets or sorted(MADE.glob("*.toml")):
        market = Market.from_mapping(tomllib.loads(path.read_text(encoding="utf-8")))
        result[path.stem] = fares(market, chosen.target, chosen.days, chosen.seed, chosen.beside)
    report(result, chosen.json)
