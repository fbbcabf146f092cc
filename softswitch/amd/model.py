"""Tells people from machines on a call just answered: a frame-by-frame machine over a plain array of states.

Each leg under analysis owns one row of an array of `STATE`; rows share nothing, so any number of calls may be fed in
any order. Audio is cut into blocks of 10 ms whatever the packet time, so the verdict does not depend on it. Nothing is
allocated and nothing raises.

What is known of a call: a noise floor that adapts, the level of the foreground voice, where speech began, how long it
lasted and paused, how long it has been quiet since, and steady tones. A person says something short and waits;
a machine talks on, or beeps. Calling a person a machine hangs up on somebody, calling a machine a person costs
an agent some seconds: wherever the two cannot be told apart, the verdict is HUMAN or NOTSURE. After those verdicts the
machine listens on for a while, and a beep, or speech resumed before anybody can have spoken to the callee,
corrects the verdict to MACHINE.
"""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from softswitch.amd.features import BLOCK, BLOCK_MS, FLOOR_DBOV, WINDOW, measure
from softswitch.amd.parameters import PARAMETERS, Parameters
from softswitch.amd.state import LOWEST_FLOOR_DBOV, State, States
from softswitch.amd.verdict import Cause, Verdict

VERDICT_REACHED = 1
SPEECH_STARTED = 2
VERDICT_CORRECTED = 4  # beside VERDICT_REACHED: another verdict stood before
BEEP_HEARD = 8  # a beep has ended: a message may begin
GREETING_ENDED = 16  # silence after a machine's greeting: a message may begin though no beep came
"""Flags that `receive_frame` returns."""

_NONE = int(Verdict.NONE)
_HUMAN = int(Verdict.HUMAN)
_MACHINE = int(Verdict.MACHINE)
_NOTSURE = int(Verdict.NOTSURE)
_HANGUP = int(Verdict.HANGUP)
_SHORT_GREETING = int(Cause.SHORT_GREETING)
_LONG_GREETING = int(Cause.LONG_GREETING)
_INITIAL_SILENCE = int(Cause.INITIAL_SILENCE)
_BEEP = int(Cause.BEEP)
_TOO_LONG = int(Cause.TOO_LONG)
_MANY_WORDS = int(Cause.MANY_WORDS)
_TONE = int(Cause.TONE)
_HUNG_UP = int(Cause.HUNG_UP)

# The last sound covers up to three lost packets, as a phone's concealment does (ITU-T G.711 appendix I).
CONCEALED_MS = 60.0
SETTLING_MS = 100.0  # the averages fill


@njit(cache=True, nogil=True)
def _decide(state: State, verdict: int, cause: int) -> int:
    flags = VERDICT_REACHED
    if state.verdict != _NONE:
        flags |= VERDICT_CORRECTED
    state.verdict = verdict
    state.cause = cause
    state.decided_ms = state.clock_ms
    state.probability = 0.5 if verdict == _NOTSURE else 0.9
    features = state.features
    features[0] = state.speech_onset_ms
    features[1] = max(state.last_active_ms - state.speech_onset_ms, 0.0)
    features[2] = state.speech_ms
    features[3] = state.clock_ms - state.last_active_ms
    features[4] = state.words
    features[5] = state.peak_dbov
    features[6] = state.floor_dbov
    return flags


@njit(cache=True, nogil=True)
def hang_up(states: States, index: int) -> int:
    """The callee hung up: HANGUP, unless a verdict stands. Returns flags as `receive_frame` does."""
    state = states[index]
    if state.verdict != _NONE:
        return 0
    return _decide(state, _HANGUP, _HUNG_UP)


@njit(cache=True, nogil=True)
def _follow_tone(
    state: State,
    level: float,
    first_hz: float,
    first_share: float,
    second_hz: float,
    second_share: float,
    p: Parameters,
) -> bool:
    """Extend or end the tonal run with one block; True while the block belongs to one."""
    single = first_share >= p.tone_share
    pair = not single and second_share >= 0.1 and first_share + second_share >= p.pair_share
    if not (single or pair) or level < max(p.minimum_dbov, state.floor_dbov + p.above_floor_db):
        return False
    low = first_hz
    high = 0.0
    if pair:
        low = min(first_hz, second_hz)
        high = max(first_hz, second_hz)
    drift = max(abs(low - state.tone_hz), abs(high - state.pair_hz))
    if state.run_ms > 0.0 and drift <= p.tone_drift_hz:
        state.run_ms += BLOCK_MS
        if state.run_ms > 30.0:  # the window has filled
            state.run_low_dbov = min(state.run_low_dbov, level)
            state.run_high_dbov = max(state.run_high_dbov, level)
        return True
    if state.run_ms >= p.tone_ms:
        return False
    state.tone_hz = low
    state.pair_hz = high
    state.run_ms = BLOCK_MS
    state.run_low_dbov = level
    state.run_high_dbov = level
    return True


