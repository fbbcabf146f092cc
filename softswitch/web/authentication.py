"""Proving who somebody is: name and password, from the log-in page or by HTTP Basic (RFC 7617)."""

import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from softswitch.web.accounts import Account, Accounts, Role
from softswitch.web.lockout import Lockout
from softswitch.web.passwords import MAXIMUM_PASSWORD, Passwords

REMEMBER_S = 300.0
"""A script that sends Basic with every request pays for one argon2 in this time, not for one a request."""
MAXIMUM_NAME = 64


@dataclass(frozen=True, slots=True)
class Refused:
    """The same for a wrong password and an unknown name."""

    wait_s: float = 0.0
    """Above 0: too many failures, nothing was looked at."""


class Authenticator:
    def __init__(
        self, accounts: Accounts, passwords: Passwords, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._accounts = accounts
        self._passwords = passwords
        self._lockout = Lockout()
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._remembered: dict[bytes, tuple[float, str]] = {}
        """Keyed digest of name and password: (until, password hash it was checked against)."""

    async def check(self, name: str, password: str, source: str) -> Account | Refused:
        """The account, when name and password fit."""
        name = name[:MAXIMUM_NAME]
        wait_s = self._lockout.wait_s(name, source, self._clock())
        if wait_s > 0:
            return Refused(wait_s)
        self._lockout.receive_attempt(name, source, self._clock())
        found = await self._accounts.account(name) if _printable(name) else None
        password_hash, role = found if found else (None, "")
        fits = await self._passwords.verify(password_hash, password)
        if not fits or role not in set(Role):
            return Refused()
        self._lockout.receive_success(name, source)
        return Account(name, Role(role))

    async def check_basic(self, header: str, source: str) -> Account | Refused:
        """The account of an Authorization header's value."""
        credentials = _basic(header)
        if credentials is None:
            return Refused()
        name, password = credentials
        if len(name) > MAXIMUM_NAME or len(password) > MAXIMUM_PASSWORD:
            return Refused()
        digest = hmac.digest(self._secret, f"{name}\0{password}".encode(), "sha256")
        remembered = self._remembered.get(digest)
        if remembered is not None:
            until, checked_against = remembered
            # The store is asked each time, so that a changed password or role counts at once.
            found = await self._accounts.account(name)
            if self._clock() < until and found and found[0] == checked_against and found[1] in set(Role):
                return Account(name, Role(found[1]))
            self._remembered.pop(digest, None)
        account = await self.check(name, password, source)
        if isinstance(account, Account):
            found = await self._accounts.account(name)
            if found:
                self._forget_old()
                self._remembered[digest] = (self._clock() + REMEMBER_S, found[0])
        return account

    def _forget_old(self) -> None:
        now = self._clock()
        for digest in [digest for digest, (until, _) in self._remembered.items() if until <= now]:
            del self._remembered[digest]


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(token.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, password) if colon else None


def _printable(name: str) -> bool:
    return bool(name) and name.isprintable()
