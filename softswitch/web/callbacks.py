"""Callbacks over REST: an agent promises one in a call, a supervisor for a lead; who sees what was kept and missed."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from softswitch.dialler.callbacks import CameTo
from softswitch.safeguards.campaign_views import CallbackView
from softswitch.web.accounts import Account, Role
from softswitch.web.answers import carry_out
from softswitch.web.roles import only, own_agent
from softswitch.web.room import Room
from softswitch.web.schemas import Name, Problem

OwnAgent = Annotated[str, Depends(own_agent)]
Watcher = Annotated[Account, Depends(only(Role.SUPERVISOR, Role.ADMINISTRATOR))]
Reader = Annotated[Account, Depends(only(Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR))]
Moment = Annotated[
    datetime,
    Field(description="With a zone, or without one: what the callee's clock shows.", examples=["2026-11-24T10:30"]),
]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_OTHERS = ["DELETE", "HEAD", "OPTIONS", "PATCH", "PUT", "TRACE"]
_REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "No such name"},
    409: {"model": Problem, "description": "Not then, or not for this call; the text says what to do"},
}


class Promise(BaseModel):
    """A callback that an agent promises in a call, or in its wrap-up."""

    model_config = ConfigDict(extra="forbid")

    call_ref: Reference
    at: Moment
    mine: bool = False
    """True: the same agent makes it, as long as the campaign's grace allows; else anybody."""


class Appointment(BaseModel):
    """A callback for a lead that is in no call."""

    model_config = ConfigDict(extra="forbid")

    lead_ref: Reference
    at: Moment
    agent: Annotated[str, StringConstraints(max_length=64)] = ""
    """Who makes it; empty: anybody."""


class Promised(BaseModel):
    """When the callee is called, UTC."""

    due_at: datetime


def add_callbacks(router: APIRouter, room: Room) -> None:
    control = room.control

    @router.post("/agents/{agent}/callback", tags=["agents"], responses=_REFUSED)
    async def promise(agent: OwnAgent, promise: Promise) -> Promised:
        """Promise the callee of a call of this agent's another one, at a moment at which that is allowed."""
        desk = room.desk_of_call(agent, promise.call_ref)
        return Promised(due_at=await carry_out(desk.call_back(agent, promise.call_ref, promise.at, mine=promise.mine)))

    @router.get("/campaigns/{name}/callbacks", tags=["campaigns"], responses=_REFUSED)
    async def callbacks(
        name: Name, _: Reader, came_to: CameTo = CameTo.OPEN, limit: Annotated[int, Query(ge=1, le=500)] = 100
    ) -> list[CallbackView]:
        """Promises that are open, or what others of the last month came to, the earliest first."""
        return await carry_out(control.callbacks(name, came_to.value, limit))

    @router.post("/campaigns/{name}/callbacks", status_code=201, tags=["campaigns"], responses=_REFUSED)
    async def appoint_callback(name: Name, wanted: Appointment, account: Watcher) -> Promised:
        """Promise one for a lead; one that stands is replaced."""
        work = control.promise_callback(name, wanted.lead_ref, wanted.at, wanted.agent, account.name)
        return Promised(due_at=await carry_out(work))

    @router.api_route("/campaigns/{name}/callbacks", methods=_OTHERS, include_in_schema=False)
    async def neither_of_both() -> None:
        """Two handlers on one path: left alone, the router would name the first one's method as all there is."""
        raise HTTPException(405, "Method Not Allowed", {"allow": "GET, POST"})

    @router.delete("/campaigns/{name}/callbacks/{lead_ref}", status_code=204, tags=["campaigns"], responses=_REFUSED)
    async def cancel_callback(name: Name, lead_ref: Name, _: Watcher) -> None:
        """Take it back; the lead is tried like any other."""
        await carry_out(control.cancel_callback(name, lead_ref))
