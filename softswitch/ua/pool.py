"""The user agent pool: every carrier account, agent's phone and call leg of one SIP address, as one pure machine.

It is a back-to-back user agent and never a proxy: what comes in on one leg goes out on another only as an event, a
decision above, and a command. Who may send what is decided in `reception`; what leaves for a carrier passes the gate in
`lines`; legs are made in `making`.
"""

import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeAlias

from softswitch.calls.bodies import session_in
from softswitch.calls.events import CallEvent, CallOffered, Origin
from softswitch.calls.incoming import IncomingLeg
from softswitch.calls.line import Phase
from softswitch.errors import PeerError, UsageError
from softswitch.sip.dialog import MAX_FORWARDS
from softswitch.sip.hop import Hop, OwnHops
from softswitch.sip.identity import caller_of
from softswitch.sip.layer import (
    Datagram,
    RequestReceived,
    ResponseReceived,
    Transaction,
    TransactionEnded,
    TransactionFailed,
    TransactionLayer,
    Trouble,
)
from softswitch.sip.locating import Server
from softswitch.sip.message import Response, response_to
from softswitch.sip.message_ring import CallNames
from softswitch.sip.outbound import binding_response
from softswitch.sip.timers import Timers
from softswitch.ua.accounts import (
    AccountFailed,
    AccountReachable,
    AccountRegistered,
    AccountState,
    Carrier,
    CarrierAccount,
    PhoneAccount,
    check_accounts,
)
from softswitch.ua.defence import Defence, Limits, SourceBanned
from softswitch.ua.health import HealthDesk
from softswitch.ua.legs import LegBook
from softswitch.ua.lines import Gate
from softswitch.ua.making import LegMaker, NewCall
from softswitch.ua.phones import PHONE_DIGESTS, PhoneDesk, PhoneExpired, PhoneRegistered
from softswitch.ua.reception import Caller, Reception
from softswitch.ua.registrations import RegistrationDesk
from softswitch.ua.targets import chance_from
from softswitch.ua.transfers import TransferDesk
from softswitch.ua.tries import Tries

PoolEvent: TypeAlias = (
    CallEvent | AccountRegistered | AccountReachable | AccountFailed | PhoneRegistered | PhoneExpired | SourceBanned
)

_DIALLABLE = re.compile(r"[+0-9A-Za-z*._-]{1,64}")


