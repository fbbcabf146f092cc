"""Session timers (RFC 4028): who refreshes, by what, and what happens when nobody does."""

import pytest

from softswitch.calls.events import CallEnded, CallFailed, MediaReoffered, ReofferRefused
from softswitch.calls.session_timer import SessionInterval, agree, interval_in
from softswitch.errors import PeerError
from softswitch.sip.headers import Headers
from softswitch.sip.message import Request
from softswitch.sip.uri import Uri

SDP = b"v=0\r\n"
OTHER = b"v=0\r\ns=other\r\n"
UPDATES = ("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE")


@pytest.fixture
def bench(bench_with):
    return bench_with(keepalive_s=0)


def expires(text: str):
    return ("Session-Expires", text)


def test_our_invite_asks_for_the_sites_interval(bench, bench_with) -> None:
    invite = bench.place()
    assert invite.headers.get("Session-Expires") == "1800"
    assert "timer" in invite.headers.get_all("Supported")
    other = bench_with(session_s=0).place()
    assert "Session-Expires" not in other.headers
    assert "timer" in other.headers.get_all("Supported")


def test_a_peer_without_timers_is_left_in_peace(bench) -> None:
    bench.answered()
    bench.wait(7200.0)
    assert bench.sent() == []
    assert bench.kinds == ["CallAnswered"]


def test_we_refresh_at_half_time_by_update_where_the_peer_takes_it(bench) -> None:
    bench.answered(headers=[expires("600;refresher=uac"), UPDATES])
    bench.wait(299.0)
    assert bench.sent() == []
    bench.wait(1.0)
    update = bench.sent_request("UPDATE")
    assert (update.body, update.headers.get("Session-Expires")) == (b"", "600;refresher=uac")
    bench.reply(update, 200, headers=[expires("600;refresher=uac")])
    bench.wait(299.0)
    assert bench.sent() == []
    bench.wait(1.0)
    bench.sent_request("UPDATE")
    assert bench.kinds == ["CallAnswered"]


def test_we_refresh_by_reinvite_with_the_same_media_where_the_peer_does_not_take_update(bench) -> None:
    invite = bench.answered(headers=[expires("600;refresher=uac")])
    bench.wait(300.0)
    again = bench.sent_request("INVITE")
    assert (again.body, again.to.tag) == (invite.body, "b")
    bench.reply(again, 200, sdp=SDP, headers=[expires("600;refresher=uac")])
    bench.sent_request("ACK")
    bench.wait(299.0)
    assert bench.sent() == []


@pytest.mark.parametrize("status", [405, 501, 500])
def test_an_update_that_is_refused_is_followed_by_a_reinvite(bench, status: int) -> None:
    bench.answered(headers=[expires("600;refresher=uac"), UPDATES])
    bench.wait(300.0)
    bench.reply(bench.sent_request("UPDATE"), status)
    bench.sent_request("INVITE")


def test_a_refresh_that_is_never_answered_ends_the_call(bench) -> None:
    bench.answered(headers=[expires("600;refresher=uac"), UPDATES])
    bench.wait(300.0)
    bench.sent_request("UPDATE")
    bench.wait(33.0)
    assert any(message.method == "BYE" for message in bench.sent())
    assert bench.events[-1] == CallEnded("leg", by_peer=False, cause="timeout")
    bench.assert_nothing_is_left()


def test_a_refresh_that_meets_theirs_is_tried_again(bench) -> None:
    bench.answered(headers=[expires("600;refresher=uac"), UPDATES])
    bench.wait(300.0)
    bench.reply(bench.sent_request("UPDATE"), 491)
    bench.wait(4.1)
    assert bench.sent()[0].method == "UPDATE"


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_a_refresh_that_is_told_to_wait_waits_and_keeps_the_call(bench, method: str) -> None:
    bench.answered(headers=[expires("600;refresher=uac"), *([UPDATES] if method == "UPDATE" else [])])
    bench.wait(300.0)
    bench.reply(bench.sent_request(method), 500, headers=[("Retry-After", "7 (busy);duration=60")])
    bench.sent()
    bench.wait(6.9)
    assert bench.sent() == []
    bench.wait(0.2)
    again = bench.sent_request(method)
    bench.reply(again, 200, sdp=SDP if method == "INVITE" else b"", headers=[expires("600;refresher=uac")])
    bench.sent()
    bench.wait(299.0)
    assert bench.sent() == []
    assert not any(isinstance(event, CallEnded) for event in bench.events)


