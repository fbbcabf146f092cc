"""How busy does pacing keep agents, at what overflow, and what does a decision cost? Utilisation and shares are 0-1,
decisions are microseconds of CPU with their inputs built, days are seconds of simulation.

python bench/pacing.py --days 6 --agents 5 10 20 --json -
"""

import time

from figures import parser, report
from softswitch.pacing.controller import step
from softswitch.pacing.market import Market
from softswitch.pacing.policies import POLICY_PREDICTIVE
from softswitch.pacing.replay import replay
from softswitch.pacing.simulate import day_of
from softswitch.pacing.summary import simulate

SHOWN = ("utilisation", "overflow_rate", "p_day_over_target", "talk_min_per_agent_hour")
MORNING_S = 3600.0


def busy(agents: int, policy: str, days: int) -> dict[str, object]:
    figures = simulate(Market(agents=agents), policy=policy, days=days)
    return {name: figures[name] for name in SHOWN}


def decisions(agents: int) -> dict[str, float]:
    """Microseconds of a decision as the dialler calls it: over a replayed hour, and again and again at its end."""
    day = day_of(Market(agents=agents), policy=POLICY_PREDICTIVE, log_lines=2_000_000, until_s=MORNING_S)
    replay(day.log[:200], day.opening.copy())
    hour = replay(day.log, day.opening.copy(), time.thread_time)
    state = day.closing
    tries = 20_000
    began = time.thread_time()
    for _ in range(tries):
        step(state, MORNING_S)
    return {
        "calls_up": int(state["calls_up"][0]),
        "us_per_step": hour.mean_s * 1e6,
        "us_per_step_alone": (time.thread_time() - began) / tries * 1e6,
    }


def day_s(agents: int) -> float:
    began = time.process_time()
    day_of(Market(agents=agents), policy=POLICY_PREDICTIVE, seed=2)
    return time.process_time() - began


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--days", type=int, default=2)
    options.add_argument("--agents", type=int, nargs="+", default=[5, 10, 20])
    chosen = options.parse_args()
    figures: dict[str, object] = {
        f"{agents} agents, {policy}": busy(agents, policy, chosen.days)
        for agents in chosen.agents
        for policy in ("progressive", "predictive")
    }
    for agents in (20, 200):
        figures[f"{agents} agents, decisions"] = decisions(agents)
    figures["a day of 20 agents, CPU s"] = day_s(20)
    report({"days": chosen.days, **figures}, chosen.json)
