"""A jitter buffer: packets go in as they come, 20 ms of audio come out at each pull, in order and never twice.

Positions are nanoseconds on the sender's timeline, laid so that the first packet stands where it arrived; `cursor_ns`
is what the next pull plays. A packet may carry 10 to 180 ms: it is cut into pieces of at most 20 ms, one to a slot,
and a pull joins what it needs. Nothing that comes before its turn is lost:

- where nothing has come, the cursor waits (EMPTY), so that late audio is played late rather than dropped;
- a gap with later audio behind it is loss (LOST) or the sender's silence (NOISE): the timestamps leap without the
  sequence numbers (RFC 3551 §4.1), or comfort noise was announced (RFC 3389). Where there is more delay than needed
  a gap is passed over instead, which costs nothing;
- more delay than needed is otherwise taken away a frame at a time, in silence where there is some.

The target delay is `playout`'s. In fixed mode the delay is what was asked for and nothing is taken away but what does
not fit. A new SSRC, a leap of the sequence numbers (RFC 3550 A.1) or timestamps that cannot be true begin a new
timeline where the old one ends, at once.
"""

from typing import Any

from softswitch.media.jitter_pieces import (
    L16_WIDE,
    NONE,
    absorb_silence,
    bytes_per_tick,
    fits,
    hold,
    index_for,
    nanoseconds,
    position_of,
    take_frame,
)
from softswitch.media.jitter_pull import (
    EMPTY,
    FRAME,
    LATE_PAUSE_NS,
    LOST,
    NOISE,
    SETTLING_NS,
    SPURT_PULLS,
    is_due,
    may_skip,
    must_wait,
    play_gap,
    shorten,
    starve,
)
from softswitch.media.jitter_record import FRAME_NS, JITTER, PARTS, PIECE_BYTES, configure, new_buffers
from softswitch.media.kernels import i64, inner, kernel
from softswitch.media.playout import MS, forget_transits, note_transit
from softswitch.media.reception import note_interarrival
from softswitch.media.rtp import signed16, signed32

__all__ = [
    "DUPLICATE",
    "EMPTY",
    "FRAME",
    "INVALID",
    "JITTER",
    "LATE",
    "LOST",
    "NOISE",
    "RESTARTED",
    "SPURT_PULLS",
    "STORED",
    "configure",
    "get",
    "new_buffers",
    "put",
]

MAX_DROPOUT, MAX_MISORDER = 3000, 100  # RFC 3550 A.1
APART = 256
"""How far the extended sequence numbers of a new timeline stand from the old one's."""
JUMP_NS = 250 * MS
"""A packet that comes so much earlier than any of late has a timestamp that leapt."""
SUSPICION_NS = 100 * MS
"""Numbers of the past that follow each other for so long, with none of the present between, are a restart's."""
STRAGGLER_NS = 200 * MS
"""How long packets of the former SSRC may still come in after a change."""

# what `put` returns
STORED, LATE, DUPLICATE, INVALID, RESTARTED = 0, 1, 2, 3, 4


@inner
def begin_timeline(buffer: Any, sequence: int, timestamp: int, ssrc: int, clock_hz: int, now: int) -> None:
    """Lay a new timeline, whose first packet stands right behind all that is held or, when nothing is, comes next."""
    if buffer.started:
        buffer.restarts += 1
        if ssrc != buffer.ssrc:
            buffer.former_ssrc = buffer.ssrc
            buffer.former_sequence = buffer.highest_sequence
            buffer.changed_at_ns = now
        buffer.highest += APART
    else:
        buffer.highest = APART
        buffer.last = 0
    at = now
    if buffer.count > 0:
        tail = buffer.order[buffer.count - 1]
        at = i64(buffer.pieces[tail].at_ns + buffer.pieces[tail].length_ns)
    if buffer.playing:
        if buffer.count == 0:
            at = i64(buffer.cursor_ns)
            buffer.last = buffer.highest - 1  # no loss lies between the two
            buffer.filling = 1
        at = max(at, i64(buffer.cursor_ns))
    buffer.started = 1
    buffer.ssrc = ssrc
    buffer.clock_hz = clock_hz
    buffer.highest_sequence = sequence
    buffer.seen = 0
    buffer.anchor_timestamp = timestamp
    buffer.anchor_ns = at
    buffer.end_ns = at
    buffer.late_since_ns = 0
    buffer.late_at_ns = 0
    buffer.suspect = -1
    buffer.jitter_known = 0
    forget_transits(buffer)


