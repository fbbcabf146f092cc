"""Proving who somebody is: name, password and code, from the log-in page, the API or by HTTP Basic (RFC 7617)."""

import base64
import binascii
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from softswitch.errors import UsageError
from softswitch.web.accounts import Account, AccountRow, Accounts, People, Role, WithoutFactors, account_from
from softswitch.web.journal import Journal, LoggedJournal, Looks
from softswitch.web.lockout import Lockout
from softswitch.web.networks import Networks, is_this_machine
from softswitch.web.passwords import MAXIMUM_PASSWORD, Passwords
from softswitch.web.sealing import Sealer
from softswitch.web.totp import SECRET_BYTES, matching_step

REMEMBER_S = 300.0
"""A script that sends Basic with every request pays for one argon2 in this time, not for one a request."""
MAXIMUM_NAME = 64
ENROL_S = 600.0
"""So long somebody has to type the first code."""
REFUSALS_APART_S = 60.0
"""Refusals of one name from one address while both wait are noted once in this time."""


class Factor(StrEnum):
    """Who needs a code as well as a password. Agents never do; whoever has enrolled always does."""

    ENROLLED = "enrolled"
    """Nobody else."""
    NETWORK = "network"
    """And everybody who does not sit at this machine."""
    ALWAYS = "always"
    """And everybody."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The same for a wrong password, a wrong code and an unknown name."""

    wait_s: float = 0.0
    """Above 0: too many failures, nothing was looked at."""
    closed: str = ""
    """Why nobody can log in at the moment, in plain words."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The password was right, and a second factor is wanted that is not there yet."""

    token: str
    secret: bytes
    account: Account


@dataclass(frozen=True, slots=True)
class Caller:
    """From where somebody asks."""

    source: str
    forwarded: bool = False
    """A proxy has passed it on: who sits behind it is not known."""


