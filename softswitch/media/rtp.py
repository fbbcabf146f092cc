"""RTP headers, read and written on bare bytes (RFC 3550 §5.1, validity checks of appendix A.1)."""

from typing import Any

from softswitch.media.kernels import i64, inner, kernel

HEADER_BYTES = 12
NS_PER_SAMPLE = 125_000
"""At 8 kHz, the clock of every RTP timestamp here."""
LARGEST_PACKET = 1500
"""What an Ethernet carries; 180 ms of G.711. Longer datagrams are no telephone's."""


@kernel
def payload_bounds(packet: Any, length: int) -> tuple[int, int]:
    """Where a packet's payload starts and ends; (0, 0) when the packet is malformed.

    packet: uint8, at least `length` long.  Checked: version, length, CSRC count, header extension, padding, and that
    the payload type is none that RTCP's packet types would look like (72-76, RFC 5761 §4).
    """
    if length < HEADER_BYTES or length > LARGEST_PACKET or packet[0] >> 6 != 2:
        return 0, 0
    if 72 <= packet[1] & 0x7F <= 76:
        return 0, 0
    start = HEADER_BYTES + 4 * (i64(packet[0]) & 0x0F)
    if packet[0] & 0x10:
        if start + 4 > length:
            return 0, 0
        start += 4 + 4 * ((i64(packet[start + 2]) << 8) | i64(packet[start + 3]))
    end = length
    if packet[0] & 0x20:
        padding = i64(packet[length - 1])
        if padding == 0:
            return 0, 0
        end = length - padding
    if start > end:
        return 0, 0
    return start, end


@kernel
def read32(packet: Any, offset: int) -> int:
    return (
        (i64(packet[offset]) << 24)
        | (i64(packet[offset + 1]) << 16)
        | (i64(packet[offset + 2]) << 8)
        | i64(packet[offset + 3])
    )


@kernel
def read16(packet: Any, offset: int) -> int:
    return (i64(packet[offset]) << 8) | i64(packet[offset + 1])


@kernel
def write_header(packet: Any, marker: bool, payload_type: int, sequence: int, timestamp: int, ssrc: int) -> None:
    """Write a 12-byte header without CSRC, extension or padding.  packet: uint8, at least 12 long."""
    packet[0] = 0x80
    packet[1] = (0x80 if marker else 0) | payload_type
    packet[2] = (sequence >> 8) & 0xFF
    packet[3] = sequence & 0xFF
    for i in range(4):
        packet[4 + i] = (timestamp >> (24 - 8 * i)) & 0xFF
        packet[8 + i] = (ssrc >> (24 - 8 * i)) & 0xFF


@inner
def signed32(value: int) -> int:
    """The difference of two 32-bit counters as a signed number, so that wrapping is a small step."""
    value &= 0xFFFFFFFF
    return value - 0x100000000 if value & 0x80000000 else value


@inner
def signed16(value: int) -> int:
    value &= 0xFFFF
    return value - 0x10000 if value & 0x8000 else value
