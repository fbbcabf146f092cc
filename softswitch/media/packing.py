"""From a timeline to the text of a recording's chunks (docs/recording-format.md): audio between marks, and marks.

Audio that came as G.711 is written as G.711 again: expanding a code and finding the code of the sample gives the same
sound in half the bytes. What no code stands for is written as linear samples, so that nothing is ever lost.
"""

from typing import Any

import numpy as np

from softswitch.codecs.g711 import ALAW_TO_LINEAR, ULAW_TO_LINEAR
from softswitch.media.kernels import i64, inner, kernel
from softswitch.media.layout import Array
from softswitch.media.libc import fence
from softswitch.media.timeline import ENDING, MARKS, SIZE

MOST_SAMPLES = 8000
"""A chunk holds a second at most."""
PREFIX_BYTES = 16
MOST_TEXT_BYTES = PREFIX_BYTES + 4 * MOST_SAMPLES

# The first byte of a chunk's text, and the encoding of each channel: softswitch.recordings.form
AUDIO, PAUSED, RESUMED = 1, 2, 3
SILENCE, LINEAR = 0, 3
NO_CODE = -1


def new_codes() -> Array:
    """(2, 65536) int16: the µ-law and the A-law code by sample + 32768, NO_CODE where none expands to it."""
    codes = np.full((2, 65536), NO_CODE, np.int16)
    for law, table in enumerate((ULAW_TO_LINEAR, ALAW_TO_LINEAR)):
        codes[law, table.astype(np.int64) + 32768] = np.arange(256)
    return codes


@inner
def clear(audio: Any, start: int, end: int) -> None:
    for at in range(start, end):
        audio[at & (SIZE - 1)] = 0


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
def put_plane(text: Any, offset: int, audio: Any, start: int, end: int, codes: Any) -> int:
    """Write one channel, shortest way first; which way it was."""
    at = start
    while at < end and audio[at & (SIZE - 1)] == 0:
        at += 1
    if at == end:
        return i64(SILENCE)
    for law in range(2):
        at = start
        while at < end:
            code = codes[law, i64(audio[at & (SIZE - 1)]) + 32768]
            if code == NO_CODE:
                break
            text[offset + at - start] = code
            at += 1
        if at == end:
            return i64(law + 1)
    for each in range(start, end):
        sample = i64(audio[each & (SIZE - 1)])
        text[offset + 2 * (each - start)] = sample & 0xFF
        text[offset + 2 * (each - start) + 1] = (sample >> 8) & 0xFF
    return i64(LINEAR)


@inner
def plane_bytes(encoding: int, samples: int) -> int:
    if encoding == SILENCE:
        return i64(0)
    return 2 * samples if encoding == LINEAR else samples


@kernel
def take(times: Any, slot: int, codes: Any, text: Any) -> int:
    """Move what is sealed out of a recorded timeline, up to the next mark, or the mark itself, as a chunk's text.

    codes: `new_codes`.  text: (MOST_TEXT_BYTES,) uint8.  The text's length; 0 when nothing is ready. Channel 0 is what
    was sent on the leg (left), channel 1 what was received (right). Positions count from the recording's start.
    """
    line = times.lines[slot]
    received = times.audio[slot, 0]
    sent = times.audio[slot, 1]
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
            left = put_plane(text, PREFIX_BYTES, sent, start, until, codes)
            size = PREFIX_BYTES + plane_bytes(left, samples)
            right = put_plane(text, size, received, start, until, codes)
            size += plane_bytes(right, samples)
            text[1] = left
            text[2] = right
            line.stored += samples
        clear(received, start, until)
        clear(sent, start, until)
        fence()
        line.taken = until
        if size:
            return size
