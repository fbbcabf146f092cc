"""Packet-loss concealment after ITU-T G.711 Appendix I, for 8 and 16 kHz, without the appendix's delay.

The last pitch period heard is repeated, in phase, over what is lost; after 10 ms two periods, after 20 ms three, so
that long gaps do not buzz (§I.2.5). From 10 ms on it fades, to silence at 60 ms (§I.2.6); the first good frame is
blended in (§I.2.7). The appendix delays its output by 3.75 ms to smooth the start of a gap; here the step between the
last sample heard and the repeated period is faded out over a quarter of that period instead, so that nothing is late.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from softswitch.codecs.compiling import inner

from softswitch.errors import UsageError

Samples = npt.NDArray[np.int16]
Record = Any

HISTORY = 780
"""48.75 ms at 16 kHz (§I.2.1): three and a quarter of the longest pitch period."""

CONCEALER = np.dtype(
    [
        ("scale", "i8"),  # samples per sample of the appendix's 8 kHz
        ("lost", "i8"),  # samples concealed since the last good frame
        ("pitch", "i8"),  # the period, in samples
        ("periods", "i8"),  # how many are repeated: 1 to 3
        ("offset", "i8"),  # where in them the next sample lies
        ("offset_before", "i8"),  # where it lay when the last period was added
        ("step", "f8"),  # the jump that the first quarter of a period fades out
        ("source", "i2", (HISTORY,)),  # what was heard before the gap
        ("history", "i2", (HISTORY,)),  # what has been played, newest last
    ],
    align=True,
)

# In samples at 8 kHz
SHORTEST, LONGEST = 40, 120  # periods: 200 to 66.7 Hz (§I.2.3)
CORRELATED = 160
TEN_MS = 80
BLEND_MORE = 32  # §I.2.7: 4 ms longer for each 10 ms lost
LOWEST_ENERGY = 250.0  # so that near-silence is not taken for a match


@njit(cache=True, nogil=True)
def reset(state: Record, rate_hz: int) -> None:
    """Make a record ready for audio at 8000 or 16000 Hz."""
    state.scale = rate_hz // 8000
    state.lost = 0
    state.pitch = LONGEST * state.scale
    state.periods = 1
    state.offset = 0
    state.step = 0.0
    state.source[:] = 0
    state.history[:] = 0


@inner
def _remember(state: Record, played: Samples) -> None:
    history = state.history
    size = played.size
    if size >= HISTORY:
        for i in range(HISTORY):
            history[i] = played[size - HISTORY + i]
        return
    for i in range(HISTORY - size):
        history[i] = history[i + size]
    for i in range(size):
        history[HISTORY - size + i] = played[i]


@inner
def _likeness(source: Samples, lag: int, size: int, stride: int) -> float:
    """Correlate the newest `size` samples with those `lag` before them, normalized by the latter's energy."""
    product = 0
    energy = 0
    for i in range(HISTORY - size, HISTORY, stride):
        earlier: Any = np.int64(source[i - lag])
        product += source[i] * earlier
        energy += earlier * earlier
    return product / np.sqrt(max(energy, LOWEST_ENERGY))


@inner
def _find_pitch(source: Samples, scale: int) -> int:
    """The period of what was heard last: a coarse search on every other sample (of 8 kHz), then a fine one (§I.2.3)."""
    size = CORRELATED * scale
    coarse = 2 * scale
    best = -1e300
    found = LONGEST * scale
    for lag in range(SHORTEST * scale, LONGEST * scale + 1, coarse):
        likeness = _likeness(source, lag, size, coarse)
        if likeness >= best:
            best = likeness
            found = lag
    middle = found
    best = -1e300
    for lag in range(max(SHORTEST * scale, middle - coarse + 1), min(LONGEST * scale, middle + coarse - 1) + 1):
        likeness = _likeness(source, lag, size, 1)
        if likeness > best:
            best = likeness
            found = lag
    return found