def test_a_refresh_that_is_due_while_an_offer_is_refused_follows_it(bench) -> None:
    bench.answered(headers=[expires("600;refresher=uac"), UPDATES])
    bench.wait(299.0)
    bench.pool.reoffer("leg", OTHER, bench.clock.now)
    offer = bench.sent_request("INVITE")
    bench.reply(offer, 100)
    bench.wait(30.0)
    bench.reply(offer, 488)
    bench.sent_request("ACK")
    bench.wait(4.0)
    update = bench.sent()[0]
    assert update.method == "UPDATE"
    bench.reply(update, 200, headers=[expires("600;refresher=uac")])
    bench.wait(290.0)
    assert bench.events[-1] == ReofferRefused("leg", 488)


def test_a_refresh_that_is_due_while_an_offer_is_accepted_is_done_by_it(bench) -> None:
    bench.answered(headers=[expires("600;refresher=uac"), UPDATES])
    bench.wait(299.0)
    bench.pool.reoffer("leg", OTHER, bench.clock.now)
    offer = bench.sent_request("INVITE")
    bench.reply(offer, 100)
    bench.wait(30.0)
    bench.reply(offer, 200, sdp=SDP, headers=[expires("600;refresher=uac")])
    bench.sent_request("ACK")
    bench.wait(299.0)
    assert bench.sent() == []
    bench.wait(1.0)
    bench.sent_request("UPDATE")


def test_a_peer_that_would_have_us_wait_for_too_long_is_not_asked_again(bench) -> None:
    bench.answered()
    bench.pool.reoffer("leg", SDP, bench.clock.now)
    bench.reply(bench.sent_request("INVITE"), 500, headers=[("Retry-After", "3600")])
    assert bench.events[-1] == ReofferRefused("leg", 500)


def test_a_refresh_that_asks_too_little_asks_again_for_more(bench) -> None:
    bench.answered(headers=[expires("600;refresher=uac"), UPDATES])
    bench.wait(300.0)
    bench.reply(bench.sent_request("UPDATE"), 422, headers=[("Min-SE", 900)])
    again = bench.sent_request("UPDATE")
    assert (again.headers.get("Session-Expires"), again.headers.get("Min-SE")) == ("900;refresher=uac", "900")


def test_a_refresh_that_finds_no_dialog_ends_the_call(bench) -> None:
    bench.answered(headers=[expires("600;refresher=uac"), UPDATES])
    bench.wait(300.0)
    bench.reply(bench.sent_request("UPDATE"), 481)
    bench.sent_request("BYE")
    assert bench.events[-1] == CallEnded("leg", by_peer=False, cause="timeout")


def test_a_peer_that_refreshes_keeps_the_call_up_and_one_that_forgets_loses_it(bench) -> None:
    invite = bench.answered(headers=[expires("600;refresher=uas")])
    bench.wait(500.0)
    bench.request("UPDATE", invite, headers=[expires("600;refresher=uac"), ("Supported", "timer")])
    (ok,) = bench.sent()
    assert ok.headers.get("Session-Expires") == "600;refresher=uac"
    assert ok.headers.get_all("Require") == ["timer"]
    bench.wait(567.0)
    assert bench.sent() == []
    bench.wait(1.0)
    bench.sent_request("BYE")  # 600 less 32 s
    assert bench.events[-1] == CallEnded("leg", by_peer=False, cause="expired")


def test_a_peer_that_refreshes_by_reinvite_keeps_the_call_up_too(bench) -> None:
    invite = bench.answered(headers=[expires("600;refresher=uas")])
    bench.wait(300.0)
    again = bench.request("INVITE", invite, body=SDP, headers=[expires("600;refresher=uac"), ("Supported", "timer")])
    assert bench.events[-1] == MediaReoffered("leg", SDP)
    bench.pool.answer_reoffer("leg", SDP, bench.clock.now)
    bench.sent()
    bench.request("ACK", invite, cseq=again.cseq.number)
    bench.wait(560.0)
    assert bench.kinds == ["CallAnswered", "MediaReoffered"]


def test_an_invite_that_asks_too_little_of_a_carrier_is_sent_again_with_more(bench) -> None:
    invite = bench.place()
    bench.reply(invite, 422, headers=[("Min-SE", 3600)])
    again = next(message for message in bench.sent() if message.method == "INVITE")
    assert (again.headers.get("Session-Expires"), again.headers.get("Min-SE")) == ("3600", "3600")
    assert again.cseq.number == invite.cseq.number + 1
    assert again.call_id == invite.call_id
    assert len(bench.asked) == 2  # the gate sees that one too


