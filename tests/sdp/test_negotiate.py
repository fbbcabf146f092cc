"""Offer and answer: the golden files, then what only our own offers meet."""

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from softswitch.errors import PeerError, UsageError
from softswitch.sdp.negotiate import MediaAgreement, make_answer, make_offer, read_answer
from softswitch.sdp.session import SessionDescription

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # no verdict on a busy machine

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = sorted(path.name.removesuffix(".offer.sdp") for path in GOLDEN.glob("*.offer.sdp"))
OFFER = make_offer("198.51.100.1", 20000, session_id=42)


def answer_of(*lines: str, address: str = "192.0.2.10") -> bytes:
    head = ["v=0", "o=- 7 3 IN IP4 192.0.2.10", "s=-", f"c=IN IP4 {address}", "t=0 0"]
    return "".join(f"{line}\r\n" for line in [*head, *lines]).encode()


def test_the_golden_files_are_there() -> None:
    assert len(NAMES) >= 30


@pytest.mark.parametrize("name", NAMES)
def test_an_offer_gets_its_golden_answer(name: str) -> None:
    offer = (GOLDEN / f"{name}.offer.sdp").read_bytes()
    expected = json.loads((GOLDEN / f"{name}.agreement.json").read_text())
    if "refused" in expected:
        with pytest.raises(PeerError) as refused:
            make_answer(offer, "198.51.100.1", 20000, session_id=42, version=5)
        assert (refused.value.status, str(refused.value)) == (expected["refused"], expected["because"])
        return
    answer, agreement = make_answer(offer, "198.51.100.1", 20000, session_id=42, version=5)
    assert answer == (GOLDEN / f"{name}.answer.sdp").read_bytes()
    assert json.loads(json.dumps(dataclasses.asdict(agreement))) == expected


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_has_the_offers_media_in_the_offers_order(name: str) -> None:
    path = GOLDEN / f"{name}.answer.sdp"
    if path.exists():
        offer = SessionDescription.parse((GOLDEN / f"{name}.offer.sdp").read_bytes())
        answer = SessionDescription.parse(path.read_bytes())
        assert [media.kind for media in answer.media] == [media.kind for media in offer.media]
        assert sum(media.port != 0 for media in answer.media) == 1


def test_our_offer_reads_as_it_is_documented() -> None:
    assert OFFER.decode().split("\r\n") == [
        "v=0", "o=- 42 1 IN IP4 198.51.100.1", "s=-", "c=IN IP4 198.51.100.1", "t=0 0",
        "m=audio 20000 RTP/AVP 0 8 101", "a=rtpmap:0 PCMU/8000", "a=rtpmap:8 PCMA/8000",
        "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15", "a=ptime:20", "a=sendrecv", "",
    ]  # fmt: skip


def test_an_ipv6_side_offers_and_answers_ipv6() -> None:
    offer = make_offer("2001:db8::1", 4000, session_id=1)
    assert b"c=IN IP6 2001:db8::1\r\n" in offer
    answer, agreement = make_answer(offer, "2001:db8::2", 5000, session_id=2)
    assert agreement.remote == ("2001:db8::1", 4000)
    assert read_answer(offer, answer).remote == ("2001:db8::2", 5000)


@pytest.mark.parametrize("theirs", ["sendrecv", "sendonly", "recvonly", "inactive"])
@pytest.mark.parametrize("ours", ["sendrecv", "sendonly", "recvonly", "inactive"])
def test_both_ends_come_to_mirrored_directions(ours: str, theirs: str) -> None:
    offer = make_offer("198.51.100.1", 20000, session_id=1, direction=ours)
    answer, answerer = make_answer(offer, "192.0.2.1", 4000, session_id=2, direction=theirs)
    offerer = read_answer(offer, answer)
    assert (offerer.sends, offerer.receives) == (answerer.receives, answerer.sends)
    assert answerer.sends <= (theirs in ("sendrecv", "sendonly") and ours in ("sendrecv", "recvonly"))


