"""The E-model against the points that G.107 publishes."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from softswitch.codecs.registry import CodecCode

from softswitch.media.quality import burst_ratio, opinion_score, rate

PCMU = int(CodecCode.PCMU)
G722 = int(CodecCode.G722)


def test_a_call_without_delay_and_loss_has_the_published_default_rating():
    assert rate(0.0, 0.0, 1.0, PCMU) == pytest.approx(93.2, abs=0.05)
    assert opinion_score(rate(0.0, 0.0, 1.0, PCMU)) == pytest.approx(4.41, abs=0.005)


# G.107 table B.1
@pytest.mark.parametrize(("r", "mos"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)])
def test_scores_are_those_of_the_table_that_guides_planners(r, mos):
    assert opinion_score(float(r)) == pytest.approx(mos, abs=0.01)


def test_scores_end_at_1_and_4_5():
    assert opinion_score(-3.0) == opinion_score(0.0) == opinion_score(1.0) == 1.0
    assert opinion_score(100.0) == opinion_score(120.0) == 4.5


# Ie-eff of G.113 appendix I's planning values: 95 Ppl / (Ppl + 25.1)
@pytest.mark.parametrize(("loss", "cost"), [(1, 3.64), (2, 7.01), (3, 10.14), (5, 15.78), (10, 27.07), (20, 42.13)])
def test_random_loss_costs_what_g_113_gives_for_g_711_with_concealment(loss, cost):
    assert rate(0.0, 0.0, 1.0, PCMU) - rate(0.0, float(loss), 1.0, PCMU) == pytest.approx(cost, abs=0.01)


def test_loss_in_bursts_costs_more_than_the_same_loss_at_random():
    scattered, bursts = rate(50.0, 5.0, 1.0, PCMU), rate(50.0, 5.0, 2.0, PCMU)
    assert scattered - bursts == pytest.approx(95 * 5 / (2.5 + 25.1) - 95 * 5 / (5 + 25.1), abs=1e-9)


# The usual piecewise-linear reading of G.107's delay curve (Cole & Rosenbluth 2001): 0.024 d + 0.11 (d - 177.3)+
@pytest.mark.parametrize("delay", [20, 50, 100, 150, 200, 300, 400])
def test_delay_costs_what_the_published_curve_says_within_four_points(delay):
    published = 0.024 * delay + 0.11 * max(delay - 177.3, 0)
    assert rate(0.0, 0.0, 1.0, PCMU) - rate(float(delay), 0.0, 1.0, PCMU) == pytest.approx(published, abs=4.0)


def test_delay_above_400_ms_leaves_no_satisfied_users():
    assert rate(150.0, 0.0, 1.0, PCMU) > 88
    assert rate(400.0, 0.0, 1.0, PCMU) < 70


def test_g_722_suffers_more_from_loss_than_g_711_and_nothing_without():
    assert rate(0.0, 0.0, 1.0, G722) == rate(0.0, 0.0, 1.0, PCMU)
    assert rate(0.0, 3.0, 1.0, G722) < rate(0.0, 3.0, 1.0, PCMU)


@settings(deadline=None)  # the first example loads the kernel
@given(
    st.floats(allow_nan=False),
    st.floats(allow_nan=False),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**40), 2**40),
)
def test_no_measurement_however_odd_leaves_the_scale(delay, loss, bursts, codec):
    r = rate(min(delay, 1e9), loss, bursts, codec)
    assert 0.0 <= r <= 93.3
    assert 1.0 <= opinion_score(r) <= 4.5


@settings(deadline=None)  # the first example loads the kernel
@given(st.floats(0, 1000), st.floats(0, 1000), st.floats(0, 100), st.floats(0, 100), st.floats(1, 5))
def test_more_delay_or_more_loss_never_sounds_better(a, b, p, q, bursts):
    low, high = sorted((a, b))
    few, many = sorted((p, q))
    assert rate(high, few, bursts, PCMU) <= rate(low, few, bursts, PCMU) + 0.75
    assert rate(low, many, bursts, PCMU) <= rate(low, few, bursts, PCMU) + 1e-9


def test_the_burst_ratio_of_random_loss_is_one():
    # 100 of 1,000 at random fall into 90 runs: mean length 1 / (1 - p)
    assert burst_ratio(100, 90, 1000) == pytest.approx(1.0)
    assert burst_ratio(100, 20, 1000) == pytest.approx(4.5)
    for nothing in ((0, 0, 0), (0, 0, 10), (5, 0, 10), (10, 1, 10)):
        assert burst_ratio(*nothing) == 1.0
    assert math.isfinite(burst_ratio(2**62, 1, 1))
