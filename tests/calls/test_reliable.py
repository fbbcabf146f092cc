"""Reliable provisional responses and their PRACK (RFC 3262), as caller and as callee."""

from collections.abc import Iterable

import pytest

from softswitch.calls.events import CallAnswered, CallEnded, CallRinging, MediaReoffered, ReofferAnswered

SDP = b"v=0\r\ns=1\r\n"
OTHER = b"v=0\r\ns=2\r\n"
RELIABLE = (("Require", "100rel"),)
SUPPORTS = (("Supported", "100rel"),)


def numbered(number: int) -> Iterable[tuple[str, object]]:
    return (("Require", "100rel"), ("RSeq", number))


# We call


def test_an_invite_says_that_we_acknowledge_provisionals(bench) -> None:
    invite = bench.place()
    assert "100rel" in invite.headers.get_all("Supported")
    assert "PRACK" in invite.headers.get_all("Allow")
    assert "Require" not in invite.headers


def test_a_reliable_ringing_is_acknowledged_by_prack(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 180, headers=numbered(7))
    prack = bench.sent_request("PRACK")
    assert prack.headers.get("RAck") == f"7 {invite.cseq.number} INVITE"
    assert (prack.to.tag, prack.cseq.number) == ("b", invite.cseq.number + 1)
    bench.reply(prack, 200)
    assert bench.events == [CallRinging("leg", 180, b"")]
    bench.reply(invite, 200, sdp=SDP)
    assert bench.sent_request("ACK").cseq.number == invite.cseq.number
    assert bench.events[-1] == CallAnswered("leg", SDP)


def test_copies_and_responses_that_overtook_another_get_no_prack(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 180, headers=numbered(7))
    bench.sent()
    bench.reply(invite, 180, headers=numbered(7))
    bench.reply(invite, 183, headers=numbered(9), sdp=SDP)
    assert bench.sent() == []
    assert bench.kinds == ["CallRinging"]
    bench.reply(invite, 183, headers=numbered(8), sdp=SDP)
    assert bench.sent_request("PRACK").headers.get("RAck") == f"8 {invite.cseq.number} INVITE"
    assert bench.events[-1] == CallRinging("leg", 183, SDP)


def test_the_answer_in_a_reliable_183_counts_though_the_200_has_none(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 183, headers=numbered(1), sdp=SDP)
    bench.reply(bench.sent_request("PRACK"), 200)
    bench.reply(invite, 200)
    assert bench.events[-1] == CallAnswered("leg", SDP)


def test_each_phone_of_a_forked_call_has_its_own_numbers(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 183, tag="one", headers=numbered(5), sdp=SDP)
    assert bench.sent_request("PRACK").to.tag == "one"
    bench.reply(invite, 183, tag="two", headers=numbered(90), sdp=OTHER)
    prack = bench.sent_request("PRACK")
    assert (prack.to.tag, prack.headers.get("RAck")) == ("two", f"90 {invite.cseq.number} INVITE")
    bench.reply(invite, 200, tag="one")
    assert bench.events[-1] == CallAnswered("leg", SDP)
    assert bench.sent_request("ACK").to.tag == "one"


def test_a_prack_that_is_challenged_is_sent_again_with_credentials(bench) -> None:
    invite = bench.place()
    challenge = 'Digest realm="r", nonce="n1", qop="auth"'
    bench.reply(invite, 407, headers=[("Proxy-Authenticate", challenge)])
    invite = next(each for each in bench.sent() if each.method == "INVITE")
    bench.reply(invite, 180, headers=numbered(3))
    prack = bench.sent_request("PRACK")
    bench.reply(prack, 407, headers=[("Proxy-Authenticate", challenge)])
    again = bench.sent_request("PRACK")
    assert again.headers.get("RAck") == prack.headers.get("RAck")
    assert again.headers.get("Proxy-Authorization")


def test_a_prack_that_nobody_answers_ends_no_call(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 180, headers=numbered(3))
    bench.wait(40.0)
    bench.reply(invite, 200, sdp=SDP)
    assert bench.kinds == ["CallRinging", "CallAnswered"]


