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
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from softswitch.amd.features import BLOCK, BLOCK_MS, FLOOR_DBOV, WINDOW, measure
from softswitch.amd.verdict import Cause, Verdict

States = npt.NDArray[np.void]
State = Any  # one row, a record with the fields of `STATE`; NumPy has no static type for it

VERDICT_REACHED = 1
SPEECH_STARTED = 2
"""Flags that `receive_frame` returns."""


class Parameters(NamedTuple):
    """What the verdict depends on; times in ms, levels in dB or dBov.

    "Tuned" values were searched on the development corpus (820 clips) for few people taken for machines, each half
    checked on the other, then rounded where their neighbourhood is flat. The evaluation set took no part.
    """

    initial_silence_ms: float = 5000.0
    """No speech for so long: NOTSURE. People begin within 2.5 s (corpus); dead air is no proof of a machine."""
    total_ms: float = 8000.0
    """The time for deciding is over."""
    greeting_ms: float = 3850.0
    """Tuned. Speech that runs on for longer is a machine's; business greetings end within 3.4 s (corpus)."""
    clear_db: float = 18.0
    """Tuned. Length and words prove a machine only where the voice stands so far out of its background: a noisy room
    also goes on for long."""
    quiet_ms: float = 900.0
    """Tuned. Silence after speech: somebody waits. 95 of 100 recorded greetings pause for less than 810 ms."""
    onset_ms: float = 50.0
    """Active so long within `onset_window_ms` is speech, less is a click."""
    onset_window_ms: float = 120.0
    word_gap_ms: float = 190.0
    """Tuned. Silence that separates phrases."""
    maximum_words: float = 6.0
    """Tuned. More phrases than this are a machine's."""
    minimum_dbov: float = -52.0
    """Nothing fainter is speech: 16 dB under the faintest voices to be served (-36 dBov)."""
    smooth_ms: float = 70.0
    """Tuned. Time constant of the power average: bridges stops inside a syllable, follows syllables."""
    start_floor_dbov: float = -50.0
    """Tuned. A call cannot open with a louder background than this; what is louder is a voice until it stops."""
    above_floor_db: float = 6.5
    """Tuned."""
    below_peak_db: float = 9.0
    """Tuned. Foreground gate: what is so far under the voice's peaks is background (a second voice, a television)."""
    floor_rise_db_s: float = 6.5
    """Tuned."""
    peak_fall_db_s: float = 1.0
    """Tuned."""
    tone_share: float = 0.9
    """Share of the band's power in one line, or `pair_share` in two, that makes a block tonal."""
    pair_share: float = 0.92
    tone_drift_hz: float = 16.0
    """A steady tone stays within half a bin."""
    tone_ms: float = 90.0
    """Tonal so long is a tone and no vowel."""
    beep_ms: float = 130.0
    """Shortest voicemail beeps in the corpus are 110-140 ms, and the window adds to them."""
    lowest_beep_hz: float = 380.0
    highest_beep_hz: float = 2150.0
    beating_db: float = 2.0
    """Level swing of one line that is really two: 440 + 480 Hz."""
    highest_ringing_hz: float = 640.0
    """Ringing, busy and dial tones have no line above 620 Hz (ITU-T E.180)."""
    signal_ms: float = 240.0
    """Tones above that, before any speech, mean SIT (3 x 274 ms or more, ITU-T E.180), fax or modem."""
    ringing_ms: float = 700.0
    listen_on_ms: float = 12000.0
    """After HUMAN or NOTSURE a beep corrects the verdict for so long."""
    resume_ms: float = 1100.0
    """Speech resumed within so long of a HUMAN verdict is not yet an answer to the agent."""
    resumed_speech_ms: float = 2450.0
    """Tuned. So much of it is a recording that had paused: the longest "Hello? Who is this?" is shorter."""


PARAMETERS = Parameters()

STATE = np.dtype(
    [
        ("clock_ms", "f8"),  # audio judged so far, silence and gaps included
        ("verdict", "i4"),
        ("cause", "i4"),
        ("decided_ms", "f8"),  # clock at the verdict in force; NaN before
        ("speech_onset_ms", "f8"),  # clock where the first speech began; NaN before
        ("words", "i4"),
        ("pending", "i4"),  # samples waiting for a whole block
        ("smooth", "f8"),  # averaged power, 1 = 0 dBov
        ("floor_dbov", "f8"),
        ("peak_dbov", "f8"),
        ("recent", "u4"),  # activity of the last 32 blocks, the newest in bit 0
        ("speech_ms", "f8"),  # active blocks since the onset
        ("last_active_ms", "f8"),
        ("resumed_ms", "f8"),  # speech after a HUMAN verdict that began soon enough to be a recording's
        ("tone_hz", "f8"),
        ("pair_hz", "f8"),
        ("run_ms", "f8"),  # length of the present tonal run
        ("run_low_dbov", "f8"),
        ("run_high_dbov", "f8"),
        ("held_ms", "f8"),  # blocks of the run that are speech unless it proves a tone
        ("signal_ms", "f8"),  # steady tones heard before speech, above the ringing band
        ("ringing_ms", "f8"),  # and in it
        ("samples", "f4", (WINDOW,)),
        ("real", "f8", (WINDOW,)),
        ("imaginary", "f8", (WINDOW,)),
    ],
    align=True,
)

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
LOWEST_FLOOR_DBOV = -62.0  # comfort noise; digital silence is no measure of a line
SETTLING_MS = 100.0  # the averages fill


def new_states(count: int) -> States:
    """`count` states at the beginning of a call."""
    states: States = np.zeros(count, STATE)
    for index in range(count):
        reset(states, index)
    return states


@njit(cache=True, nogil=True)
def reset(states: States, index: int) -> None:
    """Put one state back to the beginning of a call. states: (n,) STATE."""
    state = states[index]
    state.clock_ms = 0.0
    state.verdict = _NONE
    state.cause = 0
    state.decided_ms = np.nan
    state.speech_onset_ms = np.nan
    state.words = 0
    state.pending = 0
    state.floor_dbov = LOWEST_FLOOR_DBOV
    state.smooth = 0.0
    state.peak_dbov = FLOOR_DBOV
    state.recent = 0
    state.speech_ms = 0.0
    state.last_active_ms = 0.0
    state.resumed_ms = 0.0
    state.tone_hz = 0.0
    state.pair_hz = 0.0
    state.run_ms = 0.0
    state.run_low_dbov = 0.0
    state.run_high_dbov = 0.0
    state.held_ms = 0.0
    state.signal_ms = 0.0
    state.ringing_ms = 0.0
    state.samples[:] = 0.0


@njit(cache=True, nogil=True)
def _decide(state: State, verdict: int, cause: int) -> int:
    state.verdict = verdict
    state.cause = cause
    state.decided_ms = state.clock_ms
    return VERDICT_REACHED


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
            return _decide(state, _MACHINE, _BEEP)
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
    Returns flags, VERDICT_REACHED and SPEECH_STARTED.  Never raises.
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
