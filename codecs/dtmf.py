"""Keys pressed in the voice band (ITU-T Q.23): hearing them within Q.24's tolerances, and making them. 8 kHz.

Every 10 ms the last 20 ms are measured under two overlapping windows. A key is heard in them when one row and one
column hold nearly all of the power from end to end, each steady and within 2.5 % of its frequency (Q.24 wants 1.5 %
taken and 3.5 % refused), and neither much stronger than the other. The frequency is told by how far its phase turns
from one window to the next. Two such measurements in a row are a key (tones of 40 ms always give two, those under 23 ms
never); four without it are the key's end (gaps of 40 ms always give four, breaks of 10 ms never).
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from softswitch.codecs.compiling import inner
from softswitch.codecs.tones import add_sine, amplitude_at

from softswitch.errors import UsageError

Samples = npt.NDArray[np.int16]
Floats = npt.NDArray[np.float64]
Record = Any

RATE_HZ = 8000
KEYS = "0123456789*#ABCD"
"""A key's place here is its code, as in RFC 4733 §3.2."""
ROWS_HZ = np.array([697.0, 770.0, 852.0, 941.0])
COLUMNS_HZ = np.array([1209.0, 1336.0, 1477.0, 1633.0])
_LAYOUT = ("123A", "456B", "789C", "*0#D")
CODES = np.array([[KEYS.index(key) for key in row] for row in _LAYOUT], np.int64)
KEY_ROWS = np.array([next(i for i, row in enumerate(_LAYOUT) if key in row) for key in KEYS], np.int64)
KEY_COLUMNS = np.array([next(row.index(key) for row in _LAYOUT if key in row) for key in KEYS], np.int64)

SPAN, HOP, WINDOW, SHIFT = 160, 80, 120, 40
FREQUENCY_TOLERANCE = 0.025
LEAST_SHARE = 0.80
"""Of the power, both tones together: a signal-to-noise ratio of 6 dB."""
FORWARD_TWIST, REVERSE_TWIST = 10**0.65, 10**0.9
"""How much stronger the column (6.5 dB) or the row (9 dB) may be; Q.24's table has 4-6 and 5-8, Australia's 10."""
STEADINESS = 10**0.25
"""By how much a tone's power may differ between the two windows: 2.5 dB."""
LEAST_POWER = 32768.0**2 * 10 ** ((-38 - 6.18) / 10)
"""Of either tone: -38 dBm0, where 0 dBm0 is 6.18 dB below 0 dBov (ITU-T G.711 table 1, note)."""
END, LEAST_AT_END = 30, 0.3
"""The share of the tones' power that the first and the last 3.75 ms must hold: one beat of the closest pair."""
HEARD, OVER = 2, 4

_HANN = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)
_ALL_HZ = np.concatenate([ROWS_HZ, COLUMNS_HZ])
_TURNS = 2 * np.pi * _ALL_HZ[:, None] / RATE_HZ * np.arange(WINDOW)[None, :]
COSINES = np.ascontiguousarray(_HANN * np.cos(_TURNS))
SINES = np.ascontiguousarray(_HANN * np.sin(_TURNS))
HANN_SQUARED = _HANN * _HANN
HANN_SUM = float(_HANN.sum())
HANN_ENERGY = float(HANN_SQUARED.sum())

DTMF = np.dtype(
    [
        ("span", "f8", (SPAN,)),  # the last 20 ms, newest last
        ("waiting", "i8"),  # samples since the last measurement
        ("candidate", "i8"),  # what the last measurement heard, or -1
        ("matches", "i8"),  # how often in a row
        ("misses", "i8"),  # measurements without the pressed key
        ("pressed", "i8"),  # the key that is down, or -1
        ("held_samples", "i8"),  # for how long it has been heard; kept after its end
        ("tones", "f8", (8, 4)),  # of the last measurement: real and imaginary parts in both windows
    ],
    align=True,
)


@njit(cache=True, nogil=True)
def reset(state: Record) -> None:
    """Make a detector's record ready: silence before, no key down."""
    state.span[:] = 0.0
    state.waiting = 0
    state.candidate = -1
    state.matches = 0
    state.misses = 0
    state.pressed = -1
    state.held_samples = 0
    state.tones[:] = 0.0


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _dot(table: Floats, span: Floats, start: int) -> float:
    total = 0.0
    for i in range(WINDOW):
        total += table[i] * span[start + i]
    return total


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _weighted_energy(span: Floats, start: int) -> float:
    total = 0.0
    for i in range(WINDOW):
        total += HANN_SQUARED[i] * span[start + i] * span[start + i]
    return total


@inner
def _energy(span: Floats, start: int) -> float:
    total = 0.0
    for i in range(start, start + END):
        total += span[i] * span[i]
    return total


@inner
def _response(offset_hz: float) -> float:
    """The power that the window leaves of a tone beside its centre."""
    bins = offset_hz * WINDOW / RATE_HZ
    if abs(bins) < 1e-6:
        return 1.0
    amplitude = math.sin(math.pi * bins) / (math.pi * bins) / (1.0 - bins * bins)
    return amplitude * amplitude


