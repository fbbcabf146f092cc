"""Requests that are too long for UDP (RFC 3261 §18.1.1)."""

from softswitch.sip.hop import Hop, OwnHops
from softswitch.sip.layer import Datagram, TransactionFailed, TransactionLayer
from softswitch.sip.message import Request, response_to
from softswitch.sip.parser import parse
from softswitch.sip.transaction import Trouble
from softswitch.sip.uri import Uri

PEER = Hop("192.0.2.9", 5060)
OVER_TCP = PEER._replace(transport="TCP")


def layer(*transports: str) -> TransactionLayer:
    numbers = iter(range(100))
    own = OwnHops([Hop("192.0.2.1", 5060, transport) for transport in transports])
    return TransactionLayer(own=own, new_token=lambda: f"t{next(numbers)}")


def invite(length: int) -> Request:
    request = Request("INVITE", Uri.parse("sip:+442079460000@192.0.2.9"), body=b"x" * length)
    for name, value in (("From", "<sip:a@192.0.2.1>;tag=a"), ("To", "<sip:b@192.0.2.9>"), ("Call-ID", "c")):
        request.headers.add(name, value)
    request.headers.add("CSeq", "1 INVITE")
    return request


def sent(machine: TransactionLayer) -> list[tuple[str, str]]:
    """Transport of each datagram's destination, and that of its Via."""
    return [(each.destination.transport, parse(each.data).via.transport) for each in machine.data_to_send()]


def test_a_short_request_stays_on_udp() -> None:
    machine = layer("UDP", "TCP")
    machine.send_request(invite(100), PEER, 0.0)
    assert sent(machine) == [("UDP", "UDP")]


def test_a_long_request_goes_over_tcp_and_is_sent_once() -> None:
    machine = layer("UDP", "TCP")
    machine.send_request(invite(1400), PEER, 0.0)
    assert sent(machine) == [("TCP", "TCP")]
    machine.handle_timer(3.0)
    assert machine.data_to_send() == []


def test_where_we_speak_udp_alone_a_long_request_is_a_long_datagram() -> None:
    machine = layer("UDP")
    machine.send_request(invite(1400), PEER, 0.0)
    assert sent(machine) == [("UDP", "UDP")]


def test_a_peer_without_tcp_gets_it_by_udp_after_all() -> None:
    machine = layer("UDP", "TCP")
    transaction = machine.send_request(invite(1400), PEER, 0.0)
    machine.data_to_send()
    machine.receive_transport_error(OVER_TCP, 0.2)
    assert sent(machine) == [("UDP", "UDP")]
    assert machine.next_event() is None
    machine.handle_timer(0.8)
    (again,) = machine.data_to_send()
    assert again.destination == PEER
    request = parse(again.data)
    assert isinstance(request, Request)
    machine.receive_datagram(bytes(response_to(request, 180, to_tag="b")), PEER, 1.0)
    event = machine.next_event()
    assert event is not None
    assert event.transaction is transaction


def test_what_was_asked_over_tcp_is_not_asked_elsewhere() -> None:
    machine = layer("UDP", "TCP")
    transaction = machine.send_request(invite(1400), OVER_TCP, 0.0)
    machine.data_to_send()
    machine.receive_transport_error(OVER_TCP, 0.2)
    assert machine.next_event() == TransactionFailed(transaction, Trouble.TRANSPORT_FAILED)
    assert machine.data_to_send() == []


def test_one_that_has_been_heard_over_tcp_is_not_begun_anew() -> None:
    machine = layer("UDP", "TCP")
    machine.send_request(invite(1400), PEER, 0.0)
    (datagram,) = machine.data_to_send()
    assert isinstance(datagram, Datagram)
    request = parse(datagram.data)
    assert isinstance(request, Request)
    machine.receive_datagram(bytes(response_to(request, 180, to_tag="b")), OVER_TCP, 0.1)
    machine.receive_transport_error(OVER_TCP, 0.2)
    assert machine.data_to_send() == []
