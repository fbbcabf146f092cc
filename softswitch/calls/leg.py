"""A leg: one INVITE session with one peer, and what its answered part has in common whoever called.

`OutgoingLeg` and `IncomingLeg` set the session up, `Offers` agrees on media; here are BYE, the keep-alive inside the
dialog, key presses and transfers. A leg speaks the neutral vocabulary of `calls.events` upwards.
"""

from abc import abstractmethod

from softswitch.calls.bodies import ACCEPT
from softswitch.calls.digits import ACCEPT as ACCEPT_DIGITS
from softswitch.calls.digits import digit_in
from softswitch.calls.events import DigitPressed, TransferAsked
from softswitch.calls.line import LegSettings, LegTimer, Line, Phase
from softswitch.calls.offers import Offers
from softswitch.calls.transfer import SIPFRAG, Replaced, Transfer, read_refer
from softswitch.errors import PeerError
from softswitch.sip.dialog import Dialog
from softswitch.sip.digest import ClientDigest
from softswitch.sip.layer import Transaction, Trouble
from softswitch.sip.message import Request, Response


class Leg(Offers):
    """One INVITE session. Its pool feeds it what belongs to its transactions and its dialog."""

    def __init__(
        self,
        leg_id: str,
        line: Line,
        settings: LegSettings,
        *,
        call_id: str,
        local_tag: str,
        digest: ClientDigest | None = None,
    ) -> None:
        super().__init__(leg_id, line, settings, call_id=call_id, local_tag=local_tag, digest=digest)
        self._bye: Transaction | None = None
        self._probe: Transaction | None = None
        self._transfer: Transfer | None = None
        self._refer: Transaction | None = None
        """The peer's, until it is accepted or refused."""

    # What the pool asks

    @property
    def is_finished(self) -> bool:
        """Nothing more can come for it: its pool may forget it."""
        return self.phase is Phase.OVER and not self._peer.is_awaited and self._unacknowledged is None

    @property
    def wished_replacement(self) -> Replaced | None:
        """The dialog that the transfer which the peer asks for shall take the place of."""
        return self._transfer.replaces if self._transfer is not None else None

    def next_timer(self) -> float | None:
        deadlines = self._deadlines
        return min(deadlines.values()) if deadlines else None

    def handle_timer(self, now: float) -> None:
        while (at := self.next_timer()) is not None and at <= now:
            timer = min(self._deadlines, key=lambda each: self._deadlines[each])
            del self._deadlines[timer]
            self._timer_fired(timer, now)

    # What its user says

    @abstractmethod
    def hang_up(self, now: float) -> None:
        """End it in the way that fits its state. Saying it twice does nothing more."""

    def give_way(self, now: float) -> None:
        """Another leg has taken its place (RFC 3891)."""
        if self.phase is Phase.TALKING:
            self._finish("replaced", now)
        else:
            self.hang_up(now)

    def answer_transfer(self, status: int, now: float) -> None:
        """Accept what `TransferAsked` asks with 202, or refuse it with a status from 300 on."""
        refer, transfer, self._refer = self._refer, self._transfer, None
        if refer is None or transfer is None:
            return
        if status >= 300:
            self._transfer = None
            self._peer.respond(refer, status, now)
            return
        transfer.is_accepted = True
        silent = [] if transfer.wants_reports else [("Refer-Sub", "false")]
        self._peer.respond(refer, 202, now, [("Contact", self._settings.contact), *silent])
        self._report(100, now)

    def report_transfer(self, status: int, now: float) -> None:
        """Say how far an accepted transfer has come; a final status is the last that is said of it."""
        if self._transfer is not None and self._transfer.is_accepted:
            self._report(status, now)

    # What the peer says

    def receive_response(self, transaction: Transaction, response: Response, now: float) -> None:
        """A response to a request of this leg."""
        if transaction is self._our_offer or (transaction.request.method == "INVITE" and response.status < 300):
            self._receive_offer_response(transaction, response, now)
        elif response.status < 200:
            return
        elif response.status in (401, 407):
            if transaction in (self._bye, self._probe) or transaction.request.method in ("PRACK", "NOTIFY"):
                again = self._retry_with_credentials(transaction, response, now)
                if not again and transaction is self._probe:
                    self._probe = None  # whoever asks for a password is there
        elif transaction is self._probe:
            self._probe = None
            if response.status in (408, 481):
                self._lose(now)
        elif transaction.request.method == "NOTIFY" and response.status == 481:
            self._transfer = None  # the peer has ended the subscription

    def receive_trouble(self, transaction: Transaction, trouble: Trouble, now: float) -> None:
        """A request of this leg got no answer, or could not be sent."""
        if transaction is self._probe:
            self._probe = None
            self._lose(now)
        elif transaction is self._our_offer:
            self._our_offer = None
            self._lose(now)

    def receive_end(self, transaction: Transaction) -> None:
        """A client transaction of this leg has ended."""
        self._peer.receive_end(transaction)

    def receive_request(self, transaction: Transaction | None, request: Request, now: float) -> None:
        """A request inside the dialog; `transaction` is None for an ACK."""
        dialog = self._dialog_with(request.from_tag or "")
        if dialog is None:
            self._receive_stranger(transaction, now)
            return
        if transaction is None:
            self._receive_ack(request, now)
            return
        try:
            dialog.receive_request(request)
        except PeerError as error:
            self._peer.respond(transaction, error.status, now)
            return
        if request.method == "BYE":
            self._receive_bye(transaction, now)
        elif self.phase is Phase.OVER:
            self._peer.respond(transaction, 481, now)
        else:
            self._receive_inside(transaction, request, dialog, now)
        if self.phase is Phase.TALKING:
            self._arm_keepalive(now)

    def receive_cancel(self, invite: Transaction, now: float) -> None:
        """A CANCEL for one of the peer's INVITEs; after a final response it has no effect (§9.2)."""
        if invite is self._peers_offer:
            self._peers_offer = None
            self._peer.respond(invite, 487, now)

    def _receive_inside(self, transaction: Transaction, request: Request, dialog: Dialog, now: float) -> None:
        settings = self._settings
        match request.method:
            case "INVITE":
                self._receive_reinvite(transaction, request, dialog, now)
            case "UPDATE":
                self._receive_update(transaction, request, dialog, now)
            case "PRACK":
                self._receive_prack(transaction, request, now)
            case "OPTIONS":
                capabilities = [("Allow", settings.allow), ("Supported", settings.supported), ("Accept", ACCEPT)]
                self._peer.respond(transaction, 200, now, capabilities)
            case "INFO":
                self._receive_info(transaction, request, now)
            case "REFER":
                self._receive_refer(transaction, request, now)
            case "NOTIFY":
                self._peer.respond(transaction, 481, now)  # we have subscribed to nothing
            case "SUBSCRIBE":
                self._peer.respond(transaction, 489, now, [("Allow-Events", "refer")])
            case _:
                self._peer.respond(transaction, 405, now, [("Allow", settings.allow)])

    def _dialog_with(self, remote_tag: str) -> Dialog | None:
        """The dialog with this peer; a forked INVITE has several until one is answered."""
        dialog = self.dialog
        return dialog if dialog is not None and dialog.remote_tag == remote_tag else None

    def _receive_prack(self, prack: Transaction, request: Request, now: float) -> None:
        self._peer.respond(prack, 481, now)  # RFC 3262 §3: no response of ours waits for it

    def _receive_info(self, info: Transaction, request: Request, now: float) -> None:
        """A key press, or nothing that we use: no Info-Package is ours (RFC 6086 §4.2.2)."""
        if not self._settings.takes_digits:
            self._peer.respond(info, 403, now)
        elif "Info-Package" in request.headers:
            self._peer.respond(info, 469, now, [("Recv-Info", "")])
        else:
            try:
                pressed = digit_in(request)
            except PeerError as error:
                more = [("Accept", ACCEPT_DIGITS)] if error.status == 415 else []
                self._peer.respond(info, error.status, now, more)
                return
            self._peer.respond(info, 200, now)
            if pressed is not None:
                self.events.append(DigitPressed(self.leg_id, *pressed))

    # Transfers

    def _receive_refer(self, refer: Transaction, request: Request, now: float) -> None:
        if not self._settings.may_transfer:
            self._peer.respond(refer, 403, now)
        elif self.phase is not Phase.TALKING or self._transfer is not None:
            self._peer.respond(refer, 491, now)
        else:
            try:
                self._transfer = read_refer(request)
            except PeerError as error:
                self._peer.respond(refer, error.status, now)
                return
            self._refer = refer
            self.events.append(TransferAsked(self.leg_id, self._transfer.target.decoded_user))

    def _report(self, status: int, now: float) -> None:
        transfer, is_last = self._transfer, status >= 200
        if transfer is None or self.dialog is None or self.phase is not Phase.TALKING:
            return
        if is_last:
            self._transfer = None
        if transfer.wants_reports:
            request = self.dialog.request("NOTIFY", transfer.report(status), SIPFRAG)
            for name, value in transfer.report_headers(is_last=is_last):
                request.headers.add(name, value)
            self._peer.send(request, self.dialog.next_hop, now)

    # BYE

    def _receive_bye(self, bye: Transaction, now: float) -> None:
        crosses_ours = self._bye is not None or self._bye_after_ack
        is_second = self.phase is Phase.OVER and not crosses_ours
        self._peer.respond(bye, 481 if is_second else 200, now)  # §15.1.2
        self._unacknowledged = None
        self._end(by_peer=True, cause="bye", now=now)

    def _leave(self, now: float) -> None:
        """Send our BYE; a callee must not before it has the ACK for its 2xx (§15)."""
        if self.dialog is None or self._bye is not None:
            return
        if self._unacknowledged is not None:
            self._bye_after_ack = True
            return
        self._bye = self._peer.send_bye(self.dialog, now)

    def _enter_over(self, now: float) -> None:
        for unanswered in (self._peers_offer, self._refer):
            if unanswered is not None:
                # §15.1.2; and whoever says BYE owes an answer too
                self._peer.respond(unanswered, 487, now)
        self._refer = self._transfer = None
        super()._enter_over(now)

    # Keep-alive

    def _arm_keepalive(self, now: float) -> None:
        if self._settings.keepalive_s > 0:
            self._deadlines[LegTimer.KEEPALIVE] = now + self._settings.keepalive_s

    def _send_probe(self, now: float) -> None:
        if self.phase is not Phase.TALKING or self.dialog is None:
            return
        self._arm_keepalive(now)
        if self._probe is None and self._unacknowledged is None:
            request = self.dialog.request("OPTIONS")
            request.headers.add("Accept", ACCEPT)
            self._probe = self._peer.send(request, self.dialog.next_hop, now)

    def wait_for_peer(self) -> None:
        """The way to the peer is lost until it shows one: a probe would end the call."""
        self._deadlines.pop(LegTimer.KEEPALIVE, None)

    # Common ground

    def _timer_fired(self, timer: LegTimer, now: float) -> None:
        match timer:
            case LegTimer.COPY_2XX:
                self._copy_2xx(now)
            case LegTimer.NO_ACK:
                self._give_up_on_ack(now)
            case LegTimer.KEEPALIVE:
                self._send_probe(now)
            case LegTimer.REOFFER:
                self._send_reoffer(now)
            case LegTimer.REFRESH:
                self._refresh_session(now)
            case LegTimer.EXPIRY:
                self._finish("expired", now)
            case LegTimer.CANCEL_WAIT if self._our_offer is not None:
                self._peer.abandon(self._our_offer, now)

    def _replace(self, old: Transaction, again: Transaction) -> None:
        if old is self._probe:
            self._probe = again
        elif old is self._bye:
            self._bye = again

    def _receive_stranger(self, transaction: Transaction | None, now: float) -> None:
        """A request with our tag and somebody else's."""
        if transaction is not None:
            self._peer.respond(transaction, 481, now)
