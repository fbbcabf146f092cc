"""A packet capture of what reaches a lab end, as a pcap file that Wireshark reads.

SIP is kept in full. Of G.711 packets only the headers are kept (the length that was on the wire is noted, as pcap does
for any cut packet): the samples can hold no text. Packets of other payload types are kept in full.
"""

import time
from pathlib import Path
from typing import BinaryIO

from softswitch.sip.pcap import file_header, packet
from softswitch.testing.companding import CODECS

Address = tuple[str, int]
_RTP_HEADER = 12


class Capture:
    """An append-only pcap file; every packet is flushed, so that a killed process leaves all it received."""

    def __init__(self, path: Path) -> None:
        self._file: BinaryIO | None = path.open("wb")
        self._file.write(file_header())
        self._file.flush()

    def receive_sip(self, data: bytes, source: Address, destination: Address) -> None:
        self._write(data, len(data), source, destination)

    def receive_rtp(self, data: bytes, source: Address, destination: Address) -> None:
        audio = len(data) > _RTP_HEADER and data[1] & 0x7F in CODECS.values()
        self._write(data[: _header_length(data)] if audio else data, len(data), source, destination)

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _write(self, data: bytes, length: int, source: Address, destination: Address) -> None:
        if self._file is None:
            return
        self._file.write(packet(time.time(), source, destination, data, length))
        self._file.flush()


def _header_length(data: bytes) -> int:
    """Of an RTP packet, with its contributing sources and its extension (RFC 3550 §5.1, §5.3.1)."""
    length = _RTP_HEADER + 4 * (data[0] & 0x0F)
    if data[0] & 0x10:
        length += 4 + 4 * int.from_bytes(data[length + 2 : length + 4])
    return length
