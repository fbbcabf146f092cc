"""Where a response goes whose connection has gone (RFC 3261 §18.2.2)."""

from softswitch.errors import PeerError
from softswitch.sip.hop import Hop, default_port
from softswitch.sip.message import Response
from softswitch.sip.parser import parse

CAN_BE_OPENED = ("TCP", "TLS")  # WebSocket clients connect to us, never we to them (RFC 7118 §5)


def way_back(data: bytes, lost: Hop) -> Hop | None:
    """The address that the request came from, at the port that its sender's Via names; None for what is no response.

    Requests have no such way: a connection that a phone has opened is the only one that leads to it (RFC 5626 §5.3).
    """
    if not data.startswith(b"SIP/2.0 ") or lost.transport not in CAN_BE_OPENED:
        return None
    try:
        response = parse(data)
    except PeerError:
        return None
    if not isinstance(response, Response):
        return None
    return lost._replace(port=response.via.port or default_port(lost.transport), flow=0)
