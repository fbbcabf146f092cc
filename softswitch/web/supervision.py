"""Supervision over REST: listen to an agent, whisper, barge in, take over, mute; and alerts. Each supervisor for the
own line only."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Path
from pydantic import BaseModel, ConfigDict, StringConstraints

from softswitch.safeguards.supervision_views import AlertView, ConversationView, SupervisionView
from softswitch.web.accounts import Account, Role
from softswitch.web.answers import carry_out
from softswitch.web.control import SwitchControl
from softswitch.web.roles import account_of, only, own_agent
from softswitch.web.schemas import Name, Problem

NO_SUCH = "There is no such agent or alert."

OwnAgent = Annotated[str, Depends(own_agent)]
Watcher = Annotated[Account, Depends(only(Role.SUPERVISOR, Role.ADMINISTRATOR))]

_REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "No such agent"},
    409: {"model": Problem, "description": "Not now; the text says what to do"},
}
_NO_OTHERS = ["HEAD", "OPTIONS", "PATCH", "PUT", "TRACE"]


class Wish(BaseModel):
    """With which agent, and how."""

    model_config = ConfigDict(extra="forbid")

    agent: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    mode: Literal["listen", "whisper", "barge", "take_over"]
    reason: Annotated[str, StringConstraints(max_length=500)] = ""
    """Kept in the audit log; some sites ask for it."""


def add_supervision(router: APIRouter, control: SwitchControl) -> None:
    @router.get("/supervision", tags=["supervision"])
    async def supervision(_: Watcher) -> list[SupervisionView]:
        """Who is with which agent, and how it ended for those who are with nobody."""
        return list(control.supervision())

    @router.post("/supervision", tags=["supervision"], responses=_REFUSED)
    async def supervise(wish: Wish, account: Watcher) -> SupervisionView:
        """Listen to an agent, whisper to the agent, barge into the agent's call, or take it over: then the agent hears
        and says nothing more in it. Again with another agent or mode to change. The supervisor's headset is used, or
        the phone is rung. It is noted in the audit log first."""
        await carry_out(control.supervise(wish.agent, wish.mode, account.name, wish.reason), NO_SUCH)
        return next(view for view in control.supervision() if view.supervisor == account.name)

    @router.delete("/supervision", status_code=204, tags=["supervision"], responses=_REFUSED)
    async def leave(account: Watcher) -> None:
        """Leave the agent; the phone is hung up, a headset stays. A call that was taken over ends. Nothing happens
        where there is nothing to leave."""
        await carry_out(control.end_supervision(account.name), NO_SUCH)

    @router.post("/agents/{agent}/mute", status_code=204, tags=["supervision"], responses=_REFUSED)
    async def mute(agent: Name, account: Watcher) -> None:
        """Mute the agent at once, until the call is over."""
        await carry_out(control.mute_agent(agent, True, account.name), NO_SUCH)

    @router.delete("/agents/{agent}/mute", status_code=204, tags=["supervision"], responses=_REFUSED)
    async def unmute(agent: Name, account: Watcher) -> None:
        """Let the agent be heard again."""
        await carry_out(control.mute_agent(agent, False, account.name), NO_SUCH)

    @router.get("/conversations", tags=["supervision"])
    async def conversations(_: Watcher) -> list[ConversationView]:
        """Calls with an agent: how far the script is, and who speaks; no answers."""
        return list(control.wallboard().conversations)

    @router.get("/alerts", tags=["supervision"])
    async def alerts(_: Watcher) -> list[AlertView]:
        """Why a supervisor should look at a call, the newest first."""
        return list(control.wallboard().alerts)

    @router.post("/alerts/{number}/seen", status_code=204, tags=["supervision"], responses=_REFUSED)
    async def see_alert(number: Annotated[int, Path(ge=1, le=2**31 - 1)], account: Watcher) -> None:
        """Say that you have looked; nobody else needs to."""
        await carry_out(control.see_alert(number, account.name), NO_SUCH)

    @router.post("/agents/{agent}/recognised", status_code=204, tags=["supervision"], responses=_REFUSED)
    async def report_recognised(agent: OwnAgent, account: Annotated[Account, Depends(account_of)]) -> None:
        """The callee knows the agent: supervisors are told at once."""
        await carry_out(control.report_recognised(agent, account.name), NO_SUCH)

    @router.api_route("/supervision", methods=_NO_OTHERS, include_in_schema=False)
    async def none_of_three() -> None:
        """Three handlers on one path: left alone, the router would name the first one's method as all there is."""
        raise HTTPException(405, "Method Not Allowed", {"allow": "DELETE, GET, POST"})

    @router.api_route("/agents/{agent}/mute", methods=["GET", *_NO_OTHERS], include_in_schema=False)
    async def neither_of_both() -> None:
        raise HTTPException(405, "Method Not Allowed", {"allow": "DELETE, POST"})
