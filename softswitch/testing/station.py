"""What lab phones and the lab trunk are made of: a user agent pool on a port of its own, and calls with audio."""

import asyncio
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

from softswitch.sdp.negotiate import MediaAgreement, make_answer, make_offer, read_answer
from softswitch.sip.hop import Address, Hop
from softswitch.sip.layer import Datagram
from softswitch.testing.journal import Journal
from softswitch.testing.marker import MarkerEar
from softswitch.testing.rtp import RtpEnd, Speak
from softswitch.testing.speaker import Speaker
from softswitch.transports.driver import Driver
from softswitch.transports.stack import TransportStack, open_transports
from softswitch.transports.tls import Certificates
from softswitch.transports.udp import UdpTransport, open_udp
from softswitch.ua.accounts import CarrierAccount, PhoneAccount
from softswitch.ua.pool import UserAgentPool


class Station:
    """A UA pool, its socket and its timers.

    received: called with every datagram and its source before the pool sees it.
    """

    def __init__(self, on_event: Callable[[Any], None], received: Callable[[bytes, Hop], None] | None = None) -> None:
        self._on_event = on_event
        self._received = received
        self._transport: UdpTransport | TransportStack | None = None
        self.address: Address = ("", 0)

    async def start(
        self,
        address: Address | Hop,
        *,
        certificates: Certificates | None = None,
        accounts: Sequence[CarrierAccount],
        phones: Sequence[PhoneAccount] = (),
        realm: str,
        user_agent: str,
    ) -> Self:
        """address: by UDP, or a hop that says by which transport; TLS then takes certificates."""
        own = address if isinstance(address, Hop) else Hop(*address)
        if own.transport == "UDP":
            self._transport = await open_udp(own.address, self._receive, self._receive_unreachable)
            own = Hop(*self._transport.address)
        else:
            self._transport = await open_transports(
                [own],
                receive=self._receive,
                on_unreachable=self._receive_unreachable,
                on_closed=lambda flow: self._tell(self.pool.receive_flow_closed, flow),
                certificates=certificates,
            )
            own = self._transport.listens[0]
        self.address = own.address
        self.driver = Driver()
        self.pool = UserAgentPool(
            listens=[own],
            realm=realm,
            accounts=list(accounts),
            phones=list(phones),
            gate=lambda number: None,
            new_token=self.new_token,
            user_agent=user_agent,
        )
        self.driver.add(self.pool, on_event=self._on_event, send=self.send)
        with self.mutating() as now:
            self.pool.start(now)
        return self

    def new_token(self) -> str:
        """Of which Call-IDs, tags and branches are made."""
        return secrets.token_hex(8)

    @contextmanager
    def mutating(self) -> Iterator[float]:
        with self.driver.mutating(self.pool) as now:
            yield now

    async def stop(self, patience_s: float = 0.5) -> None:
        """End every call and unregister, and wait a little for the other side to agree."""
        if self._transport is None:
            return
        with self.mutating() as now:
            self.pool.stop(now)
        for _ in range(int(patience_s / 0.02)):
            if self.pool.is_idle:
                break
            await asyncio.sleep(0.02)

    def send(self, datagram: Datagram) -> None:
        """Every message goes out by here, and what a test makes by hand."""
        if self._transport is not None:
            self._transport.send(datagram)

    def close(self) -> None:
        """Stop at once, as a machine does whose plug is pulled: nothing more is sent or heard."""
        if self._transport:
            self.driver.close()
            self._transport.close()
            self._transport = None

    def _receive_unreachable(self, hop: Hop) -> None:
        self._tell(self.pool.receive_transport_error, hop)

    def _tell(self, what: Callable[[Hop, float], None], hop: Hop) -> None:
        with self.mutating() as now:
            what(hop, now)

    def _receive(self, data: bytes, source: Hop) -> None:
        if self._received:
            self._received(data, source)
        self.driver.receive_datagram(self.pool, data, source)


class Conversation:
    """The audio of one call at a lab end: one RTP end that speaks, listens for markers and counts.

    journal fields: whatever names the call in the log lines.
    """

    def __init__(self, journal: Journal, speaker: Speaker, ear: MarkerEar, **names: str) -> None:
        self.ear = ear
        self._speak: Speak | None = speaker.next_frame
        self.end: RtpEnd | None = None
        self._journal, self._names = journal, names
        self._session_id = secrets.randbits(31)
        self._version = 0
        self._offer = b""

    async def open(self, address: str, received: Callable[[bytes, Address], None] | None = None) -> None:
        """received: told of every packet, of RTP and of RTCP."""
        self.end = await RtpEnd.open(
            address,
            has_control=received is not None,
            speak=self._speak,
            heard=self._hear,
            received=received,
            first_heard=lambda at: self._journal.write("first_rtp", **self._names),
        )

    def offer(self) -> bytes:
        assert self.end
        self._offer = make_offer(*self.end.address, session_id=self._session_id, version=self._next_version())
        return self._offer

    def receive_answer(self, answer: bytes) -> None:
        """Connect to what the other side answered to our offer. Raises PeerError."""
        self._connect(read_answer(self._offer, answer))

    def answer(self, offer: bytes) -> bytes:
        """Our answer to an offer, connected at once. Raises PeerError(488) where nothing fits."""
        assert self.end
        answer, agreement = make_answer(
            offer, *self.end.address, session_id=self._session_id, version=self._next_version()
        )
        self._connect(agreement)
        return answer

    def close(self) -> dict[str, Any]:
        """End the audio; returns the figures for the log line of the call's end."""
        if self.end is None:
            return {}
        self.end.close()
        self._speak = None  # a minute of sound: a load of calls shall not keep it
        counts = self.end.counts
        return {
            "packets_sent": counts.sent,
            "packets_received": counts.received,
            "octets_received": counts.octets_received,
            "packets_lost": counts.lost,
            "packets_malformed": counts.malformed,
            "markers_heard": sorted(self.ear.heard),
        }

    def _connect(self, agreement: MediaAgreement) -> None:
        assert self.end
        self.end.connect(agreement.remote, agreement.codec, agreement.payload_type, agreement.direction)

    def _hear(self, pcm: Any) -> None:
        for frequency, present in self.ear.receive(pcm):
            self._journal.write("marker_heard" if present else "marker_gone", frequency_hz=frequency, **self._names)

    def _next_version(self) -> int:
        self._version += 1
        return self._version
