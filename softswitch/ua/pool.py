"""The user agent pool: every carrier account, agent's phone and call leg of one SIP address, as one pure machine.

It is a back-to-back user agent and never a proxy: what comes in on one leg goes out on another only as an event, a
decision above, and a command. Strangers come in by `front_door`; what comes is handed out in `dispatch`; who may send
what is decided in `reception`; what leaves for a carrier passes the gate in `lines`; legs are made in `making`.
"""

import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeAlias

from softswitch.calls.events import CallEvent
from softswitch.errors import UsageError
from softswitch.sip.dialog import MAX_FORWARDS
from softswitch.sip.hop import Hop, OwnHops
from softswitch.sip.layer import Datagram, TransactionLayer
from softswitch.sip.locating import Server
from softswitch.sip.message_ring import CallNames
from softswitch.sip.timers import Timers
from softswitch.ua.account_changes import AccountChanges
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
from softswitch.ua.dispatch import Dispatch
from softswitch.ua.front_door import FrontDoor
from softswitch.ua.health import HealthDesk
from softswitch.ua.leg_commands import LegCommands
from softswitch.ua.legs import LegBook
from softswitch.ua.lines import Gate
from softswitch.ua.making import LegMaker, NewCall
from softswitch.ua.phones import PHONE_DIGESTS, PhoneDesk, PhoneExpired, PhoneRegistered
from softswitch.ua.reception import Reception
from softswitch.ua.registrations import RegistrationDesk
from softswitch.ua.targets import chance_from
from softswitch.ua.transfers import TransferDesk
from softswitch.ua.tries import Tries
from softswitch.ua.uptake import Uptake

PoolEvent: TypeAlias = (
    CallEvent | AccountRegistered | AccountReachable | AccountFailed | PhoneRegistered | PhoneExpired | SourceBanned
)

_DIALLABLE = re.compile(r"[+0-9A-Za-z*._-]{1,64}")


class UserAgentPool(LegCommands, Uptake, AccountChanges):
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
        chance = self._chance = chance_from(new_token)
        self._carriers = {account.name: Carrier(account, chance) for account in account_list}
        self._health = HealthDesk(
            self._carriers, self._layer, new_token=new_token, user_agent=user_agent, chance=chance
        )
        self._tries = Tries(self._maker, self._legs, self._health, self._events, lambda: self._dispatch.is_stopping)
        self._answers: list[Datagram] = []
        self._phones = PhoneDesk(
            phone_list, realm=realm, new_token=new_token, digests=phone_digests, listener=self._receive_password
        )
        self._registrations = RegistrationDesk(
            self._carriers,
            self._layer,
            self._health,
            contact=self.own.contact,
            new_token=new_token,
            user_agent=user_agent,
            chance=chance,
        )
        self._dispatch = Dispatch(
            self._layer,
            self._legs,
            self._maker,
            self._events,
            carriers=self._carriers,
            phones=self._phones,
            reception=Reception(self._carriers, self._phones, user_agent),
            health=self._health,
            registrations=self._registrations,
            transfers=TransferDesk(self._legs, may_transfer),
            tries=self._tries,
            new_token=new_token,
        )
        self.defence: Defence | None = None
        self._front_door: FrontDoor | None = None
        if limits is not None:
            trusted = [address for each in account_list for address in (each.host, *each.addresses)]
            self.defence = Defence(limits, trusted=trusted, knows=self._phones.knows, in_dialog=self._legs.has_dialog)
            self._front_door = FrontDoor(
                self.defence, self._layer, self._dispatch, answers=self._answers, events=self._events
            )
        self._machines = (
            self._layer, self._legs, self._phones, self._registrations, self._health, self._tries
        )  # fmt: skip
        """All that keep time."""
        self._desks = (self._phones, self._registrations, self._health)

    # The face of a machine

    def receive_datagram(self, data: bytes, source: Hop, now: float) -> None:
        door = self._front_door
        if door is not None and source.host not in door.defence.trusted:
            door.receive_datagram(data, source, now)
            return
        self._layer.receive_datagram(data, source, now)
        self._dispatch.pump(now)

    def receive_transport_error(self, destination: Hop, now: float) -> None:
        """Nothing can be sent there: refused, unreachable, no connection, or no certificate to trust."""
        self._layer.receive_transport_error(destination, now)
        self._dispatch.pump(now)

    def receive_flow_closed(self, flow: Hop, now: float) -> None:
        """A connection has ended, and with it the way to whoever was at its other end."""
        self._layer.receive_transport_error(flow, now)
        self._phones.drop_flow(flow, now)
        self._dispatch.pump(now)

    def handle_timer(self, now: float) -> None:
        for machine in self._machines:
            machine.handle_timer(now)
            self._dispatch.pump_layer(now)
        self._dispatch.pump(now)

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
        datagrams = self._answers + self._layer.data_to_send()
        self._answers.clear()
        return datagrams

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
        self._dispatch.pump(now)

    def stop(self, now: float) -> None:
        """End every call, refuse new ones and unregister; go on driving it until `is_idle`."""
        self._dispatch.is_stopping = True
        for leg_id in self._legs.ids():
            self.hang_up(leg_id, now)
        self._registrations.stop(now)
        self._health.stop()
        self._dispatch.pump(now)

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

    def refusal_of(self, account: str) -> int:
        """SIP status by which the account's registration failed last; 408: nobody answered; 0: it has not failed."""
        return self._carriers[account].refusal

    def servers_of(self, account: str) -> tuple[int, int]:
        """(those that may be tried now, all)."""
        targets = self._carriers[account].targets
        return targets.usable, len(targets.hops)

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
        self._dispatch.pump(now)

    def is_registered(self, agent: str, now: float) -> bool:
        """Whether this agent's phone can be rung."""
        return self._phones.binding_of(agent, now) is not None

    def name_calls_in(self, names: CallNames) -> None:
        """Have the Call-IDs of each leg noted, so that a call's messages can be found."""
        self._legs.names = names

    # New calls; what is said to them later is in LegCommands

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
        self._dispatch.pump(now)

    def ring_phone(self, leg_id: str, agent: str, offer: bytes, now: float, *, call_ref: str) -> None:
        """Ring an agent's phone. All that its INVITE says is made from `call_ref` and chance.

        Raises UsageError where the phone is not registered.
        """
        self._check_new(leg_id)
        binding = self._phones.binding_of(agent, now)
        if binding is None:
            raise UsageError(f"the phone of {agent!r} is not registered: switch it on and check its password")
        leg = self._maker.ring_phone(leg_id, self._phones.account_of(agent), binding, offer, call_ref)
        leg.start(now)
        self._legs.settle(leg)
        self._dispatch.pump(now)

    def reaches_by_tls(self, agent: str, now: float) -> bool:
        """Whether what an agent's phone is told cannot be read on its way."""
        binding = self._phones.binding_of(agent, now)
        return binding is not None and binding.destination.transport in ("TLS", "WSS")

    def signals_from(self, leg_id: str) -> str:
        """The host that a leg's other end signals from; empty for a leg that is forgotten."""
        leg = self._legs.get(leg_id)
        line = None if leg is None else self._legs.line_of(leg)
        return "" if line is None else line.hop.host

    # Book-keeping

    def _receive_password(self, username: str, who: str, is_right: bool, now: float) -> None:
        if self.defence is not None:
            self.defence.receive_password(username, who, is_right, now)

    def _check_new(self, leg_id: str) -> None:
        if self._legs.get(leg_id) is not None:
            raise UsageError("this leg id is in use: give each call one of its own")
