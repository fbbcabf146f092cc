"""Least-cost and weighted routing."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from softswitch.ua.routes import Route, RouteTable

UK_MOBILE, UK_LANDLINE, FRANCE = "+447700900123", "+442079460123", "+33199001234"


def accounts(table: RouteTable, number: str, *down: str, seed: int = 0) -> list[str]:
    return table.accounts_for(number, lambda account: account not in down, random.Random(seed).randrange)


def test_the_longest_prefix_comes_first_though_a_shorter_one_is_cheaper() -> None:
    table = RouteTable([Route("all", cost=0.1), Route("uk", "+44", cost=0.5), Route("mobile", "+447", cost=2.0)])
    assert accounts(table, UK_MOBILE) == ["mobile", "uk", "all"]
    assert accounts(table, UK_LANDLINE) == ["uk", "all"]
    assert accounts(table, FRANCE) == ["all"]


def test_of_one_prefix_the_priority_decides_and_then_the_price() -> None:
    table = RouteTable(
        [
            Route("dear", cost=3.0),
            Route("cheap", cost=1.0),
            Route("spare", cost=0.1, priority=9),
            Route("mid", cost=2.0),
        ]
    )
    assert accounts(table, FRANCE) == ["cheap", "mid", "dear", "spare"]


def test_accounts_that_cannot_take_a_call_are_passed_over() -> None:
    table = RouteTable([Route("mobile", "+447"), Route("cheap", cost=1.0), Route("dear", cost=2.0)])
    assert accounts(table, UK_MOBILE, "mobile", "cheap") == ["dear"]
    assert accounts(table, UK_MOBILE, "mobile", "cheap", "dear") == []


def test_a_number_without_a_route_goes_nowhere() -> None:
    assert accounts(RouteTable([Route("uk", "+44")]), FRANCE) == []
    assert accounts(RouteTable([Route("uk", "+44")]), "+4") == []
    assert accounts(RouteTable([]), FRANCE) == []


def test_equals_share_the_calls_by_weight() -> None:
    table = RouteTable([Route("three", weight=3), Route("one", weight=1), Route("spare", weight=0)])
    rng = random.Random(5)
    orders = [table.accounts_for(FRANCE, lambda account: True, rng.randrange) for _ in range(4_000)]
    first = Counter(order[0] for order in orders)
    assert abs(first["three"] - 3_000) < 150
    assert first["spare"] == 0
    assert all(order[2] == "spare" for order in orders)


def test_an_account_with_several_routes_is_named_once_by_its_best() -> None:
    table = RouteTable([Route("a", "+447", cost=9.0), Route("a", cost=1.0), Route("a", cost=2.0), Route("b", cost=0.5)])
    assert accounts(table, UK_MOBILE) == ["a", "b"]
    assert accounts(table, FRANCE) == ["b", "a"]


@given(
    st.lists(
        st.builds(
            Route,
            account=st.sampled_from("abcde"),
            prefix=st.sampled_from(["", "+", "+4", "+44", "+447", "+33"]),
            priority=st.integers(0, 1),
            cost=st.sampled_from([0.0, 0.5, 1.0]),
            weight=st.integers(0, 3),
        ),
        max_size=12,
    ),
    st.sets(st.sampled_from("abcde")),
    st.integers(0, 9999),
)
def test_every_usable_account_with_a_route_is_named_once_and_no_other(
    routes: list[Route], down: set[str], seed: int
) -> None:
    named = accounts(RouteTable(routes), UK_MOBILE, *down, seed=seed)
    fitting = [route for route in routes if UK_MOBILE.startswith(route.prefix) and route.account not in down]
    assert sorted(named) == sorted({route.account for route in fitting})
    if named:
        best = min((-len(route.prefix), route.priority, route.cost) for route in fitting)
        assert any(
            route.account == named[0] and (-len(route.prefix), route.priority, route.cost) == best for route in fitting
        )
