"""Every transport that this switch speaks, as one way in and one way out (RFC 3261 §18)."""

import asyncio
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from itertools import count

import structlog

from softswitch.errors import UsageError
from softswitch.sip.hop import Hop
from softswitch.sip.layer import Datagram
from softswitch.sip.way_back import CAN_BE_OPENED, way_back
from softswitch.transports.connections import Connections, Limits
from softswitch.transports.tcp import Channel, Connection, StreamChannel
from softswitch.transports.tls import Certificates, TlsChannel
from softswitch.transports.udp import UdpTransport, advice, bind_udp, plain_host, serve_udp

WARN_S = 60.0
BACKLOG = 256
STREAMS = ("TCP", "TLS", "WS", "WSS")
_NEED_CERTIFICATE = ("TLS", "WSS")

log = structlog.get_logger(__name__)


class TransportStack:
    """The open ports and connections. `send` never raises; connections are opened as they are needed.

    receive: takes each whole message with where it came from; over a connection, the hop has its flow number.
    on_unreachable: hears of a destination to which something could not be sent, soon after.
    on_closed: hears of the end of a connection, by the hop that its messages came from.
    is_banned: whether connections from this host are closed unheard.
    """

    def __init__(
        self,
        receive: Callable[[bytes, Hop], None],
        on_unreachable: Callable[[Hop], None],
        on_closed: Callable[[Hop], None],
        certificates: Certificates,
        limits: Limits,
        is_banned: Callable[[str], bool],
    ) -> None:
        self.receive = receive
        self.listens: list[Hop] = []
        """Where peers reach us, in the order asked for; ports are the real ones."""
        self.connections = Connections(limits)
        self.refused = 0
        """Connections that were not accepted: their source is banned, or there were too many."""
        self._on_unreachable = on_unreachable
        self._on_closed = on_closed
        self._is_banned = is_banned
        self._certificates = certificates
        self._loop = asyncio.get_running_loop()
        self._senders: dict[str, Callable[[Datagram], None]] = dict.fromkeys(STREAMS, self._send_on_stream)
        self._senders["UDP"] = self._send_nowhere
        self._udp: dict[bool, UdpTransport] = {}
        self._bound: list[socket.socket] = []
        """UDP ports that are not served yet."""
        self._servers: list[asyncio.Server] = []
        self._flows = count(1)
        self._opening: set[asyncio.Task[None]] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self._warned_at = 0.0
        self._is_closed = False

    def send(self, datagram: Datagram) -> None:
        """Send it on its way, or say later that there is none."""
        self._senders[datagram.destination.transport](datagram)

    def close(self) -> None:
        """Close every port and connection; nothing is reported any more."""
        self._is_closed = True
        for udp in self._udp.values():
            udp.close()
        for bound in self._bound:
            bound.close()
        for server in self._servers:
            server.close()
        for task in self._opening:
            task.cancel()
        for connection in self.connections:
            connection.close("shutting down", at_once=False)  # the answer to a last BYE may not have left yet
        if self._sweeping is not None:
            self._sweeping.cancel()

    # Listening

    async def listen(self, hop: Hop) -> None:
        """Open a port. Until `serve`, UDP waits and connections are refused. Raises UsageError with what to do."""
        if hop.transport == "UDP":
            bound = bind_udp(hop.address)
            self._bound.append(bound)
            name = bound.getsockname()
            self.listens.append(Hop(plain_host(name[0]), name[1]))
            return
        if hop.transport in _NEED_CERTIFICATE and not self._certificates.can_accept:
            raise UsageError(
                f"{hop.transport} needs a certificate: name its PEM file in [sip] certificate and that of its key in "
                f"[sip] certificate_key, or take {hop.transport.lower()!r} out of [sip] transports"
            )
        opened = _bind_stream(hop, beside=[own.port for own in self.listens if own.host == hop.host])
        transport = hop.transport
        self._servers.append(
            await self._loop.create_server(
                lambda: self._accept(transport), sock=opened, backlog=BACKLOG, start_serving=False
            )
        )
        name = opened.getsockname()
        self.listens.append(Hop(plain_host(name[0]), name[1], transport))

    async def serve(self) -> None:
        """Take what comes to the ports that are open, and send by them."""
        while self._bound:
            udp = await serve_udp(self._bound.pop(0), self.receive, self._report_unreachable)
            self._udp[":" in udp.address[0]] = udp
            self._senders["UDP"] = udp.send if len(self._udp) == 1 else self._send_by_version
        for server in self._servers:
            await server.start_serving()

    def _accept(self, transport: str) -> Connection:
        return Connection(self, self._channel(transport, None), transport, next(self._flows), None)

    def admits(self, connection: Connection) -> bool:
        now = self._loop.time()
        if self._is_banned(connection.hop.host):
            self.refused += 1
            return False
        if not self._is_closed and self.connections.add(connection, now):
            self._watch()
            return True
        self.refused += 1
        if now - self._warned_at >= WARN_S:
            self._warned_at = now
            log.warning("connections are refused, there are too many", host=connection.hop.host, refused=self.refused)
        return False

    # Sending

    def _send_by_version(self, datagram: Datagram) -> None:
        self._udp[":" in datagram.destination.host].send(datagram)

    def _send_nowhere(self, datagram: Datagram) -> None:
        self._loop.call_soon(self._report_unreachable, datagram.destination)

    def _send_on_stream(self, datagram: Datagram) -> None:
        hop = datagram.destination
        if hop.flow:
            connection = self.connections.by_flow.get(hop.flow)
            if connection is None or connection.is_closed:
                other = way_back(datagram.data, hop)
                connection = None if other is None or self._is_banned(hop.host) else self._leading_to(other)
        else:
            connection = self._leading_to(hop)
        if connection is None or connection.is_closed:
            self._send_nowhere(datagram)
        else:
            connection.send(datagram.data)

    def _leading_to(self, target: Hop) -> Connection | None:
        """A connection to there: the one that stands, or a new one."""
        connection = self.connections.by_target.get(target)
        return self._open(target) if connection is None or connection.is_closed else connection

    def _open(self, target: Hop) -> Connection | None:
        """Begin to connect; what is sent meanwhile waits in the connection."""
        if target.transport not in CAN_BE_OPENED or self._is_closed or self.connections.is_full:
            return None
        channel = self._channel(target.transport, target.name or target.host)
        connection = Connection(self, channel, target.transport, next(self._flows), target)
        self.connections.add(connection, self._loop.time())
        self._watch()
        task = self._loop.create_task(self._connect(connection, target))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return connection

    async def _connect(self, connection: Connection, target: Hop) -> None:
        own = next((own.host for own in self.listens if (":" in own.host) == (":" in target.host)), None)
        try:
            async with asyncio.timeout(self.connections.limits.connect_s):
                await self._loop.create_connection(
                    lambda: connection, target.host, target.port, local_addr=(own, 0) if own else None
                )
        except (OSError, ValueError, OverflowError) as error:
            connection.close("no connection")
            self.connection_closed(connection, error)

    def _channel(self, transport: str, server_name: str | None) -> Channel:
        """What translates a connection of this transport; server_name: whom we connect to."""
        inner: Channel
        if transport in ("WS", "WSS"):
            from softswitch.transports.websocket import WebSocketChannel

            inner = WebSocketChannel()
        else:
            inner = StreamChannel()
        if transport not in _NEED_CERTIFICATE:
            return inner
        if server_name is None:
            return TlsChannel(inner, self._certificates.accepting(self._loop.time()), None)
        return TlsChannel(inner, self._certificates.connecting(), server_name)

    # What connections report

    def connection_opened(self, connection: Connection) -> None:
        self.connections.open(connection, self._loop.time())

    def connection_closed(self, connection: Connection, error: Exception | None) -> None:
        was_open = connection.hop.flow in self.connections.by_flow
        if not self.connections.remove(connection) or self._is_closed:
            return
        target = connection.target
        if was_open:
            self._on_closed(connection.hop)
        if target is not None and (not was_open or error is not None or not connection.is_answered):
            why = connection.reason or (str(error) if error is not None else "closed by the peer")
            log.warning("no connection", to=target.name or target.host, transport=target.transport, reason=why)
            self._report_unreachable(target)

    def _report_unreachable(self, hop: Hop) -> None:
        if not self._is_closed:
            self._on_unreachable(hop)

    # Time

    def _watch(self) -> None:
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(self.connections.limits.look_s, self._sweep)

    def _sweep(self) -> None:
        self._sweeping = None
        self.connections.sweep(self._loop.time())
        if len(self.connections):
            self._watch()


