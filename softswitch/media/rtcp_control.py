"""What a leg keeps for RTCP, its clock, and when its next report is due (RFC 3550 §6.2, §6.3; RFC 7022)."""

import base64
import secrets
from typing import Any

import numpy as np

from softswitch.media.kernels import i64, inner, kernel
from softswitch.media.reception import RECEPTION

NS = 1_000_000_000
NTP_EPOCH_S = 2_208_988_800
"""From 1900 to 1970."""

CNAME_BYTES = 16
"""96 random bits in base 64 (RFC 7022 §4.2 and §5)."""
LONGEST_COMPOUND = 28 + 24 + 4 + 4 + 2 + CNAME_BYTES + 4 + 8
"""SR with one block, SDES with one CNAME, BYE: what `write_compound` needs room for, rounded up."""

LEAST_INTERVAL_NS = 5 * NS  # RFC 3550 §6.2, halved before the first report
COMPENSATION = 1.21828  # e - 3/2, RFC 3550 §6.3.1
RTCP_BYTES_PER_S = 400
"""5 % of 64 kbit/s."""
HEADERS_BYTES = 28
"""IPv4 and UDP, which count towards the average size (RFC 3550 §6.2)."""

CONTROL = np.dtype(
    [
        ("ssrc", "i8"),  # ours
        ("wall_ns", "i8"),  # Unix time when the monotonic clock was 0; fixed: a step of the wall clock does no harm
        ("random", "i8"),
        ("cname", "u1", (CNAME_BYTES,)),
        # sending
        ("last_at_ns", "i8"),
        ("next_at_ns", "i8"),
        ("reports_sent", "i8"),
        ("average_bytes", "i8"),
        ("packets_reported", "i8"),
        # the far end's sender reports
        ("sender_ssrc", "i8"),
        ("sender_ntp_s", "i8"),
        ("sender_ntp_fraction", "i8"),
        ("sender_timestamp", "i8"),
        ("sender_packets", "i8"),
        ("sender_octets", "i8"),
        ("sender_report", "i8"),  # middle 32 bits of its NTP time; 0 before the first
        ("sender_at_ns", "i8"),
        # the far end's reports about what we send
        ("reports", "i8"),
        ("fraction_lost", "i8"),  # of 256
        ("cumulative_lost", "i8"),
        ("highest", "i8"),
        ("interarrival_jitter", "i8"),  # timestamp units
        ("report_at_ns", "i8"),
        ("round_trip_ns", "i8"),  # -1 before the first
        ("goodbye", "i8"),
        ("packets_received", "i8"),
        ("malformed", "i8"),
    ],
    align=True,
)

REPORTED_TO = [
    ("remote_host", "i8"),  # where the other end takes them, once it has sent one; remote_port is 0 before
    ("remote_port", "i8"),
    ("named_host", "i8"),  # by its SDP; 0: its RTP's
    ("named_port", "i8"),  # 0: the one above its RTP's
]

REPORT = np.dtype([("control", CONTROL), ("reception", RECEPTION), *REPORTED_TO], align=True)
"""What a leg keeps for its reports."""


def random_cname() -> bytes:
    """A name that tells nothing: 96 bits from the operating system, anew for each leg (RFC 7022 §4.2, §5)."""
    return base64.b64encode(secrets.token_bytes(CNAME_BYTES * 3 // 4))


def open_control(control: Any, ssrc: int, now: int, wall: int) -> None:
    """Set a zeroed record up for a leg.  now: ns, monotonic.  wall: ns, Unix time of the same moment."""
    begin(control, ssrc, wall - now, secrets.randbits(63), secrets.randbits(63), now)


@kernel
def begin(control: Any, ssrc: int, wall_ns: int, a: int, b: int, now: int) -> None:
    """Set a record up anew.  a, b: 63 random bits each, never the same for two legs; wall_ns: see CONTROL."""
    control.ssrc = ssrc
    control.wall_ns = wall_ns
    control.random = (a ^ b ^ (a >> 32)) & 0xFFFFFFFF | 1
    for i in range(CNAME_BYTES):
        bits = a if i < CNAME_BYTES // 2 else b
        control.cname[i] = base64_digit((bits >> 6 * (i % (CNAME_BYTES // 2))) & 63)
    control.last_at_ns = now
    control.reports_sent = 0
    control.average_bytes = LONGEST_COMPOUND + HEADERS_BYTES
    control.packets_reported = 0
    control.sender_ssrc = 0
    control.sender_report = 0
    control.reports = 0
    control.fraction_lost = 0
    control.cumulative_lost = 0
    control.interarrival_jitter = 0
    control.round_trip_ns = -1
    control.goodbye = 0
    control.packets_received = 0
    control.malformed = 0
    control.next_at_ns = now + draw_interval(control)


@inner
def base64_digit(value: int) -> int:
    if value < 26:
        return value + 65
    if value < 52:
        return value - 26 + 97
    if value < 62:
        return value - 52 + 48
    return 43 if value == 62 else 47


@inner
def ntp_seconds(control: Any, now: int) -> int:
    """The NTP time of a monotonic moment, whole seconds of 32 bits (RFC 3550 §4)."""
    return ((i64(control.wall_ns) + now) // NS + NTP_EPOCH_S) & 0xFFFFFFFF


@inner
def ntp_fraction(control: Any, now: int) -> int:
    """The rest, in 2^-32 s."""
    return (((i64(control.wall_ns) + now) % NS) << 32) // NS


@inner
def ntp_middle(control: Any, now: int) -> int:
    """The middle 32 bits: 2^-16 s, wrapping after 18 h."""
    return ((ntp_seconds(control, now) & 0xFFFF) << 16) | (ntp_fraction(control, now) >> 16)


@inner
def draw(control: Any) -> int:
    """32 random bits (Marsaglia's xorshift32): enough to keep legs from reporting in step."""
    x = i64(control.random)
    x ^= (x << 13) & 0xFFFFFFFF
    x ^= x >> 17
    x ^= (x << 5) & 0xFFFFFFFF
    control.random = x
    return x


@inner
def draw_interval(control: Any) -> int:
    """A transmission interval for two members (RFC 3550 §6.3.1)."""
    least = LEAST_INTERVAL_NS if control.reports_sent else LEAST_INTERVAL_NS // 2
    interval = max(2 * i64(control.average_bytes) * NS // RTCP_BYTES_PER_S, least)
    return i64(interval * (0.5 + draw(control) / 4294967296.0) / COMPENSATION)


@kernel
def is_report_due(control: Any, now: int) -> bool:
    """Whether to send a report now, with timer reconsideration (RFC 3550 §6.3.6): every 5 s in the mean.

    When it says so the report must be sent: the next one's time is set.
    """
    if now < control.next_at_ns:
        return False
    reconsidered = i64(control.last_at_ns) + draw_interval(control)
    if reconsidered > now:
        control.next_at_ns = reconsidered
        return False
    control.last_at_ns = now
    control.reports_sent += 1
    control.next_at_ns = now + draw_interval(control)
    return True