@inner
def _repeated(state: Record, periods: int, offset: int) -> float:
    """One sample of the last `periods` periods, whose last quarter period is blended into what came before the first.

    So the end runs into the beginning without a step (§I.2.4).
    """
    source = state.source
    pitch = state.pitch
    length = periods * pitch
    at = HISTORY - length + offset
    quarter = pitch >> 2
    into = offset - (length - quarter)
    if into < 0:
        return source[at]
    share = (into + 1) / (quarter + 1)
    return source[at] * (1.0 - share) + source[at - length] * share


@inner
def _gain(state: Record, lost: int) -> float:
    """Full for 10 ms, then a fifth less every 10 ms (§I.2.6)."""
    return min(1.0, max(0.0, 1.2 - 0.2 * lost / (TEN_MS * state.scale)))


@inner
def _next(state: Record, lost: int) -> float:
    """The next sample to play over the gap, before fading, when `lost` samples of it are over."""
    quarter = state.pitch >> 2
    value = _repeated(state, state.periods, state.offset)
    since = lost - TEN_MS * state.scale * (state.periods - 1)
    share = (since + 1) / (quarter + 1)
    if since < quarter:
        if state.periods == 1:
            value += state.step * (1.0 - share)
        else:
            before = (state.offset_before + since) % ((state.periods - 1) * state.pitch)
            value = value * share + _repeated(state, state.periods - 1, before) * (1.0 - share)
    state.offset += 1
    if state.offset >= state.periods * state.pitch:
        state.offset = 0
    return value


@njit(cache=True, nogil=True)
def conceal(state: Record, out: Samples) -> None:
    """Make up a lost frame.  state: CONCEALER, changed.  out: (n,) int16, any n, filled in place."""
    ten_ms = TEN_MS * state.scale
    if state.lost == 0 and out.size > 0:
        for i in range(HISTORY):
            state.source[i] = state.history[i]
        state.pitch = _find_pitch(state.source, state.scale)
        state.periods = 1
        state.offset = 0
        state.step = state.source[HISTORY - 1] - state.source[HISTORY - 1 - state.pitch]
    for i in range(out.size):
        lost = state.lost
        gain = _gain(state, lost)
        out[i] = 0
        if gain > 0.0:
            if lost in (ten_ms, 2 * ten_ms):
                # one period more: go on at the same phase in the oldest of them, blended with the way it went so far
                state.offset_before = state.offset
                state.offset %= state.pitch
                state.periods += 1
            out[i] = np.int64(min(max(round(gain * _next(state, lost)), -32768.0), 32767.0))
        state.lost += 1
    _remember(state, out)


@njit(cache=True, nogil=True)
def receive(state: Record, samples: Samples) -> None:
    """Take a good frame in; the first after a gap is changed in place: what was made up fades out under it (§I.2.7).

    state: CONCEALER, changed.  samples: (n,) int16, any n.  Call it for every frame that is played, comfort noise too.
    """
    lost = state.lost
    if lost > 0 and samples.size > 0:
        ten_ms = TEN_MS * state.scale
        more = BLEND_MORE * state.scale * max(0, (lost + ten_ms - 1) // ten_ms - 1)
        length = min((state.pitch >> 2) + more, ten_ms, samples.size)
        gain = _gain(state, lost)
        for i in range(length):
            share = (i + 1) / (length + 1)
            value = samples[i] * share
            if gain > 0.0:
                value += gain * _next(state, lost + i) * (1.0 - share)
            samples[i] = np.int64(min(max(round(value), -32768.0), 32767.0))
        state.lost = 0
    _remember(state, samples)


def new_concealer(rate_hz: int = 8000) -> Record:
    """A concealer's state, ready; keep the record, the kernels change it in place."""
    if rate_hz not in (8000, 16000):
        raise UsageError(f"losses are concealed at 8000 and 16000 Hz, not at {rate_hz}")
    state = np.zeros(1, CONCEALER)[0]
    reset(state, rate_hz)
    return state
