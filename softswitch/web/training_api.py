"""Practice calls over REST: what the agent's page does, and what a teacher sees of it.

The interview itself goes by the endpoints of every interview (`/api/agents/{agent}/interview`...): during a practice
call they are about that.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, StringConstraints

from softswitch.errors import UsageError
from softswitch.store.training import TrainingResult
from softswitch.training.scenarios import SCENARIOS
from softswitch.web.accounts import Account, Role
from softswitch.web.answers import carry_out
from softswitch.web.roles import account_of, only, own_agent
from softswitch.web.room import Room
from softswitch.web.schemas import Name, Problem
from softswitch.web.training import PracticeView
from softswitch.web.training_desk import TrainingDesk

OwnAgent = Annotated[str, Depends(own_agent)]
Watcher = Annotated[Account, Depends(only(Role.SUPERVISOR, Role.ADMINISTRATOR))]
Listener = Annotated[Account, Depends(only(Role.AGENT, Role.SUPERVISOR, Role.ADMINISTRATOR))]
Short = Annotated[str, StringConstraints(max_length=64)]
_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "No such name"}}
_REFUSED = {**_UNKNOWN, 409: {"model": Problem, "description": "Not so, or not now; the text says what to do"}}


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")

    campaign: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """Whose script is practised."""
    scenario: Short = ""
    """Which callee; empty: the next one. For teachers alone: an agent is not told who will answer."""


class ScenarioView(BaseModel):
    name: str
    title: str
    outcome: str
    """What a call with such a callee ought to come to."""


def add_training(router: APIRouter, room: Room) -> None:
    training = room.training

    @router.get("/training/scenarios", tags=["training"])
    async def scenarios(_: Watcher) -> list[ScenarioView]:
        """The kinds of callees to practise with."""
        return [ScenarioView(name=each.name, title=each.title, outcome=each.outcome) for each in SCENARIOS]

    @router.get("/training/results", tags=["training"])
    async def results(
        _: Watcher,
        agent: Annotated[str, Query(max_length=64)] = "",
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
    ) -> list[TrainingResult]:
        """What practice calls were worth, newest first."""
        return await training.book.results(agent, limit)

    @router.get("/training/voices/{clip}", tags=["training"], responses=_UNKNOWN, response_class=FileResponse)
    async def voice(clip: Name, _: Listener) -> FileResponse:
        """What a callee says, 8 kHz WAV."""
        path = training.voice(clip)
        if path is None:
            raise HTTPException(404, "There is no such voice.")
        return FileResponse(path, media_type="audio/wav")

    @router.post("/agents/{agent}/training", tags=["training"], responses=_REFUSED)
    async def begin(agent: OwnAgent, wish: Wish, account: Annotated[Account, Depends(account_of)]) -> PracticeView:
        """Begin a practice call. Nobody is called; the agent must be offline or on a pause."""
        if wish.scenario and account.role is Role.AGENT:
            raise HTTPException(403, "Who will answer is for your teacher to choose.")
        return training.view(await carry_out(_begun(room, agent, wish)))

    @router.get("/agents/{agent}/training", tags=["training"], responses=_UNKNOWN)
    async def practice(agent: OwnAgent) -> PracticeView | None:
        """The agent's practice call; null where there is none."""
        try:
            desk = training.desk_of(room.control, agent)
        except KeyError:
            raise HTTPException(404, "There is no such agent.") from None
        return None if desk is None else training.view(desk)

    @router.post("/agents/{agent}/training/finish", tags=["training"], responses=_REFUSED)
    async def finish(agent: OwnAgent) -> TrainingResult:
        """The wrap-up is over: what the practice call was worth."""
        return await carry_out(training.finish(agent))

    @router.delete("/agents/{agent}/training", status_code=204, tags=["training"])
    async def leave_training(agent: OwnAgent) -> None:
        """Stop practising. A practice call that was not finished is not kept."""
        training.leave(agent)

    @router.api_route(
        "/agents/{agent}/training", methods=["HEAD", "OPTIONS", "PATCH", "PUT", "TRACE"], include_in_schema=False
    )
    async def none_of_these(agent: str) -> None:
        """Several handlers on one path: left alone, the router would name the first one's method as all there is."""
        raise HTTPException(405, "Method Not Allowed", {"allow": "DELETE, GET, POST"})


async def _begun(room: Room, agent: str, wish: Wish) -> TrainingDesk:
    if not room.training.scripts:
        raise UsageError("no campaign of this site has a script to practise")
    return room.training.begin(room.control, agent, wish.campaign, wish.scenario)
