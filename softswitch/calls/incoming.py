"""The leg whose INVITE came to us: an agent's phone that logs in, or somebody who calls in (RFC 3261 §13.3)."""

from softswitch.calls.bodies import session_in
from softswitch.calls.events import CallAnswered, MediaReoffered, ReofferAnswered
from softswitch.calls.leg import Leg
from softswitch.calls.line import LegSettings, LegTimer, Line, Phase
from softswitch.calls.reliable import TAG, ReliableProvisionals
from softswitch.calls.session_timer import allows
from softswitch.errors import PeerError, UsageError
from softswitch.sip.dialog import Dialog
from softswitch.sip.layer import Transaction
from softswitch.sip.message import Request

RING_AGAIN_S = 60.0  # RFC 3261 §13.3.1.1


class IncomingLeg(Leg):
    """A call that was offered to us; it ends with one `CallEnded`, answered or not."""

    is_caller = False

    def __init__(
        self, leg_id: str, line: Line, settings: LegSettings, *, invite: Transaction, request: Request, now: float
    ) -> None:
        """Raises PeerError(400) where the INVITE cannot open a dialog."""
        local_tag = settings.new_token()
        super().__init__(leg_id, line, settings, call_id=request.call_id, local_tag=local_tag)
        self.dialog = Dialog.opened_by_peer(request, local_tag, settings.contact)
        self.replaces = ""
        """The leg that ends once this one is answered (RFC 3891)."""
        self._invite = invite
        self._reliable = self._reliability(request)
        self._waiting_answer: bytes | None = None
        """Given by our user, but a PRACK must come first."""
        self._deadlines[LegTimer.RING_LIMIT] = now + min(settings.ring_limit_s, self._expires_s)

    @classmethod
    def answered(
        cls, leg_id: str, line: Line, settings: LegSettings, invite: Transaction, *, call_id: str, local_tag: str
    ) -> "IncomingLeg":
        """A leg whose INVITE was answered by another process; `snapshots` fills in the rest."""
        leg = cls.__new__(cls)
        Leg.__init__(leg, leg_id, line, settings, call_id=call_id, local_tag=local_tag)
        leg.replaces, leg._invite, leg._reliable, leg._waiting_answer = "", invite, None, None
        return leg

    @property
    def _expires_s(self) -> float:
        """For how long the caller wants to wait (§13.3.1)."""
        expires_s = self._invite.request.expires
        return float("inf") if expires_s is None else expires_s

    def ring(self, now: float, sdp: bytes = b"") -> None:
        """Say 180, and again each minute; with early media 183. After the answer or the end it does nothing.

        sdp: the answer to the INVITE's offer, or, for a caller who acknowledges it, our offer where there was none.
        """
        if self.phase is not Phase.SETUP:
            return
        self._announce(183 if sdp else 180, sdp, now)
        self._deadlines[LegTimer.RING_AGAIN] = now + RING_AGAIN_S

    def answer(self, sdp: bytes, now: float) -> None:
        """Say 200. Where the INVITE carried no offer, `sdp` is ours, and `CallAnswered` follows with the peer's answer.

        After the end it does nothing: a CANCEL may always come first. Where early media were agreed reliably they
        stand, and `sdp` is not sent.
        """
        if self.phase is Phase.TALKING:
            raise UsageError("this call has been answered already; use reoffer for other media")
        if self.phase is Phase.OVER or self.dialog is None:
            return
        reliable = self._reliable
        if reliable is not None and reliable.holds_back_answer:
            self._waiting_answer = sdp
            return
        settled = reliable is not None and reliable.is_settled
        self._deadlines.clear()
        self.phase = Phase.TALKING
        self.dialog.is_confirmed = True
        self._send_2xx(self._invite, b"" if settled else sdp, now, settled=settled)
        self._arm_keepalive(now)

    def reject(self, status: int, now: float) -> None:
        """Refuse with a final status of 300 to 699. Once answered or over, it does nothing."""
        if not 300 <= status <= 699:
            raise UsageError("a call is rejected with a status from 300 to 699; use answer to accept it")
        if self.phase is Phase.SETUP:
            self._peer.respond(self._invite, status, now)
            self._end(by_peer=False, cause="rejected", now=now)

    def hang_up(self, now: float) -> None:
        if self.phase is Phase.SETUP:
            self.reject(480, now)
        elif self.phase is Phase.TALKING:
            self._finish("hang-up", now)

    def receive_cancel(self, invite: Transaction, now: float) -> None:
        if invite is self._invite and self.phase is Phase.SETUP:
            self._peer.respond(invite, 487, now)
            self._end(by_peer=True, cause="cancel", now=now)
        else:
            super().receive_cancel(invite, now)

    # Whose turn it is

    @property
    def _may_update(self) -> bool:
        reliable = self._reliable
        return reliable is not None and reliable.is_settled and allows(self._invite.request, "UPDATE")

    @property
    def _awaits_answer(self) -> bool:
        reliable = self._reliable
        early = self.phase is Phase.SETUP and reliable is not None and reliable.awaits_answer
        return early or super()._awaits_answer

    @property
    def _owes_answer(self) -> bool:
        early = self.phase is Phase.SETUP and bool(self._invite.request.body)
        return (early and not (self._reliable is not None and self._reliable.is_settled)) or super()._owes_answer

    # Provisional responses (RFC 3262)

    def _reliability(self, request: Request) -> ReliableProvisionals | None:
        headers = request.headers
        required = headers.has("Require", TAG)
        if not required and not (self._settings.rings_reliably and headers.has("Supported", TAG)):
            return None
        first = self._settings.chance(0x7FFFFFFF)
        return ReliableProvisionals(required, first, request.cseq.number, bool(request.body))

    def _announce(self, status: int, sdp: bytes, now: float) -> None:
        reliable = self._reliable
        if reliable is None or not (sdp or reliable.caller_offered or reliable.has_described or reliable.is_required):
            # §5: without an offer in the INVITE the first reliable response must hold ours; this one has none.
            self._peer.respond_in_dialog(self._invite, status, now, sdp if self._invite.request.body else b"")
        elif not (sdp or reliable.caller_offered or reliable.has_described):
            return  # this caller takes nothing unreliable and nothing without an offer: 100 has to do
        elif reliable.unacknowledged is not None:
            if len(reliable.waiting) < 2:
                reliable.waiting.append((status, sdp))
        else:
            self._announce_reliably(reliable, status, sdp, now)

    def _announce_reliably(self, reliable: ReliableProvisionals, status: int, sdp: bytes, now: float) -> None:
        timers = self._settings.timers
        if reliable.has_described:
            sdp = b""  # offer or answer has been said
        response = self._peer.respond_in_dialog(self._invite, status, now, sdp, reliable.next_headers())
        reliable.open(response)
        if sdp:
            self._local_sdp = sdp
        reliable.interval = 2 * timers.t1
        self._deadlines[LegTimer.COPY_PROVISIONAL] = now + timers.t1
        self._deadlines[LegTimer.NO_PRACK] = now + timers.patience

    def _receive_prack(self, prack: Transaction, request: Request, now: float) -> None:
        reliable = self._reliable
        if reliable is None or not reliable.is_acknowledged_by(request):
            super()._receive_prack(prack, request, now)
            return
        try:
            sdp = session_in(request)
        except PeerError as error:
            self._peer.respond(prack, error.status, now)
            return
        if reliable.awaits_answer and not sdp:
            self._peer.respond(prack, 400, now)  # §5: the PRACK must answer the offer that it acknowledges
            return
        asked, described = reliable.awaits_answer, reliable.has_described
        reliable.unacknowledged = None
        reliable.is_settled = described
        self._deadlines.pop(LegTimer.COPY_PROVISIONAL, None)
        self._deadlines.pop(LegTimer.NO_PRACK, None)
        if asked:
            self._peer.respond(prack, 200, now)
            self.events.append(ReofferAnswered(self.leg_id, sdp))
        elif sdp and self.phase is Phase.SETUP and described:
            self._peers_offer = prack
            self.events.append(MediaReoffered(self.leg_id, sdp))
        else:
            self._peer.respond(prack, 200, now)
        self._go_on(reliable, now)

    def _go_on(self, reliable: ReliableProvisionals, now: float) -> None:
        """What has waited for the PRACK."""
        answer, self._waiting_answer = self._waiting_answer, None
        if self.phase is not Phase.SETUP:
            return
        if answer is not None:
            self.answer(answer, now)
        elif reliable.waiting:
            self._announce_reliably(reliable, *reliable.waiting.popleft(), now)
        else:
            self._send_reoffer(now)

    def _copy_provisional(self, now: float) -> None:
        reliable = self._reliable
        if reliable is not None and reliable.unacknowledged is not None and self.phase is Phase.SETUP:
            self._peer.respond_again(self._invite, reliable.unacknowledged, now)
            self._deadlines[LegTimer.COPY_PROVISIONAL] = now + reliable.interval
            reliable.interval *= 2

    # The rest of a call

    def _receive_bye(self, bye: Transaction, now: float) -> None:
        if self.phase is Phase.SETUP:
            self._peer.respond(self._invite, 487, now)  # §15.1.2
        super()._receive_bye(bye, now)

    def _receive_late_answer(self, invite: Transaction, sdp: bytes) -> None:
        if invite is self._invite:
            self.events.append(CallAnswered(self.leg_id, sdp))
        else:
            super()._receive_late_answer(invite, sdp)

    def _timer_fired(self, timer: LegTimer, now: float) -> None:
        if timer is LegTimer.RING_AGAIN:
            self.ring(now)
        elif timer is LegTimer.COPY_PROVISIONAL:
            self._copy_provisional(now)
        elif timer in (LegTimer.RING_LIMIT, LegTimer.NO_PRACK):
            if self.phase is Phase.SETUP:
                late = timer is LegTimer.RING_LIMIT
                given_up = 487 if self._expires_s <= self._settings.ring_limit_s else 480
                self._peer.respond(self._invite, given_up if late else 504, now)  # RFC 3262 §3: a 5xx
                self._end(by_peer=False, cause="timeout" if late else "no-prack", now=now)
        else:
            super()._timer_fired(timer, now)
