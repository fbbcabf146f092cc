"""A packet capture of what reaches a lab end, as a pcap file that Wireshark reads, and the search in it for numbers.

SIP is kept in full. Of G.711 packets only the headers are kept (the length that was on the wire is noted, as pcap does
for any cut packet): the samples can hold no text. Packets of other payload types are kept in full.
"""

import socket
import struct
import time
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from softswitch.testing.companding import CODECS

Address = tuple[str, int]
_LINK_TYPE_IPV4 = 228  # tcpdump.org/linktypes: the packet begins with its IPv4 header
_RTP_HEADER = 12


class Capture:
    """An append-only pcap file; every packet is flushed, so that a killed process leaves all it received."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO | None = path.open("wb")
        # Magic number for microseconds, version 2.4, no zone, no accuracy, longest packet, link type.
        self._file.write(struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, _LINK_TYPE_IPV4))
        self._file.flush()

    def receive_sip(self, data: bytes, source: Address, destination: Address) -> None:
        self._write(data, len(data), source, destination)

    def receive_rtp(self, data: bytes, source: Address, destination: Address) -> None:
        audio = len(data) > _RTP_HEADER and data[1] & 0x7F in CODECS.values()
        self._write(data[:_RTP_HEADER] if audio else data, len(data), source, destination)

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _write(self, data: bytes, length: int, source: Address, destination: Address) -> None:
        if self._file is None:
            return
        udp = struct.pack("!HHHH", source[1], destination[1], 8 + length, 0)
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 28 + length, 0, 0, 64, socket.IPPROTO_UDP, 0)
        packet = ip + socket.inet_aton(source[0]) + socket.inet_aton(destination[0]) + udp + data
        seconds, fraction = divmod(time.time(), 1)
        self._file.write(struct.pack("=IIII", int(seconds), int(fraction * 1e6), len(packet), 28 + length) + packet)
        self._file.flush()


def find_numbers(data: bytes, numbers: Iterable[str], *, country_code: str = "44") -> set[str]:
    """The numbers (E.164) that occur in captured bytes in any spelling that holds all their national digits.

    Spaces, hyphens, dots and brackets between digits are stepped over, as are their percent-encodings.
    """
    plain = data
    for separator in (b"%20", b"%2D", b"%2d", b" ", b"-", b".", b"(", b")"):
        plain = plain.replace(separator, b"")
    return {number for number in numbers if number.removeprefix("+").removeprefix(country_code).encode() in plain}
