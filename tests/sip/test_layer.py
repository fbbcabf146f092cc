"""The transaction layer: what it matches, what it answers by itself, and what it drops."""

from itertools import count

import pytest

from softswitch.sip.hop import Hop, OwnHops
from softswitch.sip.layer import (
    Datagram,
    RequestReceived,
    ResponseReceived,
    TransactionEnded,
    TransactionFailed,
    TransactionLayer,
    Trouble,
)
from softswitch.sip.message import Request, Response, response_to
from softswitch.sip.parser import parse
from softswitch.testing.clock import Clock
from softswitch.testing.wire import Wire

HERE = Hop("192.0.2.1", 5060)
PEER = Hop("192.0.2.9", 5060)


def tokens(prefix: str = "t"):
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers):06d}"


def layer(address=HERE) -> TransactionLayer:
    return TransactionLayer(own=OwnHops([address]), new_token=tokens(f"t{address[0][-1]}"))


def text(
    method: str = "INVITE",
    *,
    branch: str = "z9hG4bK-1",
    sent_by: str = "192.0.2.9:5060",
    rport: bool = True,
    to_tag: str = "",
    cseq: int = 1,
    call_id: str = "c1",
) -> bytes:
    lines = [
        f"{method} sip:login@192.0.2.1 SIP/2.0",
        f"Via: SIP/2.0/UDP {sent_by};branch={branch}{';rport' if rport else ''}",
        "Max-Forwards: 70",
        "From: <sip:alice@192.0.2.9>;tag=a",
        f"To: <sip:login@192.0.2.1>{f';tag={to_tag}' if to_tag else ''}",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} {method}",
        "Contact: <sip:alice@192.0.2.9>",
        "Content-Length: 0",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def events(machine: TransactionLayer) -> list[object]:
    found = []
    while (event := machine.next_event()) is not None:
        found.append(event)
    return found


def sent(machine: TransactionLayer) -> list[Request | Response]:
    return [parse(datagram.data) for datagram in machine.data_to_send()]


def asked(machine: TransactionLayer) -> RequestReceived:
    (event,) = [event for event in events(machine) if isinstance(event, RequestReceived)]
    return event


def options() -> Request:
    request = parse(text("OPTIONS"))
    assert isinstance(request, Request)
    request.headers.remove("Via")
    return request


def test_a_request_is_reported_once_however_often_it_comes() -> None:
    machine = layer()
    for at in (0.0, 0.05, 0.1):
        machine.receive_datagram(text(), PEER, at)
    assert len(events(machine)) == 1
    assert machine.counters.absorbed == 2


def test_responses_return_to_the_source_where_rport_asks_for_it_else_to_the_port_in_via() -> None:
    machine = layer()
    machine.receive_datagram(text("OPTIONS"), Hop("203.0.113.5", 40000), 0.0)
    event = asked(machine)
    assert event.transaction is not None
    machine.respond(event.transaction, response_to(event.request, 200, to_tag="b"), 0.0)
    (datagram,) = machine.data_to_send()
    assert datagram.destination == Hop("203.0.113.5", 40000)
    response = parse(datagram.data)
    assert (response.via.received, response.via.rport) == ("203.0.113.5", 40000)

    machine.receive_datagram(text("OPTIONS", branch="z9hG4bK-2", rport=False, cseq=2), Hop("203.0.113.5", 40000), 0.0)
    event = asked(machine)
    assert event.transaction is not None
    machine.respond(event.transaction, response_to(event.request, 200, to_tag="b"), 0.0)
    assert machine.data_to_send()[0].destination == Hop("203.0.113.5", 5060)


def test_a_response_reaches_the_transaction_of_its_request_and_no_other() -> None:
    machine = layer()
    first = machine.send_request(options(), PEER, 0.0)
    machine.send_request(options(), PEER, 0.0)
    request, _ = sent(machine)
    assert isinstance(request, Request)
    machine.receive_datagram(bytes(response_to(request, 200, to_tag="b")), PEER, 0.1)
    (event,) = events(machine)
    assert isinstance(event, ResponseReceived)
    assert event.transaction is first


