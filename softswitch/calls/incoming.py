"""The leg whose INVITE came to us: an agent's phone that logs in, or somebody who calls in (RFC 3261 §13.3)."""

from softswitch.calls.events import CallAnswered
from softswitch.calls.leg import Leg
from softswitch.calls.line import LegSettings, LegTimer, Line, Phase
from softswitch.errors import UsageError
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
        self._invite = invite
        self._deadlines[LegTimer.RING_LIMIT] = now + settings.ring_limit_s

    def ring(self, now: float) -> None:
        """Say 180, and again each minute. After the answer or the end it does nothing."""
        if self.phase is not Phase.SETUP:
            return
        self._peer.respond_in_dialog(self._invite, 180, now)
        self._deadlines[LegTimer.RING_AGAIN] = now + RING_AGAIN_S

    def answer(self, sdp: bytes, now: float) -> None:
        """Say 200. Where the INVITE carried no offer, `sdp` is ours, and `CallAnswered` follows with the peer's answer.

        After the end it does nothing: a CANCEL may always come first.
        """
        if self.phase is Phase.TALKING:
            raise UsageError("this call has been answered already; use reoffer for other media")
        if self.phase is Phase.OVER or self.dialog is None:
            return
        self._deadlines.clear()
        self.phase = Phase.TALKING
        self.dialog.is_confirmed = True
        self._send_2xx(self._invite, sdp, now)
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
            self._leave(now)
            self._end(by_peer=False, cause="hang-up", now=now)

    def receive_cancel(self, invite: Transaction, now: float) -> None:
        if invite is self._invite and self.phase is Phase.SETUP:
            self._peer.respond(invite, 487, now)
            self._end(by_peer=True, cause="cancel", now=now)
        else:
            super().receive_cancel(invite, now)

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
        elif timer is LegTimer.RING_LIMIT:
            if self.phase is Phase.SETUP:
                self._peer.respond(self._invite, 480, now)
                self._end(by_peer=False, cause="timeout", now=now)
        else:
            super()._timer_fired(timer, now)
