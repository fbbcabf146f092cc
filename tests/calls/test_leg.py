"""The answered part of a call: BYE, re-INVITE both ways, keep-alive, and what a peer must not do."""

import pytest

from softswitch.calls.events import CallEnded, MediaReoffered, ReofferAnswered, ReofferRefused
from softswitch.errors import UsageError
from softswitch.sip.message import Response

SDP = b"v=0\r\n"
HOLD = b"v=0\r\na=sendonly\r\n"


def test_the_peers_bye_is_answered_and_its_copies_too(bench) -> None:
    invite = bench.answered()
    bye = bench.request("BYE", invite)
    assert bench.sent_status() == 200
    bench.deliver(bytes(bye))
    assert bench.sent_status() == 200
    assert bench.events[1:] == [CallEnded("leg", by_peer=True, cause="bye")]
    bench.request("BYE", invite)
    assert bench.sent_status() in (200, 481)
    bench.assert_nothing_is_left()


def test_a_second_bye_of_the_peers_finds_no_call_whatever_we_still_wait_for(bench) -> None:
    invite = bench.answered()
    bench.wait(30.0)
    bench.sent_request("OPTIONS")
    for status in (200, 481):
        bench.request("BYE", invite)
        assert bench.sent_status() == status


def test_two_byes_that_cross_are_both_answered(bench) -> None:
    invite = bench.answered()
    bench.hang_up()
    ours = bench.sent_request("BYE")
    bench.request("BYE", invite)
    assert bench.sent_status() == 200
    bench.reply(ours, 481)
    assert bench.events[1:] == [CallEnded("leg", by_peer=False, cause="hang-up")]
    bench.assert_nothing_is_left()


def test_a_bye_with_somebody_elses_tag_ends_nothing(bench) -> None:
    invite = bench.answered()
    bench.request("BYE", invite, tag="stranger")
    assert bench.sent_status() == 481
    assert bench.kinds == ["CallAnswered"]


def test_a_request_that_comes_out_of_order_is_answered_500(bench) -> None:
    invite = bench.answered()
    bench.request("OPTIONS", invite, cseq=50)
    assert bench.sent_status() == 200
    bench.request("BYE", invite, cseq=49)
    assert bench.sent_status() == 500
    assert bench.kinds == ["CallAnswered"]


@pytest.mark.parametrize("method", ["MESSAGE", "PUBLISH", "REGISTER", "DANCE"])
def test_other_methods_are_not_allowed_inside_a_call(bench, method: str) -> None:
    invite = bench.answered()
    bench.request(method, invite)
    (response,) = bench.sent()
    assert response.status == 405
    assert "INVITE" in response.headers.get_all("Allow")


def test_an_extension_that_is_demanded_inside_a_call_is_refused(bench) -> None:
    invite = bench.answered()
    bench.request("INVITE", invite, body=SDP, headers=[("Require", "timer, precondition, teleport")])
    (response,) = bench.sent()
    assert response.status == 420
    assert response.headers.get_all("Unsupported") == ["precondition", "teleport"]


# Their re-INVITE


def test_a_reinvite_is_reported_and_our_answer_sent_until_its_ack(bench) -> None:
    invite = bench.answered()
    again = bench.request("INVITE", invite, body=HOLD)
    assert bench.events[-1] == MediaReoffered("leg", HOLD)
    bench.pool.answer_reoffer("leg", SDP, bench.clock.now)
    (ok,) = bench.sent()
    assert (ok.status, ok.body) == (200, SDP)
    bench.wait(2.0)
    assert [message.status for message in bench.sent()] == [200, 200]
    bench.request("ACK", invite, cseq=again.cseq.number)
    bench.wait(20.0)
    assert bench.sent() == []
    assert bench.kinds == ["CallAnswered", "MediaReoffered"]


def test_a_reinvite_that_we_refuse_leaves_the_call_up(bench) -> None:
    invite = bench.answered()
    bench.request("INVITE", invite, body=HOLD)
    bench.pool.answer_reoffer("leg", None, bench.clock.now)
    (refusal,) = bench.sent()
    assert (refusal.status, refusal.headers.get("Warning")[:4]) == (488, "305 ")
    bench.pool.answer_reoffer("leg", SDP, bench.clock.now)
    assert bench.sent() == []
    assert bench.kinds == ["CallAnswered", "MediaReoffered"]


