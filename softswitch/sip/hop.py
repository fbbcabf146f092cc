"""Where a message comes from or goes to: address, port, transport (RFC 3261 §18) and the connection that carries it."""

from collections.abc import Iterable
from typing import Final, NamedTuple, TypeAlias

from softswitch.sip.uri import Uri, host_of

Address: TypeAlias = tuple[str, int]
"""IP address, without brackets, and port: where a socket is bound."""

DEFAULT_PORT: Final = 5060
DEFAULT_TLS_PORT: Final = 5061
_DEFAULT_PORTS: Final = {"TLS": DEFAULT_TLS_PORT, "WS": 80, "WSS": 443}  # RFC 3261 §19.1.2, RFC 7118 §8
# RFC 3261 §26.2.2 deprecates transport=tls, and every phone and carrier in the field says it: a "sips" Contact would
# ask that each hop to us be secure, which we cannot promise (RFC 5630 §5.1.1).
_URI_TRANSPORTS: Final = {"TCP": "tcp", "TLS": "tls", "WS": "ws", "WSS": "ws"}


class Hop(NamedTuple):
    """The other end of one message, as a transport knows it."""

    host: str
    """IP address without brackets."""
    port: int
    transport: str = "UDP"
    """UDP, TCP, TLS, WS or WSS, as in Via."""
    flow: int = 0
    """Number of the connection (RFC 5626's flow); 0: any to this address, opened where there is none."""
    name: str = ""
    """Name that a TLS certificate must bear (RFC 5922 §7.1); empty: the address."""

    @property
    def is_reliable(self) -> bool:
        """Whether this transport resends by itself: then transactions do not."""
        return self.transport != "UDP"

    @property
    def address(self) -> Address:
        return (self.host, self.port)


def default_port(transport: str) -> int:
    """The port where an address names none (§18.2.2, §19.1.2)."""
    return _DEFAULT_PORTS.get(transport, DEFAULT_PORT)


class OwnHops:
    """Where we listen, by transport and IP version: what Via and Contact say of us."""

    def __init__(self, hops: Iterable[Hop]) -> None:
        """hops: each listening address with its transport; the first speaks where none fits better."""
        self._hops = tuple(hops)
        self._facing: dict[tuple[str, bool], Hop] = {}

    @property
    def main(self) -> Hop:
        return self._hops[0]

    def serves(self, transport: str) -> bool:
        """Whether we listen there."""
        return any(hop.transport == transport for hop in self._hops)

    def facing(self, peer: Hop) -> Hop:
        """Ours, of the peer's transport and IP version; a transport that we do not listen on has our main address."""
        key = (peer.transport, ":" in peer.host)
        own = self._facing.get(key)
        if own is None:
            own = self._facing[key] = self._choose(*key)
        return own

    def contact(self, user: str, peer: Hop) -> Uri:
        """Our address for this peer: where it is to send the requests of its dialogs."""
        own = self.facing(peer)
        params = {"transport": _URI_TRANSPORTS[own.transport]} if own.transport in _URI_TRANSPORTS else {}
        return Uri("sip", user, host_of(own.host), own.port, params=params)

    def _choose(self, transport: str, is_v6: bool) -> Hop:
        def rank(own: Hop) -> tuple[bool, bool]:
            return (own.transport != transport, (":" in own.host) != is_v6)

        best = min(self._hops, key=rank)
        return best if best.transport == transport else best._replace(transport=transport)
