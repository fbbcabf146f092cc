"""What is measured on the callee's audio: the spectrum of 32 ms every 10 ms, and its power in the bands of the voice.

Everything is taken from one 256-sample Hann window, so a level is smooth and a tone is resolved to 31 Hz. The bands end
at 2450 Hz: what lies above (fricatives, hiss, a test marker at 2.6-3.4 kHz) takes no part. Float32 throughout.
"""

import math

import numpy as np
import numpy.typing as npt
from numba import carray, njit

from softswitch.amd.scratch import floats

Floats = npt.NDArray[np.float64]
Window = npt.NDArray[np.int16]
Power = npt.NDArray[np.float32]
Bands = npt.NDArray[np.float32]

FAST = {"reassoc", "contract", "nsz"}
"""Sums in any order, products added at once: what a compiler needs to use vectors. NaN and infinity stay."""

RATE_HZ = 8000
BLOCK = 80
"""Samples in a block: 10 ms, the greatest common divisor of the packet times in use (10, 20, 30, 40 ms)."""
BLOCK_MS = 10.0
WINDOW = 256
HALF = WINDOW // 2
BIN_HZ = RATE_HZ / WINDOW
FLOOR_DBOV, LEAST_TOTAL = -90.0, 1e-9
"""Digital silence reads as this."""
STEP_BLOCKS = 2
STEP_MS = BLOCK_MS * STEP_BLOCKS
"""The network hears the mean of two windows at a time."""
BAND_EDGES = np.array([6, 8, 10, 12, 14, 16, 19, 22, 25, 28, 32, 36, 41, 46, 52, 58, 64, 71, 79])
"""First bins of the bands that the network hears, 190 to 2450 Hz: about a third of a critical band each."""
BANDS = 18

