"""Calls that go on over another carrier account, and what an account may carry."""

import pytest

from softswitch.calls.events import CallAnswered, CallFailed, CallOffered
from softswitch.calls.outcome import Outcome
from softswitch.errors import UsageError
from softswitch.sip.hop import Hop
from softswitch.sip.parser import parse
from softswitch.ua.tries import CallRerouted
from tests.ua.carriers import FIRST, OFFER, SECOND, SWITCH, THIRD, Carriers


@pytest.fixture
def carriers() -> Carriers:
    return Carriers()


def test_the_next_account_is_tried_in_the_same_cases(carriers: Carriers) -> None:
    for server in carriers.servers[:3]:
        server.says(503)
    carriers.servers[3].says(200)
    carriers.call(otherwise=("other",))
    assert carriers.events() == [CallRerouted("out", "other"), CallAnswered("out", OFFER)]
    assert carriers.switch.calls_on("carrier") == 0
    assert carriers.switch.calls_on("other") == 1
    assert carriers.servers[3].of("INVITE")[0].from_.uri.user == "+441632960999", "the account's own caller id"
    carriers.hang_up()
    assert carriers.is_clean()


def test_a_full_account_is_passed_over(carriers: Carriers) -> None:
    carriers = Carriers(channels=1)
    carriers.servers[0].says(200)
    carriers.servers[3].says(486)
    carriers.call("busy")
    carriers.call(otherwise=("other",))
    assert [type(event) for event in carriers.events()] == [CallRerouted, CallFailed]
    assert carriers.invited() == [1, 0, 0, 1]


def test_where_no_account_can_take_the_call_the_first_one_s_reason_is_given(carriers: Carriers) -> None:
    carriers = Carriers(channels=1)
    for server in carriers.servers:
        server.says(200)
    carriers.call("one", otherwise=("other",))
    carriers.call("two", otherwise=("other",))
    carriers.call("three", otherwise=("other",))
    assert carriers.events("three") == [CallFailed("three", Outcome.FAILED, 503, "all channels busy")]


def test_an_account_that_is_not_there_is_a_mistake_of_ours(carriers: Carriers) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        carriers.call(otherwise=("nowhere",))


def test_a_switch_that_stops_tries_nothing_more(carriers: Carriers) -> None:
    carriers.call(seconds=1.0, otherwise=("other",))
    carriers.switch.stop(carriers.now)
    carriers.run(60.0)
    assert carriers.invited() == [1, 0, 0, 0]
    assert carriers.is_clean()


def test_servers_that_dns_takes_away_are_not_tried(carriers: Carriers) -> None:
    carriers.servers[2].says(486)
    carriers.call(seconds=1.0)
    carriers.set_targets(FIRST, THIRD)
    carriers.run(5.0)
    assert carriers.invited() == [1, 0, 1, 0]


def test_a_call_from_any_server_is_the_carrier_s_and_a_stranger_s_is_not(carriers: Carriers) -> None:
    stranger = SECOND._replace(host="192.0.2.99")
    for number, hop in enumerate((FIRST, SECOND, THIRD, stranger)):
        carriers.wire.inject(inbound(number, hop), hop, SWITCH)
        carriers.run(0.1)
    offered = [each for each in carriers.wire.events(SWITCH) if isinstance(each, CallOffered)]
    assert [each.source for each in offered] == ["carrier", "carrier"], "and the third finds no channel free"
    statuses = [parse(each.data).status for each in carriers.wire.transits if each.destination == stranger]
    assert statuses == [401]


def test_calls_that_come_in_take_channels_but_no_place_in_the_limit_of_calls_a_second() -> None:
    carriers = Carriers(channels=3, calls_per_second=1.0)
    for number in range(2):
        carriers.wire.inject(inbound(number, FIRST), FIRST, SWITCH)
    carriers.run(0.1)
    assert carriers.switch.channels_free("carrier") == 1
    carriers.servers[0].says(200)
    assert carriers.switch.next_call_at("carrier", carriers.now) == carriers.now
    carriers.call("one", seconds=0.1)
    assert [type(each) for each in carriers.events("one")] == [CallAnswered]
    assert carriers.switch.channels_free("carrier") == 0
    assert carriers.switch.next_call_at("carrier", carriers.now) == pytest.approx(carriers.now + 0.9)
    carriers.hang_up("one", seconds=0.1)
    carriers.call("two", seconds=0.1)
    assert carriers.events("two") == [CallFailed("two", Outcome.FAILED, 503, "too many calls a second")]
    carriers.clock.run(until=carriers.switch.next_call_at("carrier", carriers.now))
    carriers.call("three", seconds=0.1)
    assert [type(each) for each in carriers.events("three")] == [CallAnswered]


def inbound(number: int, hop: Hop) -> bytes:
    lines = [
        "INVITE sip:+441632960000@192.0.2.1 SIP/2.0",
        f"Via: SIP/2.0/UDP {hop.host}:{hop.port};branch=z9hG4bK{number}",
        "Max-Forwards: 70",
        f"From: <sip:+447700900999@{hop.host}>;tag=f{number}",
        "To: <sip:+441632960000@192.0.2.1>",
        f"Call-ID: in-{number}",
        "CSeq: 1 INVITE",
        f"Contact: <sip:{hop.host}:{hop.port}>",
        "Content-Type: application/sdp",
        f"Content-Length: {len(OFFER)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + OFFER
