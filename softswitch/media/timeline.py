"""Both directions of a leg on one sample clock: where each frame belongs, and audio that waits to be written.

A timeline starts when its leg is first tapped; position p is p / 8000 s later. The first frame of a source is placed
where it arrived, those that follow by their RTP timestamps, so that jitter, loss and reordering leave the audio as it
was spoken. Three things correct the placing: a frame more than a second from its place, or so early as no network makes
it, means that the timestamps jumped; so does a row of frames that come at their pace, and all too late to be placed;
and a whole second of frames all of which came late (or early) means that the first one was not typical, or that the
sender's clock drifts.

Audio is kept as it came, as codes of G.711; beside it a bit for each sample says that something was placed there, and
another one that its code is of the A-law. Where nothing was placed is silence.

The worker alone writes here: it places audio ahead of `sealed`. The recorder reads what is behind `sealed`, and moves
`taken` on when it needs it no more. So nothing is locked.
"""

from typing import Any, NamedTuple

import numpy as np

from softswitch.codecs.dtmf import DTMF
from softswitch.codecs.g711 import ALAW_TO_LINEAR, ULAW_TO_LINEAR
from softswitch.media.kernels import i64, inner
from softswitch.media.layout import FRAMES, RECEIVED, SENT, Array
from softswitch.media.libc import copy_octets, fence
from softswitch.media.outgoing import PCMA
from softswitch.media.rtp import NS_PER_SAMPLE, signed32

SIZE = 16384
"""Samples a timeline holds in each direction: 2 s. A power of two."""
SETTLE_SAMPLES = 2400
"""300 ms: so late may a frame come and still be placed."""
WORDS = SIZE // 64
PLACED, ALAW = 0, 1
"""What the two bits of a sample say."""
JUMP_SAMPLES = 8000
TARDY_FRAMES = 8
PACE_SAMPLES = 80
"""What comes after less than 10 ms is of a burst, which has only been held up."""
STEADY_FRAMES = 50
OFFSET_SAMPLES = 240
"""30 ms: what a steady stream may be off before it is moved."""

# TIMELINE.recording
IDLE, RECORDING, ENDING, DONE, CLOSING = 0, 1, 2, 3, 4
"""CLOSING: all of it is written, and the file is being bound to the ledger."""
MARKS = 64
"""Pauses and resumptions that the recorder may be behind; a power of two."""

TIMELINE = np.dtype(
    [
        ("active", "i8"),  # it stands in the roster
        ("epoch_ns", "i8"),
        ("generation", "i8"),
        ("sealed", "i8"),  # nothing more is placed before here
        ("taken", "i8"),  # everything before here is written, or nobody wants it
        ("recording", "i8"),
        ("record_from", "i8"),
        ("record_to", "i8"),
        ("paused", "i8"),  # what is placed from the last mark on is not recorded
        ("marks_written", "i8"),
        ("marks_taken", "i8"),
        ("hushed", "i8"),  # the recorder is past a pause
        ("stored", "i8"),  # samples that the file holds
        ("frames_lost", "i8"),
        ("received_missed", "i8"),  # of what the leg has counted, taken into account
        ("sent_missed", "i8"),
        ("amd", "i8"),
        ("amd_from", "i8"),
        ("amd_position", "i8"),
        ("watched_ns", "i8"),  # when a supervisor last heard of it
        ("hears_keys", "i8"),  # who listens for them has begun
        ("marks", "i8", (MARKS,)),  # positions: pause, resumption, pause, ...
    ],
    align=True,
)

CHANNEL = np.dtype(
    [
        ("source", "i8"),
        ("known", "i8"),
        ("timestamp", "i8"),
        ("position", "i8"),  # of `timestamp`
        ("frames", "i8"),
        ("least_late", "i8"),  # of the frames since the last correction
        ("most_late", "i8"),  # lately
        ("arrived", "i8"),  # the last frame
        ("tardy", "i8"),  # frames in a row that came at their pace and too late to be placed
        ("cleared", "i8"),  # from here on the bits are those of two seconds ago
    ],
    align=True,
)


class Timelines(NamedTuple):
    lines: Array
    """(slots,) TIMELINE"""
    channels: Array
    """(slots, 2) CHANNEL: received, sent"""
    audio: Array
    """(slots, 2, SIZE) uint8: codes of G.711, circular by position"""
    bits: Array
    """(slots, 2, 2, WORDS) int64: PLACED and ALAW of each sample, from the lowest bit of a word on"""
    roster: Array
    """(1 + slots,) int64: how many timelines are active, then which"""
    keys: Array
    """(slots,) DTMF: who listens for keys in the voice band"""


