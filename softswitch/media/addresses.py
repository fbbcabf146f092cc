"""IPv4 addresses as the numbers that kernels use."""

import ipaddress

from softswitch.errors import UsageError


def host_number(host: str) -> int:
    """An IPv4 literal as a number; UsageError for anything else, names included: they are resolved before media
    starts."""
    try:
        return int(ipaddress.IPv4Address(host))
    except ValueError:
        raise UsageError(f"media address {host!r} must be an IPv4 address such as 192.0.2.1") from None


def is_host(host: str) -> bool:
    """Whether it is an IPv4 literal."""
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True


def host_text(number: int) -> str:
    """The same as text."""
    return str(ipaddress.IPv4Address(number))
