"""What a jitter buffer is made of: its record, and how one is set up."""

from typing import Any

import numpy as np
import numpy.typing as npt

from softswitch.media.kernels import inner, kernel
from softswitch.media.playout import MS, PLAYOUT, forget_transits
from softswitch.media.reception import INTERARRIVAL
from softswitch.media.records import whole_lines

SLOTS = 64
PIECE_BYTES = 640
"""20 ms of the widest codec (L16 at 16 kHz)."""
FRAME_NS = 20 * MS
NS = 1_000_000_000
PARTS = 16
"""Pieces that a packet may have; a piece's key is its extended sequence number times this, plus its place."""

PIECE = np.dtype(
    whole_lines(
        [
            ("key", "i8"),
            ("at_ns", "i8"),
            ("length_ns", "i8"),  # 0: no audio, but comfort noise or a telephone event
            ("size", "i8"),
            ("codec", "i8"),
            ("arrived_ns", "i8"),
            ("payload", "u1", (PIECE_BYTES,)),
        ]
    ),
    align=True,
)
"""At most 20 ms of audio that wait, in lines of the cache of their own."""

JITTER = np.dtype(
    [
        *whole_lines(
            [
                # settings
                ("fixed", "i8"),
                ("capacity", "i8"),  # pieces held at most
                ("initial_ns", "i8"),  # delay before the first frame; in fixed mode after each underrun
                ("least_ns", "i8"),
                ("most_ns", "i8"),
                # the sender's stream
                ("started", "i8"),
                ("ssrc", "i8"),
                ("clock_hz", "i8"),
                ("highest", "i8"),  # extended sequence number of the newest packet
                ("highest_sequence", "i8"),  # its 16 bits on the wire
                ("seen", "i8"),  # bit i: highest - i has come
                ("anchor_timestamp", "i8"),
                ("anchor_ns", "i8"),  # position of anchor_timestamp
                ("end_ns", "i8"),  # where the newest packet ends
                ("packet_ns", "i8"),  # how long it is
                ("former_ssrc", "i8"),
                ("former_sequence", "i8"),
                ("changed_at_ns", "i8"),
                ("suspect", "i8"),  # last of a run of numbers from the past, which may be those of a restarted sender
                ("suspect_since_ns", "i8"),
                # playing
                ("playing", "i8"),
                ("filling", "i8"),
                ("cursor_ns", "i8"),
                ("clock_ns", "i8"),  # time of the last pull, smoothed
                ("last", "i8"),  # extended sequence number last played
                ("silent", "i8"),  # the sender has announced silence
                ("noise_length", "i8"),
                ("noise", "u1", (16,)),  # payload of the last comfort noise packet (RFC 3389)
                ("gap_lost_ns", "i8"),  # of the gap being played, what has been concealed
                ("hungry", "i8"),  # pulls since audio was played
                ("adjusted_at_ns", "i8"),
                ("late_since_ns", "i8"),
                ("late_at_ns", "i8"),
                # the frame that `get` gave
                ("frame_length", "i8"),  # bytes
                ("frame_codec", "i8"),
                ("taken_ns", "i8"),  # audio that the cursor last moved over, gaps left out
                ("frame_skipped_ns", "i8"),  # audio left out before it, so that the seam can be smoothed
                # statistics
                ("received", "i8"),
                ("bursts", "i8"),  # pulls since the last of which something was received
                ("before_pull", "i8"),  # `received` at the last pull
                ("played", "i8"),  # frames
                ("lost", "i8"),  # pulls answered LOST
                ("loss_runs", "i8"),  # runs of pulls concealed
                ("empty", "i8"),
                ("noises", "i8"),
                ("concealed", "i8"),  # LOST, or EMPTY within 100 ms of speech
                ("late", "i8"),  # packets
                ("trimmed_ns", "i8"),  # of packets whose front came too late
                ("duplicates", "i8"),
                ("invalid", "i8"),
                ("overflowed", "i8"),  # pieces for which there was no room
                ("dropped", "i8"),  # frames left out to shorten the delay
                ("inserted", "i8"),  # EMPTY to lengthen it
                ("restarts", "i8"),
                ("delay_ns", "i8"),  # of the last frame played, in this buffer
                ("delay_sum_ns", "i8"),
                ("delay_most_ns", "i8"),
                *INTERARRIVAL,
                # pieces held
                ("count", "i8"),
                ("held_ns", "i8"),
                ("used", "i8"),  # bit i: slot i is taken; the lowest free one is used, so that few pages are
                ("order", "u1", (SLOTS,)),  # slots by key
                *PLAYOUT,
            ]
        ),
        ("pieces", PIECE, (SLOTS,)),
    ],
    align=True,
)


def new_buffers(count: int, *, most_ms: int = 200, least_ms: int = 20, initial_ms: int = 20) -> npt.NDArray[Any]:
    """Adaptive jitter buffers.  Returns (count,) JITTER; pages of slots that are never used cost nothing."""
    buffers = np.zeros(count, JITTER)
    for buffer in buffers:
        configure(buffer, 0, initial_ms // 20, least_ms // 20, most_ms // 20, SLOTS)
    return buffers


@kernel
def configure(buffer: Any, fixed: int, initial: int, least: int, most: int, capacity: int) -> None:
    """Empty a buffer and set it up for a new stream.

    fixed: 1 for a constant delay of `initial`.  initial, least, most: delays in frames of 20 ms.  capacity: frames
    that may be held, at most 64.
    """
    reset(buffer)
    buffer.fixed = fixed
    buffer.initial_ns = initial * FRAME_NS
    buffer.least_ns = least * FRAME_NS
    buffer.most_ns = most * FRAME_NS
    buffer.capacity = min(max(capacity, 2), SLOTS)


@inner
def reset(buffer: Any) -> None:
    """Forget the stream and every count; the settings stay."""
    buffer.started = 0
    buffer.former_ssrc = -1
    buffer.suspect = -1
    buffer.playing = 0
    buffer.filling = 1
    buffer.cursor_ns = 0
    buffer.clock_ns = 0
    buffer.silent = 0
    buffer.noise_length = 0
    buffer.gap_lost_ns = 0
    buffer.hungry = 0
    buffer.adjusted_at_ns = 0
    buffer.late_since_ns = 0
    buffer.late_at_ns = 0
    buffer.frame_length = 0
    buffer.frame_codec = 0
    buffer.frame_skipped_ns = 0
    buffer.received = 0
    buffer.bursts = 0
    buffer.before_pull = 0
    buffer.played = 0
    buffer.lost = 0
    buffer.loss_runs = 0
    buffer.empty = 0
    buffer.noises = 0
    buffer.concealed = 0
    buffer.late = 0
    buffer.trimmed_ns = 0
    buffer.duplicates = 0
    buffer.invalid = 0
    buffer.overflowed = 0
    buffer.dropped = 0
    buffer.inserted = 0
    buffer.restarts = 0
    buffer.delay_ns = 0
    buffer.delay_sum_ns = 0
    buffer.delay_most_ns = 0
    buffer.jitter_known = 0
    buffer.jitter_sixteenths = 0
    buffer.base_ns = 0
    buffer.jitter_ns = 0
    buffer.weight = 1.0
    buffer.total = 0.0
    buffer.highest_bin = 0
    for i in range(buffer.histogram.size):
        buffer.histogram[i] = 0.0
    buffer.skew_ppb = 0
    forget_transits(buffer)
    buffer.count = 0
    buffer.held_ns = 0
    buffer.used = 0