def new_timelines(slots: int) -> Timelines:
    """Timelines beside any block, as a benchmark or a test needs them; an engine's lie in its block."""
    return Timelines(
        np.zeros(slots, TIMELINE),
        np.zeros((slots, 2), CHANNEL),
        np.zeros((slots, 2, SIZE), np.uint8),
        np.zeros((slots, 2, 2, WORDS), np.int64),
        np.zeros(1 + slots, np.int64),
        np.zeros(slots, DTMF),
    )


@inner
def position_of(line: Any, at_ns: int) -> int:
    return (at_ns - line.epoch_ns) // NS_PER_SAMPLE


@inner
def begin(times: Any, slot: int, at_ns: int, generation: int) -> None:
    """Start a leg's timeline, empty."""
    line = times.lines[slot]
    if not line.active:
        line.active = 1
        times.roster[0] += 1
        times.roster[times.roster[0]] = slot
    line.epoch_ns = at_ns
    line.generation = generation
    line.sealed = 0
    line.taken = 0
    line.recording = IDLE
    line.amd = 0
    line.frames_lost = 0
    line.hears_keys = 0
    for direction in range(2):
        times.channels[slot, direction].known = 0
        times.channels[slot, direction].most_late = 0
        times.channels[slot, direction].cleared = 0


@inner
def begin_if_idle(shared: Any, times: Any, slot: int, at_ns: int, generation: int) -> None:
    """Start the leg's timeline unless it runs already; what the rings hold from before is skipped."""
    if times.lines[slot].active and times.lines[slot].generation == generation:
        return
    begin(times, slot, at_ns, generation)
    leg = shared.legs[slot]
    fence()
    times.lines[slot].received_missed = leg.received_missed
    times.lines[slot].sent_missed = leg.sent_missed
    while (
        leg.received_read < leg.received_written
        and shared.frames[slot, RECEIVED, leg.received_read & (FRAMES - 1)].at_ns < at_ns
    ):
        leg.received_read += 1
    while leg.sent_read < leg.sent_written and shared.frames[slot, SENT, leg.sent_read & (FRAMES - 1)].at_ns < at_ns:
        leg.sent_read += 1


@inner
def leave(times: Any, place_in_roster: int) -> None:
    """End the timeline at this place of the roster; the last one takes the place."""
    times.lines[times.roster[place_in_roster]].active = 0
    times.roster[place_in_roster] = times.roster[times.roster[0]]
    times.roster[0] -= 1


@inner
def place(channel: Any, source: int, timestamp: int, arrived: int) -> int:
    """Where a frame belongs.  arrived: the position at which it came."""
    if channel.known and channel.source == source:
        position = channel.position + signed32(timestamp - channel.timestamp)
        late = arrived - position
        if arrived - channel.arrived >= PACE_SAMPLES:
            channel.tardy = channel.tardy + 1 if late > SETTLE_SAMPLES else 0
            channel.arrived = arrived
        if -SETTLE_SAMPLES <= late <= JUMP_SAMPLES and channel.tardy < TARDY_FRAMES:
            channel.least_late = min(channel.least_late, late)
            channel.most_late = max(channel.most_late - 1, late)
            channel.frames += 1
            if channel.frames >= STEADY_FRAMES:
                if abs(channel.least_late) > OFFSET_SAMPLES:
                    position += channel.least_late
                channel.frames = 0
                channel.least_late = JUMP_SAMPLES
            channel.timestamp = timestamp
            channel.position = position
            return position
    channel.known = 1
    channel.source = source
    channel.timestamp = timestamp
    channel.position = arrived
    channel.frames = 0
    channel.least_late = JUMP_SAMPLES
    channel.most_late = 0
    channel.arrived = arrived
    channel.tardy = 0
    return arrived


@inner
def expand(frame: Any, pcm: Any) -> None:
    """Decode a frame.  pcm: at least frame.samples int16, filled in place."""
    payload = frame.payload
    if frame.codec == PCMA:
        for i in range(i64(frame.samples)):
            pcm[i] = ALAW_TO_LINEAR[payload[i]]
    else:
        for i in range(i64(frame.samples)):
            pcm[i] = ULAW_TO_LINEAR[payload[i]]


