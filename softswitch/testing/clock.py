"""A clock that waits for nobody: it jumps to the next moment at which something is due."""

import heapq
from collections.abc import Callable
from typing import Protocol


class Timed(Protocol):
    """Anything that has deadlines: every pure machine, and the wire between machines."""

    def next_timer(self) -> float | None: ...
    def handle_timer(self, now: float) -> None: ...


class Clock:
    """Virtual monotonic seconds for tests.

    Things that are due are attached once, in any order; `run` and `advance` then jump from deadline to deadline. Those
    that are due at the same moment are served in the order in which they were attached, so that a run can be repeated.

        clock = Clock()
        clock.attach(wire)
        clock.call_at(3.0, lambda: pool.hang_up("leg", clock.now))
        clock.run(until=60.0)
    """

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self._attached: list[Timed] = []
        self._calls: list[tuple[float, int, Callable[[], object]]] = []
        self._serial = 0

    def attach(self, timed: Timed) -> None:
        """Serve this machine's deadlines from now on."""
        self._attached.append(timed)

    def detach(self, timed: Timed) -> None:
        """Serve it no more: it has died."""
        self._attached.remove(timed)

    def call_at(self, at: float, call: Callable[[], object]) -> None:
        """Call once, when the clock comes to `at` (never before the present)."""
        self._serial += 1
        heapq.heappush(self._calls, (max(at, self.now), self._serial, call))

    def next_deadline(self) -> float | None:
        """The earliest moment at which something is due, or None when all is idle."""
        deadlines = [at for timed in self._attached if (at := timed.next_timer()) is not None]
        if self._calls:
            deadlines.append(self._calls[0][0])
        return min(deadlines, default=None)

    def advance(self, seconds: float) -> None:
        """Let this much time pass, serving every deadline on the way."""
        self.run(until=self.now + seconds)

    def run(self, until: float | None = None, *, steps: int = 1_000_000) -> None:
        """Jump from deadline to deadline until all is idle, or until the given moment, at which the clock then stands.

        steps: a machine whose deadline never moves forward would run for ever; after so many jumps it is an error.
        """
        for _ in range(steps):
            at = self.next_deadline()
            if at is None or (until is not None and at > until):
                self.now = self.now if until is None else max(self.now, until)
                return
            self.now = max(self.now, at)
            while self._calls and self._calls[0][0] <= self.now:
                heapq.heappop(self._calls)[2]()
            for timed in self._attached:
                due = timed.next_timer()
                if due is not None and due <= self.now:
                    timed.handle_timer(self.now)
        raise AssertionError(f"still busy after {steps} jumps of the clock, at {self.now}")
