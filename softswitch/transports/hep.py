"""Messages to a capture server (Homer) by HEP3 over UDP; never in the way of the calls themselves."""

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import Callable

from softswitch.errors import UsageError
from softswitch.sip.hep import CaptureAgent, encode
from softswitch.sip.hop import Hop, OwnHops

MOST_WAITING = 2_000  # messages; a server that is slow or gone costs their memory and no more
TURN = 20
"""Messages told at a time: masking one takes some tenths of a millisecond, and calls are to be served in between."""
PAUSE_S = 0.01


class CaptureSender:
    """Tells a capture server of messages, a few at a time. What finds no room is counted in `dropped`."""

    def __init__(
        self,
        server: tuple[str, int],
        agent: CaptureAgent,
        *,
        own: Callable[[], OwnHops],
        epoch: Callable[[], float],
        show: Callable[[bytes], bytes],
        correlation_of: Callable[[bytes], str],
    ) -> None:
        """server: an IP address and port.  epoch: what the driver's clock lacks of the time of day, in seconds.

        show: what the server may see of a message.  correlation_of: what a call's messages have in common.
        """
        self.sent = 0
        self.dropped = 0
        self._agent = agent
        self._own = own
        self._epoch = epoch
        self._show = show
        self._correlation_of = correlation_of
        self._waiting: deque[tuple[float, bool, Hop, bytes]] = deque()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._socket = socket.socket(socket.AF_INET6 if ":" in server[0] else socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.connect(server)
        except OSError as error:
            self._socket.close()
            raise UsageError(f"the capture server {server[0]} cannot be reached: {error}; see [trace] homer") from error

    def note(self, at: float, is_received: bool, peer: Hop, data: bytes) -> None:
        """Tell of one message soon. Its time is the driver's clock."""
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append((at, is_received, peer, data))
        if self._timer is None:
            self._timer = self._loop.call_later(PAUSE_S, self._work)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._socket.close()

    def _work(self) -> None:
        for _ in range(min(TURN, len(self._waiting))):
            self._tell(*self._waiting.popleft())
        self._timer = self._loop.call_later(PAUSE_S, self._work) if self._waiting else None

    def _tell(self, at: float, is_received: bool, peer: Hop, data: bytes) -> None:
        ends = [self._own().facing(peer), peer]
        if is_received:
            ends.reverse()
        try:
            datagram = encode(
                self._agent, self._epoch() + at, ends[0], ends[1], self._show(data), self._correlation_of(data)
            )
            self._socket.send(datagram)
        except (OSError, ValueError):  # no room in the socket, nobody there, or too long
            self.dropped += 1
        else:
            self.sent += 1


async def open_capture_sender(
    server: str,
    agent: CaptureAgent,
    *,
    own: Callable[[], OwnHops],
    epoch: Callable[[], float],
    show: Callable[[bytes], bytes],
    correlation_of: Callable[[bytes], str],
) -> CaptureSender:
    """A sender to "host:port". Raises UsageError where the name cannot be resolved."""
    host, _, port = server.rpartition(":")
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        found = await loop.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_DGRAM)
        address = (str(found[0][4][0]), int(port))
        return CaptureSender(address, agent, own=own, epoch=epoch, show=show, correlation_of=correlation_of)
    raise UsageError(f"the capture server {server} cannot be resolved: check [trace] homer")
