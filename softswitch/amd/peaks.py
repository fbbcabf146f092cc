"""Peaks of a spectrum that stand out of what lies beside them: where a line may begin or go on."""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import carray, njit

from softswitch.amd.features import BIN_HZ, FAST, decibels
from softswitch.amd.scratch import floats

Spectrum = npt.NDArray[np.float32]
Record = Any  # one row of `lines.LINES`; NumPy has no static type for it

SLOTS = 3
"""Peaks found at once."""
BINS = 77
"""Bins kept: those of the lines, and what lies beside the highest."""
LOWEST, HIGHEST = 10, 70  # peaks at 312 to 2,187 Hz
TOTAL_FROM, TOTAL_TO = 6, 112  # 190 to 3,500 Hz: all that a telephone carries
LEAST_POWER = 1e7  # a sine at -61 dBFS in the 256-sample Hann window of 16-bit samples
LEAST_SHARE = 0.05
LEAST_PROMINENCE = np.float32(5.0)
BESIDE = np.float32(2.5)  # five bins, by two
LEAST = np.float32(1e-3)


@njit(cache=True, nogil=True)
def _peak_hz(power: Spectrum, peak: int) -> float:
    """A peak's frequency, by a parabola through the logarithms of its three bins."""
    left = decibels(power[peak - 1] + LEAST)
    middle = decibels(power[peak] + LEAST)
    right = decibels(power[peak + 1] + LEAST)
    bend = float(left - middle) + float(right - middle)
    if bend >= -1e-9:
        return peak * BIN_HZ
    return (peak + max(-0.5, min(0.5, 0.5 * (left - right) / bend))) * BIN_HZ


@njit(cache=True, nogil=True)
def power_beside(power: Spectrum, peak: int) -> float:
    """What five bins would hold if the peak were not there, by its quieter side: a tone may have a second frequency."""
    beside: float = BESIDE * min(power[peak - 6] + power[peak - 5], power[peak + 5] + power[peak + 6])
    return beside


@njit(cache=True, nogil=True)
def power_of(power: Spectrum, peak: int) -> float:
    """What the five bins of a peak hold."""
    held: float = power[peak - 2] + power[peak - 1] + power[peak] + power[peak + 1] + power[peak + 2]
    return held


@njit(cache=True, nogil=True, fastmath=FAST)
def _weigh_peaks(smooth: Spectrum, least: float, held: Spectrum) -> None:
    """What each peak that stands out holds, 0 for the other bins.  held: (BINS,)."""
    for k in range(LOWEST, HIGHEST + 1):
        power = smooth[k - 2] + smooth[k - 1] + smooth[k] + smooth[k + 1] + smooth[k + 2]
        quieter = min(smooth[k - 6] + smooth[k - 5], smooth[k + 5] + smooth[k + 6])
        peak = (smooth[k] > smooth[k - 1]) & (smooth[k] >= smooth[k + 1])
        stands_out = (power >= least) & (power >= LEAST_PROMINENCE * BESIDE * quieter)
        held[k] = power if peak & stands_out else np.float32(0.0)


@njit(cache=True, nogil=True)
def find_peaks(lines: Record) -> None:
    """The most powerful peaks that stand out, the first the most powerful; a bin of 0 for none."""
    bins, powers = lines.peak_bins, lines.peak_powers
    bins[:] = 0
    if lines.total < LEAST_POWER:
        return  # no peak holds as much
    held = carray(floats(BINS), (BINS,))
    _weigh_peaks(lines.smooth, np.float32(max(LEAST_POWER, LEAST_SHARE * lines.total)), held)
    powers[:] = 0.0
    least_kept = np.float32(0.0)
    for peak in range(LOWEST, HIGHEST + 1):
        if held[peak] <= least_kept:
            continue
        place = SLOTS - 1
        while place > 0 and held[peak] > powers[place - 1]:
            powers[place] = powers[place - 1]
            bins[place] = bins[place - 1]
            place -= 1
        powers[place] = held[peak]
        bins[place] = peak
        least_kept = powers[SLOTS - 1]
    for place in range(SLOTS):
        if bins[place] > 0:
            lines.peak_hzs[place] = _peak_hz(lines.smooth, bins[place])
