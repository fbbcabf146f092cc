"""Simulated days on coarse bounds (live dialling calls the same step), and their logs replayed."""

import dataclasses
import json
import math
import tomllib
from pathlib import Path

import numpy as np
import pytest
from softswitch.pacing import events
from softswitch.pacing.market import Market
from softswitch.pacing.policies import FALLBACK_ERRORS, FALLBACKS, POLICIES, POLICY_PREDICTIVE
from softswitch.pacing.replay import STEPPED, replay
from softswitch.pacing.simulate import day_of, false_positive_share
from softswitch.pacing.summary import best_in_hindsight, interval, simulate, wilson

from softswitch.errors import UsageError

REFERENCE = Path(__file__).resolve().parents[2] / "configs" / "market-reference.toml"
MARKETS = sorted((Path(__file__).parent / "markets").glob("*.toml"))
SHORT = Market(agents=4, day_s=1800.0)


def test_the_reference_file_is_the_reference_market() -> None:
    assert Market.from_mapping(tomllib.loads(REFERENCE.read_text(encoding="utf-8"))) == Market()


def test_the_same_seed_gives_the_same_day_and_another_seed_another() -> None:
    first, again, other = (day_of(SHORT, policy=POLICY_PREDICTIVE, seed=seed) for seed in (5, 5, 6))
    assert first.closing.tobytes() == again.closing.tobytes()
    assert (first.dials, first.connected, first.busy_s) == (again.dials, again.connected, again.busy_s)
    assert first.busy_s != other.busy_s


def test_a_days_log_through_the_controller_gives_the_same_decisions_and_the_same_state() -> None:
    day = day_of(Market(agents=8, day_s=3600.0), policy=POLICY_PREDICTIVE, seed=3, log_lines=200_000)
    assert (day.log["kind"] == STEPPED).sum() == day.steps
    state = day.opening.copy()
    replayed = replay(day.log, state)
    assert (replayed.decisions, replayed.differing) == (day.steps, 0)
    assert state.tobytes() == day.closing.tobytes()


def test_a_log_that_was_tampered_with_does_not_replay() -> None:
    day = day_of(SHORT, policy=POLICY_PREDICTIVE, seed=3, log_lines=100_000)
    log = day.log.copy()
    log["value"][np.flatnonzero(log["kind"] == STEPPED)[100]] += 1
    assert replay(log, day.opening.copy()).differing == 1


def test_progressive_drops_nobody_and_predictive_keeps_agents_busier_within_the_target() -> None:
    market = Market(agents=8)
    progressive = simulate(market, policy="progressive", days=4, seed=1)
    predictive = simulate(market, days=4, seed=1)
    assert progressive["overflow_rate"] == 0.0
    assert predictive["utilisation"] > progressive["utilisation"] + 0.22
    assert predictive["overflow_rate"] <= 0.03


@pytest.mark.parametrize(
    ("agents", "rate", "target", "least"), [(5, 0.2, 0.03, 0.66), (10, 0.2, 0.0102, 0.65), (20, 0.2, 0.03, 0.82)]
)
def test_the_reference_market_is_reached_with_a_margin_and_no_day_is_over(
    agents: int, rate: float, target: float, least: float
) -> None:
    found = simulate(Market(agents=agents, answer_rate=rate), target=target, days=3, seed=40)
    assert found["utilisation"] > least
    assert found["overflow_rate"] <= target
    assert found["p_day_over_target"] == 0.0


def test_a_market_of_other_habits_is_kept_within_the_target_too() -> None:
    market = Market(
        agents=9, answer_rate=0.45, machine_share=0.1, people_answer_mean_s=6.0, people_answer_cv=0.9, no_answer_s=30.0,
        talk_mean_s=240.0, short_talk_share=0.7, short_talk_mean_s=12.0, wrap_up_mean_s=5.0, rate_jump_sd=0.7,
        rate_drift_sd=0.4, setup_mean_s=5.0, failure_share=0.2,
    )  # fmt: skip
    found = simulate(market, days=5, seed=9)
    assert found["p_day_over_target"] == 0.0
    assert found["utilisation"] > simulate(market, policy="progressive", days=5, seed=9)["utilisation"] + 0.05