HANN: Floats = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW)
# From one-sided bin powers to the mean square relative to a full-scale square wave (dBov, ITU-T G.100.1).
POWER_SCALE = 2.0 / (WINDOW * float(np.sum(HANN**2)) * 32768.0**2)
_SCALE = np.float32(POWER_SCALE)
_STAGES = 7  # 2 ** 7 = HALF
_QUARTER = HALF // 2
_HALF_SCALE, _ONE = np.float32(0.5), np.float32(1.0)
_THIRD, _FIFTH, _SEVENTH = np.float32(1 / 3), np.float32(1 / 5), np.float32(1 / 7)
_DB_AN_OCTAVE, _DB_A_RATIO = np.float32(10.0 * math.log10(2.0)), np.float32(20.0 / math.log(10.0))
_ROOT_HALF_BITS, _MANTISSA_BITS = np.int32(np.float32(math.sqrt(0.5)).view(np.int32)), np.int32(23)  # IEEE 754 binary32
_REVERSED = np.array([int(f"{index:07b}"[::-1], 2) for index in range(HALF)])
_EVEN, _ODD = (2 * _REVERSED).astype(np.uint64), (2 * _REVERSED + 1).astype(np.uint64)
_HANN_EVEN, _HANN_ODD = HANN[2 * _REVERSED].astype(np.float32), HANN[2 * _REVERSED + 1].astype(np.float32)
# The factor of each pair in each stage: after stage s the outputs k of all groups lie side by side, 2 ** (s + 1) of k.
_STAGE_ANGLES = np.array(
    [[-np.pi * (pair // (_QUARTER >> stage)) / (1 << stage) for pair in range(_QUARTER)] for stage in range(_STAGES)]
)
_STAGE_COS, _STAGE_SIN = np.cos(_STAGE_ANGLES).astype(np.float32), np.sin(_STAGE_ANGLES).astype(np.float32)
_ANGLES = -2.0 * np.pi * np.arange(_QUARTER + 1) / WINDOW
_COS, _SIN = np.cos(_ANGLES).astype(np.float32), np.sin(_ANGLES).astype(np.float32)


@njit(cache=True, nogil=True, fastmath=FAST, inline="always")
def _join(cosines: Power, sines: Power, real: Power, imaginary: Power, to_real: Power, to_imaginary: Power) -> None:
    """Join neighbours (2j, 2j + 1) into (j, j + 64): every stage goes through memory alike, and so in vectors."""
    for pair in range(_QUARTER):
        low_real, low_imaginary = real[2 * pair], imaginary[2 * pair]
        high_real, high_imaginary = real[2 * pair + 1], imaginary[2 * pair + 1]
        turned_real = high_real * cosines[pair] - high_imaginary * sines[pair]
        turned_imaginary = high_real * sines[pair] + high_imaginary * cosines[pair]
        to_real[pair] = low_real + turned_real
        to_imaginary[pair] = low_imaginary + turned_imaginary
        to_real[pair + _QUARTER] = low_real - turned_real
        to_imaginary[pair + _QUARTER] = low_imaginary - turned_imaginary


@njit(cache=True, nogil=True, fastmath=FAST)
def _take_apart(real: Power, imaginary: Power, upper: Power, power: Power) -> None:
    """Squared magnitudes of 256 real samples' bins from the transform of their 128 pairs.  upper: (128,), scratch."""
    dc = real[0] + imaginary[0]
    power[0] = dc * dc
    for low in range(1, _QUARTER + 1):
        high = HALF - low
        even_real = _HALF_SCALE * (real[low] + real[high])
        even_imaginary = _HALF_SCALE * (imaginary[low] - imaginary[high])
        odd_real = _HALF_SCALE * (imaginary[low] + imaginary[high])
        odd_imaginary = _HALF_SCALE * (real[high] - real[low])
        turned_real = odd_real * _COS[low] - odd_imaginary * _SIN[low]
        turned_imaginary = odd_real * _SIN[low] + odd_imaginary * _COS[low]
        sum_real, sum_imaginary = even_real + turned_real, even_imaginary + turned_imaginary
        rest_real, rest_imaginary = even_real - turned_real, even_imaginary - turned_imaginary
        power[low] = sum_real * sum_real + sum_imaginary * sum_imaginary
        upper[low] = rest_real * rest_real + rest_imaginary * rest_imaginary
    for low in range(1, _QUARTER):
        power[HALF - low] = upper[low]


@njit(cache=True, nogil=True, fastmath=FAST)
def spectrum(window: Window, power: Power) -> None:
    """Squared magnitudes of bins 0 to 127 of the Hann-weighted discrete Fourier transform.

    window: (256,) int16 samples.  power: (128,) float32, overwritten.
    Real samples are transformed in pairs as 128 complex ones (radix 2, constant geometry), and taken apart at the end.
    """
    real, imaginary = carray(floats(HALF), (HALF,)), carray(floats(HALF), (HALF,))
    next_real, next_imaginary = carray(floats(HALF), (HALF,)), carray(floats(HALF), (HALF,))
    for index in range(HALF):
        real[index] = np.float32(window[_EVEN[index]]) * _HANN_EVEN[index]
        imaginary[index] = np.float32(window[_ODD[index]]) * _HANN_ODD[index]
    for stage in range(_STAGES):
        _join(_STAGE_COS[stage], _STAGE_SIN[stage], real, imaginary, next_real, next_imaginary)
        real, next_real = next_real, real
        imaginary, next_imaginary = next_imaginary, imaginary
    _take_apart(real, imaginary, next_real, power)


@njit(cache=True, nogil=True, fastmath=FAST)
def decibels(power: float) -> np.float32:
    """10 log10 of a float32 above 0, within 2e-5 dB: four times as fast as the library's, and by eight at once.

    The exponent is read off; the rest, from 0.71 to 1.41, goes by the series of the area hyperbolic tangent.
    """
    bits = np.float32(power).view(np.int32)
    exponent = np.int32(np.int32(bits - _ROOT_HALF_BITS) >> _MANTISSA_BITS)
    mantissa = np.int32(bits - np.int32(exponent << _MANTISSA_BITS)).view(np.float32)
    ratio = (mantissa - _ONE) / (mantissa + _ONE)
    squared = ratio * ratio
    series = _ONE + squared * (_THIRD + squared * (_FIFTH + squared * _SEVENTH))
    return np.float32(exponent) * _DB_AN_OCTAVE + _DB_A_RATIO * ratio * series


@njit(cache=True, nogil=True)
def level_of(total: float) -> float:
    """Level in dBov of a mean square, 1 = 0 dBov; at least `FLOOR_DBOV`."""
    return FLOOR_DBOV if total < LEAST_TOTAL else float(decibels(total))


@njit(cache=True, nogil=True, fastmath=FAST)
def add_bands(power: Power, bands: Bands) -> tuple[float, float]:
    """Add half a step's power to the bands that the network hears.

    power: (128,) as `spectrum` leaves it.  bands: (BANDS,) float32, mean squares, 1 = 0 dBov.
    Returns the mean square in all of them, and half the share of the strongest bin: 0.5 / 73 for a flat spectrum, 0.33
    for a line.
    """
    total = np.float32(0.0)
    strongest = np.float32(0.0)
    for band in range(BANDS):
        summed = np.float32(0.0)
        for index in range(BAND_EDGES[band], BAND_EDGES[band + 1]):
            summed += power[index]
            strongest = max(strongest, power[index])
        bands[band] += _HALF_SCALE * summed * _SCALE
        total += summed
    scaled = float(total) * POWER_SCALE
    return scaled, 0.5 * float(strongest) * POWER_SCALE / (scaled + 1e-8)
