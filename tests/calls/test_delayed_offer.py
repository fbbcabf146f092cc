"""INVITEs without an offer, both ways (RFC 3261 §13.2.1), and bodies that are more than SDP."""

import pytest

from softswitch.calls.bodies import session_in
from softswitch.calls.events import CallAnswered, CallEnded, CallRinging, MediaReoffered
from softswitch.errors import PeerError
from softswitch.sip.headers import Headers
from softswitch.sip.message import Request
from softswitch.sip.uri import Uri

SDP = b"v=0\r\ns=1\r\n"
OTHER = b"v=0\r\ns=2\r\n"


def test_the_callees_offer_in_its_200_is_answered_in_our_ack(bench) -> None:
    invite = bench.place(offer=b"")
    assert "Content-Type" not in invite.headers
    bench.reply(invite, 180, sdp=OTHER)  # not acknowledged, so no offer
    bench.reply(invite, 200, sdp=SDP)
    assert bench.sent() == []
    assert bench.events == [CallRinging("leg", 180, b""), CallAnswered("leg", b""), MediaReoffered("leg", SDP)]
    bench.pool.answer_reoffer("leg", OTHER, bench.clock.now)
    ack = bench.sent_request("ACK")
    assert (ack.body, ack.content_type) == (OTHER, "application/sdp")
    bench.reply(invite, 200, sdp=SDP)
    assert bench.sent_request("ACK").body == OTHER


def test_copies_of_the_200_wait_with_it_for_our_answer(bench) -> None:
    invite = bench.place(offer=b"")
    bench.reply(invite, 200, sdp=SDP)
    bench.reply(invite, 200, sdp=SDP)
    assert bench.sent() == []
    assert bench.kinds == ["CallAnswered", "MediaReoffered"]


@pytest.mark.parametrize("how", ["refuse", "hang up"])
def test_an_offer_that_we_do_not_take_is_acknowledged_and_the_call_ended(bench, how: str) -> None:
    invite = bench.place(offer=b"")
    bench.reply(invite, 200, sdp=SDP)
    if how == "refuse":
        bench.pool.answer_reoffer("leg", None, bench.clock.now)
    else:
        bench.pool.hang_up("leg", bench.clock.now)
    ack, bye = bench.sent()
    assert (ack.method, bye.method) == ("ACK", "BYE")
    assert isinstance(bench.events[-1], CallEnded)
    bench.reply(bye, 200)
    bench.assert_nothing_is_left()


def test_a_200_that_offers_nothing_is_acknowledged_at_once(bench) -> None:
    bench.reply(bench.place(offer=b""), 200)
    bench.sent_request("ACK")
    assert bench.events == [CallAnswered("leg", b"")]


def test_a_cancelled_call_whose_200_brings_an_offer_is_ended(bench) -> None:
    invite = bench.place(offer=b"")
    bench.reply(invite, 180)
    bench.hang_up()
    bench.sent_request("CANCEL")
    bench.reply(invite, 200, sdp=SDP)
    assert [message.method for message in bench.sent()] == ["ACK", "BYE"]


def test_a_caller_without_offer_whose_ack_answers_nothing_is_hung_up(bench) -> None:
    invite = bench.invite(body=b"")
    leg = bench.offered().leg_id
    bench.pool.answer(leg, SDP, bench.clock.now)
    (ok,) = bench.sent()
    bench.back("ACK", invite, ok.to.tag)
    bench.sent_request("BYE")
    assert bench.events[-1] == CallEnded(leg, by_peer=False, cause="no-answer")


def test_a_caller_without_offer_whose_ack_never_comes_is_hung_up(bench) -> None:
    bench.invite(body=b"")
    leg = bench.offered().leg_id
    bench.pool.answer(leg, SDP, bench.clock.now)
    bench.wait(32.0)
    assert bench.sent()[-1].method == "BYE"
    assert bench.events[-1] == CallEnded(leg, by_peer=False, cause="no-ack")