@pytest.mark.parametrize("path", MARKETS, ids=lambda path: path.stem)
def test_in_other_markets_no_day_is_over_the_target_and_agents_are_busier_than_one_call_each_keeps_them(
    path: Path,
) -> None:
    market = Market.from_mapping(tomllib.loads(path.read_text(encoding="utf-8")))
    if market.agents > 50:
        market = dataclasses.replace(market, day_s=3600.0)
    found, progressive = simulate(market, days=1, seed=21), simulate(market, policy="progressive", days=1, seed=21)
    assert found["p_day_over_target"] == 0.0
    assert found["utilisation"] > progressive["utilisation"] + (0.0 if market.answer_rate > 0.8 else 0.02)


@pytest.mark.parametrize("seed", [700001, 700004, 700122, 700170, 700182])
def test_where_few_answer_a_day_whose_allowance_is_soon_spent_is_not_over_in_the_end(seed: int) -> None:
    # One call for each ready agent brings a quarter of the answers here: what they would have allowed was missing.
    figures = simulate(Market(agents=5, answer_rate=0.05), target=0.03, seed=seed)
    assert figures["p_day_over_target"] == 0.0
    assert figures["utilisation"] > 0.5


def test_with_amd_errors_the_abandoned_rate_is_what_keeps_within_the_target() -> None:
    found = simulate(Market(agents=10), with_amd_errors=True, days=3, seed=2)
    assert found["abandoned_rate"] <= 0.03
    assert found["overflow_rate"] < 0.015
    assert found["p_day_over_target"] == 0.0


def test_where_amd_loses_too_many_people_the_figures_say_that_nothing_was_dialled_ahead() -> None:
    market = Market(agents=4, day_s=7200.0, amd_false_positive_share=0.05)
    poor = simulate(market, with_amd_errors=True, seed=2)
    progressive = simulate(market, policy="progressive", seed=2)
    reasons = poor["fallbacks"]
    assert reasons[FALLBACKS[FALLBACK_ERRORS]] > 0.5
    assert poor["dropped_per_day"] <= 1.0
    assert poor["utilisation"] < progressive["utilisation"] + 0.05
    assert FALLBACKS[FALLBACK_ERRORS] not in simulate(market, seed=2)["fallbacks"]


def test_the_answer_rate_is_of_all_calls_those_that_fail_among_them() -> None:
    market = Market(agents=6, day_s=7200.0, answer_rate=0.3, failure_share=0.4, rate_drift_sd=0.0, rate_jump_sd=0.0)
    log = day_of(market, policy=POLICY_PREDICTIVE, seed=4, log_lines=200_000).log
    placed, answered = (int((log["kind"] == kind).sum()) for kind in (events.CALL_PLACED, events.CALL_ANSWERED))
    assert placed > 500
    assert answered / placed == pytest.approx(0.3, abs=5 * math.sqrt(0.3 * 0.7 / placed))


def test_each_part_of_a_day_has_its_answer_rate() -> None:
    market = Market(agents=6, day_s=7200.0, answer_rate_factors=(0.5, 2.0), rate_drift_sd=0.0, rate_jump_sd=0.0)
    log = day_of(market, policy=POLICY_PREDICTIVE, seed=4, log_lines=400_000).log
    placed, answered = (log["now"][log["kind"] == kind] for kind in (events.CALL_PLACED, events.CALL_ANSWERED))
    for rate, since, until in ((0.1, 0.0, 3570.0), (0.4, 3630.0, 7170.0)):
        calls = ((placed >= since) & (placed < until)).sum()
        answers = ((answered >= since) & (answered < until + 20.0)).sum()
        assert calls > 300
        assert answers / calls == pytest.approx(rate, abs=5 * math.sqrt(rate * (1.0 - rate) / calls))


def test_in_an_outage_of_the_trunk_nothing_rings_and_after_it_people_are_not_dropped_in_scores() -> None:
    market = Market(agents=10, day_s=7200.0, outage_every_s=1800.0, outage_s=300.0)
    log = day_of(market, policy=POLICY_PREDICTIVE, seed=4, log_lines=400_000).log
    for outage in (1500.0, 3300.0, 5100.0):
        rings = log["now"][log["kind"] == events.CALL_RINGS]
        assert not ((rings > outage + 15.0) & (rings < outage + 300.0)).any()
        assert ((rings > outage + 300.0) & (rings < outage + 330.0)).any()
        dropped = log["now"][log["kind"] == events.CALL_DROPPED]
        assert ((dropped > outage + 300.0) & (dropped < outage + 345.0)).sum() <= 2


