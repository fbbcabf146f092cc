"""Passwords: argon2id (RFC 9106), away from the event loop, and the account that the first start makes."""

import asyncio
import secrets
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from softswitch.web.accounts import Accounts, Role

ADMINISTRATOR = "administrator"
"""Name of the account that the first start makes."""
FIRST = b"first-start."
"""The beginning of the salt of the password that the first start makes: whether that one still stands can be told by
its hash alone. Four further bytes are random; the password's own 120 bits need no salt."""
MAXIMUM_PASSWORD = 256
"""Characters; longer input is refused before any hashing."""


class Passwords:
    """Hashes and checks on one thread of its own: signalling goes on meanwhile, and a flood of log-ins queues here
    instead of taking 64 MiB and a core each."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()  # argon2-cffi's default is RFC 9106's low-memory profile
        self._executor: ThreadPoolExecutor | None = None
        self._decoy: str | None = None

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._thread(), self._hasher.hash, password)

    async def hash_first(self, password: str) -> str:
        """The same for the password that the first start makes."""
        salt = FIRST + secrets.token_bytes(4)
        hashed = partial(self._hasher.hash, password, salt=salt)
        return await asyncio.get_running_loop().run_in_executor(self._thread(), hashed)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password fits. With None (unknown account) a decoy is checked, which takes as long and fails."""
        return await asyncio.get_running_loop().run_in_executor(self._thread(), self._verify, password_hash, password)

    def close(self) -> None:
        """End the thread; a later check begins another."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None

    def _thread(self) -> ThreadPoolExecutor:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="argon2")
        return self._executor

    def _verify(self, password_hash: str | None, password: str) -> bool:
        known = password_hash is not None
        if password_hash is None:
            if self._decoy is None:
                self._decoy = self._hasher.hash(secrets.token_urlsafe())
            password_hash = self._decoy
        try:
            return self._hasher.verify(password_hash, password[:MAXIMUM_PASSWORD]) and known
        except (VerificationError, InvalidHashError):
            return False


def is_first(password_hash: str) -> bool:
    """Whether this is the hash of the password that the first start made."""
    fields = password_hash.split("$")  # "", argon2id, version, costs, salt, hash: the PHC string format
    return len(fields) == 6 and fields[4].startswith(b64encode(FIRST).decode())


async def first_start(accounts: Accounts, passwords: Passwords | None = None) -> str | None:
    """Make the administrator's account when there is no account at all.

    Returns its password, to be shown once on the terminal and kept nowhere; None when accounts exist already.
    """
    if await accounts.accounts():
        return None
    own = passwords or Passwords()
    password = secrets.token_urlsafe(15)
    try:
        await accounts.add_account(ADMINISTRATOR, await own.hash_first(password), Role.ADMINISTRATOR)
    finally:
        if passwords is None:
            own.close()
    return password
