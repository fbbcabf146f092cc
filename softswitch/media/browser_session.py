"""What keeps one browser connected: its ICE checks and its DTLS handshake, side by side on one address (RFC 8835 §3.4).

A pure machine: datagrams that are no RTP go in and come out; what it reports is where the browser is, and the keys of
its audio. A handshake is begun with, and listened to from, addresses alone that have proved to be the browser's.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any, TypeAlias

from softswitch.errors import UsageError
from softswitch.media.dtls import (
    Certificate,
    DtlsAssociation,
    DtlsClosed,
    DtlsConnected,
    DtlsFailed,
    is_dtls,
)
from softswitch.media.ice import Address, IceLite, PairNominated, is_stun, new_credentials
from softswitch.sdp.crypto import SrtpKeys
from softswitch.sdp.webrtc import BrowserOffer, DtlsRole, IceCredentials


@dataclass(frozen=True, slots=True)
class SessionConnected:
    """Audio may flow, to and from this address, under these keys."""

    address: Address
    keys: SrtpKeys


@dataclass(frozen=True, slots=True)
class SessionMoved:
    """The browser is at another address now: another network, or a better way."""

    address: Address


@dataclass(frozen=True, slots=True)
class SessionLost:
    """The browser is gone, or was never the one that it should be. Nothing more may be sent to it."""

    reason: str


SessionEvent: TypeAlias = SessionConnected | SessionMoved | SessionLost


class BrowserSession:
    """One browser, from its offer to its goodbye. After any mutation drain, then re-arm by `next_timer`."""

    def __init__(self, offer: BrowserOffer, certificate: Certificate, now: float) -> None:
        credentials = new_credentials()
        self._begin(IceLite(credentials, offer.remote, now), credentials, offer.remote, offer, certificate)

    @classmethod
    def resume(cls, snapshot: dict[str, Any], now: float) -> "BrowserSession":
        """Go on with a browser whose audio flows already. The handshake is over and nobody here knows its secrets any
        more, so that a goodbye is not heard, only silence. UsageError when the snapshot is none."""
        try:
            ours, theirs = IceCredentials(*snapshot["ours"]), IceCredentials(*snapshot["theirs"])
            host, port = snapshot["address"]
            address = (str(host), int(port))
        except (KeyError, TypeError, ValueError):
            raise UsageError("this is no snapshot of a browser's session") from None
        session = cls.__new__(cls)
        session._begin(IceLite.resume(ours, theirs, address, now), ours, theirs)
        session._told = address
        return session

    def _begin(
        self,
        ice: IceLite,
        ours: IceCredentials,
        theirs: IceCredentials,
        offer: BrowserOffer | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        self.offer = offer
        """None in a session that was taken up."""
        self.strangers = 0
        """Datagrams dropped as neither STUN nor DTLS, or as DTLS from an address that proved nothing."""
        self._certificate = certificate
        self._ice = ice
        self._ours, self._theirs = ours, theirs
        self._dtls: DtlsAssociation | None = None
        self._dtls_from: Address | None = None
        """Where the handshake is answered to, before an address is nominated."""
        self._keys: SrtpKeys | None = None
        self._told: Address | None = None
        """The address that was reported last."""
        self._over = False
        self._outgoing: deque[tuple[bytes, Address]] = deque()
        self._events: deque[SessionEvent] = deque()

    def answer(self, address: str, port: int, session_id: int) -> bytes:
        """The answer to the offer; address, port: where the browser's datagrams come in."""
        assert self.offer is not None
        assert self._certificate is not None
        return self.offer.answer(address, port, self._ours, self._certificate.fingerprint, session_id).encode()

    def snapshot(self) -> dict[str, Any]:
        """What `resume` takes, as plain values; of a session that is connected."""
        return {
            "ours": [self._ours.ufrag, self._ours.password],
            "theirs": [self._theirs.ufrag, self._theirs.password],
            "address": list(self._told or ()),
        }

    def receive_datagram(self, data: bytes, source: Address, now: float) -> None:
        if self._over:
            return
        if is_stun(data):
            self._ice.receive_datagram(data, source, now)
            self._outgoing.extend(self._ice.data_to_send())
        elif is_dtls(data) and self._ice.knows(source):
            self._dtls_from = source
            self._associate(now)
            if self._dtls is not None:
                self._dtls.receive_datagram(data, now)
        else:
            self.strangers += 1
        self._settle(now)

    def handle_timer(self, now: float) -> None:
        if self._over:
            return
        self._ice.handle_timer(now)
        if self._dtls is not None:
            self._dtls.handle_timer(now)
        self._settle(now)

    def next_timer(self) -> float | None:
        if self._over:
            return None
        timers = [self._ice.next_timer(), None if self._dtls is None else self._dtls.next_timer()]
        return min((at for at in timers if at is not None), default=None)

    def data_to_send(self) -> list[tuple[bytes, Address]]:
        """Datagrams and where they go; each is handed out once."""
        sent = list(self._outgoing)
        self._outgoing.clear()
        return sent

    def next_event(self) -> SessionEvent | None:
        return self._events.popleft() if self._events else None

    def close(self, now: float) -> None:
        """Say goodbye; what goes out last is in `data_to_send`."""
        if self._over:
            return
        self._over = True
        if self._dtls is not None:
            self._dtls.close(now)
            self._send_dtls()

    def _associate(self, now: float) -> None:
        if self._dtls is None and self.offer is not None and self._certificate is not None:
            self._dtls = DtlsAssociation(self._certificate, self.offer.our_role, self.offer.fingerprints, now)

    def _settle(self, now: float) -> None:
        """Carry on after any input: begin the handshake, send, report."""
        while not self._over and (event := self._ice.next_event()) is not None:
            if not isinstance(event, PairNominated):
                self._lose("the browser no longer answers for its address")
            elif self.offer is not None and self.offer.our_role is DtlsRole.ACTIVE:
                self._associate(now)
        if self._dtls is not None:
            self._send_dtls()
            while not self._over and (news := self._dtls.next_event()) is not None:
                match news:
                    case DtlsConnected(keys):
                        self._keys = keys
                    case DtlsFailed(reason):
                        self._lose(f"DTLS: {reason}")
                    case DtlsClosed():
                        self._lose("the browser ended it")
        self._report()

    def _send_dtls(self) -> None:
        assert self._dtls is not None
        destination = self._ice.selected or self._dtls_from
        if destination is not None:
            self._outgoing.extend((data, destination) for data in self._dtls.data_to_send())

    def _report(self) -> None:
        address = self._ice.selected
        if self._over or address is None or address == self._told:
            return
        if self._told is not None:
            self._events.append(SessionMoved(address))
        elif self._keys is not None:
            self._events.append(SessionConnected(address, self._keys))
        else:
            return
        self._told = address

    def _lose(self, reason: str) -> None:
        self._over = True
        self._events.append(SessionLost(reason))
