"""No call leaves a circle of objects behind."""

import gc
from collections.abc import Iterator

import pytest

from softswitch.calls.events import CallOffered
from softswitch.sip.hop import Hop
from softswitch.testing.clock import Clock
from softswitch.testing.wire import Wire
from softswitch.transports.collector import YOUNG, collect_rarely
from softswitch.ua.accounts import CarrierAccount
from softswitch.ua.pool import UserAgentPool

HERE, THERE = Hop("192.0.2.1", 5060), Hop("192.0.2.2", 5060)
SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n"


@pytest.fixture
def collector() -> Iterator[None]:
    """The collector as it was, whatever a test makes of it."""
    threshold, enabled = gc.get_threshold(), gc.isenabled()
    yield
    gc.unfreeze()
    gc.set_debug(0)
    gc.set_threshold(*threshold)
    (gc.enable if enabled else gc.disable)()
    gc.garbage.clear()


def pool(at: Hop, peer: Hop) -> UserAgentPool:
    numbers = iter(range(1_000_000))
    return UserAgentPool(
        listens=[at], realm="test", accounts=[CarrierAccount("peer", peer.host, calls_per_second=0)], phones=[],
        gate=lambda number: None, new_token=lambda: f"{at.host[-1]}t{next(numbers):06d}",
    )  # fmt: skip


def test_a_call_that_is_over_is_freed_without_the_collector(collector: None) -> None:
    clock = Clock()
    wire = Wire(clock)
    caller, callee = pool(HERE, THERE), pool(THERE, HERE)

    def answer(event: object) -> None:
        if isinstance(event, CallOffered):
            callee.ring(event.leg_id, clock.now)
            callee.answer(event.leg_id, SDP, clock.now)

    wire.attach(HERE, caller)
    wire.attach(THERE, callee, on_event=answer)

    def talk(leg_id: str) -> None:
        caller.place_call(leg_id, "peer", "+442079460000", SDP, clock.now)
        wire.settle()
        clock.run(until=clock.now + 5)
        caller.hang_up(leg_id, clock.now)
        wire.settle()
        clock.run(until=clock.now + 60)

    talk("first")  # what is made once is made here
    assert caller.is_idle
    assert callee.is_idle
    wire.transits.clear()
    gc.collect()
    gc.disable()
    for number in range(5):
        talk(f"call-{number}")
    wire.transits.clear()
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    ours = {type(each).__name__ for each in gc.garbage if type(each).__module__.startswith("softswitch")}
    assert ours == set()


def test_the_collector_is_told_to_look_seldom(collector: None) -> None:
    collect_rarely()
    assert gc.get_threshold()[0] == YOUNG
    assert gc.get_freeze_count() > 0