def test_a_reinvite_without_offer_has_our_offer_and_the_ack_brings_the_answer(bench) -> None:
    invite = bench.answered()
    again = bench.request("INVITE", invite)
    assert bench.events[-1] == MediaReoffered("leg", b"")
    bench.pool.answer_reoffer("leg", SDP, bench.clock.now)
    bench.request("ACK", invite, cseq=again.cseq.number, body=HOLD)
    assert bench.events[-1] == ReofferAnswered("leg", HOLD)


def test_a_reinvite_moves_the_peers_address(bench) -> None:
    invite = bench.answered()
    again = bench.request("INVITE", invite, body=HOLD, contact="<sip:moved@192.0.2.77>")
    bench.pool.answer_reoffer("leg", SDP, bench.clock.now)
    bench.sent()
    bench.request("ACK", invite, cseq=again.cseq.number)
    bench.hang_up()
    assert str(bench.sent_request("BYE").uri) == "sip:moved@192.0.2.77"


def test_a_second_reinvite_before_the_first_is_answered_is_told_to_wait(bench) -> None:
    invite = bench.answered()
    bench.request("INVITE", invite, body=HOLD)
    bench.request("INVITE", invite, body=SDP)
    (response,) = bench.sent()
    assert response.status == 500
    assert 0 <= int(response.headers.get("Retry-After")) < 10


def test_a_reinvite_that_is_cancelled_leaves_the_call_up(bench) -> None:
    invite = bench.answered()
    again = bench.request("INVITE", invite, body=HOLD)
    bench.request("CANCEL", invite, branch=again.via.branch, cseq=again.cseq.number)
    statuses = [(message.cseq.method, message.status) for message in bench.sent()]
    assert statuses == [("CANCEL", 200), ("INVITE", 487)]
    bench.pool.answer_reoffer("leg", SDP, bench.clock.now)
    assert bench.sent() == []
    assert "CallEnded" not in bench.kinds


def test_a_bye_during_their_reinvite_ends_both(bench) -> None:
    invite = bench.answered()
    bench.request("INVITE", invite, body=HOLD)
    bench.request("BYE", invite)
    statuses = [(message.cseq.method, message.status) for message in bench.sent()]
    assert statuses == [("BYE", 200), ("INVITE", 487)]
    bench.pool.answer_reoffer("leg", SDP, bench.clock.now)
    assert bench.sent() == []


def test_who_hangs_up_during_their_reinvite_answers_it(bench) -> None:
    invite = bench.answered()
    bench.request("INVITE", invite, body=SDP)
    bench.hang_up()
    bye, refusal = sorted(bench.sent(), key=lambda message: isinstance(message, Response))
    assert (bye.method, refusal.status, refusal.cseq.method) == ("BYE", 487, "INVITE")
    bench.reply(bye, 200)
    bench.assert_nothing_is_left()


def test_our_reinvite_that_is_never_answered_does_not_outlive_the_call(bench) -> None:
    invite = bench.answered()
    bench.pool.reoffer("leg", SDP, bench.clock.now)
    bench.reply(bench.sent_request("INVITE"), 100)
    bench.request("BYE", invite)
    bench.assert_nothing_is_left()


def test_our_reinvite_that_got_100_alone_does_not_outlive_a_peer_that_vanishes(bench) -> None:
    bench.answered()
    bench.pool.reoffer("leg", HOLD, bench.clock.now)
    bench.reply(bench.sent_request("INVITE"), 100)
    bench.wait(63.0)
    assert bench.events[-1] == CallEnded("leg", by_peer=False, cause="timeout")
    bench.assert_nothing_is_left()


def test_a_reinvite_whose_ack_never_comes_ends_the_call(bench) -> None:
    invite = bench.answered()
    bench.request("INVITE", invite, body=HOLD)
    bench.pool.answer_reoffer("leg", SDP, bench.clock.now)
    bench.wait(33.0)
    assert bench.events[-1] == CallEnded("leg", by_peer=False, cause="no-ack")
    assert bench.sent()[-1].method == "BYE"


# Our re-INVITE


def test_our_reinvite_is_acknowledged_and_its_answer_reported(bench) -> None:
    bench.answered()
    bench.pool.reoffer("leg", HOLD, bench.clock.now)
    again = bench.sent_request("INVITE")
    assert (again.to.tag, again.body) == ("b", HOLD)
    bench.reply(again, 200, sdp=SDP)
    assert bench.sent_request("ACK").cseq.number == again.cseq.number
    assert bench.events[-1] == ReofferAnswered("leg", SDP)
    assert bench.asked == ["+447700900123"], "a re-INVITE makes no telephone ring"


