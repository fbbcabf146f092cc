"""Hundreds of calls over a wire that loses, doubles and reorders: none is stuck, none leaks, both ends agree."""

from collections import defaultdict

import numpy as np
import pytest

from softswitch.calls.events import CallAnswered, CallEnded, CallEvent, CallFailed, CallOffered, MediaReoffered
from softswitch.calls.outcome import Outcome
from softswitch.sip.hop import Hop

SWITCH = Hop("192.0.2.1", 5060)
CARRIER = Hop("192.0.2.2", 5060)
OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
CALLS = 10


def by_leg(events: list[object]) -> dict[str, list[CallEvent]]:
    found: dict[str, list[CallEvent]] = defaultdict(list)
    for event in events:
        if isinstance(event, CallEvent):
            found[event.leg_id].append(event)
    return found


@pytest.mark.parametrize("seed", range(30))
def test_over_a_bad_wire_every_call_ends_once_and_leaves_nothing_at_either_end(lossy_site, seed: int) -> None:
    site = lossy_site(seed)
    rng = np.random.default_rng(seed)
    peer_leg: dict[str, str] = {}

    def later(pause: float, call) -> None:
        site.clock.call_at(site.now + pause, lambda: (call(), site.wire.settle()))

    def serve(offered: CallOffered) -> None:
        peer_leg[offered.called] = offered.leg_id
        leg, carrier = offered.leg_id, site.carrier
        carrier.ring(leg, site.now)
        match rng.integers(5):
            case 0:
                carrier.reject(leg, int(rng.choice([486, 603, 480, 404])), site.now)
            case 1:
                pass  # rings until it is cancelled
            case _:
                later(float(rng.uniform(0, 3)), lambda: carrier.answer(leg, OFFER, site.now))
                if rng.random() < 0.5:
                    later(float(rng.uniform(0, 20)), lambda: carrier.hang_up(leg, site.now))

    def answer_reoffers(pool):
        def handle(event: object) -> None:
            if isinstance(event, CallOffered):
                serve(event)
            if isinstance(event, MediaReoffered):
                pool.answer_reoffer(event.leg_id, OFFER, site.now)

        return handle

    site.wire.detach(CARRIER)
    site.wire.attach(CARRIER, site.carrier, answer_reoffers(site.carrier))
    site.wire.detach(SWITCH)
    site.wire.attach(SWITCH, site.switch, answer_reoffers(site.switch))

    def reoffer(pool, leg: str) -> None:
        answered = pool is site.carrier or any(isinstance(e, CallAnswered) for e in site.events(leg))
        if answered and leg:
            try:
                pool.reoffer(leg, OFFER, site.now)
            except Exception as error:
                assert type(error).__name__ == "UsageError"

    for number in range(CALLS):
        leg, called = f"leg-{number}", f"+4477009{number:05d}"
        later(
            number * 0.2, lambda leg=leg, called=called: site.switch.place_call(leg, "carrier", called, OFFER, site.now)
        )
        later(number * 0.2 + float(rng.uniform(0, 30)), lambda leg=leg: site.switch.hang_up(leg, site.now))
        if rng.random() < 0.5:
            at = number * 0.2 + float(rng.uniform(1, 10))
            later(at, lambda leg=leg: reoffer(site.switch, leg))
            later(at, lambda called=called: reoffer(site.carrier, peer_leg.get(called, "")))
    site.run(60.0)
    for pool in (site.switch, site.carrier):
        pool.stop(site.now)
    site.run(400.0)

    ours, theirs = by_leg(site.wire.events(SWITCH)), by_leg(site.wire.events(CARRIER))
    for number in range(CALLS):
        events = ours[f"leg-{number}"]
        ends = [event for event in events if isinstance(event, CallEnded | CallFailed)]
        assert len(ends) == 1, events
        assert events[-1] is ends[0], events
        answered = any(isinstance(event, CallAnswered) for event in events)
        assert answered == isinstance(ends[0], CallEnded)
        leg = peer_leg.get(f"+4477009{number:05d}")
        if leg is None:
            # The carrier never heard of it, so nobody's telephone may have been answered.
            assert isinstance(ends[0], CallFailed)
            continue
        their_ends = [event for event in theirs[leg] if isinstance(event, CallEnded)]
        assert len(their_ends) == 1, theirs[leg]
        if isinstance(ends[0], CallFailed) and ends[0].outcome in (Outcome.BUSY, Outcome.REFUSED):
            assert their_ends[0].cause == "rejected"
    for pool in (site.switch, site.carrier):
        assert pool.is_idle
        assert pool.next_timer() is None
    assert site.switch.calls_on("carrier") == site.carrier.calls_on("switch") == 0
    assert site.clock.next_deadline() is None


@pytest.mark.parametrize("seed", range(5))
def test_a_phone_registers_and_logs_in_over_a_bad_wire(lossy_site, seed: int) -> None:
    site = lossy_site(seed)
    site.switch_does = lambda offered: site.switch.answer(offered.leg_id, OFFER, site.now)
    site.phone.start(site.now)
    site.run(60.0)
    assert site.phone.account_state("switch") == "registered"
    site.phone.place_call("mine", "switch", "login", OFFER, site.now)
    site.run(20.0)
    assert any(isinstance(event, CallAnswered) for event in site.wire.events(Hop("192.0.2.3", 5062)))
    site.wind_down()
    assert site.switch.is_idle
    assert site.phone.is_idle
