"""The other end of a leg, as we speak to it: what every message of ours says, and what still awaits an answer."""

from collections.abc import Collection, Iterable

from softswitch.calls.line import SDP, LegSettings, Line
from softswitch.sip.dialog import Dialog
from softswitch.sip.layer import Transaction
from softswitch.sip.message import Request, Response, response_to
from softswitch.sip.uri import Uri

UNFIT = ("Warning", '305 softswitch "None of these media can be taken here"')
"""What a 488 says (RFC 3261 §13.3.1.3, §20.43)."""


class Peer:
    """Puts our name and tag on what goes out over the leg's line. It decides nothing."""

    def __init__(self, line: Line, settings: LegSettings, local_tag: str) -> None:
        self._line = line
        self._settings = settings
        self._local_tag = local_tag
        self._awaited: set[Transaction] = set()
        self._acks: dict[tuple[int, str], tuple[Request, Uri]] = {}

    @property
    def is_awaited(self) -> bool:
        """Whether a client transaction of this leg has not ended yet."""
        return bool(self._awaited)

    def receive_end(self, transaction: Transaction) -> None:
        self._awaited.discard(transaction)

    @property
    def awaited(self) -> tuple[Transaction, ...]:
        """Client transactions that have not ended."""
        return tuple(self._awaited)

    def acks_of(self, cseqs: Collection[int]) -> list[tuple[Request, Uri]]:
        """Our ACKs to the 2xx of INVITEs of these numbers, and where they go."""
        return [sent for (number, _), sent in self._acks.items() if number in cseqs]

    def take_up(self, transactions: Iterable[Transaction]) -> None:
        """Client transactions that another process has begun."""
        self._awaited.update(transactions)

    def take_up_ack(self, ack: Request, next_hop: Uri) -> None:
        """An ACK that another process has sent."""
        self._acks[ack.cseq.number, ack.to_tag or ""] = (ack, next_hop)

    # Requests

    def send(self, request: Request, next_hop: Uri, now: float) -> Transaction:
        """Raises InviteRefused where the line's gate does not let an INVITE pass."""
        request.headers.put("User-Agent", self._settings.user_agent)
        transaction = self._line.send_request(request, next_hop, now)
        self._awaited.add(transaction)
        return transaction

    def send_bye(self, dialog: Dialog, now: float) -> Transaction:
        return self.send(dialog.request("BYE"), dialog.next_hop, now)

    def cancel(self, invite: Transaction, now: float) -> bool:
        """Send a CANCEL; False where that cannot be yet, or any more (§9.1)."""
        cancel = self._line.cancel(invite, now)
        if cancel is not None:
            self._awaited.add(cancel)
        return cancel is not None

    def abandon(self, invite: Transaction, now: float) -> None:
        """Wait no longer for the answer to a cancelled INVITE."""
        self._line.abandon(invite, now)

    def acknowledge(self, dialog: Dialog, invite: Transaction, response: Response, answer: bytes = b"") -> bool:
        """Send the ACK for a 2xx; for a copy of it, the same bytes again. True for the first.

        answer: ours, where the 2xx carried the offer.
        """
        key = (response.cseq.number, response.to_tag or "")
        first = key not in self._acks
        if first:
            ack = dialog.request("ACK", answer, SDP if answer else "")
            for name in ("Authorization", "Proxy-Authorization"):  # §22.1: as in the INVITE
                ack.headers.copy_lines(name, invite.request.headers)
            self._acks[key] = (ack, dialog.next_hop)
        self._line.acknowledge(*self._acks[key])
        return first

    # Responses

    def respond(
        self, transaction: Transaction, status: int, now: float, headers: Iterable[tuple[str, object]] = ()
    ) -> None:
        self._line.respond(transaction, self._response(transaction, status, headers), now)

    def respond_in_dialog(
        self,
        invite: Transaction,
        status: int,
        now: float,
        sdp: bytes = b"",
        more: Iterable[tuple[str, object]] = (),
    ) -> Response:
        """A response that opens or keeps up a dialog, with what that takes: Contact and the Record-Route (§12.1.1)."""
        settings = self._settings
        headers = [
            ("Contact", settings.contact),
            ("Allow", settings.allow),
            *more,
        ]
        if status >= 200:
            headers.append(("Supported", settings.supported))
        response = self._response(invite, status, headers, sdp)
        response.headers.copy_lines("Record-Route", invite.request.headers)
        self._line.respond(invite, response, now)
        return response

    def respond_again(self, transaction: Transaction, response: Response, now: float) -> None:
        """Send a copy."""
        self._line.respond(transaction, response, now)

    def _response(
        self, transaction: Transaction, status: int, headers: Iterable[tuple[str, object]], sdp: bytes = b""
    ) -> Response:
        """headers: under canonical names, and of our own making."""
        if status == 488:
            headers = [*headers, UNFIT]
        response = response_to(
            transaction.request, status, to_tag=self._local_tag, body=sdp, content_type=SDP if sdp else None
        )
        for name, value in headers:
            response.headers.put(name, value if isinstance(value, str) else str(value))
        response.headers.put("Server", self._settings.user_agent)
        return response