class UserAgentPool:
    """See the module. `now` is monotonic seconds; after any call, drain `next_event` and `data_to_send`, then re-arm.

    listens: where peers reach us, which goes into Via and Contact; the first is the main one.
    realm: of our own registrar's challenges.
    gate: asked with the number immediately in front of the wire for every INVITE to a carrier; see `lines.Gate`.
    phone_digests: the algorithms that phones are challenged with, in this order.
    limits: what strangers may send; None, for a laboratory: whatever they like.
    new_token: unguessable letters and digits, such as `secrets.token_hex`.
    session_s: how long a call lives without a sign of life, as asked of peers (RFC 4028); 0: they are asked nothing.
    rings_reliably: whether callers who can acknowledge that it rings (RFC 3262) are asked to.
    may_transfer: the carrier accounts and agents who may send REFER and Replaces; by default nobody.
    Commands about a leg that is over, or that never was, do nothing: its end may have crossed them.
    """

    def __init__(
        self,
        *,
        listens: Sequence[Hop],
        realm: str,
        accounts: Iterable[CarrierAccount],
        phones: Iterable[PhoneAccount],
        gate: Gate,
        new_token: Callable[[], str],
        user_agent: str = "softswitch",
        timers: Timers | None = None,
        keepalive_s: float = 30.0,
        ring_limit_s: float = 180.0,
        phone_digests: Sequence[str] = PHONE_DIGESTS,
        session_s: int = 1800,
        rings_reliably: bool = False,
        may_transfer: Collection[str] = (),
        limits: Limits | None = None,
    ) -> None:
        account_list, phone_list = list(accounts), list(phones)
        check_accounts(account_list, phone_list)
        self.own = OwnHops(listens)
        self._new_token = new_token
        self._events: deque[PoolEvent] = deque()
        self._layer = TransactionLayer(own=self.own, new_token=new_token, timers=timers)
        self._legs = LegBook(self._events)
        self._maker = LegMaker(
            self._layer,
            self._legs,
            gate=gate,
            new_token=new_token,
            user_agent=user_agent,
            keepalive_s=keepalive_s,
            ring_limit_s=ring_limit_s,
            session_s=session_s,
            rings_reliably=rings_reliably,
            may_transfer=may_transfer,
        )
        self._transfers = TransferDesk(self._legs, may_transfer)
        chance = chance_from(new_token)
        self._carriers = {account.name: Carrier(account, chance) for account in account_list}
        self._health = HealthDesk(
            self._carriers, self._layer, new_token=new_token, user_agent=user_agent, chance=chance
        )
        self._tries = Tries(self._maker, self._legs, self._health, self._events, lambda: self._stopping)
        self._answers: list[Datagram] = []
        self.defence: Defence | None = None
        self._phones = PhoneDesk(
            phone_list, realm=realm, new_token=new_token, digests=phone_digests, listener=self._receive_password
        )
        if limits is not None:
            trusted = [address for each in account_list for address in (each.host, *each.addresses)]
            self.defence = Defence(limits, trusted=trusted, knows=self._phones.knows, in_dialog=self._is_in_dialog)
        self._registrations = RegistrationDesk(
            self._carriers,
            self._layer,
            self._health,
            contact=self.own.contact,
            new_token=new_token,
            user_agent=user_agent,
            chance=chance,
        )
        self._reception = Reception(self._carriers, self._phones, user_agent)
        self._machines = (
            self._layer, self._legs, self._phones, self._registrations, self._health, self._tries
        )  # fmt: skip
        """All that keep time."""
        self._desks = (self._phones, self._registrations, self._health)
        self._stopping = False

    # The face of a machine

    def receive_datagram(self, data: bytes, source: Hop, now: float) -> None:
        if self.defence is not None and source.host not in self.defence.trusted:
            self._receive_from_stranger(self.defence, data, source, now)
            return
        self._layer.receive_datagram(data, source, now)
        self._pump(now)

    def receive_transport_error(self, destination: Hop, now: float) -> None:
        """Nothing can be sent there: refused, unreachable, no connection, or no certificate to trust."""
        self._layer.receive_transport_error(destination, now)
        self._pump(now)

    def receive_flow_closed(self, flow: Hop, now: float) -> None:
        """A connection has ended, and with it the way to whoever was at its other end."""
        self._layer.receive_transport_error(flow, now)
        self._phones.drop_flow(flow, now)
        self._pump(now)

    def handle_timer(self, now: float) -> None:
        for machine in self._machines:
            machine.handle_timer(now)
            self._pump_layer(now)
        self._pump(now)

    def next_timer(self) -> float | None:
        earliest: float | None = None
        for machine in self._machines:
            at = machine.next_timer()
            if at is not None and (earliest is None or at < earliest):
                earliest = at
        return earliest

    def data_to_send(self) -> list[Datagram]:
        if not self._answers:
            return self._layer.data_to_send()
        answers, self._answers = self._answers, []
        return answers + self._layer.data_to_send()

    def next_event(self) -> PoolEvent | None:
        if self._events:
            return self._events.popleft()
        for desk in self._desks:
            news = desk.next_event()
            if news is not None:
                return news
        return None

    # Carriers and phones

    def start(self, now: float) -> None:
        """Begin to register the accounts that ask for it, and to ask after the carriers' health."""
        self._registrations.start(now)
        self._health.start(now)
        self._pump(now)

    def stop(self, now: float) -> None:
        """End every call, refuse new ones and unregister; go on driving it until `is_idle`."""
        self._stopping = True
        for leg_id in self._legs.ids():
            self.hang_up(leg_id, now)
        self._registrations.stop(now)
        self._health.stop()
        self._pump(now)

    @property
    def is_quiet(self) -> bool:
        """No call is up and no request of ours awaits its answer: after `stop`, the process may end."""
        return self._layer.unanswered == 0 and self._legs.are_over

    @property
    def is_idle(self) -> bool:
        """No leg and no transaction is left, not even to absorb copies."""
        return not self._legs.ids() and not self._legs.owners and len(self._layer) == 0

    def account_state(self, name: str) -> AccountState:
        """Raises KeyError for an unknown account."""
        return self._carriers[name].state

    def calls_on(self, account: str) -> int:
        return self._carriers[account].calls

    def channels_free(self, account: str) -> int:
        """Calls that this account could take on now; 0 while it is not registered, or none of its servers is there."""
        return self._carriers[account].room

    def next_call_at(self, account: str, now: float) -> float:
        """When the account's limit of calls a second lets the next one start; `now` where it may at once."""
        return self._carriers[account].next_call_at(now)

    def set_targets(self, account: str, servers: Iterable[Server], now: float) -> None:
        """DNS has said, or says anew, where a carrier is. Calls that are up stay where they are."""
        carrier = self._carriers[account]
        self._health.set_targets(carrier, servers, now)
        if self.defence is not None:
            self.defence.trusted.update(hop.host for hop in carrier.targets.hops)
        self._registrations.targets_known(carrier, now)
        self._pump(now)

    def is_registered(self, agent: str, now: float) -> bool:
        """Whether this agent's phone can be rung."""
        return self._phones.binding_of(agent, now) is not None

    def name_calls_in(self, names: CallNames) -> None:
        """Have the Call-IDs of each leg noted, so that a call's messages can be found."""
        self._legs.names = names

    # Calls

    def place_call(
        self,
        leg_id: str,
        account: str,
        number: str,
        offer: bytes,
        now: float,
        *,
        caller_id: str = "",
        otherwise: Sequence[str] = (),
        hops_left: int = MAX_FORWARDS,
    ) -> None:
        """Call a number over a carrier. What goes wrong from here on comes as `CallFailed`, also a full account.

        An empty offer asks the callee for one: `MediaReoffered` follows. hops_left: one less than that of the call
        which causes this one.

        otherwise: further accounts, tried in this order where one cannot take the call, or its servers cannot be
        reached or say 503; `CallRerouted` says so. A final answer about the callee ends the call wherever it comes
        from.

        Raises UsageError for what can only be a mistake of ours; its text holds no number.
        """
        self._check_new(leg_id)
        if not _DIALLABLE.fullmatch(number):
            raise UsageError("this number cannot be dialled: give it in E.164, a plus sign and digits")
        for name in (account, *otherwise):
            if name not in self._carriers:
                raise UsageError(f"there is no carrier account {name!r}: name one of the [[trunks]]")
        carriers = [self._carriers[name] for name in (account, *otherwise)]
        self._tries.place(NewCall(leg_id, number, offer, caller_id, hops_left), carriers, now)
        self._pump(now)

    def ring_phone(
        self, leg_id: str, agent: str, offer: bytes, now: float, *, call_ref: str, hops_left: int = MAX_FORWARDS
    ) -> None:
        """Ring an agent's phone. All that its INVITE says is made from `call_ref` and chance.

        Raises UsageError where the phone is not registered.
        """
        self._check_new(leg_id)
        binding = self._phones.binding_of(agent, now)
        if binding is None:
            raise UsageError(f"the phone of agent {agent!r} is not registered: switch it on and check its password")
        leg = self._maker.ring_phone(leg_id, self._phones.account_of(agent), binding, offer, call_ref, hops_left)
        leg.start(now)
        self._legs.settle(leg)
        self._pump(now)

    def ring(self, leg_id: str, now: float, sdp: bytes = b"") -> None:
        """Let a caller hear that it rings; with `sdp` it hears our early media."""
        leg = self._legs.get(leg_id)
        if isinstance(leg, IncomingLeg):
            leg.ring(now, sdp)
            self._legs.settle(leg)

    def answer(self, leg_id: str, sdp: bytes, now: float) -> None:
        """Accept an offered call."""
        leg = self._legs.get(leg_id)
        if isinstance(leg, IncomingLeg):
            leg.answer(sdp, now)
            self._legs.settle(leg)
            replaced = self._legs.get(leg.replaces) if leg.replaces else None
            if replaced is not None:
                replaced.give_way(now)
                self._legs.settle(replaced)

    def reject(self, leg_id: str, status: int, now: float) -> None:
        """Refuse an offered call."""
        leg = self._legs.get(leg_id)
        if isinstance(leg, IncomingLeg):
            leg.reject(status, now)
            self._legs.settle(leg)

    def hang_up(self, leg_id: str, now: float) -> None:
        """CANCEL, BYE or refusal, as fits; saying it twice does nothing more."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            self._tries.give_up(leg_id)
            leg.hang_up(now)
            self._legs.settle(leg)
            self._pump(now)

    def reoffer(self, leg_id: str, sdp: bytes, now: float) -> None:
        """Propose other media in an answered call; `ReofferAnswered` or `ReofferRefused` follows."""
        leg = self._legs.get(leg_id)
        if leg is not None and leg.phase is not Phase.OVER:
            leg.reoffer(sdp, now)
            self._legs.settle(leg)

    def answer_reoffer(self, leg_id: str, sdp: bytes | None, now: float) -> None:
        """Answer `MediaReoffered`; None refuses it and leaves the media as they are."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            leg.answer_reoffer(sdp, now)
            self._legs.settle(leg)

    # Defence

    def _receive_from_stranger(self, defence: Defence, data: bytes, source: Hop, now: float) -> None:
        if defence.admits(data, source, now):
            answer = binding_response(data, source) if data[:1] == b"\0" else None
            if answer is not None:
                self._answers.append(Datagram(answer, source))
                return
            malformed = self._layer.counters.malformed
            self._layer.receive_datagram(data, source, now)
            if self._layer.counters.malformed != malformed:
                defence.receive_malformed(source, now)
            self._pump(now)
        while (banned := defence.next_event()) is not None:
            self._events.append(banned)

    def _receive_password(self, username: str, who: str, is_right: bool, now: float) -> None:
        if self.defence is not None:
            self.defence.receive_password(username, who, is_right, now)

    def _is_in_dialog(self, call_id: str, local_tag: str) -> bool:
        return self._legs.of_dialog(call_id, local_tag) is not None

    def answer_transfer(self, leg_id: str, status: int, now: float) -> None:
        """Accept what `TransferAsked` asks (202), or refuse it (a status from 300 on). Accepting dials nobody."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            leg.answer_transfer(status, now)
            self._legs.settle(leg)

    def report_transfer(self, leg_id: str, status: int, now: float) -> None:
        """Tell who asked for a transfer how far it has come: the status of the new call."""
        leg = self._legs.get(leg_id)
        if leg is not None:
            leg.report_transfer(status, now)
            self._legs.settle(leg)

    # What the layer reports

    def _pump(self, now: float) -> None:
        """Take every event of the layer to whom it concerns."""
        self._pump_layer(now)
        while self._tries.failed:  # calls that have failed here go on elsewhere
            self._tries.proceed(now)
            self._pump_layer(now)

    def _pump_layer(self, now: float) -> None:
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
            if event.response.status == 503:
                self._health.receive_busy(event.transaction.destination, event.response, now)
            leg.receive_response(event.transaction, event.response, now)
            self._legs.settle(leg)
        elif not self._health.receive_response(event.transaction, event.response, now):
            self._registrations.receive_response(event.transaction, event.response, now)

    def _receive_request(self, event: RequestReceived, now: float) -> None:
        request, transaction = event.request, event.transaction
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
            leg.receive_request(transaction, request, now)
            self._legs.settle(leg)
        elif isinstance(decision, Caller):
            self._offer_call(transaction, decision, event, now)

    def _offer_call(self, transaction: Transaction, caller: Caller, event: RequestReceived, now: float) -> None:
        """An INVITE from somebody who may send one."""
        request = event.request
        if self._stopping:
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
        called, calling, verstat = request.uri.decoded_user, request.from_.uri.decoded_user, ""
        if caller.origin is Origin.TRUNK:
            account = self._carriers[caller.source].account
            calling = caller_of(request, trusted=account.trusts_identity)
            verstat = account.verify(request, account.trusts_identity) if account.verify is not None else ""
        hops = MAX_FORWARDS if request.max_forwards is None else request.max_forwards
        self._events.append(
            CallOffered(leg.leg_id, caller.origin, caller.source, called, calling, offer, hops, replaces, verstat)
        )
        self._legs.settle(leg)

    # Book-keeping

    def _check_new(self, leg_id: str) -> None:
        if self._legs.get(leg_id) is not None:
            raise UsageError("this leg id is in use: give each call one of its own")
