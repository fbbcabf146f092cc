"""Who asks, and whether the role may."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from softswitch.web.accounts import Account, Role


def account_of(request: Request) -> Account:
    """Who asks; the guard has noted it."""
    account: Account = request.scope["softswitch.account"]
    return account


def only(*roles: Role) -> Callable[[Account], Account]:
    """A dependency that lets these roles in."""

    def check(account: Annotated[Account, Depends(account_of)]) -> Account:
        if account.role not in roles:
            raise HTTPException(403, f"The role {account.role} may not do this.")
        return account

    return check
