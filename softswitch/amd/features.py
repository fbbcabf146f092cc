"""What is measured on the callee's audio, 10 ms at a time: the speech band's level, and the lines that stand out of it.

Everything is taken from one 256-sample Hann window (32 ms), so a level is smooth and a tone is resolved to 31 Hz. The
band ends at 2450 Hz: what lies above it (fricatives, hiss, a test marker at 2.6-3.4 kHz) takes no part.
"""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]
Window = npt.NDArray[np.float32]
Bands = npt.NDArray[np.float32]

RATE_HZ = 8000
BLOCK = 80
"""Samples in a block: 10 ms, the greatest common divisor of the packet times in use (10, 20, 30, 40 ms)."""
BLOCK_MS = 10.0
WINDOW = 256
HALF = WINDOW // 2
BIN_HZ = RATE_HZ / WINDOW
LOWEST_BIN = 8  # 250 Hz: above mains hum and rumble
HIGHEST_BIN = 78  # 2437 Hz: past the highest fax tone (2100 Hz), short of any marker tone's main lobe
FLOOR_DBOV = -90.0
"""Digital silence reads as this."""
STEP_BLOCKS = 2
STEP_MS = BLOCK_MS * STEP_BLOCKS
"""The network hears the mean of two windows at a time."""
BAND_EDGES = np.array([6, 8, 10, 12, 14, 16, 19, 22, 25, 28, 32, 36, 41, 46, 52, 58, 64, 71, 79])
"""First bins of the bands that the network hears, 190 to 2450 Hz: about a third of a critical band each."""
BANDS = 18

HANN: Floats = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(WINDOW) / WINDOW)
# From one-sided bin powers to the mean square relative to a full-scale square wave (dBov, ITU-T G.100.1).
_POWER_SCALE = 2.0 / (WINDOW * float(np.sum(HANN**2)) * 32768.0**2)
_QUARTER = HALF // 2
_ANGLES: Floats = 2.0 * np.pi * np.arange(HALF) / WINDOW
_COS: Floats = np.cos(_ANGLES)
_SIN: Floats = np.sin(_ANGLES)
# The factors of each stage behind each other: a stage of `span` begins at span - 1.
_STAGES = [2.0 * np.pi * np.arange(span) / (2 * span) for span in (1, 2, 4, 8, 16, 32, 64)]
_STAGE_COS: Floats = np.cos(np.concatenate(_STAGES))
_STAGE_SIN: Floats = np.sin(np.concatenate(_STAGES))
_REVERSED: npt.NDArray[np.int64] = np.array([int(f"{index:07b}"[::-1], 2) for index in range(HALF)])


@njit(cache=True, nogil=True)
def transform(window: Window, real: Floats, imaginary: Floats) -> None:
    """Hann-weighted discrete Fourier transform of one window: bins 0 to 127 of 256.

    window: (256,) float32 samples.  real, imaginary: (128,) float64 or longer, the first 128 overwritten.
    Real samples are transformed in pairs as 128 complex ones (radix 2), and taken apart at the end.
    """
    for index in range(HALF):
        source = 2 * _REVERSED[index]
        real[index] = window[source] * HANN[source]
        imaginary[index] = window[source + 1] * HANN[source + 1]
    span = 1
    while span < HALF:
        for start in range(0, HALF, 2 * span):
            for offset in range(span):
                cosine = _STAGE_COS[span - 1 + offset]
                sine = _STAGE_SIN[span - 1 + offset]
                low = start + offset
                high = low + span
                turned_real = real[high] * cosine + imaginary[high] * sine
                turned_imaginary = imaginary[high] * cosine - real[high] * sine
                real[high] = real[low] - turned_real
                imaginary[high] = imaginary[low] - turned_imaginary
                real[low] += turned_real
                imaginary[low] += turned_imaginary
        span *= 2
    real[0] += imaginary[0]
    imaginary[0] = 0.0
    for low in range(1, _QUARTER + 1):
        high = HALF - low
        even_real = 0.5 * (real[low] + real[high])
        even_imaginary = 0.5 * (imaginary[low] - imaginary[high])
        odd_real = 0.5 * (imaginary[low] + imaginary[high])
        odd_imaginary = 0.5 * (real[high] - real[low])
        turned_real = odd_real * _COS[low] + odd_imaginary * _SIN[low]
        turned_imaginary = odd_imaginary * _COS[low] - odd_real * _SIN[low]
        real[low] = even_real + turned_real
        imaginary[low] = even_imaginary + turned_imaginary
        real[high] = even_real - turned_real
        imaginary[high] = turned_imaginary - even_imaginary


