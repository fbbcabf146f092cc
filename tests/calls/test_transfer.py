"""REFER, INFO and the other requests inside a call: what may be asked, and by whom."""

import pytest

from softswitch.calls.events import DigitPressed, TransferAsked
from softswitch.calls.transfer import read_replaces
from softswitch.errors import PeerError

REFER_TO = ("Refer-To", "<sip:+447700900999@192.0.2.9>")


@pytest.fixture
def trusted(bench_with):
    return bench_with(may_transfer={"peer"}, keepalive_s=0)


def test_a_transfer_is_refused_to_everybody_who_is_not_named(bench) -> None:
    invite = bench.answered()
    assert "REFER" not in invite.headers.get_all("Allow")
    assert "replaces" not in invite.headers.get_all("Supported")
    bench.request("REFER", invite, headers=[REFER_TO])
    assert bench.sent_status() == 403
    assert bench.kinds == ["CallAnswered"]


def test_who_may_transfer_is_told_so_and_its_wish_goes_up_and_dials_nobody(trusted) -> None:
    invite = trusted.answered()
    assert "REFER" in invite.headers.get_all("Allow")
    assert "replaces" in invite.headers.get_all("Supported")
    trusted.request("REFER", invite, headers=[REFER_TO])
    assert trusted.sent() == []
    assert trusted.events[-1] == TransferAsked("leg", "+447700900999")
    assert len(trusted.asked) == 1  # our own call


def test_a_transfer_that_the_house_refuses_is_answered_with_its_status(trusted) -> None:
    invite = trusted.answered()
    trusted.request("REFER", invite, headers=[REFER_TO])
    trusted.pool.answer_transfer("leg", 603, trusted.clock.now)
    assert trusted.sent_status() == 603
    trusted.request("REFER", invite, headers=[REFER_TO])
    assert trusted.kinds[-2:] == ["TransferAsked", "TransferAsked"]


def test_an_accepted_transfer_is_reported_until_it_is_done(trusted) -> None:
    invite = trusted.answered()
    refer = trusted.request("REFER", invite, headers=[REFER_TO])
    trusted.pool.answer_transfer("leg", 202, trusted.clock.now)
    accepted, trying = trusted.sent()
    assert accepted.status == 202
    assert trying.headers.get("Event") == f"refer;id={refer.cseq.number}"
    assert trying.headers.get("Subscription-State") == "active;expires=180"
    assert (trying.content_type, trying.body) == ("message/sipfrag", b"SIP/2.0 100 Trying\r\n")
    trusted.reply(trying, 200)
    trusted.pool.report_transfer("leg", 180, trusted.clock.now)
    assert trusted.sent_request("NOTIFY").body == b"SIP/2.0 180 Ringing\r\n"
    trusted.pool.report_transfer("leg", 200, trusted.clock.now)
    last = trusted.sent_request("NOTIFY")
    assert last.body == b"SIP/2.0 200 OK\r\n"
    assert last.headers.get("Subscription-State") == "terminated;reason=noresource"
    trusted.pool.report_transfer("leg", 200, trusted.clock.now)
    assert trusted.sent() == []


def test_a_transfer_without_subscription_is_not_reported(trusted) -> None:
    invite = trusted.answered()
    trusted.request("REFER", invite, headers=[REFER_TO, ("Refer-Sub", "false")])
    trusted.pool.answer_transfer("leg", 202, trusted.clock.now)
    (accepted,) = trusted.sent()
    assert accepted.headers.get("Refer-Sub") == "false"
    trusted.pool.report_transfer("leg", 200, trusted.clock.now)
    assert trusted.sent() == []


def test_a_peer_that_has_ended_the_subscription_hears_no_more(trusted) -> None:
    invite = trusted.answered()
    trusted.request("REFER", invite, headers=[REFER_TO])
    trusted.pool.answer_transfer("leg", 202, trusted.clock.now)
    _, trying = trusted.sent()
    trusted.reply(trying, 481)
    trusted.pool.report_transfer("leg", 200, trusted.clock.now)
    assert trusted.sent() == []


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 400),
        ([REFER_TO, REFER_TO], 400),
        ([("Refer-To", "<http://192.0.2.9/>")], 416),
        ([("Refer-To", "<sip:a@192.0.2.9?Replaces=broken>")], 400),
    ],
)
def test_a_malformed_transfer_is_refused(trusted, headers, status: int) -> None:
    trusted.request("REFER", trusted.answered(), headers=headers)
    assert trusted.sent_status() == status
    assert trusted.kinds == ["CallAnswered"]


