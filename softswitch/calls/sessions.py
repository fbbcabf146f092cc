"""The session timer of one leg: what both ends agree on, and the sign of life in time (RFC 4028).

`session_timer` reads and computes the intervals; here they become deadlines of a leg.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace

from softswitch.calls.line import LegSettings, LegTimer, Phase
from softswitch.calls.session_timer import SessionInterval, agree, allows, interval_in, shortest_in
from softswitch.errors import PeerError
from softswitch.sip.dialog import Dialog
from softswitch.sip.layer import Transaction
from softswitch.sip.message import Message, Request, Response


class Sessions(ABC):
    """How long a leg lives without a sign of life. `Offers` adds to it what the refreshing requests carry."""

    # `Offers` makes these: one leg, one `__init__` less to run.
    phase: Phase
    dialog: Dialog | None
    _settings: LegSettings
    _deadlines: dict[LegTimer, float]
    _local_sdp: bytes
    """What we have described last."""
    _our_offer: Transaction | None
    """A re-INVITE or UPDATE of ours that is under way."""
    _waiting_offer: bytes | None
    _session_s: int
    """What we ask for; 0: nothing."""
    _session: SessionInterval | None = None
    """As it was agreed last; its refresher is "uac" where that is us."""
    _shortest_s: int = 0
    """The peer has said so in a 422."""

    def _agree_session(self, request: Request, now: float) -> Iterable[tuple[str, object]]:
        """What our 2xx to the peer's INVITE or UPDATE says of it; begins the interval anew (RFC 4028 §9)."""
        if self.phase is not Phase.TALKING:
            return ()
        try:
            agreed = agree(request, self._settings.session_s)
        except PeerError:
            agreed = None  # refused already where it could be
        if agreed is None:
            self._run_session(None, now)
            return ()
        we_refresh = agreed.refresher == "uas"
        if we_refresh and self.dialog is not None:
            self.dialog.peer_updates = allows(request, "UPDATE")
        self._run_session(replace(agreed, refresher="uac" if we_refresh else "uas"), now)
        headers: list[tuple[str, object]] = [("Session-Expires", agreed)]
        if not we_refresh:
            headers.append(("Require", "timer"))
        return headers

    def _take_session(self, response: Response, now: float) -> None:
        """What the peer's 2xx to our INVITE or UPDATE says of it (§7.2)."""
        if self.phase is not Phase.TALKING:
            return
        try:
            agreed = interval_in(response)
        except PeerError:
            agreed = None
        if agreed is not None and agreed.refresher != "uas":
            agreed = replace(agreed, refresher="uac")
            if self.dialog is not None and "Allow" in response.headers:
                self.dialog.peer_updates = allows(response, "UPDATE")
        self._run_session(agreed, now)

    def _run_session(self, agreed: SessionInterval | None, now: float) -> None:
        if agreed is None and self._session is None:
            return
        self._session = agreed
        for timer in (LegTimer.REFRESH, LegTimer.EXPIRY):
            self._deadlines.pop(timer, None)
        if agreed is not None and agreed.refresher == "uac":
            self._deadlines[LegTimer.REFRESH] = now + agreed.refresh_after_s
        elif agreed is not None:
            self._deadlines[LegTimer.EXPIRY] = now + agreed.expires_after_s

    def _refresh_session(self, now: float) -> None:
        """Show that we are alive; should the peer not agree in time, the call ends (§10)."""
        session, dialog = self._session, self.dialog
        if session is None or dialog is None or self.phase is not Phase.TALKING:
            return
        self._deadlines.setdefault(LegTimer.EXPIRY, now + session.expires_after_s - session.refresh_after_s)
        if self._our_offer is not None:  # its 2xx refreshes the session too, but it may be refused
            self._deadlines[LegTimer.REFRESH] = now + self._settings.timers.t2
            return
        if dialog.peer_updates:
            self._send_offer("UPDATE", b"", now)
        else:
            self._waiting_offer = self._waiting_offer or self._local_sdp
            self._send_reoffer(now)

    def _take_too_short(self, response: Message) -> bool:
        """A 422 to a request of ours: ask for as much as it says. False where that does not help (§7.3)."""
        try:
            shortest_s = shortest_in(response)
        except PeerError:
            return False
        if shortest_s <= self._shortest_s or (self._session_s >= shortest_s and self._session is None):
            return False
        self._shortest_s = shortest_s
        self._session_s = max(self._session_s, shortest_s)
        if self._session is not None:
            self._session = replace(self._session, seconds=max(self._session.seconds, shortest_s))
        return True

    @abstractmethod
    def _send_offer(self, method: str, sdp: bytes, now: float) -> None:
        """Send a re-INVITE or UPDATE; without `sdp` it only shows that we are alive."""

    @abstractmethod
    def _send_reoffer(self, now: float) -> None:
        """Send the waiting offer, if it is its turn."""
