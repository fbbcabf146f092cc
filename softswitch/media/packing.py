"""From a timeline to the text of a recording's chunks (docs/recording-format.md): audio between marks, and marks.

Audio came as G.711 and is written as G.711. Where that cannot be, because both laws stand in one chunk, or silence
between codes of the A-law, which has no zero, it is written as linear samples: so nothing is ever changed.
"""

from typing import Any

from softswitch.codecs.g711 import ALAW_TO_LINEAR, ULAW_SILENCE, ULAW_TO_LINEAR
from softswitch.media.kernels import i64, inner, kernel
from softswitch.media.libc import copy_octets, fence
from softswitch.media.timeline import ALAW, ENDING, MARKS, PLACED, SIZE, WORDS, mask_of

MOST_SAMPLES = 8000
"""A chunk holds a second at most."""
PREFIX_BYTES = 16
MOST_TEXT_BYTES = PREFIX_BYTES + 4 * MOST_SAMPLES

# The first byte of a chunk's text, and the encoding of each channel: softswitch.recordings.form
AUDIO, PAUSED, RESUMED = 1, 2, 3
SILENCE, ULAW_CODES, ALAW_CODES, LINEAR = 0, 1, 2, 3

ULAW_ZEROS = 0x7F
"""Both codes of the µ-law that stand for 0 have these bits."""


@inner
def put_number(text: Any, offset: int, octets: int, number: int) -> None:
    for i in range(octets):
        text[offset + i] = (number >> (8 * i)) & 0xFF


@inner
def put_prefix(text: Any, kind: int, samples: int, position: int) -> None:
    for i in range(4):
        text[i] = 0
    text[0] = kind
    put_number(text, 4, 4, samples)
    put_number(text, 8, 8, position)


@inner
def encoding_of(bits: Any, start: int, end: int) -> int:
    """The shortest encoding that holds one channel's samples as they are.  bits: (2, WORDS) int64."""
    placed = i64(0)
    missing = i64(0)
    of_alaw = i64(0)
    of_ulaw = i64(0)
    at = start
    while at < end:
        word = (at >> 6) & (WORDS - 1)
        mask = mask_of(at, end)
        here = bits[PLACED, word] & mask
        placed |= here
        missing |= here ^ mask
        of_alaw |= here & bits[ALAW, word]
        of_ulaw |= here & ~bits[ALAW, word]
        at = ((at >> 6) + 1) << 6
    if placed == 0:
        return i64(SILENCE)
    if of_alaw == 0:
        return i64(ULAW_CODES)
    if of_ulaw == 0 and missing == 0:
        return i64(ALAW_CODES)
    return i64(LINEAR)


@inner
def copy_codes(text: Any, offset: int, audio: Any, start: int, end: int) -> None:
    at = start
    while at < end:
        place = at & (SIZE - 1)
        count = min(end - at, SIZE - place)
        copy_octets(text, offset, audio, place, count)
        offset += count
        at += count


@inner
def fill_gaps(text: Any, offset: int, placed: Any, start: int, end: int) -> bool:
    """Write the µ-law's zero over what was not placed; whether anything but zeros is left.  placed: (WORDS,) int64."""
    at = start
    while at < end:
        mask = mask_of(at, end)
        word = placed[(at >> 6) & (WORDS - 1)]
        following = min(((at >> 6) + 1) << 6, end)
        if word & mask != mask:
            for each in range(at, following):
                if not word >> (each & 63) & 1:
                    text[offset + each - start] = ULAW_SILENCE
        at = following
    loud = i64(ULAW_ZEROS)
    for i in range(offset, offset + end - start):
        loud &= i64(text[i])
    return loud != ULAW_ZEROS


@inner
def put_linear(text: Any, offset: int, audio: Any, bits: Any, start: int, end: int) -> None:
    for at in range(start, end):
        word = (at >> 6) & (WORDS - 1)
        code = audio[at & (SIZE - 1)]
        sample = i64(0)
        if bits[PLACED, word] >> (at & 63) & 1:
            is_alaw = bits[ALAW, word] >> (at & 63) & 1
            sample = i64(ALAW_TO_LINEAR[code]) if is_alaw else i64(ULAW_TO_LINEAR[code])
        text[offset + 2 * (at - start)] = sample & 0xFF
        text[offset + 2 * (at - start) + 1] = (sample >> 8) & 0xFF


@inner
def put_plane(text: Any, offset: int, times: Any, slot: int, direction: int, start: int, end: int) -> int:
    """Write one channel; its encoding."""
    audio = times.audio[slot, direction]
    bits = times.bits[slot, direction]
    encoding = encoding_of(bits, start, end)
    if encoding == LINEAR:
        put_linear(text, offset, audio, bits, start, end)
    elif encoding != SILENCE:
        copy_codes(text, offset, audio, start, end)
        if encoding == ULAW_CODES and not fill_gaps(text, offset, bits[PLACED], start, end):
            return i64(SILENCE)
    return encoding


@inner
def plane_bytes(encoding: int, samples: int) -> int:
    if encoding == SILENCE:
        return i64(0)
    return 2 * samples if encoding == LINEAR else samples


@kernel
def take(times: Any, slot: int, text: Any) -> int:
    """Take what is sealed of a recorded timeline, up to the next mark, or the mark itself, as a chunk's text.

    text: (MOST_TEXT_BYTES,) uint8.  The text's length; 0 when nothing is ready. Channel 0 is what was sent on the leg
    (left), channel 1 what was received (right). Positions count from the recording's start.
    """
    line = times.lines[slot]
    fence()
    end = line.sealed
    if line.recording == ENDING:
        end = min(end, line.record_to)
    while True:
        start = line.taken
        until = end
        if start < line.record_from:
            until = min(until, line.record_from)
        elif line.marks_taken < line.marks_written:
            mark = max(start, line.marks[line.marks_taken & (MARKS - 1)])
            if mark == start:
                line.hushed = 1 - line.hushed
                put_prefix(text, PAUSED if line.hushed else RESUMED, 0, start - line.record_from)
                fence()
                line.marks_taken += 1
                return i64(PREFIX_BYTES)
            until = min(until, mark)
        until = min(until, start + MOST_SAMPLES)
        if until <= start:
            return i64(0)
        size = i64(0)
        if start >= line.record_from and not line.hushed:
            samples = until - start
            put_prefix(text, AUDIO, samples, start - line.record_from)
            left = put_plane(text, PREFIX_BYTES, times, slot, 1, start, until)
            size = PREFIX_BYTES + plane_bytes(left, samples)
            right = put_plane(text, size, times, slot, 0, start, until)
            size += plane_bytes(right, samples)
            text[1] = left
            text[2] = right
            line.stored += samples
        fence()
        line.taken = until
        if size:
            return size
