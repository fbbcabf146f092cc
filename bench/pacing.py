"""How busy does each policy keep agents, at what overflow? Per cent, reference market; python bench/pacing.py DAYS."""

import sys
import time

from softswitch.pacing.simulate import Market, simulate


def run(agents: int, policy: str, days: int) -> str:
    results = [
        simulate(Market(agents=agents), policy=policy, seed=seed, clock=time.process_time) for seed in range(days)
    ]
    mean = {
        name: sum(float(result[name]) for result in results) / days
        for name in ("utilisation", "overflow_rate", "talk_min_per_agent_hour", "us_per_step")
    }
    worst = max(float(result["overflow_rate"]) for result in results)
    return (
        f"{agents:3d} agents {policy:12s} utilisation {100 * mean['utilisation']:5.1f} %  "
        f"overflow {100 * mean['overflow_rate']:4.2f} % (worst day {100 * worst:4.2f})  "
        f"talk {mean['talk_min_per_agent_hour']:4.1f} min/h  {mean['us_per_step']:5.0f} µs a step"
    )


if __name__ == "__main__":
    days = int(sys.argv[1]) if len(sys.argv) > 1 else 6
    for agents in (5, 10, 20):
        for policy in ("progressive", "predictive"):
            print(run(agents, policy, days), flush=True)