@inner
def mask_of(at: int, end: int) -> int:
    """The bits of positions at..end in the word that holds `at`."""
    low = at & 63
    count = min(end - at, 64 - low)
    return i64(-1) if count == 64 else ((i64(1) << count) - 1) << low


@inner
def put_bits(words: Any, start: int, end: int, value: int) -> None:
    """Set the bits of positions start..end, or clear them, by value: 1 or 0.  words: (WORDS,) int64."""
    at = start
    while at < end:
        mask = mask_of(at, end)
        word = (at >> 6) & (WORDS - 1)
        words[word] = words[word] | mask if value else words[word] & ~mask
        at = ((at >> 6) + 1) << 6


@inner
def clear(times: Any, slot: int, direction: int, end: int) -> None:
    """Let nothing be placed up to `end`, where the bits are still those of an earlier round."""
    channel = times.channels[slot, direction]
    if channel.cleared < end:
        put_bits(times.bits[slot, direction, PLACED], max(channel.cleared, end - SIZE), end, 0)
        channel.cleared = end


@inner
def lay(times: Any, slot: int, direction: int, position: int, codes: Any, samples: int, is_alaw: int) -> None:
    """Write a frame at its place; what is too late, or beyond the ring, is lost and counted.

    codes: uint8, of the A-law or else of the µ-law; the first `samples` are taken.
    """
    line = times.lines[slot]
    start = max(position, line.sealed)
    end = min(position + samples, line.taken + SIZE)
    if end - start < samples and line.recording == RECORDING and not line.paused and position >= line.record_from:
        line.frames_lost += 1
    if end <= start:
        return
    clear(times, slot, direction, end)
    put_bits(times.bits[slot, direction, PLACED], start, end, 1)
    put_bits(times.bits[slot, direction, ALAW], start, end, is_alaw)
    audio = times.audio[slot, direction]
    while start < end:
        place_in_ring = start & (SIZE - 1)
        count = min(end - start, SIZE - place_in_ring)
        copy_octets(audio, place_in_ring, codes, start - position, count)
        start += count


@inner
def is_placed(times: Any, slot: int, direction: int, at: int) -> bool:
    """Whether something was placed at a position, and is kept."""
    if not times.lines[slot].taken <= at < times.channels[slot, direction].cleared:
        return False
    return times.bits[slot, direction, PLACED, (at >> 6) & (WORDS - 1)] >> (at & 63) & 1 != 0


@inner
def sample_at(times: Any, slot: int, direction: int, at: int) -> int:
    """The linear sample at a position; 0 where nothing was placed, or is kept no longer."""
    if not is_placed(times, slot, direction, at):
        return i64(0)
    code = times.audio[slot, direction, at & (SIZE - 1)]
    is_alaw = times.bits[slot, direction, ALAW, (at >> 6) & (WORDS - 1)] >> (at & 63) & 1
    return i64(ALAW_TO_LINEAR[code]) if is_alaw else i64(ULAW_TO_LINEAR[code])


@inner
def seal(times: Any, slot: int, position: int) -> None:
    """Let nothing more be placed before a position, as far as the ring goes beyond what the recorder has taken."""
    line = times.lines[slot]
    position = min(position, line.taken + SIZE)
    if position <= line.sealed:
        return
    for direction in range(2):
        clear(times, slot, direction, position)
    fence()
    line.sealed = position


@inner
def begin_recording(times: Any, slot: int, position: int, paused: int) -> None:
    """Let the recorder take what is placed from a position on; when `paused`, from the first resumption on."""
    line = times.lines[slot]
    line.record_from = max(position, line.sealed)
    line.frames_lost = 0
    line.marks_taken = 0
    line.marks_written = 0
    line.hushed = 0
    line.stored = 0
    line.paused = 0
    pause(line, line.record_from, paused)
    fence()
    line.recording = RECORDING


@inner
def pause(line: Any, position: int, paused: int) -> None:
    """Mark a pause or a resumption. Of the marks' places one is kept for a pause: what is to be private stays so."""
    places = MARKS - (line.marks_written - line.marks_taken)
    if line.paused == paused or places < 2 - paused:
        return
    last = line.record_from if line.marks_written == 0 else line.marks[(line.marks_written - 1) & (MARKS - 1)]
    line.marks[line.marks_written & (MARKS - 1)] = max(position, last)
    line.paused = paused
    fence()
    line.marks_written += 1
