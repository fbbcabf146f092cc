"""Offers and answers of one leg, both ways: the 2xx and its ACK, re-INVITE and UPDATE.

RFC 3261 §13 and §14, RFC 3264, RFC 3311. One offer at a time is under way in a dialog (RFC 6337 §2.2):
`_awaits_answer` and `_owes_answer` say whose, and everything here asks them.
"""

from abc import abstractmethod
from collections import deque
from dataclasses import dataclass

from softswitch.calls.bodies import ACCEPT, lenient_session_in, session_in
from softswitch.calls.challenges import Challenges
from softswitch.calls.events import CallEnded, CallEvent, MediaReoffered, ReofferAnswered, ReofferRefused
from softswitch.calls.line import SDP, LegSettings, LegTimer, Line, Phase
from softswitch.calls.peer import Peer
from softswitch.calls.session_timer import is_too_short, shortest_in
from softswitch.calls.sessions import Sessions
from softswitch.errors import PeerError, UsageError
from softswitch.sip.dialog import Dialog
from softswitch.sip.digest import ClientDigest
from softswitch.sip.layer import Transaction
from softswitch.sip.message import Request, Response

LONGEST_PAUSE_S = 32  # ours; a peer that has an exchange of its own under way asks for 0 to 10 s (§14.2)
_KEPT_ON_RETRY = ("RAck", "Supported", "Session-Expires", "Min-SE", "Event", "Subscription-State")


