"""UPDATE (RFC 3311), before and after the answer, and what happens when it meets other offers."""

import pytest

from softswitch.calls.events import CallAnswered, CallEnded, MediaReoffered, ReofferAnswered, ReofferRefused
from softswitch.errors import UsageError

SDP = b"v=0\r\ns=1\r\n"
OTHER = b"v=0\r\ns=2\r\n"
UPDATES = ("Allow", "INVITE, ACK, BYE, CANCEL, PRACK, UPDATE")
RELIABLE = [("Require", "100rel"), ("RSeq", 1), UPDATES]


def test_an_update_is_answered_and_moves_the_peers_address(bench) -> None:
    invite = bench.answered()
    bench.request("UPDATE", invite, body=SDP, contact="<sip:moved@192.0.2.77>")
    assert bench.events[-1] == MediaReoffered("leg", SDP)
    bench.pool.answer_reoffer("leg", OTHER, bench.clock.now)
    (ok,) = bench.sent()
    assert (ok.cseq.method, ok.status, ok.body) == ("UPDATE", 200, OTHER)
    assert ok.contacts
    bench.wait(10.0)
    assert bench.sent() == []  # no ACK is due, so no copies
    bench.hang_up()
    assert str(bench.sent_request("BYE").uri) == "sip:moved@192.0.2.77"


def test_an_update_that_does_not_fit_leaves_the_media_as_they_were(bench) -> None:
    invite = bench.answered()
    bench.request("UPDATE", invite, body=SDP)
    bench.pool.answer_reoffer("leg", None, bench.clock.now)
    assert bench.sent_status() == 488
    assert bench.kinds == ["CallAnswered", "MediaReoffered"]


def test_an_update_without_offer_is_answered_at_once(bench) -> None:
    invite = bench.answered()
    bench.request("UPDATE", invite)
    (ok,) = bench.sent()
    assert (ok.status, ok.body) == (200, b"")
    assert bench.kinds == ["CallAnswered"]


def test_an_update_that_meets_our_reinvite_is_told_491(bench) -> None:
    invite = bench.answered()
    bench.pool.reoffer("leg", SDP, bench.clock.now)
    bench.sent_request("INVITE")
    bench.request("UPDATE", invite, body=OTHER)
    assert bench.sent_status() == 491
    bench.request("UPDATE", invite)
    assert bench.sent_status() == 200  # without an offer there is nothing to meet


@pytest.mark.parametrize("first", ["INVITE", "UPDATE"])
def test_an_update_before_our_answer_to_their_last_offer_is_told_to_wait(bench, first: str) -> None:
    invite = bench.answered()
    bench.request(first, invite, body=SDP)
    bench.request("UPDATE", invite, body=OTHER)
    (response,) = bench.sent()
    assert response.status == 500
    assert 0 <= int(response.headers.get("Retry-After")) <= 10
    bench.pool.answer_reoffer("leg", SDP, bench.clock.now)
    (ok,) = bench.sent()
    assert (ok.cseq.method, ok.status) == (first, 200)


def test_an_update_while_our_offer_in_a_200_awaits_its_ack_is_told_491(bench) -> None:
    invite = bench.answered()
    bench.request("INVITE", invite)
    bench.pool.answer_reoffer("leg", SDP, bench.clock.now)
    bench.sent()
    bench.request("UPDATE", invite, body=OTHER)
    assert bench.sent_status() == 491


def test_a_reinvite_before_our_answer_to_an_update_is_told_to_wait(bench) -> None:
    invite = bench.answered()
    bench.request("UPDATE", invite, body=SDP)
    bench.request("INVITE", invite, body=OTHER)
    assert bench.sent_status() == 500


def test_a_bye_during_an_update_ends_both(bench) -> None:
    invite = bench.answered()
    bench.request("UPDATE", invite, body=SDP)
    bench.request("BYE", invite)
    assert {(r.cseq.method, r.status) for r in bench.sent()} == {("BYE", 200), ("UPDATE", 487)}
    bench.pool.answer_reoffer("leg", SDP, bench.clock.now)
    assert bench.sent() == []
    bench.assert_nothing_is_left()


def test_an_update_with_a_body_that_is_no_sdp_is_refused(bench) -> None:
    invite = bench.answered()
    bench.request("UPDATE", invite, body=b"x", headers=[("Content-Type", "text/plain")])
    (response,) = bench.sent()
    assert response.status == 415
    assert "application/sdp" in response.headers.get_all("Accept")


# Before the answer


def early(bench):
    """A call of ours whose media were agreed reliably before the answer."""
    invite = bench.place()
    bench.reply(invite, 183, headers=RELIABLE, sdp=SDP)
    bench.reply(bench.sent_request("PRACK"), 200)
    return invite


