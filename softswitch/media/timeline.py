"""Both directions of a leg on one sample clock: where each frame belongs, and audio that waits to be written.

A timeline starts when its leg is first tapped; position p is p / 8000 s later. The first frame of a source is placed
where it arrived, those that follow by their RTP timestamps, so that jitter, loss and reordering leave the audio as it
was spoken. Two things correct the placing: a frame more than a second from its place means that the timestamps
jumped, and a whole second of frames all of which came late (or early) means that the first one was not typical, or
that the sender's clock drifts.

The worker alone places audio, ahead of `sealed`; the recorder alone takes it away, behind `sealed`. So nothing is
locked.
"""

from typing import Any, NamedTuple

import numpy as np

from softswitch.codecs.dtmf import DTMF, reset
from softswitch.codecs.g711 import ALAW_TO_LINEAR, ULAW_TO_LINEAR
from softswitch.media.kernels import inner
from softswitch.media.layout import FRAMES, RECEIVED, SENT, Array
from softswitch.media.libc import fence
from softswitch.media.outgoing import NS_PER_SAMPLE, PCMA
from softswitch.media.rtp import signed32

SIZE = 16384
"""Samples a timeline holds in each direction: 2 s. A power of two."""
SETTLE_SAMPLES = 2400
"""300 ms: so late may a frame come and still be placed."""
JUMP_SAMPLES = 8000
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
        ("taken", "i8"),  # everything before here is written or dropped
        ("recording", "i8"),
        ("record_from", "i8"),
        ("record_to", "i8"),
        ("paused", "i8"),  # what is placed from the last mark on is not recorded
        ("marks_written", "i8"),
        ("marks_taken", "i8"),
        ("marks", "i8", (MARKS,)),  # positions: pause, resumption, pause, ...
        ("hushed", "i8"),  # the recorder is past a pause
        ("stored", "i8"),  # samples that the file holds
        ("frames_lost", "i8"),
        ("amd", "i8"),
        ("amd_from", "i8"),
        ("amd_position", "i8"),
        ("watched_ns", "i8"),  # when a supervisor last heard of it
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
    ],
    align=True,
)


class Timelines(NamedTuple):
    lines: Array
    """(slots,) TIMELINE"""
    channels: Array
    """(slots, 2) CHANNEL: received, sent"""
    audio: Array
    """(slots, 2, SIZE) int16, circular by position"""
    roster: Array
    """(1 + slots,) int64: how many timelines are active, then which"""
    keys: Array
    """(slots,) DTMF: who listens for keys in the voice band"""


def new_timelines(slots: int) -> Timelines:
    """Timelines beside any block, as a benchmark or a test needs them; an engine's lie in its block."""
    return Timelines(
        np.zeros(slots, TIMELINE),
        np.zeros((slots, 2), CHANNEL),
        np.zeros((slots, 2, SIZE), np.int16),
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
    reset(times.keys[slot])
    for direction in range(2):
        times.channels[slot, direction].known = 0
        times.channels[slot, direction].most_late = 0
        audio = times.audio[slot, direction]
        for i in range(SIZE):
            audio[i] = 0


@inner
def begin_if_idle(shared: Any, times: Any, slot: int, at_ns: int, generation: int) -> None:
    """Start the leg's timeline unless it runs already; what the rings hold from before is skipped."""
    if times.lines[slot].active and times.lines[slot].generation == generation:
        return
    begin(times, slot, at_ns, generation)
    leg = shared.legs[slot]
    fence()
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
        if abs(late) <= JUMP_SAMPLES:
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
    return arrived


@inner
def expand(frame: Any, pcm: Any) -> None:
    """Decode a frame.  pcm: at least frame.samples int16, filled in place."""
    payload = frame.payload
    if frame.codec == PCMA:
        for i in range(frame.samples):
            pcm[i] = ALAW_TO_LINEAR[payload[i]]
    else:
        for i in range(frame.samples):
            pcm[i] = ULAW_TO_LINEAR[payload[i]]


@inner
def lay(times: Any, slot: int, direction: int, position: int, pcm: Any, samples: int) -> None:
    """Write a frame at its place; what is too late, or beyond the ring, is lost and counted."""
    line = times.lines[slot]
    audio = times.audio[slot, direction]
    kept = 0
    for i in range(samples):
        at = position + i
        if line.sealed <= at < line.taken + SIZE:
            audio[at & (SIZE - 1)] = pcm[i]
            kept += 1
    if kept < samples and line.recording == RECORDING and not line.paused and position >= line.record_from:
        line.frames_lost += 1


@inner
def drop_taken(times: Any, slot: int) -> None:
    """Clear what nobody records."""
    line = times.lines[slot]
    for direction in range(2):
        audio = times.audio[slot, direction]
        for at in range(line.taken, line.sealed):
            audio[at & (SIZE - 1)] = 0
    line.taken = line.sealed


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