class Offers(Sessions):
    """What a leg and its peer propose to each other. `Leg` adds the rest of a call to it."""

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
        self.dialog = None
        self.events: deque[CallEvent] = deque()
        self._settings = settings
        self._peer = Peer(line, settings, local_tag)
        self._challenges = Challenges(digest)
        self._deadlines = {}
        self._unacknowledged: Answer | None = None
        self._bye_after_ack = False
        self._local_sdp = b""
        self._our_offer = None
        self._waiting_offer = None
        self._peers_offer: Transaction | None = None
        """The peer's re-INVITE, UPDATE or PRACK whose offer waits for `answer_reoffer`."""
        self._renegotiated = False
        """UPDATE or PRACK has changed the media before the answer."""
        self._session_s = settings.session_s

    # What its user says

    def reoffer(self, sdp: bytes, now: float) -> None:
        """Propose other media; waits its turn where another exchange is under way (§14.1).

        Before the answer it takes UPDATE, a peer that knows it, and media that were agreed reliably (RFC 3311 §5.1).
        """
        if self.phase is not Phase.TALKING and not self._may_update:
            raise UsageError("other media can be proposed only in an answered call; wait for CallAnswered")
        self._waiting_offer = sdp
        self._send_reoffer(now)

    def answer_reoffer(self, sdp: bytes | None, now: float) -> None:
        """Answer `MediaReoffered`; None refuses, and the media stay as they were (488). Too late, it does nothing."""
        offer, self._peers_offer = self._peers_offer, None
        if offer is None:
            return
        if sdp is None:
            self._peer.respond(offer, 488, now)
        else:
            self._local_sdp = sdp
            if offer.request.method == "INVITE":
                self._send_2xx(offer, sdp, now)
            else:
                self._note_agreement()
                self._peer.respond_in_dialog(offer, 200, now, sdp, self._agree_session(offer.request, now))
        self._send_reoffer(now)

    # Whose turn it is

    @property
    def _may_update(self) -> bool:
        """Before the answer: whether an offer of ours may go out in an UPDATE."""
        return False

    @property
    def _awaits_answer(self) -> bool:
        """An offer of ours has not been answered."""
        ours, answer = self._our_offer, self._unacknowledged
        return (ours is not None and (bool(ours.request.body) or ours.request.method == "INVITE")) or (
            answer is not None and answer.offer_sent
        )

    @property
    def _owes_answer(self) -> bool:
        """An offer of the peer's has not been answered."""
        return self._peers_offer is not None

    # 2xx and ACK

    def _send_2xx(self, invite: Transaction, sdp: bytes, now: float, *, settled: bool = False) -> None:
        """Accept an INVITE, and send copies until the ACK comes (§13.3.1.4). settled: the media are agreed already."""
        offer_sent = not invite.request.body and not settled
        if sdp:
            self._local_sdp = sdp
        agreed = self._agree_session(invite.request, now)
        response = self._peer.respond_in_dialog(invite, 200, now, sdp, agreed)
        timers = self._settings.timers
        self._unacknowledged = Answer(invite, response, 2 * timers.t1, offer_sent)
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
            sdp = lenient_session_in(ack)
            if sdp:
                self._receive_late_answer(answer.invite, sdp)
            else:
                self._finish("no-answer", now)  # the ACK must answer (§13.2.2.4)
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
        self._finish("no-ack", now)

    def _receive_late_answer(self, invite: Transaction, sdp: bytes) -> None:
        """The ACK's answer to the offer in our 2xx to an INVITE without one (§13.2.1, §14.2)."""
        self.events.append(ReofferAnswered(self.leg_id, sdp))

    # The peer's re-INVITE and UPDATE

    def _receive_reinvite(self, invite: Transaction, request: Request, dialog: Dialog, now: float) -> None:
        if self._unacknowledged is not None or self._owes_answer or (self.phase is Phase.SETUP and not self.is_caller):
            # §14.2: another INVITE of the peer's is not yet done with.
            self._ask_to_wait(invite, now)
        elif self._awaits_answer or self.phase is Phase.SETUP:
            self._peer.respond(invite, 491, now)
        else:
            sdp = self._offer_in(invite, request, now)
            if sdp is not None:
                dialog.refresh_target(request)
                self._peers_offer = invite
                self.events.append(MediaReoffered(self.leg_id, sdp))

    def _receive_update(self, update: Transaction, request: Request, dialog: Dialog, now: float) -> None:
        """RFC 3311 §5.2. Without an offer it refreshes the target and the session, at any time."""
        if self._peers_offer is not None and self._peers_offer.request.method == "UPDATE":
            self._ask_to_wait(update, now)
            return
        sdp = self._offer_in(update, request, now)
        if sdp is None:
            return
        if sdp and self._awaits_answer:
            self._peer.respond(update, 491, now)
        elif sdp and self._owes_answer:
            self._ask_to_wait(update, now)
        else:
            dialog.refresh_target(request)
            if sdp:
                self._peers_offer = update
                self.events.append(MediaReoffered(self.leg_id, sdp))
            else:
                self._peer.respond_in_dialog(update, 200, now, more=self._agree_session(request, now))

    def _offer_in(self, transaction: Transaction, request: Request, now: float) -> bytes | None:
        """The request's offer, or nothing in it; None where the request has been refused."""
        try:
            if is_too_short(request, self._settings.shortest_session_s):
                self._peer.respond(transaction, 422, now, [("Min-SE", self._settings.shortest_session_s)])
                return None
            shortest_in(request)
            return session_in(request)
        except PeerError as error:
            more = [("Accept", ACCEPT), ("Accept-Encoding", "identity")] if error.status == 415 else []
            self._peer.respond(transaction, error.status, now, more)
            return None

    def _ask_to_wait(self, transaction: Transaction, now: float) -> None:
        self._peer.respond(transaction, 500, now, [("Retry-After", self._settings.chance(10))])

    def _note_agreement(self) -> None:
        """An offer outside of a re-INVITE is answered; before the 2xx that makes what the 2xx says of media old."""
        self._renegotiated = self._renegotiated or self.phase is Phase.SETUP

    # Our re-INVITE and UPDATE

    def _send_reoffer(self, now: float) -> None:
        busy = self._our_offer is not None or self._unacknowledged is not None or self._owes_answer
        if self._waiting_offer is None or self.dialog is None or busy or LegTimer.REOFFER in self._deadlines:
            return
        if self.phase is Phase.OVER or (self.phase is Phase.SETUP and not self._may_update):
            return
        sdp, self._waiting_offer = self._waiting_offer, None
        self._local_sdp = sdp
        self._send_offer("INVITE" if self.phase is Phase.TALKING else "UPDATE", sdp, now)

    def _send_offer(self, method: str, sdp: bytes, now: float) -> None:
        assert self.dialog is not None
        request = self.dialog.request(method, sdp, SDP if sdp else "")
        request.headers.add("Allow", self._settings.allow)
        request.headers.add("Supported", self._settings.supported)
        if self._session is not None:
            request.headers.add("Session-Expires", self._session)
            if self._shortest_s:
                request.headers.add("Min-SE", self._shortest_s)
        self._our_offer = self._peer.send(request, self.dialog.next_hop, now)

    def _receive_offer_response(self, offer: Transaction, response: Response, now: float) -> None:
        dialog = self.dialog
        if response.status < 200 or dialog is None:
            return
        if response.status < 300:
            first = offer.request.method != "INVITE" or self._peer.acknowledge(dialog, offer, response)
            if first and self.phase is not Phase.OVER and offer is self._our_offer:
                self._our_offer = None
                dialog.refresh_target(response)
                self._take_session(response, now)
                if offer.request.body:
                    if offer.request.method == "UPDATE":
                        self._note_agreement()
                    self.events.append(ReofferAnswered(self.leg_id, lenient_session_in(response)))
                self._send_reoffer(now)
            return
        if self.phase is Phase.OVER or offer is not self._our_offer:
            return
        if response.status in (401, 407) and self._retry_with_credentials(offer, response, now):
            return
        self._our_offer = None
        self._receive_offer_refused(offer, response, now)

    def _receive_offer_refused(self, offer: Transaction, response: Response, now: float) -> None:
        request = offer.request
        asked_s = response.retry_after if response.status in (500, 503) else None
        if response.status == 491 or (asked_s is not None and asked_s <= LONGEST_PAUSE_S):
            # §14.1: the Call-ID's owner waits 2.1 to 4 s, the other up to 2 s, so that one comes first.
            pause = (210 + self._settings.chance(190)) / 100 if self.is_caller else self._settings.chance(200) / 100
            pause = max(pause, asked_s or 0)
            self._deadlines[LegTimer.REOFFER if request.body else LegTimer.REFRESH] = now + pause
            if request.body and self._waiting_offer is None:
                self._waiting_offer = request.body
        elif response.status in (408, 481):
            self._lose(now)  # §14.1: the dialog is gone
        elif response.status == 422 and self._take_too_short(response):
            self._send_offer(request.method, request.body, now)
        elif request.method == "UPDATE" and not request.body:
            assert self.dialog is not None
            self.dialog.peer_updates = False  # whatever it has against UPDATE, a re-INVITE it must know
            self._refresh_session(now)
        else:
            self.events.append(ReofferRefused(self.leg_id, response.status))
            self._send_reoffer(now)

    # Common ground

    def _finish(self, cause: str, now: float) -> None:
        """End it by BYE, of our own accord."""
        self._leave(now)
        self._end(by_peer=False, cause=cause, now=now)

    def _lose(self, now: float) -> None:
        """The peer does not answer any more: end here, and tell it should it still hear."""
        if self.phase is Phase.TALKING:
            self._finish("timeout", now)

    def _end(self, *, by_peer: bool, cause: str, now: float) -> None:
        if self.phase is Phase.OVER:
            return
        self._enter_over(now)
        self.events.append(CallEnded(self.leg_id, by_peer, cause))

    def _enter_over(self, now: float) -> None:
        self.phase = Phase.OVER
        self._peers_offer = self._waiting_offer = None
        kept = (LegTimer.COPY_2XX, LegTimer.NO_ACK) if self._unacknowledged is not None else ()
        self._deadlines = {timer: at for timer, at in self._deadlines.items() if timer in kept}
        if self._our_offer is not None:  # a peer that has said 100 may never say more
            self._deadlines[LegTimer.CANCEL_WAIT] = now + self._settings.timers.patience

    @abstractmethod
    def _leave(self, now: float) -> None:
        """Send our BYE."""

    def _retry_with_credentials(self, transaction: Transaction, response: Response, now: float) -> bool:
        """Answer a challenge inside the dialog; False where we have nothing (more) to say to it."""
        if self.dialog is None or not self._challenges.can_answer(transaction.request, response):
            return False
        old = transaction.request
        request = self.dialog.request(old.method, old.body, old.headers.get("Content-Type") or "")
        for name in _KEPT_ON_RETRY:
            request.headers.copy_lines(name, old.headers)
        self._challenges.authorise(request)
        again = self._peer.send(request, self.dialog.next_hop, now)
        if transaction is self._our_offer:
            self._our_offer = again
        self._replace(transaction, again)
        return True

    @abstractmethod
    def _replace(self, old: Transaction, again: Transaction) -> None:
        """A request has been sent again with credentials."""


@dataclass(slots=True)
class Answer:
    """A 2xx of ours that awaits its ACK."""

    invite: Transaction
    response: Response
    interval: float
    """The next pause between copies."""
    offer_sent: bool
    """The 2xx carries the offer, so that the ACK carries the answer."""
