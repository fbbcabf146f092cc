"""Browsers' offers and our answers: the golden files, then what is refused, and why."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softswitch.errors import PeerError, UsageError
from softswitch.sdp.session import SessionDescription
from softswitch.sdp.webrtc import BrowserOffer, DtlsRole, IceCredentials

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # no verdict on a busy machine

GOLDEN = Path(__file__).parents[1] / "golden" / "browser"
NAMES = sorted(path.name.removesuffix(".offer.sdp") for path in GOLDEN.glob("*.offer.sdp"))
OURS = IceCredentials("ours", "0123456789abcdefghijklmn")
FINGERPRINT = bytes(range(32))
CHROMIUM = (GOLDEN / "chromium-audio.offer.sdp").read_bytes()


def without(pattern: str, offer: bytes = CHROMIUM) -> bytes:
    """The offer without the lines that begin so."""
    return b"".join(line for line in offer.splitlines(keepends=True) if not re.match(pattern, line.decode()))


def with_line(pattern: str, line: str, offer: bytes = CHROMIUM) -> bytes:
    """The offer with another line in place of those that begin so."""
    return re.sub(f"(?m)^{pattern}.*?$".encode(), line.encode(), offer.replace(b"\r", b"")).replace(b"\n", b"\r\n")


def answer_to(offer: bytes) -> str:
    return BrowserOffer.parse(offer).answer("198.51.100.1", 20000, OURS, FINGERPRINT, session_id=42)


def reason(offer: bytes) -> str:
    with pytest.raises(PeerError) as refused:
        BrowserOffer.parse(offer)
    assert refused.value.status == 488
    return str(refused.value)


def test_the_golden_files_are_there() -> None:
    assert len(NAMES) >= 6


@pytest.mark.parametrize("name", NAMES)
def test_a_browsers_offer_gets_its_golden_answer(name: str) -> None:
    offer, expected = (GOLDEN / f"{name}.offer.sdp").read_bytes(), GOLDEN / f"{name}.answer.sdp"
    if expected.exists():
        assert answer_to(offer).encode() == expected.read_bytes()
    else:
        assert "no codec" in reason(offer)


@pytest.mark.parametrize("name", [name for name in NAMES if (GOLDEN / f"{name}.answer.sdp").exists()])
def test_an_answer_takes_the_audio_alone_and_keeps_the_offers_order(name: str) -> None:
    offer = SessionDescription.parse((GOLDEN / f"{name}.offer.sdp").read_bytes())
    answer = SessionDescription.parse((GOLDEN / f"{name}.answer.sdp").read_bytes())
    assert [one.kind for one in answer.media] == [one.kind for one in offer.media]
    assert [one.kind for one in answer.media if one.port] == ["audio"]
    assert [one.attribute("mid") for one in answer.media] == [one.attribute("mid") for one in offer.media]


def test_what_chromium_says_is_read() -> None:
    offer = BrowserOffer.parse(CHROMIUM)
    assert (offer.codec, offer.payload_type, offer.dtmf_payload_type) == ("PCMU", 0, 126)
    assert (offer.our_role, offer.direction, offer.mid, offer.bundled) == (DtlsRole.ACTIVE, "sendrecv", "0", True)
    assert len(offer.remote.ufrag) >= 4
    assert [len(one) for one in offer.fingerprints] == [32]


def test_a_site_chooses_its_codec() -> None:
    assert BrowserOffer.parse(CHROMIUM, ["G722", "PCMU"]).codec == "G722"
    assert BrowserOffer.parse(CHROMIUM, ["PCMA"]).payload_type == 8
    with pytest.raises(UsageError):
        BrowserOffer.parse(CHROMIUM, ["OPUS"])


def test_nothing_of_the_offer_identifies_in_the_answer() -> None:
    """Neither the browser's own names nor its addresses come back; the answer has a candidate of ours only."""
    answer = answer_to(CHROMIUM)
    for line in CHROMIUM.decode().splitlines():
        if line.startswith(("a=candidate", "a=ssrc", "a=msid:", "a=ice-ufrag", "a=ice-pwd", "a=fingerprint")):
            assert line.partition(":")[2] not in answer
    assert answer.count("a=candidate") == 1


def test_events_of_another_clock_are_not_taken_for_ours() -> None:
    assert BrowserOffer.parse(without("a=rtpmap:126 ")).dtmf_payload_type is None


@pytest.mark.parametrize(
    ("setup", "ours"), [("actpass", DtlsRole.ACTIVE), ("passive", DtlsRole.ACTIVE), ("active", DtlsRole.PASSIVE)]
)
def test_the_end_that_may_begins_the_handshake(setup: str, ours: DtlsRole) -> None:
    offer = with_line("a=setup:", f"a=setup:{setup}")
    assert BrowserOffer.parse(offer).our_role is ours
    assert f"a=setup:{ours}\r\n" in answer_to(offer)


