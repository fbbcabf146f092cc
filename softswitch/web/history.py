"""The last minutes as the wallboard's chart shows them. Pure: `now` is monotonic seconds."""

from collections import deque
from dataclasses import dataclass

from softswitch.dialler.agents import AgentState
from softswitch.safeguards.wallboard import WallboardView

STEP_S = 2.0
SPAN_S = 600.0


@dataclass(frozen=True, slots=True)
class Sample:
    at: float
    in_call: int
    """Agents who talk."""
    ready: int
    """Agents who wait."""
    ringing: int
    """Calls on their way out, over all campaigns."""


class History:
    """Samples of the last minutes, one a step."""

    def __init__(self, *, step_s: float = STEP_S, span_s: float = SPAN_S) -> None:
        self._step_s = step_s
        self._samples: deque[Sample] = deque(maxlen=int(span_s / step_s))

    def receive_view(self, view: WallboardView, now: float) -> None:
        """Take a sample when the last one is a step old."""
        if self._samples and now - self._samples[-1].at < self._step_s:
            return
        states = [agent.state for agent in view.agents]
        self._samples.append(
            Sample(
                at=now,
                in_call=states.count(AgentState.IN_CALL),
                ready=states.count(AgentState.READY),
                ringing=sum(campaign.ringing for campaign in view.campaigns),
            )
        )

    def samples(self) -> tuple[Sample, ...]:
        return tuple(self._samples)
