"""Whether the media plane keeps up: a pure machine that is told how long, altogether, it has been behind.

Two seconds of which it was behind for half or more are an overload; it is over once five seconds have gone by in which
it was hardly behind at all. One hitch of the machine is none, however long.
"""

from collections import deque
from itertools import pairwise

SPAN_S = 2.0
"""What is judged at once."""
FEWEST_TIMES = 3
"""That it was behind: a machine that stood still is behind once."""
OVERLOADED_SHARE = 0.5
CALM_SHARE = 0.05
CALM_S = 5.0


class MediaLoad:
    """Asked at each look, twenty times a second."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, float]] = deque()
        """When, and how long it had been behind by then."""
        self._busy_at: float | None = None
        """When it was last more than hardly behind, since it was overloaded."""

    def look(self, behind_s: float, now: float) -> str:
        """A plain reason why no call may be begun, or empty.

        behind_s: for how long the plane has been behind since its start. A smaller one than before is a new plane's.
        """
        if self._looks and behind_s < self._looks[-1][1]:
            self._looks.clear()
        self._looks.append((now, behind_s))
        while len(self._looks) > 1 and self._looks[1][0] <= now - SPAN_S:
            self._looks.popleft()
        share = min(behind_s - self._looks[0][1], SPAN_S) / SPAN_S
        times = sum(later[1] > earlier[1] for earlier, later in pairwise(self._looks))
        if (share >= OVERLOADED_SHARE and times >= FEWEST_TIMES) or (self._busy_at is not None and share > CALM_SHARE):
            self._busy_at = now
        elif self._busy_at is not None and now - self._busy_at >= CALM_S:
            self._busy_at = None
        if self._busy_at is None:
            return ""
        return "the media process does not keep up with the calls: recordings may lack audio until some have ended"
