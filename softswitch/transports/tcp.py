"""One connection that carries SIP (RFC 3261 §18), whatever lies between its bytes and the messages.

What lies between is a `Channel`: a pure translator without a socket. Plain TCP has the one here, TLS and WebSocket have
theirs in `tls` and `websocket`; a connection drives any of them the same way.
"""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol, cast

from softswitch.sip.framing import PING, PONG, StreamFramer
from softswitch.sip.hop import Hop
from softswitch.transports.udp import plain_host

UNREAD_BYTES: Final = 1 << 20  # ours: a peer that leaves so much unread is gone or hostile
WAITING_BYTES: Final = 1 << 18  # ours: what may be said before a connection stands
BATCH: Final = 32  # messages of one connection that are handled in a row; then the others have their turn
# A peer whose machine vanished: the kernel probes after a minute of silence, and waits half a minute for what it sent.
_KEEPALIVE: Final = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3), ("TCP_USER_TIMEOUT", 30_000))


class Channel(Protocol):
    """Between the bytes of a connection and SIP messages. Nothing here raises for what a peer sent."""

    @property
    def is_ready(self) -> bool:
        """Whether every handshake is done, and messages can be wrapped."""

    @property
    def is_between_messages(self) -> bool:
        """Whether no message has begun that is not whole."""

    @property
    def ending(self) -> str:
        """Why the connection is to be closed; empty while it is sound."""

    def receive(self, data: bytes) -> list[bytes]:
        """Bytes from the wire; returns the messages that are whole now."""

    def wrap(self, message: bytes) -> bytes:
        """The bytes that carry a message; only once ready."""

    def ping(self) -> bytes:
        """The bytes that ask for a sign of life; only once ready."""

    def answers(self) -> bytes:
        """What is to be written now: handshakes, pongs, last words. To be asked at the start and after `receive`."""


class StreamChannel:
    """Messages on a plain stream, one after the other."""

    is_ready = True

    def __init__(self) -> None:
        self._framer = StreamFramer()
        self._answers = b""

    @property
    def is_between_messages(self) -> bool:
        return self._framer.is_between_messages

    @property
    def ending(self) -> str:
        return "" if self._framer.error is None else str(self._framer.error)

    def receive(self, data: bytes) -> list[bytes]:
        framer = self._framer
        messages = framer.receive(data)
        if framer.take_ping():
            self._answers += PONG
        if framer.error is not None:
            self._answers += framer.error.answer
        return messages

    def wrap(self, message: bytes) -> bytes:
        return message

    def ping(self) -> bytes:
        return PING

    def answers(self) -> bytes:
        answers, self._answers = self._answers, b""
        return answers


class Owner(Protocol):
    """Who keeps the connections."""

    @property
    def receive(self) -> Callable[[bytes, Hop], None]:
        """Takes each whole message with where it came from."""

    def admits(self, connection: "Connection") -> bool:
        """Whether one more may be accepted from there; asked before a byte is read."""

    def connection_opened(self, connection: "Connection") -> None:
        """Messages can go over it now."""

    def connection_closed(self, connection: "Connection", error: Exception | None) -> None:
        """The last that is heard of it."""


