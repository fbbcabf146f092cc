"""How a campaign is paced: dials for each agent, how long agents wait, how fast live calls come. A pure machine.

It looks at the campaign about twice a second and reckons over the last quarter of an hour. What an agent who becomes
ready now will have to wait is what the pacing's own answer rate says: (agents ready + 1) / (dials a second x P(a dial
needs an agent)), for the longest waiting is served first. What they did wait is the time that agents were ready in the
window, for each conversation that was begun in it.
"""

from collections import deque
from dataclasses import dataclass

SPAN_S = 900.0
STEP_S = 5.0
LEAST_S = 120.0
"""A shorter look back says nothing."""


@dataclass(frozen=True, slots=True)
class Look:
    """A campaign at one moment. Counts are those of the day."""

    dials: int
    live: int
    """Live calls that got an agent."""
    missed: float
    """Those that did not, with what is estimated of the detector's errors."""
    on_their_way: int
    """Calls that are dialled and not answered."""
    ready: int
    """Its agents who wait."""
    at_work: int
    """Its agents who are logged in and not on a pause."""
    answers: float
    """P(a dial needs an agent), as the pacing has learnt it; 0: it does not know."""
    dialling: bool


@dataclass(slots=True)
class _Point:
    at: float
    dials: int
    live: int
    missed: float
    dialling_s: float
    """These four and the next grow with the day."""
    on_their_way_s: float
    ready_s: float
    at_work_s: float


class PacingFigures:
    """Each figure is None until it is known."""

    def __init__(self) -> None:
        self._points: deque[_Point] = deque()
        self._last: tuple[float, Look] | None = None
        self._sums = [0.0, 0.0, 0.0, 0.0]

    def receive(self, look: Look, now: float) -> None:
        if self._last is not None:
            before, seen = self._last
            if look.dials < seen.dials:  # midnight: counts begin anew
                self._points.clear()
            step_s = min(max(0.0, now - before), STEP_S) * seen.dialling
            for n, value in enumerate((1, seen.on_their_way, seen.ready, seen.at_work)):
                self._sums[n] += value * step_s
        self._last = now, look
        if not self._points or now - self._points[-1].at >= STEP_S:
            self._points.append(_Point(now, look.dials, look.live, look.missed, *self._sums))
        while len(self._points) > 1 and now - self._points[1].at >= SPAN_S:
            self._points.popleft()

    @property
    def dials_per_agent(self) -> float | None:
        """Calls on their way for each agent at work, in the mean."""
        since = self._since()
        at_work_s = self._sums[3] - since.at_work_s if since else 0.0
        return (self._sums[1] - since.on_their_way_s) / at_work_s if since and at_work_s > 0 else None

    @property
    def idle_s(self) -> float | None:
        """How long an agent waited for each conversation, in the mean."""
        since, last = self._since(), self._last
        if since is None or last is None or last[1].live <= since.live:
            return None
        return (self._sums[2] - since.ready_s) / (last[1].live - since.live)

    @property
    def expected_idle_s(self) -> float | None:
        """How long an agent who becomes ready now will wait."""
        since, last = self._since(), self._last
        if since is None or last is None:
            return None
        a_second = (last[1].dials - since.dials) / (self._sums[0] - since.dialling_s) * last[1].answers
        return (last[1].ready + 1) / a_second if a_second > 0 else None

    @property
    def live_per_s(self) -> float | None:
        """Live calls a second of dialling, missed ones among them."""
        since, last = self._since(), self._last
        if since is None or last is None:
            return None
        came = last[1].live + last[1].missed - since.live - since.missed
        return max(0.0, came) / (self._sums[0] - since.dialling_s)

    def _since(self) -> _Point | None:
        """Where the look back begins, if it is long enough."""
        first = self._points[0] if self._points else None
        return first if first is not None and self._sums[0] - first.dialling_s >= LEAST_S else None
