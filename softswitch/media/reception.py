"""What a receiver counts of one source, for its reports (RFC 3550 §6.4.1, appendices A.1, A.3 and A.8)."""

from typing import Any

import numpy as np

from softswitch.media.kernels import i64, inner, kernel
from softswitch.media.rtp import signed16, signed32

NS = 1_000_000_000
MAX_DROPOUT, MAX_MISORDER = 3000, 100  # RFC 3550 A.1

INTERARRIVAL = [
    ("jitter_known", "i8"),
    ("jitter_transit", "i8"),
    ("jitter_sixteenths", "i8"),  # J of RFC 3550 A.8 in timestamp units, times 16
]
"""The fields that a record needs for `note_interarrival`."""

RECEPTION = np.dtype(
    [
        ("known", "i8"),
        ("ssrc", "i8"),
        ("first", "i8"),  # extended sequence numbers
        ("highest", "i8"),
        ("bad_sequence", "i8"),  # the number after one that was out of range; -1 for none
        ("received", "i8"),
        ("expected_prior", "i8"),  # at the last report
        ("received_prior", "i8"),
        *INTERARRIVAL,
        # as `close_interval` leaves them, ready for a report block
        ("fraction_lost", "i8"),  # of 256
        ("cumulative_lost", "i8"),  # signed, 24 bits
        ("interarrival_jitter", "i8"),  # timestamp units
    ],
    align=True,
)


@inner
def note_interarrival(record: Any, arrived: int, timestamp: int) -> None:
    """Estimate interarrival jitter as packets come (RFC 3550 A.8, in integers).

    record: with the fields of INTERARRIVAL.  arrived: on any clock with the timestamps' rate.
    """
    transit = arrived - timestamp
    if record.jitter_known:
        difference = abs(signed32(transit - i64(record.jitter_transit)))
        record.jitter_sixteenths += difference - ((i64(record.jitter_sixteenths) + 8) >> 4)
    record.jitter_known = 1
    record.jitter_transit = transit


@inner
def begin_source(reception: Any, ssrc: int, sequence: int) -> None:
    reception.known = 1
    reception.ssrc = ssrc
    reception.first = sequence
    reception.highest = sequence
    reception.bad_sequence = -1
    reception.received = 0
    reception.expected_prior = 0
    reception.received_prior = 0
    reception.jitter_known = 0
    reception.jitter_sixteenths = 0


@kernel
def count_packet(reception: Any, ssrc: int, sequence: int, timestamp: int, now: int, clock_hz: int) -> int:
    """Count a data packet (RFC 3550 A.1); 0 when its number is out of all range, once: the next in a row restarts.

    reception: a RECEPTION record, zeroed before the first packet.  now: ns.  clock_hz: of the timestamps.  There is no
    probation: the caller has made sure of the source in its own way.
    """
    if not reception.known or ssrc != reception.ssrc:
        begin_source(reception, ssrc, sequence)
    step = signed16(sequence - reception.highest)
    if not -MAX_MISORDER <= step <= MAX_DROPOUT:
        if sequence != reception.bad_sequence:
            reception.bad_sequence = (sequence + 1) & 0xFFFF
            return 0
        begin_source(reception, ssrc, sequence)
        step = i64(0)
    reception.bad_sequence = -1
    reception.highest = max(i64(reception.highest), i64(reception.highest) + step)
    reception.received += 1
    note_interarrival(
        reception, now // 1_000_000_000 * clock_hz + now % 1_000_000_000 * clock_hz // 1_000_000_000, timestamp
    )
    return 1


@kernel
def close_interval(reception: Any) -> None:
    """Work out what a report says of the time since the last (RFC 3550 A.3), and begin the next interval."""
    expected = i64(reception.highest) - i64(reception.first) + 1
    lost = expected - i64(reception.received)
    reception.cumulative_lost = min(max(lost, -0x800000), 0x7FFFFF)
    expected_interval = expected - i64(reception.expected_prior)
    lost_interval = expected_interval - (i64(reception.received) - i64(reception.received_prior))
    reception.expected_prior = expected
    reception.received_prior = reception.received
    reception.fraction_lost = 0
    if expected_interval > 0 and lost_interval > 0:
        reception.fraction_lost = min((lost_interval << 8) // expected_interval, 255)
    reception.interarrival_jitter = i64(reception.jitter_sixteenths) >> 4
