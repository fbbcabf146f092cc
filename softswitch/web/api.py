"""REST under /api: anything that a page can do, role-checked, with every answer it may give in its OpenAPI."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Query
from fastapi.security import APIKeyCookie, HTTPBasic

from softswitch.dialler.attempt import AGENT_DISPOSITIONS
from softswitch.safeguards.campaign_views import CampaignView, ShiftView
from softswitch.safeguards.interlocks import InterlockView
from softswitch.safeguards.visibility import AgentCallView, CallView
from softswitch.safeguards.wallboard import AgentView, StatusView, WallboardView, status_view
from softswitch.web.accounts import Account, Role
from softswitch.web.admin_api import add_administration
from softswitch.web.answers import carry_out
from softswitch.web.auditing import add_auditing
from softswitch.web.callbacks import add_callbacks
from softswitch.web.choosing import add_choosing
from softswitch.web.guard import COOKIE
from softswitch.web.headsets import add_headsets
from softswitch.web.interviews import add_interviews
from softswitch.web.lead_export import add_lead_export
from softswitch.web.noting import noted
from softswitch.web.outcomes import add_outcomes
from softswitch.web.overrides import add_overrides
from softswitch.web.reviews import add_reviews
from softswitch.web.roles import only, own_agent
from softswitch.web.room import Room
from softswitch.web.safekeeping import add_safekeeping
from softswitch.web.schemas import CallRecords, ChosenDisposition, Name, Pause, Problem
from softswitch.web.supervision import add_supervision
from softswitch.web.traces import add_traces
from softswitch.web.training_api import add_training

T = TypeVar("T")
Responses = dict[int | str, dict[str, Any]]

_ALWAYS: Responses = {
    400: {"model": Problem, "description": "The body is not what its Content-Type says"},
    401: {"model": Problem, "description": "Not logged in"},
    403: {"model": Problem, "description": "The role may not do this"},
    413: {"model": Problem, "description": "The request is too long"},
    429: {"model": Problem, "description": "Too many failed log-ins; Retry-After says when"},
    503: {"model": Problem, "description": "The audit log cannot be written"},
}
_UNKNOWN: Responses = {404: {"model": Problem, "description": "No such name"}}
_REFUSED: Responses = {**_UNKNOWN, 409: {"model": Problem, "description": "Not now; the text says what to do"}}


def named(things: Sequence[T], name: str, name_of: Callable[[T], str]) -> T:
    for thing in things:
        if name_of(thing) == name:
            return thing
    raise HTTPException(404, "There is no such name.")


Watcher = Annotated[Account, Depends(only(Role.SUPERVISOR, Role.ADMINISTRATOR))]
Reader = Annotated[Account, Depends(only(Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR))]
OwnAgent = Annotated[str, Depends(own_agent)]


def api_router(room: Room) -> APIRouter:
    # The guard has checked already; these two only say in the OpenAPI document how one logs in.
    ways_in = [Depends(HTTPBasic(auto_error=False)), Depends(APIKeyCookie(name=COOKIE, auto_error=False))]
    router = APIRouter(prefix="/api", responses=_ALWAYS, dependencies=[*ways_in, Depends(noted(room))])
    _add_site(router, room)
    _add_campaigns(router, room)
    _add_agents(router, room)
    add_callbacks(router, room)
    add_lead_export(router, room.control)
    add_choosing(router, room.control)
    add_traces(router, room.control)
    add_headsets(router, room.control)
    add_interviews(router, room)
    add_supervision(router, room.control)
    add_auditing(router, room)
    add_outcomes(router, room.control.auditing)
    add_reviews(router, room.control)
    add_overrides(router, room.control)
    add_safekeeping(router, room.control)
    add_training(router, room)
    if room.administration is not None:
        add_administration(router, room.administration)
    return router


def _add_site(router: APIRouter, room: Room) -> None:
    control = room.control

    @router.get("/wallboard", tags=["site"])
    async def wallboard(_: Watcher) -> WallboardView:
        """Everything that a supervisor sees, at this moment."""
        return control.wallboard()

    @router.get("/shift", tags=["site"])
    async def shift(_: Reader) -> ShiftView:
        """The day until now, in steps of five minutes: dials, conversations, missed calls, what agents did."""
        return control.shift()

    @router.get("/status", tags=["site"])
    async def status(_: Reader) -> StatusView:
        """Whether the site dials, and if not, why."""
        return status_view(control.wallboard())

    @router.get("/interlocks", tags=["site"])
    async def interlocks(_: Reader) -> list[InterlockView]:
        """What holds dialling back, in plain words."""
        return list(control.wallboard().interlocks)

    @router.post("/kill-switch", status_code=204, tags=["site"], responses=_REFUSED)
    async def kill_switch(account: Watcher) -> None:
        """Stop everything: agents are muted at once, callees hear the closing message, recordings are kept."""
        await carry_out(control.kill_switch(account.name))

    @router.get("/calls", tags=["calls"])
    async def calls(_: Watcher) -> list[CallView]:
        """Calls in progress."""
        return list(control.wallboard().calls)

    @router.post("/calls/{call_ref}/hangup", status_code=204, tags=["calls"], responses=_REFUSED)
    async def hang_up(call_ref: Name, _: Watcher) -> None:
        """End one call."""
        await carry_out(control.hang_up(call_ref))


def _add_campaigns(router: APIRouter, room: Room) -> None:
    control = room.control

    def view_of(name: str) -> CampaignView:
        return named(control.wallboard().campaigns, name, lambda campaign: campaign.name)

    @router.get("/campaigns", tags=["campaigns"])
    async def campaigns(_: Reader) -> list[CampaignView]:
        return list(control.wallboard().campaigns)

    @router.get("/campaigns/{name}", tags=["campaigns"], responses=_UNKNOWN)
    async def campaign(name: Name, _: Reader) -> CampaignView:
        return view_of(name)

    @router.get("/campaigns/{name}/calls", tags=["campaigns"], responses=_UNKNOWN)
    async def calls_of(
        name: Name,
        _: Reader,
        limit: Annotated[int, Query(ge=1, le=500)] = 100,
        offset: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    ) -> CallRecords:
        """The campaign's dial attempts, newest first, without numbers."""
        view_of(name)
        return CallRecords.page(await control.calls_of(name, limit + 1, offset), limit, offset)

    @router.post("/campaigns/{name}/start", tags=["campaigns"], responses=_REFUSED)
    async def start(name: Name, _: Watcher) -> CampaignView:
        await carry_out(control.start_campaign(name))
        return view_of(name)

    @router.post("/campaigns/{name}/pause", tags=["campaigns"], responses=_REFUSED)
    async def pause(name: Name, _: Watcher) -> CampaignView:
        """No new dialling; calls in progress go on."""
        await carry_out(control.pause_campaign(name))
        return view_of(name)

    @router.post("/campaigns/{name}/stop", tags=["campaigns"], responses=_REFUSED)
    async def stop(name: Name, _: Watcher) -> CampaignView:
        await carry_out(control.stop_campaign(name))
        return view_of(name)


