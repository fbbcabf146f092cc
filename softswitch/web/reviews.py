"""The reviewers' queue over REST: which recordings to listen to, and what was heard in them.

The recordings themselves are sealed; who holds the auditor's private key listens with `softswitch recordings export`.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query
from pydantic import BaseModel, ConfigDict

from softswitch.dialler.detection import Truth
from softswitch.errors import UsageError
from softswitch.web.accounts import Account, Role
from softswitch.web.control import SwitchControl
from softswitch.web.roles import only
from softswitch.web.schemas import Name, Problem

Reviewer = Annotated[Account, Depends(only(Role.SUPERVISOR, Role.AUDITOR))]


class ReviewView(BaseModel):
    """A call that a verdict ended, drawn at random; the reviewer is to say who it was."""

    model_config = ConfigDict(from_attributes=True)

    call_ref: str
    campaign: str
    day: str
    verdict: str
    cause: str
    probability: float | None
    audio_ms: int
    point: str
    recording: str


class Heard(BaseModel):
    """What the reviewer heard."""

    model_config = ConfigDict(extra="forbid")

    truth: Truth


def add_reviews(router: APIRouter, control: SwitchControl) -> None:
    @router.get("/reviews", tags=["reviews"], responses={404: {"model": Problem, "description": "No such campaign"}})
    async def reviews(
        _: Reviewer,
        campaign: Annotated[str, Query(max_length=64, description="Left out: every campaign.")] = "",
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> list[ReviewView]:
        """What is to be judged next."""
        try:
            found = await control.reviews(campaign, limit)
        except KeyError:
            raise HTTPException(404, "There is no such campaign.") from None
        return [ReviewView.model_validate(review) for review in found]

    @router.post(
        "/reviews/{call_ref}",
        status_code=204,
        tags=["reviews"],
        responses={
            404: {"model": Problem, "description": "No verdict has ended such a call"},
            409: {"model": Problem, "description": "Not so; the text says why"},
        },
    )
    async def judge(call_ref: Name, heard: Heard, account: Reviewer) -> None:
        """Say who was on the recording. It is noted in the audit log, and counts in the abandoned-call rate at once."""
        try:
            await control.review(call_ref, heard.truth, account.name)
        except UsageError as error:
            raise HTTPException(409, str(error)) from None
        except KeyError:
            raise HTTPException(404, "No verdict has ended a call of this name.") from None
