"""A wire between pure machines that loses, delays, doubles and reorders datagrams, the same way for the same seed."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from softswitch.sip.hop import Hop
from softswitch.sip.layer import Datagram
from softswitch.testing.clock import Clock


class Endpoint(Protocol):
    """The common face of a machine that speaks over datagrams; `UserAgentPool` and `TransactionLayer` have it."""

    def receive_datagram(self, data: bytes, source: Hop, now: float) -> None: ...
    def handle_timer(self, now: float) -> None: ...
    def next_timer(self) -> float | None: ...
    def data_to_send(self) -> list[Datagram]: ...
    def next_event(self) -> Any: ...


@dataclass(frozen=True, slots=True)
class Transit:
    """One datagram that was put on the wire."""

    at: float
    source: Hop
    destination: Hop
    data: bytes
    lost: bool


@dataclass(slots=True)
class _End:
    machine: Endpoint
    on_event: Callable[[Any], None] | None
    events: list[Any] = field(default_factory=list)
    is_armed: bool = False
    """Whether `deadline` is the machine's still: asking each at every step would cost more than all they do."""
    deadline: float | None = None


class Wire:
    """Connects two or more machines by their addresses and drives them on a `Clock`.

        wire = Wire(clock, loss=0.1, delay=0.02, seed=7)
        wire.attach(("192.0.2.1", 5060), switch)
        wire.attach(("192.0.2.2", 5060), trunk, on_event=trunk_answers)
        switch.place_call(...)
        wire.settle()             # after any mutation from outside
        clock.run(until=60)

    loss, duplicate, reorder: shares from 0 to 1 of the datagrams that are lost, arrive twice, or overtake others.
    delay: seconds one way; a reordered datagram takes up to four times as long.
    Datagrams to an address where nobody is attached vanish, as on a network. `transits` keeps all that was sent.
    `drop` may be set to a function that says which datagrams are lost beside those that chance takes.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        loss: float = 0.0,
        delay: float = 0.01,
        duplicate: float = 0.0,
        reorder: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.loss = loss
        self.delay = delay
        self.duplicate = duplicate
        self.reorder = reorder
        self.drop: Callable[[Transit], bool] | None = None
        self.transits: list[Transit] = []
        self._clock = clock
        self._rng = np.random.default_rng(seed)
        self._ends: dict[Hop, _End] = {}
        self._flying: list[tuple[float, int, Transit]] = []
        self._serial = 0
        self._settling = False
        clock.attach(self)

    def attach(self, address: Hop, machine: Endpoint, on_event: Callable[[Any], None] | None = None) -> None:
        """Put a machine at an address. Its events go to `on_event`, which may mutate it, and to `events`."""
        self._ends[address] = _End(machine, on_event)

    def detach(self, address: Hop) -> None:
        """Pull the plug: the machine neither hears, speaks nor keeps time any more."""
        del self._ends[address]

    def events(self, address: Hop) -> list[Any]:
        """Every event that the machine at this address has reported, in order."""
        return self._ends[address].events

    def inject(self, data: bytes, source: Hop, destination: Hop) -> None:
        """Put a datagram on the wire from an address where no machine need be."""
        self._put(Datagram(data, destination), source)

    def settle(self) -> None:
        """Drain every machine: needed after it has been mutated from outside of `on_event`."""
        for end in self._ends.values():
            end.is_armed = False
        self._settle()

    def next_timer(self) -> float | None:
        earliest = self._flying[0][0] if self._flying else None
        for end in self._ends.values():
            if not end.is_armed:
                end.deadline = end.machine.next_timer()
                end.is_armed = True
            if end.deadline is not None and (earliest is None or end.deadline < earliest):
                earliest = end.deadline
        return earliest

    def handle_timer(self, now: float) -> None:
        while self._flying and self._flying[0][0] <= now:
            transit = heapq.heappop(self._flying)[2]
            end = self._ends.get(transit.destination)
            if end is not None:
                end.machine.receive_datagram(transit.data, transit.source, now)
                end.is_armed = False
                self._settle()
        at = self.next_timer()
        if at is None or at > now:
            return
        for end in list(self._ends.values()):
            due = end.machine.next_timer()
            if due is not None and due <= now:
                end.machine.handle_timer(now)
                end.is_armed = False
        self._settle()

    def _settle(self) -> None:
        if self._settling:
            return
        self._settling = True
        try:
            busy = True
            while busy:
                drained = [self._drain(address, end) for address, end in list(self._ends.items())]
                busy = any(drained)
        finally:
            self._settling = False

    def _drain(self, address: Hop, end: _End) -> bool:
        busy = False
        while (event := end.machine.next_event()) is not None:
            busy = True
            end.events.append(event)
            if end.on_event is not None:
                end.on_event(event)
                for other in self._ends.values():
                    other.is_armed = False  # it may have said something to any machine
        for datagram in end.machine.data_to_send():
            busy = True
            self._put(datagram, address)
        return busy

    def _put(self, datagram: Datagram, source: Hop) -> None:
        copies = 2 if self._rng.random() < self.duplicate else 1
        for _ in range(copies):
            transit = Transit(self._clock.now, source, datagram.destination, datagram.data, False)
            if self._rng.random() < self.loss or (self.drop is not None and self.drop(transit)):
                self.transits.append(Transit(transit.at, source, transit.destination, transit.data, True))
                continue
            self.transits.append(transit)
            stretch = 1.0 + 3.0 * self._rng.random() if self._rng.random() < self.reorder else 1.0
            self._serial += 1
            heapq.heappush(self._flying, (self._clock.now + self.delay * stretch, self._serial, transit))
