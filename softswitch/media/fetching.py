"""What a packet will touch, fetched from memory while those before it are served.

With a thousand calls every packet finds its rows far away, and waiting for them one after the other would cost more
than all the work on them. A fetch needs what an earlier one has brought (who the peer is, where a ring's cursor
stands), so they run one, two and three packets ahead.
"""

from typing import Any

from softswitch.amd.state import STATE
from softswitch.media.jitter_record import JITTER, PIECE
from softswitch.media.kernels import i64, inner
from softswitch.media.layout import CACHE_LINE, FRAME, FRAME_SAMPLES, FRAMES, LEG, RECEIVED, SENT
from softswitch.media.libc import prefetch
from softswitch.media.receiver import RECEIVER, WAITING
from softswitch.media.records import place_of
from softswitch.media.rtcp import REPORT
from softswitch.media.timeline import ALAW, CHANNEL, PLACED, SIZE, TIMELINE, WORDS

LEG_BYTES = LEG.itemsize
HEARD_END = place_of(LEG, "held")
SPOKEN_AT = place_of(LEG, "held") // CACHE_LINE * CACHE_LINE
SPOKEN_END = place_of(LEG, "generation")
CURSORS_AT = place_of(LEG, "received_written")
REPORT_BYTES = REPORT.itemsize
RECEPTION_AT = place_of(REPORT, "reception")
RECEIVER_BYTES = RECEIVER.itemsize
STREAM_END = place_of(RECEIVER, "jitter") + place_of(JITTER, "histogram") + CACHE_LINE
"""The first line of the histogram is that of a path with little jitter."""
PIECES_AT = place_of(RECEIVER, "jitter") + place_of(JITTER, "pieces")
PIECE_BYTES = PIECE.itemsize
PIECES = 2
"""That hold anything, on such a path."""
PIECE_END = place_of(PIECE, "payload") + FRAME_SAMPLES
FRAME_BYTES = FRAME.itemsize
LINE_BYTES = TIMELINE.itemsize
LINE_END = place_of(TIMELINE, "marks")
CHANNEL_BYTES = CHANNEL.itemsize
STATE_BYTES = STATE.itemsize
WORD_BYTES = 8


@inner
def fetch_lines(at: int, start: int, end: int) -> None:
    """Fetch bytes start to end of what lies at an address."""
    for line in range(start, end, CACHE_LINE):
        prefetch(at + line)


@inner
def fetch_receiving(shared: Any, slot: int) -> None:
    """What a packet on this leg touches first."""
    leg = shared.legs.ctypes.data + slot * LEG_BYTES
    fetch_lines(leg, 0, HEARD_END)
    prefetch(leg + CURSORS_AT)
    fetch_lines(shared.reports.ctypes.data + slot * REPORT_BYTES, RECEPTION_AT, REPORT_BYTES)


@inner
def fetch_buffer(shared: Any, slot: int) -> None:
    """A leg's jitter buffer, for a packet to be put in or a frame to be pulled."""
    receiver = shared.receivers.ctypes.data + slot * RECEIVER_BYTES
    fetch_lines(receiver, 0, STREAM_END)
    for piece in range(PIECES):
        fetch_lines(receiver + PIECES_AT + piece * PIECE_BYTES, 0, PIECE_END)


@inner
def fetch_pulled(shared: Any, slot: int) -> None:
    """What a leg whose frame is due touches first."""
    leg = shared.legs.ctypes.data + slot * LEG_BYTES
    prefetch(leg)
    prefetch(leg + CACHE_LINE)
    fetch_buffer(shared, slot)


@inner
def fetch_peer(shared: Any, slot: int) -> None:
    """Where the leg's audio goes."""
    peer = i64(shared.legs[slot].peer)
    if peer >= 0:
        row = shared.legs.ctypes.data + peer * LEG_BYTES
        prefetch(row)
        prefetch(row + CACHE_LINE)
        fetch_lines(row, SPOKEN_AT, SPOKEN_END)
        prefetch(row + CURSORS_AT)


@inner
def fetch_onward(shared: Any, slot: int) -> None:
    """What the second half of a packet's way touches: the leg's buffer and, where it does not wait there, its peer."""
    if shared.legs[slot].buffered:
        fetch_buffer(shared, slot)
    if shared.legs[slot].buffered != WAITING:
        fetch_peer(shared, slot)


@inner
def fetch_frame(shared: Any, slot: int, direction: int, written: int) -> None:
    """The place in a tapped leg's ring for its next frame."""
    ring = (slot * (SENT + 1) + direction) * FRAMES + (written & (FRAMES - 1))
    fetch_lines(shared.frames.ctypes.data + ring * FRAME_BYTES, 0, FRAME_BYTES)


@inner
def fetch_frames(shared: Any, slot: int) -> None:
    """The places in the rings for what a leg has just received, and for what its peer is sent of it at once."""
    leg = shared.legs[slot]
    if leg.tapped:
        fetch_frame(shared, slot, RECEIVED, i64(leg.received_written))
    if leg.buffered != WAITING:
        fetch_sent_frame(shared, slot)


@inner
def fetch_sent_frame(shared: Any, slot: int) -> None:
    """The place in the ring for what the leg's peer is sent."""
    peer = i64(shared.legs[slot].peer)
    if peer >= 0 and shared.legs[peer].tapped:
        fetch_frame(shared, peer, SENT, i64(shared.legs[peer].sent_written))


@inner
def fetch_timeline(shared: Any, times: Any, slot: int) -> None:
    """What the worker looks at first of a leg: where its rings and its timeline stand."""
    prefetch(shared.legs.ctypes.data + slot * LEG_BYTES)
    prefetch(shared.legs.ctypes.data + slot * LEG_BYTES + CURSORS_AT)
    fetch_lines(times.lines.ctypes.data + slot * LINE_BYTES, 0, LINE_END)
    fetch_lines(times.channels.ctypes.data + slot * 2 * CHANNEL_BYTES, 0, 2 * CHANNEL_BYTES)


@inner
def fetch_audio(shared: Any, times: Any, states: Any, slot: int) -> None:
    """The frames that wait for the worker, their places on the timeline, and what listens to them."""
    leg = shared.legs[slot]
    for direction in range(2):
        written = i64(leg.received_written if direction == RECEIVED else leg.sent_written)
        fetch_frame(shared, slot, direction, written - 1)
        row = slot * 2 + direction
        at = (i64(times.channels[slot, direction].position) + FRAME_SAMPLES) & (SIZE - 1)
        fetch_lines(times.audio.ctypes.data + row * SIZE + at, 0, FRAME_SAMPLES)
        for bits in (PLACED, ALAW):
            prefetch(times.bits.ctypes.data + ((row * 2 + bits) * WORDS + (at >> 6)) * WORD_BYTES)
    if times.lines[slot].amd:
        fetch_lines(states.ctypes.data + slot * STATE_BYTES, 0, STATE_BYTES)
