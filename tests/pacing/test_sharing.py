"""Agents shared by campaigns and inbound queues."""

import math

import pytest
from softswitch.pacing.sharing import agents_for_inbound, outbound_pool, waits_longer

from softswitch.errors import UsageError


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


def test_impossible_traffic_is_refused() -> None:
    with pytest.raises(UsageError):
        agents_for_inbound(-1.0, 180.0, 0.8, 20.0, 10)