def test_each_phone_of_a_forked_call_keeps_its_own_early_media(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 183, tag="one", sdp=SDP)
    bench.reply(invite, 183, tag="two", sdp=OTHER)
    bench.reply(invite, 180, tag="two")
    assert [event.sdp for event in bench.events] == [SDP, OTHER, b""]
    bench.reply(invite, 200, tag="one")
    assert bench.events[-1] == CallAnswered("leg", SDP)
    bench.reply(invite, 200, tag="two", sdp=OTHER)
    assert [message.method for message in bench.sent()][-2:] == ["ACK", "BYE"]


# Bodies


def parts(*pieces: str, boundary: str = "frontier", close: bool = True) -> bytes:
    text = "".join(f"--{boundary}\r\n{piece}\r\n" for piece in pieces)
    return (text + (f"--{boundary}--\r\n" if close else "")).encode()


DESCRIPTION = "Content-Type: application/sdp\r\n\r\nv=0\r\ns=1\r\n"
ISUP = "Content-Type: application/isup\r\nContent-Disposition: signal; handling=optional\r\n\r\n\x01\x02"
LOCATION = "Content-Type: application/pidf+xml\r\nContent-Disposition: render; handling=required\r\n\r\n<x/>"


def within(frames: int) -> str:
    """A part that holds the session in so many frames of its own."""
    part = DESCRIPTION
    for frame in range(frames):
        inner = parts(part, boundary=f"b{frame}").decode()
        part = f"Content-Type: multipart/alternative;boundary=b{frame}\r\n\r\n{inner}"
    return part


def message(body: bytes, content_type: str, *headers) -> Request:
    return Request("INVITE", Uri.parse("sip:x@192.0.2.1"), Headers([("Content-Type", content_type), *headers]), body)


@pytest.mark.parametrize(
    "body",
    [
        parts(DESCRIPTION),
        parts(ISUP, DESCRIPTION),
        b"preamble\r\n" + parts(DESCRIPTION, ISUP),
        parts(ISUP, within(2)),
    ],
)
@pytest.mark.parametrize("boundary", ["frontier", '"frontier"'])
def test_the_session_is_found_among_other_parts(body: bytes, boundary: str) -> None:
    assert session_in(message(body, f"multipart/mixed;boundary={boundary}")) == b"v=0\r\ns=1\r\n"


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (parts(DESCRIPTION), "multipart/mixed", 400),
        (parts(DESCRIPTION), "multipart/mixed;boundary=other", 400),
        (parts(DESCRIPTION, close=False), "multipart/mixed;boundary=frontier", 400),
        (parts(ISUP), "multipart/mixed;boundary=frontier", 415),
        (parts(DESCRIPTION, LOCATION), "multipart/mixed;boundary=frontier", 415),
        (parts(*[DESCRIPTION] * 20), "multipart/mixed;boundary=frontier", 400),
        (parts(within(3)), "multipart/mixed;boundary=frontier", 415),
        (b"hello", "text/plain", 415),
    ],
)
def test_a_body_without_a_session_that_we_may_use_is_refused(body: bytes, content_type: str, status: int) -> None:
    with pytest.raises(PeerError) as refused:
        session_in(message(body, content_type))
    assert refused.value.status == status


def test_an_encoded_body_is_refused() -> None:
    with pytest.raises(PeerError) as refused:
        session_in(message(SDP, "application/sdp", ("Content-Encoding", "gzip")))
    assert session_in(message(SDP, "application/sdp", ("Content-Encoding", "Identity"))) == SDP
    assert refused.value.status == 415


def test_a_call_with_several_parts_is_offered_with_its_session_alone(bench) -> None:
    headers = [("Content-Type", "multipart/mixed;boundary=frontier")]
    bench.invite(body=parts(ISUP, DESCRIPTION), headers=headers)
    assert bench.offered().offer == b"v=0\r\ns=1\r\n"


def test_a_body_that_its_sender_leaves_to_us_is_passed_over(bench) -> None:
    headers = [("Content-Type", "text/plain"), ("Content-Disposition", "render; handling=optional")]
    invite = bench.invite(body=b"hello", headers=headers)
    leg = bench.offered().leg_id
    bench.pool.answer(leg, SDP, bench.clock.now)
    ok = bench.sent()[-1]
    assert (ok.status, ok.body) == (200, SDP)
    bench.back("ACK", invite, ok.to.tag, body=OTHER)
    assert bench.events[-1] == CallAnswered(leg, OTHER)
