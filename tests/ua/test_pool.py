"""The pool as a whole: calls over a carrier and to a phone, from the first datagram to the last timer."""

import pytest

from softswitch.calls.events import CallAnswered, CallEnded, CallFailed, CallOffered, CallRinging, Origin
from softswitch.calls.outcome import Outcome
from softswitch.errors import UsageError
from softswitch.sip.hop import Hop
from softswitch.ua.accounts import AccountRegistered, AccountState
from softswitch.ua.phones import PhoneExpired, PhoneRegistered

SWITCH = Hop("192.0.2.1", 5060)
CARRIER = Hop("192.0.2.2", 5060)
PHONE = Hop("192.0.2.3", 5062)
OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
ANSWER = OFFER.replace(b"4000", b"5000")
NUMBER = "+447700900123"


def test_a_call_rings_is_answered_and_ends_with_our_bye(site) -> None:
    def serve(offered: CallOffered) -> None:
        site.carrier.ring(offered.leg_id, site.now)
        site.clock.call_at(
            site.now + 2.0, lambda: (site.carrier.answer(offered.leg_id, ANSWER, site.now), site.wire.settle())
        )

    site.carrier_does = serve
    site.call(seconds=5.0)
    assert site.events() == [CallRinging("out", 180, b""), CallAnswered("out", ANSWER)]
    (offered,) = site.offered()
    assert (offered.origin, offered.source, offered.called, offered.caller, offered.offer) == (
        Origin.TRUNK, "switch", NUMBER, "+441632960000", OFFER)  # fmt: skip
    assert site.switch.calls_on("carrier") == 1
    site.switch.hang_up("out", site.now)
    site.switch.hang_up("out", site.now)
    site.run(1.0)
    assert site.events()[-1] == CallEnded("out", by_peer=False, cause="hang-up")
    assert site.events_at(CARRIER)[-1] == CallEnded(offered.leg_id, by_peer=True, cause="bye")
    assert len(site.requests("BYE")) == 1
    assert site.switch.calls_on("carrier") == 0


def test_after_a_call_and_its_timers_nothing_of_it_is_left(site) -> None:
    site.carrier_answers()
    site.call()
    site.switch.hang_up("out", site.now)
    site.run(100.0)
    for pool in (site.switch, site.carrier):
        assert pool.is_idle
        assert pool.next_timer() is None
    assert site.clock.next_deadline() is None


def test_the_callee_ends_the_call(site) -> None:
    site.carrier_answers()
    site.call()
    (offered,) = site.offered()
    site.carrier.hang_up(offered.leg_id, site.now)
    site.run(1.0)
    assert site.events()[-1] == CallEnded("out", by_peer=True, cause="bye")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (486, Outcome.BUSY),
        (480, Outcome.NO_ANSWER),
        (603, Outcome.REFUSED),
        (404, Outcome.INVALID_NUMBER),
        (503, Outcome.FAILED),
        (302, Outcome.FAILED),
    ],
)
def test_a_call_that_fails_says_how(site, status: int, outcome: Outcome) -> None:
    site.carrier_does = lambda offered: site.carrier.reject(offered.leg_id, status, site.now)
    site.call()
    (failed,) = site.events()
    assert isinstance(failed, CallFailed)
    assert (failed.outcome, failed.status) == (outcome, status)
    assert len(site.requests("INVITE")) == 1, "neither a redirect nor another gateway is tried"


def test_a_ringing_call_is_cancelled(site) -> None:
    site.carrier_does = lambda offered: site.carrier.ring(offered.leg_id, site.now)
    site.call(seconds=20.0)
    site.switch.hang_up("out", site.now)
    site.run(1.0)
    assert site.events()[-1] == CallFailed("out", Outcome.CANCELLED, 487, "cancelled")
    assert [type(e) for e in site.events_at(CARRIER)] == [CallEnded]
    assert site.events_at(CARRIER)[0].cause == "cancel"
    site.run(100.0)
    assert site.switch.is_idle
    assert site.carrier.is_idle


def test_the_phone_registers_and_can_be_rung_until_it_unregisters(registered) -> None:
    site = registered
    assert PhoneRegistered("agent-1") in site.wire.events(SWITCH)
    assert AccountRegistered("switch") in site.wire.events(PHONE)
    assert site.phone.account_state("switch") is AccountState.REGISTERED
    assert site.switch.account_state("carrier") is AccountState.STATIC
    site.phone_does = lambda offered: site.phone.answer(offered.leg_id, ANSWER, site.now)
    site.switch.ring_phone("leg", "agent-1", OFFER, site.now, call_ref="ref-7")
    site.run(1.0)
    assert site.events("leg") == [CallAnswered("leg", ANSWER)]
    site.phone.stop(site.now)
    site.run(1.0)
    assert site.wire.events(SWITCH)[-1] == PhoneExpired("agent-1") or PhoneExpired("agent-1") in site.wire.events(
        SWITCH
    )
    with pytest.raises(UsageError, match="agent-1"):
        site.switch.ring_phone("leg2", "agent-1", OFFER, site.now, call_ref="ref-8")


def test_a_phone_logs_in_by_digest(registered) -> None:
    site = registered
    site.switch_does = lambda offered: site.switch.answer(offered.leg_id, ANSWER, site.now)
    site.phone.place_call("mine", "switch", "login", OFFER, site.now)
    site.run(1.0)
    (offered,) = site.offered(SWITCH)
    assert (offered.origin, offered.source, offered.called) == (Origin.PHONE, "agent-1", "login")
    assert site.statuses(SWITCH, "INVITE") == [401, 200]
    assert site.wire.events(PHONE)[-1] == CallAnswered("mine", ANSWER)
