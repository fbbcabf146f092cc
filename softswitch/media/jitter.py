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

import numpy as np

from softswitch.codecs.g711 import ALAW_TO_LINEAR, ULAW_TO_LINEAR
from softswitch.codecs.registry import CodecCode
from softswitch.media.kernels import i64, inner, kernel
from softswitch.media.layout import Array
from softswitch.media.playout import MS, PLAYOUT, forget_transits, note_transit, recent_least, recent_most
from softswitch.media.reception import INTERARRIVAL, note_interarrival
from softswitch.media.rings import signed16, signed32

SLOTS = 64
PIECE_BYTES = 640
"""20 ms of the widest codec (L16 at 16 kHz)."""
FRAME_NS = 20 * MS
NS = 1_000_000_000
PARTS = 16
"""Pieces that a packet may have; a piece's key is its extended sequence number times this, plus its place."""

MAX_DROPOUT, MAX_MISORDER = 3000, 100  # RFC 3550 A.1
APART = 256
"""How far the extended sequence numbers of a new timeline stand from the old one's."""
JUMP_NS = 250 * MS
"""A packet that comes so much earlier than any of late has a timestamp that leapt."""
SUSPICION_NS = 100 * MS
"""Numbers of the past that follow each other for so long, with none of the present between, are a restart's."""
STRAGGLER_NS = 200 * MS
"""How long packets of the former SSRC may still come in after a change."""
TOLERANCE_NS = 2 * MS
"""What a pull may be off its time."""
SPURT_PULLS = 5
"""After so many pulls without audio what comes next is a new spurt of talk, which may be delayed unheard."""
LATE_SPAN_NS = 1000 * MS
LATE_PAUSE_NS = 3000 * MS
"""The delay grows in speech only for packets that come late again and again: for a second, not 3 s apart."""
SETTLING_NS = 1000 * MS
"""How long the initial delay stands before it is judged."""
QUIET = 128
"""Mean magnitude of a frame in which a cut is not heard (of 32768: -48 dBov)."""

# what `put` returns
STORED, LATE, DUPLICATE, INVALID, RESTARTED = 0, 1, 2, 3, 4
# what `get` returns
EMPTY, FRAME, LOST, NOISE = 0, 1, 2, 3

NONE = int(CodecCode.NONE)
PCMU = int(CodecCode.PCMU)
PCMA = int(CodecCode.PCMA)
L16 = int(CodecCode.L16)
L16_WIDE = int(CodecCode.L16_WIDE)

JITTER = np.dtype(
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
        *PLAYOUT,
        # pieces held
        ("count", "i8"),
        ("held_ns", "i8"),
        ("used", "i8"),  # bit i: slot i is taken; the lowest free one is used, so that few pages are
        ("order", "u1", (SLOTS,)),  # slots by key
        ("key", "i8", (SLOTS,)),
        ("at_ns", "i8", (SLOTS,)),
        ("length_ns", "i8", (SLOTS,)),  # 0: no audio, but comfort noise or a telephone event
        ("size", "i8", (SLOTS,)),
        ("codec", "i8", (SLOTS,)),
        ("arrived_ns", "i8", (SLOTS,)),
        ("payload", "u1", (SLOTS, PIECE_BYTES)),
    ],
    align=True,
)


def new_buffers(count: int, *, most_ms: int = 200, least_ms: int = 20, initial_ms: int = 20) -> Array:
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
    for i in range(buffer.histogram.size):
        buffer.histogram[i] = 0.0
    buffer.skew_ppb = 0
    forget_transits(buffer)
    buffer.count = 0
    buffer.held_ns = 0
    buffer.used = 0


@inner
def bytes_per_tick(codec: int) -> int:
    """RFC 3551 §4.5: a byte per timestamp tick, G.722 too; two for linear samples."""
    return 2 if codec in (L16, L16_WIDE) else 1


@inner
def position_of(buffer: Any, timestamp: int) -> int:
    return i64(buffer.anchor_ns) + signed32(timestamp - buffer.anchor_timestamp) * NS // i64(buffer.clock_hz)


# --- what is held ---


