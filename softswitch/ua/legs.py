"""The pool's book of legs: whose a transaction, a dialog or a channel is, and when a leg may be forgotten."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from softswitch.calls.events import CallEnded, CallFailed, TransferAsked
from softswitch.calls.leg import Leg
from softswitch.calls.line import Phase
from softswitch.sip.layer import Transaction
from softswitch.sip.message_ring import CallNames
from softswitch.sip.timers import Deadlines
from softswitch.ua.accounts import Carrier
from softswitch.ua.lines import PhoneLine


class LegBook:
    """Every leg from its INVITE until nothing more can come for it. Their events go to `events`."""

    def __init__(self, events: deque[Any]) -> None:
        self.owners: dict[Transaction, Leg] = {}
        """Whose a transaction is, from its first message to its last timer."""
        self.withholds: Callable[[Any], bool] | None = None
        """Asked about the events of calls; what is withheld does not come up, and a channel stays taken."""
        self.on_settled: Callable[[str], None] | None = None
        """Told of every leg that may have changed, for those who keep snapshots."""
        self.names: CallNames | None = None
        """Told which Call-IDs a leg has, where calls are traced."""
        self._events = events
        self._aside: set[str] = set()
        self._lines: dict[Leg, PhoneLine] = {}
        self._legs: dict[str, Leg] = {}
        self._dialogs: dict[tuple[str, str], Leg] = {}
        self._carriers: dict[str, Carrier] = {}
        self._deadlines: Deadlines[str] = Deadlines()

    def adopt(self, leg: Leg, line: PhoneLine, carrier: Carrier | None = None) -> None:
        """Enter a leg; with a carrier it takes up one of its channels until it is over."""
        line.leg = leg
        line.owners = self.owners
        self._lines[leg] = line
        self._legs[leg.leg_id] = leg
        self._dialogs[leg.call_id, leg.local_tag] = leg
        if self.names is not None:
            self.names.receive_leg(leg.leg_id, leg.call_id)
        if carrier is not None:
            carrier.occupy(leg.leg_id)
            self._carriers[leg.leg_id] = carrier

    def settle(self, leg: Leg) -> None:
        """After any mutation: take the leg's events, re-arm its timer, and forget it once nothing more can come."""
        while leg.events:
            event = leg.events.popleft()
            if self._aside and leg.leg_id in self._aside:
                continue
            if self.withholds is not None and self.withholds(event):
                continue
            if isinstance(event, CallEnded | CallFailed):
                self.release(leg.leg_id)
            elif isinstance(event, TransferAsked) and (wished := leg.wished_replacement) is not None:
                replaced = self.of_dialog(wished.call_id, wished.to_tag)
                event = replace(event, replaces="" if replaced is None else replaced.leg_id)
            self._events.append(event)
        if leg.is_finished:
            line = self._lines.pop(leg, None)
            if line is not None:
                line.leg = None  # or the two would keep each other until the collector comes
            self._aside.discard(leg.leg_id)
            self._legs.pop(leg.leg_id, None)
            self._dialogs.pop((leg.call_id, leg.local_tag), None)
            if self.names is not None:
                self.names.receive_leg_over(leg.leg_id)
            self._deadlines.set(leg.leg_id, None)
        else:
            self._deadlines.set(leg.leg_id, leg.next_timer())
        if self.on_settled is not None:
            self.on_settled(leg.leg_id)

    def line_of(self, leg: Leg) -> PhoneLine | None:
        """Its way to the wire; None for a leg that is forgotten."""
        return self._lines.get(leg)

    def release(self, leg_id: str) -> None:
        """Free the channel that a leg has taken up."""
        carrier = self._carriers.pop(leg_id, None)
        if carrier is not None:
            carrier.release(leg_id)

    def set_aside(self, leg_id: str, other_id: str) -> None:
        """A call goes on with another leg: the old one ends under another id, and nobody hears of it any more."""
        leg = self._legs.pop(leg_id, None)
        if leg is None:
            return
        self._deadlines.set(leg_id, None)
        leg.leg_id = other_id
        self._legs[other_id] = leg
        self._aside.add(other_id)
        self.settle(leg)

    def get(self, leg_id: str) -> Leg | None:
        return self._legs.get(leg_id)

    def of_dialog(self, call_id: str, local_tag: str) -> Leg | None:
        return self._dialogs.get((call_id, local_tag))

    def has_dialog(self, call_id: str, local_tag: str) -> bool:
        return (call_id, local_tag) in self._dialogs

    def ids(self) -> list[str]:
        return list(self._legs)

    @property
    def are_over(self) -> bool:
        """Whether every leg that is still known has ended."""
        return all(leg.phase is Phase.OVER for leg in self._legs.values())

    def handle_timer(self, now: float) -> None:
        for leg_id in self._deadlines.due(now):
            leg = self._legs[leg_id]
            leg.handle_timer(now)
            self.settle(leg)

    def next_timer(self) -> float | None:
        return self._deadlines.next()
