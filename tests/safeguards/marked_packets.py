"""RTP and RTCP that carry a number wherever their formats have room for one."""

import struct

EVENT_PAYLOAD = 101


def marked_source(number: str) -> int:
    """The number's own digits as an SSRC of 32 bits."""
    return int(number[3:]) & 0xFFFFFFFF


def marked_rtp(number: str, at: int) -> list[bytes]:
    """A digit as a telephone event, and audio whose header carries the number as extension and as sources."""
    digit, source = int(number[1 + at % (len(number) - 1)]), marked_source(number)
    event = struct.pack("!BBHIIBBH", 0x80, EVENT_PAYLOAD, 30_000 + at, 8000 * at, source, digit, 0x8A, 800)
    text = number.encode().ljust(16, b"\0")
    header = struct.pack("!BBHIIII", 0x92, 0, 31_000 + at, 8000 * at, source, source, source)
    return [event, header + struct.pack("!HH", 0xBEDE, len(text) // 4) + text + b"\xff" * 160]


def marked_rtcp(number: str) -> bytes:
    """A sender report, every item of SDES, and an APP packet (RFC 3550 §6.4-6.7)."""
    source, text = marked_source(number), number.encode()
    report = struct.pack("!BBHIIIIII", 0x80, 200, 6, source, 1, 2, 3, 4, 5)
    items = b"".join(bytes((kind, len(text))) + text for kind in range(1, 9)) + b"\0"
    items += bytes(-len(items) % 4)
    description = struct.pack("!BBHI", 0x81, 202, 1 + len(items) // 4, source) + items
    padded = text + bytes(-len(text) % 4)
    own = struct.pack("!BBHI4s", 0x80, 204, 2 + len(padded) // 4, source, b"NUMB") + padded
    return report + description + own
