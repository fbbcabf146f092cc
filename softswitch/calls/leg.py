"""A leg: one INVITE session with one peer, and what its answered part has in common whoever called.

`OutgoingLeg` and `IncomingLeg` set the session up; here are BYE, re-INVITE both ways, the keep-alive inside the dialog,
and the copies of a 2xx until its ACK comes. A leg speaks the neutral vocabulary of `calls.events` upwards.
"""

from abc import ABC, abstractmethod
from collections import deque
from dataclasses import dataclass

from softswitch.calls.challenges import Challenges
from softswitch.calls.events import CallEnded, CallEvent, MediaReoffered, ReofferAnswered, ReofferRefused
from softswitch.calls.line import ALLOW, SDP, LegSettings, LegTimer, Line, Phase
from softswitch.calls.peer import Peer
from softswitch.errors import PeerError, UsageError
from softswitch.sip.dialog import Dialog
from softswitch.sip.digest import ClientDigest
from softswitch.sip.layer import Transaction, Trouble
from softswitch.sip.message import Request, Response


class Leg(ABC):
    """One INVITE session. Its pool feeds it what belongs to its transactions and its dialog."""

    is_caller: bool
    """We sent the INVITE, so the Call-ID is ours (it decides who waits longer after a 491)."""

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
        self.leg_id = leg_id
        self.call_id = call_id
        self.local_tag = local_tag
        self.phase = Phase.SETUP
        self.dialog: Dialog | None = None
        self.events: deque[CallEvent] = deque()
        self._settings = settings
        self._peer = Peer(line, settings, local_tag)
        self._challenges = Challenges(digest)
        self._deadlines: dict[LegTimer, float] = {}
        self._unacknowledged: _Answer | None = None
        self._bye_after_ack = False
        self._bye: Transaction | None = None
        self._probe: Transaction | None = None
        self._our_reinvite: Transaction | None = None
        self._waiting_offer: bytes | None = None
        self._peers_reinvite: Transaction | None = None

    # What the pool asks

    @property
    def is_finished(self) -> bool:
        """Nothing more can come for it: its pool may forget it."""
        return self.phase is Phase.OVER and not self._peer.is_awaited and self._unacknowledged is None

    def next_timer(self) -> float | None:
        return min(self._deadlines.values(), default=None)

    def handle_timer(self, now: float) -> None:
        while (at := self.next_timer()) is not None and at <= now:
            timer = min(self._deadlines, key=lambda each: self._deadlines[each])
            del self._deadlines[timer]
            self._timer_fired(timer, now)

    # What its user says

    @abstractmethod
    def hang_up(self, now: float) -> None:
        """End it in the way that fits its state. Saying it twice does nothing more."""

    def reoffer(self, sdp: bytes, now: float) -> None:
        """Propose other media; waits its turn where another exchange is under way (§14.1)."""
        if self.phase is not Phase.TALKING:
            raise UsageError("other media can be proposed only in an answered call; wait for CallAnswered")
        self._waiting_offer = sdp
        self._send_reoffer(now)

    def answer_reoffer(self, sdp: bytes | None, now: float) -> None:
        """Answer `MediaReoffered`; None refuses, and the media stay as they were (488). Too late, it does nothing."""
        invite, self._peers_reinvite = self._peers_reinvite, None
        if invite is None:
            return
        if sdp is None:
            self._peer.respond(invite, 488, now)
        else:
            self._send_2xx(invite, sdp, now)
        self._send_reoffer(now)

    # What the peer says

    def receive_response(self, transaction: Transaction, response: Response, now: float) -> None:
        """A response to a request of this leg."""
        if transaction is self._our_reinvite or (transaction.request.method == "INVITE" and response.status < 300):
            self._receive_reoffer_response(transaction, response, now)
        elif response.status < 200:
            return
        elif response.status in (401, 407):
            self._retry_with_credentials(transaction, response, now)
        elif transaction is self._probe:
            self._probe = None
            if response.status in (408, 481):
                self._lose(now)

    def receive_trouble(self, transaction: Transaction, trouble: Trouble, now: float) -> None:
        """A request of this leg got no answer, or could not be sent."""
        if transaction in (self._probe, self._our_reinvite):
            self._probe = self._our_reinvite = None
            self._lose(now)

    def receive_end(self, transaction: Transaction) -> None:
        """A client transaction of this leg has ended."""
        self._peer.receive_end(transaction)

    def receive_request(self, transaction: Transaction | None, request: Request, now: float) -> None:
        """A request inside the dialog; `transaction` is None for an ACK."""
        dialog = self.dialog
        if dialog is None or (request.from_.tag or "") != dialog.remote_tag:
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
        elif request.method == "INVITE":
            self._receive_reinvite(transaction, request, now)
        elif request.method == "OPTIONS":
            self._peer.respond(transaction, 200, now, [("Allow", ALLOW), ("Accept", SDP)])
        else:
            self._peer.respond(transaction, 405, now, [("Allow", ALLOW)])
        if self.phase is Phase.TALKING:
            self._arm_keepalive(now)

    def receive_cancel(self, invite: Transaction, now: float) -> None:
        """A CANCEL for one of the peer's INVITEs; after a final response it has no effect (§9.2)."""
        if invite is self._peers_reinvite:
            self._peers_reinvite = None
            self._peer.respond(invite, 487, now)

    # BYE

    def _receive_bye(self, bye: Transaction, now: float) -> None:
        self._peer.respond(bye, 200, now)
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

    def _lose(self, now: float) -> None:
        """The peer does not answer any more: end here, and tell it should it still hear."""
        if self.phase is Phase.TALKING:
            self._leave(now)
            self._end(by_peer=False, cause="timeout", now=now)

    def _end(self, *, by_peer: bool, cause: str, now: float) -> None:
        if self.phase is Phase.OVER:
            return
        self._enter_over(now)
        self.events.append(CallEnded(self.leg_id, by_peer, cause))

    def _enter_over(self, now: float) -> None:
        self.phase = Phase.OVER
        if self._peers_reinvite is not None:
            self._peer.respond(self._peers_reinvite, 487, now)  # §15.1.2; and whoever says BYE owes an answer too
        self._peers_reinvite = self._waiting_offer = None
        kept = (LegTimer.COPY_2XX, LegTimer.NO_ACK) if self._unacknowledged is not None else ()
        self._deadlines = {timer: at for timer, at in self._deadlines.items() if timer in kept}
        if self._our_reinvite is not None:  # a peer that has said 100 may never say more
            self._deadlines[LegTimer.CANCEL_WAIT] = now + self._settings.timers.patience

    # 2xx and ACK

    def _send_2xx(self, invite: Transaction, sdp: bytes, now: float) -> None:
        """Accept an INVITE, and send copies until the ACK comes (§13.3.1.4)."""
        response = self._peer.respond_in_dialog(invite, 200, now, sdp)
        timers = self._settings.timers
        self._unacknowledged = _Answer(invite, response, 2 * timers.t1, offer_sent=not invite.request.body)
        self._deadlines[LegTimer.COPY_2XX] = now + timers.t1
        self._deadlines[LegTimer.NO_ACK] = now + timers.patience

    def _copy_2xx(self, now: float) -> None:
        answer = self._unacknowledged
        if answer is None:
            return
        self._peer.respond_again(answer.invite, answer.response, now)
        self._deadlines[LegTimer.COPY_2XX] = now + answer.interval
        answer.interval = min(2 * answer.interval, self._settings.timers.t2)

    def _receive_ack(self, ack: Request, now: float) -> None:
        answer = self._unacknowledged
        if answer is None or ack.cseq.number != answer.invite.request.cseq.number:
            return
        self._forget_2xx()
        if answer.offer_sent and self.phase is Phase.TALKING:
            self._receive_late_answer(answer.invite, ack.body)
        if self._bye_after_ack:
            self._bye_after_ack = False
            self._leave(now)
        self._send_reoffer(now)

    def _forget_2xx(self) -> None:
        self._unacknowledged = None
        self._deadlines.pop(LegTimer.COPY_2XX, None)
        self._deadlines.pop(LegTimer.NO_ACK, None)

    def _give_up_on_ack(self, now: float) -> None:
        """No ACK came for 64*T1: the session is ended with a BYE (§13.3.1.4)."""
        self._forget_2xx()
        self._leave(now)
        self._end(by_peer=False, cause="no-ack", now=now)

    def _receive_late_answer(self, invite: Transaction, sdp: bytes) -> None:
        """The ACK's answer to the offer in our 2xx to an INVITE without one (§13.2.1, §14.2)."""
        self.events.append(ReofferAnswered(self.leg_id, sdp))

    # re-INVITE

    def _receive_reinvite(self, invite: Transaction, request: Request, now: float) -> None:
        if self._unacknowledged is not None or self._peers_reinvite is not None or self.phase is Phase.SETUP:
            # §14.2: another INVITE of the peer's is not yet done with.
            self._peer.respond(invite, 500, now, [("Retry-After", self._settings.chance(10))])
        elif self._our_reinvite is not None:
            self._peer.respond(invite, 491, now)
        elif request.body and request.content_type not in (SDP, None):
            self._peer.respond(invite, 415, now, [("Accept", SDP)])
        else:
            assert self.dialog is not None
            self.dialog.refresh_target(request)
            self._peers_reinvite = invite
            self.events.append(MediaReoffered(self.leg_id, request.body))

    def _send_reoffer(self, now: float) -> None:
        busy = self._our_reinvite is not None or self._peers_reinvite is not None or self._unacknowledged is not None
        if self._waiting_offer is None or self.dialog is None or self.phase is not Phase.TALKING or busy:
            return
        if LegTimer.REOFFER in self._deadlines:
            return
        sdp, self._waiting_offer = self._waiting_offer, None
        request = self.dialog.request("INVITE", sdp, SDP)
        request.headers.add("Allow", ALLOW)
        self._our_reinvite = self._peer.send(request, self.dialog.next_hop, now)

    def _receive_reoffer_response(self, invite: Transaction, response: Response, now: float) -> None:
        if response.status < 200 or self.dialog is None:
            return
        if response.status < 300:
            first = self._peer.acknowledge(self.dialog, invite, response)
            if first and self.phase is Phase.TALKING:
                self._our_reinvite = None
                self.dialog.refresh_target(response)
                self.events.append(ReofferAnswered(self.leg_id, response.body))
                self._send_reoffer(now)
            return
        if self.phase is not Phase.TALKING:
            return
        if response.status in (401, 407) and self._retry_with_credentials(invite, response, now):
            return
        self._our_reinvite = None
        if response.status == 491:
            # §14.1: the Call-ID's owner waits 2.1 to 4 s, the other up to 2 s, so that one comes first.
            pause = (210 + self._settings.chance(190)) / 100 if self.is_caller else self._settings.chance(200) / 100
            self._deadlines[LegTimer.REOFFER] = now + pause
            if self._waiting_offer is None:
                self._waiting_offer = invite.request.body
        elif response.status in (408, 481):
            self._lose(now)  # §14.1: the dialog is gone
        else:
            self.events.append(ReofferRefused(self.leg_id, response.status))
            self._send_reoffer(now)

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
            request.headers.add("Accept", SDP)
            self._probe = self._peer.send(request, self.dialog.next_hop, now)

    # Common ground

    def _timer_fired(self, timer: LegTimer, now: float) -> None:
        if timer is LegTimer.COPY_2XX:
            self._copy_2xx(now)
        elif timer is LegTimer.NO_ACK:
            self._give_up_on_ack(now)
        elif timer is LegTimer.KEEPALIVE:
            self._send_probe(now)
        elif timer is LegTimer.REOFFER:
            self._send_reoffer(now)
        elif timer is LegTimer.CANCEL_WAIT and self._our_reinvite is not None:
            self._peer.abandon(self._our_reinvite, now)

    def _retry_with_credentials(self, transaction: Transaction, response: Response, now: float) -> bool:
        """Answer a challenge inside the dialog; False where we have nothing (more) to say to it."""
        own = transaction in (self._bye, self._probe, self._our_reinvite)
        if self.dialog is None or not own or not self._challenges.can_answer(transaction.request, response):
            return False
        old = transaction.request
        request = self.dialog.request(old.method, old.body, old.headers.get("Content-Type") or "")
        self._challenges.authorise(request)
        again = self._peer.send(request, self.dialog.next_hop, now)
        if transaction is self._our_reinvite:
            self._our_reinvite = again
        elif transaction is self._probe:
            self._probe = again
        elif transaction is self._bye:
            self._bye = again
        return True

    def _receive_stranger(self, transaction: Transaction | None, now: float) -> None:
        """A request with our tag and somebody else's."""
        if transaction is not None:
            self._peer.respond(transaction, 481, now)


@dataclass(slots=True)
class _Answer:
    """A 2xx of ours that awaits its ACK."""

    invite: Transaction
    response: Response
    interval: float
    """The next pause between copies."""
    offer_sent: bool
    """The 2xx carries the offer, so that the ACK carries the answer."""
