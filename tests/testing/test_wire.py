"""The clock that jumps and the wire that loses."""

from collections import deque

import pytest

from softswitch.sip.hop import Hop
from softswitch.sip.layer import Datagram
from softswitch.testing.clock import Clock
from softswitch.testing.wire import Wire

ONE = Hop("192.0.2.1", 1)
TWO = Hop("192.0.2.2", 2)


class Listener:
    """A machine that reports what it hears."""

    def __init__(self) -> None:
        self.heard: deque[bytes] = deque()
        self.outbox: list[Datagram] = []

    def receive_datagram(self, data: bytes, source: tuple[str, int], now: float) -> None:
        self.heard.append(data)

    def handle_timer(self, now: float) -> None: ...

    def next_timer(self) -> float | None:
        return None

    def data_to_send(self) -> list[Datagram]:
        datagrams, self.outbox = self.outbox, []
        return datagrams

    def next_event(self) -> bytes | None:
        return self.heard.popleft() if self.heard else None


def send(count: int, **settings: float | int) -> tuple[Wire, Clock]:
    clock = Clock()
    wire = Wire(clock, **settings)  # type: ignore[arg-type]
    one, two = Listener(), Listener()
    wire.attach(ONE, one)
    wire.attach(TWO, two)
    one.outbox = [Datagram(b"%d" % number, TWO) for number in range(count)]
    wire.settle()
    clock.run()
    return wire, clock


def test_a_good_wire_delivers_all_in_order_after_its_delay() -> None:
    wire, clock = send(5, delay=0.25)
    assert wire.events(TWO) == [b"0", b"1", b"2", b"3", b"4"]
    assert clock.now == 0.25


def test_a_bad_wire_loses_doubles_and_reorders_the_same_way_for_the_same_seed() -> None:
    settings = {"loss": 0.3, "duplicate": 0.2, "reorder": 0.5, "delay": 0.1}
    first, _ = send(200, **settings, seed=1)
    again, _ = send(200, **settings, seed=1)
    other, _ = send(200, **settings, seed=2)
    arrived = first.events(TWO)
    assert arrived == again.events(TWO) != other.events(TWO)
    assert 100 < len(set(arrived)) < 200
    assert len(arrived) > len(set(arrived))
    assert arrived != sorted(arrived, key=int)
    assert sum(transit.lost for transit in first.transits) + len(arrived) == len(first.transits)


def test_a_datagram_to_nobody_vanishes() -> None:
    clock = Clock()
    wire = Wire(clock)
    wire.inject(b"x", ONE, TWO)
    clock.run()
    assert clock.next_deadline() is None


def test_a_test_may_say_which_datagrams_are_lost() -> None:
    clock = Clock()
    wire = Wire(clock)
    two = Listener()
    wire.attach(TWO, two)
    wire.drop = lambda transit: transit.data == b"lost"
    wire.inject(b"lost", ONE, TWO)
    wire.inject(b"kept", ONE, TWO)
    clock.run()
    assert wire.events(TWO) == [b"kept"]


def test_the_clock_stands_at_the_moment_it_was_run_to() -> None:
    clock = Clock(10.0)
    moments: list[float] = []
    clock.call_at(12.5, lambda: moments.append(clock.now))
    clock.call_at(11.5, lambda: moments.append(clock.now))
    clock.call_at(99.0, lambda: moments.append(clock.now))
    clock.run(until=20.0)
    assert moments == [11.5, 12.5]
    assert clock.now == 20.0


def test_a_machine_whose_deadline_never_moves_is_an_error_and_no_endless_loop() -> None:
    class Stuck:
        def next_timer(self) -> float:
            return 1.0

        def handle_timer(self, now: float) -> None: ...

    clock = Clock()
    clock.attach(Stuck())
    with pytest.raises(AssertionError, match="still busy"):
        clock.run(steps=100)
