"""What stands in the switch's place behind an agent's page during a practice call.

It has the practice call and nothing else: no switch, no line, no lead. What a page could ask of a real call that is not
here is refused, so there is nothing in it that could reach anybody.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from softswitch.dialler.attempt import AGENT_DISPOSITIONS, Disposition
from softswitch.errors import UsageError
from softswitch.safeguards.agent_page import AgentPageView, InterviewView, interview_view
from softswitch.safeguards.visibility import AgentCallView
from softswitch.survey.answers import Given
from softswitch.survey.questionnaire import Ending
from softswitch.training.adherence import Adherence
from softswitch.training.drill import Drill, DrillState

CODE = "training"
WRAP_UP_S = 60.0
"""Shown as the time that is left; a practice call waits longer."""
NOT_HERE = "this is a practice call: there is nobody at the other end"


class TrainingDesk:
    """Part of `SwitchControl`, as far as an agent's page asks it in a call."""

    def __init__(self, drill: Drill, campaign: str, clock: Callable[[], float]) -> None:
        self.drill = drill
        self.campaign = campaign
        self.adherence: Adherence | None = None
        """Once the call is over."""
        self._clock = clock

    def agent_page(self, agent: str) -> AgentPageView:
        drill, now = self.drill, self._clock()
        over = drill.state is DrillState.OVER
        since_s = now - drill.state_since
        call = None if over else AgentCallView(drill.drill_ref, self.campaign, {})
        return AgentPageView(
            agent=agent,
            state="paused" if over else drill.state.value,
            code=CODE if over else "",
            since_s=since_s,
            wrap_up_left_s=max(0.0, WRAP_UP_S - since_s) if drill.state is DrillState.WRAP_UP else 0.0,
            pause_wanted=False,
            calls=0,
            is_line_up=False,
            has_phone=False,
            headset_test_due=False,
            pause_codes=(),
            call_ref="" if over else drill.drill_ref,
            call=call,
            has_script=True,
            disposition=drill.outcome if drill.state is DrillState.WRAP_UP else "",
        )

    def interview(self, agent: str) -> InterviewView | None:
        return None if self.drill.state is DrillState.OVER else interview_view(self.drill.interview, self._clock())

    async def answer(self, agent: str, node: str, given: Given) -> None:
        self.drill.receive_answer(node, given, self._clock())

    async def go_back(self, agent: str) -> None:
        self.drill.receive_back(self._clock())

    async def end_interview(self, agent: str, ending: Ending) -> None:
        if ending not in (Ending.REFUSED, Ending.BROKEN_OFF):
            raise UsageError("this is said otherwise")
        self.drill.receive_ending(ending, self._clock())

    async def opt_out(self, agent: str) -> None:
        """Of the practice call alone: nobody is taken off any list."""
        self.drill.receive_ending(Ending.OPTED_OUT, self._clock())

    async def call_back(self, agent: str, call_ref: str, when: datetime, *, mine: bool) -> datetime:
        """Nothing is promised to anybody; the moment is the one that was given."""
        if when.replace(tzinfo=None) < datetime.now() - timedelta(days=1):
            raise UsageError("this moment is over")
        self.drill.receive_ending(Ending.APPOINTMENT, self._clock())
        return when

    async def end_call(self, agent: str) -> None:
        self.drill.receive_call_ended(self._clock())

    async def dispose(self, agent: str, call_ref: str, disposition: Disposition) -> None:
        if call_ref != self.drill.drill_ref or disposition not in AGENT_DISPOSITIONS:
            raise UsageError("this is not the practice call")
        self.drill.receive_outcome(disposition.value)

    def __getattr__(self, name: str) -> Any:
        """Whatever else a page may ask of the switch."""
        if name.startswith("_"):
            raise AttributeError(name)
        raise UsageError(NOT_HERE)
