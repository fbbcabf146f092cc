"""Supervisors on the plane: who hears whom, beside the bridges.

All of it is by legs: a supervisor's leg is a phone's or a browser's like any other. The legs that talk to each other
are not disturbed: their bridge goes on, packet by packet, and joining and leaving fade in and out.
"""

from collections.abc import Callable

from softswitch.media import vocabulary as v
from softswitch.media.leg_book import LegBook, OpenLeg


class Supervision:
    """`plane.supervision`. Raises UsageError for a leg that is not open, as the plane does."""

    def __init__(
        self,
        legs: LegBook,
        leg: Callable[[int], OpenLeg],
        order: Callable[..., None],
        order_worker: Callable[..., None],
        tap: Callable[[OpenLeg], None],
    ) -> None:
        """order, order_worker: send a command for a leg to the relay, to the worker.  tap: have a leg's frames copied
        if somebody wants them."""
        self._legs = legs
        self._leg = leg
        self._order = order
        self._order_worker = order_worker
        self._tap = tap
        self._routes: dict[int, set[tuple[int, int]]] = {}
        """By who hears: the legs heard, and whether what is beyond them."""
        self._peers: dict[int, int] = {}
        """Who is bridged to whom."""

    def listen(self, supervisor: int, leg: int) -> None:
        """Let a supervisor hear what is said on a leg, by its own end and by whoever it is bridged to just then."""
        self._add(supervisor, leg, 0)
        self._add(supervisor, leg, 1)

    def speak(self, supervisor: int, leg: int) -> None:
        """Let the end of a leg hear the supervisor over what it hears already.

        To the agent's leg alone: whispering. To the callee's too: barging in; the recording has it on the left.
        """
        self._add(leg, supervisor, 0)

    def stop_listening(self, supervisor: int) -> None:
        for source, beyond in list(self._routes.get(supervisor, ())):
            self._drop(supervisor, source, beyond)

    def stop_speaking(self, supervisor: int, leg: int) -> None:
        if (supervisor, 0) in self._routes.get(leg, ()):
            self._drop(leg, supervisor, 0)

    def receive_bridged(self, first: int, second: int) -> None:
        """Two legs hear each other from now on: who listens to one hears the other."""
        self.receive_unbridged(first)
        self.receive_unbridged(second)
        self._peers |= {first: second, second: first}
        for one, other in ((first, second), (second, first)):
            if self._is_heard_beyond(one):
                self._overhear(other)

    def receive_unbridged(self, leg: int) -> None:
        """A leg and whoever it was bridged to are on their own."""
        peer = self._peers.pop(leg, None)
        if peer is not None:
            del self._peers[peer]

    def receive_closed(self, leg: int) -> None:
        """A leg is gone, and with it all that it heard and said."""
        self.receive_unbridged(leg)
        for hearer in list(self._routes):
            for source, beyond in list(self._routes[hearer]):
                if leg in (hearer, source):
                    self._drop(hearer, source, beyond)

    def _add(self, hearer: int, source: int, beyond: int) -> None:
        to, heard = self._leg(hearer), self._leg(source)
        routes = self._routes.setdefault(hearer, set())
        if (source, beyond) not in routes:
            routes.add((source, beyond))
            heard.listeners += 1
        self._tap(heard)
        if beyond and source in self._peers:
            self._overhear(self._peers[source])
        self._order(hearer, v.FEED)
        self._order_worker(to, v.ROUTE, heard.slot, heard.generation, beyond)

    def _drop(self, hearer: int, source: int, beyond: int) -> None:
        routes = self._routes[hearer]
        routes.discard((source, beyond))
        if not routes:
            del self._routes[hearer]
        heard = self._legs.get(source)
        if heard is not None:
            heard.listeners -= 1
            if not heard.closed:
                self._tap(heard)
        to = self._legs.get(hearer)
        if to is not None and not to.closed and heard is not None:
            self._order_worker(to, v.UNROUTE, heard.slot)

    def _is_heard_beyond(self, leg: int) -> bool:
        return any((leg, 1) in routes for routes in self._routes.values())

    def _overhear(self, leg: int) -> None:
        entry = self._leg(leg)
        entry.overheard = True
        self._tap(entry)