def _add_agents(router: APIRouter, room: Room) -> None:
    control = room.control

    def view_of(agent: str) -> AgentView:
        return named(control.wallboard().agents, agent, lambda view: view.agent)

    @router.get("/agents", tags=["agents"])
    async def agents(_: Watcher) -> list[AgentView]:
        return list(control.wallboard().agents)

    @router.get("/agents/{agent}", tags=["agents"], responses=_UNKNOWN)
    async def agent_state(agent: OwnAgent) -> AgentView:
        return view_of(agent)

    @router.get("/agents/{agent}/call", tags=["agents"], responses=_UNKNOWN)
    async def agent_call(agent: OwnAgent) -> AgentCallView | None:
        """The call that the agent is in: its name and the fields that the campaign lists; null between calls."""
        view_of(agent)
        return control.agent_call(agent)

    @router.post("/agents/{agent}/login", tags=["agents"], responses=_REFUSED)
    async def log_in(agent: OwnAgent) -> AgentView:
        """Ring the agent's phone and keep it for the shift."""
        await carry_out(control.log_in_agent(agent))
        return view_of(agent)

    @router.post("/agents/{agent}/logout", tags=["agents"], responses=_REFUSED)
    async def log_out(agent: OwnAgent) -> AgentView:
        await carry_out(control.log_out_agent(agent))
        return view_of(agent)

    @router.post("/agents/{agent}/ready", tags=["agents"], responses=_REFUSED)
    async def ready(agent: OwnAgent) -> AgentView:
        await carry_out(control.ready_agent(agent))
        return view_of(agent)

    @router.post("/agents/{agent}/pause", tags=["agents"], responses=_REFUSED)
    async def pause(agent: OwnAgent, why: Pause) -> AgentView:
        await carry_out(control.pause_agent(agent, why.code))
        return view_of(agent)

    @router.post("/agents/{agent}/disposition", status_code=204, tags=["agents"], responses=_REFUSED)
    async def dispose(agent: OwnAgent, chosen: ChosenDisposition) -> None:
        """Say what came of the call; agents choose among the dispositions that are theirs."""
        if chosen.disposition not in AGENT_DISPOSITIONS:
            raise HTTPException(409, f"Choose one of: {', '.join(sorted(AGENT_DISPOSITIONS))}.")
        desk = room.desk_of_call(agent, chosen.call_ref)
        await carry_out(desk.dispose(agent, chosen.call_ref, chosen.disposition))
