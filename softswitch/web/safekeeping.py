"""Four eyes and play-back over REST: who asks, who approves, and encrypted containers for the auditor alone."""

from collections.abc import Awaitable
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, HTTPException, Path
from fastapi.responses import FileResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from softswitch.errors import UsageError
from softswitch.safeguards.four_eyes import MOST_CALLS, Request, What
from softswitch.store.requests import Playback
from softswitch.web.accounts import Account, Role
from softswitch.web.control import SwitchControl
from softswitch.web.roles import check_proof, only
from softswitch.web.schemas import Problem

T = TypeVar("T")
Auditor = Annotated[Account, Depends(only(Role.AUDITOR))]
Overseer = Annotated[Account, Depends(only(Role.ADMINISTRATOR, Role.AUDITOR))]
Asker = Annotated[Account, Depends(only(Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR))]
Ref = Annotated[str, Path(min_length=1, max_length=32, pattern=r"^[0-9a-f]+$", description="As it was answered.")]
CallRef = Annotated[str, Path(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9_-]+$")]
CallRefText = Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[A-Za-z0-9_-]+$")]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=200)]

_REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "There is none"},
    409: {"model": Problem, "description": "Not so, or not now; the text says what to do"},
}
_CONTAINER: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {}}, "description": "A sealed recording, docs/recording-format.md"}
}
_OTHERS = ["DELETE", "HEAD", "OPTIONS", "PATCH", "PUT", "TRACE"]
_PROVED = [Depends(check_proof)]


class Question(BaseModel):
    """What is asked for, of which calls, why, and for how long its approval shall be good."""

    model_config = ConfigDict(extra="forbid")

    what: What
    call_refs: Annotated[list[CallRefText], Field(min_length=1, max_length=MOST_CALLS)]
    reason: Reason
    minutes: Annotated[int, Field(ge=1, le=10_080, description="Of an export.")] = 1440


class Wish(BaseModel):
    """Why a recording is listened to."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


class Listened(BaseModel):
    model_config = ConfigDict(extra="forbid")

    seconds: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)]


class BegunPlayback(BaseModel):
    """Where the containers are to be had."""

    playback_ref: str
    call_ref: str
    parts: int


def add_safekeeping(router: APIRouter, control: SwitchControl) -> None:
    @router.get("/requests", tags=["recordings"])
    async def requests(_: Asker) -> list[Request]:
        """What was asked for lately, newest first, and who has approved and used it."""
        return await control.requests()

    @router.post("/requests", tags=["recordings"], responses=_REFUSED, dependencies=_PROVED)
    async def ask_request(question: Question, account: Asker) -> Request:
        """Ask to export recordings, to hold them, or to lift a hold. Somebody else must approve it."""
        if question.what is What.EXPORT and not account.holds(Role.ADMINISTRATOR, Role.AUDITOR):
            raise HTTPException(403, "Exports are asked for by auditors and administrators.")
        return await _answer(
            control.ask_request(
                question.what, question.call_refs, account.name, question.reason, question.minutes * 60.0
            )
        )

    @router.api_route("/requests", methods=_OTHERS, include_in_schema=False)
    async def neither_of_both() -> None:
        """Two handlers on one path: left alone, the router would name the first one's method as all there is."""
        raise HTTPException(405, "Method Not Allowed", {"allow": "GET, POST"})

    @router.post("/requests/{request}/approval", tags=["recordings"], responses=_REFUSED, dependencies=_PROVED)
    async def approve_request(request: Ref, account: Overseer) -> Request:
        """Approve what somebody else has asked for."""
        return await _answer(control.approve_request(request, account.name))

    @router.get("/playbacks", tags=["recordings"])
    async def playbacks(_: Overseer) -> list[Playback]:
        """Who listened to what lately, why, and for how long."""
        return await control.playbacks()

    @router.post("/recordings/{call}/playback", tags=["recordings"], responses=_REFUSED, dependencies=_PROVED)
    async def begin_playback(call: CallRef, wish: Wish, account: Auditor) -> BegunPlayback:
        """Ask to listen to a call; the containers can be had for an hour."""
        playback, parts = await _answer(control.begin_playback(call, account.name, wish.reason))
        return BegunPlayback(playback_ref=playback.playback_ref, call_ref=playback.call_ref, parts=parts)

    @router.get(
        "/playbacks/{playback}/parts/{part}",
        tags=["recordings"],
        responses={**_REFUSED, **_CONTAINER},
        response_class=FileResponse,
    )
    async def playback_part(playback: Ref, part: Annotated[int, Path(ge=1, le=9999)], account: Auditor) -> FileResponse:
        """An encrypted container: nothing but the auditor's own key opens it, and the site does not have that."""
        path = await _answer(control.playback_part(playback, part, account.name))
        return FileResponse(path, media_type="application/octet-stream")

    @router.post("/playbacks/{playback}/listened", status_code=204, tags=["recordings"], responses=_REFUSED)
    async def note_listened(playback: Ref, listened: Listened, account: Auditor) -> None:
        """Say for how long the call was listened to."""
        await _answer(control.note_listened(playback, listened.seconds, account.name))


async def _answer(asked: Awaitable[T]) -> T:
    try:
        return await asked
    except UsageError as error:
        raise HTTPException(409, str(error)) from None
    except KeyError:
        raise HTTPException(404, "There is none.") from None
