"""Registrations of our carrier accounts, on top of the transaction layer."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import TypeAlias

from softswitch.sip.hop import Hop
from softswitch.sip.layer import Transaction, TransactionLayer
from softswitch.sip.message import Response
from softswitch.sip.registration import Registered, Registration, RegistrationFailed
from softswitch.sip.uri import Uri
from softswitch.ua.accounts import AccountFailed, AccountRegistered, AccountState, Carrier

AccountEvent: TypeAlias = AccountRegistered | AccountFailed


class RegistrationDesk:
    """Sends what each account's `Registration` asks for and keeps the account's state by what it reports."""

    def __init__(
        self,
        carriers: Mapping[str, Carrier],
        layer: TransactionLayer,
        *,
        contact: Callable[[str, Hop], Uri],
        new_token: Callable[[], str],
        user_agent: str,
    ) -> None:
        self._layer = layer
        self._registrations: list[tuple[Carrier, Registration]] = []
        for carrier in carriers.values():
            if carrier.account.register:
                uri = contact(carrier.account.username, carrier.account.hop)
                self._registrations.append((carrier, _registration(carrier, uri, new_token, user_agent)))
        self._open: dict[Transaction, tuple[Carrier, Registration]] = {}
        self._events: deque[AccountEvent] = deque()

    def start(self, now: float) -> None:
        for carrier, registration in self._registrations:
            registration.start(now)
            self._settle(carrier, registration, now)

    def stop(self, now: float) -> None:
        for carrier, registration in self._registrations:
            registration.stop(now)
            self._settle(carrier, registration, now)

    def receive_response(self, transaction: Transaction, response: Response, now: float) -> None:
        """Responses to what is none of ours are ignored."""
        found = self._open.get(transaction)
        if found is None or response.status < 200:
            return
        del self._open[transaction]
        carrier, registration = found
        registration.receive_response(response, now)
        self._settle(carrier, registration, now)

    def receive_failure(self, transaction: Transaction, now: float) -> None:
        found = self._open.pop(transaction, None)
        if found is not None:
            carrier, registration = found
            registration.receive_failure(now)
            self._settle(carrier, registration, now)

    def handle_timer(self, now: float) -> None:
        for carrier, registration in self._registrations:
            due = registration.next_timer()
            if due is not None and due <= now:
                registration.handle_timer(now)
                self._settle(carrier, registration, now)

    def next_timer(self) -> float | None:
        deadlines = [registration.next_timer() for _, registration in self._registrations]
        return min((at for at in deadlines if at is not None), default=None)

    def next_event(self) -> AccountEvent | None:
        return self._events.popleft() if self._events else None

    def _settle(self, carrier: Carrier, registration: Registration, now: float) -> None:
        while (request := registration.next_request()) is not None:
            transaction = self._layer.send_request(request, carrier.account.hop, now)
            self._open[transaction] = (carrier, registration)
        name = carrier.account.name
        while (event := registration.next_event()) is not None:
            if isinstance(event, Registered):
                carrier.state = AccountState.REGISTERED
                self._events.append(AccountRegistered(name))
                continue
            # A failed refresh leaves the registration standing until it lapses.
            carrier.state = AccountState.REGISTERED if registration.is_registered else AccountState.UNREGISTERED
            if isinstance(event, RegistrationFailed):
                self._events.append(AccountFailed(name, event.status, event.reason))


def _registration(carrier: Carrier, contact: Uri, new_token: Callable[[], str], user_agent: str) -> Registration:
    account = carrier.account
    return Registration(
        registrar=account.uri(""),
        aor=account.identity(account.username),
        contact=contact,
        digest=carrier.digest(new_token),
        new_token=new_token,
        expires_s=account.expires_s,
        user_agent=user_agent,
    )
