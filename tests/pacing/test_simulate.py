"""Days of simulated markets, on coarse bounds: live dialling calls the same step."""

import json
import tomllib
from pathlib import Path

import pytest
from softswitch.pacing.simulate import Market, simulate

from softswitch.errors import UsageError

REFERENCE = Path(__file__).resolve().parents[2] / "configs" / "market-reference.toml"
HALF_DAY = {"agents": 8, "day_s": 3 * 3600.0}


def test_the_reference_file_is_the_reference_market() -> None:
    assert Market.from_mapping(tomllib.loads(REFERENCE.read_text(encoding="utf-8"))) == Market()


def test_the_same_seed_gives_the_same_day_and_another_seed_another() -> None:
    market = {"agents": 4, "day_s": 1800.0}
    first = simulate(market, seed=5, clock=None)
    again = simulate(market, seed=5, clock=None)
    other = simulate(market, seed=6, clock=None)
    assert {**first, "us_per_step": 0} == {**again, "us_per_step": 0}
    assert first["dials"] != other["dials"] or first["connected"] != other["connected"]


def test_progressive_abandons_nobody_and_predictive_keeps_agents_busier_within_the_ceiling() -> None:
    progressive = [simulate(HALF_DAY, policy="progressive", seed=seed) for seed in (1, 2)]
    predictive = [simulate(HALF_DAY, policy="predictive", seed=seed) for seed in (1, 2)]
    assert sum(float(day["abandoned"]) for day in progressive) == 0
    busy = sum(float(day["utilisation"]) for day in predictive) - sum(float(day["utilisation"]) for day in progressive)
    assert busy / 2 > 0.08
    assert all(float(day["overflow_rate"]) < 0.045 for day in predictive)


def test_a_small_campaign_of_minutes_abandons_hardly_anybody() -> None:
    demo = {
        "agents": 4, "day_s": 120.0, "answer_rate": 0.6, "people_answer_mean_s": 2.0, "machine_answer_mean_s": 2.0,
        "setup_mean_s": 0.2, "talk_mean_s": 8.0, "short_talk_share": 0.0, "long_talk_cv": 0.2, "wrap_up_mean_s": 2.0,
        "no_answer_s": 15.0, "log_in_spread_s": 1.0, "abandoned_target": 0.01, "abandoned_limit": 0.03,
    }  # fmt: skip
    abandoned = [float(simulate(demo, seed=seed)["abandoned"]) for seed in range(12)]
    assert max(abandoned) <= 2
    assert sum(abandoned) <= 6


def test_the_figures_are_json() -> None:
    day = simulate({"agents": 2, "day_s": 600.0}, seed=1, clock=lambda: 0.0)
    assert json.loads(json.dumps(day)) == day
    assert 0.0 <= float(day["utilisation"]) <= 1.0


@pytest.mark.parametrize("wrong", [{"agents": 0}, {"answer_rate": 1.5}, {"machine_share": -0.1}, {"agnts": 3}])
def test_an_impossible_market_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        simulate(wrong)


def test_an_unknown_policy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="progressive, predictive, guaranteed_agent"):
        simulate(policy="reckless")
