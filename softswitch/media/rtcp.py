"""RTCP on bare bytes: what is sent, what is read, and when (RFC 3550 §6; RFC 5506, 5761, 7022, 7983).

A leg's CONTROL record holds what the two directions need of each other. A report goes out when `is_report_due` says so,
written by `write_compound`; what comes in goes through `read_compound`, which takes a packet whole or not at all.
"""

from typing import Any

from softswitch.media.kernels import i64, inner, kernel
from softswitch.media.reception import close_interval
from softswitch.media.rtcp_control import (
    CNAME_BYTES,
    CONTROL,
    HEADERS_BYTES,
    LONGEST_COMPOUND,
    NS,
    REPORT,
    begin,
    is_report_due,
    ntp_fraction,
    ntp_middle,
    ntp_seconds,
    open_control,
    random_cname,
)
from softswitch.media.rtp import read16, read32

__all__ = [
    "CONTROL",
    "DTLS",
    "HAS_GOODBYE",
    "HAS_REPORT",
    "HAS_SENDER_REPORT",
    "LONGEST_COMPOUND",
    "MALFORMED",
    "OTHER",
    "REPORT",
    "RTCP",
    "RTP",
    "STUN",
    "begin",
    "is_report_due",
    "is_valid",
    "kind_of",
    "open_control",
    "random_cname",
    "read_compound",
    "write_compound",
]

SENDER_REPORT, RECEIVER_REPORT, DESCRIPTION, GOODBYE = 200, 201, 202, 203
CNAME_ITEM = 1

LONGEST_ROUND_TRIP_NS = 60 * NS
"""A report that says more is mistaken."""

# what `kind_of` returns
OTHER, RTP, RTCP, STUN, DTLS = 0, 1, 2, 3, 4

# what `read_compound` returns: -1 or a sum of these
HAS_SENDER_REPORT, HAS_REPORT, HAS_GOODBYE = 1, 2, 4
MALFORMED = -1


@inner
def write32(packet: Any, offset: int, value: int) -> None:
    for i in range(4):
        packet[offset + i] = (value >> (24 - 8 * i)) & 0xFF


@inner
def write_header(packet: Any, offset: int, count: int, kind: int, end: int) -> None:
    """The first four bytes of the RTCP packet that goes up to `end`."""
    packet[offset] = 0x80 | count
    packet[offset + 1] = kind
    words = (end - offset) // 4 - 1
    packet[offset + 2] = words >> 8
    packet[offset + 3] = words & 0xFF


@inner
def write_block(packet: Any, offset: int, control: Any, reception: Any, now: int) -> int:
    """A report block about what was received (RFC 3550 §6.4.1); where it ends.

    The sender report that it answers is of the source that it is about; of a source before that the far end knows other
    times.
    """
    write32(packet, offset, reception.ssrc)
    write32(packet, offset + 4, (i64(reception.fraction_lost) << 24) | (i64(reception.cumulative_lost) & 0xFFFFFF))
    write32(packet, offset + 8, reception.highest)
    write32(packet, offset + 12, reception.interarrival_jitter)
    last = i64(0)
    since = i64(0)
    if control.sender_report and control.sender_ssrc == reception.ssrc:
        last = i64(control.sender_report)
        since = (now - i64(control.sender_at_ns)) * 65536 // NS
    write32(packet, offset + 16, last)
    write32(packet, offset + 20, since)
    return offset + 24


@inner
def write_description(packet: Any, offset: int, control: Any) -> int:
    """SDES with the CNAME alone (RFC 3550 §6.5); where it ends."""
    write32(packet, offset + 4, control.ssrc)
    packet[offset + 8] = CNAME_ITEM
    packet[offset + 9] = CNAME_BYTES
    for i in range(CNAME_BYTES):
        packet[offset + 10 + i] = control.cname[i]
    end = offset + 10 + CNAME_BYTES
    packet[end] = 0  # the end of the items, then up to the next word
    end += 1
    while (end - offset) % 4:
        packet[end] = 0
        end += 1
    write_header(packet, offset, 1, DESCRIPTION, end)
    return end


@kernel
def write_compound(
    packet: Any,
    control: Any,
    reception: Any,
    now: int,
    timestamp: int,
    packets: int,
    octets: int,
    goodbye: int,
) -> int:
    """Write SR or RR, SDES and, when the leg ends, BYE; the length in bytes.

    packet: uint8, at least LONGEST_COMPOUND.  now: ns, monotonic.  timestamp: RTP time of what we would send now.
    packets, octets: sent so far (payload only, RFC 3550 §6.4.1).  goodbye: 1 to leave.  An SR it is when something was
    sent since the last report; a block is there once something was received.
    """
    blocks = 0
    end = 8
    kind = RECEIVER_REPORT
    write32(packet, 4, control.ssrc)
    if packets > control.packets_reported:
        kind = SENDER_REPORT
        write32(packet, 8, ntp_seconds(control, now))
        write32(packet, 12, ntp_fraction(control, now))
        write32(packet, 16, timestamp)
        write32(packet, 20, packets)
        write32(packet, 24, octets)
        end = 28
    control.packets_reported = packets
    if reception.known:
        close_interval(reception)
        end = write_block(packet, end, control, reception, now)
        blocks = 1
    write_header(packet, 0, blocks, kind, end)
    end = write_description(packet, end, control)
    if goodbye:
        write32(packet, end + 4, control.ssrc)
        write_header(packet, end, 1, GOODBYE, end + 8)
        end += 8
    note_size(control, end)
    return end


