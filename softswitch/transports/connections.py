"""The book of open connections: which one carries a message, how many there may be, and how long one may take."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from softswitch.sip.hop import Hop
from softswitch.sip.sources import source_of
from softswitch.transports.tcp import Connection

PONG_S = 10.0  # RFC 5626 §4.4.1


@dataclass(frozen=True, slots=True)
class Limits:
    """What strangers may cost us, and how patient we are."""

    connections: int = 2000
    """At once, ours included."""
    connections_per_address: int = 200
    """Accepted at once from one IPv4 address or one IPv6 network of /64; a NAT has a whole call centre behind it."""
    connect_s: float = 3.0
    """Until a connection of ours stands, TLS included: the next gateway of a carrier waits for it."""
    handshake_s: float = 10.0
    """Until an accepted connection is through TLS and WebSocket."""
    first_message_s: float = 30.0
    """Until an accepted connection has brought a whole message."""
    message_s: float = 30.0
    """From the first byte of a message to its last."""
    ping_s: float = 30.0
    """Silence after which we ask for a sign of life, where it is on us to ask."""
    unused_s: float = 3600.0
    """Without a message for so long, a connection of ours is closed."""
    look_s: float = 1.0
    """How often all that is looked after."""


class Connections:
    """Keeps connections by flow, and by where they lead."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.by_flow: dict[int, Connection] = {}
        self.by_target: dict[Hop, Connection] = {}
        """What a hop of no certain flow may use: our own connections, and accepted ones whose peer needs no name."""
        self._accepted: Counter[str] = Counter()
        self._watched: dict[Connection, _Watch] = {}

    def __len__(self) -> int:
        return len(self._watched)

    def __iter__(self) -> Iterator[Connection]:
        return iter(tuple(self._watched))

    @property
    def is_full(self) -> bool:
        return len(self._watched) >= self.limits.connections

    def add(self, connection: Connection, now: float) -> bool:
        """Enter a new connection; False where there are too many."""
        if self.is_full:
            return False
        if connection.target is None:
            source = source_of(connection.hop.host)
            if self._accepted[source] >= self.limits.connections_per_address:
                return False
            self._accepted[source] += 1
        else:
            self.by_target[connection.target] = connection
        self._watched[connection] = _Watch(now)
        return True

    def open(self, connection: Connection, now: float) -> None:
        """It is ready."""
        self.by_flow[connection.hop.flow] = connection
        self._watched[connection] = _Watch(now)
        # A certificate names whom we connect to; who connects to us on TLS has not been asked for the name of a server.
        if connection.target is None and connection.hop.transport != "TLS":
            self.by_target[connection.hop._replace(flow=0)] = connection

    def remove(self, connection: Connection) -> bool:
        """Forget it; False where it was not in the book."""
        if self._watched.pop(connection, None) is None:
            return False
        self.by_flow.pop(connection.hop.flow, None)
        target = connection.target or connection.hop._replace(flow=0)
        if self.by_target.get(target) is connection:
            del self.by_target[target]
        if connection.target is None:
            source = source_of(connection.hop.host)
            self._accepted[source] -= 1
            if not self._accepted[source]:
                del self._accepted[source]
        return True

    def sweep(self, now: float) -> None:
        """Close what lasts too long, and ping what is silent; to be called once a second or so."""
        for connection, watch in tuple(self._watched.items()):
            if connection.is_closed:
                connection.abort()  # whoever does not take our last words does without
            elif reason := watch.look(connection, self.limits, now):
                connection.close(reason)


class _Watch:
    """What is remembered of a connection from look to look."""

    __slots__ = ("_asked_at", "_busy_at", "_moved_at", "_since", "_spoke")

    def __init__(self, now: float) -> None:
        self._since = self._busy_at = self._moved_at = now
        self._asked_at: float | None = None
        self._spoke = False

    def look(self, connection: Connection, limits: Limits, now: float) -> str:
        """Why the connection is to be closed, or an empty text."""
        is_ours = connection.target is not None
        if not connection.is_ready:
            late = now - self._since > (limits.connect_s if is_ours else limits.handshake_s)
            return "no connection in time" if late else ""
        if connection.is_busy:
            connection.is_busy = False
            self._busy_at = now
            if connection.is_answered:
                self._moved_at = now
        if connection.is_between_messages:
            self._moved_at = now
        elif now - self._moved_at > limits.message_s:
            return "a message takes too long"
        if not is_ours and not connection.has_spoken and now - self._since > limits.first_message_s:
            return "no message in time"
        if is_ours and now - self._busy_at > limits.unused_s:
            return "unused"
        return self._ping(connection, limits, now) if is_ours or connection.hop.transport in ("WS", "WSS") else ""

    def _ping(self, connection: Connection, limits: Limits, now: float) -> str:
        if self._asked_at is None or connection.is_alive:
            quiet_since = max(self._busy_at, self._asked_at or 0.0)
            if now - quiet_since >= limits.ping_s:
                self._asked_at = now
                connection.ping()
        elif connection.answers_pings and now - self._asked_at > PONG_S:
            return "no sign of life"
        elif now - self._asked_at >= limits.ping_s:
            self._asked_at = now
            connection.ping()
        return ""
