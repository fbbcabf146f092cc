"""Packet captures made of messages: the classic pcap file that tshark, Wireshark and sngrep read.

Each message becomes one UDP packet with headers of ours, also where it went over TCP, TLS or WebSocket: its Via says
which, and no reader then needs the keys or has to put a stream together again.
"""

import ipaddress
import struct
from typing import Final

Address = tuple[str, int]

LINK_TYPE_RAW: Final = 101  # tcpdump.org/linktypes: the packet begins with its IPv4 or IPv6 header
_MAXIMUM_PACKET: Final = 65_535
_UDP: Final = 17
_HOPS: Final = 64


def file_header() -> bytes:
    """What a file begins with: magic number for microseconds, version 2.4, longest packet, link type."""
    return struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, _MAXIMUM_PACKET, LINK_TYPE_RAW)


def packet(at: float, source: Address, destination: Address, data: bytes, length: int | None = None) -> bytes:
    """One datagram as a record of the file.

    at: seconds since the epoch.  length: what was on the wire, where `data` is only its beginning.
    Raises ValueError where an address is none.
    """
    length = len(data) if length is None else length
    here, there = ipaddress.ip_address(source[0]), ipaddress.ip_address(destination[0])
    if here.version != there.version:  # a wildcard address of the other family: the peer's decides
        here = ipaddress.ip_address("::" if there.version == 6 else "0.0.0.0")
    ends = here.packed + there.packed
    if there.version == 6:
        data = data[: _MAXIMUM_PACKET - 48]
        udp = struct.pack("!HHHH", source[1], destination[1], 8 + length, 0)
        checksum = _checksum(ends + struct.pack("!IxxxB", len(udp) + length, _UDP) + udp + data)
        udp = udp[:6] + struct.pack("!H", checksum or 0xFFFF)  # RFC 8200 §8.1: never 0
        ip = struct.pack("!IHBB", 6 << 28, 8 + length, _UDP, _HOPS) + ends
    else:
        data = data[: _MAXIMUM_PACKET - 28]
        udp = struct.pack("!HHHH", source[1], destination[1], 8 + length, 0)
        bare = struct.pack("!BBHHHBBH", 0x45, 0, 28 + length, 0, 0, _HOPS, _UDP, 0) + ends
        ip = bare[:10] + struct.pack("!H", _checksum(bare)) + bare[12:]
    whole = ip + udp + data
    seconds, fraction = divmod(at, 1)
    on_wire = len(ip) + len(udp) + length
    return struct.pack("=IIII", int(seconds), int(fraction * 1e6), len(whole), on_wire) + whole


def _checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