def test_a_target_of_zero_drops_nobody() -> None:
    assert simulate(Market(agents=6, day_s=7200.0), target=0.0, days=2)["overflow_rate"] == 0.0


def test_trunks_with_few_channels_are_not_overbooked() -> None:
    market = Market(agents=10, day_s=3600.0, channels=12)
    day = day_of(market, policy=POLICY_PREDICTIVE, seed=1, log_lines=100_000)
    up = talking = most = 0
    for line in day.log:
        kind = int(line["kind"])
        up += (kind == 2) - (kind in (6, 7, 8, 9))
        talking += kind == 8
        talking -= kind == 0 and int(line["value"]) == 3
        most = max(most, up + talking)
    assert 10 < most <= 12


def test_the_figures_are_json_with_the_names_that_were_promised() -> None:
    found = simulate(SHORT, days=2, clock=lambda: 0.0)
    assert json.loads(json.dumps(found)) == found
    for name in (
        "utilisation", "utilisation_ci", "overflow_rate", "abandoned_rate", "p_day_over_target", "idle_wait_s_p50",
        "idle_wait_s_p95", "talk_min_per_agent_hour", "dials_per_agent_hour", "us_per_step",
    ):  # fmt: skip
        assert name in found
    low, high = found["utilisation_ci"]
    assert low <= found["utilisation"] <= high


@pytest.mark.parametrize("policy", [*POLICIES, "mean_matching", "vicidial"])
def test_every_policy_can_be_simulated(policy: str) -> None:
    found = simulate(SHORT, policy=policy)
    assert 0.0 <= found["utilisation"] <= 1.0
    assert (found["connected_per_day"] == 0) == (policy == "manual")


def test_hindsight_chooses_the_busiest_setting_within_the_target() -> None:
    best = best_in_hindsight(SHORT, policy="ratio", target=0.03, days=1, seed=4)
    assert best["overflow_rate"] <= 0.03
    assert best["utilisation"] >= simulate(SHORT, policy="ratio", setting=(1.0,), seed=4)["utilisation"]
    with pytest.raises(UsageError, match="no setting"):
        best_in_hindsight(SHORT, policy="predictive", target=0.03, days=1, seed=4)


def test_the_share_of_people_among_classed_calls_follows_from_the_market() -> None:
    assert false_positive_share(Market()) == pytest.approx(0.014 / 0.314)
    assert false_positive_share(Market(machine_share=0.0, amd_false_positive_share=0.0)) == 0.0


def test_an_interval_of_a_share_reaches_no_further_than_shares_do() -> None:
    figures = simulate(SHORT, policy="ratio", setting=(1.2,), days=3, seed=1)
    assert figures["dropped_per_day"] == pytest.approx(1 / 3)  # on one day of the three
    low, high = figures["overflow_rate_ci"]
    assert low == 0.0 < figures["overflow_rate"] < high < 1.0


def test_intervals_of_means_and_shares() -> None:
    low, high = interval(np.array([0.7, 0.72, 0.68, 0.7]))
    assert (low, high) == pytest.approx((0.7 - 0.016, 0.7 + 0.016), abs=5e-4)
    assert interval(np.array([0.7]))[1] == math.inf
    assert wilson(0, 100)[0] == 0.0
    assert wilson(0, 100)[1] == pytest.approx(0.037, abs=1e-3)


