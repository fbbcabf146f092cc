"""The way of one leg to the wire. To a callee over a trunk it leads past the never-dial gate; there is no other."""

from collections.abc import Callable
from typing import Final, TypeAlias

from softswitch.calls.leg import Leg
from softswitch.calls.line import InviteRefused
from softswitch.sip.hop import Hop, default_port
from softswitch.sip.layer import Transaction, TransactionLayer
from softswitch.sip.locating import is_address
from softswitch.sip.message import Request, Response
from softswitch.sip.uri import Uri

Gate: TypeAlias = Callable[[str], str | None]
"""Asked with the number in the Request-URI, directly in front of the wire; a reason text means: refuse."""

_TRANSPORTS: Final = {"udp": "UDP", "tcp": "TCP", "tls": "TLS"}


class PhoneLine:
    """To a phone, always at the address that its requests come from: behind NAT the one in Contact leads nowhere.

    That also keeps a phone from having us call anybody else by registering a Contact of its choice.
    """

    def __init__(self, layer: TransactionLayer, hop: Hop) -> None:
        self._layer = layer
        self.hop = hop
        self.leg: Leg | None = None
        """Set by the pool once the leg is made; owns what is sent here."""
        self.owners: dict[Transaction, Leg] = {}
        """The pool's table: whose transaction is whose."""
        self.whose = ""
        """The carrier account's name, or the agent's id."""
        self.is_cut = False
        """The connection that led to the peer has ended with another process; its next request shows the new one."""

    def follow(self, source: Hop) -> None:
        """A request of the dialog has come from there."""
        if self.is_cut and source.transport == self.hop.transport:
            self.hop, self.is_cut = source, False

    def send_request(self, request: Request, next_hop: Uri, now: float) -> Transaction:
        return self._own(self._layer.send_request(request, self.destination(next_hop), now))

    def acknowledge(self, ack: Request, next_hop: Uri) -> None:
        self._layer.send_stateless(ack, self.destination(next_hop))

    def cancel(self, invite: Transaction, now: float) -> Transaction | None:
        cancel = self._layer.cancel(invite, now)
        return cancel if cancel is None else self._own(cancel)

    def abandon(self, invite: Transaction, now: float) -> None:
        self._layer.abandon(invite, now)

    def respond(self, transaction: Transaction, response: Response, now: float) -> bool:
        return self._layer.respond(transaction, response, now)

    def destination(self, next_hop: Uri) -> Hop:
        return self.hop

    def _own(self, transaction: Transaction) -> Transaction:
        if self.leg is not None:
            self.owners[transaction] = self.leg
        return transaction


class TrunkLine(PhoneLine):
    """To a carrier. Every INVITE that could make a telephone ring asks the gate about the number it carries, each time:
    the first, and the one that answers a challenge. A re-INVITE (To has a tag) reaches nobody new.
    """

    def __init__(
        self, layer: TransactionLayer, hop: Hop, gate: Gate, vouch: Callable[[Request], None] | None = None
    ) -> None:
        """vouch: writes into each of those INVITEs who calls: its signature is fresh for a minute only."""
        super().__init__(layer, hop)
        self._gate = gate
        self.vouch = vouch
        self.invite: Transaction | None = None
        """The INVITE that was sent last of those that could make a telephone ring."""
        self.invites = 0

    def send_request(self, request: Request, next_hop: Uri, now: float) -> Transaction:
        if request.method == "INVITE" and request.to_tag is None:
            reason = self._ask(request.uri.decoded_user)
            if reason is not None:
                raise InviteRefused(reason)
            if self.vouch is not None:
                self.vouch(request)
            # Its URI is the carrier's name for the number, whoever of its servers is asked.
            self.invites += 1
            self.invite = self._own(self._layer.send_request(request, self.hop, now))
            return self.invite
        return super().send_request(request, next_hop, now)

    def destination(self, next_hop: Uri) -> Hop:
        """The next hop where it is an IP address; a name is the carrier's own, and its server is the one that we use.

        What began over TLS stays there, whatever a Contact says (RFC 5630 §3.1.3).
        """
        own, address = self.hop, next_hop.address
        if not is_address(address):
            return own
        transport = _TRANSPORTS.get((next_hop.params.get("transport") or "").lower(), own.transport)
        if own.transport == "TLS":
            transport = "TLS"
        port = next_hop.port or default_port(transport)
        if (address, port, transport) == own[:3] or (address == own.host and own.is_reliable):
            return own  # over the connection that is there
        return Hop(address, port, transport, name=own.name)

    def _ask(self, number: str) -> str | None:
        try:
            return self._gate(number)
        except Exception as error:  # whatever is wrong with the gate, it is shut
            return f"the never-dial check failed ({type(error).__name__})"
