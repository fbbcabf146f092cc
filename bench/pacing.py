"""How busy does each policy keep agents, at what overflow? Shares of the logged-in time, on the reference market.

python bench/pacing.py --days 6 --agents 5 10 20 --json -
"""

import time
from statistics import mean

from figures import parser, report
from softswitch.pacing.simulate import Market, simulate

MEASURED = ("utilisation", "overflow_rate", "talk_min_per_agent_hour", "us_per_step")


def run(agents: int, policy: str, days: int) -> dict[str, float]:
    results = [
        simulate(Market(agents=agents), policy=policy, seed=seed, clock=time.process_time) for seed in range(days)
    ]
    figures = {name: mean(float(result[name]) for result in results) for name in MEASURED}
    return figures | {"worst_day_overflow_rate": max(float(result["overflow_rate"]) for result in results)}


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--days", type=int, default=2)
    options.add_argument("--agents", type=int, nargs="+", default=[5, 10])
    chosen = options.parse_args()
    figures = {
        f"{agents} agents, {policy}": run(agents, policy, chosen.days)
        for agents in chosen.agents
        for policy in ("progressive", "predictive")
    }
    report({"days": chosen.days, **figures}, chosen.json)