@inner
def release(buffer: Any, index: int) -> None:
    """Free the slot of the piece at an index of `order`."""
    slot = i64(buffer.order[index])
    buffer.held_ns -= buffer.length_ns[slot]
    buffer.used &= ~(i64(1) << slot)
    buffer.count -= 1
    for i in range(index, buffer.count):
        buffer.order[i] = buffer.order[i + 1]


@inner
def free_slot(buffer: Any) -> int:
    used = i64(buffer.used)
    slot = 0
    while (used >> slot) & 1:
        slot += 1
    return slot


@inner
def index_for(buffer: Any, key: int) -> int:
    """Where a key belongs in `order`; new ones come last, so look from there."""
    index = i64(buffer.count)
    while index > 0 and buffer.key[buffer.order[index - 1]] >= key:
        index -= 1
    return index


@inner
def fits(buffer: Any, index: int, key: int, at: int, length: int) -> bool:
    """Whether a packet agrees with its neighbours: not there yet, and its time between theirs."""
    if index < buffer.count:
        after = buffer.order[index]
        if buffer.key[after] // PARTS == key // PARTS or buffer.at_ns[after] < at + length:
            return False
    if index > 0:
        before = buffer.order[index - 1]
        return bool(buffer.at_ns[before] + buffer.length_ns[before] <= at)
    return True


@inner
def drop_oldest(buffer: Any) -> None:
    """Make room: the oldest piece goes unheard."""
    slot = i64(buffer.order[0])
    if buffer.length_ns[slot] > 0:
        buffer.overflowed += 1
    if buffer.playing:
        end = i64(buffer.at_ns[slot] + buffer.length_ns[slot])
        buffer.cursor_ns = max(i64(buffer.cursor_ns), end)
    buffer.last = buffer.key[slot] // PARTS
    release(buffer, 0)


@inner
def hold(buffer: Any, key: int, at: int, length: int, packet: Any, start: int, size: int, codec: int, now: int) -> None:
    """Keep one piece.  packet[start:start + size] is copied."""
    if buffer.count >= buffer.capacity:
        if index_for(buffer, key) == 0:
            buffer.overflowed += 1
            return
        drop_oldest(buffer)
    index = index_for(buffer, key)
    slot = free_slot(buffer)
    for i in range(buffer.count, index, -1):
        buffer.order[i] = buffer.order[i - 1]
    buffer.order[index] = slot
    buffer.count += 1
    buffer.used |= i64(1) << slot
    buffer.held_ns += length
    buffer.key[slot] = key
    buffer.at_ns[slot] = at
    buffer.length_ns[slot] = length
    buffer.size[slot] = size
    buffer.codec[slot] = codec
    buffer.arrived_ns[slot] = now
    kept = buffer.payload[slot]
    for i in range(size):
        kept[i] = packet[start + i]


# --- in ---


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
        at = i64(buffer.at_ns[tail] + buffer.length_ns[tail])
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
    if codec != NONE and (size == 0 or size % width or piece > PIECE_BYTES or size > PARTS * piece):
        buffer.invalid += 1
        return INVALID
    length = size // width * NS // clock_hz if codec != NONE else 0
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
            taken // width * NS // clock_hz,
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


# --- out ---


@inner
def target_ns(buffer: Any) -> int:
    """The transit that playing should allow for: late minus early, with what the last second needed on top."""
    wanted = i64(buffer.base_ns) + max(i64(buffer.jitter_ns), i64(buffer.least_ns))
    return min(max(wanted, recent_most(buffer)), recent_least(buffer) + i64(buffer.most_ns))


@inner
def is_due(buffer: Any, slot: int, now: int) -> bool:
    """Whether a new spurt of talk may begin to play."""
    delay = i64(buffer.initial_ns)
    if not buffer.fixed:
        known = max(i64(buffer.jitter_ns), i64(buffer.least_ns))
        delay = min(known if buffer.playing else max(known, delay), i64(buffer.most_ns))
        if buffer.clock_ns - buffer.at_ns[slot] >= buffer.base_ns + delay - TOLERANCE_NS:
            return True
    elif buffer.held_ns >= delay:
        return True
    return bool(now - buffer.arrived_ns[slot] >= delay - TOLERANCE_NS)