@inner
def is_straggler(buffer: Any, ssrc: int, sequence: int, now: int) -> bool:
    """A packet of the SSRC that has just been replaced, overtaken by the first of the new one."""
    return bool(
        ssrc == buffer.former_ssrc
        and now - buffer.changed_at_ns < STRAGGLER_NS
        and -MAX_MISORDER < signed16(sequence - buffer.former_sequence) <= MAX_MISORDER
    )


@inner
def is_restart(buffer: Any, sequence: int, now: int) -> bool:
    """Note a number of the past; whether it ends a run too long to be late packets (cf. bad_seq of RFC 3550 A.1)."""
    if buffer.suspect < 0 or signed16(sequence - buffer.suspect) != 1:
        buffer.suspect_since_ns = now
    buffer.suspect = sequence & 0xFFFF
    return bool(now - buffer.suspect_since_ns >= SUSPICION_NS)


@inner
def must_restart(buffer: Any, ssrc: int, clock_hz: int, step: int, at: int, codec: int, now: int) -> bool:
    """Whether a packet cannot belong to the timeline as it is."""
    if ssrc != buffer.ssrc or clock_hz != buffer.clock_hz or not -MAX_MISORDER <= step <= MAX_DROPOUT:
        return True
    if step <= 0:
        return is_restart(buffer, i64(buffer.highest_sequence) + step, now)
    buffer.suspect = -1
    if codec == NONE:
        return False
    if at < buffer.end_ns:
        return True  # newer by its number, older by its time
    return bool(buffer.block_packets > 0 and now - at < buffer.base_ns - JUMP_NS)


@inner
def note_late(buffer: Any, now: int) -> None:
    buffer.late += 1
    if buffer.late_since_ns == 0 or now - buffer.late_at_ns > LATE_PAUSE_NS:
        buffer.late_since_ns = now
    buffer.late_at_ns = now


@inner
def note_number(buffer: Any, step: int, sequence: int) -> bool:
    """Mark a sequence number as seen; False when it was.  step: from the highest so far."""
    if step > 0:
        buffer.seen = (i64(buffer.seen) << step) | 1 if step < 64 else i64(1)
        buffer.highest += step
        buffer.highest_sequence = sequence
        return True
    if step <= -64:
        return True
    bit = i64(1) << -step
    if buffer.seen & bit:
        return False
    buffer.seen |= bit
    return True


