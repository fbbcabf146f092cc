"""The power spectrum of 64 ms at 8 kHz under a Hann window: 257 bins of 15.625 Hz, by a radix-2 transform."""

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]

SPAN = 512
HALF = SPAN // 2
BINS = HALF + 1
BIN_HZ = 8000.0 / SPAN

HANN = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(SPAN) + 0.5) / SPAN)
LOBE = HALF * float(np.sum(HANN**2))
"""A sine of power p leaves p × LOBE in the bins around its frequency."""
_TURN = -2 * np.pi * np.arange(HALF + 1) / SPAN
TWIDDLE_REAL = np.cos(_TURN)
TWIDDLE_IMAGINARY = np.sin(_TURN)
REVERSED = np.array([int(f"{index:08b}"[::-1], 2) for index in range(HALF)], np.int64)


@njit(cache=True, nogil=True)
def power_spectrum(samples: Floats, real: Floats, imaginary: Floats, power: Floats) -> None:
    """Fill `power` with the squared magnitudes of the windowed samples' transform.

    samples: (512,) float64.  real, imaginary: (256,) float64, working space.  power: (257,) float64.
    """
    # two real samples make one complex one, so that a transform of 256 does
    for n in range(HALF):
        to = REVERSED[n]
        real[to] = samples[2 * n] * HANN[2 * n]
        imaginary[to] = samples[2 * n + 1] * HANN[2 * n + 1]
    size = 1
    while size < HALF:
        stride = HALF // size  # through the twiddles of 512
        for start in range(0, HALF, 2 * size):
            for k in range(size):
                w_real = TWIDDLE_REAL[k * stride]
                w_imaginary = TWIDDLE_IMAGINARY[k * stride]
                i = start + k
                j = i + size
                t_real = w_real * real[j] - w_imaginary * imaginary[j]
                t_imaginary = w_real * imaginary[j] + w_imaginary * real[j]
                real[j] = real[i] - t_real
                imaginary[j] = imaginary[i] - t_imaginary
                real[i] += t_real
                imaginary[i] += t_imaginary
        size *= 2
    for k in range(BINS):
        i = k % HALF
        j = (HALF - k) % HALF
        even_real = 0.5 * (real[i] + real[j])
        even_imaginary = 0.5 * (imaginary[i] - imaginary[j])
        odd_real = 0.5 * (imaginary[i] + imaginary[j])
        odd_imaginary = 0.5 * (real[j] - real[i])
        x = even_real + TWIDDLE_REAL[k] * odd_real - TWIDDLE_IMAGINARY[k] * odd_imaginary
        y = even_imaginary + TWIDDLE_REAL[k] * odd_imaginary + TWIDDLE_IMAGINARY[k] * odd_real
        power[k] = x * x + y * y


@njit(cache=True, nogil=True)
def peak_hz(power: Floats, k: int) -> float:
    """The frequency of a peak at bin k, by a parabola through the logarithms of its three bins."""
    left = np.log(power[k - 1] + 1e-9)
    middle = np.log(power[k] + 1e-9)
    right = np.log(power[k + 1] + 1e-9)
    bend = left - 2.0 * middle + right
    if bend >= 0.0:
        return k * BIN_HZ
    return (k + 0.5 * (left - right) / bend) * BIN_HZ