STRANGE: dict[str, dict[str, float]] = {
    "one agent": {"agents": 1},
    "hardly an answer": {"answer_rate": 0.001},
    "all answers": {"answer_rate": 0.999, "failure_share": 0.0, "machine_share": 0.0},
    "only machines": {"machine_share": 1.0},
    "every call fails at once": {"failure_share": 1.0, "setup_mean_s": 0.1},
    "no patience": {"patience_s": 0.01},
    "patience without end": {"patience_s": 1e6, "answer_rate": 0.9},
    "a verdict later than patience": {"amd_s": 9.0},
    "no wrap-up and talks of a moment": {"wrap_up_mean_s": 0.0, "talk_mean_s": 0.01, "short_talk_share": 0.0},
    "talks without end": {"talk_mean_s": 1e9, "short_talk_share": 0.0, "long_talk_cv": 100.0},
    "answers at once": {"people_answer_mean_s": 0.001, "machine_answer_mean_s": 0.001, "setup_cv": 0.0},
    "rings without end": {"no_answer_s": 1e9},
    "wild drifts": {"rate_drift_sd": 100.0, "rate_jump_sd": 100.0, "talk_drift_sd": 100.0, "rate_jump_every_s": 1e-3},
    "no channel": {"channels": 0},
    "nobody logs in": {"log_in_spread_s": 1e9},
    "always on a break": {"break_every_s": 1e-3, "break_s": 1e9},
    "half a second": {"day_s": 0.5},
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_strange_market_gives_figures_too(name: str) -> None:
    market = Market(**({"agents": 4, "day_s": 900.0, "log_in_spread_s": 0.0} | STRANGE[name]))  # type: ignore[arg-type]
    for policy, target in (("predictive", 0.0), ("predictive", 0.03), ("predictive", 1.0), ("ratio", 0.03)):
        found = simulate(market, policy=policy, target=target, days=1, seed=1)
        json.dumps(found, allow_nan=False)
        for share in ("utilisation", "overflow_rate", "abandoned_rate", "p_day_over_target"):
            assert 0.0 <= found[share] <= 1.0  # type: ignore[operator]
        if policy == "predictive" and target == 0.0:
            assert found["overflow_rate"] == 0.0


def test_who_has_waited_longest_is_lost_first_and_at_the_end_of_patience() -> None:
    market = Market(agents=2, day_s=3600.0, answer_rate=0.8, patience_s=4.0)
    log = day_of(market, policy=POLICIES["ratio"], setting=(6.0,), seed=2, log_lines=200_000).log
    answered: dict[int, float] = {}
    waiting: list[int] = []
    lost = 0
    for kind, row, _, now in log.tolist():
        if kind == events.CALL_ANSWERED:
            answered[row] = now
        elif kind == events.PERSON_WAITS:
            waiting.append(row)
        elif kind in (events.CALL_CONNECTED, events.CALL_DROPPED):
            assert waiting.pop(0) == row
            assert now <= answered[row] + market.patience_s + 1e-9
            if kind == events.CALL_DROPPED:
                lost += 1
                assert now == pytest.approx(answered[row] + market.patience_s)
    assert lost > 50


@pytest.mark.parametrize(
    "wrong",
    [
        {"agents": 0}, {"answer_rate": 1.5}, {"answer_rate": 0.0}, {"machine_share": -0.1}, {"agnts": 3},
        {"talk_mean_s": "long"}, {"day_s": math.nan}, {"no_answer_s": 0.0}, {"short_talk_mean_s": 400.0},
        {"agents": 2.5}, {"agents": "many"}, {"setup_mean_s": 0.0}, {"day_s": 90000.0}, {"patience_s": 1e10},
        {"long_talk_cv": 1e9}, {"talk_mean_s": 10**400}, {"answer_rate_factors": 3},
        {"answer_rate_factors": [1.0] * 49}, {"answer_rate_factors": [0.5, "more"]},
        {"answer_rate_factors": [6.0]}, {"answer_rate_factors": [0.0]},
        {"answer_rate_factors": [10**400]}, {"outage_s": -1.0},
    ],
    ids=str,
)  # fmt: skip
def test_an_impossible_market_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        Market.from_mapping(wrong)


def test_an_unknown_policy_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="progressive, predictive"):
        simulate(SHORT, policy="reckless")


SHORT_TALKS = {"talk_mean_s": 20.0, "short_talk_mean_s": 8.0, "wrap_up_mean_s": 6.0}


@pytest.mark.parametrize(("agents", "talks"), [(101, {}), (200, {}), (300, {}), (60, SHORT_TALKS)])
def test_where_many_answer_in_a_market_at_rest_no_wave_of_answers_is_taken_for_a_jump(agents: int, talks) -> None:
    market = Market(agents=agents, rate_drift_sd=0.0, rate_jump_sd=0.0, talk_drift_sd=0.0, **talks)
    day = day_of(market, policy=POLICY_PREDICTIVE, target=0.03, until_s=2400.0)
    answers = day.connected + day.dropped + day.machines + day.people_lost
    assert day.closing["jumps"][0] <= answers / 40  # some are false, as of any chart
    assert day.dropped <= 0.06 * (day.connected + day.dropped)  # the cold start is in it
