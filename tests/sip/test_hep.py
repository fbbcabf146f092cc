"""HEP3 datagrams, read back as a capture server does."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.hep import CaptureAgent, Chunk, encode
from softswitch.sip.hop import Hop
from tests.capture_server import decode

V4 = Hop("192.0.2.1", 5060), Hop("198.51.100.7", 5080)
V6 = Hop("2001:db8::1", 5061, "TLS"), Hop("2001:db8::2", 40000, "TLS")


def test_a_message_over_udp_says_all_that_a_capture_server_asks_for() -> None:
    found = decode(encode(CaptureAgent(2001, "secret"), 1_700_000_000.25, *V4, b"BYE", "call-7"))
    assert found == {
        1: b"\x02", 2: b"\x11", 3: bytes([192, 0, 2, 1]), 4: bytes([198, 51, 100, 7]),
        7: (5060).to_bytes(2), 8: (5080).to_bytes(2), 9: (1_700_000_000).to_bytes(4), 10: (250_000).to_bytes(4),
        11: b"\x01", 12: (2001).to_bytes(4), 14: b"secret", 15: b"BYE", 17: b"call-7",
    }  # fmt: skip


def test_a_message_over_tls_and_ipv6_is_told_as_such() -> None:
    found = decode(encode(CaptureAgent(1), 0.0, *V6, b"x", ""))
    assert found[1] == b"\x0a" and found[2] == b"\x06"
    assert found[5] == ipaddress.ip_address("2001:db8::1").packed
    assert Chunk.PASSWORD not in found and Chunk.CORRELATION_ID not in found


@given(st.binary(max_size=2000), st.text(max_size=50), st.floats(0, 2**32 - 1))
def test_what_is_encoded_is_decoded_again(payload: bytes, correlation: str, at: float) -> None:
    datagram = encode(CaptureAgent(7), at, *V4, payload, correlation.encode("utf-8", "ignore").decode())
    found = decode(datagram)
    assert found[15] == payload
    assert int.from_bytes(found[9]) == int(at)
    assert found.get(17, b"") == correlation.encode("utf-8", "ignore")


def test_a_message_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError):
        encode(CaptureAgent(1), 0.0, *V4, bytes(65_500), "c")
