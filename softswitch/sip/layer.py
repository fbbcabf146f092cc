"""The transaction layer: matches datagrams to transactions and says by itself what needs nobody's decision.

RFC 3261 §17 and §18, RFC 3581. By itself it absorbs copies, acknowledges failure responses, answers malformed
requests, merged requests (482) and CANCELs that match nothing (481), sends 100 for an INVITE that its user is slow
with, and drops stray responses. Everything else comes up as an event.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from softswitch.errors import PeerError
from softswitch.sip.hop import DEFAULT_PORT, Address, Hop, OwnHops, default_port
from softswitch.sip.matching import MAGIC_COOKIE, Key, client_key, merged_key, server_key
from softswitch.sip.message import Message, Request, Response, response_to
from softswitch.sip.parser import MalformedRequest, parse
from softswitch.sip.timers import Deadlines, Timers
from softswitch.sip.transaction import Input, State, Transaction, Trouble
from softswitch.sip.transaction_tables import input_of, open_client, open_server, reopen_client
from softswitch.sip.uri import host_of
from softswitch.sip.values import Via

__all__ = [
    "DEFAULT_PORT",
    "Address",
    "Counters",
    "Datagram",
    "Hop",
    "LayerEvent",
    "RequestReceived",
    "ResponseReceived",
    "Transaction",
    "TransactionEnded",
    "TransactionFailed",
    "TransactionLayer",
    "Trouble",
]

MOST_UDP_BYTES: Final = 1300  # §18.1.1, where the path's MTU is not known
MOST_SERVER_TRANSACTIONS: Final = 50_000  # ours; 600 calls a second leave 38,400 behind in 64*T1


class Datagram(NamedTuple):
    data: bytes
    destination: Hop


class RequestReceived(NamedTuple):
    request: Request
    transaction: Transaction | None
    """Answer it through `respond`; None for an ACK, which has no answer."""
    source: Hop
    cancels: Transaction | None = None
    """For a CANCEL: the INVITE server transaction that it is meant for."""


class ResponseReceived(NamedTuple):
    response: Response
    transaction: Transaction
    source: Hop


class TransactionFailed(NamedTuple):
    transaction: Transaction
    trouble: Trouble


class TransactionEnded(NamedTuple):
    """The last that is ever heard of a transaction."""

    transaction: Transaction


LayerEvent: TypeAlias = RequestReceived | ResponseReceived | TransactionFailed | TransactionEnded


@dataclass(slots=True)
class Counters:
    """What happened to datagrams that nobody else hears of."""

    malformed: int = 0
    stray_responses: int = 0
    absorbed: int = 0
    """Copies of requests that a transaction had already."""
    refused: int = 0
    """Answered by the layer itself: malformed, merged, overloaded, CANCEL of nothing."""


class TransactionLayer:
    """Every transaction of one SIP address, as one machine.

    own: where we listen, which goes into Via.
    new_token: unguessable text of letters and digits, for branches and tags.
    """

    def __init__(
        self,
        *,
        own: OwnHops,
        new_token: Callable[[], str],
        timers: Timers | None = None,
    ) -> None:
        self.own = own
        self.timers = timers or Timers()
        self.counters = Counters()
        self._new_token = new_token
        self._clients: dict[Key, Transaction] = {}
        self._servers: dict[Key, Transaction] = {}
        self._merged: dict[Key, Transaction] = {}
        self._enlarged: dict[Transaction, Hop] = {}
        """Requests that went over TCP for their length alone, and where they go if that fails."""
        self._deadlines: Deadlines[Transaction] = Deadlines()
        self._outbox: list[Datagram] = []
        self._events: deque[LayerEvent] = deque()

    # Inputs

    def receive_datagram(self, data: bytes, source: Hop, now: float) -> None:
        """Take one datagram. Never raises for what a peer sent."""
        if not data.strip(b"\r\n\x00"):
            return  # keep-alive (RFC 5626 §3.5.1)
        try:
            message = parse(data)
        except MalformedRequest as error:
            self.counters.malformed += 1
            error.request.note_source(source.address)
            self._refuse(error.request, error.status, _return_hop(error.request.via, source))
            return
        except PeerError:
            self.counters.malformed += 1
            return
        if isinstance(message, Request):
            self._receive_request(message, source, now)
        else:
            self._receive_response(message, source, now)

    def receive_transport_error(self, destination: Hop, now: float) -> None:
        """Nothing can be sent to this address: its client transactions end."""
        for transaction in [each for each in self._clients.values() if each.destination == destination]:
            meant = self._enlarged.pop(transaction, None)
            if meant is None or not transaction.is_unheard:
                self._step(transaction, Input.TRANSPORT_ERROR, now)
                continue
            del self._clients[transaction.key]
            self._put_via(transaction.request, meant)
            reopen_client(transaction, bytes(transaction.request), meant, now)
            self._clients[transaction.key] = transaction
            self._settle(transaction)

    def handle_timer(self, now: float) -> None:
        for transaction in self._deadlines.due(now):
            transaction.handle_timer(now)
            self._settle(transaction)

    def next_timer(self) -> float | None:
        return self._deadlines.next()

    def data_to_send(self) -> list[Datagram]:
        datagrams, self._outbox = self._outbox, []
        return datagrams

    def next_event(self) -> LayerEvent | None:
        return self._events.popleft() if self._events else None

    # What its user says

    def send_request(self, request: Request, destination: Hop, now: float) -> Transaction:
        """Open a client transaction; the Via is put on here.

        A request of more than 1,300 bytes goes over TCP where we speak it, and by UDP after all where the peer does not
        (§18.1.1).
        """
        self._put_via(request, destination)
        data = bytes(request)
        meant = destination
        if len(data) > MOST_UDP_BYTES and destination.transport == "UDP" and self.own.serves("TCP"):
            destination = destination._replace(transport="TCP")
            self._put_via(request, destination)
            data = bytes(request)
        transaction = open_client(request, data, destination, now, timers=self.timers)
        if destination is not meant:
            self._enlarged[transaction] = meant
        self._clients[transaction.key] = transaction
        self._settle(transaction)
        return transaction

    def cancel(self, invite: Transaction, now: float) -> Transaction | None:
        """Send a CANCEL for an INVITE under way; None where it has had its final response (§9.1)."""
        if invite.state is not State.PROCEEDING:
            return None
        cancel = Request("CANCEL", invite.request.uri)
        for name in ("Via", "Route", "Max-Forwards", "From", "To", "Call-ID"):
            cancel.headers.copy_lines(name, invite.request.headers)
        cancel.headers.put("CSeq", f"{invite.request.cseq.number} CANCEL")
        transaction = open_client(cancel, bytes(cancel), invite.destination, now, timers=self.timers)
        self._clients[transaction.key] = transaction
        self._settle(transaction)
        return transaction

    def abandon(self, transaction: Transaction, now: float) -> None:
        """Wait no longer for the answer to a cancelled INVITE (§9.1)."""
        self._step(transaction, Input.ABANDON, now)

    def send_stateless(self, request: Request, destination: Hop) -> None:
        """Send a request that opens no transaction: the ACK for a 2xx (§13.2.2.4). A copy has the same bytes."""
        if "Via" not in request.headers:
            self._put_via(request, destination)
        self._outbox.append(Datagram(bytes(request), destination))

    def respond(self, transaction: Transaction, response: Response, now: float) -> bool:
        """Send a response through its server transaction; False where that has ended or answered already."""
        return self._step(transaction, input_of(response.status), now, response)

    def adopt(self, transaction: Transaction) -> None:
        """Go on with a transaction that another process has begun (see `snapshots`)."""
        if transaction.is_server:
            self._servers[transaction.key] = transaction
            merge_key = merged_key(transaction.request)
            if merge_key is not None:
                self._merged[merge_key] = transaction
        else:
            self._clients[transaction.key] = transaction
        self._settle(transaction)

    @property
    def unanswered(self) -> int:
        """Requests of ours that still await their final response."""
        waiting = (State.CALLING, State.TRYING, State.PROCEEDING)
        return sum(transaction.state in waiting for transaction in self._clients.values())

    def __len__(self) -> int:
        """Transactions that have not ended."""
        return len(self._clients) + len(self._servers)

    # Matching

    def _receive_response(self, response: Response, source: Hop, now: float) -> None:
        transaction = self._clients.get(client_key(response))
        if transaction is None or not response.has_one_via:  # §8.1.3.3: more than our own Via
            self.counters.stray_responses += 1
            return
        if self._step(transaction, input_of(response.status), now, response, source):
            return
        self.counters.absorbed += 1

    def _receive_request(self, request: Request, source: Hop, now: float) -> None:
        key = server_key(request)
        known = self._servers.get(key)
        if known is not None:
            happened = Input.ACK if request.method == "ACK" else Input.REQUEST
            if happened is Input.REQUEST:
                self.counters.absorbed += 1
            self._step(known, happened, now, request, source)
            return
        invite_key = server_key(request, "INVITE") if request.method == "CANCEL" else key
        request.note_source(source.address)
        if request.method == "ACK":
            self._events.append(RequestReceived(request, None, source))
            return
        destination = _return_hop(request.via, source)
        merge_key = merged_key(request)
        if merge_key is not None and self._is_merged(merge_key):
            self._refuse(request, 482, destination)
            return
        if len(self._servers) >= MOST_SERVER_TRANSACTIONS:
            self._refuse(request, 503, destination, [("Retry-After", 10)])
            return
        cancels = None
        if request.method == "CANCEL":
            cancels = self._servers.get(invite_key)
            if cancels is None:
                self._refuse(request, 481, destination)
                return
        transaction = open_server(request, key, destination, now, timers=self.timers)
        self._servers[key] = transaction
        if merge_key is not None:
            self._merged[merge_key] = transaction
        self._settle(transaction)
        self._events.append(RequestReceived(request, transaction, source, cancels))

    def _is_merged(self, merge_key: Key) -> bool:
        """Whether the same request came over another way (§8.2.2.2).

        Some phones do not count CSeq up when they answer a challenge: after a 401 it is a new try and no copy.
        """
        other = self._merged.get(merge_key)
        return other is not None and not (other.answer or b"").startswith((b"SIP/2.0 401 ", b"SIP/2.0 407 "))

    # Steps

    def _step(
        self,
        transaction: Transaction,
        happened: Input,
        now: float,
        message: Message | None = None,
        source: Hop | None = None,
    ) -> bool:
        taken = transaction.receive(happened, now, message)
        self._settle(transaction, source)
        return taken

    def _settle(self, transaction: Transaction, source: Hop | None = None) -> None:
        """Take out what a step has left behind, and re-arm."""
        if transaction.outbox:
            for data in transaction.outbox:
                self._outbox.append(Datagram(data, transaction.destination))
            transaction.outbox.clear()
        if transaction.raised:
            for raised in transaction.raised:
                if isinstance(raised, Response):
                    self._events.append(ResponseReceived(raised, transaction, source or transaction.destination))
                elif isinstance(raised, Trouble):
                    self._events.append(TransactionFailed(transaction, raised))
                elif isinstance(raised, Request):
                    self._events.append(RequestReceived(raised, None, source or transaction.destination))
            transaction.raised.clear()
        if transaction.state is not State.TERMINATED:
            self._deadlines.set(transaction, transaction.next_timer())
            return
        self._deadlines.set(transaction, None)
        if self._enlarged:
            self._enlarged.pop(transaction, None)
        transactions = self._servers if transaction.is_server else self._clients
        if transactions.get(transaction.key) is transaction:
            del transactions[transaction.key]
            if transaction.is_server:
                merge_key = merged_key(transaction.request)
                if merge_key is not None and self._merged.get(merge_key) is transaction:
                    del self._merged[merge_key]
            self._events.append(TransactionEnded(transaction))

    def _refuse(
        self, request: Request, status: int, destination: Hop, headers: list[tuple[str, object]] | None = None
    ) -> None:
        """Answer without keeping anything; a copy of the request is answered again (§8.2.7)."""
        self.counters.refused += 1
        response = response_to(request, status, to_tag=self._new_token(), headers=headers or ())
        self._outbox.append(Datagram(bytes(response), destination))

    def _put_via(self, request: Request, destination: Hop) -> None:
        own = self.own.facing(destination)
        branch = f"{MAGIC_COOKIE}{self._new_token()}"
        sent_by = f"SIP/2.0/{own.transport} {host_of(own.host)}:{own.port}"
        request.headers.put_first("Via", f"{sent_by};branch={branch};rport")
        request.headers.remember("Via;branch", branch)


def _return_hop(via: Via, source: Hop) -> Hop:
    """Where responses go (§18.2.2): on a connection, back on it; by UDP to the source address, at the port that Via
    names unless it asks for the source's (RFC 3581).
    """
    if source.is_reliable or "rport" in via.params:
        return source
    return Hop(source.host, via.port or default_port(source.transport), source.transport)
