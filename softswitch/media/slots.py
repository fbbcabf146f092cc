"""Which ports are free: a stock of legs whose ports are bound already, so that opening one never waits and never fails.

Slots are used in turn, so that a port rests as long as possible before it serves another call. What is done with each
slot stands in its lease, from which another signalling process takes the stock up.
"""

import secrets
from collections import deque
from collections.abc import Callable

import numpy as np

from softswitch.media import vocabulary as v
from softswitch.media.layout import Array

STOCK = 32
BUSY_REST_S = 10.0
"""A port that another program holds is tried again after so long."""


class SlotStock:
    """Slots free, being bound, bound and waiting, in use, and resting. `order` sends one command to the relay."""

    def __init__(self, leases: Array, order: Callable[..., None]) -> None:
        """leases: (slots,) LEASE."""
        self.leases = leases
        self._order = order
        self._free = deque(range(leases.size))
        self._opening: set[int] = set()
        self._bound: deque[int] = deque()
        self._busy: deque[tuple[float, int]] = deque()

    @property
    def is_settled(self) -> bool:
        """Nothing is being bound: what the stock holds is what there is."""
        return not self._opening

    def generation_of(self, slot: int) -> int:
        return int(self.leases[slot]["generation"])

    def take_up(self, legs: Array) -> None:
        """Go on where a signalling process that is gone left off.  legs: (slots,) LEG."""
        self._free.clear()
        for each in np.argsort(self.leases["generation"], kind="stable"):
            slot = int(each)
            state = self.leases[slot]["state"]
            if state == v.FREE:
                self._free.append(slot)
            elif state == v.ORDERED:
                self._opening.add(slot)
        self.repeat(legs)

    def repeat(self, legs: Array) -> None:
        """Who died may not have sent the last order, or not have carried it out, or not have reported it: settle what
        is bound, and order the rest again. A port that is bound is not bound twice.  legs: (slots,) LEG."""
        for slot in sorted(self._opening, key=self.generation_of):
            if legs[slot]["state"] == v.BOUND and legs[slot]["generation"] == self.generation_of(slot):
                self.receive_bound(slot)
            else:
                self._order_open(slot)

    def refill(self, now: float) -> None:
        """Have more ports bound, up to the stock."""
        while self._busy and self._busy[0][0] <= now:
            self._free.append(self._busy.popleft()[1])
        while self._free and len(self._bound) + len(self._opening) < STOCK:
            slot = self._free.popleft()
            self._opening.add(slot)
            lease = self.leases[slot]
            lease["generation"] += 1
            lease["recorded"] = lease["under_amd"] = lease["secure"] = 0
            lease["state"] = v.ORDERED
            self._order_open(slot)

    def _order_open(self, slot: int) -> None:
        # RFC 3550 §5.1: SSRC, first timestamp and first sequence number are unguessable. The sequence begins in its
        # lower half, so that an SRTP receiver who misses the first packets cannot miss a wrap (RFC 3711 §3.3.1).
        self._order(v.OPEN, slot, *[secrets.randbits(bits) for bits in (32, 32, 15, 63, 63)])

    def receive_bound(self, slot: int) -> None:
        if slot in self._opening:
            self._opening.remove(slot)
            self._bound.append(slot)

    def receive_busy(self, slot: int, now: float) -> None:
        if slot in self._opening:
            self._opening.remove(slot)
            self.leases[slot]["state"] = v.FREE
            self._busy.append((now + BUSY_REST_S, slot))

    def receive_closed(self, slot: int) -> None:
        self.leases[slot]["state"] = v.FREE
        self._free.append(slot)

    def take(self) -> int | None:
        """A slot whose port is bound, or None."""
        if not self._bound:
            return None
        slot = self._bound.popleft()
        self.leases[slot]["state"] = v.TAKEN
        return slot
