"""From where a request comes: this machine, the agents' segment, anywhere. Pure."""

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
IPV6_SITE_BITS = 64
"""An IPv6 host changes the rest of its address by itself (RFC 8981)."""


def address_of(source: str) -> Address | None:
    """None for what is no address. An IPv4 address that came over IPv6 is itself."""
    try:
        address = ipaddress.ip_address(source.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def is_this_machine(source: str) -> bool:
    address = address_of(source)
    return address is not None and address.is_loopback


def place_of(source: str) -> str:
    """What a session is bound to: an IPv4 address, the network of an IPv6 address, else the text as it is."""
    address = address_of(source)
    if address is None:
        return source
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, IPV6_SITE_BITS), strict=False))
    return str(address)


class Networks:
    """The agents' segment. Where the site names none, everybody may come from everywhere."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        self._networks = [ipaddress.ip_network(each) for each in networks]

    def __bool__(self) -> bool:
        return bool(self._networks)

    def __contains__(self, source: str) -> bool:
        address = address_of(source)
        return address is not None and any(address in network for network in self._networks)

    def refuse(self, source: str, *, is_agent: bool) -> str:
        """Why somebody may not be there, or nothing: agents come from their segment, and nobody else does."""
        if not self._networks or (source in self) is is_agent:
            return ""
        return "agents log in from their own network alone" if is_agent else "this network is the agents' alone"
