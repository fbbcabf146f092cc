"""Agents' phones: who they are, where they are, and whether somebody who says so is one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from softswitch.errors import PeerError
from softswitch.sip.digest import Authenticator, Nonces
from softswitch.sip.layer import Address
from softswitch.sip.message import Request, Response, response_to
from softswitch.sip.uri import Uri
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


@dataclass(frozen=True, slots=True)
class PhoneBinding:
    """Where to ring a phone."""

    target: Uri
    """Its Contact: goes into the request line."""
    source: Address
    """Where its REGISTER came from: datagrams go there."""


class PhoneDesk:
    """Registers phones by digest, tells who sent an INVITE, and keeps where each phone is."""

    MIN_EXPIRES_S = 30
    MAX_EXPIRES_S = 3600

    def __init__(self, phones: list[PhoneAccount], *, realm: str, new_token: Callable[[], str]) -> None:
        self.new_token = new_token
        self._by_username = {phone.username: phone for phone in phones}
        self._by_agent = {phone.agent: phone for phone in phones}
        secret = "".join(new_token() for _ in range(8)).encode()
        self._authenticator = Authenticator(realm, self._password_of, Nonces(secret, new_token))
        self._bindings: dict[str, tuple[PhoneBinding, float]] = {}
        self._events: list[PhoneEvent] = []

    def knows(self, username: str) -> bool:
        return username in self._by_username

    def account_of(self, agent: str) -> PhoneAccount:
        return self._by_agent[agent]

    def authenticate(self, request: Request, now: float) -> PhoneAccount | Response:
        """Whose phone it is, or the 401 to answer with; a stranger gets the same as a wrong password."""
        try:
            proof = self._authenticator.check(request, now)
        except PeerError as error:
            return response_to(request, error.status, to_tag=self.new_token())
        if proof.username is None:
            return self._authenticator.challenge(request, proof, now, to_tag=self.new_token())
        return self._by_username[proof.username]

    def receive_register(self, request: Request, source: Address, now: float) -> Response:
        found = self.authenticate(request, now)
        if isinstance(found, Response):
            return found
        if request.to.uri.user != found.username:
            return response_to(request, 403, to_tag=self.new_token())
        contact = request.contacts[0] if request.contacts else None
        asked = contact.params.get("expires") if contact else None
        expires_s = int(asked) if asked and asked.isdigit() else (3600 if request.expires is None else request.expires)
        if request.has_wildcard_contact or (contact and expires_s == 0):
            self._drop(found.agent)
            return response_to(request, 200, to_tag=self.new_token())
        headers: list[tuple[str, object]] = []
        if contact is not None:
            expires_s = max(self.MIN_EXPIRES_S, min(expires_s, self.MAX_EXPIRES_S))
            if found.agent not in self._bindings:
                self._events.append(PhoneRegistered(found.agent))
            self._bindings[found.agent] = (PhoneBinding(contact.uri, source), now + expires_s)
            headers.append(("Contact", f"<{contact.uri}>;expires={expires_s}"))
        return response_to(request, 200, to_tag=self.new_token(), headers=headers)

    def binding_of(self, agent: str, now: float) -> PhoneBinding | None:
        binding, until = self._bindings.get(agent, (None, 0.0))
        return binding if until > now else None

    def handle_timer(self, now: float) -> None:
        for agent, (_, until) in list(self._bindings.items()):
            if until <= now:
                self._drop(agent)

    def next_timer(self) -> float | None:
        return min((until for _, until in self._bindings.values()), default=None)

    def take_events(self) -> list[PhoneEvent]:
        events, self._events = self._events, []
        return events

    def _drop(self, agent: str) -> None:
        if self._bindings.pop(agent, None) is not None:
            self._events.append(PhoneExpired(agent))

    def _password_of(self, username: str) -> str | None:
        phone = self._by_username.get(username)
        return None if phone is None else phone.password
