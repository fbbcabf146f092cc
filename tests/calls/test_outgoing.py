"""Calls that we place, played against a peer that does what peers do."""

import pytest

from softswitch.calls.events import CallAnswered, CallEnded, CallFailed, CallRinging
from softswitch.calls.outcome import Outcome

SDP = b"v=0\r\n"
CHALLENGE = 'Digest realm="carrier", nonce="{}", algorithm=MD5, qop="auth"'


def challenge(nonce: str, *, realm: str = "carrier", stale: bool = False) -> list[tuple[str, object]]:
    text = f'Digest realm="{realm}", nonce="{nonce}", algorithm=MD5, qop="auth"{", stale=true" if stale else ""}'
    return [("WWW-Authenticate", text)]


def test_ringing_is_reported_once_and_early_media_when_they_come(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 100)
    for status, sdp in ((180, b""), (180, b""), (183, SDP)):
        bench.reply(invite, status, sdp=sdp)
    assert bench.events == [CallRinging("leg", 180, b""), CallRinging("leg", 183, SDP)]


def test_an_answer_is_acknowledged_and_reported_with_its_sdp(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 200, sdp=SDP)
    ack = bench.sent_request("ACK")
    assert (ack.cseq.number, ack.to.tag, ack.call_id) == (invite.cseq.number, "b", invite.call_id)
    assert ack.via.branch != invite.via.branch
    assert bench.events == [CallAnswered("leg", SDP)]


def test_an_answer_without_sdp_takes_that_of_the_early_media(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 183, sdp=SDP)
    bench.reply(invite, 200)
    assert bench.events[-1] == CallAnswered("leg", SDP)


def test_every_copy_of_a_200_has_the_same_ack_again_and_is_reported_once(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 200, sdp=SDP)
    (first,) = [bytes(message) for message in bench.sent()]
    for _ in range(3):
        bench.wait(1.0)
        bench.reply(invite, 200, sdp=SDP)
        assert [bytes(message) for message in bench.sent()] == [first]
    assert bench.kinds == ["CallAnswered"]


def test_a_copy_of_the_200_after_our_bye_is_still_acknowledged(bench) -> None:
    invite = bench.answered()
    bench.hang_up()
    bye = bench.sent_request("BYE")
    bench.reply(bye, 200)
    bench.reply(invite, 200)
    bench.sent_request("ACK")


def test_a_cancel_waits_for_the_first_provisional(bench) -> None:
    invite = bench.place()
    bench.hang_up()
    assert bench.sent() == []
    bench.reply(invite, 100)
    cancel = bench.sent_request("CANCEL")
    assert cancel.via.branch == invite.via.branch
    bench.reply(cancel, 200)
    bench.reply(invite, 487)
    bench.sent_request("ACK")
    assert bench.events == [CallFailed("leg", Outcome.CANCELLED, 487, "cancelled")]
    bench.assert_nothing_is_left()


def test_a_cancelled_call_that_no_peer_ever_answered_ends_too(bench) -> None:
    bench.place()
    bench.hang_up()
    bench.wait(40.0)
    assert bench.events == [CallFailed("leg", Outcome.CANCELLED, 487, "cancelled")]
    bench.assert_nothing_is_left()


def test_a_cancel_is_sent_once_however_often_it_rings(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 180)
    bench.hang_up()
    bench.hang_up()
    bench.reply(invite, 180)
    bench.sent_request("CANCEL")


def test_a_200_that_crosses_our_cancel_is_acknowledged_and_ended(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 180)
    bench.hang_up()
    cancel = bench.sent_request("CANCEL")
    bench.reply(invite, 200, sdp=SDP)
    ack, bye = bench.sent()
    assert (ack.method, bye.method) == ("ACK", "BYE")
    bench.reply(cancel, 481)
    bench.reply(bye, 200)
    assert bench.kinds == ["CallRinging", "CallFailed"]
    assert bench.events[-1] == CallFailed("leg", Outcome.CANCELLED, 200, "cancelled"), "a receiver was lifted"
    bench.assert_nothing_is_left()


def test_a_cancel_that_is_confirmed_but_never_followed_by_487_ends_after_64_t1(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 180)
    bench.hang_up()
    bench.reply(bench.sent_request("CANCEL"), 200)
    bench.wait(31.0)
    assert bench.kinds == ["CallRinging"]
    bench.wait(2.0)
    assert bench.events[-1] == CallFailed("leg", Outcome.CANCELLED, 487, "cancelled")
    bench.assert_nothing_is_left()


