"""The switch on real sockets, and somebody on a loopback address of his own who sends it whatever he likes."""

import asyncio
import os
import socket
from contextlib import suppress
from itertools import count

from softswitch.sip.hop import Hop
from softswitch.sip.layer import Datagram
from softswitch.transports.driver import Driver
from softswitch.transports.stack import TransportStack, open_transports
from softswitch.ua.pool import UserAgentPool
from tests.torture.ground import Callee, make_pool, options

PORTS = (5060, 5050, 5070, 5090, 6050, 19823)
"""Where the torture messages' Vias want their answers, where they do not ask for the sender's own port."""
PATIENCE_S = 60.0


def own_address() -> str:
    """A loopback address that no other test run uses."""
    number = os.getpid()
    return f"127.{77 + number // 65536 % 100}.{number // 256 % 256}.{number % 254 + 1}"


class RealSwitch:
    """A pool on UDP and TCP, as the switch runs it."""

    def __init__(self, carrier: Hop) -> None:
        self.driver = Driver()
        self.stack: TransportStack
        self.pool: UserAgentPool
        self.callee: Callee
        self._carrier = carrier

    async def open(self) -> None:
        self.stack = await open_transports(
            [Hop("127.0.0.1", 0, "UDP"), Hop("127.0.0.1", 0, "TCP")],
            receive=lambda data, source: self.driver.receive_datagram(self.pool, data, source),
            on_unreachable=lambda hop: None,
            on_closed=lambda hop: None,
        )
        self._start()

    def renew(self) -> None:
        """Begin anew with a pool that knows of no earlier message."""
        self.driver.remove(self.pool)
        self._start()

    def listens(self, transport: str) -> tuple[str, int]:
        return next(hop.address for hop in self.stack.listens if hop.transport == transport)

    def close(self) -> None:
        self.driver.close()
        self.stack.close()

    def _start(self) -> None:
        # Without phones, whatever comes from the carrier's address is the carrier's, from its own port or another.
        self.pool = make_pool(self.stack.listens, self._carrier, phones=())
        self.callee = Callee(self.pool, lambda: self.driver.now)
        self.driver.add(self.pool, on_event=self.callee.receive_event, send=self._send)

    def _send(self, datagram: Datagram) -> None:
        self.stack.send(datagram)


class Sender:
    """Sends datagrams from port 5060 and hears what comes back to any of `PORTS`."""

    def __init__(self, switch: RealSwitch, host: str) -> None:
        self.host = host
        self._switch = switch
        self._numbers = count(1)
        self._heard: list[bytes] = []
        self._news = asyncio.Event()
        self._sockets = [self._bind(port) for port in PORTS]

    def close(self) -> None:
        for each in self._sockets:
            asyncio.get_running_loop().remove_reader(each.fileno())
            each.close()

    def send(self, data: bytes) -> None:
        self._sockets[0].sendto(data, self._switch.listens("UDP"))

    async def ask(self, *messages: bytes) -> list[bytes]:
        """Send these; what has come back by the time that a sound request behind them is answered."""
        self._heard.clear()
        for data in messages:
            self.send(data)
        call_id = f"alive-{next(self._numbers)}"
        self.send(options(call_id))
        async with asyncio.timeout(PATIENCE_S):
            while not any(call_id.encode() in data for data in self._heard):
                self._news.clear()
                await self._news.wait()
        for each in self._sockets:
            self._read(each)  # answers to another port left before that one
        return [data for data in self._heard if call_id.encode() not in data]

    async def ask_by_tcp(self, data: bytes, patience_s: float = 0.5) -> tuple[list[bytes], bool]:
        """Send this and a sound request on a connection of its own: the messages that come, whether it was closed."""
        host, port = self._switch.listens("TCP")
        reader, writer = await asyncio.open_connection(host, port, local_addr=(self.host, 0))
        call_id = f"alive-{next(self._numbers)}"
        writer.write(data + options(call_id).replace(b"/UDP", b"/TCP"))
        received = b""
        closed = False
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while call_id.encode() not in received and not closed:
                    try:
                        more = await reader.read(65536)
                    except ConnectionError:  # closed while there was more of ours to read
                        more = b""
                    closed = not more
                    received += more
        writer.close()
        messages = [b"SIP/2.0 " + part for part in received.split(b"SIP/2.0 ")[1:] if b"\r\n" in part]
        return [message for message in messages if call_id.encode() not in message], closed

    def _bind(self, port: int) -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        opened.bind((self.host, port))
        asyncio.get_running_loop().add_reader(opened.fileno(), self._read, opened)
        return opened

    def _read(self, opened: socket.socket) -> None:
        with suppress(BlockingIOError):
            while True:
                self._heard.append(opened.recv(65536))
                self._news.set()