def test_one_transfer_at_a_time(trusted) -> None:
    invite = trusted.answered()
    trusted.request("REFER", invite, headers=[REFER_TO])
    trusted.request("REFER", invite, headers=[REFER_TO])
    assert trusted.sent_status() == 491


def test_a_bye_during_a_transfer_answers_both(trusted) -> None:
    invite = trusted.answered()
    trusted.request("REFER", invite, headers=[REFER_TO])
    trusted.request("BYE", invite)
    assert {(r.cseq.method, r.status) for r in trusted.sent()} == {("BYE", 200), ("REFER", 487)}
    trusted.pool.answer_transfer("leg", 202, trusted.clock.now)
    assert trusted.sent() == []
    trusted.assert_nothing_is_left()


@pytest.mark.parametrize("text", ["", "a", "a;to-tag=1", "a;from-tag=1", ";to-tag=1;from-tag=2"])
def test_a_malformed_replaces_is_refused(text: str) -> None:
    with pytest.raises(PeerError):
        read_replaces(text)


# INFO


@pytest.mark.parametrize(
    ("content_type", "body", "key", "duration_ms"),
    [
        ("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n", "5", 160),
        ("application/dtmf-relay", b"Signal= *\r\nDuration= 250\r\n", "*", 250),
        ("application/dtmf-relay", b"signal=#\n", "#", 160),
        ("application/dtmf-relay", b"Signal=11\r\nDuration=99999", "#", 10_000),
        ("application/dtmf-relay", b"Signal= 5\rDuration= 250\r", "5", 250),
        ("Application/DTMF-Relay ; charset=utf-8", b"SIGNAL = 5 \nDURATION = 80\n", "5", 80),
        ("application/dtmf-relay", b"Duration=100\r\nSignal=0\r\n\r\n", "0", 100),
        ("application/dtmf-relay", b"Signal=star\r\nDuration=\r\n", "*", 160),
        ("application/dtmf-relay", b"6\r\n", "6", 160),
        ("application/dtmf", b"Signal=4\r\nDuration=90\r\n", "4", 90),
        ("application/vnd.nortelnetworks.digits", b"p=Digit-Collection\r\ny=Digits\r\nd=8\r\n", "8", 160),
        ("application/dtmf", b"7", "7", 160),
        ("application/dtmf", b"10\r\n", "*", 160),
        ("application/dtmf", b"d", "D", 160),
    ],
)
def test_a_key_press_in_an_info_is_reported(bench, content_type, body, key, duration_ms) -> None:
    invite = bench.answered()
    assert "INFO" in invite.headers.get_all("Allow")
    bench.request("INFO", invite, body=body, headers=[("Content-Type", content_type)])
    assert bench.sent_status() == 200
    assert bench.events[-1] == DigitPressed("leg", key, duration_ms)


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("application/dtmf-relay", b"Signal=17\r\n", 400),
        ("application/dtmf-relay", b"", 200),
        ("application/dtmf-relay", b"Signal=16\r\nDuration=250\r\n", 200),
        ("application/dtmf-relay", b"Signal=hf\r\n", 200),
        ("application/dtmf", b"16", 200),
        ("application/dtmf", b"!", 200),
        ("application/hook-flash", b"signal=hf\r\n", 200),
        ("application/broadsoft", b"event flashhook\r\n", 200),
        ("application/dtmf-relay", b"Signal=\r\nDuration=160\r\n", 400),
        ("application/dtmf-relay", b"Signal=12345\r\n", 400),
        ("application/dtmf", b"hello", 400),
        ("application/media_control+xml", b"<media_control/>", 415),
    ],
)
def test_an_info_that_is_no_key_press_changes_nothing(bench, content_type, body, status) -> None:
    bench.request("INFO", bench.answered(), body=body, headers=[("Content-Type", content_type)])
    assert bench.sent_status() == status
    assert bench.kinds == ["CallAnswered"]


def test_an_info_of_a_package_is_told_that_there_is_none(bench) -> None:
    bench.request("INFO", bench.answered(), headers=[("Info-Package", "x")])
    (response,) = bench.sent()
    assert response.status == 469
    assert "Recv-Info" in response.headers


@pytest.mark.parametrize(("method", "status"), [("NOTIFY", 481), ("SUBSCRIBE", 489), ("MESSAGE", 405), ("PRACK", 481)])
def test_what_means_nothing_in_a_call_is_refused_and_the_call_goes_on(bench, method: str, status: int) -> None:
    bench.request(method, bench.answered(), headers=[("Event", "message-summary")])
    (response,) = bench.sent()
    assert response.status == status
    if status == 489:
        assert response.headers.get_all("Allow-Events") == ["refer"]
    assert bench.kinds == ["CallAnswered"]