def test_the_callee_changes_media_before_it_answers(bench) -> None:
    invite = early(bench)
    bench.request("UPDATE", invite, body=OTHER)
    assert bench.events[-1] == MediaReoffered("leg", OTHER)
    bench.pool.answer_reoffer("leg", SDP, bench.clock.now)
    assert bench.sent_status() == 200
    bench.reply(invite, 200, sdp=SDP)
    assert bench.events[-1] == CallAnswered("leg", b"")  # what the 200 says is older than the UPDATE


def test_an_update_before_our_first_offer_is_answered_meets_it(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 180)
    bench.request("UPDATE", invite, body=OTHER)
    assert bench.sent_status() == 491


def test_a_reinvite_before_the_answer_meets_our_invite(bench) -> None:
    invite = early(bench)
    bench.request("INVITE", invite, body=OTHER)
    assert bench.sent_status() == 491


def test_we_change_media_before_the_answer_by_update(bench) -> None:
    invite = early(bench)
    bench.pool.reoffer("leg", OTHER, bench.clock.now)
    update = bench.sent_request("UPDATE")
    assert (update.body, update.to.tag) == (OTHER, "b")
    assert update.contacts
    bench.reply(update, 200, sdp=SDP)
    assert bench.events[-1] == ReofferAnswered("leg", SDP)
    bench.reply(invite, 200)
    assert bench.events[-1] == CallAnswered("leg", b"")


def test_our_update_may_be_refused_and_the_call_goes_on(bench) -> None:
    early(bench)
    bench.pool.reoffer("leg", OTHER, bench.clock.now)
    bench.reply(bench.sent_request("UPDATE"), 488)
    assert bench.events[-1] == ReofferRefused("leg", 488)


def test_our_update_that_meets_theirs_is_tried_again(bench) -> None:
    early(bench)
    bench.pool.reoffer("leg", OTHER, bench.clock.now)
    bench.reply(bench.sent_request("UPDATE"), 491)
    bench.wait(2.0)
    assert bench.sent() == []
    bench.wait(2.1)
    assert bench.sent()[0].body == OTHER


def test_an_answer_that_comes_during_our_update_leaves_both_in_force(bench) -> None:
    invite = early(bench)
    bench.pool.reoffer("leg", OTHER, bench.clock.now)
    update = bench.sent_request("UPDATE")
    bench.reply(invite, 200)
    bench.sent_request("ACK")
    bench.reply(update, 200, sdp=SDP)
    assert bench.kinds[-2:] == ["CallAnswered", "ReofferAnswered"]


def test_a_peer_that_does_not_take_update_is_sent_none(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 183, headers=[("Require", "100rel"), ("RSeq", 1)], sdp=SDP)
    bench.sent()
    with pytest.raises(UsageError):
        bench.pool.reoffer("leg", OTHER, bench.clock.now)


def test_the_caller_may_update_before_we_answer_once_media_are_agreed(bench) -> None:
    invite = bench.invite(headers=[("Require", "100rel"), UPDATES])
    leg = bench.offered().leg_id
    bench.pool.ring(leg, bench.clock.now, SDP)
    (progress,) = bench.sent()
    tag = progress.to.tag
    bench.back("UPDATE", invite, tag, cseq=2, body=OTHER)
    assert bench.sent_status() == 500  # its own offer has not been answered for sure
    bench.back("PRACK", invite, tag, cseq=3, headers=[("RAck", f"{progress.headers.get('RSeq')} 1 INVITE")])
    assert bench.sent_status() == 200
    bench.back("UPDATE", invite, tag, cseq=4, body=OTHER)
    assert bench.events[-1] == MediaReoffered(leg, OTHER)
    bench.pool.answer_reoffer(leg, SDP, bench.clock.now)
    assert bench.sent_status() == 200
    bench.pool.reoffer(leg, OTHER, bench.clock.now)
    assert bench.sent_request("UPDATE").body == OTHER


def test_a_cancel_during_an_update_ends_both(bench) -> None:
    invite = bench.invite(headers=[("Require", "100rel"), UPDATES])
    leg = bench.offered().leg_id
    bench.pool.ring(leg, bench.clock.now, SDP)
    (progress,) = bench.sent()
    rack = [("RAck", f"{progress.headers.get('RSeq')} 1 INVITE")]
    bench.back("PRACK", invite, progress.to.tag, cseq=2, headers=rack)
    bench.back("UPDATE", invite, progress.to.tag, cseq=3, body=OTHER)
    bench.sent()
    bench.back("CANCEL", invite, "")
    assert {(r.cseq.method, r.status) for r in bench.sent()} == {("CANCEL", 200), ("INVITE", 487), ("UPDATE", 487)}
    assert bench.events[-1] == CallEnded(leg, by_peer=True, cause="cancel")
    bench.assert_nothing_is_left()
