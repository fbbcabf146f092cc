"""Which ports are free: a stock of legs whose ports are bound already, so that opening one never waits and never fails.

Slots are used in turn, so that a port rests as long as possible before it serves another call.
"""

import secrets
from collections import deque
from collections.abc import Callable

from softswitch.media import vocabulary as v

STOCK = 32
BUSY_REST_S = 10.0
"""A port that another program holds is tried again after so long."""


class SlotStock:
    """Slots free, being bound, bound and waiting, in use, and resting. `order` sends one command to the relay."""

    def __init__(self, slots: int, order: Callable[..., None]) -> None:
        self._order = order
        self._free = deque(range(slots))
        self._opening: set[int] = set()
        self._bound: deque[int] = deque()
        self._busy: deque[tuple[float, int]] = deque()
        self.generations = [0] * slots

    @property
    def is_settled(self) -> bool:
        """Nothing is being bound: what the stock holds is what there is."""
        return not self._opening

    def refill(self, now: float) -> None:
        """Have more ports bound, up to the stock."""
        while self._busy and self._busy[0][0] <= now:
            self._free.append(self._busy.popleft()[1])
        while self._free and len(self._bound) + len(self._opening) < STOCK:
            slot = self._free.popleft()
            self._opening.add(slot)
            self.generations[slot] += 1
            # RFC 3550 §5.1: SSRC, first timestamp and first sequence number are unguessable
            self._order(v.OPEN, slot, secrets.randbits(32), secrets.randbits(32), secrets.randbits(16))

    def receive_bound(self, slot: int) -> None:
        self._opening.discard(slot)
        self._bound.append(slot)

    def receive_busy(self, slot: int, now: float) -> None:
        self._opening.discard(slot)
        self._busy.append((now + BUSY_REST_S, slot))

    def receive_closed(self, slot: int) -> None:
        self._free.append(slot)

    def take(self) -> int | None:
        """A slot whose port is bound, or None."""
        return self._bound.popleft() if self._bound else None