def test_an_offer_in_a_reliable_response_is_answered_by_its_prack(bench) -> None:
    invite = bench.place(offer=b"")
    assert invite.body == b""
    bench.reply(invite, 183, headers=numbered(3), sdp=SDP)
    assert bench.sent() == []
    assert bench.events == [CallRinging("leg", 183, b""), MediaReoffered("leg", SDP)]
    bench.pool.answer_reoffer("leg", OTHER, bench.clock.now)
    prack = bench.sent_request("PRACK")
    assert (prack.body, prack.content_type) == (OTHER, "application/sdp")
    bench.reply(invite, 200)
    assert bench.sent_request("ACK").body == b""
    assert bench.events[-1] == CallAnswered("leg", b"")


def test_an_offer_in_a_reliable_response_that_does_not_fit_cancels_the_call(bench) -> None:
    invite = bench.place(offer=b"")
    bench.reply(invite, 183, headers=numbered(3), sdp=SDP)
    bench.pool.answer_reoffer("leg", None, bench.clock.now)
    bench.sent_request("CANCEL")


# We are called


def called(bench, *, body: bytes = SDP, headers=RELIABLE):
    """(INVITE, our leg's id)."""
    invite = bench.invite(body=body, headers=headers)
    return invite, bench.offered().leg_id


def ring(bench, leg: str, sdp: bytes = b""):
    bench.pool.ring(leg, bench.clock.now, sdp)
    (response,) = bench.sent()
    return response


def prack(bench, invite, response, *, cseq: int = 2, body: bytes = b"", rack: str = "") -> int:
    number = response.headers.get("RSeq")
    bench.back("PRACK", invite, response.to.tag, cseq=cseq, body=body, headers=[("RAck", rack or f"{number} 1 INVITE")])
    return next(each.status for each in bench.sent() if each.cseq.method == "PRACK")


def test_a_caller_who_demands_it_hears_reliably_that_it_rings(bench) -> None:
    invite, leg = called(bench)
    ringing = ring(bench, leg)
    assert (ringing.status, ringing.headers.get_all("Require")) == (180, ["100rel"])
    assert int(ringing.headers.get("RSeq")) >= 1
    assert prack(bench, invite, ringing) == 200
    bench.wait(60.0 - bench.clock.now - 1)
    assert bench.sent() == []


def test_a_caller_who_only_could_is_asked_where_the_site_wants_it(bench, bench_with) -> None:
    _, leg = called(bench, headers=SUPPORTS)
    assert "RSeq" not in ring(bench, leg).headers
    eager = bench_with(rings_reliably=True)
    _, leg = called(eager, headers=SUPPORTS)
    assert "RSeq" in ring(eager, leg).headers


def test_it_is_sent_again_at_doubled_intervals_and_the_call_refused_in_the_end(bench) -> None:
    _, leg = called(bench)
    ring(bench, leg)
    for pause in (0.5, 1.0, 2.0, 4.0, 8.0, 16.0):
        bench.wait(pause - 0.01)
        assert bench.sent() == []
        bench.wait(0.01)
        assert bench.sent_status() == 180
    bench.wait(0.49)
    assert bench.sent() == []
    bench.wait(0.01)
    assert bench.sent_status() == 504
    assert bench.events[-1] == CallEnded(leg, by_peer=False, cause="no-prack")


def test_a_prack_that_names_another_response_is_answered_481(bench) -> None:
    invite, leg = called(bench)
    ringing = ring(bench, leg)
    number = int(ringing.headers.get("RSeq"))
    for cseq, rack in enumerate((f"{number + 1} 1 INVITE", f"{number} 2 INVITE", f"{number} 1 BYE", "x 1 INVITE"), 2):
        assert prack(bench, invite, ringing, cseq=cseq, rack=rack) == 481
    assert prack(bench, invite, ringing, cseq=9) == 200
    assert prack(bench, invite, ringing, cseq=10) == 481


def test_the_second_response_waits_for_the_prack_of_the_first(bench) -> None:
    invite, leg = called(bench)
    ringing = ring(bench, leg)
    bench.pool.ring(leg, bench.clock.now, OTHER)
    assert bench.sent() == []
    bench.back("PRACK", invite, ringing.to.tag, cseq=2, headers=[("RAck", f"{ringing.headers.get('RSeq')} 1 INVITE")])
    ok, progress = bench.sent()
    assert (ok.status, progress.status, progress.body) == (200, 183, OTHER)
    assert int(progress.headers.get("RSeq")) == int(ringing.headers.get("RSeq")) + 1


