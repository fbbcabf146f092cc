"""Messages from bytes, and back to bytes; the torture messages of RFC 4475 and 5118 stand in test_torture.py."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softswitch.errors import PeerError
from softswitch.sip.headers import LISTS, Headers, canonical_name
from softswitch.sip.message import Request, Response, response_to
from softswitch.sip.parser import MalformedRequest, parse
from softswitch.sip.values import CSeq
from tests.sip.invite import INVITE, request

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # no verdict on a busy machine


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


def test_empty_lines_before_and_bytes_after_the_message_are_ignored() -> None:
    assert parse(b"\r\n\r\n" + INVITE + b"INVITE sip:evil@x SIP/2.0\r\n") == request()


def test_without_content_length_the_body_runs_to_the_end_of_the_datagram() -> None:
    assert parse(INVITE.replace(b"Content-Length: 4\r\n", b"")).body == b"v=0\n"


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


def test_folded_lines_and_compact_names_read_as_plain_ones() -> None:
    folded = (
        INVITE.replace(b"From: ", b"f:\r\n\t ").replace(b";tag=7f3a", b" \r\n  ;tag\r\n =7f3a").replace(b"Via:", b"V :")
    )
    assert request(folded).from_ == request().from_
    assert request(folded).via == request().via


def test_several_vias_in_any_form_are_one_list() -> None:
    message = request(
        INVITE.replace(b"Max-Forwards", b"v: SIP/2.0/TCP b;branch=2 , SIP/2.0/TLS c;branch=3\r\nMax-Forwards")
    )
    assert [via.branch for via in message.vias] == ["z9hG4bK1", "2", "3"]
    answer = response_to(message, 200, to_tag="x")
    assert answer.headers.get_all("Via") == message.headers.get_all("Via")


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        (b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia", 505),
        (b"sip:100@", b"mailto:100@", 416),
        (b"sip:100@", b"sip:1 00@", 400),
        (b"Max-Forwards: 70", b"Max-Forwards: 256", 400),
        (b"Max-Forwards: 70", b"Max-Forwards: 70\r\nMax-Forwards: 70", 400),
        (b"CSeq: 1 ", b"CSeq: 4294967296 ", 400),
        (b"Content-Length: 4", b"Content-Length: 5", 400),
        (b"Content-Length: 4", b"Content-Length: +4", 400),
        (b"Content-Length: 4", b"Content-Length: 4\r\nl: 4", 400),
        (b"Contact: <", b"Contact: <<", 400),
        (b"Contact: ", b"Route: sip:a@b?x=y\r\nContact: ", 400),
        (b"Contact: ", b"Record-Route: <sip:\r\nContact: ", 400),
        (b"Contact: ", b"Subject: a\nb\r\nContact: ", 400),
        (b"Contact: ", b"Subject: a\rb\r\nContact: ", 400),
        (b"Contact: ", b"no colon\r\nContact: ", 400),
        (b"Contact: ", b"X: y\r\n" * 400 + b"Contact: ", 400),
        (b"Contact: ", b"Contact: " + b"<sip:a@b>," * 300, 400),
    ],
)
def test_what_is_wrong_with_a_request_decides_its_refusal(old: bytes, new: bytes, status: int) -> None:
    assert old in INVITE
    with pytest.raises(MalformedRequest) as refused:
        parse(INVITE.replace(old, new, 1))
    assert refused.value.status == status
    assert bytes(response_to(refused.value.request, status, to_tag="x"))


@pytest.mark.parametrize("name", [b"From", b"To", b"Call-ID"])
def test_a_request_that_lacks_another_needed_header_is_refused_all_the_same(name: bytes) -> None:
    with pytest.raises(MalformedRequest) as refused:
        parse(INVITE.replace(b"\r\n" + name + b":", b"\r\nX-Other:"))
    answer = bytes(response_to(refused.value.request, refused.value.status, to_tag="ours"))
    assert b"\r\n" + name + b":" not in answer


@pytest.mark.parametrize("name", [b"Via", b"CSeq"])
def test_a_request_without_what_tells_its_sender_of_the_answer_is_dropped(name: bytes) -> None:
    with pytest.raises(PeerError) as refused:
        parse(INVITE.replace(b"\r\n" + name + b":", b"\r\nX-Other:"))
    assert not isinstance(refused.value, MalformedRequest)


@pytest.mark.parametrize(
    "data", [b"", b"\r\n\r\n", b"\r\n" * 30000, b"\x80\0\0\1", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 65535]
)
def test_what_is_no_sip_is_dropped(data: bytes) -> None:
    with pytest.raises(PeerError) as refused:
        parse(data)
    assert not isinstance(refused.value, MalformedRequest)


def test_a_message_larger_than_a_datagram_is_refused_unread() -> None:
    with pytest.raises(PeerError) as refused:
        parse(INVITE + bytes(65536))
    assert refused.value.status == 513


@pytest.mark.parametrize(
    "status_line",
    [
        b"SIP/2.0 99 x",
        b"SIP/2.0 700 x",
        b"SIP/2.0 2000 x",
        b"SIP/2.0 abc x",
        b"SIP/2.0  200 OK",
        "SIP/2.0 ²00 x".encode(),
    ],
)
def test_a_response_with_a_status_that_is_none_is_dropped(status_line: bytes) -> None:
    with pytest.raises(PeerError) as refused:
        parse(INVITE.replace(b"INVITE sip:100@198.51.100.7 SIP/2.0", status_line))
    assert not isinstance(refused.value, MalformedRequest)


def test_a_response_without_even_the_space_before_its_reason_is_read() -> None:
    response = parse(INVITE.replace(b"INVITE sip:100@198.51.100.7 SIP/2.0", b"SIP/2.0 200"))
    assert isinstance(response, Response)
    assert (response.status, response.reason) == (200, "")


def test_numbers_of_a_call_do_not_appear_in_tracebacks_or_errors() -> None:
    assert "100" not in repr(request())
    with pytest.raises(PeerError) as refused:
        parse(INVITE.replace(b"sip:100@", b"sip:+442079460123 @"))
    assert "442079460123" not in str(refused.value)


# Hostile shapes of the largest size: each must be read or refused in linear time, which the suite's time-out holds.
HOSTILE = (
    b'"' * 60000, b"<" * 60000, b"," * 60000, b";" * 60000, b'"\\' * 30000, b" " * 60000, b"\r\n " * 20000,
    b"%" * 60000, b"a" * 60000, b"sip:" + b"a:" * 30000, b"<sip:a@b" + b";a=" * 20000, b"\\" * 60000, b"@" * 60000,
    b"\t " * 30000, b'"a" <sip:a@b>,' * 4000, b"=;" * 30000, b"SIP/2.0/UDP " * 5000, b"(" * 60000,
)  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("name", [b"Via", b"From", b"Contact", b"Route", b"CSeq", b"Call-ID", b"X-Any"])
def test_the_worst_header_of_the_largest_size_is_read_or_refused(name: bytes, value: bytes) -> None:
    data = INVITE.replace(b"\r\nContact", b"\r\n" + name + b": " + value + b"\r\nContact")
    try:
        parse(data)
    except PeerError as error:
        assert error.status in (400, 505)


tokens = st.from_regex(r"[A-Za-z0-9.!%*_+`'~-]{1,16}", fullmatch=True)
# What may stand in a header: any text without controls, and controls as quoted-pairs only.
values = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40).map(lambda text: text.strip(" \t"))
unlisted = tokens.filter(lambda name: canonical_name(name) not in {*LISTS, *TYPED})
extra_headers = st.lists(st.tuples(unlisted, values), max_size=6)
TYPED = {"Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards", "Contact", "Route", "Record-Route", "Content-Length"}


@patient
@given(tokens, extra_headers, st.binary(max_size=200), tokens, st.integers(0, 2**31 - 1), values)
def test_every_message_reads_back_as_it_was_written(
    method: str, extra: list[tuple[str, str]], body: bytes, tag: str, cseq: int, reason: str
) -> None:
    base = request()
    headers = Headers([(name, value) for name, value in base.headers.items() if name != "CSeq"])
    headers.set("From", base.from_.with_tag(tag))
    headers.set("CSeq", CSeq(cseq, method))
    for name, value in extra:
        headers.add(name, value)
    written = Request(method, base.uri, headers, body)
    assert parse(bytes(written)) == written
    answer = response_to(written, 200, reason, headers=extra, body=body, content_type="application/sdp")
    assert parse(bytes(answer)) == answer


@patient
@given(st.integers(0, len(INVITE)), st.integers(0, len(INVITE)), st.binary(max_size=6))
def test_an_invite_with_any_damage_is_read_or_refused(start: int, end: int, patch: bytes) -> None:
    data = INVITE[: min(start, end)] + patch + INVITE[max(start, end) :]
    try:
        message = parse(data)
    except MalformedRequest as refused:
        assert refused.request.method != "ACK"
        assert bytes(response_to(refused.request, refused.status, to_tag="x"))
    except PeerError:
        pass
    else:
        assert parse(bytes(message)) == message