@njit(cache=True, nogil=True)
def strongest_line(power: Floats, skip_from: int, skip_to: int) -> int:
    """Bin of the greatest power in the band outside [skip_from, skip_to], or -1."""
    best = -1
    for index in range(LOWEST_BIN, HIGHEST_BIN + 1):
        if skip_from <= index <= skip_to:
            continue
        if best < 0 or power[index] > power[best]:
            best = index
    return best


@njit(cache=True, nogil=True)
def line(power: Floats, peak: int) -> tuple[float, float]:
    """(frequency in Hz, power) of the spectral line around a peak bin; the Hann main lobe is two bins either side."""
    total = 0.0
    moment = 0.0
    for index in range(max(peak - 2, 1), min(peak + 3, HALF)):
        total += power[index]
        moment += power[index] * index
    if total <= 0.0:
        return 0.0, 0.0
    return moment / total * BIN_HZ, total


@njit(cache=True, nogil=True)
def spectrum(window: Window, real: Floats, imaginary: Floats) -> float:
    """Power in bins 0 to 127 of one window, left in `real`; returns the band's, unscaled.

    window: (256,) float32 samples.  real, imaginary: (128,) float64 or longer, scratch.
    """
    transform(window, real, imaginary)
    band = 0.0
    for index in range(HALF):
        real[index] = real[index] * real[index] + imaginary[index] * imaginary[index]
        if LOWEST_BIN - 2 <= index <= HIGHEST_BIN:
            band += real[index]
    return band


@njit(cache=True, nogil=True)
def level_of(band: float) -> float:
    """Level in dBov of the band's unscaled power."""
    scaled = band * _POWER_SCALE
    return FLOOR_DBOV if scaled < 1e-9 else 10.0 * math.log10(scaled)


@njit(cache=True, nogil=True)
def lines(power: Floats, band: float) -> tuple[float, float, float, float, float]:
    """Level and lines of a window's power; the first line is taken out of `power`.

    Returns (level in dBov, first line in Hz, its share of the band's power, second line in Hz, its share).
    """
    level = band * _POWER_SCALE
    if level < 1e-9:
        return FLOOR_DBOV, 0.0, 0.0, 0.0, 0.0
    first = strongest_line(power, HALF, HALF)
    first_hz, first_power = line(power, first)
    second = strongest_line(power, first - 3, first + 3)
    second_hz, second_power = 0.0, 0.0
    if second >= 0:
        # Lobes that touch share bins: the first line keeps what it claimed.
        for index in range(max(first - 2, 1), min(first + 3, HALF)):
            power[index] = 0.0
        second_hz, second_power = line(power, second)
    return 10.0 * math.log10(level), first_hz, first_power / band, second_hz, second_power / band


@njit(cache=True, nogil=True)
def measure(window: Window, real: Floats, imaginary: Floats) -> tuple[float, float, float, float, float]:
    """Level and lines of one window: `lines` of its `spectrum`."""
    return lines(real, spectrum(window, real, imaginary))


@njit(cache=True, nogil=True)
def add_bands(power: Floats, bands: Bands) -> float:
    """Add half a step's power to the bands that the network hears.

    power: (128,) as `spectrum` leaves it.  bands: (BANDS,) float32, mean squares, 1 = 0 dBov.
    Returns half the share of the strongest bin in all of them: 0.5 / 73 for a flat spectrum, 0.33 for a line.
    """
    total = 0.0
    strongest = 0.0
    for band in range(BANDS):
        summed = 0.0
        for index in range(BAND_EDGES[band], BAND_EDGES[band + 1]):
            summed += power[index]
            strongest = max(strongest, power[index])
        bands[band] += 0.5 * summed * _POWER_SCALE
        total += summed
    return 0.5 * strongest * _POWER_SCALE / (total * _POWER_SCALE + 1e-8)