def test_the_200_waits_for_the_prack_of_an_answer_and_does_not_repeat_it(bench) -> None:
    invite, leg = called(bench)
    progress = ring(bench, leg, OTHER)
    bench.pool.answer(leg, OTHER, bench.clock.now)
    assert bench.sent() == []
    bench.back("PRACK", invite, progress.to.tag, cseq=2, headers=[("RAck", f"{progress.headers.get('RSeq')} 1 INVITE")])
    to_prack, to_invite = bench.sent()
    assert (to_prack.cseq.method, to_prack.status) == ("PRACK", 200)
    assert (to_invite.cseq.method, to_invite.status, to_invite.body) == ("INVITE", 200, b"")
    bench.back("ACK", invite, progress.to.tag)
    assert bench.kinds == ["CallOffered"]


def test_a_200_may_overtake_the_prack_of_a_plain_ringing(bench) -> None:
    invite, leg = called(bench)
    ringing = ring(bench, leg)
    bench.pool.answer(leg, OTHER, bench.clock.now)
    assert bench.sent_status() == 200
    assert prack(bench, invite, ringing) == 200
    bench.back("ACK", invite, ringing.to.tag)
    bench.wait(5.0)
    assert bench.sent() == []


def test_without_an_offer_our_reliable_183_holds_ours_and_the_prack_the_answer(bench) -> None:
    invite, leg = called(bench, body=b"")
    progress = ring(bench, leg, OTHER)
    assert (progress.status, progress.body) == (183, OTHER)
    assert prack(bench, invite, progress) == 400  # it has to answer
    assert prack(bench, invite, progress, cseq=3, body=SDP) == 200
    assert bench.events[-1] == ReofferAnswered(leg, SDP)
    bench.pool.answer(leg, OTHER, bench.clock.now)
    (ok,) = bench.sent()
    assert ok.body == b""
    bench.back("ACK", invite, progress.to.tag)
    assert bench.kinds == ["CallOffered", "ReofferAnswered"]


def test_without_an_offer_from_either_side_100_has_to_do(bench) -> None:
    _, leg = called(bench, body=b"")
    bench.pool.ring(leg, bench.clock.now)
    assert bench.sent() == []
    bench.wait(0.3)
    assert bench.sent_status() == 100


def test_an_offer_in_a_prack_is_answered_in_its_200(bench) -> None:
    invite, leg = called(bench)
    progress = ring(bench, leg, OTHER)
    rack = [("RAck", f"{progress.headers.get('RSeq')} 1 INVITE")]
    bench.back("PRACK", invite, progress.to.tag, cseq=2, body=SDP, headers=rack)
    assert bench.events[-1] == MediaReoffered(leg, SDP)
    assert bench.sent() == []
    bench.pool.answer_reoffer(leg, OTHER, bench.clock.now)
    (ok,) = bench.sent()
    assert (ok.cseq.method, ok.status, ok.body) == ("PRACK", 200, OTHER)


def test_a_caller_who_cancels_owes_no_prack(bench) -> None:
    invite, leg = called(bench)
    ring(bench, leg)
    bench.back("CANCEL", invite, "")
    assert sorted(response.status for response in bench.sent()) == [200, 487]
    bench.wait(20.0)
    assert {response.status for response in bench.sent()} <= {487}
    assert bench.events[-1] == CallEnded(leg, by_peer=True, cause="cancel")
    bench.assert_nothing_is_left()


@pytest.mark.parametrize("end", ["reject", "hang_up"])
def test_a_call_that_we_refuse_while_a_prack_is_due_sends_no_more_copies(bench, end: str) -> None:
    _, leg = called(bench)
    ring(bench, leg)
    if end == "reject":
        bench.pool.reject(leg, 486, bench.clock.now)
    else:
        bench.pool.hang_up(leg, bench.clock.now)
    bench.wait(40.0)
    assert {response.status for response in bench.sent()} == {486 if end == "reject" else 480}
    bench.assert_nothing_is_left()