@njit(cache=True, nogil=True)
def _judge_tone(state: State, p: Parameters) -> int:
    """The tonal run has lasted `tone_ms` or more: what it means now. Returns flags."""
    low = state.tone_hz
    if low < p.lowest_beep_hz or low > p.highest_beep_hz:
        return 0
    top = max(low, state.pair_hz)
    # 440 + 480 Hz is one line that beats; a pair within the ringing band is ringing, busy or dial tone.
    ringing = top <= p.highest_ringing_hz and (
        state.pair_hz > 0.0 or state.run_high_dbov - state.run_low_dbov > p.beating_db
    )
    spoken = state.speech_ms >= 300.0
    if state.verdict in (_MACHINE, _HANGUP):
        return 0
    if spoken and not ringing:
        # A pair of 697-941 and 1209-1633 Hz is a key that the callee pressed (ITU-T Q.23).
        key = 680.0 <= low <= 960.0 and state.pair_hz >= 1190.0
        if state.run_ms >= p.beep_ms and not key:
            state.beep_ms = state.clock_ms
            return _decide(state, _MACHINE, _BEEP) | BEEP_HEARD
        return 0
    if spoken:
        return 0
    if top <= p.highest_ringing_hz:
        state.ringing_ms += BLOCK_MS
        if state.ringing_ms >= p.ringing_ms and state.verdict == _NONE:
            return _decide(state, _NOTSURE, _TONE)
    else:
        state.signal_ms += BLOCK_MS
        if state.signal_ms >= p.signal_ms:
            return _decide(state, _MACHINE, _TONE)
    return 0


@njit(cache=True, nogil=True)
def _ones(bits: int, count: int) -> int:
    total = 0
    for index in range(count):
        total += (int(bits) >> index) & 1
    return total


@njit(cache=True, nogil=True)
def _follow_speech(state: State, active: bool, p: Parameters) -> int:
    """Account one block as speech or silence. Returns flags."""
    flags = 0
    if np.isnan(state.speech_onset_ms):
        state.recent = np.uint32((np.uint32(state.recent) << np.uint32(1)) | np.uint32(1 if active else 0))
        window = int(p.onset_window_ms / BLOCK_MS)
        if active and _ones(state.recent, window) * BLOCK_MS >= p.onset_ms:
            first = window - 1
            while not (state.recent >> np.uint32(first)) & np.uint32(1):
                first -= 1
            state.speech_onset_ms = max(state.clock_ms - (first + 1) * BLOCK_MS, 0.0)
            state.speech_ms = p.onset_ms
            state.last_active_ms = state.clock_ms
            state.words = 1
            flags = SPEECH_STARTED
        return flags
    if active:
        if state.clock_ms - state.last_active_ms >= p.word_gap_ms + BLOCK_MS:
            state.words += 1
        state.speech_ms += BLOCK_MS
        state.last_active_ms = state.clock_ms
    return flags


@njit(cache=True, nogil=True)
def _judge_speech(state: State, p: Parameters) -> int:
    """What speech and silence so far mean. Returns flags."""
    clock = state.clock_ms
    if np.isnan(state.speech_onset_ms):
        if clock >= p.initial_silence_ms:
            return _decide(state, _NOTSURE, _INITIAL_SILENCE)
        return 0
    span = state.last_active_ms - state.speech_onset_ms
    quiet = clock - state.last_active_ms
    if quiet >= p.quiet_ms:
        return _decide(state, _HUMAN, _SHORT_GREETING)
    if state.peak_dbov - state.floor_dbov >= p.clear_db:
        if span >= p.greeting_ms:
            return _decide(state, _MACHINE, _LONG_GREETING)
        if state.words > p.maximum_words:
            return _decide(state, _MACHINE, _MANY_WORDS)
    if clock >= p.total_ms:
        return _decide(state, _NOTSURE, _TOO_LONG)
    return 0


