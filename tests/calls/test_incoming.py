"""Calls that come to us, played against a caller that does what callers do."""

import pytest

from softswitch.calls.events import CallAnswered, CallEnded, Origin
from softswitch.errors import UsageError

SDP = b"v=0\r\n"


def statuses(bench) -> list[tuple[str, int]]:
    return [(message.cseq.method, message.status) for message in bench.sent()]


def tag_of(bench) -> str:
    """Our tag, from the last response sent."""
    return bench.sent()[-1].to.tag


def test_a_call_is_offered_rings_and_is_answered(bench) -> None:
    invite = bench.invite()
    offered = bench.offered()
    assert (offered.origin, offered.source, offered.called) == (Origin.TRUNK, "peer", "us")
    assert (offered.caller, offered.offer) == ("+441632960999", invite.body)
    bench.pool.ring(offered.leg_id, bench.clock.now)
    bench.pool.answer(offered.leg_id, SDP, bench.clock.now)
    ringing, ok = bench.sent()
    assert (ringing.status, ok.status, ok.body) == (180, 200, SDP)
    assert ringing.to.tag == ok.to.tag
    bench.back("ACK", invite, ok.to.tag)
    bench.wait(29.0)
    assert bench.sent() == []
    assert bench.pool.calls_on("peer") == 1


def test_the_200_is_sent_again_at_growing_intervals_until_the_ack(bench) -> None:
    invite = bench.invite()
    bench.pool.answer(bench.offered().leg_id, SDP, bench.clock.now)
    tag = tag_of(bench)
    times: list[float] = []
    while len(times) < 6:
        bench.wait(0.25)
        times += [bench.clock.now for _ in bench.sent()]
    assert times == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5]
    bench.back("ACK", invite, tag)
    bench.wait(5.0)
    assert bench.sent() == []


def test_a_lost_ack_ends_the_call_with_a_bye(bench) -> None:
    bench.invite()
    leg_id = bench.offered().leg_id
    bench.pool.answer(leg_id, SDP, bench.clock.now)
    bench.wait(32.0)
    assert bench.events[-1] == CallEnded(leg_id, by_peer=False, cause="no-ack")
    assert bench.sent()[-1].method == "BYE"
    bench.assert_nothing_is_left()


def test_we_hang_up_only_once_the_ack_has_come(bench) -> None:
    invite = bench.invite()
    leg_id = bench.offered().leg_id
    bench.pool.answer(leg_id, SDP, bench.clock.now)
    tag = tag_of(bench)
    bench.pool.hang_up(leg_id, bench.clock.now)
    assert bench.sent() == []
    bench._drain()
    assert bench.events[-1] == CallEnded(leg_id, by_peer=False, cause="hang-up")
    bench.back("ACK", invite, tag)
    bye = bench.sent_request("BYE")
    bench.reply(bye, 200)
    bench.assert_nothing_is_left()


def test_the_caller_cancels(bench) -> None:
    invite = bench.invite()
    leg_id = bench.offered().leg_id
    bench.pool.ring(leg_id, bench.clock.now)
    bench.sent()
    bench.back("CANCEL", invite, "")
    assert statuses(bench) == [("CANCEL", 200), ("INVITE", 487)]
    assert bench.events[-1] == CallEnded(leg_id, by_peer=True, cause="cancel")
    bench.pool.answer(leg_id, SDP, bench.clock.now)
    assert bench.sent() == [], "an answer that crossed the CANCEL does nothing"
    bench.assert_nothing_is_left()


def test_a_cancel_after_the_answer_has_no_effect(bench) -> None:
    invite = bench.invite()
    leg_id = bench.offered().leg_id
    bench.pool.answer(leg_id, SDP, bench.clock.now)
    tag = tag_of(bench)
    bench.back("CANCEL", invite, "")
    assert statuses(bench) == [("CANCEL", 200)]
    bench.back("ACK", invite, tag)
    assert bench.kinds == ["CallOffered"]