@pytest.mark.parametrize(
    ("offered", "ours"),
    [("sendrecv", "sendrecv"), ("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")],
)
def test_the_direction_is_mirrored(offered: str, ours: str) -> None:
    offer = BrowserOffer.parse(with_line("a=sendrecv", f"a={offered}"))
    assert offer.direction == ours
    assert offer.sends is (ours in ("sendrecv", "sendonly"))


@pytest.mark.parametrize(
    ("offer", "why"),
    [
        (without("a=fingerprint"), "no fingerprint by sha-256"),
        (with_line("a=fingerprint", "a=fingerprint:sha-1 " + ":".join(["00"] * 20)), "no fingerprint by sha-256"),
        (with_line("a=fingerprint", "a=fingerprint:sha-256 " + ":".join(["00"] * 31)), "malformed"),
        (without("a=ice-ufrag"), "ice-ufrag"),
        (without("a=ice-pwd"), "ice-pwd"),
        (with_line("a=ice-ufrag", "a=ice-ufrag:abc"), "ice-ufrag"),
        (with_line("a=ice-pwd", "a=ice-pwd:tooshort"), "ice-pwd"),
        (with_line("a=ice-pwd", "a=ice-pwd:with a space, and long enough"), "ice-pwd"),
        (without("a=setup"), "a=setup"),
        (with_line("a=setup", "a=setup:holdconn"), "a=setup"),
        (without("a=rtcp-mux"), "rtcp-mux"),
        (with_line("a=ice-options", "a=x").replace(b"t=0 0\r\n", b"t=0 0\r\na=ice-lite\r\n"), "ice-lite"),
        (with_line("m=audio", "m=audio 9 RTP/AVP 0 8"), "no audio over DTLS-SRTP"),
        (with_line("m=audio", "m=audio 0 UDP/TLS/RTP/SAVPF 0 8"), "no audio over DTLS-SRTP"),
        (with_line("m=audio", "m=video 9 UDP/TLS/RTP/SAVPF 96"), "no audio over DTLS-SRTP"),
        (with_line("m=audio", "m=audio 9 UDP/TLS/RTP/SAVPF 111 63"), "no codec"),
        (with_line("a=mid", "a=mid:no token"), "mid"),
    ],
)
def test_what_a_secure_call_needs_is_not_left_out(offer: bytes, why: str) -> None:
    assert why in reason(offer)


def test_what_stands_for_the_session_counts_for_its_audio() -> None:
    moved = [b"a=ice-ufrag:sess\r\n", b"a=ice-pwd:0123456789abcdefghijkl\r\n", b"a=setup:active\r\n"]
    offer = without("a=(ice-ufrag|ice-pwd|setup)").replace(b"t=0 0\r\n", b"t=0 0\r\n" + b"".join(moved))
    assert BrowserOffer.parse(offer).remote == IceCredentials("sess", "0123456789abcdefghijkl")
    assert BrowserOffer.parse(offer).our_role is DtlsRole.PASSIVE


def test_audio_that_is_bundled_takes_the_transport_of_the_section_that_stands_for_the_bundle() -> None:
    """RFC 9143 §7.2: bundle-only, port 0, and no transport attributes of its own."""
    data = CHROMIUM[: CHROMIUM.index(b"m=audio")].replace(b"BUNDLE 0", b"BUNDLE 1 0")
    audio = without("a=(ice-|fingerprint|setup)", CHROMIUM[CHROMIUM.index(b"m=audio") :]).rstrip()
    audio = re.sub(rb"m=audio \d+", b"m=audio 0", audio) + b"\r\na=bundle-only\r\n"
    tagged = (
        b"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\na=ice-ufrag:tagd\r\n"
        b"a=ice-pwd:0123456789abcdefghijkl\r\na=setup:actpass\r\na=fingerprint:sha-256 " + b":".join([b"AB"] * 32)
    )
    offer = BrowserOffer.parse(data + tagged + b"\r\n" + audio)
    assert (offer.audio, offer.remote.ufrag, offer.fingerprints) == (1, "tagd", frozenset([b"\xab" * 32]))


def test_several_certificates_may_be_shown() -> None:
    first, second = b"\x11" * 32, b"\x22" * 32
    lines = "".join(f"a=fingerprint:SHA-256 {one.hex(':')}\r\n" for one in (first, second)).rstrip()
    assert BrowserOffer.parse(with_line("a=fingerprint", lines)).fingerprints == {first, second}


def test_a_fingerprint_of_ours_is_a_sha_256() -> None:
    with pytest.raises(UsageError):
        BrowserOffer.parse(CHROMIUM).answer("198.51.100.1", 20000, OURS, bytes(20), session_id=1)


@patient
@given(st.data())
def test_an_offer_that_was_damaged_is_read_or_refused_and_nothing_else(data: st.DataObject) -> None:
    offer = bytearray(CHROMIUM)
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(offer) - 1))
        offer[place : place + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=4))
    try:
        answer = answer_to(bytes(offer))
    except PeerError:
        return
    assert SessionDescription.parse(answer.encode("utf-8", "surrogateescape")).media
