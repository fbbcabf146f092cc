"""The worker: every 20 ms it reads the frame rings of tapped legs, feeds AMD, fills timelines, mixes for supervisors.

It is the second loop without the GIL; nothing it does can delay a packet.
"""

from typing import Any

import numpy as np

from softswitch.amd import model
from softswitch.amd.state import reset
from softswitch.codecs import dtmf
from softswitch.media import vocabulary as v
from softswitch.media.fetching import fetch_audio, fetch_timeline
from softswitch.media.kernels import i64, inner, kernel
from softswitch.media.layout import FRAMES, MESSAGE, RECEIVED, SENT, WORKER_COMMANDS, WORKER_EVENTS
from softswitch.media.libc import CLOCK_MONOTONIC, CLOCK_THREAD_CPUTIME_ID, clock_ns, fence, sleep_until, wake
from softswitch.media.mixing import add_route, drop_routes, mix
from softswitch.media.outgoing import PCMA
from softswitch.media.rings import pop, push
from softswitch.media.rtp import NS_PER_SAMPLE
from softswitch.media.timeline import (
    CLOSING,
    DONE,
    ENDING,
    IDLE,
    RECORDING,
    SETTLE_SAMPLES,
    begin_if_idle,
    begin_recording,
    expand,
    lay,
    leave,
    pause,
    place,
    position_of,
    seal,
)

PASS_NS = 20_000_000
BEHIND_NS = 200_000_000
"""A pass that ends so long after it was due leaves two such to spare, until the frame rings are full."""
SHED_SHARE = 4
"""After it one in so many detections is given up, the newest ones, which have heard the least."""
AMD_PATIENCE_SAMPLES = 2400
"""AMD hears of a gap when nothing has come for 300 ms, as late as a recording takes packets: speech that is merely late
must not be followed by a silence that was not there."""
AMD_HINDSIGHT_SAMPLES = 480
FEATURE_WORDS = 4
"""Of 64 bits, that a message carries."""
WATCHED_NS = 1_000_000_000
"""A timeline that a supervisor heard is kept for so long."""

DESK = np.dtype(
    [
        ("wake_descriptor", "i8"),
        ("events_pushed", "i8"),
        ("behind_ns", "i8"),  # how long after its time the last pass ended
        ("timespec", "i8", (2,)),
        ("one", "u8", (1,)),
        ("message", MESSAGE, (1,)),
    ],
    align=True,
)


def new_desk(wake_descriptor: int) -> Any:
    """What the worker owns besides timelines: scratch, made once."""
    desk = np.zeros(1, DESK)[0]
    desk["wake_descriptor"] = wake_descriptor
    desk["one"] = 1
    return desk


@inner
def emit(
    shared: Any, desk: Any, kind: int, slot: int, generation: int, at_ns: int, a: int, b: int, c: int, d: int, e: int
) -> None:
    if push(shared, WORKER_EVENTS, kind, slot, generation, at_ns, a, b, c, d, e):
        desk.events_pushed = 1


@inner
def obey(shared: Any, times: Any, states: Any, desk: Any, mixer: Any, now: int) -> None:
    while pop(shared, WORKER_COMMANDS, desk.message):
        order = desk.message[0]
        kind = order.kind
        if kind == v.STOP_ALL_RECORDINGS:
            for at in range(1, times.roster[0] + 1):
                end_recording(times, times.roster[at], order.at_ns)
            continue
        slot = order.leg
        line = times.lines[slot]
        if kind == v.START_RECORDING:
            begin_if_idle(shared, times, slot, order.at_ns, order.generation)
            begin_recording(times, slot, position_of(line, order.at_ns), order.a)
        elif kind == v.PAUSE_RECORDING:
            if line.recording == RECORDING:
                pause(line, position_of(line, order.at_ns), order.a)
        elif kind == v.STOP_RECORDING:
            end_recording(times, slot, order.at_ns)
        elif kind == v.START_AMD:
            begin_if_idle(shared, times, slot, order.at_ns, order.generation)
            reset(states, slot, order.a)
            line.amd = 1
            line.amd_from = position_of(line, order.at_ns)
            line.amd_position = line.amd_from
        elif kind == v.STOP_AMD:
            line.amd = 0
        elif kind == v.ROUTE:
            add_route(shared, mixer, order, now)
        elif kind == v.UNROUTE:
            drop_routes(mixer, order)


@inner
def end_recording(times: Any, slot: int, at_ns: int) -> None:
    """Let the recording end at a time; what was placed by then is final, and the recorder closes the file."""
    line = times.lines[slot]
    if line.recording != RECORDING:
        return
    line.record_to = max(position_of(line, at_ns), line.record_from)
    seal(times, slot, line.record_to)
    fence()
    line.recording = ENDING


