"""Dialogs: creation at both ends, routing, and the order of requests."""

import pytest

from softswitch.errors import PeerError
from softswitch.sip.dialog import Dialog
from softswitch.sip.message import Request, Response, response_to
from softswitch.sip.parser import parse
from softswitch.sip.uri import Uri
from softswitch.sip.values import NameAddr

CONTACT = NameAddr(Uri("sip", "us", "192.0.2.1"))


def invite(*, record_route: tuple[str, ...] = (), contact: bool = True) -> Request:
    lines = [
        "INVITE sip:bob@example.com SIP/2.0",
        "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK-1",
        "From: <sip:alice@example.com>;tag=a",
        "To: <sip:bob@example.com>",
        "Call-ID: c1",
        "CSeq: 7 INVITE",
        *(["Contact: <sip:alice@192.0.2.1:5070>"] if contact else []),
        *[f"Record-Route: <{route}>" for route in record_route],
    ]
    message = parse(("\r\n".join(lines) + "\r\n\r\n").encode())
    assert isinstance(message, Request)
    return message


def ok(request: Request, status: int = 200, *, routes: tuple[str, ...] = (), tag: str = "b") -> Response:
    headers: list[tuple[str, object]] = [("Contact", "<sip:bob@192.0.2.7:5080>")]
    headers += [("Record-Route", f"<{route}>") for route in routes]
    return response_to(request, status, to_tag=tag, headers=headers)


def test_the_callers_dialog_takes_its_routes_in_reverse_and_its_target_from_contact() -> None:
    request = invite()
    dialog = Dialog.opened_by_us(request, ok(request, routes=("sip:p1;lr", "sip:p2;lr")))
    assert [str(route.uri) for route in dialog.route_set] == ["sip:p2;lr", "sip:p1;lr"]
    assert str(dialog.remote_target) == "sip:bob@192.0.2.7:5080"
    assert (dialog.call_id, dialog.local_tag, dialog.remote_tag) == ("c1", "a", "b")
    assert str(dialog.next_hop) == "sip:p2;lr"


def test_the_callees_dialog_takes_its_routes_in_order() -> None:
    dialog = Dialog.opened_by_peer(invite(record_route=("sip:p1;lr", "sip:p2;lr")), "ours", CONTACT)
    assert [str(route.uri) for route in dialog.route_set] == ["sip:p1;lr", "sip:p2;lr"]
    assert (dialog.local_tag, dialog.remote_tag) == ("ours", "a")
    bye = dialog.request("BYE")
    assert str(bye.uri) == "sip:alice@192.0.2.1:5070"
    assert (bye.from_.tag, bye.to.tag, bye.cseq.number) == ("ours", "a", 1)


def test_an_invite_without_contact_opens_no_dialog() -> None:
    with pytest.raises(PeerError) as caught:
        Dialog.opened_by_peer(invite(contact=False), "ours", CONTACT)
    assert caught.value.status == 400


def test_requests_count_up_and_an_ack_takes_its_invites_number() -> None:
    request = invite()
    dialog = Dialog.opened_by_us(request, ok(request))
    assert dialog.request("ACK").cseq.number == 7
    assert dialog.request("OPTIONS").cseq.number == 8
    assert dialog.request("INVITE", b"v=0", "application/sdp").cseq.number == 9
    assert dialog.request("BYE").cseq.number == 10
    assert dialog.request("ACK").cseq.number == 9


def test_a_request_that_comes_too_late_is_answered_500() -> None:
    dialog = Dialog.opened_by_peer(invite(), "ours", CONTACT)
    newer, older = invite(), invite()
    newer.headers.set("CSeq", "9 INVITE")
    older.headers.set("CSeq", "8 INVITE")
    dialog.receive_request(newer)
    with pytest.raises(PeerError) as caught:
        dialog.receive_request(older)
    assert caught.value.status == 500
    assert dialog.remote_cseq == 9


def test_a_caller_without_requests_of_the_peer_takes_any_first_number() -> None:
    request = invite()
    dialog = Dialog.opened_by_us(request, ok(request))
    dialog.receive_request(invite())
    assert dialog.remote_cseq == 7


def test_an_early_dialog_is_confirmed_by_the_200_whose_routes_then_count() -> None:
    request = invite()
    dialog = Dialog.opened_by_us(request, ok(request, 180))
    assert not dialog.is_confirmed
    dialog.confirm(ok(request, 200, routes=("sip:late;lr",)))
    assert dialog.is_confirmed
    assert str(dialog.next_hop) == "sip:late;lr"


def test_a_reinvite_moves_the_remote_target() -> None:
    dialog = Dialog.opened_by_peer(invite(), "ours", CONTACT)
    moved = invite()
    moved.headers.set("Contact", "<sip:alice@192.0.2.99>")
    dialog.refresh_target(moved)
    assert str(dialog.request("BYE").uri) == "sip:alice@192.0.2.99"


def test_what_a_contact_has_that_no_request_uri_may_have_is_left_out() -> None:
    """§19.1.1, table 1: headers and method; the rest of a target is kept as it came."""
    contact = "<sip:alice@192.0.2.99:5080;ob;method=INVITE;x=1?Subject=call&Route=%3Csip:evil%3E>"
    dialog = Dialog.opened_by_peer(invite(), "ours", CONTACT)
    moved = invite()
    moved.headers.set("Contact", contact)
    dialog.refresh_target(moved)
    assert str(dialog.request("BYE").uri) == "sip:alice@192.0.2.99:5080;ob;x=1"
    assert str(Dialog.opened_by_peer(moved, "ours", CONTACT).request("BYE").uri) == "sip:alice@192.0.2.99:5080;ob;x=1"


def test_a_strict_router_gets_itself_as_request_uri_and_the_target_as_last_route() -> None:
    request = invite()
    dialog = Dialog.opened_by_us(request, ok(request, routes=("sip:second;lr", "sip:strict")))
    bye = dialog.request("BYE")
    assert str(bye.uri) == "sip:strict"
    assert [str(route.uri) for route in bye.routes] == ["sip:second;lr", "sip:bob@192.0.2.7:5080"]


def test_a_200_without_contact_leaves_what_was_called_as_the_target() -> None:
    request = invite()
    dialog = Dialog.opened_by_us(request, response_to(request, 200, to_tag="b"))
    assert str(dialog.remote_target) == "sip:bob@example.com"
