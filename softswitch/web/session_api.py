"""Log-in, log-out and proving it again over REST, for programs and for our own pages."""

import math
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from softswitch.web.accounts import Account
from softswitch.web.authentication import MAXIMUM_NAME, Enrolment, Refused
from softswitch.web.guard import caller_of
from softswitch.web.login import begin_session, end_session, forget_cookie
from softswitch.web.passwords import MAXIMUM_PASSWORD
from softswitch.web.roles import account_of
from softswitch.web.room import Room
from softswitch.web.schemas import Problem
from softswitch.web.sessions import PROOF_S, Session

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "The body is not what its Content-Type says"},
    401: {"model": Problem, "description": "Not logged in, or not so"},
    403: {"model": Problem, "description": "From another site, or without the CSRF token"},
    413: {"model": Problem, "description": "The request is too long"},
    429: {"model": Problem, "description": "Too many failed log-ins; Retry-After says when"},
    503: {"model": Problem, "description": "The audit log cannot be written"},
}
Code = Annotated[str, StringConstraints(max_length=12)]
Password = Annotated[str, StringConstraints(max_length=MAXIMUM_PASSWORD)]


class LogIn(BaseModel):
    """Of an agent: number and PIN. Of everybody else: name, password and the code of their app."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, StringConstraints(min_length=1, max_length=MAXIMUM_NAME)]
    password: Password
    code: Code = ""


class Proof(BaseModel):
    model_config = ConfigDict(extra="forbid")

    password: Password
    code: Code = ""


class SessionState(BaseModel):
    """Who is logged in, and how."""

    name: str
    roles: list[str]
    csrf: str
    """To be sent as X-CSRF-Token with every command; empty without a session."""
    proved_for_s: float
    """So long dangerous things may be done without typing the password again."""


def session_router(room: Room) -> APIRouter:
    router = APIRouter(prefix="/api", tags=["session"], responses=_PROBLEMS)

    @router.post("/login")
    async def log_in(who: LogIn, request: Request, response: Response) -> SessionState:
        """Begin a session: the answer sets its cookie. The session is bound to the address that asks."""
        caller = caller_of(request.scope, request.headers)
        account = await room.authenticator.log_in(who.name, who.password, who.code, caller, how="API")
        if isinstance(account, Enrolment):
            raise HTTPException(401, "This account needs a second factor first: log in on the page /login once.")
        if isinstance(account, Refused):
            raise _refusal(account)
        token = await begin_session(room, request, response, account)
        now = time.monotonic()
        return _state(account, room.sessions.use(token, now, caller.source), now)

    @router.get("/session")
    async def session(request: Request, account: Annotated[Account, Depends(account_of)]) -> SessionState:
        """Who asks; with the CSRF token of the session."""
        return _state(account, request.scope.get("softswitch.session"), time.monotonic())

    @router.delete("/session", status_code=204)
    async def end(request: Request, response: Response) -> None:
        """Log out."""
        await end_session(room, request)
        forget_cookie(response)

    @router.post("/session/proof")
    async def prove(proof: Proof, request: Request, account: Annotated[Account, Depends(account_of)]) -> SessionState:
        """Type password and code again, before something dangerous."""
        caller = caller_of(request.scope, request.headers)
        proved = await room.authenticator.prove(account, proof.password, proof.code, caller)
        if isinstance(proved, Refused):
            raise _refusal(proved)
        if not proved:
            raise HTTPException(401, "Password or code is wrong.")
        session: Session | None = request.scope.get("softswitch.session")
        now = time.monotonic()
        if session is not None:
            session.proved_at = now
        return _state(account, session, now)

    @router.api_route("/session", methods=["HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"], include_in_schema=False)
    async def neither_of_both() -> None:
        """Two handlers on one path: left alone, the router would name the first one's method as all there is."""
        raise HTTPException(405, "Method Not Allowed", {"allow": "DELETE, GET"})

    return router


def _state(account: Account, session: Session | None, now: float) -> SessionState:
    left_s = PROOF_S if session is None else max(0.0, session.proved_at + PROOF_S - now)
    return SessionState(
        name=account.name,
        roles=[account.role, *sorted(account.also)],
        csrf="" if session is None else session.csrf,
        proved_for_s=left_s,
    )


def _refusal(refused: Refused) -> HTTPException:
    if refused.closed:
        return HTTPException(503, f"Nobody can log in now: {refused.closed}")
    if refused.wait_s > 0:
        wait_s = math.ceil(refused.wait_s)
        return HTTPException(429, f"Too many failed log-ins. Try again in {wait_s} s.", {"retry-after": str(wait_s)})
    return HTTPException(401, "Name, password or code is wrong.")
