"""Session descriptions from bytes and to bytes."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softswitch.errors import PeerError
from softswitch.sdp.session import Connection, MediaDescription, Origin, SessionDescription
from softswitch.sip.parser import parse

VECTORS = Path(__file__).parents[3] / "shared" / "vectors"
PLAIN = (
    b"v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n"
)

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # no verdict on a busy machine


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n", b"\r"])
def test_any_line_end_will_do_and_none_at_the_end(line_end: bytes) -> None:
    assert SessionDescription.parse(PLAIN.replace(b"\r\n", line_end).rstrip()) == SessionDescription.parse(PLAIN)


def test_what_is_written_is_what_was_read() -> None:
    assert bytes(SessionDescription.parse(PLAIN)) == PLAIN


def test_a_broken_origin_harms_nobody() -> None:
    assert SessionDescription.parse(PLAIN.replace(b"o=- 1 2", b"o=- x")).origin is None


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"m=audio 4000 RTP/AVP 0\r\n",
        PLAIN.replace(b"m=audio 4000 RTP/AVP 0", b"m=audio"),
        PLAIN.replace(b"4000", b"-1"),
        PLAIN.replace(b"4000", b"65536"),
        PLAIN.replace(b"c=IN IP4", b"c=ATM NSAP"),
        PLAIN + b"nonsense\r\n",
        PLAIN + b"a=x\0y\r\n",
        PLAIN + b"a=x\r\n" * 600,
        PLAIN + b"m=audio 4000 RTP/AVP 0\r\n" * 20,
    ],
)
def test_what_could_mislead_is_refused_with_488(broken: bytes) -> None:
    with pytest.raises(PeerError) as refused:
        SessionDescription.parse(broken)
    assert refused.value.status == 488


@pytest.mark.parametrize(
    ("address", "unicast"),
    [
        ("192.0.2.1", True), ("2001:db8::1", True), ("::ffff:192.0.2.2", True), ("0.0.0.0", False), ("::", False),
        ("224.0.0.1", False), ("255.255.255.255", False), ("ff02::1", False), ("phone.example", False), ("", False),
    ],
)  # fmt: skip
def test_only_one_hosts_numeric_address_can_be_sent_to(address: str, unicast: bool) -> None:
    assert Connection(address).is_unicast == unicast


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors lie beside a checkout only")
@pytest.mark.parametrize("name", ["ipv6-in-sdp", "mult-ip-in-sdp", "ipv4-mapped-ipv6"])
def test_ipv6_stands_without_brackets_as_in_rfc_5118(name: str) -> None:
    session = SessionDescription.parse(parse((VECTORS / "rfc5118" / "wire" / f"{name}.dat").read_bytes()).body)
    addresses = [connection.address for media in session.media if (connection := session.connection_of(media))]
    assert (
        addresses
        == {
            "ipv6-in-sdp": ["2001:db8::20"] * 2,
            "mult-ip-in-sdp": ["192.0.2.1", "2001:db8::1"],
            "ipv4-mapped-ipv6": ["::ffff:192.0.2.2"] * 2,
        }[name]
    )


@pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors lie beside a checkout only")
def test_bodies_that_broke_other_servers_break_nothing_here() -> None:
    manifest = json.loads((VECTORS / "malformed" / "manifest.json").read_text())
    for name in [entry["file"] for entry in manifest if "sdp" in entry["file"]]:
        body = (VECTORS / "malformed" / name).read_bytes().partition(b"\r\n\r\n")[2]
        try:
            SessionDescription.parse(body)
        except PeerError as error:
            assert error.status == 488


words = st.from_regex(r"[a-z0-9-]{1,12}", fullmatch=True)
attributes = st.lists(
    st.tuples(words, st.one_of(st.none(), st.from_regex(r"[ -~]{0,20}[!-~]", fullmatch=True).map(str.strip))),
    max_size=4,
).map(tuple)
connections = st.builds(Connection, st.ip_addresses().map(str))
media_descriptions = st.builds(
    MediaDescription,
    kind=words,
    port=st.integers(0, 65535),
    protocol=st.sampled_from(["RTP/AVP", "RTP/SAVP", "udptl"]),
    formats=st.lists(words, min_size=1, max_size=5).map(tuple),
    connection=st.none() | connections,
    attributes=attributes,
)
sessions = st.builds(
    SessionDescription,
    origin=st.builds(Origin, st.integers(0, 10**18), st.integers(0, 10**18), st.ip_addresses().map(str), words),
    media=st.lists(media_descriptions, max_size=4).map(tuple),
    connection=st.none() | connections,
    attributes=attributes,
    times=st.just("0 0") | st.just("3149328700 0"),
    name=words,
)


@patient
@given(sessions)
def test_every_description_reads_back_as_it_was_written(session: SessionDescription) -> None:
    assert SessionDescription.parse(bytes(session)) == session


@patient
@given(st.binary(max_size=300).map(lambda tail: b"v=0\r\n" + tail) | st.binary(max_size=300))
def test_no_bytes_raise_anything_but_a_refusal(data: bytes) -> None:
    try:
        SessionDescription.parse(data)
    except PeerError as error:
        assert error.status == 488