def test_a_response_to_nothing_is_counted_and_dropped() -> None:
    machine = layer()
    request = parse(text("OPTIONS"))
    assert isinstance(request, Request)
    machine.receive_datagram(bytes(response_to(request, 200, to_tag="b")), PEER, 0.0)
    assert events(machine) == []
    assert machine.data_to_send() == []
    assert machine.counters.stray_responses == 1


def test_a_late_response_after_the_end_of_its_transaction_is_dropped() -> None:
    machine = layer()
    machine.send_request(options(), PEER, 0.0)
    (request,) = sent(machine)
    assert isinstance(request, Request)
    machine.handle_timer(32.0)
    assert [type(event) for event in events(machine)] == [TransactionFailed, TransactionEnded]
    machine.data_to_send()
    machine.receive_datagram(bytes(response_to(request, 200, to_tag="b")), PEER, 33.0)
    assert events(machine) == []


def test_a_cancel_comes_with_the_invite_that_it_is_meant_for() -> None:
    machine = layer()
    machine.receive_datagram(text(), PEER, 0.0)
    invite = asked(machine).transaction
    machine.receive_datagram(text("CANCEL"), PEER, 0.1)
    assert asked(machine).cancels is invite


def test_a_cancel_of_nothing_is_answered_481() -> None:
    machine = layer()
    machine.receive_datagram(text("CANCEL"), PEER, 0.0)
    (response,) = sent(machine)
    assert isinstance(response, Response)
    assert response.status == 481
    assert events(machine) == []


def test_our_cancel_waits_for_a_provisional_and_repeats_the_invites_via() -> None:
    machine = layer()
    request = parse(text())
    assert isinstance(request, Request)
    request.headers.remove("Via")
    invite = machine.send_request(request, PEER, 0.0)
    (seen,) = sent(machine)
    assert isinstance(seen, Request)
    assert machine.cancel(invite, 0.1) is None
    machine.receive_datagram(bytes(response_to(seen, 180, to_tag="b")), PEER, 0.2)
    assert machine.cancel(invite, 0.3) is not None
    (cancel,) = sent(machine)
    assert isinstance(cancel, Request)
    assert (cancel.method, cancel.via.branch, cancel.cseq.number) == ("CANCEL", seen.via.branch, seen.cseq.number)
    assert cancel.to.tag is None


def test_the_same_request_over_another_way_is_refused_as_merged() -> None:
    machine = layer()
    machine.receive_datagram(text(branch="z9hG4bK-left"), PEER, 0.0)
    machine.receive_datagram(text(branch="z9hG4bK-right"), PEER, 0.1)
    (response,) = sent(machine)
    assert isinstance(response, Response)
    assert response.status == 482
    assert len(events(machine)) == 1


def test_a_phone_that_does_not_count_up_after_a_challenge_is_not_taken_for_merged() -> None:
    machine = layer()
    machine.receive_datagram(text("REGISTER", branch="z9hG4bK-1"), PEER, 0.0)
    event = asked(machine)
    assert event.transaction is not None
    machine.respond(event.transaction, response_to(event.request, 401, to_tag="b"), 0.0)
    machine.data_to_send()
    machine.receive_datagram(text("REGISTER", branch="z9hG4bK-2"), PEER, 0.1)
    assert len(events(machine)) == 1
    assert machine.data_to_send() == []


def test_the_ack_for_a_failure_is_absorbed_and_that_for_a_2xx_comes_up() -> None:
    machine = layer()
    machine.receive_datagram(text(), PEER, 0.0)
    event = asked(machine)
    assert event.transaction is not None
    machine.respond(event.transaction, response_to(event.request, 486, to_tag="b"), 0.0)
    machine.receive_datagram(text("ACK", to_tag="b"), PEER, 0.1)
    assert events(machine) == []
    machine.receive_datagram(text("ACK", branch="z9hG4bK-ack", to_tag="b"), PEER, 0.2)
    assert asked(machine).transaction is None