class Connection(asyncio.Protocol):
    """One connection, accepted or opened by us. `send` never raises.

    target: where we open it to; None for one that we accept.
    """

    def __init__(self, owner: Owner, channel: Channel, transport: str, flow: int, target: Hop | None) -> None:
        self._owner = owner
        self._channel = channel
        self._stream: asyncio.Transport | None = None
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._backlog: deque[bytes] = deque()
        self.target = target
        self.hop = target._replace(flow=flow) if target is not None else Hop("", 0, transport, flow)
        """The other end, with the number of this connection."""
        self.is_ready = False
        self.is_closed = False
        self.is_answered = True
        """Whether a message came since we last sent one."""
        self.is_alive = True
        """Whether any byte came since we last sent a ping."""
        self.answers_pings = False
        """Whether a byte ever came after a ping while no message did: then silence means death."""
        self.has_spoken = False
        """Whether a whole message ever came."""
        self.is_busy = True
        """Whether anything went over it since this was last cleared."""
        self.reason = ""
        """Why we closed it."""

    @property
    def is_between_messages(self) -> bool:
        return self._channel.is_between_messages

    def send(self, message: bytes) -> None:
        """Write a message, or keep it until the connection stands; what is too much is dropped."""
        if self.is_ready:
            assert self._stream is not None
            self.is_answered = False
            self.is_busy = True
            self._stream.write(self._channel.wrap(message))
        elif not self.is_closed and self._waiting_bytes + len(message) <= WAITING_BYTES:
            self._waiting.append(message)
            self._waiting_bytes += len(message)

    def ping(self) -> None:
        """Ask the peer for a sign of life, which also keeps the way through its NAT open (RFC 5626 §3.5.1)."""
        if self.is_ready and self._stream is not None:
            self.is_alive = False
            self._stream.write(self._channel.ping())

    def close(self, reason: str, *, at_once: bool = True) -> None:
        """End it; what is written already still goes out unless `at_once`."""
        if self.is_closed:
            return
        self.is_closed, self.is_ready, self.reason = True, False, reason
        self._waiting.clear()
        self._backlog.clear()
        if self._stream is not None and at_once:
            self._stream.abort()
        elif self._stream is not None:
            self._stream.close()

    def abort(self) -> None:
        """End it, whatever is still to be written."""
        self.close("aborted")
        if self._stream is not None:
            self._stream.abort()

    # What the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._stream = cast(asyncio.Transport, transport)  # uvloop's is none by class
        if self.is_closed:  # we lost patience as it came
            self._stream.abort()
            return
        if self.target is None:
            peer = transport.get_extra_info("peername")
            if not peer:
                self.close("gone before it was accepted")
                return
            self.hop = self.hop._replace(host=plain_host(peer[0]), port=peer[1])
            if not self._owner.admits(self):
                self.close("too many connections")
                return
        self._stream.set_write_buffer_limits(high=UNREAD_BYTES)
        _notice_loss(transport.get_extra_info("socket"))
        self._advance()

    def data_received(self, data: bytes) -> None:
        if self.is_closed:
            return
        messages = self._channel.receive(data)
        if not self.is_alive:
            self.is_alive = True
            self.answers_pings |= not messages
        self._advance()
        if messages:
            self.has_spoken = self.is_answered = self.is_busy = True
            self._deliver(messages)
        if self._channel.ending:
            self.close(self._channel.ending, at_once=False)

    def pause_writing(self) -> None:
        self.close("the peer does not read what it is sent")

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_closed, self.is_ready, self._stream = True, False, None
        self._owner.connection_closed(self, exc)

    # Inside

    def _advance(self) -> None:
        """Write what the channel has to say by itself; notice that it is ready."""
        assert self._stream is not None
        if answers := self._channel.answers():
            self._stream.write(answers)
        if not self.is_ready and not self.is_closed and self._channel.is_ready and not self._channel.ending:
            self.is_ready = True
            self._owner.connection_opened(self)
            waiting, self._waiting = self._waiting, []
            for message in waiting:
                self.send(message)

    def _deliver(self, messages: list[bytes]) -> None:
        if len(messages) <= BATCH and not self._backlog:
            for message in messages:
                self._owner.receive(message, self.hop)
            return
        was_idle = not self._backlog
        self._backlog.extend(messages)
        if was_idle and self._stream is not None:
            self._stream.pause_reading()
            self._work_off()

    def _work_off(self) -> None:
        for _ in range(min(BATCH, len(self._backlog))):
            self._owner.receive(self._backlog.popleft(), self.hop)
            if self.is_closed:
                return
        if self._backlog:
            asyncio.get_running_loop().call_soon(self._work_off)
        elif self._stream is not None:
            self._stream.resume_reading()


def _notice_loss(opened: socket.socket | None) -> None:
    if opened is None:
        return
    with contextlib.suppress(OSError):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE:
            if hasattr(socket, name):
                opened.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