class Authenticator:
    """Says who somebody is, or why not; every attempt is noted, and failures make the next one wait."""

    def __init__(
        self,
        accounts: Accounts,
        passwords: Passwords,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        factor: Factor = Factor.ENROLLED,
        several_roles: bool = False,
        networks: Networks | None = None,
        sealer: Sealer | None = None,
        journal: Journal | None = None,
        admit: Callable[[str], str] = lambda agent: "",
    ) -> None:
        """several_roles: a person may hold more than one.  admit: why this agent may not work now, or empty."""
        self.people: People = accounts if isinstance(accounts, People) else WithoutFactors(accounts)
        self.sealer = sealer or Sealer.new()
        self.networks = networks or Networks()
        self._passwords = passwords
        self._lockout = Lockout()
        self._clock = clock
        self._wall = wall
        self._factor = factor
        self._several_roles = several_roles
        self._journal = journal or LoggedJournal()
        self._admit = admit
        self._refusals = Looks()
        self._secret = secrets.token_bytes(32)
        self._remembered: dict[bytes, tuple[float, str]] = {}
        """Keyed digest of name, password and address: (until, what it was checked against)."""
        self._enrolments: dict[str, tuple[float, Enrolment]] = {}

    async def check(self, name: str, password: str, source: str) -> Account | Refused:
        """The account, when name and password are all that it takes."""
        who = await self.log_in(name, password, "", Caller(source), how="password")
        return Refused() if isinstance(who, Enrolment) else who

    async def log_in(
        self, name: str, password: str, code: str, caller: Caller, *, how: str = "log-in page"
    ) -> Account | Refused | Enrolment:
        """Whoever proves who they are; noted in the audit log, and so is everybody who does not."""
        name = name[:MAXIMUM_NAME]
        now = self._clock()
        wait_s = self._lockout.wait_s(name, caller.source, now)
        if wait_s > 0:
            return await self._refuse("", caller, "must wait after failures", wait_s)
        self._lockout.receive_attempt(name, caller.source, now)
        row = await self.people.person(name) if _printable(name) else None
        fits = await self._passwords.verify(row.password_hash if row else None, password)
        if row is None:
            return await self._refuse("", caller, "no such name")
        account = self.account_of(row)
        trouble = "wrong password" if not fits else self._trouble(row, account, caller)
        if trouble or account is None:
            return await self._refuse(name, caller, trouble)
        if self.needs_code(row, account, caller):
            if not row.totp:
                return self._enrol(account)
            if not await self._code_fits(row, code):
                return await self._refuse(name, caller, "wrong code" if code else "no code")
        return await self._welcome(account, caller, how)

    async def finish_enrolment(self, token: str, code: str, caller: Caller) -> Account | Refused | Enrolment:
        """The first code of a new second factor: from now on it is asked for."""
        until, enrolment = self._enrolments.get(token, (0.0, None))
        if enrolment is None or self._clock() >= until:
            return Refused()
        account, step = enrolment.account, matching_step(enrolment.secret, code, self._wall())
        if step is None:
            return enrolment
        del self._enrolments[token]
        row = await self.people.person(account.name)
        if row is None or row.totp or self.account_of(row) != account:
            return Refused()
        try:
            await self._journal.note(account.name, "enrol second factor", subject=f"from {caller.source}", reason="")
        except UsageError as error:
            return Refused(closed=str(error))
        await self.people.set_totp(account.name, self.sealer.seal(enrolment.secret, account.name))
        await self.people.use_totp_step(account.name, step)
        return await self._welcome(account, caller, "log-in page")

    async def prove(self, account: Account, password: str, code: str, caller: Caller) -> bool | Refused:
        """Once more, by somebody who is logged in already, before something dangerous."""
        who = await self.log_in(account.name, password, code, caller, how="proved again")
        if isinstance(who, Refused) and (who.wait_s > 0 or who.closed):
            return who
        return who == account

    async def check_basic(self, header: str, caller: Caller | str) -> Account | Refused:
        """The account of an Authorization header's value. Who needs a code cannot log in so."""
        caller = Caller(caller) if isinstance(caller, str) else caller
        credentials = _basic(header)
        if credentials is None:
            return Refused()
        name, password = credentials
        if len(name) > MAXIMUM_NAME or len(password) > MAXIMUM_PASSWORD:
            return Refused()
        from_where = f"{name}\0{password}\0{caller.source}\0{caller.forwarded}"
        digest = hmac.digest(self._secret, from_where.encode(), "sha256")
        until, checked_against = self._remembered.get(digest, (0.0, ""))
        if self._clock() < until:
            # The store is asked each time, so that a changed password or role counts at once.
            row = await self.people.person(name)
            account = self.account_of(row) if row is not None else None
            if row is not None and account is not None and stamp_of(row) == checked_against:
                return account
        self._remembered.pop(digest, None)
        who = await self.log_in(name, password, "", caller, how="HTTP Basic")
        if isinstance(who, Enrolment):
            return Refused()
        row = await self.people.person(name)
        if isinstance(who, Account) and row is not None:
            self._forget_old()
            self._remembered[digest] = (self._clock() + REMEMBER_S, stamp_of(row))
        return who

    def needs_code(self, row: AccountRow, account: Account, caller: Caller) -> bool:
        if account.role is Role.AGENT:
            return False
        if row.totp or self._factor is Factor.ALWAYS:
            return True
        here = is_this_machine(caller.source) and not caller.forwarded
        return self._factor is Factor.NETWORK and not here

    def account_of(self, row: AccountRow) -> Account | None:
        """None where the account is shut, or its roles are not such as the site allows."""
        return None if row.disabled else account_from(row.name, row.role, several=self._several_roles)

    def _trouble(self, row: AccountRow, account: Account | None, caller: Caller) -> str:
        if row.disabled:
            return "the account is shut"
        if account is None:
            return f'the site does not allow the roles "{row.role}"'
        is_agent = account.role is Role.AGENT
        return self.networks.refuse(caller.source, is_agent=is_agent) or (self._admit(row.name) if is_agent else "")

    async def _code_fits(self, row: AccountRow, code: str) -> bool:
        secret = self.sealer.open(row.totp, row.name)
        step = None if secret is None else matching_step(secret, code, self._wall())
        return step is not None and await self.people.use_totp_step(row.name, step)

    def _enrol(self, account: Account) -> Enrolment:
        now = self._clock()
        self._enrolments = {
            token: (until, each)
            for token, (until, each) in self._enrolments.items()
            if until > now and each.account.name != account.name
        }
        enrolment = Enrolment(secrets.token_urlsafe(24), secrets.token_bytes(SECRET_BYTES), account)
        self._enrolments[enrolment.token] = (now + ENROL_S, enrolment)
        return enrolment

    async def _welcome(self, account: Account, caller: Caller, how: str) -> Account | Refused:
        try:
            roles = " ".join(sorted(account.roles))
            await self._journal.note(account.name, "log in", subject=f"from {caller.source}", reason=f"{how}, {roles}")
        except UsageError as error:
            return Refused(closed=str(error))
        self._lockout.receive_success(account.name, caller.source)
        return account

    async def _refuse(self, name: str, caller: Caller, why: str, wait_s: float = 0.0) -> Refused:
        """Noted without the name where it is nobody's: people type passwords there."""
        if wait_s <= 0 or self._refusals.is_new(caller.source, now=self._clock(), for_s=REFUSALS_APART_S):
            try:
                await self._journal.note(name or "unknown", "refused", subject=f"from {caller.source}", reason=why)
            except UsageError as error:
                return Refused(wait_s, str(error))
        return Refused(wait_s)

    def _forget_old(self) -> None:
        now = self._clock()
        for digest in [digest for digest, (until, _) in self._remembered.items() if until <= now]:
            del self._remembered[digest]


def stamp_of(row: AccountRow) -> str:
    """Another one as soon as password, roles, second factor or state are."""
    return "\0".join((row.password_hash, row.role, row.totp, str(row.disabled)))


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