def test_a_call_is_refused_and_the_refusal_repeated_until_its_ack(bench) -> None:
    bench.invite()
    leg_id = bench.offered().leg_id
    bench.pool.reject(leg_id, 486, bench.clock.now)
    bench.wait(2.0)
    assert [message.status for message in bench.sent()] == [486, 486, 486]
    assert bench.events[-1] == CallEnded(leg_id, by_peer=False, cause="rejected")
    bench.assert_nothing_is_left()


def test_only_a_final_failure_refuses(bench) -> None:
    bench.invite()
    with pytest.raises(UsageError, match="300 to 699"):
        bench.pool.reject(bench.offered().leg_id, 200, bench.clock.now)


def test_an_invite_without_offer_has_ours_and_its_ack_brings_the_answer(bench) -> None:
    invite = bench.invite(body=b"")
    leg_id = bench.offered().leg_id
    assert bench.offered().offer == b""
    bench.pool.answer(leg_id, SDP, bench.clock.now)
    bench.back("ACK", invite, tag_of(bench), body=b"v=0\r\ns=theirs\r\n")
    assert bench.events[-1] == CallAnswered(leg_id, b"v=0\r\ns=theirs\r\n")


def test_a_call_that_nobody_takes_is_refused_in_the_end(bench) -> None:
    bench.invite()
    leg_id = bench.offered().leg_id
    bench.pool.ring(leg_id, bench.clock.now)
    bench.wait(179.0)
    assert [message.status for message in bench.sent()] == [180, 180, 180], "each minute again"
    bench.wait(2.0)
    assert bench.events[-1] == CallEnded(leg_id, by_peer=False, cause="timeout")
    bench.assert_nothing_is_left()


def test_an_invitation_that_expires_is_refused_and_one_that_was_answered_does_not_expire(bench, bench_with) -> None:
    bench.invite(headers=[("Expires", 20)])
    bench.wait(19.0)
    assert [message.status for message in bench.sent()] == [100]
    bench.wait(1.1)
    assert bench.sent()[0].status == 487
    assert bench.events[-1] == CallEnded(bench.offered().leg_id, by_peer=False, cause="timeout")
    other = bench_with(keepalive_s=0)
    invite = other.invite(headers=[("Expires", 20)])
    other.pool.answer(other.offered().leg_id, SDP, other.clock.now)
    (ok,) = other.sent()
    other.back("ACK", invite, ok.to.tag)
    other.wait(60.0)
    assert other.sent() == []


def test_a_slow_decision_is_covered_by_100_trying(bench) -> None:
    bench.invite()
    bench.wait(0.3)
    assert [message.status for message in bench.sent()] == [100]


def test_an_invite_without_contact_is_malformed(bench) -> None:
    bench.invite(drop="Contact")
    assert bench.sent_status() == 400
    assert bench.events == []
    assert bench.pool.calls_on("peer") == 0


def test_a_caller_may_end_a_call_before_it_is_answered_with_bye(bench) -> None:
    invite = bench.invite()
    leg_id = bench.offered().leg_id
    bench.pool.ring(leg_id, bench.clock.now)
    bench.back("BYE", invite, tag_of(bench), cseq=2)
    assert sorted(statuses(bench)) == [("BYE", 200), ("INVITE", 487)]
    assert bench.events[-1] == CallEnded(leg_id, by_peer=True, cause="bye")
    bench.assert_nothing_is_left()


def test_our_proposal_waits_for_the_ack_of_the_first_answer(bench) -> None:
    invite = bench.invite()
    leg_id = bench.offered().leg_id
    bench.pool.answer(leg_id, SDP, bench.clock.now)
    tag = tag_of(bench)
    bench.pool.reoffer(leg_id, b"v=0\r\ns=more\r\n", bench.clock.now)
    assert bench.sent() == []
    bench.back("ACK", invite, tag)
    assert bench.sent_request("INVITE").body == b"v=0\r\ns=more\r\n"
