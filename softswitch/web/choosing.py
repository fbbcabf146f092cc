"""Leads that an agent is shown first, and leads that an agent asks for by reference, over REST."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from softswitch.web.answers import carry_out
from softswitch.web.control import SwitchControl
from softswitch.web.roles import own_agent
from softswitch.web.schemas import Problem

OwnAgent = Annotated[str, Depends(own_agent)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=64)]
_REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "No such name"},
    409: {"model": Problem, "description": "Not now; the text says what to do"},
}


class Shown(BaseModel):
    """The lead that the agent is shown, as GET /api/agents/{agent}/call names it."""

    model_config = ConfigDict(extra="forbid")

    call_ref: Reference


class Skipped(Shown):
    reason: Annotated[str, StringConstraints(max_length=32, pattern=r"^[A-Za-z][A-Za-z -]*$")] = Field(
        description="Why; letters, so that nothing else can be noted in it."
    )


class Asked(BaseModel):
    """A lead of a campaign of policy manual."""

    model_config = ConfigDict(extra="forbid")

    campaign: Reference
    lead_ref: Reference


class Dialled(BaseModel):
    call_ref: str


def add_choosing(router: APIRouter, control: SwitchControl) -> None:
    @router.post("/agents/{agent}/preview/accept", status_code=204, tags=["agents"], responses=_REFUSED)
    async def accept_preview(agent: OwnAgent, shown: Shown) -> None:
        """Have the lead called that is shown."""
        await carry_out(control.accept_preview(agent, shown.call_ref))

    @router.post("/agents/{agent}/preview/skip", status_code=204, tags=["agents"], responses=_REFUSED)
    async def skip_preview(agent: OwnAgent, skipped: Skipped) -> None:
        """Not this one now; the next one is shown."""
        await carry_out(control.skip_preview(agent, skipped.call_ref, skipped.reason))

    @router.post("/agents/{agent}/dial", tags=["agents"], responses=_REFUSED)
    async def dial_reference(agent: OwnAgent, asked: Asked) -> Dialled:
        """Have a lead called by its reference; nobody learns its number."""
        return Dialled(call_ref=await carry_out(control.dial_reference(agent, asked.campaign, asked.lead_ref)))
