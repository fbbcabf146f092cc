"""What a line says by call-progress tones, frame by frame: names for the bursts and gaps that `bursts` finds.

A burst that goes on is named by its frequencies and length; one that has ended by the cadence that it completes, or by
the quiet after it. Frequencies and times: see `progress`; besides, Europe's 425 Hz (ETSI TS 101 041-2) and the like are
known by their cadence.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from softswitch.codecs.bursts import (
    END_FALL,
    FRAME,
    FRAME_MS,
    PROGRESS,
    PROGRESS_HIGH,
    PROGRESS_HZ,
    begin,
    begin_anew,
    end,
    forget,
    go_on,
    held_power,
    look,
    low_and_high_hz,
    pure,
    reset,
)
from softswitch.codecs.compiling import inner
from softswitch.codecs.progress import SIT_HIGH_HZ, SIT_LAST_HZ, SIT_LONG_MS, SIT_LOW_HZ, SIT_SHORT_MS, Tone
from softswitch.codecs.spectrum import BINS, SPAN, power_spectrum

Samples = npt.NDArray[np.int16]
Record = Any

QUIET_FALL, LOUD_FALL = 0.35, 0.5
FORGET_MS = 6500  # longer than the longest gap of a ringing tone

DIAL = int(Tone.DIAL)
RINGBACK = int(Tone.RINGBACK)
BUSY = int(Tone.BUSY)
CONGESTION = int(Tone.CONGESTION)
UNOBTAINABLE = int(Tone.UNOBTAINABLE)
FAX_CALLING = int(Tone.FAX_CALLING)
FAX_ANSWER = int(Tone.FAX_ANSWER)
BEEP = int(Tone.BEEP)
SIT = int(Tone.SIT)
SIT_BY_CODE = np.array(
    # by first high, second high, first long, second long
    [
        Tone.SIT_INTERCEPT, SIT, SIT, Tone.SIT_NO_CIRCUIT_DISTANT,
        SIT, Tone.SIT_REORDER, Tone.SIT_INEFFECTIVE, SIT,
        SIT, Tone.SIT_REORDER_DISTANT, Tone.SIT_VACANT_CODE, SIT,
        Tone.SIT_RESERVED, SIT, SIT, Tone.SIT_NO_CIRCUIT,
    ], np.int64
)  # fmt: skip
SIT_FIRST_HZ = (SIT_LOW_HZ[0] + SIT_HIGH_HZ[0]) / 2
SIT_SECOND_HZ = (SIT_LOW_HZ[1] + SIT_HIGH_HZ[1]) / 2
SIT_MIDDLE_MS = (SIT_SHORT_MS + SIT_LONG_MS) / 2


@inner
def _within(value: float, low: float, high: float) -> bool:
    return low <= value <= high


@inner
def _is_near(hz: float, nominal_hz: float) -> bool:
    """Within 1.5 %, which keeps the tones that tell a cause apart from each other and from E.180's 950 Hz."""
    return abs(hz - nominal_hz) <= 0.015 * nominal_hz


@inner
def _is_pair(low_hz: float, high_hz: float, first_hz: float, second_hz: float) -> bool:
    return abs(low_hz - first_hz) <= 13.0 and abs(high_hz - second_hz) <= 13.0


@inner
def _is_key(low_hz: float, high_hz: float) -> bool:
    """The two frequencies of a DTMF key, within 2.5 %."""
    row = False
    for hz in (697.0, 770.0, 852.0, 941.0):
        row = row or abs(low_hz - hz) < 0.025 * hz
    column = False
    for hz in (1209.0, 1336.0, 1477.0, 1633.0):
        column = column or abs(high_hz - hz) < 0.025 * hz
    return row and column


@inner
def _alike(state: Record, count: int) -> bool:
    """The last `count` bursts sound alike and lie where ringing and busy tones do."""
    last = state.bursts - 1
    if count > state.bursts:
        return False
    for i in range(last - count + 1, last + 1):
        if max(state.lows_hz[i], state.highs_hz[i]) > PROGRESS_HZ or abs(state.lows_hz[i] - state.lows_hz[last]) > 20.0:
            return False
    return True