def test_an_ack_for_a_2xx_that_keeps_the_invites_branch_comes_up_too() -> None:
    machine = layer()
    machine.receive_datagram(text(), PEER, 0.0)
    event = asked(machine)
    assert event.transaction is not None
    machine.respond(event.transaction, response_to(event.request, 200, to_tag="b"), 0.0)
    machine.receive_datagram(text("ACK", to_tag="b"), PEER, 0.1)
    assert asked(machine).request.method == "ACK"


@pytest.mark.parametrize(
    ("broken", "status"),
    [
        (text().replace(b"CSeq: 1 INVITE", b"CSeq: 1 BYE"), 400),
        (text().replace(b"SIP/2.0\r\nVia", b"SIP/7.0\r\nVia"), 505),
        (text().replace(b"Content-Length: 0", b"Content-Length: 99"), 400),
        (text().replace(b"sip:login", b"http:login"), 416),
    ],
)
def test_a_malformed_request_that_can_be_answered_is(broken: bytes, status: int) -> None:
    machine = layer()
    machine.receive_datagram(broken, PEER, 0.0)
    (response,) = sent(machine)
    assert isinstance(response, Response)
    assert response.status == status
    assert machine.counters.malformed == 1
    assert len(machine) == 0


@pytest.mark.parametrize("noise", [b"", b"\r\n\r\n", b"\x00\x00", b"\x80" * 200, b"INVITE", b"SIP/2.0 999 X\r\n\r\n"])
def test_noise_is_dropped_without_an_answer(noise: bytes) -> None:
    machine = layer()
    machine.receive_datagram(noise, PEER, 0.0)
    assert machine.data_to_send() == []
    assert events(machine) == []


def test_an_address_that_cannot_be_reached_fails_its_transactions() -> None:
    machine = layer()
    machine.send_request(options(), PEER, 0.0)
    machine.receive_transport_error(PEER, 0.1)
    failed, ended = events(machine)
    assert isinstance(failed, TransactionFailed)
    assert failed.trouble is Trouble.TRANSPORT_FAILED
    assert isinstance(ended, TransactionEnded)
    assert len(machine) == 0


@pytest.mark.parametrize("seed", range(40))
def test_over_a_wire_that_loses_every_third_datagram_each_request_is_seen_once_and_answered(seed: int) -> None:
    clock = Clock()
    wire = Wire(clock, loss=0.3, duplicate=0.2, reorder=0.3, delay=0.05, seed=seed)
    client, server = layer(HERE), layer(PEER)
    seen: list[str] = []
    answers: list[int] = []

    def serve(event: object) -> None:
        if isinstance(event, RequestReceived) and event.transaction is not None:
            seen.append(event.request.call_id)
            server.respond(event.transaction, response_to(event.request, 200, to_tag="b"), clock.now)

    def read(event: object) -> None:
        if isinstance(event, ResponseReceived):
            answers.append(event.response.status)

    wire.attach(HERE, client, read)
    wire.attach(PEER, server, serve)
    for number in range(5):
        request = options()
        request.headers.set("Call-ID", f"call-{number}")
        client.send_request(request, PEER, clock.now)
    wire.settle()
    clock.run(until=200.0)
    assert sorted(seen) == [f"call-{number}" for number in range(5)]
    assert answers == [200] * 5
    assert (len(client), len(server)) == (0, 0)
    assert clock.next_deadline() is None


def test_a_flood_of_requests_does_not_take_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("softswitch.sip.layer.MOST_SERVER_TRANSACTIONS", 10)
    machine = layer()
    for number in range(20):
        machine.receive_datagram(text("OPTIONS", branch=f"z9hG4bK-{number}", call_id=f"c{number}"), PEER, 0.0)
    assert len(machine) == 10
    statuses = [response.status for response in sent(machine) if isinstance(response, Response)]
    assert statuses == [503] * 10


def test_a_datagram_is_a_value() -> None:
    assert Datagram(b"x", PEER) == Datagram(b"x", PEER)
