"""Who asks, whether the role may, and whether it is still the same person."""

import time
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from softswitch.web.accounts import Account, Role
from softswitch.web.guard import CSRF_HEADER, SAFE_METHODS, token_fits
from softswitch.web.sessions import PROOF_S, Session


def account_of(request: Request) -> Account:
    """Who asks; the guard has noted it."""
    account: Account = request.scope["softswitch.account"]
    return account


def only(*roles: Role) -> Callable[[Account], Account]:
    """A dependency that lets these roles in."""

    def check(account: Annotated[Account, Depends(account_of)]) -> Account:
        if not account.holds(*roles):
            raise HTTPException(403, f"The role {account.role} may not do this.")
        return account

    return check


def own_agent(agent: str, account: Annotated[Account, Depends(account_of)]) -> str:
    """An agent may act as that agent only; supervisors and administrators for everybody."""
    if not account.holds(Role.SUPERVISOR, Role.ADMINISTRATOR) and (
        account.role is not Role.AGENT or account.name != agent
    ):
        raise HTTPException(403, "An agent may act for that agent only.")
    return agent


def check_proof(request: Request) -> None:
    """For what is dangerous: in a session, password and code were typed a few minutes ago at most, and a command brings
    the CSRF token. HTTP Basic brings the password with every request."""
    session: Session | None = request.scope.get("softswitch.session")
    if session is None:
        return
    if request.method not in SAFE_METHODS and not token_fits(session, request.headers):
        raise HTTPException(403, f"Send the session's CSRF token as {CSRF_HEADER}; GET /api/session tells it.")
    if time.monotonic() - session.proved_at > PROOF_S:
        raise HTTPException(403, "Prove again that it is you: POST /api/session/proof with password and code.")