@kernel
def put(
    buffer: Any,
    packet: Any,
    start: int,
    end: int,
    sequence: int,
    timestamp: int,
    ssrc: int,
    codec: int,
    clock_hz: int,
    marker: int,
    now: int,
) -> int:
    """Take a packet in; STORED, RESTARTED (stored on a new timeline), or why it was not: LATE, DUPLICATE, INVALID.

    packet: uint8; packet[start:end] is the payload.  sequence, timestamp, ssrc: as on the wire.  codec: CodecCode, NONE
    for comfort noise (RFC 3389) or, with start == end, for a telephone event or whatever else shares the sequence
    numbers and carries no audio.  clock_hz: of the timestamps.  marker: 1 at the first packet of a talk spurt (RFC
    3551 §4.1).  now: ns, monotonic.  Never raises; every packet is counted once.
    """
    size = end - start
    width = bytes_per_tick(codec)
    piece = clock_hz // 50 * width
    if not 8000 <= clock_hz <= 48000 or not NONE <= codec <= L16_WIDE or size < 0:
        buffer.invalid += 1
        return INVALID
    if codec != NONE and (size == 0 or size & (width - 1) or piece > PIECE_BYTES or size > PARTS * piece):
        buffer.invalid += 1
        return INVALID
    length = nanoseconds(size >> (width - 1), clock_hz) if codec != NONE else i64(0)
    if buffer.started and ssrc != buffer.ssrc and is_straggler(buffer, ssrc, sequence, now):
        note_late(buffer, now)
        return LATE
    status = STORED
    step = i64(1)
    if buffer.started:
        step = signed16(sequence - buffer.highest_sequence)
        at = position_of(buffer, timestamp) if clock_hz == buffer.clock_hz else 0
        if must_restart(buffer, ssrc, clock_hz, step, at, codec, now):
            status = RESTARTED
    if status == RESTARTED or not buffer.started:
        begin_timeline(buffer, sequence, timestamp, ssrc, clock_hz, now)
        step = i64(0)
    at = position_of(buffer, timestamp)
    number = i64(buffer.highest) + step
    if not note_number(buffer, step, sequence):
        buffer.duplicates += 1
        return DUPLICATE
    buffer.received += 1
    note_interarrival(buffer, now // MS * (clock_hz // 1000) + now % MS * (clock_hz // 1000) // MS, timestamp)
    key = number * PARTS
    index = index_for(buffer, key)
    is_late = buffer.playing and (at + length < buffer.cursor_ns or (length > 0 and at + length == buffer.cursor_ns))
    if is_late:
        if codec != NONE:
            note_transit(buffer, now - at, now, False)
            note_late(buffer, now)
        else:
            buffer.late += 1
        return LATE
    if not fits(buffer, index, key, at, length) or (buffer.playing and number < buffer.last):
        buffer.invalid += 1
        return INVALID
    if codec != NONE:
        if step >= 0:
            advance(buffer, timestamp, at, length, now)
        note_transit(buffer, now - at, now, True)
    if buffer.playing and length > 0:
        buffer.trimmed_ns += max(i64(buffer.cursor_ns) - at, 0)
    if marker and step > 0 and buffer.count == 0 and buffer.hungry and not buffer.fixed:
        buffer.filling = 1
    if codec == NONE:
        hold(buffer, key, at, 0, packet, start, min(size, i64(buffer.noise.size)), NONE, now)
        return status
    part = 0
    while part * piece < size:
        taken = min(piece, size - part * piece)
        hold(
            buffer,
            key + part,
            at + part * FRAME_NS,
            nanoseconds(taken >> (width - 1), clock_hz),
            packet,
            start + part * piece,
            taken,
            codec,
            now,
        )
        part += 1
    return status


@inner
def advance(buffer: Any, timestamp: int, at: int, length: int, now: int) -> None:
    """The newest packet moves the end of the timeline; a path that has become much slower is a new base at once."""
    if abs(signed32(timestamp - buffer.anchor_timestamp)) > 1 << 29:
        buffer.anchor_timestamp = timestamp
        buffer.anchor_ns = at
    buffer.end_ns = at + length
    buffer.packet_ns = length
    if buffer.count == 0 and buffer.block_packets > 0 and now - at > buffer.base_ns + max(buffer.most_ns, FRAME_NS):
        forget_transits(buffer)


@kernel
def get(buffer: Any, now: int, out: Any) -> int:
    """Pull 20 ms: FRAME, LOST (conceal it), NOISE (the sender's silence) or EMPTY (nothing has come: conceal, fade).

    now: ns, monotonic, near 20 ms after the pull before.  out: uint8, at least 640.  For FRAME, out[:frame_length]
    holds a payload of `frame_codec`, 20 ms long or less: what is missing at its end was lost. For NOISE it holds the
    last comfort noise payload, when there was one. `frame_skipped_ns` tells how much audio was left out before the
    frame.
    """
    buffer.frame_length = 0
    buffer.frame_codec = NONE
    buffer.frame_skipped_ns = 0
    off = now - i64(buffer.clock_ns) - FRAME_NS
    buffer.clock_ns = now if abs(off) >= FRAME_NS else now - off + off // 16
    if buffer.received > buffer.before_pull:
        buffer.bursts += 1
        buffer.before_pull = buffer.received
    judged = i64(buffer.fixed)
    slot = i64(0)
    while True:
        absorb_silence(buffer)
        if buffer.count == 0:
            if buffer.playing and (buffer.fixed or buffer.hungry >= SPURT_PULLS):
                buffer.filling = 1
            return starve(buffer, out, False)
        slot = i64(buffer.order[0])
        if buffer.filling:
            if not is_due(buffer, slot, now):
                return starve(buffer, out, True)
            buffer.filling = 0
            buffer.adjusted_at_ns = now if buffer.playing else now + SETTLING_NS
            buffer.playing = 1
            buffer.cursor_ns = buffer.pieces[slot].at_ns
            continue
        gap = i64(buffer.pieces[slot].at_ns) - i64(buffer.cursor_ns)
        if gap > 0:
            if not may_skip(buffer, slot, now):
                return play_gap(buffer, out, slot, gap)
            buffer.cursor_ns = buffer.pieces[slot].at_ns
            continue
        if judged:
            break
        judged = i64(1)
        if must_wait(buffer, now):
            buffer.inserted += 1
            buffer.adjusted_at_ns = now
            return starve(buffer, out, False)
        shorten(buffer, out, now)
    delay = max(now - i64(buffer.pieces[slot].arrived_ns), 0)  # who pulls late, pulls as of an earlier time
    buffer.frame_length = take_frame(buffer, out, 1)
    buffer.silent = 0
    buffer.hungry = 0
    buffer.gap_lost_ns = 0
    buffer.played += 1
    buffer.delay_ns = delay
    buffer.delay_sum_ns += delay
    buffer.delay_most_ns = max(i64(buffer.delay_most_ns), delay)
    return FRAME
