"""An RTP end on asyncio: sends paced G.711, receives, counts what is lost (RFC 3550, RFC 3551)."""

import asyncio
import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from softswitch.testing.companding import CODECS, Pcm, decode, encode

FRAME = 160
"""Samples in a packet: 20 ms at 8 kHz."""
PACKET_S = 0.02
_HEADER = struct.Struct("!BBHII")
_NO_CATCH_UP_S = 0.2
"""An end that was held up for longer starts its clock anew instead of sending a burst."""

Heard = Callable[[Pcm], None]
Speak = Callable[[], Pcm]


@dataclass(slots=True)
class RtpCounts:
    """What one end sent and received."""

    sent: int = 0
    received: int = 0
    octets_received: int = 0
    lost: int = 0
    """By sequence numbers: expected less received (RFC 3550 §6.4.1); 0 where duplicates outweigh losses."""
    malformed: int = 0
    other_payload: int = 0
    """Packets of another payload type, such as telephone-event."""
    first_received_at: float | None = None
    """CLOCK_MONOTONIC seconds."""


class RtpEnd(asyncio.DatagramProtocol):
    """One socket, one stream each way.

    speak: called every 20 ms for the next frame to send ((160,) int16); None sends nothing.
    heard: called with the samples of every audio packet.
    received: called with every datagram before it is looked at, for a capture.
    """

    def __init__(
        self,
        *,
        speak: Speak | None = None,
        heard: Heard | None = None,
        received: Callable[[bytes, tuple[str, int]], None] | None = None,
        first_heard: Callable[[float], None] | None = None,
    ) -> None:
        self.counts = RtpCounts()
        self.address: tuple[str, int] = ("", 0)
        self._speak, self._heard, self._received, self._first_heard = speak, heard, received, first_heard
        self._transport: asyncio.DatagramTransport | None = None
        self.control: asyncio.DatagramTransport | None = None
        """The socket for RTCP, where there is one."""
        self._remote: tuple[str, int] | None = None
        self._codec = "PCMU"
        self._payload_type = CODECS["PCMU"]
        self._clock: asyncio.TimerHandle | None = None
        self._ssrc = secrets.randbits(32)
        self._sequence = secrets.randbits(15)
        self._timestamp = secrets.randbits(31)
        self._sending = True
        self._first_sequence: int | None = None
        self._highest = 0
        self._heard_ssrc: int | None = None
        self._lost_before = 0
        self._got = 0

    @classmethod
    async def open(
        cls, address: str = "127.0.0.1", *, has_control: bool = False, **hooks: "Callable[..., object] | None"
    ) -> "RtpEnd":
        """Bind a port of the system's choosing; with `has_control` the next one too, for RTCP (RFC 3550 §11)."""
        loop = asyncio.get_running_loop()
        while True:
            end = cls(**hooks)  # type: ignore[arg-type]
            await loop.create_datagram_endpoint(lambda end=end: end, local_addr=(address, 0))  # type: ignore[misc]
            if not has_control:
                return end
            try:
                control = _ControlEnd(end._received)
                beside = (address, end.address[1] + 1)
                end.control, _ = await loop.create_datagram_endpoint(lambda c=control: c, local_addr=beside)  # type: ignore[misc]
            except OSError:
                end.close()
            else:
                return end

    def connect(self, remote: tuple[str, int], codec: str, payload_type: int, direction: str = "sendrecv") -> None:
        """Send to `remote` from now on, the first packet at once.  direction: ours; also tells a hold."""
        self._remote, self._codec, self._payload_type = remote, codec, payload_type
        self._sending = direction in ("sendrecv", "sendonly")
        if self._clock is None:
            self._send_due(time.monotonic())

    @property
    def remote(self) -> tuple[str, int] | None:
        """Where it sends to; None before `connect`."""
        return self._remote

    def transmit(self, packet: bytes) -> None:
        """Send a packet that a test has made."""
        if self._transport is not None and self._remote is not None:
            self._transport.sendto(packet, self._remote)

    def close(self) -> None:
        self._speak = None
        if self._clock:
            self._clock.cancel()
            self._clock = None
        if self.control:
            self.control.close()
            self.control = None
        if self._transport:
            self._transport.close()
            self._transport = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports and the selector loop's share no base class but this name.
        self._transport = cast(asyncio.DatagramTransport, transport)
        self.address = transport.get_extra_info("sockname")[:2]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._received:
            self._received(data, addr)
        if len(data) < _HEADER.size or data[0] >> 6 != 2:  # RFC 3550 §5.1: version 2
            self.counts.malformed += 1
            return
        first, second, sequence, _timestamp, ssrc = _HEADER.unpack_from(data)
        start = _HEADER.size + 4 * (first & 0x0F)
        if first & 0x10:  # header extension, RFC 3550 §5.3.1
            if len(data) < start + 4:
                self.counts.malformed += 1
                return
            start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
        if len(data) <= start:
            self.counts.malformed += 1
            return
        self._count(sequence, ssrc, len(data))
        payload_type = second & 0x7F
        codec = next((name for name, number in CODECS.items() if number == payload_type), None)
        if codec is None:
            self.counts.other_payload += 1
        elif self._heard:
            self._heard(decode(data[start:], codec))

    def error_received(self, exc: Exception) -> None:
        """The far port is closed already, as happens for a moment at a call's end; the counts tell."""

    def _count(self, sequence: int, ssrc: int, octets: int) -> None:
        counts = self.counts
        counts.received += 1
        counts.octets_received += octets
        if counts.first_received_at is None:
            counts.first_received_at = time.monotonic()
            if self._first_heard:
                self._first_heard(counts.first_received_at)
        if ssrc != self._heard_ssrc:
            # A new source starts its own numbers (RFC 3550 §8.2); what the old one lost stays counted.
            self._heard_ssrc, self._lost_before = ssrc, counts.lost
            self._first_sequence, self._highest, self._got = sequence, sequence, 0
        # 16 bits become a plain integer next to the highest seen so far.
        extended = self._highest + ((sequence - self._highest + 0x8000) & 0xFFFF) - 0x8000
        self._highest = max(self._highest, extended)
        self._got += 1
        assert self._first_sequence is not None
        counts.lost = self._lost_before + max(0, self._highest - self._first_sequence + 1 - self._got)

    def _send_due(self, due: float) -> None:
        """Send one frame and arm the clock for the next, on an absolute 20 ms raster."""
        if self._transport is None or self._remote is None:
            self._clock = None
            return
        frame = self._speak() if self._speak else None
        if frame is not None and self._sending:
            header = _HEADER.pack(0x80, self._payload_type, self._sequence, self._timestamp, self._ssrc)
            self._transport.sendto(header + encode(frame, self._codec), self._remote)
            self._sequence = (self._sequence + 1) & 0xFFFF
            self.counts.sent += 1
        self._timestamp = (self._timestamp + FRAME) & 0xFFFFFFFF
        now = time.monotonic()
        due += PACKET_S
        if now - due > _NO_CATCH_UP_S:
            due = now
        loop = asyncio.get_running_loop()
        self._clock = loop.call_at(loop.time() + due - now, self._send_due, due)


class _ControlEnd(asyncio.DatagramProtocol):
    """Hears the other end's reports, and sends none."""

    def __init__(self, received: Callable[[bytes, tuple[str, int]], None] | None) -> None:
        self._received = received

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._received:
            self._received(data, addr)

    def error_received(self, exc: Exception) -> None:
        """As of the audio."""
