"""Browser headsets over REST: a page's offer in, our answer out (RFC 8829). Each person for the own headset only."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, StringConstraints

from softswitch.errors import PeerError, UsageError
from softswitch.safeguards.supervision_views import SupervisorAudioView
from softswitch.web.accounts import Account, Role
from softswitch.web.control import SwitchControl
from softswitch.web.roles import only
from softswitch.web.schemas import Problem
from softswitch.web.sessions import Session

LONGEST_SDP = 32_768
"""Characters; an offer of audio with all its candidates has a tenth of that."""

Agent = Annotated[Account, Depends(only(Role.AGENT))]
Watcher = Annotated[Account, Depends(only(Role.SUPERVISOR, Role.ADMINISTRATOR))]

_ENDING: set[asyncio.Task[None]] = set()
"""Kept here until they are done, or they could be collected on the way."""
_OTHER_METHODS = ["GET", "HEAD", "OPTIONS", "PATCH", "PUT", "TRACE"]
_REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "No such agent"},
    409: {"model": Problem, "description": "Not so, or not now; the text says what to do"},
}


class Offer(BaseModel):
    """What `RTCPeerConnection.localDescription` is in JSON."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["offer"]
    sdp: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_SDP)]


class Answer(BaseModel):
    """What `RTCPeerConnection.setRemoteDescription` takes."""

    type: Literal["answer"] = "answer"
    sdp: str


def add_headsets(router: APIRouter, control: SwitchControl) -> None:
    @router.post("/agent/headset", tags=["headsets"], responses=_REFUSED)
    async def seat_agent(offer: Offer, account: Agent, request: Request) -> Answer:
        """Begin the shift with this browser tab as the agent's headset. It takes the place of the agent's phone, or of
        another tab; the agent is ready once the tab is heard. It ends with the session that has begun it."""
        answer = await _answered(control.seat_agent_headset(account.name, _octets(offer)))
        _end_with_session(request, lambda: control.end_agent_headset(account.name))
        return answer

    @router.delete("/agent/headset", status_code=204, tags=["headsets"], responses=_REFUSED)
    async def end_agent(account: Agent) -> None:
        """End the agent's headset, and the shift with it. Nothing happens where there is none."""
        await _carried_out(control.end_agent_headset(account.name))

    @router.post("/supervisor/headset", tags=["headsets"], responses=_REFUSED)
    async def seat_supervisor(offer: Offer, account: Watcher, request: Request) -> Answer:
        """Make this browser tab the supervisor's headset, to listen and speak with. It ends with the session that has
        begun it."""
        answer = await _answered(control.seat_supervisor_headset(account.name, _octets(offer)))
        _end_with_session(request, lambda: control.end_supervisor_headset(account.name))
        return answer

    @router.delete("/supervisor/headset", status_code=204, tags=["headsets"], responses=_REFUSED)
    async def end_supervisor(account: Watcher) -> None:
        """End the supervisor's headset. Nothing happens where there is none."""
        await _carried_out(control.end_supervisor_headset(account.name))

    @router.get("/supervisor/audio", tags=["headsets"])
    async def supervisor_audio(account: Watcher) -> SupervisorAudioView:
        """Whether you can listen: then the interlock that asks for supervisors counts you."""
        return control.supervisor_audio(account.name)

    @router.post("/supervisor/audio/tone", status_code=204, tags=["headsets"], responses=_REFUSED)
    async def play_supervisor_tone(account: Watcher) -> None:
        """Hear a tone by your headset, or by your phone, which is rung for it."""
        await _carried_out(control.play_supervisor_tone(account.name))

    @router.post("/supervisor/audio/passed", status_code=204, tags=["headsets"], responses=_REFUSED)
    async def pass_supervisor_test(account: Watcher) -> None:
        """You have heard the tone. It is refused while nothing is heard of you."""
        await _carried_out(control.pass_supervisor_test(account.name))

    @router.api_route("/agent/headset", methods=_OTHER_METHODS, include_in_schema=False)
    @router.api_route("/supervisor/headset", methods=_OTHER_METHODS, include_in_schema=False)
    async def neither_of_both() -> None:
        """Two handlers on one path: left alone, the router would name the first one's method as all there is."""
        raise HTTPException(405, "Method Not Allowed", {"allow": "DELETE, POST"})


def _end_with_session(request: Request, end: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Nobody is heard, or hears, through a tab whose log-in is over. A program without a session has none to end."""
    session: Session | None = request.scope.get("softswitch.session")
    if session is None:
        return
    if session.ended:  # while the headset was being connected
        _start(end())
    else:
        session.when_ended.append(lambda: _start(end()))


def _start(ending: Coroutine[Any, Any, None]) -> None:
    task = asyncio.get_running_loop().create_task(ending)
    _ENDING.add(task)
    task.add_done_callback(_ENDING.discard)


def _octets(offer: Offer) -> bytes:
    return offer.sdp.encode("utf-8", "replace")


async def _answered(command: Coroutine[Any, Any, bytes]) -> Answer:
    try:
        return Answer(sdp=(await command).decode())
    except (PeerError, UsageError, KeyError) as error:
        raise _refusal(error) from None


async def _carried_out(command: Coroutine[Any, Any, None]) -> None:
    try:
        await command
    except (UsageError, KeyError) as error:
        raise _refusal(error) from None


def _refusal(error: PeerError | UsageError | KeyError) -> HTTPException:
    if isinstance(error, KeyError):
        return HTTPException(404, "There is no such agent.")
    return HTTPException(409, str(error))