def test_our_reinvite_may_be_refused_and_the_call_goes_on(bench) -> None:
    bench.answered()
    bench.pool.reoffer("leg", HOLD, bench.clock.now)
    bench.reply(bench.sent_request("INVITE"), 488)
    assert bench.events[-1] == ReofferRefused("leg", 488)
    assert bench.pool.calls_on("peer") == 1


def test_our_reinvite_that_meets_theirs_is_tried_again_after_the_owners_pause(bench) -> None:
    invite = bench.answered()
    bench.pool.reoffer("leg", HOLD, bench.clock.now)
    again = bench.sent_request("INVITE")
    theirs = bench.request("INVITE", invite, body=SDP)
    assert bench.sent_status() == 491
    bench.request("ACK", invite, branch=theirs.via.branch, cseq=theirs.cseq.number)
    bench.reply(again, 491)
    assert bench.sent_request("ACK").cseq.number == again.cseq.number
    bench.wait(2.0)
    assert bench.sent() == []
    bench.wait(2.1)
    third = bench.sent()[0]
    assert (third.body, third.cseq.number) == (HOLD, again.cseq.number + 1)
    bench.reply(third, 200, sdp=SDP)
    assert bench.events[-1] == ReofferAnswered("leg", SDP)


def test_a_second_proposal_waits_until_the_first_is_answered(bench) -> None:
    bench.answered()
    bench.pool.reoffer("leg", HOLD, bench.clock.now)
    first = bench.sent_request("INVITE")
    bench.pool.reoffer("leg", SDP, bench.clock.now)
    assert bench.sent() == []
    bench.reply(first, 200, sdp=HOLD)
    ack, second = bench.sent()
    assert (ack.method, second.method, second.body) == ("ACK", "INVITE", SDP)


def test_our_reinvite_that_finds_no_dialog_ends_the_call(bench) -> None:
    bench.answered()
    bench.pool.reoffer("leg", HOLD, bench.clock.now)
    bench.reply(bench.sent_request("INVITE"), 481)
    assert bench.events[-1] == CallEnded("leg", by_peer=False, cause="timeout")


def test_our_reinvite_answered_after_our_bye_is_acknowledged(bench) -> None:
    bench.answered()
    bench.pool.reoffer("leg", HOLD, bench.clock.now)
    again = bench.sent_request("INVITE")
    bench.hang_up()
    bench.sent_request("BYE")
    bench.reply(again, 200, sdp=SDP)
    bench.sent_request("ACK")
    assert bench.kinds == ["CallAnswered", "CallEnded"]
    bench.assert_nothing_is_left()


def test_media_cannot_be_changed_before_the_answer(bench) -> None:
    bench.place()
    with pytest.raises(UsageError, match="CallAnswered"):
        bench.pool.reoffer("leg", HOLD, bench.clock.now)


# Keep-alive


def test_a_quiet_call_is_asked_each_half_minute_whether_it_is_there(bench) -> None:
    bench.answered()
    for _ in range(3):
        bench.wait(30.0)
        probe = bench.sent_request("OPTIONS")
        assert probe.to.tag == "b"
        bench.reply(probe, 200)
    assert bench.kinds == ["CallAnswered"]


def test_a_peer_that_asks_for_a_password_that_we_do_not_tell_is_asked_again(bench) -> None:
    bench.answered()
    for _ in range(3):
        bench.wait(30.0)
        bench.reply(bench.sent_request("OPTIONS"), 401, headers=[("WWW-Authenticate", "Bearer realm=x")])
    assert bench.kinds == ["CallAnswered"]


@pytest.mark.parametrize("status", [405, 501, 403, 500])
def test_a_peer_that_does_not_know_options_is_there_all_the_same(bench, status: int) -> None:
    bench.answered()
    bench.wait(30.0)
    bench.reply(bench.sent_request("OPTIONS"), status)
    bench.wait(29.0)
    assert bench.kinds == ["CallAnswered"]


def test_a_peer_that_has_vanished_is_found_out(bench) -> None:
    bench.answered()
    bench.wait(63.0)
    assert bench.events[-1] == CallEnded("leg", by_peer=False, cause="timeout")
    assert bench.sent()[-1].method == "BYE"
    bench.assert_nothing_is_left()


def test_a_peer_that_has_forgotten_the_call_ends_it(bench) -> None:
    bench.answered()
    bench.wait(30.0)
    bench.reply(bench.sent_request("OPTIONS"), 481)
    assert bench.events[-1] == CallEnded("leg", by_peer=False, cause="timeout")
    bench.assert_nothing_is_left()
