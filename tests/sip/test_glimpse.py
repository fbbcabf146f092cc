"""What a message is, at a glance."""

from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.glimpse import Glimpse, glimpse

SDP = b"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 20000 RTP/AVP 8 0 96 101\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n"  # noqa: E501


def test_a_request_is_its_method_and_its_media() -> None:
    seen = glimpse(b"INVITE sip:a@b SIP/2.0\r\nCSeq: 2 INVITE\r\n\r\n" + SDP + b"a=sendonly\r\n")
    assert seen == Glimpse("INVITE", "2 INVITE", "PCMA PCMU opus sendonly 192.0.2.1:20000")


def test_a_response_is_its_status_and_reason() -> None:
    assert glimpse(b"SIP/2.0 486 Busy Here\r\ncseq:2 INVITE\r\n\r\n") == Glimpse("486 Busy Here", "2 INVITE", "")


def test_media_without_a_direction_go_both_ways() -> None:
    assert " sendrecv " in glimpse(b"ACK sip:a@b SIP/2.0\r\n\r\n" + SDP).sdp


@given(st.binary(max_size=200))
def test_any_bytes_can_be_looked_at(data: bytes) -> None:
    for each in (data, b"SIP/2.0 " + data, b"INVITE sip:a@b SIP/2.0\r\n\r\nv=0\r\n" + data):
        assert glimpse(each).label.isprintable()
