"""Tells people from machines on a call just answered: a frame-by-frame machine over a plain array of states.

Each leg under analysis owns one row of an array of `STATE`; rows share nothing, so any number of calls may be fed in
any order. Audio is cut into blocks of 10 ms whatever the packet time, so the verdict does not depend on it. Nothing is
allocated and nothing raises.

Each block's spectrum goes to the detector of `tones`; the mean of two goes to the `network`, which hears the callee's
voice, counts how it speaks and pauses, and judges who it may be; the `policy` makes verdicts of that.
"""

import numpy as np
import numpy.typing as npt
from numba import carray, njit

from softswitch.amd import parameters as rule
from softswitch.amd import tone_kinds, tones
from softswitch.amd.features import (
    BLOCK,
    BLOCK_MS,
    FLOOR_DBOV,
    HALF,
    STEP_BLOCKS,
    WINDOW,
    add_bands,
    level_of,
    spectrum,
)
from softswitch.amd.network import receive_step
from softswitch.amd.policy import (
    BEEP_HEARD,
    GREETING_ENDED,
    SPEECH_STARTED,
    VERDICT_CORRECTED,
    VERDICT_REACHED,
    decide,
    hear_tone,
    is_machine,
    judge,
)
from softswitch.amd.scratch import floats
from softswitch.amd.state import State, States
from softswitch.amd.verdict import Cause, Verdict

__all__ = [
    "BEEP_HEARD",
    "GREETING_ENDED",
    "SPEECH_STARTED",
    "VERDICT_CORRECTED",
    "VERDICT_REACHED",
    "give_up",
    "hang_up",
    "listening",
    "receive_frame",
]

_NONE = int(Verdict.NONE)
_HANGUP = int(Verdict.HANGUP)
_NOTSURE, _SILENCE, _TONE = int(Verdict.NOTSURE), int(Verdict.SILENCE), int(Verdict.TONE)
_OVERLOADED = int(Cause.OVERLOADED)
_FAX = int(Verdict.FAX)
_HUNG_UP = int(Cause.HUNG_UP)

# The last sound covers up to three lost packets, as a phone's concealment does (ITU-T G.711 appendix I).
CONCEALED_MS = 60.0


@njit(cache=True, nogil=True)
def hang_up(states: States, index: int) -> int:
    """The callee hung up: HANGUP, unless a verdict stands. Returns flags as `receive_frame` does."""
    state = states[index]
    if state.verdict != _NONE:
        return 0
    return decide(state, _HANGUP, _HUNG_UP, 1.0)


@njit(cache=True, nogil=True)
def give_up(states: States, index: int) -> int:
    """Nothing more will be heard, though the call goes on: NOTSURE, unless it is known that somebody, or a machine, is
    there. Returns flags as `receive_frame` does."""
    state = states[index]
    if state.verdict not in (_NONE, _SILENCE, _TONE):
        return 0
    return decide(state, _NOTSURE, _OVERLOADED, 0.0)


@njit(cache=True, nogil=True)
def listening(states: States, index: int) -> bool:
    """Whether more audio can still change the verdict, or end a machine's greeting."""
    state = states[index]
    if state.verdict == _NONE:
        return True
    if state.verdict in (_HANGUP, _FAX):
        return False
    if is_machine(state.verdict):
        return bool(state.clock_ms < rule.GREETING_MS)
    return bool(state.clock_ms - state.decided_ms < rule.LISTEN_ON_MS)


@njit(cache=True, nogil=True)
def _receive_block(state: State, sounding: bool) -> int:
    """Take in the next 10 ms: the window in `samples`, or silence. Returns flags."""
    state.clock_ms += BLOCK_MS
    power = carray(floats(HALF), (HALF,))
    level = FLOOR_DBOV
    if sounding:
        spectrum(state.samples, power)
        total, tonal = add_bands(power, state.bands)
        state.tonal += tonal
        level = level_of(total)
    else:
        power[:] = 0.0
    flags = 0
    code = tones.follow(state.tones, power, level)
    if code != tone_kinds.NONE:
        flags |= hear_tone(state, code)
    state.blocks += 1
    if state.blocks == STEP_BLOCKS:
        receive_step(state.network, state.bands, state.tonal)
        state.blocks = 0
        state.tonal = 0.0
        state.bands[:] = 0.0
        flags |= judge(state)
    return flags


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
            if held < 0.0:
                state.samples[:] = 0
            flags |= _receive_block(state, held >= 0.0)
    samples = state.samples
    taken = 0
    while taken < pcm.size:
        if state.pending == 0:
            for position in range(WINDOW - BLOCK):
                samples[position] = samples[position + BLOCK]
        count = min(BLOCK - state.pending, pcm.size - taken)
        at = WINDOW - BLOCK + state.pending
        for position in range(count):
            samples[at + position] = pcm[taken + position]
        taken += count
        state.pending += count
        if state.pending == BLOCK:
            state.pending = 0
            flags |= _receive_block(state, True)
    return flags
