"""What the pool holds together between legs: Replaces, loops and hops, and two pools that speak all extensions."""

import importlib.util
from pathlib import Path

import pytest

from softswitch.calls.events import CallAnswered, CallEnded, CallOffered, DigitPressed, MediaReoffered, TransferAsked

OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
ANSWER = OFFER.replace(b"4000", b"5000")


@pytest.fixture
def bench_with():
    """The bench of tests/calls: one pool and a peer that is played by hand."""
    where = Path(__file__).parents[1] / "calls" / "conftest.py"
    spec = importlib.util.spec_from_file_location("calls_bench", where)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Bench


@pytest.fixture
def bench(bench_with):
    return bench_with()


@pytest.fixture
def two(bench_with):
    return bench_with(may_transfer={"peer"}, keepalive_s=0)


def talking(bench) -> tuple[str, str]:
    """A call of the peer's that we have answered; its Replaces value as the peer would write it, and our leg's id."""
    invite = bench.invite()
    leg = bench.offered().leg_id
    bench.pool.answer(leg, ANSWER, bench.clock.now)
    (ok,) = bench.sent()
    bench.back("ACK", invite, ok.to.tag)
    return f"incoming;to-tag={ok.to.tag};from-tag=b", leg


def another(bench, replaces: str, *more: tuple[str, object]):
    """A second INVITE of the peer's, in another call."""
    from softswitch.sip.parser import parse

    request = parse(
        b"INVITE sip:us@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK-second\r\nMax-Forwards: 70\r\n"
        b"From: <sip:x@192.0.2.9>;tag=c\r\nTo: <sip:us@192.0.2.1>\r\nCall-ID: second\r\nCSeq: 1 INVITE\r\n"
        b"Contact: <sip:x@192.0.2.9>\r\nContent-Type: application/sdp\r\n\r\n" + OFFER
    )
    for name, value in (("Replaces", replaces), *more):
        request.headers.add(name, value)
    bench.deliver(bytes(request))


def test_a_call_that_replaces_another_is_offered_as_such_and_ends_it_once_answered(two) -> None:
    replaces, old = talking(two)
    another(two, replaces, ("Require", "replaces"))
    offered = two.events[-1]
    assert isinstance(offered, CallOffered)
    assert offered.replaces == old
    two.pool.answer(offered.leg_id, ANSWER, two.clock.now)
    ok, bye = two.sent()
    assert (ok.status, bye.method, bye.call_id) == (200, "BYE", "incoming")
    assert two.events[-1] == CallEnded(old, by_peer=False, cause="replaced")


def test_who_may_not_transfer_may_not_replace(bench) -> None:
    replaces, _ = talking(bench)
    another(bench, replaces)
    assert bench.sent_status() == 403


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (("incoming", "other"), 481),
        (("from-tag=b", "from-tag=x"), 481),
        (("from-tag=b", "from-tag=b;early-only"), 486),
        (("incoming;", "incoming,"), 400),
    ],
)
def test_a_replaces_that_does_not_match_is_refused(two, change, status: int) -> None:
    replaces, _ = talking(two)
    another(two, replaces.replace(*change))
    assert two.sent_status() == status


def test_two_replaces_are_malformed(two) -> None:
    replaces, _ = talking(two)
    another(two, replaces, ("Replaces", replaces))
    assert two.sent_status() == 400


def test_a_call_that_is_over_cannot_be_replaced(two) -> None:
    replaces, old = talking(two)
    two.pool.hang_up(old, two.clock.now)
    two.sent()
    another(two, replaces)
    assert two.sent_status() == 603


def test_a_transfer_with_consultation_names_the_leg_that_it_is_about(two) -> None:
    replaces, other = talking(two)
    invite = two.answered()
    call_id, to_tag, from_tag = replaces.split(";")
    target = f"<sip:us@192.0.2.1?Replaces={call_id}%3B{to_tag.replace('=', '%3D')}%3B{from_tag.replace('=', '%3D')}>"
    two.request("REFER", invite, headers=[("Refer-To", target)])
    assert two.events[-1] == TransferAsked("leg", "us", other)


def test_a_call_with_no_hops_left_goes_no_further(bench) -> None:
    bench.invite(drop="Max-Forwards", headers=[("Max-Forwards", 0)])
    assert bench.sent_status() == 483
    assert bench.events == []


def test_a_call_tells_how_many_hops_it_has_left_and_its_successor_has_one_less(bench) -> None:
    bench.invite(drop="Max-Forwards", headers=[("Max-Forwards", 12)])
    assert bench.offered().hops_left == 12


def test_our_own_invite_that_comes_back_is_a_loop(bench) -> None:
    invite = bench.place()
    invite.headers.prepend("Via", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK-proxy")
    bench.deliver(bytes(invite))
    assert bench.sent_status() == 482
    assert bench.events == []


def test_an_invite_with_two_ways_to_us_is_merged(bench) -> None:
    bench.invite()
    bench.sent()
    bench.invite(branch="z9hG4bK-other-way")
    assert bench.sent_status() == 482
    assert len(bench.events) == 1


def test_two_pools_agree_on_ringing_media_and_timers(site) -> None:
    """One pool calls the other: reliable ringing with early media, UPDATE, and a session that is refreshed."""
    site.carrier._maker._rings_reliably = True
    site.carrier_does = lambda offered: site.carrier.ring(offered.leg_id, site.now, ANSWER)
    site.call("out", seconds=1.0)
    assert [request.method for request in site.requests("PRACK")] == ["PRACK"]
    (offered,) = site.offered()
    site.carrier.reoffer(offered.leg_id, ANSWER, site.now)
    site.run(0.5)
    assert isinstance(site.events("out")[-1], MediaReoffered)
    site.switch.answer_reoffer("out", OFFER, site.now)
    site.run(0.5)
    site.carrier.answer(offered.leg_id, ANSWER, site.now)
    site.run(0.5)
    assert isinstance(site.events("out")[-1], CallAnswered)
    site.run(3000.0)
    updates = [request for request in site.requests("UPDATE") if not request.body]
    assert len(updates) >= 2
    assert not any(isinstance(event, CallEnded) for event in site.events("out"))
    site.switch.hang_up("out", site.now)
    site.run(1.0)
    site.wind_down()
    assert site.switch.is_idle
    assert site.carrier.is_idle


def test_an_agents_phone_presses_no_keys_in_info(registered) -> None:
    site = registered
    site.phone_does = lambda offered: site.phone.answer(offered.leg_id, ANSWER, site.now)
    site.switch.ring_phone("agent", "agent-1", OFFER, site.now, call_ref="c-1")
    site.run(0.5)
    (invite,) = [each for each in site.requests("INVITE") if each.to.tag is None]
    assert "INFO" not in invite.headers.get_all("Allow")
    assert not any(isinstance(event, DigitPressed) for event in site.events("agent"))
