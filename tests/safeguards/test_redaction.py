import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.safeguards.redaction import MASK, redact

NUMBERS = [
    "+442079460012",
    "+44 20 7946 0012",
    "+44 (0)20 7946 0012",
    "+44-20-7946-0012",
    "%2B442079460012",
    "00442079460012",
    "0044 20 7946 0012",
    "02079460012",
    "020 7946 0012",
    "(020) 7946 0012",
    "020-7946-0012",
    "020.7946.0012",
    "01632 960 123",
    "07700900123",
    "442079460012",
    "44 20 7946 0012",
    "+1 202 555 0123",
    "2025550123",
    "+49 30 901820",
    "0 2 0 7 9 4 6 0 0 1 2",
    "020\u00a07946\u20110012",
    "44 1632 960012",
    "44-1632-960012",
    "1632 960012",
    "1-202-555-0123",
    "020_7946_0012",
    "0207\u200b946\u200b0012",
    "+44207\n9460012",
    "020\u20097946\u20090012",
]
KEPT = [
    "call 5f0c9a7be2d14c63 ended",
    "call 0123456789abcdef ended",
    "call 9f1d7b3e0c5a48d2b6e4f01928374a5c ended",
    "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
    "2026-06-10T11:00:00.123456+00:00 ready",
    "2026-06-10 11:00:00 ready",
    "at 23:59:59.125",
    "bound to 127.0.0.1:5060",
    "media 192.168.100.200:40000 up",
    "ports 10000-20000",
    "after 1718020000.123456 s",
    "SIP/2.0 486 Busy Here",
    "rate 0.0123 of 0.03",
    "lost 12 of 150000 packets",
    "[2001:db8::1]:5060",
]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("frame", ["{}", "refused {} by carrier", "sip:{}@trunk", '"{}"', "to={};tag=9", "({})."])
def test_a_number_is_masked_wherever_it_stands(number, frame):
    digits = "".join(filter(str.isdigit, number))
    redacted = redact(frame.format(number))
    left = "".join(filter(str.isdigit, redacted))
    assert MASK in redacted
    assert digits[-6:] not in left


@pytest.mark.parametrize("text", KEPT)
def test_references_times_addresses_and_ports_survive(text):
    assert redact(text) == text


def test_two_numbers_in_one_line_are_both_masked():
    assert redact("from 02079460012 to +447700900123.") == f"from {MASK} to {MASK}."


def test_a_letter_in_front_does_not_hide_a_number():
    assert "2079460012" not in redact("x442079460012")


def test_a_number_beside_a_time_is_masked_and_the_time_is_kept():
    assert redact("11:02:03 020 7946 0012 busy") == f"11:02:03 {MASK} busy"


@given(st.integers(10**9, 10**12 - 1), st.text(alphabet="abc <>:;@=\"'", max_size=8))
def test_no_international_number_gets_through(digits, around):
    assert str(digits) not in redact(f"{around}+{digits}{around}")


@given(st.text(max_size=200))
def test_redacting_twice_changes_nothing_more(text):
    once = redact(text)
    assert redact(once) == once


@given(st.binary(min_size=8, max_size=8).filter(lambda token: any(c in "abcdef" for c in token.hex())))
def test_every_reference_that_we_make_survives(token):
    assert redact(f"call {token.hex()} ended") == f"call {token.hex()} ended"


def test_a_long_hostile_text_is_read_in_a_single_pass():
    hostile = "0 " * 20_000 + "+" * 20_000 + "1-" * 20_000
    assert isinstance(redact(hostile), str)


def test_a_media_key_is_taken_out_of_whatever_tells_of_an_sdp() -> None:
    key = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
    sdp = f"m=audio 4000 RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}|2^31|1:1\r\na=sendrecv\r\n"
    for text in (sdp, repr(sdp.encode()), repr({"offer": sdp})):
        assert key not in redact(text)
        assert "inline:[key]" in redact(text) and "sendrecv" in redact(text)