def test_a_carrier_that_asks_for_the_same_again_is_not_asked_for_ever(bench) -> None:
    bench.reply(bench.place(), 422, headers=[("Min-SE", 3600)])
    again = next(message for message in bench.sent() if message.method == "INVITE")
    bench.reply(again, 422, headers=[("Min-SE", 3600)])
    assert isinstance(bench.events[-1], CallFailed)
    bench.assert_nothing_is_left()


def accepted(bench, *headers):
    invite = bench.invite(headers=headers)
    leg = bench.offered().leg_id
    bench.pool.answer(leg, SDP, bench.clock.now)
    (ok,) = bench.sent()
    bench.back("ACK", invite, ok.to.tag)
    return leg, ok


def test_a_caller_that_asks_too_little_is_told_how_much(bench) -> None:
    bench.invite(headers=[expires("60"), ("Supported", "timer")])
    (response,) = bench.sent()
    assert (response.status, response.headers.get("Min-SE")) == (422, "90")
    assert bench.events == []


def test_an_interval_that_is_no_number_is_malformed(bench) -> None:
    bench.invite(headers=[expires("soon"), ("Supported", "timer")])
    assert bench.sent_status() == 400


def test_a_caller_that_names_nobody_refreshes_itself(bench) -> None:
    _, ok = accepted(bench, expires("600"), ("Supported", "timer"))
    assert ok.headers.get("Session-Expires") == "600;refresher=uac"
    assert ok.headers.get_all("Require") == ["timer"]
    bench.wait(568.0)
    bench.sent_request("BYE")


def test_a_caller_that_names_us_is_refreshed(bench) -> None:
    _, ok = accepted(bench, expires("600;refresher=uas"), ("Supported", "timer"), UPDATES)
    assert ok.headers.get("Session-Expires") == "600;refresher=uas"
    assert "Require" not in ok.headers
    bench.wait(300.0)
    assert bench.sent_request("UPDATE").headers.get("Session-Expires") == "600;refresher=uac"


def test_a_caller_without_timers_whose_proxy_asks_is_refreshed_by_us(bench) -> None:
    _, ok = accepted(bench, expires("600"))
    assert ok.headers.get("Session-Expires") == "600;refresher=uas"
    bench.wait(300.0)
    bench.sent_request("INVITE")


def test_a_caller_who_only_could_is_not_made_to_work(bench) -> None:
    _, ok = accepted(bench, ("Supported", "timer"))
    assert ok.headers.get("Session-Expires") == "1800;refresher=uas"


def test_a_reinvite_that_asks_too_little_leaves_the_call_as_it_was(bench) -> None:
    invite = bench.answered()
    bench.request("INVITE", invite, body=SDP, headers=[expires("30"), ("Supported", "timer")])
    (response,) = bench.sent()
    assert (response.status, response.headers.get("Min-SE")) == (422, "90")
    assert bench.kinds == ["CallAnswered"]


def test_a_refresh_during_their_reinvite_waits_its_turn(bench) -> None:
    invite = bench.answered(headers=[expires("600;refresher=uac")])
    bench.wait(299.9)
    again = bench.request("INVITE", invite, body=SDP)
    bench.wait(0.2)
    assert [message for message in bench.sent() if getattr(message, "method", "") == "INVITE"] == []
    bench.pool.answer_reoffer("leg", SDP, bench.clock.now)
    bench.sent()
    bench.request("ACK", invite, cseq=again.cseq.number)
    bench.wait(10.0)
    assert bench.kinds == ["CallAnswered", "MediaReoffered"]


@pytest.mark.parametrize("text", ["", "x", "-1", "99999999999", "600;refresher=me"])
def test_a_malformed_interval_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        interval_in(Request("UPDATE", Uri.parse("sip:x@192.0.2.1"), Headers([expires(text)])))


def test_the_shorter_wish_counts_but_never_less_than_the_least() -> None:
    def asked(*headers):
        return Request("INVITE", Uri.parse("sip:x@192.0.2.1"), Headers([*headers, ("Supported", "timer")]))

    assert agree(asked(expires("3600")), 1800) == SessionInterval(1800, "uac")
    assert agree(asked(expires("3600"), ("Min-SE", 2400)), 1800) == SessionInterval(2400, "uac")
    assert agree(asked(expires("3600")), 0) == SessionInterval(3600, "uac")
    assert agree(asked(), 0) is None
