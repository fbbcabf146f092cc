"""How loud a frame is, in dBov: decibels below a full-scale square wave (RFC 6464 §3, ITU-T G.100.1)."""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

FLOOR_DBOV = -127.0  # RFC 6464 §3: digital silence
FULL_SCALE_POWER = 32768.0 * 32768.0


@njit(cache=True, nogil=True)
def frame_dbov(samples: npt.NDArray[np.int16]) -> float:
    """Level of one frame, -127 (digital silence) to 0.

    samples: (n,) int16, any n; an empty frame is silent.  The mean is not removed: G.711 lines carry no DC.
    """
    if samples.size == 0:
        return FLOOR_DBOV
    total = 0.0
    for i in range(samples.size):
        total += np.float64(samples[i]) * np.float64(samples[i])
    if total == 0.0:
        return FLOOR_DBOV
    level = 10.0 * math.log10(total / samples.size / FULL_SCALE_POWER)
    return max(level, FLOOR_DBOV)