@inner
def _name_continuing(state: Record) -> int:
    """The name of a burst that is still on, once it has lasted long enough."""
    on_ms = FRAME_MS * state.frames
    if on_ms < 500 or not pure(state):
        return 0
    low_hz, high_hz = low_and_high_hz(state)
    if abs(state.centre_hz - 2100.0) <= 25.0 and state.lowest_bin > PROGRESS_HIGH:
        return FAX_ANSWER
    if max(low_hz, high_hz) > PROGRESS_HZ:
        return 0
    if high_hz > 0.0:
        if on_ms >= 1000 and _is_pair(low_hz, high_hz, 350.0, 440.0):
            return DIAL
        if on_ms >= 900 and _is_pair(low_hz, high_hz, 440.0, 480.0):
            return RINGBACK
        return 0
    if on_ms >= 2000 and abs(low_hz - 400.0) <= 9.0:
        return UNOBTAINABLE
    if on_ms >= 2800 and _within(low_hz, 412.0, 455.0):
        return DIAL
    return 0


@inner
def _name_cadence(state: Record) -> int:
    """The name that the last bursts and gaps give, the last burst having just ended."""
    n = state.bursts - 1
    on, off = state.ons_ms, state.offs_ms
    low_hz, high_hz = state.lows_hz[n], state.highs_hz[n]
    if n >= 2 and _within(low_hz, 1745.0, 1855.0) and on[n] >= 220:
        return _name_information(state)
    if n >= 1 and _alike(state, 2):
        # two rings of 0.4 s, then a long gap (UK and Commonwealth)
        twice = _within(on[n], 320, 480) and _within(on[n - 1], 100, 480) and _within(off[n - 1], 120, 260)
        rung = n >= 2 and off[n - 2] >= 1500 and _alike(state, 3)
        if twice and (rung or _is_pair(low_hz, high_hz, 400.0, 450.0)):
            return RINGBACK
        if _within(on[n], 700, 2200) and _within(on[n - 1], 300, 2200) and _within(off[n - 1], 1800, 5500):
            return RINGBACK
        if (
            _within(on[n], 300, 620)
            and _within(on[n - 1], 300, 620)
            and _within(off[n - 1], 300, 620)
            and abs(on[n] - on[n - 1]) <= 70
            and abs(on[n] - off[n - 1]) <= 90
        ):
            return BUSY
        if n >= 2 and _alike(state, 3):
            fast = True
            for i in range(n - 2, n + 1):
                fast = fast and _within(on[i], 150, 310)
            for i in range(n - 2, n):
                fast = fast and _within(off[i], 150, 310)
            if fast:
                return CONGESTION
            # 400 on, 350 off, 225 on, 525 off (UK), from either burst on
            even, odd = on[n], on[n - 1]
            long_short = _within(off[n - 2], 290, 410) and _within(off[n - 1], 450, 600) and _within(odd, 165, 285)
            if long_short and _within(even, 330, 470) and _within(on[n - 2], 330, 470):
                return CONGESTION
            short_long = _within(off[n - 2], 450, 600) and _within(off[n - 1], 290, 410) and _within(odd, 330, 470)
            if short_long and _within(even, 165, 285) and _within(on[n - 2], 165, 285):
                return CONGESTION
    return 0


@inner
def _name_information(state: Record) -> int:
    """Special information tones: three that rise, with hardly a gap; the third has just ended."""
    n = state.bursts - 1
    on, off, low_hz = state.ons_ms, state.offs_ms, state.lows_hz
    if not (_within(low_hz[n - 2], 885.0, 1015.0) and _within(low_hz[n - 1], 1345.0, 1455.0)):
        return 0
    if off[n - 2] > 80 or off[n - 1] > 80:
        return 0
    if not (_within(on[n - 2], 100, 460) and _within(on[n - 1], 220, 460) and on[n] <= 480):
        return 0
    first_high = low_hz[n - 2] > SIT_FIRST_HZ
    second_high = low_hz[n - 1] > SIT_SECOND_HZ
    precise = (
        _is_near(low_hz[n - 2], SIT_HIGH_HZ[0] if first_high else SIT_LOW_HZ[0])
        and _is_near(low_hz[n - 1], SIT_HIGH_HZ[1] if second_high else SIT_LOW_HZ[1])
        and _is_near(low_hz[n], SIT_LAST_HZ)
    )
    if not precise:
        return SIT
    code = 8 * int(first_high) + 4 * int(second_high)
    code += 2 * int(on[n - 2] > SIT_MIDDLE_MS) + int(on[n - 1] > SIT_MIDDLE_MS)
    name: int = SIT_BY_CODE[code]
    return name


