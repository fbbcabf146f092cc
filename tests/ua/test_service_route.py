"""A registrar that has our calls go by servers of its choice (RFC 3608)."""

import pytest

from softswitch.sip.message import Request, response_to
from softswitch.sip.parser import parse
from softswitch.ua.accounts import CarrierAccount
from softswitch.ua.pool import UserAgentPool
from tests.ua.conftest import CARRIER, NUMBER, OFFER, SWITCH, tokens

ROUTE = ["<sip:edge.carrier.example;lr>", "<sip:orig@core.carrier.example;lr>"]


def sent(pool: UserAgentPool) -> Request:
    """The one request that waits to be sent, and goes to the carrier whatever it says of its route."""
    (datagram,) = pool.data_to_send()
    assert datagram.destination == CARRIER
    request = parse(datagram.data)
    assert isinstance(request, Request)
    return request


def registered(*routes: str) -> UserAgentPool:
    account = CarrierAccount("carrier", CARRIER.host, username="site", password="secret", register=True)
    pool = UserAgentPool(
        listens=[SWITCH], realm="here", accounts=[account], phones=[], gate=lambda number: None, new_token=tokens("s")
    )
    pool.start(0.0)
    register = sent(pool)
    assert "Route" not in register.headers
    answer = response_to(register, 200, to_tag="r", headers=[("Service-Route", route) for route in routes])
    pool.receive_datagram(bytes(answer), CARRIER, 0.1)
    return pool


@pytest.mark.parametrize("routes", [ROUTE, [", ".join(ROUTE)]])
def test_calls_bear_the_route_that_the_registrar_named(routes: list[str]) -> None:
    pool = registered(*routes)
    pool.place_call("out", "carrier", NUMBER, OFFER, 0.2)
    invite = sent(pool)
    assert invite.headers.get_all("Route") == ROUTE
    assert invite.uri.user == NUMBER


def test_a_refresh_that_names_no_route_ends_it() -> None:
    pool = registered(*ROUTE)
    due = pool.next_timer()
    assert due is not None
    pool.handle_timer(300.0)
    pool.receive_datagram(bytes(response_to(sent(pool), 200, to_tag="r")), CARRIER, 300.1)
    pool.place_call("out", "carrier", NUMBER, OFFER, 300.2)
    assert "Route" not in sent(pool).headers


@pytest.mark.parametrize("route", ["<sip:strict.example>", "<sip:broken", ", ".join(9 * ["<sip:p.example;lr>"])])
def test_a_route_that_cannot_be_followed_is_not_taken(route: str) -> None:
    pool = registered(route)
    pool.place_call("out", "carrier", NUMBER, OFFER, 0.2)
    assert "Route" not in sent(pool).headers