@inner
def absorb_silence(buffer: Any) -> None:
    """Take what carries no audio away from the front, once it is its turn, and audio whose turn is over."""
    while buffer.count > 0:
        slot = i64(buffer.order[0])
        if buffer.playing and buffer.at_ns[slot] > buffer.cursor_ns:
            return
        if buffer.length_ns[slot] > 0:
            if not buffer.playing or buffer.at_ns[slot] + buffer.length_ns[slot] > buffer.cursor_ns:
                return
            release(buffer, 0)
            continue
        buffer.silent = 1
        if buffer.size[slot] > 0:
            buffer.noise_length = buffer.size[slot]
            for i in range(buffer.size[slot]):
                buffer.noise[i] = buffer.payload[slot, i]
        buffer.last = buffer.key[slot] // PARTS
        release(buffer, 0)


@inner
def conceal(buffer: Any) -> None:
    """Count a pull that is concealed, and the run that it begins."""
    buffer.concealed += 1
    if buffer.hungry == 1:
        buffer.loss_runs += 1


@inner
def starve(buffer: Any, out: Any, early: bool) -> int:
    """Answer a pull for which there is nothing.  early: there is, but it is not its time."""
    buffer.hungry += 1
    if buffer.silent:
        return make_noise(buffer, out)
    buffer.empty += 1
    if buffer.playing and not early and buffer.hungry <= SPURT_PULLS:
        conceal(buffer)
    return EMPTY


@inner
def make_noise(buffer: Any, out: Any) -> int:
    buffer.noises += 1
    buffer.frame_length = buffer.noise_length
    for i in range(buffer.noise_length):
        out[i] = buffer.noise[i]
    return NOISE


@inner
def may_skip(buffer: Any, slot: int, now: int) -> bool:
    """Whether a gap may be passed over: what lies behind it is due anyway, or has waited as long as anything may."""
    if buffer.fixed:
        return False
    if buffer.clock_ns - buffer.at_ns[slot] >= target_ns(buffer) - TOLERANCE_NS:
        return True
    return bool(now - buffer.arrived_ns[slot] >= buffer.most_ns)


@inner
def play_gap(buffer: Any, out: Any, slot: int, gap: int) -> int:
    """Let 20 ms of a gap pass: concealed as long as lost packets may account for it, else the sender's silence."""
    buffer.cursor_ns += min(gap, FRAME_NS)
    missing = i64(buffer.key[slot]) // PARTS - i64(buffer.last) - 1
    buffer.hungry += 1
    if buffer.silent or buffer.gap_lost_ns >= missing * max(i64(buffer.packet_ns), FRAME_NS):
        return make_noise(buffer, out)
    buffer.gap_lost_ns += FRAME_NS
    buffer.lost += 1
    conceal(buffer)
    return LOST


@inner
def is_quiet(buffer: Any, slot: int) -> bool:
    """Whether a piece is so faint that a cut in it is not heard; G.722 does not tell without being decoded."""
    codec = i64(buffer.codec[slot])
    size = i64(buffer.size[slot])
    payload = buffer.payload[slot]
    total = i64(0)
    count = i64(0)
    if codec in (PCMU, PCMA):
        for i in range(0, size, 4):
            level = ULAW_TO_LINEAR[payload[i]] if codec == PCMU else ALAW_TO_LINEAR[payload[i]]
            total += abs(i64(level))
            count += 1
    elif codec in (L16, L16_WIDE):
        for i in range(0, size - 1, 8):
            total += abs(signed16((i64(payload[i]) << 8) | i64(payload[i + 1])))
            count += 1
    else:
        return False
    return total <= QUIET * count


