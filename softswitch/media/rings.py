"""Single-producer, single-consumer rings in the shared block.

A ring is an array of MESSAGE with two cursors that only grow: the producer alone moves `written`,
the consumer alone `read`. The fence between filling a place and moving the cursor is all the ordering they need.
"""

from typing import Any

from softswitch.media.kernels import inner, kernel
from softswitch.media.layout import FRAME_SAMPLES, FRAMES, READ, RECEIVED, RING, SENT, WRITTEN
from softswitch.media.libc import copy_octets, fence
from softswitch.media.rtp import NS_PER_SAMPLE


@kernel
def push(
    shared: Any, ring: int, kind: int, leg: int, generation: int, at_ns: int, a: int, b: int, c: int, d: int, e: int
) -> bool:
    """Put one message into a ring; False when it is full."""
    cursors = shared.cursors[ring]
    written = cursors[WRITTEN]
    if written - cursors[READ] >= RING:
        return False
    message = shared.rings[ring, written & (RING - 1)]
    message.kind = kind
    message.leg = leg
    message.generation = generation
    message.at_ns = at_ns
    message.a = a
    message.b = b
    message.c = c
    message.d = d
    message.e = e
    fence()
    cursors[WRITTEN] = written + 1
    fence()
    return True


@kernel
def pop(shared: Any, ring: int, out: Any) -> bool:
    """Take the oldest message out of a ring; False when there is none.  out: (1,) MESSAGE."""
    cursors = shared.cursors[ring]
    fence()
    read = cursors[READ]
    if read == cursors[WRITTEN]:
        return False
    fence()
    out[0] = shared.rings[ring, read & (RING - 1)]
    fence()
    cursors[READ] = read + 1
    return True


@inner
def fill_frames(
    ring: Any, written: int, read: int, at_ns: int, timestamp: int, codec: int, source: int, buffer: Any, start: int,
    end: int
) -> int:  # fmt: skip
    """Copy one packet's audio, buffer[start:end], into a frame ring, cut into frames of 20 ms; the new `written`.

    at_ns: when the packet came; of its later frames that is so much later as they are to be heard, for none is early.
    ring: (FRAMES,) FRAME.  A ring that is full keeps what it has: the worker has stalled, and the timeline shows a gap,
    which `push_received` and `push_sent` count.
    """
    position = start
    while position < end and written - read < FRAMES:
        length = min(FRAME_SAMPLES, end - position)
        frame = ring[written & (FRAMES - 1)]
        frame.at_ns = at_ns + (position - start) * NS_PER_SAMPLE
        frame.timestamp = (timestamp + position - start) & 0xFFFFFFFF
        frame.samples = length
        frame.codec = codec
        frame.source = source
        copy_octets(frame.payload, 0, buffer, position, length)
        position += length
        written += 1
    fence()
    return written


@inner
def frames_of(samples: int) -> int:
    return (samples + FRAME_SAMPLES - 1) // FRAME_SAMPLES


@inner
def push_received(
    shared: Any, slot: int, at_ns: int, timestamp: int, codec: int, source: int, buffer: Any, start: int, end: int
) -> None:
    leg = shared.legs[slot]
    ring = shared.frames[slot, RECEIVED]
    before = leg.received_written
    leg.received_written = fill_frames(
        ring, before, leg.received_read, at_ns, timestamp, codec, source, buffer, start, end
    )
    missed = frames_of(end - start) - (leg.received_written - before)
    if missed:
        leg.received_missed += missed
        shared.header.frames_missed += missed


@inner
def push_sent(
    shared: Any, slot: int, at_ns: int, timestamp: int, codec: int, source: int, buffer: Any, start: int, end: int
) -> None:
    leg = shared.legs[slot]
    ring = shared.frames[slot, SENT]
    before = leg.sent_written
    leg.sent_written = fill_frames(ring, before, leg.sent_read, at_ns, timestamp, codec, source, buffer, start, end)
    missed = frames_of(end - start) - (leg.sent_written - before)
    if missed:
        leg.sent_missed += missed
        shared.header.frames_missed += missed