def test_a_busy_that_crosses_our_cancel_is_reported_as_busy(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 180)
    bench.hang_up()
    bench.reply(invite, 486)
    assert bench.events[-1] == CallFailed("leg", Outcome.BUSY, 486, "Busy Here")


def test_a_487_without_our_cancel_is_the_networks_failure(bench) -> None:
    bench.reply(bench.place(), 487)
    assert bench.events == [CallFailed("leg", Outcome.FAILED, 487, "Request Terminated")]


def test_a_carrier_that_says_nothing_is_given_up_after_timer_b(bench) -> None:
    bench.place()
    bench.wait(32.0)
    assert bench.events == [CallFailed("leg", Outcome.FAILED, 408, "no response")]
    bench.assert_nothing_is_left()


def test_no_call_rings_for_ever(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 180)
    bench.wait(181.0)
    assert bench.sent()[-1].method == "CANCEL"
    bench.reply(invite, 487)
    assert bench.events[-1] == CallFailed("leg", Outcome.NO_ANSWER, 408, "rang for too long")


def test_a_second_phone_that_answers_the_same_invite_is_acknowledged_and_ended(bench) -> None:
    invite = bench.answered(tag="first")
    bench.reply(invite, 200, tag="second", sdp=SDP)
    ack, bye = bench.sent()
    assert (ack.method, ack.to.tag) == ("ACK", "second")
    assert (bye.method, bye.to.tag) == ("BYE", "second")
    bench.reply(invite, 200, tag="second", sdp=SDP)
    bench.sent_request("ACK")
    assert bench.kinds == ["CallAnswered"]
    bench.request("BYE", invite, tag="second")
    assert bench.sent_status() == 200
    assert bench.kinds == ["CallAnswered"]


def test_two_phones_ring_and_the_second_is_the_one_that_answers(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 180, tag="first")
    bench.reply(invite, 180, tag="second")
    bench.reply(invite, 200, tag="second", sdp=SDP)
    bench.sent_request("ACK")
    bench.hang_up()
    assert bench.sent_request("BYE").to.tag == "second"


def test_a_challenge_is_answered_once_and_the_ack_carries_the_same_credentials(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 401, headers=challenge("n1"))
    ack, again = bench.sent()
    assert ack.method == "ACK"
    assert again.method == "INVITE"
    assert again.cseq.number == invite.cseq.number + 1
    assert (again.call_id, again.from_.tag, again.to.tag) == (invite.call_id, invite.from_.tag, None)
    assert 'nonce="n1"' in again.headers.get("Authorization")
    bench.reply(again, 200, sdp=SDP)
    assert bench.sent_request("ACK").headers.get("Authorization") == again.headers.get("Authorization")
    assert bench.events == [CallAnswered("leg", SDP)]


def test_a_wrong_password_is_not_tried_twice(bench) -> None:
    bench.reply(bench.place(), 401, headers=challenge("n1"))
    again = bench.sent()[-1]
    bench.reply(again, 401, headers=challenge("n2"))
    assert [message.method for message in bench.sent()] == ["ACK"]
    assert bench.events == [CallFailed("leg", Outcome.FAILED, 401, "Unauthorized")]


def test_a_stale_nonce_is_replaced_but_not_for_ever(bench) -> None:
    request = bench.place()
    for number in range(10):
        bench.reply(request, 401, headers=challenge(f"n{number}", stale=number > 0))
        sent = [message for message in bench.sent() if message.method == "INVITE"]
        if not sent:
            break
        (request,) = sent
    assert 1 < number < 5
    assert bench.kinds == ["CallFailed"]


def test_a_challenge_of_an_unknown_scheme_is_not_answered(bench) -> None:
    bench.answered()
    bench.hang_up()
    bench.reply(bench.sent_request("BYE"), 401, headers=[("WWW-Authenticate", "Bearer realm=x")])
    assert bench.sent() == []


def test_once_a_realm_has_been_answered_no_other_gets_the_password(bench) -> None:
    bench.reply(bench.place(), 401, headers=challenge("n1"))
    bench.reply(bench.sent()[-1], 200, sdp=SDP)
    bench.sent()
    bench.hang_up()
    bench.reply(bench.sent_request("BYE"), 401, headers=challenge("n2", realm="callee.example"))
    assert bench.sent() == []


