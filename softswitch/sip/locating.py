"""Which server a request goes to (RFC 3263): what to ask of DNS, and in which order to try what it answers (RFC 2782).

Nothing here asks DNS: `transports.resolver` does, with these rules.
"""

import ipaddress
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from softswitch.sip.hop import Hop

Chance: TypeAlias = Callable[[int], int]
"""An unguessable number from 0 to its argument less one."""

# RFC 3263 §4.1, RFC 7118 §7.
_NAPTR_SERVICES: Final = {"SIP+D2U": "UDP", "SIP+D2T": "TCP", "SIPS+D2T": "TLS", "SIP+D2W": "WS", "SIPS+D2W": "WSS"}
_SRV_PREFIXES: Final = {"UDP": "_sip._udp", "TCP": "_sip._tcp", "TLS": "_sips._tcp"}  # RFC 3263 §4.1
ROOT: Final = "."
"""As an SRV target: the service is decidedly not offered (RFC 2782)."""


@dataclass(frozen=True, slots=True)
class Naptr:
    """One NAPTR record (RFC 3403 §4.1)."""

    order: int
    preference: int
    flags: str
    service: str
    regexp: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Srv:
    """One SRV record (RFC 2782)."""

    priority: int
    weight: int
    port: int
    target: str


@dataclass(frozen=True, slots=True)
class Server:
    """One server and the addresses at which it is reached, in the order in which they are tried."""

    hops: tuple[Hop, ...]
    priority: int = 0
    """Lower comes first."""
    weight: int = 0
    """Its share among the servers of one priority."""


@lru_cache(maxsize=1024)
def is_address(host: str) -> bool:
    """Whether this is an IP address, with or without the brackets of IPv6: then DNS is not asked."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def srv_name(transport: str, host: str) -> str | None:
    """Where the SRV records of a transport are; None for WebSocket, which has none."""
    prefix = _SRV_PREFIXES.get(transport)
    return None if prefix is None else f"{prefix}.{host}"


def services_of(records: Iterable[Naptr], transports: Collection[str]) -> list[tuple[str, str]]:
    """(transport, name of its SRV records) for each transport that we speak too, the domain's favourite first.

    Only records that lead on to SRV count; others, and rewriting rules, are of no use for SIP (RFC 3263 §4.1).
    """
    found = []
    for record in sorted(records, key=lambda each: (each.order, each.preference)):
        transport = _NAPTR_SERVICES.get(record.service.upper())
        if transport in transports and record.flags.lower() == "s" and not record.regexp and record.replacement != ROOT:
            assert transport is not None
            found.append((transport, record.replacement))
    return found


def in_order(servers: Sequence[Server], chance: Chance) -> list[Server]:
    """The order of tries for one call: by priority, and within one by chance in proportion to weight (RFC 2782).

    A server of weight 0 comes first with a small chance where others have a weight; where none has, all are alike.
    """
    ordered: list[Server] = []
    for priority in sorted({server.priority for server in servers}):
        left = [server for server in servers if server.priority == priority]
        if not any(server.weight for server in left):
            while left:
                ordered.append(left.pop(chance(len(left))))
            continue
        left.sort(key=lambda server: server.weight > 0)
        while left:
            ordered.append(left.pop(draw([server.weight for server in left], chance)))
    return ordered


def draw(weights: Sequence[int], chance: Chance) -> int:
    """The position that chance picks, in proportion to the weights; zero weights, listed first, get the chance of one.

    The draw of RFC 2782, but that without a zero weight none is favoured for being listed first.
    """
    total = sum(weights)
    number = chance(total + 1) if weights[0] == 0 else 1 + chance(total)
    running = 0
    for position, weight in enumerate(weights):
        running += weight
        if running >= number:
            return position
    return len(weights) - 1