@inner
def _name_in_gap(state: Record) -> int:
    """The name that a burst takes by the quiet after it."""
    if state.bursts == 0 or state.named == 1:
        return 0
    n = state.bursts - 1
    on_ms, low_hz, high_hz = state.ons_ms[n], state.lows_hz[n], state.highs_hz[n]
    quiet_ms = FRAME_MS * state.quiet
    if max(low_hz, high_hz) <= PROGRESS_HZ:
        european = high_hz == 0.0 and _within(low_hz, 413.0, 437.0)
        ringing = european or _is_pair(low_hz, high_hz, 440.0, 480.0) or _is_pair(low_hz, high_hz, 400.0, 450.0)
        if european and _within(on_ms, 750, 2200) and quiet_ms >= 2000:
            return RINGBACK
        if ringing or _within(state.kind, RINGBACK, UNOBTAINABLE) or low_hz < 395.0:
            return 0
        # what a busy tone may begin with waits for longer than its gaps are
        patience_ms = 900 if high_hz > 0.0 or low_hz < 455.0 else 160
        return BEEP if _within(on_ms, 120, 1900) and quiet_ms >= patience_ms and _like_a_beep(state) else 0
    if high_hz == 0.0 and abs(low_hz - 1100.0) <= 40.0 and _within(on_ms, 430, 570):
        if quiet_ms < 200:
            return 0
        again = n > 0 and abs(state.lows_hz[n - 1] - 1100.0) <= 40.0 and _within(state.offs_ms[n - 1], 2500, 3500)
        return FAX_CALLING if again or abs(low_hz - 1100.0) <= 20.0 else BEEP
    if _within(on_ms, 120, 1900) and quiet_ms >= 120 and _like_a_beep(state):
        return BEEP
    return 0


@inner
def _like_a_beep(state: Record) -> bool:
    """Purer than a vowel ever is, or pure, single, higher and longer; and no key."""
    n = state.bursts - 1
    low_hz, high_hz = state.lows_hz[n], state.highs_hz[n]
    if _is_key(low_hz, high_hz) or state.impure > 0.1 * state.frames:
        return False
    purity = state.purity
    return purity >= 0.95 or (purity >= 0.80 and high_hz == 0.0 and low_hz >= 700.0 and state.ons_ms[n] >= 260)


@inner
def _listen(state: Record) -> int:
    """Take the spectrum in; the name of a tone that it completes, or 0."""
    look(state)
    name = 0
    if state.on == 1:
        held = held_power(state.power, state.lowest_bin, state.highest_bin)
        if held > state.plateau / END_FALL and state.frames > 4 and state.tonal == 1:
            state.gap += state.frames  # what was on before was the background's
            state.lead = state.gap
            begin_anew(state)
        elif held >= END_FALL * state.plateau:
            go_on(state, held)
            if state.named == 0:
                name = _name_continuing(state)
        else:
            if end(state) and state.named == 0:
                name = _name_cadence(state)
            beside = state.first_bin < state.lowest_bin or state.first_bin > state.highest_bin
            if state.tonal == 1 and state.gap == 1 and beside and name == 0:
                begin(state)
    else:
        state.gap += 1
        state.quiet = state.quiet + 1 if state.total < QUIET_FALL * state.plateau else 0
        if state.total > LOUD_FALL * state.plateau and state.tonal == 0:
            state.loud += 1
        if state.loud > 10 or FRAME_MS * state.gap > FORGET_MS:
            forget(state)
            state.loud = 0
        if state.tonal == 1:
            begin(state)
        else:
            name = _name_in_gap(state)
    if name == 0:
        return 0
    state.named = 1
    again = name == state.kind and name in (DIAL, RINGBACK, BUSY, CONGESTION, UNOBTAINABLE)
    state.kind = name
    return 0 if again else name


@njit(cache=True, nogil=True)
def receive_frame(state: Record, samples: Samples) -> int:
    """Listen to a frame; the Tone that has just been recognized, or 0.  A tone that goes on is given once.

    state: PROGRESS, changed; `kind` is the Tone that was recognized last, until the line turns to something else or
    has been still for 6.5 s.  samples: (n,) int16 at 8 kHz, at most 20 ms of them.
    """
    found = 0
    span = state.span
    for i in range(samples.size):
        span[SPAN - FRAME + state.waiting] = samples[i]
        state.waiting += 1
        if state.waiting == FRAME:
            state.waiting = 0
            for k in range(BINS):
                state.before[k] = state.power[k]
            power_spectrum(span, state.real, state.imaginary, state.power)
            for k in range(SPAN - FRAME):
                span[k] = span[k + FRAME]
            name = _listen(state)
            found = name if name > 0 else found
    return found


def new_detector() -> Record:
    """A detector's state, ready; keep the record, the kernels change it in place."""
    state = np.zeros(1, PROGRESS)[0]
    reset(state)
    return state
