"""Whether a spectral line that has ended was a beep: a small network on its description (`lines.describe`).

A vowel drifts and has its harmonics beside it, a note rings on into others; a beep rises from quiet, stays and stops.
Trained by `python bench/amd_beeps.py ../shared/amd/dev`, cross-validated by clip.
"""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from softswitch.amd.beep_weights import INPUT, INPUT_BIAS, OUTPUT, OUTPUT_BIAS

Floats = npt.NDArray[np.float32]


@njit(cache=True, nogil=True)
def _between(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


@njit(cache=True, nogil=True)
def prepare(description: Floats, out: Floats) -> None:
    """Bring a description into ranges that a network can weigh. description, out: (20,) float32."""
    out[0] = math.log(max(description[0], 1.0))
    out[1] = description[1]
    out[2] = description[2] / 1000.0
    out[3] = math.log(description[3] + 0.3)
    out[4] = math.log10(_between(description[4], 0.003, 1.0) / (1.003 - _between(description[4], 0.0, 1.0)))
    out[5] = description[5]
    out[6] = description[6]
    out[7] = _between(description[7], 0.0, 3.0)
    out[8] = abs(_between(description[9], -30.0, 30.0)) / 10.0
    out[9] = _between(description[9], -30.0, 10.0) / 10.0
    out[10] = math.log(description[10] + 0.1)
    out[11] = _between(description[11], -10.0, 30.0) / 10.0
    out[12] = _between(description[12], -10.0, 30.0) / 10.0
    out[13] = _between(description[13], -10.0, 20.0) / 10.0
    out[14] = _between(description[14], 5.0, 40.0) / 10.0
    out[15] = _between(description[15], -30.0, 10.0) / 10.0
    out[16] = math.log(abs(description[16]) + 0.3)
    out[17] = description[17]
    out[18] = description[18] / 5.0
    out[19] = _between(description[19], 0.0, 12.0) / 5.0


@njit(cache=True, nogil=True)
def likelihood(description: Floats, prepared: Floats) -> float:
    """The log odds that the line was a beep. description: (20,) float32.  prepared: (20,) float32, working space."""
    prepare(description, prepared)
    odds = float(OUTPUT_BIAS[0])
    for unit in range(OUTPUT.size):
        activity = float(INPUT_BIAS[unit])
        for index in range(prepared.size):
            activity += prepared[index] * INPUT[index, unit]
        if activity > 0.0:
            odds += activity * OUTPUT[unit]
    return odds
