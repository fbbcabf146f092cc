"""Agents' phones: who they are, where they are, and whether somebody who says so is one of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from softswitch.errors import PeerError
from softswitch.sip.authenticator import Authenticator, Listener, Nonces
from softswitch.sip.hop import Hop
from softswitch.sip.message import Request, Response, response_to
from softswitch.sip.registrar import Binding, Registrar, UserRegistered
from softswitch.sip.snapshots import Snapshot
from softswitch.sip.sources import source_of
from softswitch.ua.accounts import PhoneAccount


@dataclass(frozen=True, slots=True)
class PhoneRegistered:
    """An agent's phone can be rung now."""

    agent: str


@dataclass(frozen=True, slots=True)
class PhoneExpired:
    """An agent's phone has unregistered, or did not register again in time."""

    agent: str


PhoneEvent: TypeAlias = PhoneRegistered | PhoneExpired


# RFC 8760 §2.4 would have SHA-256 offered first, and a phone that lacks it take the next challenge. Phones in the field
# do not: baresip 1.0 gives up if any challenge names an algorithm that it lacks, SIPp 3.6 reads the first one alone.
PHONE_DIGESTS = ("MD5",)


class PhoneDesk:
    """The registrar of agents' phones, and the check of who sent an INVITE: both by the same digest."""

    def __init__(
        self,
        phones: list[PhoneAccount],
        *,
        realm: str,
        new_token: Callable[[], str],
        digests: Sequence[str] = PHONE_DIGESTS,
        listener: Listener | None = None,
    ) -> None:
        """digests: what a challenge offers, in this order; "MD5", "SHA-256" and, where OpenSSL has it,
        "SHA-512-256" are known (RFC 7616).
        """
        self.new_token = new_token
        self._by_username = {phone.username: phone for phone in phones}
        self._by_agent = {phone.agent: phone for phone in phones}
        secret = "".join(new_token() for _ in range(8)).encode()
        nonces = Nonces(secret, new_token)
        self._authenticator = Authenticator(realm, self._password_of, nonces, algorithms=digests, listener=listener)
        self._registrar = Registrar(self._authenticator, new_token)

    def knows(self, username: str) -> bool:
        return username in self._by_username

    def account_of(self, agent: str) -> PhoneAccount:
        return self._by_agent[agent]

    def authenticate(self, request: Request, now: float, source: Hop | None = None) -> PhoneAccount | Response:
        """Whose phone it is, or the 401 to answer with; a stranger gets the same as a wrong password."""
        who = "" if source is None else source_of(source.host)
        try:
            proof = self._authenticator.check(request, now, source=who)
        except PeerError as error:
            return response_to(request, error.status, to_tag=self.new_token())
        if proof.username is None:
            return self._authenticator.challenge(request, proof, now, to_tag=self.new_token(), source=who)
        return self._by_username[proof.username]

    def receive_register(self, request: Request, source: Hop, now: float) -> Response:
        return self._registrar.receive_register(request, source, now)

    def binding_of(self, agent: str, now: float) -> Binding | None:
        """Where to ring an agent's phone; of several addresses the preferred, else the latest."""
        phone = self._by_agent.get(agent)
        bindings = self._registrar.bindings(phone.username, now) if phone is not None else ()
        return bindings[0] if bindings else None

    def snapshot(self, agent: str) -> list[dict[str, Any]]:
        """Where an agent's phone has registered, in plain values."""
        phone = self._by_agent.get(agent)
        return self._registrar.snapshot(phone.username) if phone is not None else []

    def restore(self, agent: str, snapshot: Iterable[Snapshot], now: float) -> None:
        """Take up the bindings of another process. KeyError for an agent who is unknown now."""
        self._registrar.restore(self._by_agent[agent].username, snapshot, now)

    def watch(self, on_phone: Callable[[str], None]) -> None:
        """Have `on_phone` told of every agent whose phone has registered, again or no more."""
        self._registrar.on_kept = lambda username: on_phone(self._by_username[username].agent)

    def drop_flow(self, hop: Hop, now: float) -> None:
        """A connection has closed: phones that registered over it cannot be rung any more (RFC 5626)."""
        self._registrar.drop_flow(hop)

    def handle_timer(self, now: float) -> None:
        self._registrar.handle_timer(now)

    def next_timer(self) -> float | None:
        return self._registrar.next_timer()

    def next_event(self) -> PhoneEvent | None:
        event = self._registrar.next_event()
        if event is None:
            return None
        agent = self._by_username[event.user].agent
        return PhoneRegistered(agent) if isinstance(event, UserRegistered) else PhoneExpired(agent)

    def _password_of(self, username: str) -> str | None:
        phone = self._by_username.get(username)
        return None if phone is None else phone.password
