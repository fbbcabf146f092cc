"""Registrations of our carrier accounts, on top of the transaction layer."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import TypeAlias

from softswitch.sip.hop import Hop
from softswitch.sip.layer import Transaction, TransactionLayer
from softswitch.sip.locating import Chance
from softswitch.sip.message import Response
from softswitch.sip.registration import Registered, Registration, RegistrationFailed, State
from softswitch.sip.uri import Uri
from softswitch.ua.accounts import AccountFailed, AccountRegistered, Carrier
from softswitch.ua.health import HealthDesk

AccountEvent: TypeAlias = AccountRegistered | AccountFailed


class _Course:
    """One account's registration, and the server with which it is kept."""

    def __init__(self, carrier: Carrier) -> None:
        self.carrier = carrier
        self.registration: Registration | None = None
        """Made once it is known where the carrier is."""
        self.hop: Hop | None = None
        self.tried: set[Hop] = set()
        """In this round; the next begins after a pause."""
        self.open: Transaction | None = None
        self.silent_at: float | None = None
        """When to try another server than the one that has not answered."""
        self.is_leaving = False
        """The account is used no more; it goes once the registrar knows, or does not answer."""

    @property
    def who(self) -> tuple[Uri, str]:
        """Whom the registrar knows us as: what one course takes back, another one must not have registered."""
        account = self.carrier.account
        return account.identity(account.username), account.host

    def next_hop(self) -> Hop:
        """The server that has us, as long as it is there; else the best of those that were not tried in this round."""
        targets = self.carrier.targets
        own = self.hop
        if own is not None and own not in self.tried and own in targets and targets.may_be_tried(own):
            return own
        untried = [hop for hop in targets.order() if hop not in self.tried]
        return untried[0] if untried else targets.hops[0]

    @property
    def has_another(self) -> bool:
        return any(
            hop not in self.tried and self.carrier.targets.may_be_tried(hop) for hop in self.carrier.targets.hops
        )


