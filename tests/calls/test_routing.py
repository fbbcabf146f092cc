"""Where an offered call goes."""

import pytest

from softswitch.calls.events import CallOffered, Origin
from softswitch.calls.routing import LogIn, Refuse, RoutingTable, ToQueue, route

TABLE = RoutingTable(dids={"+441632960000": "helpdesk"})


def offered(origin: Origin, called: str, source: str = "agent-1") -> CallOffered:
    return CallOffered("leg", origin, source, called, "whoever", b"")


def test_an_agents_phone_that_dials_login_begins_its_shift() -> None:
    assert route(offered(Origin.PHONE, "login"), TABLE) == LogIn("agent-1")


@pytest.mark.parametrize("called", ["+447700900123", "+441632960000", "phone2", "999", "112", "", "LOGIN", "login2"])
def test_an_agents_phone_reaches_nothing_else(called: str) -> None:
    assert route(offered(Origin.PHONE, called), TABLE) == Refuse(403)


@pytest.mark.parametrize("called", ["login", "+447700900123", "+441632960000", "999", "agent-1", ""])
def test_a_supervisors_phone_reaches_nothing_at_all(called: str) -> None:
    table = RoutingTable(dids=TABLE.dids, supervisors={"sue"})
    assert route(offered(Origin.PHONE, called, "sue"), table) == Refuse(403)
    assert route(offered(Origin.PHONE, "login"), table) == LogIn("agent-1")


@pytest.mark.parametrize("called", ["+441632960000", "441632960000"])
def test_a_call_from_outside_reaches_the_queue_of_its_number(called: str) -> None:
    assert route(offered(Origin.TRUNK, called, "carrier"), TABLE) == ToQueue("helpdesk")


@pytest.mark.parametrize("called", ["login", "+447700900123", "phone1", "", "+", "anonymous"])
def test_a_call_from_outside_reaches_nothing_else(called: str) -> None:
    assert route(offered(Origin.TRUNK, called, "carrier"), TABLE) == Refuse(404)


def test_nobody_reaches_a_number_that_is_empty_in_the_table() -> None:
    assert route(offered(Origin.TRUNK, ""), RoutingTable(dids={"": "all"})) == Refuse(404)