def test_the_codec_asked_for_is_taken_even_when_the_offer_prefers_another() -> None:
    _, agreement = make_answer(OFFER, "192.0.2.1", 4000, session_id=2, codecs=("PCMA",))
    assert agreement.codec == "PCMA"


def test_an_answer_settles_what_we_send() -> None:
    answer = answer_of(
        "m=audio 4000 RTP/AVP 8 101", "a=rtpmap:8 PCMA/8000", "a=rtpmap:101 telephone-event/8000", "a=ptime:30"
    )
    assert read_answer(OFFER, answer) == MediaAgreement(
        ("192.0.2.10", 4000), "PCMA", 8, 101, 30, "sendrecv", dtmf_receive_type=101
    )


def test_keys_are_sent_by_the_answers_number_and_come_by_the_offers() -> None:
    agreement = read_answer(OFFER, answer_of("m=audio 4000 RTP/AVP 0 96", "a=rtpmap:96 telephone-event/8000"))
    assert (agreement.dtmf_payload_type, agreement.dtmf_receive_type) == (96, 101)


def test_an_answer_that_leaves_out_the_rtpmaps_means_the_offers() -> None:
    agreement = read_answer(OFFER, answer_of("m=audio 4000 RTP/AVP 0 101"))
    assert (agreement.codec, agreement.dtmf_payload_type) == ("PCMU", 101)


@pytest.mark.parametrize("encoding", ["telephone-event/16000", "opus/48000/2"])
def test_a_number_of_ours_that_an_answer_gives_another_meaning_has_it(encoding: str) -> None:
    agreement = read_answer(OFFER, answer_of("m=audio 4000 RTP/AVP 0 101", f"a=rtpmap:101 {encoding}"))
    assert (agreement.codec, agreement.dtmf_payload_type) == ("PCMU", None)


@pytest.mark.parametrize(
    ("lines", "ptime_ms"),
    [
        (["a=ptime:30.0"], 30),
        (["a=ptime:0", "a=maxptime:0"], 20),  # neither may be (RFC 8866 §9)
        (["a=ptime:40", "a=maxptime:30.5"], 30),
        (["a=maxptime:20"], 20),
    ],
)
def test_times_of_packets_are_read_as_they_may_be_written(lines: list[str], ptime_ms: int) -> None:
    assert read_answer(OFFER, answer_of("m=audio 4000 RTP/AVP 0", *lines)).ptime_ms == ptime_ms


@pytest.mark.parametrize(
    ("line", "to"),
    [
        ("a=rtcp:5000", ("192.0.2.10", 5000)),
        ("a=rtcp:5000 IN IP4 192.0.2.77", ("192.0.2.77", 5000)),
        ("a=rtcp:5000 in ip4 192.0.2.10", ("192.0.2.10", 5000)),
        # what cannot be sent to is as if it were not there
        ("a=rtcp:0", None),
        ("a=rtcp:65536", None),
        ("a=rtcp:99999 IN IP4 192.0.2.77", None),
        ("a=rtcp:5000 IN IP4 224.0.0.1", None),
        ("a=rtcp:5000 IN IP4 255.255.255.255", None),
        ("a=rtcp:5000 IN IP4 0.0.0.0", None),
        ("a=rtcp:5000 IN IP6 2001:db8::1", None),
        ("a=rtcp:5000 IN IP4 reports.example", None),
        ("a=rtcp:5000 IN IP4", None),
        ("a=rtcp:port", None),
        ("a=rtcp", None),
    ],
)
def test_reports_go_where_the_peer_takes_them(line: str, to: tuple[str, int] | None) -> None:
    assert read_answer(OFFER, answer_of("m=audio 4000 RTP/AVP 0", line)).reports_to == to
    _, agreement = make_answer(answer_of("m=audio 4000 RTP/AVP 0", line), "198.51.100.1", 20000, session_id=1)
    assert agreement.reports_to == to
    muxed = answer_of("m=audio 4000 RTP/AVP 0", line, "a=rtcp-mux")
    assert make_answer(muxed, "198.51.100.1", 20000, session_id=1)[1].reports_to is None


