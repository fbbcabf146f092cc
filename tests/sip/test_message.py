"""Messages from bytes and to bytes; the torture messages of RFC 4475 and 5118 stand in test_torture.py."""

import pytest

from softswitch.errors import PeerError, UsageError
from softswitch.sip.headers import CSeq
from softswitch.sip.message import MalformedRequest, Request, Response, parse, response_to

INVITE = (
    b"INVITE sip:100@198.51.100.7 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 203.0.113.9:5060;branch=z9hG4bK1;rport\r\n"
    b"Max-Forwards: 70\r\n"
    b'From: "Agent 7" <sip:agent7@198.51.100.7>;tag=7f3a\r\n'
    b"To: <sip:100@198.51.100.7>\r\n"
    b"Call-ID: 9c1f\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Contact: <sip:agent7@203.0.113.9:5060>\r\n"
    b"Content-Length: 4\r\n\r\nv=0\n"
)


def request(data: bytes = INVITE) -> Request:
    message = parse(data)
    assert isinstance(message, Request)
    return message


def test_an_invite_comes_apart_into_its_typed_headers() -> None:
    invite = request()
    assert invite.method == "INVITE"
    assert (invite.uri.user, invite.uri.host) == ("100", "198.51.100.7")
    assert (invite.via.host, invite.via.port, invite.via.branch) == ("203.0.113.9", 5060, "z9hG4bK1")
    assert (invite.from_.display, invite.from_.tag, invite.to.tag) == ("Agent 7", "7f3a", None)
    assert invite.cseq == CSeq(1, "INVITE")
    assert invite.contacts[0].uri.port == 5060
    assert (invite.max_forwards, invite.expires, invite.content_type) == (70, None, None)
    assert invite.body == b"v=0\n"


def test_what_is_written_reads_back_the_same() -> None:
    invite = request()
    assert parse(bytes(invite)) == invite


def test_empty_lines_before_and_bytes_after_the_message_are_ignored() -> None:
    assert parse(b"\r\n\r\n" + INVITE + b"INVITE sip:evil@x SIP/2.0\r\n") == request()


def test_without_content_length_the_body_runs_to_the_end_of_the_datagram() -> None:
    assert parse(INVITE.replace(b"Content-Length: 4\r\n", b"")).body == b"v=0\n"


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


def test_a_request_that_can_be_answered_is_refused_with_what_the_answer_needs() -> None:
    with pytest.raises(MalformedRequest) as refused:
        parse(INVITE.replace(b"CSeq: 1 INVITE", b"CSeq: 1 BYE"))
    assert refused.value.status == 400
    answer = response_to(refused.value.request, refused.value.status, to_tag="x")
    assert answer.headers.get("CSeq") == "1 BYE"


def test_a_malformed_ack_is_never_answered() -> None:
    with pytest.raises(PeerError) as refused:
        parse(INVITE.replace(b"INVITE sip", b"ACK sip"))
    assert not isinstance(refused.value, MalformedRequest)


@pytest.mark.parametrize("value", ["a\r\nVia: SIP/2.0/UDP evil", "a\nb", "a\rb", "a\0b"])
def test_a_line_break_cannot_be_smuggled_into_a_header(value: str) -> None:
    with pytest.raises(UsageError):
        request().headers.set("Subject", value)
