"""SIP's timers as settings (RFC 3261 table 4, RFC 6026 §8.7), and the heap in which a machine keeps its deadlines."""

import heapq
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar


@dataclass(frozen=True, slots=True)
class Timers:
    """T1, T2 and T4 in seconds; timers A to M follow from them, so that a test shortens three figures.

    Over a reliable transport nothing is sent twice and nothing has to be absorbed: D, I, J and K are zero.
    """

    t1: float = 0.5
    """Round-trip estimate."""
    t2: float = 4.0
    """Longest interval between copies of a request other than INVITE, and of a response to INVITE."""
    t4: float = 5.0
    """Longest time that a message stays in the network."""
    trying: float = 0.2
    """How long an INVITE may go without any response before 100 Trying is sent for it (§17.2.1)."""

    patience: float = field(init=False)
    """64*T1: timers B, F, H, L and M, and the wait for an ACK or for the answer to a cancelled INVITE."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "patience", 64 * self.t1)

    def d(self, reliable: bool) -> float:
        """How long copies of a failure response are acknowledged; 32 s at the default T1 (§17.1.1.2)."""
        return 0.0 if reliable else self.patience

    def i(self, reliable: bool) -> float:
        """How long copies of an ACK are absorbed."""
        return 0.0 if reliable else self.t4

    def j(self, reliable: bool) -> float:
        """How long copies of a request other than INVITE are answered again."""
        return 0.0 if reliable else self.patience

    def k(self, reliable: bool) -> float:
        """How long copies of a response are absorbed."""
        return 0.0 if reliable else self.t4


K = TypeVar("K", bound=Hashable)


class Deadlines(Generic[K]):
    """One deadline for each key; the earliest is found in constant time.

    Each key with a deadline has an entry in the heap that is not later. Most deadlines are moved back or removed before
    they come: their entries stay until they reach the top, and only there it is seen what has become of them.
    """

    __slots__ = ("_at", "_heap", "_serial")

    def __init__(self) -> None:
        self._at: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._serial = 0

    def set(self, key: K, at: float | None) -> None:
        """Move the deadline of `key` to `at`; None removes it."""
        if at is None:
            self._at.pop(key, None)
            return
        known = self._at.get(key)
        self._at[key] = at
        if known is None or at < known:
            self._serial += 1
            heapq.heappush(self._heap, (at, self._serial, key))

    def next(self) -> float | None:
        """The earliest deadline, or None."""
        while self._heap:
            entered, _, key = self._heap[0]
            at = self._at.get(key)
            if at is None:
                heapq.heappop(self._heap)
            elif at > entered:
                self._serial += 1
                heapq.heapreplace(self._heap, (at, self._serial, key))
            else:
                return at
        return None

    def due(self, now: float) -> list[K]:
        """Take out every key whose deadline is not after `now`, earliest first."""
        keys: list[K] = []
        while (at := self.next()) is not None and at <= now:
            key = heapq.heappop(self._heap)[2]
            del self._at[key]
            keys.append(key)
        return keys

    def __len__(self) -> int:
        return len(self._at)
