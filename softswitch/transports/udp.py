"""SIP over UDP on an asyncio (or uvloop) loop."""

import asyncio
import contextlib
import errno
import socket
import struct
from collections.abc import Callable
from typing import cast

from softswitch.errors import UsageError
from softswitch.sip.hop import Address, Hop
from softswitch.sip.layer import Datagram

RECEIVE_BUFFER_BYTES = 1 << 20  # a burst of calls must not be lost while Python is busy; the kernel doubles it
MAXIMUM_DATAGRAM_BYTES = 65_507  # RFC 768 with IPv4's 20-byte header

PORT_KEYS = {"UDP": "port", "TCP": "port", "TLS": "tls_port", "WS": "ws_port", "WSS": "wss_port"}
"""Where [sip] says the port of each transport."""

# Without this Linux tells an unconnected socket of no ICMP error, and a peer that is gone costs a time-out each time.
# `socket` has no names for them; where a kernel has no such option, errors are not reported, and all else is the same.
_RECEIVE_ERRORS = {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}
_ERROR = struct.Struct("=IBBBB")  # linux/errqueue.h sock_extended_err: errno, origin, type, code
_FROM_ICMP = (2, 3)  # origins: ICMP, ICMPv6
_UNREACHABLE = (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH)  # RFC 3261 §18.4
_TIME_EXCEEDED = ((2, 11), (3, 3))  # §18.4: ignored; also EHOSTUNREACH to the kernel


def plain_host(host: str) -> str:
    """The address as a hop names it: without a scope, and IPv4 as IPv4 (RFC 4291 §2.5.5.2)."""
    host = host.partition("%")[0]
    return host[7:] if host.startswith("::ffff:") and "." in host else host


class UdpTransport(asyncio.DatagramProtocol):
    """One bound socket. Received datagrams go to `receive`; `send` never raises: what cannot leave is counted.

    `on_unreachable` hears, a little later, of addresses from which ICMP says that nobody is there.
    """

    def __init__(
        self,
        receive: Callable[[bytes, Hop], None],
        on_unreachable: Callable[[Hop], None] | None = None,
        opened: socket.socket | None = None,
    ) -> None:
        self._receive = receive
        self._on_unreachable = on_unreachable
        self._socket = opened
        self._transport: asyncio.DatagramTransport | None = None
        self._error: Exception | None = None
        """The latest that the loop told of."""
        self.address: Address = ("", 0)
        """Where it is bound; the port is the real one, also where 0 was asked for."""
        self.errors = 0
        """Sends that failed and ICMP errors; SIP's own retransmission makes up for them."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Neither asyncio's nor uvloop's transport is a DatagramTransport by class.
        self._transport = cast(asyncio.DatagramTransport, transport)
        name = transport.get_extra_info("sockname")
        self.address = (plain_host(name[0]), name[1])

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        self._receive(data, Hop(str(addr[0]), int(addr[1])))

    def error_received(self, exc: Exception) -> None:
        self.errors += 1
        self._error = exc
        if self._on_unreachable is None or self._socket is None:
            return
        loop = asyncio.get_running_loop()
        for hop in _read_errors(self._socket):
            loop.call_soon(self._on_unreachable, hop)  # later: this may happen in the middle of a send

    def send(self, datagram: Datagram) -> None:
        if self._transport is None or self._transport.is_closing() or len(datagram.data) > MAXIMUM_DATAGRAM_BYTES:
            self.errors += 1
            self._give_up(datagram.destination)
            return
        errors, address = self.errors, datagram.destination[:2]
        try:
            self._transport.sendto(datagram.data, address)
            if self.errors == errors:
                return
            if isinstance(self._error, OSError) and self._error.errno in _UNREACHABLE:
                # The error of an earlier datagram, to whatever peer, makes the kernel refuse this one, once.
                errors = self.errors
                self._transport.sendto(datagram.data, address)
        except (OSError, ValueError):
            self.errors += 1
            errors = -1
        if self.errors != errors:
            self._give_up(datagram.destination)

    def _give_up(self, destination: Hop) -> None:
        if self._on_unreachable is not None:
            asyncio.get_running_loop().call_soon(self._on_unreachable, destination)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None


class _Udp6Transport(UdpTransport):
    """Only here can a source be written in more than one way."""

    def datagram_received(self, data: bytes, addr: tuple[str | object, int]) -> None:
        self._receive(data, Hop(plain_host(str(addr[0])), int(addr[1])))


async def open_udp(
    address: Address, receive: Callable[[bytes, Hop], None], on_unreachable: Callable[[Hop], None] | None = None
) -> UdpTransport:
    """Bind a UDP port for SIP; port 0 takes any free one, and `UdpTransport.address` says which.

    Raises UsageError with what to do where the port is taken, not permitted, or the address is not this machine's.
    """
    return await serve_udp(bind_udp(address), receive, on_unreachable)


def bind_udp(address: Address) -> socket.socket:
    """The port alone: what comes waits in it until `serve_udp`. Raises UsageError as `open_udp` does."""
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((host, port))
    except (OSError, OverflowError) as error:
        opened.close()
        raise UsageError(advice("UDP", host, port, error)) from error
    return opened


async def serve_udp(
    opened: socket.socket, receive: Callable[[bytes, Hop], None], on_unreachable: Callable[[Hop], None] | None = None
) -> UdpTransport:
    """Begin to receive and send by a port that is bound."""
    if on_unreachable is not None:
        with contextlib.suppress(OSError):
            opened.setsockopt(*_RECEIVE_ERRORS[opened.family], 1)
    kind = UdpTransport if opened.family == socket.AF_INET else _Udp6Transport
    _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: kind(receive, on_unreachable, opened), sock=opened
    )
    return protocol


def advice(transport: str, host: str, port: int, error: OSError | OverflowError) -> str:
    """Why a port could not be bound, and what to do."""
    code = error.errno if isinstance(error, OSError) else None
    kind, key = ("UDP", "port") if transport == "UDP" else ("TCP", PORT_KEYS[transport])
    if code == errno.EADDRINUSE:
        return (
            f"{kind} port {port} on {host} is in use by another program: "
            f"stop it (`ss -{kind[0].lower()}lnp 'sport = :{port}'` names it), "
            f"or give this switch another port in [sip] {key}"
        )
    if code == errno.EACCES:
        return f"{kind} port {port} on {host} is not permitted: take a port above 1023 in [sip] {key}"
    if code == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine: set [sip] address to one that `ip address` lists"
    return f"{kind} port {port} on {host} could not be opened ({error}): check [sip] address and {key}"


def _read_errors(opened: socket.socket) -> set[Hop]:
    """Empty the socket's error queue (ip(7), IP_RECVERR); until it is empty the loop would call again and again."""
    unreachable: set[Hop] = set()
    while True:
        try:
            _, ancillary, _, address = opened.recvmsg(0, 512, socket.MSG_ERRQUEUE)
        except OSError:
            return unreachable
        for level, kind, data in ancillary:
            if (level, kind) not in _RECEIVE_ERRORS.values() or len(data) < _ERROR.size:
                continue
            code, origin, icmp_type, *_ = _ERROR.unpack_from(data)
            if origin in _FROM_ICMP and code in _UNREACHABLE and (origin, icmp_type) not in _TIME_EXCEEDED and address:
                unreachable.add(Hop(plain_host(address[0]), address[1]))
