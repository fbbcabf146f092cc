"""Carrier accounts and phone accounts, and what the pool keeps of a carrier: registration, channels, calls a second."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from softswitch.errors import UsageError
from softswitch.sip.digest import ClientDigest, RealmPin
from softswitch.sip.hop import DEFAULT_PORT, Hop
from softswitch.sip.uri import Uri, host_of


@dataclass(frozen=True, slots=True)
class CarrierAccount:
    """A way to the telephone network, or, seen from the other end, to a switch where we are a phone."""

    name: str
    host: str
    """An IP address: where INVITEs go and the only address from which this account's calls are taken."""
    port: int = DEFAULT_PORT
    username: str = ""
    password: str = ""
    register: bool = False
    """Register with the host and keep registered; without it the account is usable at once."""
    expires_s: int = 300
    caller_id: str = ""
    """Presented where `place_call` is given none."""
    channels: int = 30
    """Calls at once, both ways together."""
    calls_per_second: float = 5.0
    domain: str = ""
    """The carrier's name in URIs; empty: the host."""
    addresses: tuple[str, ...] = ()
    """Further IP addresses from which this carrier's calls come."""
    realm: str = ""
    """The only realm whose challenges are answered; empty: whichever this host names."""

    @property
    def hop(self) -> Hop:
        """Where its requests go."""
        return Hop(self.host, self.port)

    def uri(self, user: str) -> Uri:
        """What a request for this user goes to: a Request-URI."""
        return Uri("sip", user, self._domain, None if self.domain or self.port == DEFAULT_PORT else self.port)

    def identity(self, user: str) -> Uri:
        """Who this user is here: From, and an address-of-record."""
        return Uri("sip", user, self._domain)

    def digest(self, new_token: Callable[[], str]) -> ClientDigest | None:
        """Answers to this carrier's challenges; None for an account without a user."""
        return self.digest_for(RealmPin(self.realm or None), new_token)

    def digest_for(self, pin: RealmPin, new_token: Callable[[], str]) -> ClientDigest | None:
        """The same for a realm that others of this account's requests have pinned, or will."""
        if not self.username:
            return None
        return ClientDigest(self.username, self.password, new_token, realm=pin)

    @property
    def _domain(self) -> str:
        return host_of(self.domain or self.host)

    def __repr__(self) -> str:
        return f"CarrierAccount({self.name!r})"  # no password in a traceback


@dataclass(frozen=True, slots=True)
class PhoneAccount:
    """An agent's phone. `agent` is the agent's id; the phone registers as `username`."""

    agent: str
    username: str
    password: str
    keepalive_s: float | None = None
    """Pause between OPTIONS in a call; None: the pool's; 0: none, for a phone that does not answer them."""

    def __repr__(self) -> str:
        return f"PhoneAccount({self.agent!r})"


class AccountState(StrEnum):
    REGISTERED = "registered"
    UNREGISTERED = "unregistered"
    STATIC = "static"
    """No registration asked for."""


@dataclass(frozen=True, slots=True)
class AccountRegistered:
    account: str


@dataclass(frozen=True, slots=True)
class AccountFailed:
    """A registration failed or lapsed; it is tried again by itself."""

    account: str
    status: int
    """408 where nobody answered."""
    reason: str


class TokenBucket:
    """Calls a second with room for one second's worth at once, and for one call at the least."""

    def __init__(self, rate_per_s: float) -> None:
        self._rate_per_s = rate_per_s
        self._size = max(1.0, rate_per_s)
        self._tokens = self._size
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Take one token; False where none is left. A rate of zero or less sets no limit."""
        if self._rate_per_s <= 0:
            return True
        if self._at is not None:
            self._tokens = min(self._size, self._tokens + max(0.0, now - self._at) * self._rate_per_s)
        self._at = now
        # The refill is a sum of floats: a token that is whole but for rounding is whole.
        if self._tokens < 1.0 - 1e-9:
            return False
        self._tokens = max(0.0, self._tokens - 1.0)
        return True


class Carrier:
    """One account at work: which legs it carries and whether another may start."""

    def __init__(self, account: CarrierAccount) -> None:
        self.account = account
        self.state = AccountState.UNREGISTERED if account.register else AccountState.STATIC
        self._legs: set[str] = set()
        self._bucket = TokenBucket(account.calls_per_second)
        self._realm = RealmPin(account.realm or None)

    @property
    def calls(self) -> int:
        return len(self._legs)

    @property
    def channels_free(self) -> int:
        return max(0, self.account.channels - len(self._legs))

    def admit(self, now: float) -> str | None:
        """None where one more call may be placed now, else the reason for the log and the CDR."""
        if self.state is AccountState.UNREGISTERED:
            return "account not registered"
        if self.channels_free == 0:
            return "all channels busy"
        if not self._bucket.take(now):
            return "too many calls a second"
        return None

    def digest(self, new_token: Callable[[], str]) -> ClientDigest | None:
        """Answers to the challenges of the one realm that its registration, or else its first call, was asked by."""
        return self.account.digest_for(self._realm, new_token)

    def occupy(self, leg_id: str) -> None:
        self._legs.add(leg_id)

    def release(self, leg_id: str) -> None:
        self._legs.discard(leg_id)


def check_accounts(accounts: list[CarrierAccount], phones: list[PhoneAccount]) -> None:
    """Raises UsageError, naming the account, where names are given twice or a channel count makes no sense."""
    names = [account.name for account in accounts]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two carrier accounts are called {name!r}: give each a name of its own")
    usernames = [phone.username for phone in phones]
    agents = [phone.agent for phone in phones]
    for phone in phones:
        if usernames.count(phone.username) > 1 or agents.count(phone.agent) > 1:
            raise UsageError(f"agent {phone.agent!r} or its phone_username is listed twice: each agent has one phone")
    for account in accounts:
        try:
            ipaddress.ip_address(account.host)
        except ValueError as error:
            raise UsageError(f"carrier account {account.name!r}: host is to be an IP address here") from error
        if account.channels < 1:
            raise UsageError(f"carrier account {account.name!r} has no channels: set channels to 1 or more")
