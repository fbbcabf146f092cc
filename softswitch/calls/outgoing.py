"""The leg whose INVITE we send: a callee over a trunk, or an agent's phone that we ring (RFC 3261 §13.2, §9.1)."""

from collections.abc import Iterable

from softswitch.calls.bodies import lenient_session_in
from softswitch.calls.events import CallAnswered, CallFailed, CallRinging, MediaReoffered
from softswitch.calls.leg import Leg
from softswitch.calls.line import SDP, InviteRefused, LegSettings, LegTimer, Line, Phase
from softswitch.calls.outcome import Outcome, outcome_of
from softswitch.calls.reliable import reliable_number
from softswitch.calls.session_timer import SessionInterval, allows
from softswitch.sip.dialog import MAX_FORWARDS, Dialog
from softswitch.sip.digest import ClientDigest
from softswitch.sip.headers import Headers
from softswitch.sip.layer import Transaction, Trouble
from softswitch.sip.message import Request, Response
from softswitch.sip.uri import Uri
from softswitch.sip.values import CSeq, NameAddr

MOST_FORKS = 16  # ours; phones of one callee that ring at a time


class OutgoingLeg(Leg):
    """A call that we place. It ends before the answer with one `CallFailed`, after it with one `CallEnded`."""

    is_caller = True

    def __init__(
        self,
        leg_id: str,
        line: Line,
        settings: LegSettings,
        *,
        target: Uri,
        local: NameAddr,
        offer: bytes,
        digest: ClientDigest | None = None,
        routes: Iterable[str] = (),
        hops_left: int = MAX_FORWARDS,
        own: tuple[str, str] | None = None,
    ) -> None:
        """`local` is what goes into From. Call-ID and tag are made here, from nothing but `new_token`.

        offer: empty, and the peer is asked for its own; `MediaReoffered` brings it.
        hops_left: Max-Forwards; one less than that of the call which causes this one (RFC 7332).
        own: Call-ID and tag of a leg that is restored.
        """
        call_id, local_tag = own or (settings.new_token(), settings.new_token())
        super().__init__(leg_id, line, settings, call_id=call_id, local_tag=local_tag, digest=digest)
        self._target = target
        self._local = f"{local};tag={self.local_tag}"
        self._offer = self._local_sdp = offer
        self._hops_left = hops_left
        self._routes = tuple(routes)
        self._invite: Transaction | None = None
        self._cseq = 0
        self._given_up: tuple[Outcome, int, str] | None = None
        self._early: dict[str, Dialog] = {}
        """Of a forked INVITE, the early dialogs beside `dialog`, by the tag of their phones."""
        self._forks: dict[str, Dialog] = {}
        """Those that were answered too late, and ended."""
        self._rung: tuple[int, bytes] | None = None
        self._last_sdp = b""
        """Early media of whichever phone."""
        self._owed: tuple[Dialog, Response] | None = None
        """The peer's response with an offer, which our PRACK or ACK is to answer."""

    def start(self, now: float) -> None:
        """Send the INVITE."""
        self._deadlines[LegTimer.RING_LIMIT] = now + self._settings.ring_limit_s
        self._send_invite(now)

    def resume(self, now: float) -> None:
        """Say again, after a restore, what may have been lost with the process that said it."""
        if self._given_up is not None:
            self._send_cancel(now)

    def hang_up(self, now: float) -> None:
        """CANCEL before the answer, BYE after it."""
        if self.phase is Phase.SETUP:
            self._give_up(Outcome.CANCELLED, 487, "cancelled", now)
        elif self.phase is Phase.TALKING:
            self._acknowledge_owed(b"")
            self._finish("hang-up", now)

    def answer_reoffer(self, sdp: bytes | None, now: float) -> None:
        owed, self._owed = self._owed, None
        if owed is None or self._invite is None:
            super().answer_reoffer(sdp, now)
            return
        dialog, response = owed
        self._local_sdp = sdp or b""
        if response.status >= 200:
            self._owed = owed
            self._acknowledge_owed(sdp or b"")
            if sdp is None:
                self._finish("rejected", now)
        elif sdp is None:
            self._give_up(Outcome.FAILED, 488, "the peer's offer does not fit", now)
        else:
            dialog.is_settled = True
            self._send_prack(dialog, response, sdp, now)

    def _acknowledge_owed(self, answer: bytes) -> None:
        """The ACK for a 2xx with an offer, which has waited for our answer (§13.2.2.4)."""
        owed, self._owed = self._owed, None
        if owed is not None and self._invite is not None:
            self._peer.acknowledge(owed[0], self._invite, owed[1], answer)

    def receive_response(self, transaction: Transaction, response: Response, now: float) -> None:
        if transaction is not self._invite:
            super().receive_response(transaction, response, now)
        elif response.status < 200:
            self._receive_provisional(response, now)
        elif response.status < 300:
            self._receive_success(transaction, response, now)
        else:
            self._receive_failure(transaction, response, now)

    def receive_trouble(self, transaction: Transaction, trouble: Trouble, now: float) -> None:
        if transaction is not self._invite:
            super().receive_trouble(transaction, trouble, now)
        elif trouble is Trouble.TIMED_OUT:
            # Nobody answered at all, not even with 100: that says nothing about the callee.
            self._fail(Outcome.FAILED, 408, "no response", now)
        else:
            self._fail(Outcome.FAILED, 503, "transport error", now)

    # The INVITE and what comes back

    def _send_invite(self, now: float, *, authorised: bool = False) -> None:
        self._cseq += 1
        settings = self._settings
        fields = {
            "Max-Forwards": [str(self._hops_left)],
            "From": [self._local],
            "To": [f"<{self._target.without_params()}>"],
            "Call-ID": [self.call_id],
            "CSeq": [f"{self._cseq} INVITE"],
            "Contact": [settings.contact],
            "Allow": [settings.allow],
            "Supported": [settings.supported],
        }
        known = {"CSeq": CSeq(self._cseq, "INVITE"), "To;tag": None}
        headers = Headers.from_fields(fields, known)
        request = Request("INVITE", self._target, headers, self._offer)
        for value in self._routes:
            headers.add("Route", value)
        if self._session_s:
            headers.put("Session-Expires", str(SessionInterval(self._session_s)))
        if self._shortest_s:
            headers.add("Min-SE", self._shortest_s)
        if self._offer:
            headers.put("Content-Type", SDP)
        if authorised:
            self._challenges.authorise(request)
        try:
            self._invite = self._peer.send(request, self._target, now)
        except InviteRefused as refused:
            self._fail(Outcome.BLOCKED, 0, str(refused), now)

    def _receive_provisional(self, response: Response, now: float) -> None:
        if self._given_up is not None:
            self._send_cancel(now)
            return
        if response.status == 100 or self.phase is not Phase.SETUP:
            return
        dialog = self._early_dialog(response)
        sdp = lenient_session_in(response)
        if dialog is not None and "RSeq" in response.headers:
            if not self._take_reliable(dialog, response, sdp, now):
                return
            if self._owed is not None and self._owed[1] is response:
                sdp = b""
        elif not self._offer:
            sdp = b""  # an offer comes only in what is acknowledged (§13.2.1)
        if sdp:
            self._last_sdp = sdp
            if dialog is not None:
                dialog.early_sdp = sdp
        rung = (response.status, sdp)
        if 180 <= response.status <= 183 and rung != self._rung:
            self._rung = rung
            self.events.append(CallRinging(self.leg_id, *rung))
        if self._owed is not None and self._owed[1] is response:
            self.events.append(MediaReoffered(self.leg_id, response.body))

    def _early_dialog(self, response: Response) -> Dialog | None:
        """The one that this provisional response belongs to; each phone of a forked INVITE has its own (§13.2.2.4)."""
        tag, known = response.to_tag, self.dialog
        if not tag or self._invite is None:
            return None
        if known is None:
            self.dialog = known = Dialog.opened_by_us(self._invite.request, response)
        if known.remote_tag == tag:
            return known
        other = self._early.get(tag)
        if other is None and len(self._early) < MOST_FORKS:
            other = self._early[tag] = Dialog.opened_by_us(self._invite.request, response)
        return other

    def _dialog_with(self, remote_tag: str) -> Dialog | None:
        return super()._dialog_with(remote_tag) or self._early.get(remote_tag)

    def _take_reliable(self, dialog: Dialog, response: Response, sdp: bytes, now: float) -> bool:
        """Acknowledge a reliable provisional response; False for a copy, and for one that overtook another."""
        number = reliable_number(response)
        if number is None:
            return True  # numbered, but not asking for PRACK
        if dialog.remote_rseq and number != dialog.remote_rseq + 1:
            return False  # RFC 3262 §4: its turn has been, or will be when it is sent again
        dialog.remote_rseq = number
        dialog.peer_updates = allows(response, "UPDATE")
        if sdp and not self._offer and not dialog.is_settled:
            self._owed = (dialog, response)
            return True
        dialog.is_settled = dialog.is_settled or bool(sdp)
        self._send_prack(dialog, response, b"", now)
        return True

    def _send_prack(self, dialog: Dialog, response: Response, answer: bytes, now: float) -> None:
        prack = dialog.request("PRACK", answer, SDP if answer else "")
        prack.headers.add("RAck", f"{reliable_number(response)} {response.cseq}")
        self._peer.send(prack, dialog.next_hop, now)

    def _receive_success(self, invite: Transaction, response: Response, now: float) -> None:
        tag = response.to_tag or ""
        dialog = self.dialog
        if dialog is not None and dialog.is_confirmed and dialog.remote_tag != tag:
            self._refuse_fork(tag, invite, response, now)
            return
        if dialog is None or not dialog.is_confirmed:
            if dialog is None or dialog.remote_tag != tag:
                dialog = self._early.pop(tag, None) or Dialog.opened_by_us(invite.request, response)
                self.dialog = dialog
            dialog.confirm(response)
        if self.phase is Phase.SETUP and not self._offer and not dialog.is_settled and self._given_up is None:
            offer = lenient_session_in(response)
            if offer:
                self._owed = (dialog, response)
                self._enter_talking(response, b"", now)
                self.events.append(MediaReoffered(self.leg_id, offer))
                return
        if self._owed is not None and self._owed[1].status >= 200:
            return  # a copy; the ACK waits for our answer
        if not self._peer.acknowledge(dialog, invite, response) or self.phase is not Phase.SETUP:
            return
        if self._given_up is not None:
            # Our CANCEL and the 200 have crossed: the callee's phone is off the hook, so it is told at once.
            self._bye = self._peer.send_bye(dialog, now)
            outcome, _, reason = self._given_up
            self._fail(outcome, response.status, reason, now)
            return
        if self._renegotiated or not self._offer:
            self._enter_talking(response, b"", now)
        else:
            # Some gateways give the answer in a 183 and leave it out of the 200.
            answer = lenient_session_in(response) or dialog.early_sdp or self._last_sdp
            self._enter_talking(response, answer, now)

    def _enter_talking(self, response: Response, answer: bytes, now: float) -> None:
        self._deadlines.pop(LegTimer.RING_LIMIT, None)
        self.phase = Phase.TALKING
        self._early.clear()
        self._take_session(response, now)
        self._arm_keepalive(now)
        self.events.append(CallAnswered(self.leg_id, answer))
        self._send_reoffer(now)

    def _refuse_fork(self, tag: str, invite: Transaction, response: Response, now: float) -> None:
        """A proxy has forked our INVITE and a second phone was picked up: acknowledged, and ended (§13.2.2.4)."""
        fork = self._forks.get(tag)
        if fork is None:
            fork = self._forks[tag] = Dialog.opened_by_us(invite.request, response)
        if self._peer.acknowledge(fork, invite, response):
            self._peer.send_bye(fork, now)

    def _receive_failure(self, invite: Transaction, response: Response, now: float) -> None:
        status, goes_on = response.status, self._given_up is None
        if status in (401, 407) and goes_on and self._challenges.can_answer(invite.request, response):
            self._forget_early()
            self._send_invite(now, authorised=True)
            return
        if status == 422 and goes_on and self._take_too_short(response):
            self._forget_early()
            self._send_invite(now, authorised=self._challenges.has_answered)
            return
        if status == 487 or (status in (401, 407) and self._given_up is not None):
            # Without a CANCEL of ours a 487 is the network's doing.
            self._fail(*(self._given_up or (Outcome.FAILED, 487, response.reason)), now)
        else:
            self._fail(outcome_of(status), status, response.reason, now)

    def _forget_early(self) -> None:
        """The INVITE is sent anew: what answered the old one is gone."""
        self.dialog = self._rung = self._owed = None
        self._early.clear()

    # Whose turn it is

    @property
    def _may_update(self) -> bool:
        dialog = self.dialog
        return self.phase is Phase.SETUP and dialog is not None and dialog.is_settled and dialog.peer_updates

    @property
    def _awaits_answer(self) -> bool:
        early = self.phase is Phase.SETUP and bool(self._offer)
        return (early and not (self.dialog is not None and self.dialog.is_settled)) or super()._awaits_answer

    @property
    def _owes_answer(self) -> bool:
        return self._owed is not None or super()._owes_answer

    # Giving up

    def _give_up(self, outcome: Outcome, status: int, reason: str, now: float) -> None:
        if self._given_up is None:
            self._given_up = (outcome, status, reason)
            self._deadlines.pop(LegTimer.RING_LIMIT, None)
            self._send_cancel(now)

    def _send_cancel(self, now: float) -> None:
        """Not before a provisional response has come (§9.1); the layer knows."""
        if self._invite is None or LegTimer.CANCEL_WAIT in self._deadlines:
            return
        if self._peer.cancel(self._invite, now):
            self._deadlines[LegTimer.CANCEL_WAIT] = now + self._settings.timers.patience

    def _timer_fired(self, timer: LegTimer, now: float) -> None:
        if timer is LegTimer.RING_LIMIT:
            self._give_up(Outcome.NO_ANSWER, 408, "rang for too long", now)
        elif timer is LegTimer.CANCEL_WAIT and self._given_up is not None:
            if self._invite is not None:
                self._peer.abandon(self._invite, now)
                self._fail(*self._given_up, now)
        else:
            super()._timer_fired(timer, now)

    def _fail(self, outcome: Outcome, status: int, reason: str, now: float) -> None:
        if self.phase is not Phase.SETUP:
            return
        if self._given_up is not None and status in (408, 503):
            outcome, status, reason = self._given_up
        self._enter_over(now)
        self._early.clear()
        self.events.append(CallFailed(self.leg_id, outcome, status, reason))

    def _receive_bye(self, bye: Transaction, now: float) -> None:
        """A callee must not say BYE before it has answered (§15). One phone of a forked call that does drops out; where
        no other rings, the call is given up: its INVITE may yet be answered, and is ended by CANCEL or BYE."""
        if self.phase is not Phase.SETUP:
            super()._receive_bye(bye, now)
            return
        self._peer.respond(bye, 200, now)
        others_ring = self._early.pop(bye.request.from_tag or "", None) is not None or bool(self._early)
        if not others_ring:
            self._give_up(Outcome.FAILED, 487, "ended before it was answered", now)

    def _receive_stranger(self, transaction: Transaction | None, now: float) -> None:
        """A fork that we have refused may say BYE itself."""
        tag = transaction.request.from_tag or "" if transaction is not None else ""
        if transaction is not None and transaction.request.method == "BYE" and tag in self._forks:
            self._peer.respond(transaction, 200, now)
        else:
            super()._receive_stranger(transaction, now)
