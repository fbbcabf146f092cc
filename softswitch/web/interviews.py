"""Interviews over REST: what the agent's page does, for the agent's own calls; for supervisors how far they are."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from softswitch.safeguards.agent_page import AgentPageView, InterviewFigures, InterviewView
from softswitch.survey.questionnaire import Ending
from softswitch.survey.quotas import CellFigures
from softswitch.web.accounts import Account, Role
from softswitch.web.answers import carry_out
from softswitch.web.control import SwitchControl
from softswitch.web.roles import only, own_agent
from softswitch.web.room import Room
from softswitch.web.schemas import Name, Problem

OwnAgent = Annotated[str, Depends(own_agent)]
Watcher = Annotated[Account, Depends(only(Role.SUPERVISOR, Role.ADMINISTRATOR))]
Word = Annotated[str, StringConstraints(max_length=500)]
_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "No such name"}}
_REFUSED = {**_UNKNOWN, 409: {"model": Problem, "description": "Not so, or not now; the text says what to do"}}


class GivenAnswer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    node: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """The node that is answered: the present one."""
    answer: Word | int | float | Annotated[list[Word], Field(max_length=60)] | None = None
    """A choice's id or a text; a number; ids of several choices; null to a statement or an end. "dont_know" or
    "refused" where the node takes them."""


class Digit(BaseModel):
    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, StringConstraints(pattern=r"^[0-9*#A-D]$")]


def add_interviews(router: APIRouter, room: Room) -> None:
    control = room.control

    def desk_of(agent: str) -> SwitchControl:
        try:
            return room.desk_of(agent)
        except KeyError:
            raise HTTPException(404, "There is no such agent.") from None

    def now_of(agent: str) -> InterviewView:
        view = room.desk_of(agent).interview(agent)
        if view is None:
            raise HTTPException(409, "There is no interview now.")
        return view

    @router.get("/agents/{agent}/page", tags=["interviews"], responses=_UNKNOWN)
    async def agent_page(agent: OwnAgent) -> AgentPageView:
        """The agent's state, and the call by its reference."""
        try:
            return room.desk_of(agent).agent_page(agent)
        except KeyError:
            raise HTTPException(404, "There is no such agent.") from None

    @router.get("/agents/{agent}/interview", tags=["interviews"], responses=_UNKNOWN)
    async def interview(agent: OwnAgent) -> InterviewView | None:
        """The present node of the agent's interview; null where there is none."""
        try:
            return room.desk_of(agent).interview(agent)
        except KeyError:
            raise HTTPException(404, "There is no such agent.") from None

    @router.post("/agents/{agent}/interview/answer", tags=["interviews"], responses=_REFUSED)
    async def answer(agent: OwnAgent, given: GivenAnswer) -> InterviewView:
        """Answer the present node, and go on to the next. What looks like a telephone number, an address or an account
        is refused."""
        await carry_out(desk_of(agent).answer(agent, given.node, given.answer))
        return now_of(agent)

    @router.post("/agents/{agent}/interview/back", tags=["interviews"], responses=_REFUSED)
    async def go_back(agent: OwnAgent) -> InterviewView:
        await carry_out(desk_of(agent).go_back(agent))
        return now_of(agent)

    @router.post("/agents/{agent}/interview/{ending}", tags=["interviews"], responses=_REFUSED)
    async def end_interview(agent: OwnAgent, ending: Literal["refused", "broken_off"]) -> InterviewView:
        """The callee does not wish to take part, or to go on."""
        await carry_out(desk_of(agent).end_interview(agent, Ending(ending)))
        return now_of(agent)

    @router.post("/agents/{agent}/opt-out", status_code=204, tags=["interviews"], responses=_REFUSED)
    async def opt_out(agent: OwnAgent) -> None:
        """The callee wishes never to be called again: in force at once, for every campaign."""
        await carry_out(desk_of(agent).opt_out(agent))

    @router.post("/agents/{agent}/hangup", status_code=204, tags=["interviews"], responses=_REFUSED)
    async def end_call(agent: OwnAgent) -> None:
        """End the agent's call, once its interview has come to an end."""
        await carry_out(desk_of(agent).end_call(agent))

    @router.post("/agents/{agent}/digit", status_code=204, tags=["interviews"], responses=_REFUSED)
    async def send_digit(agent: OwnAgent, digit: Digit) -> None:
        """Press a key towards the callee, at a node that allows it."""
        await carry_out(desk_of(agent).send_digit(agent, digit.key))

    @router.post("/agents/{agent}/headset-test", status_code=204, tags=["headsets"], responses=_REFUSED)
    async def play_test_tone(agent: OwnAgent) -> None:
        """Play a tone to the agent's phone or headset."""
        await carry_out(control.play_test_tone(agent))

    @router.post("/agents/{agent}/headset-test/passed", status_code=204, tags=["headsets"], responses=_REFUSED)
    async def pass_headset_test(agent: OwnAgent) -> None:
        """The agent has heard the tone and seen the own voice."""
        await carry_out(control.pass_headset_test(agent))

    @router.get("/interviews", tags=["interviews"])
    async def interviews(_: Watcher) -> list[InterviewFigures]:
        """Where each interview is, and alerts; no answers."""
        return list(control.interviews())

    @router.get("/campaigns/{name}/quotas", tags=["interviews"], responses=_UNKNOWN)
    async def quotas(name: Name, _: Watcher) -> list[CellFigures]:
        """How full each cell is."""
        try:
            return list(control.quotas(name))
        except KeyError:
            raise HTTPException(404, "There is no such campaign, or it has no quotas.") from None