def test_a_bye_that_is_challenged_is_sent_again_with_credentials(bench) -> None:
    """By the realm that has challenged the INVITE: another one inside a call is nobody we asked."""
    bench.reply(bench.place(), 407, headers=[("Proxy-Authenticate", CHALLENGE.format("n6"))])
    _, invite = bench.sent()
    bench.reply(invite, 200, sdp=b"v=0\r\n")
    bench.sent()
    bench.hang_up()
    bye = bench.sent_request("BYE")
    bench.reply(bye, 407, headers=[("Proxy-Authenticate", CHALLENGE.format("n7"))])
    again = bench.sent_request("BYE")
    assert 'nonce="n7"' in again.headers.get("Proxy-Authorization")
    assert again.cseq.number == bye.cseq.number + 1
    bench.reply(again, 200)
    bench.assert_nothing_is_left()


@pytest.mark.parametrize("final", [487, 200, None])
def test_a_callee_that_says_bye_before_it_has_answered_is_cancelled(bench, final: int | None) -> None:
    invite = bench.place()
    bench.reply(invite, 180)
    bench.request("BYE", invite)
    said, cancel = bench.sent()
    assert (said.status, cancel.method) == (200, "CANCEL")
    bench.reply(cancel, 200)
    if final is not None:
        bench.reply(invite, final)
        assert [message.method for message in bench.sent()] == ["ACK", "BYE"][: 2 if final == 200 else 1]
    bench.wait(40.0)
    assert [(type(event), getattr(event, "outcome", None)) for event in bench.events[1:]] == [
        (CallFailed, Outcome.FAILED)
    ]
    bench.assert_nothing_is_left()


def test_one_phone_of_a_forked_call_that_says_bye_leaves_the_other_ringing(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 180, tag="first")
    bench.reply(invite, 180, tag="second")
    bench.request("BYE", invite, tag="first")
    assert bench.sent_status() == 200
    bench.reply(invite, 200, tag="second", sdp=SDP)
    assert bench.sent_request("ACK").to.tag == "second"
    assert bench.events[-1] == CallAnswered("leg", SDP)


def test_a_challenged_cancelled_call_is_not_placed_again(bench) -> None:
    invite = bench.place()
    bench.hang_up()
    bench.reply(invite, 401, headers=challenge("n1"))
    assert [message.method for message in bench.sent()] == ["ACK"]
    assert bench.kinds == ["CallFailed"]


def test_the_gate_is_asked_for_every_invite_and_holds_back_the_challenged_one_too(bench) -> None:
    invite = bench.place("+447700900321")
    assert bench.asked == ["+447700900321"]
    bench.gate_says = "added to the never-dial list meanwhile"
    bench.reply(invite, 401, headers=challenge("n1"))
    assert [message.method for message in bench.sent()] == ["ACK"]
    assert bench.asked == ["+447700900321"] * 2
    (failed,) = bench.events
    assert isinstance(failed, CallFailed)
    assert (failed.outcome, failed.reason) == (Outcome.BLOCKED, bench.gate_says)


def test_a_bye_that_is_lost_is_sent_again_and_given_up_in_the_end(bench) -> None:
    bench.answered()
    bench.hang_up()
    assert bench.events[-1] == CallEnded("leg", by_peer=False, cause="hang-up")
    bench.wait(40.0)
    byes = bench.sent()
    assert {message.method for message in byes} == {"BYE"}
    assert len({bytes(message) for message in byes}) == 1
    assert len(byes) > 5
    bench.assert_nothing_is_left()


@pytest.mark.parametrize("status", [300, 302, 305])
def test_a_redirect_is_not_followed(bench, status: int) -> None:
    bench.reply(bench.place(), status, headers=[("Contact", "<sip:+447700900999@198.51.100.1>")])
    assert [message.method for message in bench.sent()] == ["ACK"]
    assert bench.events[0].outcome is Outcome.FAILED
    assert bench.asked == ["+447700900123"]


def test_a_call_that_was_given_up_before_its_challenge_came_counts_as_cancelled(bench) -> None:
    invite = bench.place()
    bench.hang_up()
    bench.reply(invite, 401, headers=challenge("n1"))
    assert [(event.outcome, event.status) for event in bench.events] == [(Outcome.CANCELLED, 487)]
