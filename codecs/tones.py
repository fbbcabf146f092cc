"""Tones at the telephone's 8 kHz: making them, and telling one from speech and noise (Goertzel's algorithm)."""

import math

import numpy as np
import numpy.typing as npt
from numba import njit

from softswitch.errors import UsageError

RATE_HZ = 8000
Samples = npt.NDArray[np.int16]


@njit(cache=True, nogil=True)
def add_sine(out: Samples, frequency_hz: float, amplitude: float, start: int, rate_hz: float) -> None:
    """Add a sine to what `out` holds, clipped to 16 bits.

    out: (n,) int16, changed in place.  amplitude: the peak, 0..32767.  start: the phase, as the index of `out[0]`.
    """
    step = 2.0 * math.pi * frequency_hz / rate_hz
    for i in range(out.size):
        value = np.float64(out[i]) + amplitude * math.sin(step * (start + i))
        out[i] = np.int16(min(max(round(value), -32768), 32767))


@njit(cache=True, nogil=True)
def goertzel_power(samples: Samples, frequency_hz: float, rate_hz: float) -> float:
    """Mean power (linear, full-scale square wave = 32768²) that `samples` hold at one frequency.

    samples: (n,) int16.  A sine of peak A gives A²/2.  Resolution is rate_hz / n.
    """
    if samples.size == 0:
        return 0.0
    omega = 2.0 * math.pi * frequency_hz / rate_hz
    coefficient = 2.0 * math.cos(omega)
    before = 0.0
    last = 0.0
    for i in range(samples.size):
        now = np.float64(samples[i]) + coefficient * last - before
        before = last
        last = now
    power: float = last * last + before * before - coefficient * last * before
    return 2.0 * power / (np.float64(samples.size) * np.float64(samples.size))


@njit(cache=True, nogil=True)
def tone_share(samples: Samples, frequency_hz: float, rate_hz: float) -> float:
    """The share (0..1) of the samples' power that lies at one frequency; 0 for silence."""
    total = 0.0
    for i in range(samples.size):
        total += np.float64(samples[i]) * np.float64(samples[i])
    if total == 0.0:
        return 0.0
    share: float = goertzel_power(samples, frequency_hz, rate_hz) * samples.size / total
    return min(1.0, share)


def amplitude_at(level_dbov: float) -> float:
    """The peak of a sine at a level: 0 dBov is a full-scale square wave, so the loudest sine is at -3.01 dBov."""
    return min(32767.0, 32768.0 * math.sqrt(2.0) * 10.0 ** (level_dbov / 20.0))


def tone(frequencies_hz: tuple[float, ...], duration_ms: int, level_dbov: float = -20.0, ramp_ms: int = 5) -> Samples:
    """Make a tone of one or several sines at 8 kHz, each at `level_dbov`; (8 × duration_ms,) int16.

    The ends are ramped over `ramp_ms` so that a tone does not click.  UsageError for a frequency beyond 0..4000 Hz.
    """
    if any(not 0 < frequency < RATE_HZ / 2 for frequency in frequencies_hz):
        raise UsageError(f"a tone at {RATE_HZ} Hz holds frequencies from 0 to {RATE_HZ // 2} Hz, not {frequencies_hz}")
    out = np.zeros(duration_ms * RATE_HZ // 1000, np.int16)
    for frequency_hz in frequencies_hz:
        add_sine(out, float(frequency_hz), amplitude_at(level_dbov), 0, float(RATE_HZ))
    ramp = min(ramp_ms * RATE_HZ // 1000, out.size // 2)
    if ramp:
        rise = np.linspace(0.0, 1.0, ramp, endpoint=False)
        out[:ramp] = (out[:ramp] * rise).astype(np.int16)
        out[-ramp:] = (out[-ramp:] * rise[::-1]).astype(np.int16)
    return out
