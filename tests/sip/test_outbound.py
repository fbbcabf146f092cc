"""STUN on the SIP port: what keeps a UDP flow open. Vectors are RFC 5769's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.hop import Hop
from softswitch.sip.outbound import binding_response

TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
REQUEST = bytes.fromhex("00010000 2112a442") + TRANSACTION


def test_a_binding_request_is_told_its_ipv4_address() -> None:
    # RFC 5769 §2.2: XOR-MAPPED-ADDRESS of 192.0.2.1 port 32853
    answer = binding_response(REQUEST, Hop("192.0.2.1", 32853))
    assert answer == bytes.fromhex("0101000c 2112a442") + TRANSACTION + bytes.fromhex("00200008 0001a147 e112a643")


def test_a_binding_request_is_told_its_ipv6_address() -> None:
    # RFC 5769 §2.3: 2001:db8:1234:5678:11:2233:4455:6677 port 32853
    answer = binding_response(REQUEST, Hop("2001:db8:1234:5678:11:2233:4455:6677", 32853))
    expected = bytes.fromhex("00200014 0002a147 0113a9faa5d3f179bc25f4b5bed2b9d9")
    assert answer == bytes.fromhex("01010018 2112a442") + TRANSACTION + expected


@pytest.mark.parametrize(
    "data",
    [b"", b"\r\n\r\n", REQUEST[:19], REQUEST + b"\0", b"\x01\x01" + REQUEST[2:], REQUEST[:4] + bytes(16),
     b"REGISTER sip:a SIP/2.0\r\n\r\n", REQUEST[:2] + b"\x04\x00" + REQUEST[4:] + bytes(1024)],
)  # fmt: skip
def test_whatever_else_comes_gets_no_answer(data: bytes) -> None:
    assert binding_response(data, Hop("192.0.2.1", 5060)) is None


@given(st.binary(max_size=600))
def test_no_bytes_make_it_fail_or_answer_more_than_was_asked_with(data: bytes) -> None:
    answer = binding_response(data, Hop("192.0.2.1", 5060))
    assert answer is None or len(answer) <= len(data) + 12
