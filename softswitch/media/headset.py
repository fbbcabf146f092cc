"""A browser headset: a browser tab at the other end of a media leg.

The media plane owns the socket and carries the audio; here, on the signalling side, the browser's checks are answered
and its handshake is done, through the same socket. Once the keys are there the plane is told where the browser is.
"""

import asyncio
import time
from enum import StrEnum
from typing import Any, Protocol

from softswitch.errors import UsageError
from softswitch.media.browser_session import BrowserSession, SessionConnected, SessionLost, SessionMoved
from softswitch.media.control import MediaPlane
from softswitch.media.dtls import Certificate
from softswitch.media.events import MediaFormat
from softswitch.media.ice import Address
from softswitch.sdp.webrtc import BrowserOffer


class HeadsetState(StrEnum):
    NEW = "new"
    CHECKING = "checking"
    """Answered; the browser's checks and its handshake are under way."""
    CONNECTED = "connected"
    CLOSED = "closed"


class HeadsetOwner(Protocol):
    """Who hears of a headset. Nothing more is told of one that its owner has closed."""

    def headset_connected(self, headset: "Headset") -> None:
        """It may be spoken and listened to."""

    def headset_moved(self, headset: "Headset") -> None:
        """Its snapshot is another one now; its audio goes on."""

    def headset_lost(self, headset: "Headset", reason: str) -> None:
        """The tab was closed, the browser vanished, or it never became the one that its offer told of."""


class Headset:
    """Belongs to the loop on which it was made; its leg is its owner's, who closes it after the headset."""

    def __init__(self, plane: MediaPlane, leg: int, certificate: Certificate, owner: HeadsetOwner) -> None:
        self.leg = leg
        self.state = HeadsetState.NEW
        self._plane = plane
        self._certificate = certificate
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._session: BrowserSession | None = None
        self._timer: asyncio.TimerHandle | None = None

    def answer(self, offer: bytes, address: str) -> bytes:
        """Answer a browser's offer; PeerError(488) when it cannot be. The headset is connected some time later.

        address: ours, where the plane's sockets are bound.
        """
        if self.state is not HeadsetState.NEW:
            raise UsageError("a headset answers one offer; make another headset for another")
        session = BrowserSession(BrowserOffer.parse(offer), self._certificate, time.monotonic())
        answer = session.answer(address, self._plane.port_of(self.leg), session_id=self.leg + 1)
        self._attend(session, HeadsetState.CHECKING)
        return answer

    def snapshot(self) -> dict[str, Any]:
        """Plain values, with which the next signalling process can go on; empty before it is connected.

        Its passwords let nobody hear anything: the keys of the audio are with the plane alone.
        """
        if self._session is None or self.state is not HeadsetState.CONNECTED:
            return {}
        return self._session.snapshot()

    def take_up(self, snapshot: dict[str, Any]) -> None:
        """Go on with a browser that a signalling process before us has connected, on a leg of the plane's that lives
        on. UsageError when the snapshot is none."""
        self._attend(BrowserSession.resume(snapshot, time.monotonic()), HeadsetState.CONNECTED)

    def close(self) -> None:
        """Say goodbye to the browser. Harmless when it is closed."""
        if self.state is HeadsetState.CLOSED:
            return
        self.state = HeadsetState.CLOSED
        self._cancel_timer()
        if self._session is not None:
            self._session.close(time.monotonic())
            self._send(self._session)

    def _attend(self, session: BrowserSession, state: HeadsetState) -> None:
        self._session, self.state = session, state
        self._plane.attend_browser(self.leg, self._receive)
        self._carry_on(session)

    def _receive(self, data: bytes, source: Address) -> None:
        if self._session is not None and self.state is not HeadsetState.CLOSED:
            self._session.receive_datagram(data, source, time.monotonic())
            self._carry_on(self._session)

    def _handle_timer(self) -> None:
        self._timer = None
        if self._session is not None and self.state is not HeadsetState.CLOSED:
            self._session.handle_timer(time.monotonic())
            self._carry_on(self._session)

    def _carry_on(self, session: BrowserSession) -> None:
        """After any input: send, report, and set the timer anew."""
        self._send(session)
        while self.state is not HeadsetState.CLOSED and (event := session.next_event()) is not None:
            match event:
                case SessionConnected(address, keys):
                    offer = session.offer
                    assert offer is not None
                    form = MediaFormat(offer.codec, offer.payload_type, offer.dtmf_payload_type)
                    self._plane.connect(self.leg, address, form, secure=keys)
                    self._plane.hold(self.leg, not offer.sends)
                    self.state = HeadsetState.CONNECTED
                    self._owner.headset_connected(self)
                case SessionMoved(address):
                    self._plane.move(self.leg, address)
                    self._owner.headset_moved(self)
                case SessionLost(reason):
                    self.state = HeadsetState.CLOSED
                    self._owner.headset_lost(self, reason)
        self._cancel_timer()
        at = None if self.state is HeadsetState.CLOSED else session.next_timer()
        if at is not None:
            self._timer = self._loop.call_later(max(0.0, at - time.monotonic()), self._handle_timer)

    def _send(self, session: BrowserSession) -> None:
        for data, destination in session.data_to_send():
            self._plane.send_datagram(self.leg, data, destination)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
