"""The small browser of the tests on a real socket, as close to a tab as a test needs."""

import asyncio
import time
from typing import cast

from tests.media.browser_peer import BrowserPeer

CHECK_S = 0.05
CONSENT_S = 1.0
FRAME_S = 0.02


class WiredBrowser(asyncio.DatagramProtocol):
    """Checks until it is answered, then asks for consent, and speaks when told."""

    def __init__(self, peer: BrowserPeer) -> None:
        self.peer = peer
        self.transport: asyncio.DatagramTransport
        self.connected_at = 0.0
        self.saying = b""
        """The payload of each packet; empty: it is silent."""
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(cls, peer: BrowserPeer) -> "WiredBrowser":
        loop = asyncio.get_running_loop()
        _, browser = await loop.create_datagram_endpoint(lambda: cls(peer), local_addr=("127.0.0.1", 0))
        return browser

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.transport.get_extra_info("sockname")
        return host, port

    def start(self) -> None:
        """Begin to check and to speak; the answer is in."""
        self._tasks = [asyncio.create_task(self._check()), asyncio.create_task(self._speak())]

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self.transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        self.send(*self.peer.receive_datagram(data, time.monotonic()))
        if self.peer.keys is not None and not self.connected_at:
            self.connected_at = time.monotonic()

    def send(self, *datagrams: bytes) -> None:
        for data in datagrams:
            self.transport.sendto(data, self.peer.remote)

    async def _check(self) -> None:
        while True:
            self.send(self.peer.check())
            await asyncio.sleep(CONSENT_S if self.peer.answered_checks else CHECK_S)
            self.send(*self.peer.go_on(time.monotonic()))

    async def _speak(self) -> None:
        at = time.monotonic()
        while True:
            if self.saying and self.peer.keys is not None:
                self.send(self.peer.say(self.saying))
            at += FRAME_S
            await asyncio.sleep(max(0.0, at - time.monotonic()))