class RegistrationDesk:
    """Sends what each account's `Registration` asks for and keeps the account's state by what it reports.

    A server that does not answer, or says 503, is left for the next one of the account at once (RFC 3263 §4.3); only
    when each has been tried does the registration count as failed and pause.
    """

    def __init__(
        self,
        carriers: Mapping[str, Carrier],
        layer: TransactionLayer,
        health: HealthDesk,
        *,
        contact: Callable[[str, Hop], Uri],
        new_token: Callable[[], str],
        user_agent: str,
        chance: Chance,
    ) -> None:
        self._layer = layer
        self._health = health
        self._contact = contact
        self._new_token = new_token
        self._user_agent = user_agent
        self._chance = chance
        self._running = False
        self._courses = [_Course(carrier) for carrier in carriers.values() if carrier.account.register]
        self._open: dict[Transaction, _Course] = {}
        self._events: deque[AccountEvent] = deque()

    def start(self, now: float) -> None:
        self._running = True
        for course in self._courses:
            self._start(course, now)

    def stop(self, now: float) -> None:
        self._running = False
        for course in self._courses:
            if course.registration is not None:
                course.registration.stop(now)
                self._settle(course, now)

    def add(self, carrier: Carrier, now: float) -> None:
        """An account that is new. Where the same user's registration is just being taken back, it waits for that: a
        registrar may take both in any order."""
        if carrier.account.register:
            course = _Course(carrier)
            self._courses.append(course)
            if self._running:
                self._start(course, now)

    def remove(self, carrier: Carrier, now: float) -> None:
        """An account that is used no more: its registration is taken back."""
        for course in [each for each in self._courses if each.carrier is carrier]:
            course.is_leaving = True
            if course.registration is None:
                self._forget(course, now)
            else:
                course.registration.stop(now)
                self._settle(course, now)

    def targets_known(self, carrier: Carrier, now: float) -> None:
        """It is known, or known anew, where the carrier is."""
        for course in self._courses:
            if course.carrier is carrier and self._running and not course.is_leaving:
                self._start(course, now)

    def receive_response(self, transaction: Transaction, response: Response, now: float) -> None:
        """Responses to what is none of ours are ignored."""
        course = self._open.get(transaction)
        if course is None or response.status < 200:
            return
        del self._open[transaction]
        if course.open is not transaction or course.registration is None:
            return  # another server has been asked since
        if response.status == 503:
            self._health.receive_busy(transaction.destination, response, now)
            if self._move_on(course, now):
                return
        elif response.status in (401, 407, 423):
            course.tried.discard(transaction.destination)  # it is to have what it asks for
        else:
            course.tried.clear()
        course.silent_at = None
        course.registration.receive_response(response, now)
        self._settle(course, now)

    def receive_failure(self, transaction: Transaction, now: float) -> None:
        course = self._open.pop(transaction, None)
        if course is None:
            return
        self._health.receive_trouble(transaction.destination, now)
        if course.open is transaction and course.registration is not None and not self._move_on(course, now):
            course.silent_at = None
            course.registration.receive_failure(now)
            self._settle(course, now)

    def handle_timer(self, now: float) -> None:
        for course in list(self._courses):
            if course.registration is None:
                continue
            if course.silent_at is not None and course.silent_at <= now:
                course.silent_at = None
                if course.open is not None:
                    self._health.receive_trouble(course.open.destination, now)
                self._move_on(course, now)
            due = course.registration.next_timer()
            if due is not None and due <= now:
                if course.open is None:
                    course.tried.clear()
                course.registration.handle_timer(now)
                self._settle(course, now)

    def next_timer(self) -> float | None:
        earliest: float | None = None
        for course in self._courses:
            own = None if course.registration is None else course.registration.next_timer()
            for at in (own, course.silent_at):
                if at is not None and (earliest is None or at < earliest):
                    earliest = at
        return earliest

    def next_event(self) -> AccountEvent | None:
        return self._events.popleft() if self._events else None

    def _start(self, course: _Course, now: float) -> None:
        if any(each.is_leaving and each.who == course.who for each in self._courses):
            return
        account, targets = course.carrier.account, course.carrier.targets
        if course.registration is None and targets.hops:
            course.registration = Registration(
                registrar=account.uri(""),
                aor=account.identity(account.username),
                contact=self._contact(account.username, targets.hops[0]),
                digest=course.carrier.digest(self._new_token),
                new_token=self._new_token,
                chance=self._chance,
                expires_s=account.expires_s,
                user_agent=self._user_agent,
            )
        if course.registration is not None:
            course.registration.start(now)
            self._settle(course, now)

    def _move_on(self, course: _Course, now: float) -> bool:
        """Ask another server at once; False where none is left in this round."""
        if course.registration is None or not course.has_another:
            return False
        course.registration.move_on()
        self._settle(course, now)
        return True

    def _settle(self, course: _Course, now: float) -> None:
        registration, carrier = course.registration, course.carrier
        assert registration is not None
        course.open = course.open if course.open in self._open else None
        while (request := registration.next_request()) is not None:
            hop = course.hop = course.next_hop()
            course.tried.add(hop)
            registration.move_contact(self._contact(carrier.account.username, hop))
            course.open = self._layer.send_request(request, hop, now)
            self._open[course.open] = course
            course.silent_at = now + carrier.account.failover_after_s if course.has_another else None
        carrier.is_registered = registration.is_registered  # a failed refresh leaves it standing until it lapses
        carrier.service_route = registration.service_route
        name = carrier.account.name
        while (event := registration.next_event()) is not None:
            if course.is_leaving:
                continue
            if isinstance(event, Registered):
                carrier.refusal = 0
                self._events.append(AccountRegistered(name))
            elif isinstance(event, RegistrationFailed):
                carrier.refusal = event.status
                self._events.append(AccountFailed(name, event.status, event.reason))
        if course.is_leaving and registration.state is State.IDLE:
            self._forget(course, now)

    def _forget(self, course: _Course, now: float) -> None:
        self._courses.remove(course)
        for other in self._courses:
            if self._running and not other.is_leaving and other.who == course.who:
                self._start(other, now)