def test_media_lines_beyond_ours_are_ignored() -> None:
    assert read_answer(OFFER, answer_of("m=audio 4000 RTP/AVP 0", "m=video 0 RTP/AVP 31")).codec == "PCMU"


def test_a_peer_that_answers_with_hold_is_not_sent_to() -> None:
    held = read_answer(OFFER, answer_of("m=audio 4000 RTP/AVP 0", address="0.0.0.0"))
    assert (held.sends, held.receives) == (False, True)
    assert not read_answer(OFFER, answer_of("m=audio 4000 RTP/AVP 0", "a=sendonly")).sends


@pytest.mark.parametrize(
    "answer",
    [
        answer_of("m=audio 0 RTP/AVP 0"),
        answer_of("m=audio 4000 RTP/AVP 18"),
        answer_of("m=audio 4000 RTP/SAVP 0"),
        answer_of("m=video 4000 RTP/AVP 0"),
        answer_of("m=audio 4000 RTP/AVP 0", address="224.0.0.1"),
        answer_of("m=audio 4000 RTP/AVP 0", "a=maxptime:9"),
        answer_of(),
        b"",
    ],
)
def test_an_answer_that_refuses_or_misfits_is_488(answer: bytes) -> None:
    with pytest.raises(PeerError) as refused:
        read_answer(OFFER, answer)
    assert refused.value.status == 488


def test_a_codec_that_we_did_not_offer_cannot_be_answered() -> None:
    offer = make_offer("198.51.100.1", 20000, session_id=1, codecs=("PCMA",))
    with pytest.raises(PeerError):
        read_answer(offer, answer_of("m=audio 4000 RTP/AVP 0"))


def test_a_wish_that_cannot_be_offered_is_our_own_error() -> None:
    with pytest.raises(UsageError):
        make_offer("198.51.100.1", 20000, session_id=1, codecs=("opus",))
    with pytest.raises(UsageError):
        make_offer("198.51.100.1", 20000, session_id=1, direction="both")
    with pytest.raises(UsageError):
        make_answer(OFFER, "192.0.2.1", 4000, session_id=1, codecs=("opus",))


LINES = (
    "m=audio 4000 RTP/AVP 0 8 96", "m=audio 1/2 RTP/AVP 0", "c=IN IP4 1.2.3.4", "c=IN IP4 ", "a=rtpmap:96 PCMU/8000",
    "a=rtpmap:96", "a=rtpmap:0 /", "a=ptime:x", "a=maxptime:1", "a=sendonly", "t=1 2", "a=fmtp:96",
)  # fmt: skip
fragments = st.sampled_from([f"{line}\r\n" for line in LINES])


@patient
@given(st.lists(fragments, max_size=12))
def test_any_jumble_of_lines_is_answered_or_refused(lines: list[str]) -> None:
    try:
        answer, agreement = make_answer("".join(["v=0\r\n", *lines]).encode(), "192.0.2.1", 4000, session_id=1)
    except PeerError as error:
        assert error.status == 488
    else:
        assert SessionDescription.parse(answer)
        assert agreement.remote == ("1.2.3.4", 4000) or agreement.remote[1] == 1


def test_rtcp_shares_the_rtp_port_where_the_offer_asks_for_it() -> None:
    plain = b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
    answer, agreement = make_answer(plain + b"a=rtcp-mux\r\n", "192.0.2.1", 5000, session_id=2)
    assert agreement.rtcp_mux and b"a=rtcp-mux\r\n" in answer
    answer, agreement = make_answer(plain, "192.0.2.1", 5000, session_id=2)
    assert not agreement.rtcp_mux and b"rtcp-mux" not in answer
    assert not read_answer(plain, plain + b"a=rtcp-mux\r\n").rtcp_mux, "only what was offered can be answered"
