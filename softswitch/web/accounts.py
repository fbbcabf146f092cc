"""Who may log in to the web, and as what."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Role(StrEnum):
    """Nobody holds two."""

    AGENT = "agent"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who has proved who they are. An agent's account has the agent id as its name."""

    name: str
    role: Role


class Accounts(Protocol):
    """Where accounts are kept; `softswitch.store.database.Store` fulfils it."""

    async def account(self, name: str) -> tuple[str, str] | None:
        """(argon2 hash, role), or None for an unknown name."""

    async def add_account(self, name: str, password_hash: str, role: str) -> None:
        """Add an account, or replace the password and the role of the one that has this name."""

    async def accounts(self) -> list[str]:
        """Every name."""
