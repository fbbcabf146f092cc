"""No number, name or secret is left in a masked message, and what stays is still a SIP message."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.safeguards.message_masking import MessageMask, without_secrets

NUMBER = "+442079460958"
mask = MessageMask(b"k" * 16)
blind = MessageMask(b"k" * 16, digits_shown=False)

SPELLINGS = ["+442079460958", "00442079460958", "02079460958", "020 7946 0958", "(020) 7946-0958", "020.7946.0958",
             "0-2-0-7-9-4-6-0-9-5-8", "2079460958", "%2B44%2020%207946%200958", "%30%32%30%37%39%34%36%30%39%35%38",
             "442079460958", "02 0794 60958", "020\u00a07946\u00a00958", "\uff10\uff12\uff10\uff17\uff19\uff14\uff16"
             "\uff10\uff19\uff15\uff18", "60958", "020_7946_0958", "0,2079,460958"]  # fmt: skip
PLACES = [
    "INVITE sip:{}@192.0.2.2 SIP/2.0",
    "INVITE tel:{} SIP/2.0",
    "INVITE sip:{};npdi@192.0.2.2 SIP/2.0",
    "SIP/2.0 486 {} is busy",
    'From: "{}" <sip:a@b>;tag=1',
    "From: {} <sip:a@b>;tag=1",
    "From: <sip:{}@b>;tag={}",
    "t: sip:{}@b",
    "Contact: <sip:a@b;user={}>",
    "P-Asserted-Identity: <tel:{}>",
    "Diversion: <sip:{}@x>;reason=unconditional",
    "Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK{}",
    "Via: SIP/2.0/UDP {}.example.com;branch=z9hG4bK",
    "Call-ID: {}@192.0.2.2",
    "i: x{}y",
    "Subject: call {}",
    "X-Anything: {}",
    "CSeq: 1 {}",
    "Expires: {}",
    "Content-Length: {}",
    "Date: {}",
    'Reason: Q.850;cause=16;text="{}"',
    'Warning: 399 host "{}"',
    "User-Agent: {}",
    "X-{}: a",
    "no colon {}",
    "Subject: folded\r\n {}",
    "P-Asserted-Identity: <sip:020\r\n {}@b>",
    'WWW-Authenticate: Digest realm="{}", nonce="{}"',
    "Content-Type: application/{}",
]
SDP_PLACES = ["o={} 1 1 IN IP4 192.0.2.1", "o=- {} {} IN IP4 192.0.2.1", "s={}", "i={}", "p={}", "e=jane{}@b", "a={}",
              "a=rtpmap:{} x/8000", "m=audio {} RTP/AVP 0", "t={} 0", "{}", "a=fmtp:101 {}", "b=AS:{}"]  # fmt: skip


def digits_of(data: bytes) -> str:
    text = data.decode("utf-8", "surrogateescape").replace("%", "").replace("192.0.2.", "")
    return "".join(str(int(sign)) for sign in text if sign.isdigit())


@pytest.mark.parametrize(
    ("place", "spelling"),
    [
        (place, spelling)
        for place in PLACES
        for spelling in SPELLINGS
        if not (place in ("Expires: {}", "Content-Length: {}") and spelling == "60958")  # a time, or a length
    ],
)
def test_no_number_is_left_wherever_it_stands(place: str, spelling: str) -> None:
    line = place.replace("{}", spelling)
    if line.startswith(("INVITE", "SIP/2.0")):
        message = f"{line}\r\nMax-Forwards: 70\r\n\r\n"
    else:
        message = f"OPTIONS sip:a@b SIP/2.0\r\n{line}\r\nAllow: INVITE\r\n\r\n"
    for masked in (mask(message.encode()), blind(message.encode())):
        assert "60958" not in digits_of(masked)
        assert "958" not in masked.decode()
        assert masked.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("place", "spelling"),
    [
        (place, spelling)
        for place in SDP_PLACES
        for spelling in SPELLINGS
        if not (place == "m=audio {} RTP/AVP 0" and spelling == "60958")  # a port
    ],
)
def test_no_number_is_left_in_sdp(place: str, spelling: str) -> None:
    body = "v=0\r\n" + place.replace("{}", spelling) + "\r\n"
    masked = mask(f"INVITE sip:a@b SIP/2.0\r\nContent-Type: application/sdp\r\n\r\n{body}".encode())
    assert "60958" not in digits_of(masked).replace("8000", "")


@given(st.sampled_from(PLACES), st.lists(st.sampled_from(["", " ", "-", ".", "%20", "/", "(", " - "]), min_size=10))
def test_no_grouping_hides_a_number(place: str, gaps: list[str]) -> None:
    spelling = "".join(digit + gap for digit, gap in zip("02079460958", [*gaps[:10], ""], strict=True))
    masked = mask(f"OPTIONS sip:a@b SIP/2.0\r\n{place.replace('{}', spelling)}\r\n\r\n".encode())
    assert "460958" not in digits_of(masked.replace(b"%20", b""))


@given(st.binary(max_size=300))
def test_no_bytes_make_it_fail(data: bytes) -> None:
    mask(data)
    without_secrets(data)


@pytest.mark.parametrize("piece", ["sip:", "sip:a", '"\\', '"', ";tag=", "0 ", "1 . . . ", ", a", "%3", 'text="', "<"])
@pytest.mark.parametrize("name", ["From: ", "Via: ", "Call-ID: ", "Reason: ", ""])
@pytest.mark.timeout(5)
def test_a_hostile_line_takes_time_as_its_length(name: str, piece: str) -> None:
    mask(f"INVITE sip:a@b SIP/2.0\r\n{name}{piece * (60_000 // len(piece))}\r\n\r\n".encode())


def test_supervisors_keep_two_digits_and_others_none() -> None:
    assert mask.text(NUMBER) == "xxxxxx58"
    assert blind.text(NUMBER) == "xxxxxx"


def test_names_are_masked() -> None:
    message = (
        b'INVITE sip:a@b SIP/2.0\r\nFrom: "Jane <Doe" <sip:a@b>;tag=1\r\nTo: Jane Doe <sip:a@b>\r\n'
        b"Contact: <sip:a@b>, Jane <sip:c@d>\r\nOrganization: Jane Ltd\r\nX-Customer: Jane\r\n"
        b'Reason: SIP;cause=200;text="Jane"\r\nContent-Type: application/sdp\r\n\r\n'
        b"v=0\r\no=Jane 1 1 IN IP4 192.0.2.1\r\ns=Jane\r\ni=Jane\r\n"
    )
    masked = mask(message)
    assert b"Jane" not in masked and b"Doe" not in masked


def test_a_signed_identity_is_hidden_because_it_holds_both_numbers() -> None:
    token = base64.urlsafe_b64encode(b'{"dest":{"tn":["442079460958"]}}').decode()
    masked = mask(f"INVITE sip:a@b SIP/2.0\r\nIdentity: a.{token}.c;info=<x>\r\ny: {token}\r\n\r\n".encode())
    assert token.encode() not in masked


def test_an_ordinary_message_stays_readable() -> None:
    sdp = (b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
           b"m=audio 20000 RTP/AVP 8 0 101\r\n"
           b"a=rtpmap:8 PCMA/8000\r\n"
           b"a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n")  # fmt: skip
    head = (
        b"INVITE sip:201@127.0.0.1:50999 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKab;rport=50999\r\n"
        b"Max-Forwards: 70\r\nFrom: <sip:call@127.0.0.1:5060>;tag=ab\r\nTo: <sip:201@127.0.0.1:50999>\r\n"
        b"Call-ID: abcdef\r\nCSeq: 1 INVITE\r\nContact: <sip:call@127.0.0.1:5060>\r\nDate: Sun, 22 Nov 2026 06:03:05 "
        b"GMT\r\nAllow: INVITE, ACK\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(sdp)
    )
    assert mask(head + sdp) == head + sdp


def test_labels_stay_equal_where_they_were_and_tell_nothing() -> None:
    one, two = mask.label("a2079460958"), mask.label("b2079460958")
    assert one == mask.label("a2079460958") != two
    assert not any(sign.isdigit() for sign in one + two)
    assert MessageMask(b"other").label("a2079460958") != one


def test_the_length_fits_the_body_that_is_left() -> None:
    body = b"v=0\r\no=Jane 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
    masked = mask(
        b"INVITE sip:a@b SIP/2.0\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    head, _, rest = masked.partition(b"\r\n\r\n")
    assert head.endswith(b"Content-Length: %d" % len(rest))


def test_a_body_that_is_not_sdp_is_left_out() -> None:
    assert mask(b"INFO sip:a@b SIP/2.0\r\nContent-Type: application/dtmf-relay\r\n\r\nSignal=5\r\n").endswith(
        b"\r\n\r\n"
    )


@pytest.mark.parametrize("view", [mask, blind, without_secrets])
def test_credentials_and_media_keys_are_hidden_from_everybody(view) -> None:
    message = (
        b'INVITE sip:a@b SIP/2.0\r\nProxy-Authorization: Digest username="x", response="c0ffee"\r\n'
        b'Authorization: Digest\r\n response="c0ffee"\r\nauthentication-info: rspauth="c0ffee"\r\n'
        b"Content-Type: application/sdp\r\n\r\nv=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c0ffee\r\n"
        b"k=clear:c0ffee"
    )
    assert b"c0ffee" not in view(message)
    assert b"Authorization: Digest hidden" in view(message)


@pytest.mark.parametrize("view", [mask, blind, without_secrets])
@pytest.mark.parametrize(
    "line",
    [
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{}|2^31|1:1",
        "a=crypto:1  AEAD_AES_128_GCM\tinline:{} KDR=0",
        "a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:{};inline:{}",
        "A=CRYPTO:1 aes_cm_128_hmac_sha1_80 INLINE:{}",
        "a= crypto: 1 AES_CM_128_HMAC_SHA1_80 inline:{}",
        " a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{}",
        "a=crypto:{}",
        "a=crypto {}",
        "a=crypto:1234567890 X inline:{}",
        "a=crypto:1 AES-CM inline:{}",
        "a=cryptoscale:1 client AES_CM_128_HMAC_SHA1_80 inline:{}",
        "a=key-mgmt:mikey {}",
        "a=ice-pwd:{}",
    ],
)
def test_a_media_key_is_hidden_however_its_line_is_written(view, line: str) -> None:
    key = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
    head = b"INVITE sip:a@b SIP/2.0\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n"
    for end in ("\r\n", "\n"):
        seen = view(head + f"{line.format(key, key)}{end}a=sendrecv{end}".encode())
        assert key.encode() not in seen and b"hidden" in seen
        assert b"a=sendrecv" in seen


def test_the_suite_of_a_key_is_shown_without_it() -> None:
    message = (
        b"INVITE sip:a@b SIP/2.0\r\nContent-Type: application/sdp\r\n\r\na=crypto:1 AEAD_AES_128_GCM inline:abc\r\n"
    )
    for view in (mask, blind, without_secrets):
        assert view(message).endswith(b"\r\n\r\na=crypto:1 AEAD_AES_128_GCM inline:hidden\r\n")


def test_auditors_see_the_rest_as_it_was() -> None:
    message = b"INVITE sip:+442079460958@b SIP/2.0\r\nTo: <sip:a@b>\r\n\r\nbody"
    assert without_secrets(message) == message
