"""Messages: their typed headers, their form on the wire, and the response to a request."""

import pytest

from softswitch.errors import UsageError
from softswitch.sip.message import Request, Response, response_to
from softswitch.sip.parser import parse
from softswitch.sip.values import CSeq
from tests.sip.invite import INVITE, request


def test_what_is_written_reads_back_the_same() -> None:
    invite = request()
    assert parse(bytes(invite)) == invite


def test_a_typed_header_follows_its_change() -> None:
    invite = request()
    assert invite.cseq.number == 1
    invite.headers.set("CSeq", CSeq(2, "INVITE"))
    assert invite.cseq.number == 2


def test_a_response_copies_what_the_rfc_says_and_takes_a_tag() -> None:
    ringing = response_to(request(), 180, to_tag="ours", headers=[("Contact", "<sip:a@b>")])
    assert ringing.reason == "Ringing"
    assert ringing.to.tag == "ours"
    for name in ("Via", "From", "Call-ID", "CSeq"):
        assert ringing.headers.get(name) == request().headers.get(name)
    assert isinstance(parse(bytes(ringing)), Response)


@pytest.mark.parametrize("value", ["a\r\nVia: SIP/2.0/UDP evil", "a\nb", "a\rb", "a\0b"])
def test_a_line_break_cannot_be_smuggled_into_a_header(value: str) -> None:
    with pytest.raises(UsageError):
        request().headers.set("Subject", value)


def test_the_source_of_a_request_goes_into_its_top_via_alone() -> None:
    message = request(INVITE.replace(b";rport\r\n", b";rport, SIP/2.0/UDP below\r\n"))
    message.note_source(("198.51.100.99", 1025))
    assert (message.via.received, message.via.rport) == ("198.51.100.99", 1025)
    assert message.vias[1].host == "below"


def test_a_tag_that_the_request_has_already_stays() -> None:
    message = request(INVITE.replace(b"To: <sip:100@198.51.100.7>", b"To: <sip:100@198.51.100.7>;tag=theirs"))
    assert response_to(message, 200, to_tag="ours").to.tag == "theirs"


def test_a_timestamp_comes_back_with_100_and_with_nothing_else() -> None:
    message = request(INVITE.replace(b"Contact: ", b"Timestamp: 54\r\nContact: "))
    assert response_to(message, 100, to_tag="x").headers.get("Timestamp") == "54"
    assert response_to(message, 100, to_tag="x").to.tag is None
    assert "Timestamp" not in response_to(message, 180).headers


@pytest.mark.parametrize("reason", ["OK\r\nX: y", "a\nb"])
def test_a_line_break_cannot_be_smuggled_into_a_reason(reason: str) -> None:
    with pytest.raises(UsageError):
        response_to(request(), 200, reason)


def test_what_is_no_method_or_status_is_our_own_error() -> None:
    with pytest.raises(UsageError):
        Request("IN VITE", request().uri)
    with pytest.raises(UsageError):
        Response(99)
