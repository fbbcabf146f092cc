"""What agents' pages ask of the small site: their state, their headset, the interview of a real script."""

from datetime import datetime

from small_floor import SmallFloor

from softswitch.dialler.agents import AgentState
from softswitch.errors import PeerError, UsageError
from softswitch.safeguards.agent_page import (
    AgentPageView,
    InterviewFigures,
    InterviewView,
    interview_figures,
    interview_view,
)
from softswitch.survey.interview import Interview
from softswitch.survey.questionnaire import Ending, Questionnaire
from softswitch.survey.quotas import CellFigures, QuotaBook


class SmallInterviews(SmallFloor):
    def __init__(self, agents: tuple[str, ...]) -> None:
        super().__init__(agents)
        self.led: dict[str, Interview] = {}
        """Interviews by agent."""
        self.headsets: dict[str, bytes] = {}
        """Offers, of supervisors too."""
        self.untested: set[str] = set()
        """Agents who must test their headset."""
        self.pages: list[str] = []
        self.tones: list[str] = []
        self.digits: list[str] = []
        self.opted_out: list[str] = []

    def begin_interview(self, call_ref: str, agent: str, script: Questionnaire, **fields: str) -> Interview:
        self.place_call(call_ref, agent, "in call")
        interview = Interview(script, call_ref, agent, fields, QuotaBook(script.cells), self.now)
        self.led[agent] = interview
        return interview

    def agent_page(self, agent: str) -> AgentPageView:
        state = self._known(agent)
        call = self.agent_call(agent)
        return AgentPageView(
            agent=agent,
            state=state.value,
            code=self.codes.get(agent, "") if state is AgentState.PAUSED else "",
            since_s=self.now - self.since[agent],
            wrap_up_left_s=max(0.0, 15.0 - (self.now - self.since[agent])) if state is AgentState.WRAP_UP else 0.0,
            pause_wanted=False,
            calls=len(self.attempts),
            is_line_up=agent in self.headsets or state is not AgentState.OFFLINE,
            has_phone=True,
            headset_test_due=agent in self.untested,
            pause_codes=("break", "lunch", "technical"),
            call_ref="" if call is None else call.call_ref,
            call=call,
            has_script=agent in self.led,
            disposition=self.noted.get(agent, ""),
            voice_dbov=self.voices.get(agent),
            ended=self.ends.get(agent, ""),
            unheard=self.unheard.get(agent, ""),
        )

    def interview(self, agent: str) -> InterviewView | None:
        self._known(agent)
        return interview_view(self.led[agent], self.now) if agent in self.led else None

    async def answer(self, agent: str, node: str, given: object) -> None:
        self._led(agent).receive_answer(node, given, self.now)

    async def go_back(self, agent: str) -> None:
        self._led(agent).receive_back(self.now)

    async def end_interview(self, agent: str, ending: Ending) -> None:
        self._led(agent).receive_ending(ending, self.now)

    async def call_back(self, agent: str, call_ref: str, when: datetime, *, mine: bool) -> datetime:
        self._known(agent)
        if call_ref not in {attempt.call_ref for attempt in self.attempts if attempt.agent == agent}:
            raise UsageError("That call is not this agent's.")
        moment = self._promise(f"lead-{call_ref}", when, agent if mine else "", agent)
        if agent in self.led and self.led[agent].ending is None:
            self.led[agent].receive_ending(Ending.APPOINTMENT, self.now)
        return moment

    async def opt_out(self, agent: str) -> None:
        self._led(agent).receive_ending(Ending.OPTED_OUT, self.now)
        self.opted_out.append(self._led(agent).call_ref)

    async def end_call(self, agent: str) -> None:
        if self._led(agent).ending is None:
            raise UsageError("the interview goes on")
        await self.hang_up(self._led(agent).call_ref)

    async def send_digit(self, agent: str, key: str) -> None:
        if not self._led(agent).node.dtmf:
            raise UsageError("no keys are sent here")
        self.digits.append(key)

    def agent_page_opened(self, agent: str) -> None:
        self.pages.append(agent)

    def agent_page_closed(self, agent: str) -> None:
        self.pages.remove(agent)

    async def play_test_tone(self, agent: str) -> None:
        if self._known(agent) is AgentState.OFFLINE:
            raise UsageError("the line is not up yet")
        self.tones.append(agent)

    async def pass_headset_test(self, agent: str) -> None:
        self._known(agent)
        self.untested.discard(agent)

    async def seat_agent_headset(self, agent: str, offer: bytes) -> bytes:
        self._known(agent)
        return self._seat(agent, offer)

    async def end_agent_headset(self, agent: str) -> None:
        self._known(agent)
        self.headsets.pop(agent, None)

    def _seat(self, name: str, offer: bytes) -> bytes:
        if not offer.startswith(b"v=0"):
            raise PeerError("a session description does not begin with v=0", 488)
        if b"m=audio" not in offer:
            raise UsageError("all media ports are in use; widen the range in [media]")
        self.headsets[name] = offer
        return b"v=0\r\nan answer"

    def interviews(self) -> tuple[InterviewFigures, ...]:
        return tuple(interview_figures(each, (), self.now) for each in self.led.values() if each.ending is None)

    def quotas(self, campaign: str) -> tuple[CellFigures, ...]:
        self._known_campaign(campaign)
        return (CellFigures("young", 100, 12, 3),)

    def _led(self, agent: str) -> Interview:
        self._known(agent)
        if agent not in self.led:
            raise UsageError("there is no interview now")
        return self.led[agent]
