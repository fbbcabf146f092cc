"""One message to a switch on a virtual network, and what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass

from softswitch.calls.events import CallOffered
from softswitch.sip.hop import Hop
from softswitch.ua.pool import UserAgentPool
from tests.torture.ground import Callee, answers_in, make_pool, options, status_of

SWITCH = Hop("192.0.2.1", 5060)
CARRIER = Hop("192.0.2.2", 5060)


@dataclass(slots=True)
class Seen:
    """What one message led to."""

    answers: list[bytes]
    offered: list[CallOffered]
    alive: bool
    """A sound request after it was answered."""
    idle: bool
    """Once every timer had passed, nothing of it was left."""


class VirtualSwitch:
    """A pool driven by hand; its clock jumps from deadline to deadline."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pool: UserAgentPool = make_pool([SWITCH], CARRIER)
        self.callee = Callee(self.pool, lambda: self.now)
        self.sent: list[tuple[bytes, Hop]] = []

    def receive(self, data: bytes, source: Hop = CARRIER) -> list[bytes]:
        """What goes out at once because of this datagram."""
        before = len(self.sent)
        self.pool.receive_datagram(data, source, self.now)
        self._drain()
        return [data for data, _ in self.sent[before:]]

    def run(self, until: float) -> None:
        """Serve every deadline on the way."""
        while (at := self.pool.next_timer()) is not None and at <= until:
            self.now = max(self.now, at)
            self.pool.handle_timer(self.now)
            self._drain()
        self.now = until

    @property
    def is_alive(self) -> bool:
        return [status_of(each) for each in answers_in(self.receive(options(f"alive{self.now}{len(self.sent)}")))] == [
            200
        ]

    def wind_down(self) -> bool:
        """End every call and let all timers pass; whether nothing is left."""
        self.pool.stop(self.now)
        self._drain()
        self.run(self.now + 4000.0)
        return self.pool.is_idle and self.pool.next_timer() is None

    def _drain(self) -> None:
        while (event := self.pool.next_event()) is not None:
            self.callee.receive_event(event)
        self.sent += [(datagram.data, datagram.destination) for datagram in self.pool.data_to_send()]


def see(data: bytes, before: Callable[[VirtualSwitch], None] = lambda switch: None) -> Seen:
    """Send one datagram from the carrier's address to a new switch."""
    switch = VirtualSwitch()
    before(switch)
    answers = answers_in(switch.receive(data))
    alive = switch.is_alive
    return Seen(answers, switch.callee.offered, alive, switch.wind_down())