@inner
def note_size(control: Any, length: int) -> None:
    control.average_bytes += (length + HEADERS_BYTES - i64(control.average_bytes)) // 16


# --- in ---


@kernel
def is_valid(packet: Any, length: int, reduced: int) -> bool:
    """Whether a datagram is well-formed RTCP throughout (RFC 3550 A.2).

    reduced: 1 to take what does not begin with SR or RR too (RFC 5506 §3.4.1).
    """
    if length < 4 or length % 4:
        return False
    offset = i64(0)
    while offset < length:
        if length - offset < 4 or packet[offset] >> 6 != 2:
            return False
        kind = i64(packet[offset + 1])
        size = 4 * (read16(packet, offset + 2) + 1)
        if not 192 <= kind <= 223 or size > length - offset:
            return False
        if offset == 0 and not reduced and kind not in (SENDER_REPORT, RECEIVER_REPORT):
            return False
        body = size
        if packet[offset] & 0x20:  # padding: in the last packet of the datagram alone, and not in the first of several
            padding = i64(packet[offset + size - 1])
            if offset + size != length or (offset == 0 and not reduced) or padding % 4 or not 4 <= padding <= size - 4:
                return False
            body -= padding
        count = i64(packet[offset]) & 0x1F
        least = 4
        if kind == SENDER_REPORT:
            least = 28 + 24 * count
        elif kind == RECEIVER_REPORT:
            least = 8 + 24 * count
        elif kind == GOODBYE:
            least = 4 + 4 * count
        elif kind == DESCRIPTION:
            least = 4 + 8 * count  # a chunk is an SSRC and at least one word
        if body < least:
            return False
        offset += size
    return True


@inner
def read_blocks(packet: Any, offset: int, count: int, control: Any, now: int) -> int:
    """Take in the report block about our SSRC, if there is one."""
    found = 0
    for _ in range(count):
        if read32(packet, offset) == control.ssrc:
            found = HAS_REPORT
            word = read32(packet, offset + 4)
            control.reports += 1
            control.fraction_lost = word >> 24
            lost = word & 0xFFFFFF
            control.cumulative_lost = lost - 0x1000000 if lost & 0x800000 else lost
            control.highest = read32(packet, offset + 8)
            control.interarrival_jitter = read32(packet, offset + 12)
            control.report_at_ns = now
            note_round_trip(control, read32(packet, offset + 16), read32(packet, offset + 20), now)
        offset += 24
    return found


@inner
def note_round_trip(control: Any, last_report: int, delay: int, now: int) -> None:
    """A - LSR - DLSR (RFC 3550 §6.4.1), where it makes sense.  last_report, delay: 2^-16 s."""
    if last_report == 0:
        return  # it has not heard a report of ours yet
    trip = (ntp_middle(control, now) - last_report - delay) & 0xFFFFFFFF
    if trip >= 0xFFFF0000:
        trip = 0  # its clock runs a little faster than ours
    trip_ns = trip * NS >> 16
    if trip_ns <= LONGEST_ROUND_TRIP_NS:
        control.round_trip_ns = trip_ns


@kernel
def read_compound(packet: Any, length: int, control: Any, now: int, reduced: int) -> int:
    """Take in a datagram; MALFORMED (nothing of it was used, counted), or which of HAS_... it held.

    packet: uint8, at least `length` long.  now: ns, monotonic.  reduced: 1 where RFC 5506 was agreed.  Packets of other
    types (APP, feedback, XR) are skipped.
    """
    if not is_valid(packet, length, reduced):
        control.malformed += 1
        return MALFORMED
    control.packets_received += 1
    note_size(control, length)
    found = 0
    offset = i64(0)
    while offset < length:
        kind = i64(packet[offset + 1])
        count = i64(packet[offset]) & 0x1F
        if kind == SENDER_REPORT:
            found |= HAS_SENDER_REPORT
            control.sender_ssrc = read32(packet, offset + 4)
            control.sender_ntp_s = read32(packet, offset + 8)
            control.sender_ntp_fraction = read32(packet, offset + 12)
            control.sender_timestamp = read32(packet, offset + 16)
            control.sender_packets = read32(packet, offset + 20)
            control.sender_octets = read32(packet, offset + 24)
            control.sender_report = read32(packet, offset + 10)
            control.sender_at_ns = now
            found |= read_blocks(packet, offset + 28, count, control, now)
        elif kind == RECEIVER_REPORT:
            found |= read_blocks(packet, offset + 8, count, control, now)
        elif kind == GOODBYE:
            found |= HAS_GOODBYE
            control.goodbye = 1
        offset += 4 * (read16(packet, offset + 2) + 1)
    return found


@kernel
def kind_of(packet: Any, length: int) -> int:
    """What a datagram on a media socket is, by its first bytes (RFC 7983 §7; RTP or RTCP by RFC 5761 §4).

    packet: uint8.  Returns RTP, RTCP, STUN, DTLS or OTHER: ZRTP, TURN channels and what is too short to be anything.
    """
    if length < 4:
        return OTHER
    first = i64(packet[0])
    if first <= 3:
        return STUN if length >= 20 else OTHER
    if 20 <= first <= 63:
        return DTLS if length >= 13 else OTHER
    if 128 <= first <= 191:
        if 192 <= packet[1] <= 223:
            return RTCP
        return RTP if length >= 12 else OTHER
    return OTHER