@inner
def report(shared: Any, times: Any, states: Any, desk: Any, slot: int, flags: int, now: int) -> None:
    """Tell what AMD has just found: a verdict first, then what may follow from it."""
    if flags == 0:
        return
    line = times.lines[slot]
    state = states[slot]
    start_ns = line.epoch_ns + line.amd_from * NS_PER_SAMPLE
    if flags & model.SPEECH_STARTED:
        onset_ns = start_ns + i64(state.speech_onset_ms * 1e6)
        emit(shared, desk, v.SPEECH_STARTED, slot, line.generation, onset_ns, 0, 0, 0, 0, 0)
    if flags & model.VERDICT_REACHED:
        words = state.features.view(np.int64)
        for first in range(0, words.size, FEATURE_WORDS):
            emit(
                shared, desk, v.VERDICT_FEATURES, slot, line.generation, now,
                words[first], words[first + 1], words[first + 2], words[first + 3], i64(2 * first),
            )  # fmt: skip
        verdict = i64(state.verdict)
        cause = i64(state.cause)
        audio_ms = i64(state.decided_ms)
        sure = i64(state.probability * 1e6)
        corrects = i64(1 if flags & model.VERDICT_CORRECTED else 0)
        emit(shared, desk, v.VERDICT_REACHED, slot, line.generation, now, verdict, cause, audio_ms, sure, corrects)
    if flags & model.BEEP_HEARD:
        beep_ns = start_ns + i64(state.beep_ms * 1e6)
        emit(shared, desk, v.BEEP_HEARD, slot, line.generation, beep_ns, 0, 0, 0, 0, 0)
    if flags & model.GREETING_ENDED:
        emit(shared, desk, v.GREETING_ENDED, slot, line.generation, now, 0, 0, 0, 0, 0)


@inner
def feed(shared: Any, times: Any, states: Any, desk: Any, slot: int, position: int, pcm: Any, now: int) -> None:
    """Give AMD one frame that starts at `position`; a frame that starts before what it has heard comes too late."""
    line = times.lines[slot]
    if position < line.amd_position:
        return
    listen(shared, times, states, desk, slot, position + pcm.size, pcm, now)


@inner
def listen(shared: Any, times: Any, states: Any, desk: Any, slot: int, position: int, pcm: Any, now: int) -> None:
    """Let AMD judge what was heard up to a position; once its verdict is final it costs nothing any more."""
    line = times.lines[slot]
    line.amd_position = position
    heard_ms = (position - line.amd_from) / 8.0
    report(shared, times, states, desk, slot, model.receive_frame(states, slot, pcm, heard_ms), now)
    if not model.listening(states, slot):
        line.amd = 0


@inner
def give_up(shared: Any, times: Any, states: Any, desk: Any, slot: int, now: int) -> None:
    """End a detection that cannot hear everything: whoever it is gets an agent, unless something is known already."""
    line = times.lines[slot]
    line.amd = 0
    shared.header.verdicts_shed += 1
    report(shared, times, states, desk, slot, model.give_up(states, slot), now)


@inner
def shed_detections(shared: Any, times: Any, states: Any, desk: Any, now: int) -> None:
    """There is too little time: give up the newest of those that are under way."""
    listening = 0
    for at in range(1, times.roster[0] + 1):
        listening += times.lines[times.roster[at]].amd
    left = (listening + SHED_SHARE - 1) // SHED_SHARE
    for at in range(times.roster[0], 0, -1):
        if left > 0 and times.lines[times.roster[at]].amd:
            give_up(shared, times, states, desk, times.roster[at], now)
            left -= 1


@inner
def note_missed(shared: Any, times: Any, states: Any, desk: Any, slot: int, now: int) -> None:
    """Frames that should have come from the relay and did not: the recording says that it lacks them."""
    leg = shared.legs[slot]
    line = times.lines[slot]
    received, sent = i64(leg.received_missed), i64(leg.sent_missed)
    if received == line.received_missed and sent == line.sent_missed:
        return
    if line.recording == RECORDING and not line.paused:
        line.frames_lost += received - line.received_missed + sent - line.sent_missed
    if line.amd and received > line.received_missed:
        give_up(shared, times, states, desk, slot, now)
    line.received_missed = received
    line.sent_missed = sent


@inner
def hear_key(shared: Any, times: Any, desk: Any, slot: int, pcm: Any, at_ns: int) -> None:
    """Listen for keys in the voice band of a leg whose other end sends no telephone events."""
    line = times.lines[slot]
    if not line.hears_keys:
        line.hears_keys = 1
        dtmf.reset(times.keys[slot])
    code = dtmf.receive_frame(times.keys[slot], pcm)
    if code >= 0:
        held = i64(times.keys[slot].held_samples)
        emit(shared, desk, v.DIGIT_PRESSED, slot, line.generation, at_ns, code, held, 0, 0, 0)