@inner
def take_frame(buffer: Any, out: Any, into: int) -> int:
    """Move the cursor by 20 ms and copy what lies there; the number of bytes.  into: 0 to throw it away.

    Less than 20 ms where the next piece is missing, or of another codec.
    """
    left = i64(FRAME_NS)
    copied = i64(0)
    codec = i64(-1)
    while left > 0 and buffer.count > 0:
        slot = i64(buffer.order[0])
        at, length = i64(buffer.at_ns[slot]), i64(buffer.length_ns[slot])
        if at > buffer.cursor_ns:
            if copied:  # the rest of this pull is concealed with it
                buffer.cursor_ns += min(left, at - i64(buffer.cursor_ns))
            break
        if length == 0:
            absorb_silence(buffer)
            continue
        if codec >= 0 and codec != buffer.codec[slot]:
            break
        codec = i64(buffer.codec[slot])
        size = i64(buffer.size[slot])
        width = bytes_per_tick(codec)
        done = (i64(buffer.cursor_ns) - at) * (size // width) // length * width
        taken = min(left, at + length - i64(buffer.cursor_ns))
        upto = size if taken == at + length - buffer.cursor_ns else done + taken * (size // width) // length * width
        if into:
            for i in range(done, upto):
                out[copied + i - done] = buffer.payload[slot, i]
        copied += upto - done
        left -= taken
        buffer.cursor_ns += taken
        buffer.last = buffer.key[slot] // PARTS
        if upto == size:
            release(buffer, 0)
    if into:
        buffer.frame_codec = max(codec, 0)
    return copied


@inner
def shorten(buffer: Any, out: Any, now: int) -> None:
    """Leave frames out when more are held than may be, or than the last second had any use for."""
    while buffer.held_ns > buffer.most_ns + FRAME_NS and buffer.held_ns >= 2 * FRAME_NS:
        skip_frame(buffer, out, now)
    slot = i64(buffer.order[0])
    excess = i64(buffer.clock_ns) - i64(buffer.cursor_ns) - target_ns(buffer) + TOLERANCE_NS
    if excess < FRAME_NS or buffer.held_ns < 2 * FRAME_NS:
        return
    pause = 200 * MS
    if is_quiet(buffer, slot):
        pause = 40 * MS
    elif excess >= 5 * FRAME_NS:
        pause = 60 * MS
    elif excess >= 3 * FRAME_NS:
        pause = 100 * MS
    if now - buffer.adjusted_at_ns >= pause - TOLERANCE_NS:
        skip_frame(buffer, out, now)


@inner
def skip_frame(buffer: Any, out: Any, now: int) -> None:
    before = i64(buffer.cursor_ns)
    take_frame(buffer, out, 0)
    buffer.dropped += 1
    buffer.frame_skipped_ns += buffer.cursor_ns - before
    buffer.adjusted_at_ns = now


@inner
def must_wait(buffer: Any, now: int) -> bool:
    """Whether the delay should grow by a frame: in silence when it is below the least, in speech when packets go on
    coming too late."""
    offset = i64(buffer.clock_ns) - i64(buffer.cursor_ns)
    slot = i64(buffer.order[0])
    if offset < buffer.base_ns + buffer.least_ns - FRAME_NS // 2 and now - buffer.adjusted_at_ns >= 500 * MS:
        return is_quiet(buffer, slot)
    return bool(
        buffer.late_at_ns - buffer.late_since_ns >= LATE_SPAN_NS
        and now - buffer.late_at_ns < LATE_PAUSE_NS
        and now - buffer.adjusted_at_ns >= 100 * MS
        and offset < target_ns(buffer) - TOLERANCE_NS
    )


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
            buffer.cursor_ns = buffer.at_ns[slot]
            continue
        gap = i64(buffer.at_ns[slot]) - i64(buffer.cursor_ns)
        if gap > 0:
            if not may_skip(buffer, slot, now):
                return play_gap(buffer, out, slot, gap)
            buffer.cursor_ns = buffer.at_ns[slot]
            continue
        if judged:
            break
        judged = i64(1)
        if must_wait(buffer, now):
            buffer.inserted += 1
            buffer.adjusted_at_ns = now
            return starve(buffer, out, False)
        shorten(buffer, out, now)
    delay = now - i64(buffer.arrived_ns[slot])
    buffer.frame_length = take_frame(buffer, out, 1)
    buffer.silent = 0
    buffer.hungry = 0
    buffer.gap_lost_ns = 0
    buffer.played += 1
    buffer.delay_ns = delay
    buffer.delay_sum_ns += delay
    buffer.delay_most_ns = max(i64(buffer.delay_most_ns), delay)
    return FRAME
