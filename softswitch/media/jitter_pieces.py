"""The pieces of audio that a jitter buffer holds: put in by key, taken out by time."""

from typing import Any

from softswitch.codecs.g711 import ALAW_TO_LINEAR, ULAW_TO_LINEAR
from softswitch.codecs.registry import CodecCode
from softswitch.media.jitter_record import FRAME_NS, NS, PARTS, PIECE_BYTES
from softswitch.media.kernels import i64, inner
from softswitch.media.libc import copy_octets
from softswitch.media.rtp import signed16, signed32

QUIET = 128
"""Mean magnitude of a frame in which a cut is not heard (of 32768: -48 dBov)."""

NONE = int(CodecCode.NONE)
PCMU = int(CodecCode.PCMU)
PCMA = int(CodecCode.PCMA)
L16 = int(CodecCode.L16)
L16_WIDE = int(CodecCode.L16_WIDE)


@inner
def bytes_per_tick(codec: int) -> int:
    """RFC 3551 §4.5: a byte per timestamp tick, G.722 too; two for linear samples."""
    return 2 if codec in (L16, L16_WIDE) else 1


@inner
def nanoseconds(ticks: int, clock_hz: int) -> int:
    """So many ticks of a clock. That of telephony takes no division, which would cost more than all else here."""
    return ticks * (NS // 8000) if clock_hz == 8000 else ticks * NS // clock_hz


@inner
def position_of(buffer: Any, timestamp: int) -> int:
    return i64(buffer.anchor_ns) + nanoseconds(signed32(timestamp - buffer.anchor_timestamp), i64(buffer.clock_hz))


@inner
def release(buffer: Any, index: int) -> None:
    """Free the slot of the piece at an index of `order`."""
    slot = i64(buffer.order[index])
    buffer.held_ns -= buffer.pieces[slot].length_ns
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
    while index > 0 and buffer.pieces[buffer.order[index - 1]].key >= key:
        index -= 1
    return index


@inner
def fits(buffer: Any, index: int, key: int, at: int, length: int) -> bool:
    """Whether a packet agrees with its neighbours: not there yet, and its time between theirs."""
    if index < buffer.count:
        after = buffer.pieces[buffer.order[index]]
        if after.key // PARTS == key // PARTS or after.at_ns < at + length:
            return False
    if index > 0:
        before = buffer.pieces[buffer.order[index - 1]]
        return bool(before.at_ns + before.length_ns <= at)
    return True


@inner
def drop_oldest(buffer: Any) -> None:
    """Make room: the oldest piece goes unheard."""
    piece = buffer.pieces[buffer.order[0]]
    if piece.length_ns > 0:
        buffer.overflowed += 1
    if buffer.playing:
        end = i64(piece.at_ns + piece.length_ns)
        buffer.cursor_ns = max(i64(buffer.cursor_ns), end)
    buffer.last = piece.key // PARTS
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
    piece = buffer.pieces[slot]
    piece.key = key
    piece.at_ns = at
    piece.length_ns = length
    piece.size = size
    piece.codec = codec
    piece.arrived_ns = now
    copy_octets(piece.payload, 0, packet, start, size)


@inner
def absorb_silence(buffer: Any) -> None:
    """Take what carries no audio away from the front, once it is its turn, and audio whose turn is over."""
    while buffer.count > 0:
        piece = buffer.pieces[buffer.order[0]]
        if buffer.playing and piece.at_ns > buffer.cursor_ns:
            return
        if piece.length_ns > 0:
            if not buffer.playing or piece.at_ns + piece.length_ns > buffer.cursor_ns:
                return
            release(buffer, 0)
            continue
        buffer.silent = 1
        if piece.size > 0:
            buffer.noise_length = piece.size
            for i in range(piece.size):
                buffer.noise[i] = piece.payload[i]
        buffer.last = piece.key // PARTS
        release(buffer, 0)


@inner
def is_quiet(buffer: Any, slot: int) -> bool:
    """Whether a piece is so faint that a cut in it is not heard; G.722 does not tell without being decoded."""
    piece = buffer.pieces[slot]
    codec = i64(piece.codec)
    size = i64(piece.size)
    payload = piece.payload
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
def bytes_of(time: int, size: int, length: int, codec: int) -> int:
    """How many bytes of a piece of `size` bytes that lasts `length` ns are played in a time, in whole samples."""
    if time == 0:
        return i64(0)
    if time == length:
        return size
    width = bytes_per_tick(codec)
    return time * (size // width) // length * width


@inner
def take_frame(buffer: Any, out: Any, into: int) -> int:
    """Move the cursor by 20 ms and copy what lies there; the number of bytes.  into: 0 to throw it away.

    Less than 20 ms where the next piece is missing, or of another codec.
    """
    left = i64(FRAME_NS)
    copied = i64(0)
    most = i64(0)
    codec = i64(-1)
    while left > 0 and buffer.count > 0:
        piece = buffer.pieces[buffer.order[0]]
        at, length = i64(piece.at_ns), i64(piece.length_ns)
        if at > buffer.cursor_ns:
            if copied:  # the rest of this pull is concealed with it
                buffer.cursor_ns += min(left, at - i64(buffer.cursor_ns))
            break
        if length == 0:
            absorb_silence(buffer)
            continue
        if codec >= 0 and codec != piece.codec:
            break
        codec = i64(piece.codec)
        size = i64(piece.size)
        done = bytes_of(i64(buffer.cursor_ns) - at, size, length, codec)
        taken = min(left, at + length - i64(buffer.cursor_ns))
        if copied == 0:
            most = min(bytes_of(i64(FRAME_NS), size, length, codec), PIECE_BYTES)
        upto = size if taken == at + length - buffer.cursor_ns else done + bytes_of(taken, size, length, codec)
        fitting = min(upto - done, most - copied)  # a cursor between two samples may not take one more
        if into:
            copy_octets(out, copied, piece.payload, done, fitting)
        copied += fitting
        left -= taken
        buffer.cursor_ns += taken
        buffer.last = piece.key // PARTS
        if upto == size:
            release(buffer, 0)
    buffer.taken_ns = FRAME_NS - left
    if into:
        buffer.frame_codec = max(codec, 0)
    return copied
