"""SIP over UDP on an asyncio (or uvloop) loop."""

import asyncio
import errno
import socket
from collections.abc import Callable
from typing import cast

from softswitch.errors import UsageError
from softswitch.sip.hop import Address, Hop
from softswitch.sip.layer import Datagram

RECEIVE_BUFFER_BYTES = 1 << 20  # a burst of calls must not be lost while Python is busy; the kernel doubles it
MAXIMUM_DATAGRAM_BYTES = 65_507  # RFC 768 with IPv4's 20-byte header


class UdpTransport(asyncio.DatagramProtocol):
    """One bound socket. Received datagrams go to `receive`; `send` never raises: what cannot leave is counted."""

    def __init__(self, receive: Callable[[bytes, Hop], None]) -> None:
        self._receive = receive
        self._transport: asyncio.DatagramTransport | None = None
        self.address: Address = ("", 0)
        """Where it is bound; the port is the real one, also where 0 was asked for."""
        self.errors = 0
        """Sends that failed and ICMP errors; SIP's own retransmission makes up for them."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Neither asyncio's nor uvloop's transport is a DatagramTransport by class.
        self._transport = cast(asyncio.DatagramTransport, transport)
        host, port = transport.get_extra_info("sockname")[:2]
        self.address = (host, port)

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        self._receive(data, Hop(str(addr[0]), int(addr[1])))

    def error_received(self, exc: Exception) -> None:
        self.errors += 1

    def send(self, datagram: Datagram) -> None:
        if self._transport is None or self._transport.is_closing() or len(datagram.data) > MAXIMUM_DATAGRAM_BYTES:
            self.errors += 1
            return
        try:
            self._transport.sendto(datagram.data, datagram.destination[:2])
        except (OSError, ValueError):
            self.errors += 1

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None


async def open_udp(address: Address, receive: Callable[[bytes, Hop], None]) -> UdpTransport:
    """Bind a UDP port for SIP; port 0 takes any free one, and `UdpTransport.address` says which.

    Raises UsageError with what to do where the port is taken, not permitted, or the address is not this machine's.
    """
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        opened.bind((host, port))
        loop = asyncio.get_running_loop()
        _, protocol = await loop.create_datagram_endpoint(lambda: UdpTransport(receive), sock=opened)
    except (OSError, OverflowError) as error:
        opened.close()
        raise UsageError(_advice(host, port, error)) from error
    return protocol


def _advice(host: str, port: int, error: OSError | OverflowError) -> str:
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return (
            f"UDP port {port} on {host} is in use by another program: stop it (`ss -ulnp 'sport = :{port}'` names it), "
            f"or give this switch another port in [sip] port"
        )
    if code == errno.EACCES:
        return f"UDP port {port} on {host} is not permitted: take a port above 1023 in [sip] port"
    if code == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine: set [sip] address to one that `ip address` lists"
    return f"UDP port {port} on {host} could not be opened ({error}): check [sip] address and port"
