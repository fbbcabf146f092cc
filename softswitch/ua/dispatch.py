"""What the transaction layer reports, taken to whom it concerns: a leg, a desk, or the house as a new call."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from softswitch.calls.bodies import forget_optional_body, session_in
from softswitch.calls.events import CallOffered, Origin
from softswitch.errors import PeerError
from softswitch.sip.dialog import MAX_FORWARDS
from softswitch.sip.identity import caller_of
from softswitch.sip.layer import (
    RequestReceived,
    ResponseReceived,
    Transaction,
    TransactionEnded,
    TransactionFailed,
    TransactionLayer,
    Trouble,
)
from softswitch.sip.message import Response, response_to
from softswitch.ua.accounts import Carrier
from softswitch.ua.health import HealthDesk
from softswitch.ua.legs import LegBook
from softswitch.ua.making import LegMaker
from softswitch.ua.phones import PhoneDesk
from softswitch.ua.reception import Caller, Reception
from softswitch.ua.registrations import RegistrationDesk
from softswitch.ua.transfers import TransferDesk
from softswitch.ua.tries import Tries


class Dispatch:
    """After any mutation of what the pool is made of: `pump`."""

    def __init__(
        self,
        layer: TransactionLayer,
        legs: LegBook,
        maker: LegMaker,
        events: deque[Any],
        *,
        carriers: Mapping[str, Carrier],
        phones: PhoneDesk,
        reception: Reception,
        health: HealthDesk,
        registrations: RegistrationDesk,
        transfers: TransferDesk,
        tries: Tries,
        new_token: Callable[[], str],
    ) -> None:
        """events: where `CallOffered` goes."""
        self.is_stopping = False
        """New calls are refused."""
        self._layer = layer
        self._legs = legs
        self._maker = maker
        self._events = events
        self._carriers = carriers
        self._phones = phones
        self._reception = reception
        self._health = health
        self._registrations = registrations
        self._transfers = transfers
        self._tries = tries
        self._new_token = new_token

    def pump(self, now: float) -> None:
        """Take every event of the layer to whom it concerns."""
        self.pump_layer(now)
        while self._tries.failed:  # calls that have failed here go on elsewhere
            self._tries.proceed(now)
            self.pump_layer(now)

    def pump_layer(self, now: float) -> None:
        while (event := self._layer.next_event()) is not None:
            match event:
                case RequestReceived():
                    self._receive_request(event, now)
                case ResponseReceived():
                    self._receive_response(event, now)
                case TransactionFailed(transaction, trouble):
                    self._receive_trouble(transaction, trouble, now)
                case TransactionEnded(transaction):
                    leg = self._legs.owners.pop(transaction, None)
                    if leg is not None:
                        leg.receive_end(transaction)
                        self._legs.settle(leg)

    def _receive_trouble(self, transaction: Transaction, trouble: Trouble, now: float) -> None:
        leg = self._legs.owners.get(transaction)
        if leg is not None:
            if not transaction.is_server:
                self._health.receive_trouble(transaction.destination, now)
            leg.receive_trouble(transaction, trouble, now)
            self._legs.settle(leg)
        elif not self._health.receive_failure(transaction, now):
            self._registrations.receive_failure(transaction, now)

    def _receive_response(self, event: ResponseReceived, now: float) -> None:
        leg = self._legs.owners.get(event.transaction)
        if leg is not None:
            # Within a call a 503 is the call's: whoever is at its end may say it, while the server takes others.
            if event.response.status == 503 and not event.transaction.request.to_tag:
                self._health.receive_busy(event.transaction.destination, event.response, now)
            leg.receive_response(event.transaction, event.response, now)
            self._legs.settle(leg)
        elif not self._health.receive_response(event.transaction, event.response, now):
            self._registrations.receive_response(event.transaction, event.response, now)

    def _receive_request(self, event: RequestReceived, now: float) -> None:
        request, transaction = event.request, event.transaction
        forget_optional_body(request)
        leg = self._legs.of_dialog(request.call_id, request.to_tag or "")
        if transaction is None:
            if leg is not None:
                leg.receive_request(None, request, now)
                self._legs.settle(leg)
            return
        if event.cancels is not None:
            leg = self._legs.owners.get(event.cancels)
            tag = leg.local_tag if leg is not None else self._new_token()
            self._layer.respond(transaction, response_to(request, 200, to_tag=tag), now)
            if leg is not None:
                leg.receive_cancel(event.cancels, now)
                self._legs.settle(leg)
            return
        decision = self._reception.receive(request, event.source, now, inside=leg is not None)
        if isinstance(decision, Response):
            self._layer.respond(transaction, decision, now)
        elif leg is not None:
            self._legs.owners[transaction] = leg
            line = self._legs.line_of(leg)
            if line is not None and line.is_cut:
                line.follow(event.source)
            leg.receive_request(transaction, request, now)
            self._legs.settle(leg)
        elif isinstance(decision, Caller):
            self._offer_call(transaction, decision, event, now)

    def _offer_call(self, transaction: Transaction, caller: Caller, event: RequestReceived, now: float) -> None:
        """An INVITE from somebody who may send one."""
        request = event.request
        if self.is_stopping:
            self._layer.respond(transaction, self._reception.refuse(request, 503), now)
            return
        if self._transfers.loops(request):
            self._layer.respond(transaction, self._reception.refuse(request, 482), now)
            return
        try:
            replaces = self._transfers.leg_replaced_by(request, caller.source)
            offer = session_in(request)
            if caller.origin is Origin.TRUNK:
                leg = self._maker.from_carrier(self._carriers[caller.source], transaction, event, now)
            else:
                leg = self._maker.from_phone(self._phones.account_of(caller.source), transaction, event, now)
        except PeerError as error:
            self._layer.respond(transaction, self._reception.refuse(request, error.status), now)
            return
        leg.replaces = replaces
        called, calling, verstat = request.uri.number, request.from_.uri.number, ""
        if caller.origin is Origin.TRUNK:
            account = self._carriers[caller.source].account
            calling = caller_of(request, trusted=account.trusts_identity)
            verstat = account.verify(request, account.trusts_identity) if account.verify is not None else ""
        hops = MAX_FORWARDS if request.max_forwards is None else request.max_forwards
        self._events.append(
            CallOffered(leg.leg_id, caller.origin, caller.source, called, calling, offer, hops, replaces, verstat)
        )
        self._legs.settle(leg)