@inner
def _measure(state: Record) -> int:
    """The key whose tones fill the span, or -1."""
    span = state.span
    first = _weighted_energy(span, 0)
    second = _weighted_energy(span, SHIFT)
    if min(first, second) < 2.0 * LEAST_POWER * HANN_ENERGY:
        return -1
    tones = state.tones
    row = 0
    column = 4
    for k in range(8):
        tones[k, 0] = _dot(COSINES[k], span, 0)
        tones[k, 1] = _dot(SINES[k], span, 0)
        tones[k, 2] = _dot(COSINES[k], span, SHIFT)
        tones[k, 3] = _dot(SINES[k], span, SHIFT)
        power = tones[k, 0] ** 2 + tones[k, 1] ** 2 + tones[k, 2] ** 2 + tones[k, 3] ** 2
        best = row if k < 4 else column
        if power > tones[best, 0] ** 2 + tones[best, 1] ** 2 + tones[best, 2] ** 2 + tones[best, 3] ** 2:
            if k < 4:
                row = k
            else:
                column = k
    row_power = _tone_power(state, row, ROWS_HZ[row])
    column_power = _tone_power(state, column, COLUMNS_HZ[column - 4])
    if row_power < LEAST_POWER or column_power < LEAST_POWER:
        return -1
    if column_power > FORWARD_TWIST * row_power or row_power > REVERSE_TWIST * column_power:
        return -1
    power = row_power + column_power
    if power < LEAST_SHARE * (first + second) / (2.0 * HANN_ENERGY):
        return -1
    if min(_energy(span, 0), _energy(span, SPAN - END)) < LEAST_AT_END * END * power:
        return -1
    code: int = CODES[row, column - 4]
    return code


@inner
def _tone_power(state: Record, k: int, frequency_hz: float) -> float:
    """The mean power of a tone over both windows; 0 when it is too far off its frequency or unsteady."""
    tones = state.tones
    real, imaginary, later_real, later_imaginary = tones[k, 0], -tones[k, 1], tones[k, 2], -tones[k, 3]
    turned = math.atan2(
        later_imaginary * real - later_real * imaginary, later_real * real + later_imaginary * imaginary
    )
    excess = turned - 2.0 * math.pi * frequency_hz * SHIFT / RATE_HZ
    excess -= 2.0 * math.pi * round(excess / (2.0 * math.pi))
    offset_hz = excess * RATE_HZ / (2.0 * math.pi * SHIFT)
    if abs(offset_hz) > FREQUENCY_TOLERANCE * frequency_hz:
        return 0.0
    earlier = real * real + imaginary * imaginary
    later = later_real * later_real + later_imaginary * later_imaginary
    if earlier > STEADINESS * later or later > STEADINESS * earlier:
        return 0.0
    # a sine of peak A leaves (A × HANN_SUM / 2)²; its power is A² / 2
    return (earlier + later) / (HANN_SUM * HANN_SUM) / _response(offset_hz)


@njit(cache=True, nogil=True)
def receive_frame(state: Record, samples: Samples) -> int:
    """Listen to a frame; the code (0..15) of a key that has just been recognized, else -1.  Each press is given once.

    state: DTMF, changed; `pressed` is the key that is down or -1, `held_samples` how long it has been heard.
    samples: (n,) int16 at 8 kHz, at most 40 ms, so that no two keys fall into one frame.
    """
    recognized = -1
    span = state.span
    for i in range(samples.size):
        span[SPAN - HOP + state.waiting] = samples[i]
        state.waiting += 1
        if state.waiting < HOP:
            continue
        code = _measure(state)
        for k in range(SPAN - HOP):
            span[k] = span[k + HOP]
        state.waiting = 0
        if code >= 0 and code == state.candidate:
            state.matches += 1
        else:
            state.candidate = code
            state.matches = 1
        if state.pressed >= 0:
            if code == state.pressed:
                state.held_samples += HOP * (1 + state.misses)
                state.misses = 0
            else:
                state.misses += 1
                if state.misses >= OVER:
                    state.pressed = -1
        if code >= 0 and code != state.pressed and state.matches >= HEARD:
            state.pressed = code
            state.misses = 0
            state.held_samples = SPAN + HOP * (HEARD - 1)
            recognized = code
    return recognized


@njit(cache=True, nogil=True)
def press(out: Samples, code: int, start: int, level_dbov: float) -> None:
    """Write a piece of a key's two tones over `out`.

    out: (n,) int16 at 8 kHz.  code: 0..15.  start: how many samples of the tone came before.  level_dbov: of each tone.
    """
    out[:] = 0
    amplitude = min(16383.0, 32768.0 * math.sqrt(2.0) * 10.0 ** (level_dbov / 20.0))
    add_sine(out, ROWS_HZ[KEY_ROWS[code]], amplitude, start, float(RATE_HZ))
    add_sine(out, COLUMNS_HZ[KEY_COLUMNS[code]], amplitude, start, float(RATE_HZ))


def new_detector() -> Record:
    """A detector's state, ready; keep the record, the kernels change it in place."""
    state = np.zeros(1, DTMF)[0]
    reset(state)
    return state


def dial(keys: str, tone_ms: int = 80, gap_ms: int = 80, level_dbov: float = -16.0) -> Samples:
    """Key tones one after the other, each followed by a gap; (8 × len(keys) × (tone_ms + gap_ms),) int16.

    UsageError for a key that a telephone does not have, or tones so loud that two of them do not fit into 16 bits.
    """
    unknown = set(keys.upper()) - set(KEYS)
    if unknown:
        raise UsageError(f"a telephone has the keys {KEYS}, not {', '.join(sorted(unknown))}")
    if amplitude_at(level_dbov) > 16383.0:
        raise UsageError(f"two tones of {level_dbov} dBov do not fit into 16 bits; use -9.1 or less")
    each = RATE_HZ // 1000 * (tone_ms + gap_ms)
    out = np.zeros(each * len(keys), np.int16)
    for index, key in enumerate(keys.upper()):
        piece = out[index * each : index * each + RATE_HZ // 1000 * tone_ms]
        press(piece, KEYS.index(key), 0, level_dbov)
    return out
