"""Registrations of our carrier accounts: each kept alive, and tried again with growing pauses."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from softswitch.errors import PeerError
from softswitch.sip.dialog import MAX_FORWARDS
from softswitch.sip.digest import ClientDigest
from softswitch.sip.headers import NameAddr
from softswitch.sip.layer import Transaction, TransactionLayer
from softswitch.sip.message import Request, Response
from softswitch.sip.uri import Uri
from softswitch.ua.accounts import AccountFailed, AccountRegistered, AccountState, Carrier

AccountEvent: TypeAlias = AccountRegistered | AccountFailed


class Registration:
    """One account's."""

    def __init__(self, carrier: Carrier, contact: NameAddr, new_token: Callable[[], str]) -> None:
        self.carrier = carrier
        self.contact = contact
        self.call_id = new_token()
        self.tag = new_token()
        self.cseq = 0
        self.due: float | None = None
        self.failures = 0
        own = carrier.account
        self.digest = ClientDigest(own.username, own.password, new_token, realm=own.realm or None)

    def request(self, expires_s: int) -> Request:
        own = self.carrier.account
        host = own.domain or own.host
        host = f"[{host}]" if ":" in host else host
        user = NameAddr(Uri("sip", own.username, host))
        self.cseq += 1
        request = Request("REGISTER", Uri("sip", "", host, own.port if not own.domain and own.port != 5060 else None))
        for name, value in (
            ("Max-Forwards", MAX_FORWARDS),
            ("From", user.with_tag(self.tag)),
            ("To", user),
            ("Call-ID", self.call_id),
            ("CSeq", f"{self.cseq} REGISTER"),
            ("Contact", self.contact),
            ("Expires", expires_s),
        ):
            request.headers.add(name, value)
        return request


class RegistrationDesk:
    """All registrations, on top of the transaction layer."""

    def __init__(
        self,
        carriers: Mapping[str, Carrier],
        layer: TransactionLayer,
        contact: Callable[[str], NameAddr],
        new_token: Callable[[], str],
    ) -> None:
        self._layer = layer
        self._registrations = [
            Registration(carrier, contact(carrier.account.username), new_token)
            for carrier in carriers.values()
            if carrier.account.register
        ]
        self._open: dict[Transaction, Registration] = {}
        self._events: list[AccountEvent] = []
        self._stopping = False

    def start(self, now: float) -> None:
        for registration in self._registrations:
            self._send(registration, now)

    def stop(self, now: float) -> None:
        self._stopping = True
        for registration in self._registrations:
            registration.due = None
            if registration.carrier.state is AccountState.REGISTERED:
                self._send(registration, now)

    def handle_timer(self, now: float) -> None:
        for registration in self._registrations:
            if registration.due is not None and registration.due <= now:
                registration.due = None
                self._send(registration, now)

    def next_timer(self) -> float | None:
        return min((each.due for each in self._registrations if each.due is not None), default=None)

    def take_events(self) -> list[AccountEvent]:
        events, self._events = self._events, []
        return events

    def receive_response(self, transaction: Transaction, response: Response, now: float) -> None:
        registration = self._open.get(transaction)
        if registration is None or response.status < 200:
            return
        del self._open[transaction]
        if response.status in (401, 407):
            try:
                again = registration.digest.receive_challenge(response, transaction.request)
            except PeerError:
                again = False
            if again:
                self._send(registration, now, authorised=True)
                return
        if response.status < 300:
            self._succeed(registration, response, now)
        else:
            self._fail(registration, response.status, response.reason, now)

    def receive_timeout(self, transaction: Transaction, now: float) -> None:
        registration = self._open.pop(transaction, None)
        if registration is not None:
            self._fail(registration, 408, "no response", now)

    def _send(self, registration: Registration, now: float, *, authorised: bool = False) -> None:
        account = registration.carrier.account
        request = registration.request(0 if self._stopping else account.expires_s)
        if authorised:
            registration.digest.authorise(request)
        self._open[self._layer.send_request(request, account.address, now)] = registration

    def _succeed(self, registration: Registration, response: Response, now: float) -> None:
        carrier = registration.carrier
        if self._stopping:
            carrier.state = AccountState.UNREGISTERED
            return
        registration.failures = 0
        granted = [contact.params.get("expires") for contact in response.contacts]
        seconds = [int(text) for text in granted if text and text.isdigit()]
        expires_s = min(seconds, default=response.expires or carrier.account.expires_s)
        registration.due = now + max(expires_s * 0.85, 1.0)
        if carrier.state is not AccountState.REGISTERED:
            carrier.state = AccountState.REGISTERED
            self._events.append(AccountRegistered(carrier.account.name))

    def _fail(self, registration: Registration, status: int, reason: str, now: float) -> None:
        registration.carrier.state = AccountState.UNREGISTERED
        if self._stopping:
            return
        registration.failures += 1
        registration.due = now + min(300.0, 5.0 * 2 ** (registration.failures - 1))
        self._events.append(AccountFailed(registration.carrier.account.name, status, reason))