@njit(cache=True, nogil=True)
def receive_block(
    state: State,
    level: float,
    first_hz: float,
    first_share: float,
    second_hz: float,
    second_share: float,
    p: Parameters,
) -> int:
    """Take in what `features.measure` says of the next 10 ms. Returns flags."""
    state.clock_ms += BLOCK_MS
    if _follow_tone(state, level, first_hz, first_share, second_hz, second_share, p):
        state.held_ms += BLOCK_MS
        if state.run_ms >= p.tone_ms:
            state.held_ms = 0.0
            flags = _judge_tone(state, p)
            if state.verdict == _NONE and state.clock_ms >= p.total_ms:
                flags |= _decide(state, _NOTSURE, _TONE)
            return flags
        return 0
    flags = 0
    step = BLOCK_MS / 1000.0
    state.run_ms = 0.0
    state.smooth += (10.0 ** (level / 10.0) - state.smooth) * BLOCK_MS / p.smooth_ms
    smooth = 10.0 * math.log10(max(state.smooth, 1e-9))
    if state.clock_ms <= SETTLING_MS:
        state.floor_dbov = max(min(smooth, p.start_floor_dbov), LOWEST_FLOOR_DBOV)
        return 0
    state.floor_dbov = max(min(state.floor_dbov + p.floor_rise_db_s * step, smooth), LOWEST_FLOOR_DBOV)
    gate = max(p.minimum_dbov, state.floor_dbov + p.above_floor_db, state.peak_dbov - p.below_peak_db)
    # The average rings on after a click, so speech begins on the block's own level.
    active = smooth >= gate and (level >= gate or not np.isnan(state.speech_onset_ms))
    if active:
        state.peak_dbov = max(state.peak_dbov, smooth)
    state.peak_dbov -= p.peak_fall_db_s * step
    while state.held_ms > 0.0:
        # The run was too short for a tone: a vowel.
        state.held_ms -= BLOCK_MS
        flags |= _follow_speech(state, True, p)
    flags |= _follow_speech(state, active, p)
    if state.verdict == _NONE:
        return flags | _judge_speech(state, p)
    if state.verdict == _HUMAN and active:
        return flags | _judge_resumed(state, p)
    return flags


@njit(cache=True, nogil=True)
def _judge_resumed(state: State, p: Parameters) -> int:
    """Speech after a HUMAN verdict: a recording that had paused goes on at length before anybody spoke to it."""
    since = state.clock_ms - state.decided_ms
    if since <= p.resume_ms or (state.resumed_ms > 0.0 and since <= p.resume_ms + 2.0 * p.resumed_speech_ms):
        state.resumed_ms += BLOCK_MS
        if state.resumed_ms >= p.resumed_speech_ms:
            return _decide(state, _MACHINE, _LONG_GREETING)
    return 0


@njit(cache=True, nogil=True)
def listening(states: States, index: int) -> bool:
    """Whether more audio can still change the verdict."""
    state = states[index]
    if state.verdict == _NONE:
        return True
    if state.verdict in (_MACHINE, _HANGUP):
        return False
    return bool(state.clock_ms - state.decided_ms < PARAMETERS.listen_on_ms)


@njit(cache=True, nogil=True)
def _receive_window(state: State) -> int:
    level, first_hz, first_share, second_hz, second_share = measure(state.samples, state.real, state.imaginary)
    return receive_block(state, level, first_hz, first_share, second_hz, second_share, PARAMETERS)


@njit(cache=True, nogil=True)
def receive_frame(states: States, index: int, pcm: npt.NDArray[np.int16], audio_ms: float) -> int:
    """Take in one received frame, or the news that none came.

    states: (n,) STATE.  pcm: (m,) int16 at 8 kHz, any length, may be empty.
    audio_ms: where the frame ends on the leg's own clock (ms since the answer or the first packet); a jump is a gap:
    a short one is concealed, the rest is silence.  Pass 0.0 when frames simply follow one another.
    Returns flags: VERDICT_REACHED, SPEECH_STARTED, VERDICT_CORRECTED, BEEP_HEARD, GREETING_ENDED.  Never raises.
    """
    flags = 0
    if not listening(states, index):
        return flags
    state = states[index]
    gap = audio_ms - (pcm.size + state.pending) * 1000.0 / 8000.0 - state.clock_ms
    if gap >= BLOCK_MS:
        held = min(gap, CONCEALED_MS)
        while gap >= BLOCK_MS and listening(states, index):
            gap -= BLOCK_MS
            held -= BLOCK_MS
            if held >= 0.0:
                flags |= _receive_window(state)
            else:
                state.samples[:] = 0.0
                flags |= receive_block(state, FLOOR_DBOV, 0.0, 0.0, 0.0, 0.0, PARAMETERS)
    samples = state.samples
    for sample in pcm:
        if state.pending == 0:
            for position in range(WINDOW - BLOCK):
                samples[position] = samples[position + BLOCK]
        samples[WINDOW - BLOCK + state.pending] = sample
        state.pending += 1
        if state.pending == BLOCK:
            state.pending = 0
            flags |= _receive_window(state)
    return flags
