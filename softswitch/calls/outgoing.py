"""The leg whose INVITE we send: a callee over a trunk, or an agent's phone that we ring (RFC 3261 §13.2, §9.1)."""

from collections.abc import Iterable

from softswitch.calls.events import CallAnswered, CallFailed, CallRinging
from softswitch.calls.leg import Leg
from softswitch.calls.line import ALLOW, SDP, InviteRefused, LegSettings, LegTimer, Line, Phase
from softswitch.calls.outcome import Outcome, outcome_of
from softswitch.sip.dialog import MAX_FORWARDS, Dialog
from softswitch.sip.digest import ClientDigest
from softswitch.sip.layer import Transaction, Trouble
from softswitch.sip.message import Request, Response
from softswitch.sip.uri import Uri
from softswitch.sip.values import NameAddr


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
    ) -> None:
        """`local` is what goes into From. Call-ID and tag are made here, from nothing but `new_token`."""
        super().__init__(
            leg_id,
            line,
            settings,
            call_id=settings.new_token(),
            local_tag=settings.new_token(),
            digest=digest,
        )
        self._target = target
        self._local = local.with_tag(self.local_tag)
        self._offer = offer
        self._routes = tuple(routes)
        self._invite: Transaction | None = None
        self._cseq = 0
        self._given_up: tuple[Outcome, int, str] | None = None
        self._forks: dict[str, Dialog] = {}
        self._rung: tuple[int, bytes] | None = None

    def start(self, now: float) -> None:
        """Send the INVITE."""
        self._deadlines[LegTimer.RING_LIMIT] = now + self._settings.ring_limit_s
        self._send_invite(now)

    def hang_up(self, now: float) -> None:
        """CANCEL before the answer, BYE after it."""
        if self.phase is Phase.SETUP:
            self._give_up(Outcome.CANCELLED, 487, "cancelled", now)
        elif self.phase is Phase.TALKING:
            self._leave(now)
            self._end(by_peer=False, cause="hang-up", now=now)

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
        request = Request("INVITE", self._target, body=self._offer)
        headers = request.headers
        for value in self._routes:
            headers.add("Route", value)
        headers.add("Max-Forwards", MAX_FORWARDS)
        headers.add("From", self._local)
        headers.add("To", NameAddr(self._target.without_params()))
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{self._cseq} INVITE")
        headers.add("Contact", self._settings.contact)
        headers.add("Allow", ALLOW)
        if self._offer:
            headers.add("Content-Type", SDP)
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
        if self.dialog is None and response.to.tag and self._invite is not None:
            self.dialog = Dialog.opened_by_us(self._invite.request, response)
        rung = (response.status, response.body if response.content_type == SDP else b"")
        if 180 <= response.status <= 183 and rung != self._rung:
            self._rung = rung
            self.events.append(CallRinging(self.leg_id, *rung))

    def _receive_success(self, invite: Transaction, response: Response, now: float) -> None:
        tag = response.to.tag or ""
        dialog = self.dialog
        if dialog is not None and dialog.is_confirmed and dialog.remote_tag != tag:
            self._refuse_fork(tag, invite, response, now)
            return
        if dialog is not None and not dialog.is_confirmed and dialog.remote_tag == tag:
            dialog.confirm(response)
        elif dialog is None or not dialog.is_confirmed:
            self.dialog = dialog = Dialog.opened_by_us(invite.request, response)
        if not self._peer.acknowledge(dialog, invite, response) or self.phase is not Phase.SETUP:
            return
        if self._given_up is not None:
            # Our CANCEL and the 200 have crossed: the callee's phone is off the hook, so it is told at once.
            self._bye = self._peer.send_bye(dialog, now)
            self._fail(*self._given_up, now)
            return
        early = self._rung[1] if self._rung else b""
        self._deadlines.pop(LegTimer.RING_LIMIT, None)
        self.phase = Phase.TALKING
        self._arm_keepalive(now)
        # Some gateways give the answer in a 183 and leave it out of the 200.
        self.events.append(CallAnswered(self.leg_id, response.body or early))

    def _refuse_fork(self, tag: str, invite: Transaction, response: Response, now: float) -> None:
        """A proxy has forked our INVITE and a second phone was picked up: acknowledged, and ended (§13.2.2.4)."""
        fork = self._forks.get(tag)
        if fork is None:
            fork = self._forks[tag] = Dialog.opened_by_us(invite.request, response)
        if self._peer.acknowledge(fork, invite, response):
            self._peer.send_bye(fork, now)

    def _receive_failure(self, invite: Transaction, response: Response, now: float) -> None:
        status = response.status
        if status in (401, 407) and self._given_up is None and self._challenges.can_answer(invite.request, response):
            self.dialog = None
            self._send_invite(now, authorised=True)
            return
        if status == 487:
            # Without a CANCEL of ours it is the network's doing.
            self._fail(*(self._given_up or (Outcome.FAILED, 487, response.reason)), now)
        else:
            self._fail(outcome_of(status), status, response.reason, now)

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
        self.events.append(CallFailed(self.leg_id, outcome, status, reason))

    def _receive_stranger(self, transaction: Transaction | None, now: float) -> None:
        """A fork that we have refused may say BYE itself."""
        tag = transaction.request.from_.tag or "" if transaction is not None else ""
        if transaction is not None and transaction.request.method == "BYE" and tag in self._forks:
            self._peer.respond(transaction, 200, now)
        else:
            super()._receive_stranger(transaction, now)
