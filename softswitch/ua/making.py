"""How each kind of leg is made: its way to the wire, and all that its messages will say of us.

What an INVITE to an agent's phone says is made here, from the call reference and chance alone.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from softswitch.calls.incoming import IncomingLeg
from softswitch.calls.leg import Leg
from softswitch.calls.line import LegSettings
from softswitch.calls.outgoing import OutgoingLeg
from softswitch.calls.snapshots import restore
from softswitch.sip.digest import ClientDigest
from softswitch.sip.hop import Hop
from softswitch.sip.layer import RequestReceived, Transaction, TransactionLayer
from softswitch.sip.registrar import Binding
from softswitch.sip.snapshots import Snapshot
from softswitch.sip.values import NameAddr
from softswitch.ua.accounts import Carrier, PhoneAccount
from softswitch.ua.legs import LegBook
from softswitch.ua.lines import Gate, PhoneLine, TrunkLine


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call that is to be placed to a number; each leg that tries is made from this."""

    leg_id: str
    number: str
    offer: bytes
    caller_id: str
    """Empty: the account's."""
    hops_left: int


class LegMaker:
    """Makes legs and enters them in the book; whoever asks for one starts it or offers it upwards."""

    def __init__(
        self,
        layer: TransactionLayer,
        book: LegBook,
        *,
        gate: Gate,
        new_token: Callable[[], str],
        user_agent: str,
        keepalive_s: float,
        ring_limit_s: float,
        session_s: int,
        rings_reliably: bool,
        may_transfer: Collection[str],
    ) -> None:
        self._layer = layer
        self._book = book
        self._gate = gate
        self._new_token = new_token
        self._user_agent = user_agent
        self._keepalive_s = keepalive_s
        self._ring_limit_s = ring_limit_s
        self._session_s = session_s
        self._rings_reliably = rings_reliably
        self._may_transfer = frozenset(may_transfer)
        self._known_settings: dict[tuple[object, ...], LegSettings] = {}
        """One for each account or agent and way to it: there are no more."""

    def call_number(self, new: NewCall, carrier: Carrier, hop: Hop) -> tuple[OutgoingLeg, TrunkLine]:
        """A leg to a callee over one of the carrier's servers; it takes up one of its channels."""
        own = carrier.account
        line = TrunkLine(self._layer, hop, self._gate, own.vouching(new.caller_id))
        leg = OutgoingLeg(
            new.leg_id,
            line,
            self._settings(own.username, hop, own.name),
            target=own.uri(new.number),
            local=own.caller(new.caller_id),
            routes=carrier.service_route,
            offer=new.offer,
            digest=carrier.digest(self._new_token),
            hops_left=new.hops_left,
        )
        line.whose = own.name
        self._book.adopt(leg, line, carrier)
        return leg, line

    def ring_phone(
        self,
        leg_id: str,
        phone: PhoneAccount,
        binding: Binding,
        offer: bytes,
        call_ref: str,
    ) -> OutgoingLeg:
        """A leg to an agent's phone, at the address from which it has registered."""
        line = PhoneLine(self._layer, binding.destination)
        leg = OutgoingLeg(
            leg_id,
            line,
            self._settings("", binding.destination, phone.agent, phone),
            target=binding.contact.uri,
            local=NameAddr(self._layer.own.contact("call", binding.destination), display=call_ref),
            routes=binding.path,
            offer=offer,
        )
        line.whose = phone.agent
        self._book.adopt(leg, line)
        return leg

    def from_carrier(
        self, carrier: Carrier, transaction: Transaction, received: RequestReceived, now: float
    ) -> IncomingLeg:
        """The leg of somebody who calls in. Raises PeerError(400) where the INVITE cannot open a dialog."""
        line = TrunkLine(self._layer, received.source, self._gate)
        own = carrier.account
        line.whose = own.name
        settings = self._settings(own.username, received.source, own.name)
        return self._incoming(line, settings, carrier, transaction, received, now)

    def from_phone(
        self, phone: PhoneAccount, transaction: Transaction, received: RequestReceived, now: float
    ) -> IncomingLeg:
        """The leg of an agent's phone that calls us. Raises PeerError(400) where the INVITE cannot open a dialog."""
        line = PhoneLine(self._layer, received.source)
        line.whose = phone.agent
        settings = self._settings("", received.source, phone.agent, phone)
        return self._incoming(line, settings, None, transaction, received, now)

    def restore(self, snapshot: Snapshot, whose: Carrier | PhoneAccount, hop: Hop, now: float) -> Leg:
        """A leg that another process has made, from its snapshot; see `calls.snapshots.restore` for what it raises.

        Over a connection the way back to the peer is lost: a carrier is connected to anew, a phone comes by itself.
        """
        line: PhoneLine
        carrier: Carrier | None = None
        digest: ClientDigest | None = None
        if isinstance(whose, Carrier):
            own, carrier, digest = whose.account, whose, whose.digest(self._new_token)
            line, line.whose = TrunkLine(self._layer, hop._replace(flow=0), self._gate), own.name
            settings = self._settings(own.username, hop, own.name)
        else:
            line, line.whose = PhoneLine(self._layer, hop._replace(flow=0)), whose.agent
            settings = self._settings("", hop, whose.agent, whose)
        leg, transactions = restore(snapshot, line, settings, digest, now)
        line.is_cut = hop.flow != 0
        if line.is_cut:
            leg.wait_for_peer()
        for transaction in transactions:
            self._layer.adopt(transaction)
            self._book.owners[transaction] = leg
        self._book.adopt(leg, line, carrier)
        if isinstance(leg, OutgoingLeg):
            leg.resume(now)
        return leg

    def _incoming(
        self,
        line: PhoneLine,
        settings: LegSettings,
        carrier: Carrier | None,
        transaction: Transaction,
        received: RequestReceived,
        now: float,
    ) -> IncomingLeg:
        leg = IncomingLeg(self._new_token(), line, settings, invite=transaction, request=received.request, now=now)
        self._book.owners[transaction] = leg
        self._book.adopt(leg, line, carrier)
        return leg

    def _settings(self, user: str, peer: Hop, name: str, phone: PhoneAccount | None = None) -> LegSettings:
        """name: the account's or the agent's. What an agent presses on a phone is nobody's business: no INFO."""
        keepalive_s = None if phone is None else phone.keepalive_s
        key = (user, self._layer.own.facing(peer), name, keepalive_s, phone is None)
        known = self._known_settings.get(key)
        if known is not None:
            return known
        made = self._known_settings[key] = LegSettings(
            contact=f"<{self._layer.own.contact(user or 'softswitch', peer)}>",
            user_agent=self._user_agent,
            new_token=self._new_token,
            timers=self._layer.timers,
            keepalive_s=self._keepalive_s if keepalive_s is None else keepalive_s,
            ring_limit_s=self._ring_limit_s,
            session_s=self._session_s,
            rings_reliably=self._rings_reliably,
            takes_digits=phone is None,
            may_transfer=name in self._may_transfer,
        )
        return made
