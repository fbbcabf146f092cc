"""HEP3, the Homer Encapsulation Protocol: one message and where it went, as a datagram for a capture server.

The format is that of the "HEP/EEP" document, revision 12, of the SIPCAPTURE project: chunks of vendor, type and length.
"""

import ipaddress
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from softswitch.sip.hop import Hop

MAGIC: Final = b"HEP3"
SIP: Final = 1  # chunk 11: what the payload is
_GENERIC: Final = 0  # the vendor of the chunks below
_TCP: Final = 6
_UDP: Final = 17
_FAMILIES: Final = {4: 2, 6: 10}  # AF_INET and AF_INET6 of Linux


class Chunk(IntEnum):
    """The generic chunk types."""

    FAMILY = 1
    PROTOCOL = 2
    IPV4_SOURCE = 3
    IPV4_DESTINATION = 4
    IPV6_SOURCE = 5
    IPV6_DESTINATION = 6
    SOURCE_PORT = 7
    DESTINATION_PORT = 8
    SECONDS = 9
    MICROSECONDS = 10
    PAYLOAD_TYPE = 11
    CAPTURE_ID = 12
    KEEPALIVE_S = 13
    PASSWORD = 14
    PAYLOAD = 15
    COMPRESSED_PAYLOAD = 16
    CORRELATION_ID = 17
    VLAN = 18
    GROUP = 19


@dataclass(frozen=True, slots=True)
class CaptureAgent:
    """Who reports, as the capture server is told."""

    capture_id: int
    """32 bits."""
    password: str = ""


def encode(agent: CaptureAgent, at: float, source: Hop, destination: Hop, payload: bytes, correlation: str) -> bytes:
    """One SIP message as a HEP3 datagram.

    at: seconds since the epoch.  correlation: the same for all messages of one call.
    Raises ValueError where an address is none, or where all is longer than the 65,535 bytes of its length field.
    """
    here, there = ipaddress.ip_address(source.host), ipaddress.ip_address(destination.host)
    if here.version != there.version:
        here = ipaddress.ip_address("::" if there.version == 6 else "0.0.0.0")
    is_v6 = there.version == 6
    seconds, fraction = divmod(at, 1)
    chunks = [
        _chunk(Chunk.FAMILY, struct.pack("!B", _FAMILIES[there.version])),
        _chunk(Chunk.PROTOCOL, struct.pack("!B", _TCP if destination.is_reliable else _UDP)),
        _chunk(Chunk.IPV6_SOURCE if is_v6 else Chunk.IPV4_SOURCE, here.packed),
        _chunk(Chunk.IPV6_DESTINATION if is_v6 else Chunk.IPV4_DESTINATION, there.packed),
        _chunk(Chunk.SOURCE_PORT, struct.pack("!H", source.port)),
        _chunk(Chunk.DESTINATION_PORT, struct.pack("!H", destination.port)),
        _chunk(Chunk.SECONDS, struct.pack("!I", int(seconds))),
        _chunk(Chunk.MICROSECONDS, struct.pack("!I", int(fraction * 1e6))),
        _chunk(Chunk.PAYLOAD_TYPE, struct.pack("!B", SIP)),
        _chunk(Chunk.CAPTURE_ID, struct.pack("!I", agent.capture_id)),
    ]
    if agent.password:
        chunks.append(_chunk(Chunk.PASSWORD, agent.password.encode()))
    if correlation:
        chunks.append(_chunk(Chunk.CORRELATION_ID, correlation.encode("utf-8", "surrogateescape")))
    chunks.append(_chunk(Chunk.PAYLOAD, payload))
    body = b"".join(chunks)
    return MAGIC + _length(6 + len(body)) + body


def _chunk(kind: Chunk, value: bytes) -> bytes:
    return struct.pack("!HH", _GENERIC, kind) + _length(6 + len(value)) + value


def _length(length: int) -> bytes:
    if length > 0xFFFF:
        raise ValueError("a message is too long for HEP3")
    return struct.pack("!H", length)