async def open_transports(
    listeners: Sequence[Hop],
    *,
    receive: Callable[[bytes, Hop], None],
    on_unreachable: Callable[[Hop], None],
    on_closed: Callable[[Hop], None],
    certificates: Certificates | None = None,
    limits: Limits | None = None,
    is_banned: Callable[[str], bool] = lambda host: False,
    serve: bool = True,
) -> TransportStack:
    """Listen everywhere, or nowhere: raises UsageError with what to do.

    listeners: address, port and transport of each; at most one UDP port for each IP version. Port 0 takes a free one,
    for TCP preferably that of UDP.  serve: False for a caller who is not ready to receive, and calls `serve` later.
    """
    stack = TransportStack(
        receive, on_unreachable, on_closed, certificates or Certificates(), limits or Limits(), is_banned
    )
    async with AsyncExitStack() as undo:
        undo.callback(stack.close)
        for hop in listeners:
            await stack.listen(hop)
        if serve:
            await stack.serve()
        undo.pop_all()
    return stack


def _bind_stream(hop: Hop, beside: Sequence[int]) -> socket.socket:
    family = socket.AF_INET6 if ":" in hop.host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        for port in (*beside, 0) if hop.port == 0 else (hop.port,):
            try:
                opened.bind((hop.host, port))
                break
            except OSError:
                if hop.port or not port:
                    raise
    except (OSError, OverflowError) as error:
        opened.close()
        raise UsageError(advice(hop.transport, hop.host, hop.port, error)) from error
    return opened
