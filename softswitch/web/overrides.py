"""Overriding an interlock over REST: one administrator asks, another agrees."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from softswitch.safeguards.overrides import OverrideView
from softswitch.web.accounts import Account, Role
from softswitch.web.answers import carry_out
from softswitch.web.control import SwitchControl
from softswitch.web.roles import check_proof, only
from softswitch.web.schemas import Problem

NO_SUCH = "There is no such interlock, or nothing to end."

Administrator = Annotated[Account, Depends(only(Role.ADMINISTRATOR))]
Reader = Annotated[Account, Depends(only(Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR))]
Interlock = Annotated[
    str, Path(min_length=1, max_length=128, pattern=r"^[a-z][A-Za-z0-9 ._-]*$", description="As listed.")
]

_REFUSED: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "No such interlock, or nothing to end"},
    409: {"model": Problem, "description": "Not so, or not now; the text says what to do"},
}
_PROVED = [Depends(check_proof)]
_OTHERS = ["GET", "HEAD", "OPTIONS", "PATCH", "PUT", "TRACE"]


class Question(BaseModel):
    """For how long, and why."""

    model_config = ConfigDict(extra="forbid")

    minutes: Annotated[int, Field(ge=1, le=240)]
    reason: Annotated[str, StringConstraints(min_length=1, max_length=200)]


def add_overrides(router: APIRouter, control: SwitchControl) -> None:
    @router.get("/overrides", tags=["site"])
    async def overrides(_: Reader) -> list[OverrideView]:
        """What is overridden, and what a second administrator is asked to agree to."""
        return list(control.overrides())

    @router.post(
        "/interlocks/{interlock}/override", status_code=204, tags=["site"], responses=_REFUSED, dependencies=_PROVED
    )
    async def ask_override(interlock: Interlock, question: Question, account: Administrator) -> None:
        """Ask to dial for so many minutes although this interlock is open. Another administrator must agree."""
        await carry_out(
            control.ask_override(interlock, account.name, question.reason, question.minutes * 60.0), NO_SUCH
        )

    @router.post(
        "/interlocks/{interlock}/override/agreement",
        status_code=204,
        tags=["site"],
        responses=_REFUSED,
        dependencies=_PROVED,
    )
    async def agree_override(interlock: Interlock, account: Administrator) -> None:
        """Agree to what another administrator has asked for; its time begins now."""
        await carry_out(control.agree_override(interlock, account.name), NO_SUCH)

    @router.delete("/interlocks/{interlock}/override", status_code=204, tags=["site"], responses=_REFUSED)
    async def end_override(interlock: Interlock, account: Administrator) -> None:
        """End it, or take the question back."""
        await carry_out(control.end_override(interlock, account.name), NO_SUCH)

    @router.api_route("/interlocks/{interlock}/override", methods=_OTHERS, include_in_schema=False)
    async def neither_of_both() -> None:
        """Two handlers on one path: left alone, the router would name the first one's method as all there is."""
        raise HTTPException(405, "Method Not Allowed", {"allow": "DELETE, POST"})
