"""Carrier accounts and phone accounts, and what the pool keeps of a carrier: registration, channels, calls a second."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from softswitch.errors import UsageError
from softswitch.sip.digest import ClientDigest, RealmPin
from softswitch.sip.hop import DEFAULT_PORT, Hop, default_port
from softswitch.sip.identity import ANONYMOUS, IdentityStyle, present
from softswitch.sip.locating import Chance, Server, is_address
from softswitch.sip.message import Request
from softswitch.sip.uri import Uri, host_of
from softswitch.sip.values import NameAddr
from softswitch.ua.targets import Targets


@dataclass(frozen=True, slots=True)
class CarrierAccount:
    """A way to the telephone network, or, seen from the other end, to a switch where we are a phone."""

    name: str
    host: str
    """Where INVITEs go and the only place from which this account's calls are taken: an IP address, or a name whose
    addresses come later, by `UserAgentPool.set_targets`."""
    port: int | None = None
    """None: whatever DNS says, or the transport's own."""
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
    transport: str = ""
    """UDP, TCP or TLS; empty: whatever DNS says, or UDP."""
    failover_after_s: float = 4.0
    """A server that has not answered a request at all for so long is left for the next one, where there is one."""
    options_s: float = 0.0
    """Pause between the OPTIONS that ask each server whether it is there; 0: none are sent."""
    identity_style: IdentityStyle = IdentityStyle.FROM
    """How it is told the caller id."""
    withholds: bool = False
    """The caller id is withheld from callees (RFC 3323)."""
    trusts_identity: bool = False
    """Its P-Asserted-Identity is believed."""
    sign: Callable[[Request, str], None] | None = None
    """Signs an INVITE for its caller id (RFC 8224)."""
    verify: Callable[[Request, bool], str] | None = None
    """The verstat of an INVITE that came in; told whether its P-Asserted-Identity is believed."""

    @property
    def servers(self) -> tuple[Server, ...]:
        """Where its requests go, as far as that is known without DNS."""
        if not is_address(self.host):
            return ()
        transport = self.transport or "UDP"
        name = self.domain if transport == "TLS" else ""
        return (Server((Hop(self.host.strip("[]"), self.port or default_port(transport), transport, name=name),)),)

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

    def caller(self, caller_id: str) -> NameAddr:
        """What From says of a call of ours."""
        if self.withholds:
            return ANONYMOUS
        if self.identity_style is IdentityStyle.NONE:
            return NameAddr(self.identity(self.username or "anonymous"))
        return NameAddr(self.identity(caller_id or self.caller_id or self.username or "anonymous"))

    def vouching(self, caller_id: str) -> Callable[[Request], None] | None:
        """What writes into each INVITE who calls, beside From; None where From says all."""
        caller_id = caller_id or self.caller_id
        style = self.identity_style
        in_from = style in (IdentityStyle.FROM, IdentityStyle.NONE) and not self.withholds
        if not caller_id or (in_from and self.sign is None):
            return None

        def vouch(request: Request) -> None:
            present(request, style, self.identity(caller_id), withheld=self.withholds)
            if self.sign is not None:
                self.sign(request, caller_id)

        return vouch

    @property
    def _domain(self) -> str:
        return host_of(self.domain or self.host.strip("[]"))

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
    """Whether a carrier account can carry calls, and if not, why."""

    REGISTERED = "registered"
    UNREGISTERED = "unregistered"
    STATIC = "static"
    """No registration asked for."""
    UNREACHABLE = "unreachable"
    """None of its servers answers OPTIONS, or each has asked to be left alone for a while."""
    UNRESOLVED = "unresolved"
    """DNS has not yet said where it is."""


USABLE: Final = frozenset({AccountState.REGISTERED, AccountState.STATIC})


@dataclass(frozen=True, slots=True)
class AccountRegistered:
    account: str


@dataclass(frozen=True, slots=True)
class AccountFailed:
    """A registration failed or lapsed, or no server is reachable any more; it is tried again by itself."""

    account: str
    status: int
    """408 where nobody answered."""
    reason: str


@dataclass(frozen=True, slots=True)
class AccountReachable:
    """A server of the account can be used again."""

    account: str


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

    def next_at(self, now: float) -> float:
        """When the next token can be taken: `now` where one is there."""
        if self._rate_per_s <= 0 or self._at is None:
            return now
        tokens = self._tokens + max(0.0, now - self._at) * self._rate_per_s
        return now + max(0.0, 1.0 - 1e-9 - tokens) / self._rate_per_s


class Carrier:
    """One account at work: where it is, which legs it carries and whether another may start."""

    def __init__(self, account: CarrierAccount, chance: Chance) -> None:
        self.account = account
        self.targets = Targets(account.servers, chance)
        self.is_registered = False
        self.refusal = 0
        """SIP status by which its registration failed last, 408 where nobody answered; 0: it stands, or has not yet."""
        self.service_route: tuple[str, ...] = ()
        """Route values of calls over it, as its registrar wishes (RFC 3608)."""
        self._legs: set[str] = set()
        self._bucket = TokenBucket(account.calls_per_second)
        self._realm = RealmPin(account.realm or None)

    @property
    def state(self) -> AccountState:
        if not self.targets.hops:
            return AccountState.UNRESOLVED
        if self.account.register and not self.is_registered:
            return AccountState.UNREGISTERED
        if not self.targets.are_usable:
            return AccountState.UNREACHABLE
        return AccountState.REGISTERED if self.account.register else AccountState.STATIC

    @property
    def calls(self) -> int:
        return len(self._legs)

    @property
    def channels_free(self) -> int:
        """Channels that no call has taken, either way."""
        return max(0, self.account.channels - len(self._legs))

    @property
    def room(self) -> int:
        """Calls that could be placed now but for the limit a second: none while the account cannot be used."""
        return self.channels_free if self.state in USABLE else 0

    def admit(self, now: float) -> str | None:
        """None where one more call may be placed now, else the reason for the log and the CDR."""
        state = self.state
        if state not in USABLE:
            return "account not registered" if state is AccountState.UNREGISTERED else f"account {state}"
        if self.channels_free == 0:
            return "all channels busy"
        if not self._bucket.take(now):
            return "too many calls a second"
        return None

    def next_call_at(self, now: float) -> float:
        """When the limit of calls a second lets the next one start."""
        return self._bucket.next_at(now)

    def digest(self, new_token: Callable[[], str]) -> ClientDigest | None:
        """Answers to the challenges of the one realm that its registration, or else its first call, was asked by."""
        return self.account.digest_for(self._realm, new_token)

    @property
    def realm(self) -> str | None:
        """The one whose challenges are answered; None: not known yet."""
        return self._realm.realm

    def know_realm(self, realm: str | None) -> None:
        """Another process was asked by this one."""
        self._realm.realm = self._realm.realm or realm

    def is_at(self, host: str) -> bool:
        """Whether this IP address is one of the carrier's: its calls come from there."""
        return self.targets.has_host(host) or host in self.account.addresses

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
        if not account.host:
            raise UsageError(f"carrier account {account.name!r} has no host: name its proxy")
        if account.channels < 1:
            raise UsageError(f"carrier account {account.name!r} has no channels: set channels to 1 or more")