@inner
def drain(shared: Any, times: Any, states: Any, desk: Any, slot: int, pcm: Any, now: int) -> None:
    """Empty a leg's two rings onto its timeline.  pcm: (FRAME_SAMPLES,) int16, scratch."""
    leg = shared.legs[slot]
    line = times.lines[slot]
    note_missed(shared, times, states, desk, slot, now)
    fence()
    read = leg.received_read
    while read < leg.received_written:
        frame = shared.frames[slot, RECEIVED, read & (FRAMES - 1)]
        arrived = position_of(line, frame.at_ns)
        position = place(times.channels[slot, RECEIVED], frame.source, i64(frame.timestamp), arrived)
        lay(times, slot, RECEIVED, position, frame.payload, i64(frame.samples), frame.codec == PCMA)
        if line.amd or leg.dtmf_payload_type < 0:
            expand(frame, pcm)
        if leg.dtmf_payload_type < 0:
            hear_key(shared, times, desk, slot, pcm[: i64(frame.samples)], frame.at_ns)
        if line.amd:
            feed(shared, times, states, desk, slot, position, pcm[: i64(frame.samples)], now)
        read += 1
    fence()
    leg.received_read = read
    read = leg.sent_read
    while read < leg.sent_written:
        frame = shared.frames[slot, SENT, read & (FRAMES - 1)]
        # Our own stream is one timeline whoever it carries, so its source does not matter.
        position = place(times.channels[slot, SENT], 0, i64(frame.timestamp), position_of(line, frame.at_ns))
        lay(times, slot, SENT, position, frame.payload, i64(frame.samples), frame.codec == PCMA)
        read += 1
    fence()
    leg.sent_read = read


@inner
def work(shared: Any, times: Any, states: Any, desk: Any, mixer: Any, pcm: Any, now: int) -> None:
    """One pass over the active timelines."""
    roster = times.roster
    count = roster[0]
    for at in range(1, count + 1):
        if at + 2 <= count:
            fetch_timeline(shared, times, roster[at + 2])
        if at + 1 <= count:
            fetch_audio(shared, times, states, roster[at + 1])
        slot = roster[at]
        if times.lines[slot].recording == DONE:
            times.lines[slot].recording = IDLE
        # Rings are read before commands are obeyed: what came before a stop belongs to the recording.
        drain(shared, times, states, desk, slot, pcm, now)
    obey(shared, times, states, desk, mixer, now)
    mix(shared, times, mixer, now)
    if desk.behind_ns > BEHIND_NS:
        shed_detections(shared, times, states, desk, now)
    at = 1
    while at <= roster[0]:
        slot = roster[at]
        line = times.lines[slot]
        here = position_of(line, now)
        if line.amd and here - line.amd_position > AMD_PATIENCE_SAMPLES:
            listen(shared, times, states, desk, slot, here - AMD_HINDSIGHT_SAMPLES, pcm[:0], now)
        if line.recording not in (ENDING, CLOSING):
            if line.recording == IDLE:
                if not line.amd and now - line.watched_ns > WATCHED_NS:
                    leave(times, at)
                    continue
                line.taken = max(line.taken, here - SETTLE_SAMPLES)
            seal(times, slot, here - SETTLE_SAMPLES)
        elif line.recording == ENDING:
            seal(times, slot, line.record_to)  # a disk that stood still may have left no room for it
        at += 1
    if desk.events_pushed:
        desk.events_pushed = 0
        wake(desk.wake_descriptor, desk.one)


@kernel
def run(shared: Any, times: Any, states: Any, desk: Any, mixer: Any, pcm: Any) -> None:
    """Work until the header says stop.  pcm: (FRAME_SAMPLES,) int16, scratch."""
    header = shared.header
    due = clock_ns(CLOCK_MONOTONIC, desk.timespec)
    while header.stopping == 0:
        due += PASS_NS
        sleep_until(due, desk.timespec)
        now = clock_ns(CLOCK_MONOTONIC, desk.timespec)
        header.worker_at_ns = now
        work(shared, times, states, desk, mixer, pcm, now)
        now = clock_ns(CLOCK_MONOTONIC, desk.timespec)
        desk.behind_ns = now - due
        if desk.behind_ns > BEHIND_NS:
            header.worker_behind_ns += desk.behind_ns
        due = max(due, now - PASS_NS)  # held up: go on from here instead of running after the clock
        header.worker_cpu_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID, desk.timespec)
