"""Who may log in to the web, and as what."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable


class Role(StrEnum):
    """Nobody holds two, unless the site says so; an agent never does."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who has proved who they are. An agent's account has the agent id as its name."""

    name: str
    role: Role
    also: frozenset[Role] = frozenset()
    """Further roles, where the site allows them."""

    @property
    def roles(self) -> frozenset[Role]:
        return self.also | {self.role}

    def holds(self, *roles: Role) -> bool:
        """Whether one of these is theirs."""
        return not self.roles.isdisjoint(roles)


class AccountRow(Protocol):
    """What is kept of one account; `softswitch.store.web_accounts.PersonRow` fulfils it."""

    @property
    def name(self) -> str: ...
    @property
    def password_hash(self) -> str: ...
    @property
    def role(self) -> str:
        """One, or several with blanks between."""

    @property
    def totp(self) -> str:
        """The second factor's secret, encrypted; empty: not enrolled."""

    @property
    def disabled(self) -> bool: ...


class Accounts(Protocol):
    """Where accounts are kept; `softswitch.store.database.Store` fulfils it, and `People` too."""

    async def account(self, name: str) -> tuple[str, str] | None:
        """(argon2 hash, role), or None for an unknown name."""

    async def add_account(self, name: str, password_hash: str, role: str) -> None:
        """Add an account, or replace the password and the role of the one that has this name."""

    async def accounts(self) -> list[str]:
        """Every name."""


@runtime_checkable
class People(Protocol):
    """Accounts with a second factor, which can be shut."""

    async def account(self, name: str) -> tuple[str, str] | None: ...
    async def add_account(self, name: str, password_hash: str, role: str) -> None: ...
    async def accounts(self) -> list[str]: ...
    async def person(self, name: str) -> AccountRow | None: ...
    async def people(self) -> Sequence[AccountRow]: ...
    async def set_totp(self, name: str, totp: str) -> bool: ...
    async def use_totp_step(self, name: str, step: int) -> bool: ...
    async def set_disabled(self, name: str, disabled: bool) -> bool: ...


@dataclass(frozen=True, slots=True)
class Row:
    """An account of a site that keeps nothing but passwords and roles."""

    name: str
    password_hash: str
    role: str
    totp: str = ""
    disabled: bool = False


class WithoutFactors:
    """Accounts that know of passwords and roles alone, as `People`."""

    def __init__(self, accounts: Accounts) -> None:
        self.account = accounts.account
        self.add_account = accounts.add_account
        self.accounts = accounts.accounts

    async def person(self, name: str) -> Row | None:
        found = await self.account(name)
        return None if found is None else Row(name, *found)

    async def people(self) -> list[Row]:
        found = [await self.person(name) for name in await self.accounts()]
        return [row for row in found if row is not None]

    async def set_totp(self, name: str, totp: str) -> bool:
        return False

    async def use_totp_step(self, name: str, step: int) -> bool:
        return False

    async def set_disabled(self, name: str, disabled: bool) -> bool:
        return False


def account_from(name: str, role: str, *, several: bool) -> Account | None:
    """The account of a row's roles. None where they are none, or more than the site allows: nobody gets in with what
    was not meant."""
    try:
        roles = [Role(each) for each in role.split()]
    except ValueError:
        return None
    if not roles or len(set(roles)) != len(roles) or (len(roles) > 1 and (not several or Role.AGENT in roles)):
        return None
    return Account(name, roles[0], frozenset(roles[1:]))
