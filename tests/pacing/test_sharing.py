"""Agents shared by campaigns and inbound queues."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from softswitch.pacing.sharing import agents_for_inbound, outbound_pool, shared_out, waits_longer

from softswitch.errors import UsageError

CAMPAIGNS = st.lists(st.tuples(st.integers(0, 30), st.floats(0.1, 10.0)), min_size=1, max_size=6)


def test_equal_campaigns_get_equal_parts() -> None:
    assert shared_out(9, [20, 20, 20], [1, 1, 1]) == [3, 3, 3]


def test_weights_count_and_what_one_does_not_want_goes_to_the_others() -> None:
    assert shared_out(12, [20, 20], [2, 1]) == [8, 4]
    assert shared_out(12, [2, 20, 20], [1, 1, 1]) == [2, 5, 5]


@given(st.integers(0, 60), CAMPAIGNS)
def test_nobody_gets_more_than_wanted_and_no_wanted_agent_is_left(agents: int, campaigns: list) -> None:
    wants, weights = [want for want, _ in campaigns], [weight for _, weight in campaigns]
    given_ = shared_out(agents, wants, weights)
    assert all(0 <= got <= want for got, want in zip(given_, wants, strict=True))
    assert sum(given_) == min(agents, sum(wants))


@given(st.integers(0, 60), CAMPAIGNS)
def test_one_agent_more_takes_nobody_from_any_campaign(agents: int, campaigns: list) -> None:
    wants, weights = [want for want, _ in campaigns], [weight for _, weight in campaigns]
    fewer, more = shared_out(agents, wants, weights), shared_out(agents + 1, wants, weights)
    assert all(a <= b for a, b in zip(fewer, more, strict=True))


def test_waiting_is_erlangs_formula_written_out() -> None:
    for agents, offered in ((3, 2.0), (10, 7.5), (40, 35.0)):
        head = sum(offered**k / math.factorial(k) for k in range(agents))
        tail = offered**agents / math.factorial(agents) * agents / (agents - offered)
        expected = tail / (head + tail) * math.exp(-(agents - offered) * 20.0 / 180.0)
        assert waits_longer(offered, agents, 180.0, 20.0) == pytest.approx(expected, rel=1e-10)


def test_the_service_level_is_met_with_the_agents_named_and_not_with_one_fewer() -> None:
    agents = agents_for_inbound(1 / 30.0, 180.0, 0.8, 20.0, 100)
    assert waits_longer(6.0, agents, 180.0, 20.0) <= 0.2 < waits_longer(6.0, agents - 1, 180.0, 20.0)
    assert agents_for_inbound(0.0, 180.0, 0.8, 20.0, 100) == 0
    assert agents_for_inbound(5.0, 180.0, 0.8, 20.0, 12) == 12


def test_campaigns_count_only_on_agents_whom_inbound_does_not_need() -> None:
    assert outbound_pool(ready=6, with_callers=2, waiting=0, wanted=5) == 3
    assert outbound_pool(ready=6, with_callers=5, waiting=2, wanted=5) == 4
    assert outbound_pool(ready=1, with_callers=0, waiting=3, wanted=2) == 0


@pytest.mark.parametrize("weights", [[0.0], [-1.0], [math.nan], [1.0, 1.0]])
def test_impossible_weights_are_refused(weights: list[float]) -> None:
    with pytest.raises(UsageError):
        shared_out(3, [2], weights)


def test_impossible_traffic_is_refused() -> None:
    with pytest.raises(UsageError):
        agents_for_inbound(-1.0, 180.0, 0.8, 20.0, 10)
