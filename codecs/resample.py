"""Between sampling rates: a stateful filter for 8 and 16 kHz in live calls, and any rate to any other for prompts.

Both are linear-phase low-pass filters, a sinc under a Kaiser window (Oppenheim and Schafer, §7.6.2). The live one
passes telephone speech to 3.4 kHz and rejects from 4 kHz on; it delays by 48 samples at 16 kHz, 3 ms, either way.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from softswitch.codecs.compiling import inner

from softswitch.errors import UsageError

Samples = npt.NDArray[np.int16]
Record = Any

TAPS = 97
DELAY_WIDE_SAMPLES = 48
"""How late the output is, in samples of 16 kHz; half as many of 8 kHz."""
CHUNK = 320

RESAMPLER = np.dtype([("window", "f8", (TAPS - 1 + CHUNK,))])
"""The last TAPS - 1 samples that came in (at 8 kHz, half of them), then room for those that come."""

LOWEST_HZ, HIGHEST_HZ = 8000, 192000
ZERO_CROSSINGS = 64
STEPS = 1024
"""Entries of the offline filter's table from one zero crossing to the next; between them it is interpolated."""


def _low_pass(cutoff_hz: float, rate_hz: float, taps: int, beta: float) -> npt.NDArray[np.float64]:
    """A Kaiser-windowed sinc whose response at 0 Hz is 1."""
    offsets = np.arange(taps) - (taps - 1) / 2
    filter_taps = np.sinc(2 * cutoff_hz / rate_hz * offsets) * np.kaiser(taps, beta)
    return np.asarray(filter_taps / filter_taps.sum(), np.float64)


HALVING = _low_pass(3700.0, 16000.0, TAPS, 5.8)  # β for 61 dB
# Doubling puts a zero after each sample, so that its filter falls into one for the samples and one for the gaps.
DOUBLING_EVEN = np.ascontiguousarray(2 * HALVING[0::2])
DOUBLING_ODD = np.ascontiguousarray(2 * HALVING[1::2])


@inner
def _sample(value: float) -> int:
    return min(max(round(value), -32768), 32767)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _filtered(taps: npt.NDArray[np.float64], part: npt.NDArray[np.float64]) -> float:
    total = 0.0
    for i in range(taps.size):
        total += taps[i] * part[i]
    return total


@njit(cache=True, nogil=True)
def reset(state: Record) -> None:
    """Forget what came before: silence."""
    state.window[:] = 0.0


@njit(cache=True, nogil=True)
def halve(state: Record, samples: Samples, out: Samples) -> int:
    """16 kHz to 8 kHz; the number of samples written, half of those given.

    state: RESAMPLER, used for this direction only.  samples: (2n,) int16, any n.  out: (n,) int16 or longer.
    """
    window = state.window
    past = TAPS - 1
    done = 0
    while done < samples.size - 1:
        size = min(CHUNK, (samples.size - done) & ~1)
        for i in range(size):
            window[past + i] = samples[done + i]
        for i in range(size // 2):
            out[done // 2 + i] = _sample(_filtered(HALVING, window[2 * i : 2 * i + TAPS]))
        for i in range(past):
            window[i] = window[i + size]
        done += size
    return done // 2


@njit(cache=True, nogil=True)
def double(state: Record, samples: Samples, out: Samples) -> int:
    """8 kHz to 16 kHz; the number of samples written, twice those given.

    state: RESAMPLER, used for this direction only.  samples: (n,) int16, any n.  out: (2n,) int16 or longer.
    """
    window = state.window
    past = TAPS // 2
    done = 0
    while done < samples.size:
        size = min(CHUNK, samples.size - done)
        for i in range(size):
            window[past + i] = samples[done + i]
        for i in range(size):
            out[2 * (done + i)] = _sample(_filtered(DOUBLING_EVEN, window[i : i + TAPS // 2 + 1]))
            out[2 * (done + i) + 1] = _sample(_filtered(DOUBLING_ODD, window[i + 1 : i + 1 + TAPS // 2]))
        for i in range(past):
            window[i] = window[i + size]
        done += size
    return 2 * done


def new_resampler() -> Record:
    """A live resampler's state, ready; keep the record, the kernels change it in place."""
    return np.zeros(1, RESAMPLER)[0]


def _half_sinc() -> npt.NDArray[np.float64]:
    """The right half of the offline filter, from its peak; one entry more, for the interpolation."""
    at = np.arange(ZERO_CROSSINGS * STEPS + 2) / STEPS
    window = np.i0(9.0 * np.sqrt(np.maximum(1 - (at / ZERO_CROSSINGS) ** 2, 0.0))) / np.i0(9.0)  # β for 90 dB
    return np.asarray(np.where(at <= ZERO_CROSSINGS, np.sinc(at) * window, 0.0), np.float64)


HALF_SINC = _half_sinc()


@njit(cache=True, nogil=True)
def _interpolate(
    samples: npt.NDArray[np.float64], step: float, cutoff: float, table: npt.NDArray[np.float64], out: Samples
) -> None:
    """Place the sinc, `cutoff` times as narrow as the input's samples lie apart, at every `step`-th of a sample."""
    reach = ZERO_CROSSINGS / cutoff
    for n in range(out.size):
        centre = n * step
        first = max(0, int(np.ceil(centre - reach)))
        last = min(samples.size - 1, int(np.floor(centre + reach)))
        total = 0.0
        for i in range(first, last + 1):
            at = abs(i - centre) * cutoff * STEPS
            entry = int(at)
            left = table[entry]
            total += samples[i] * (left + (at - entry) * (table[entry + 1] - left))
        out[n] = _sample(total * cutoff)


def resample(samples: npt.NDArray[Any], from_hz: int, to_hz: int) -> Samples:
    """Bring a whole recording to another rate; (ceil(n × to_hz / from_hz),) int16, in time with what came in.

    samples: (n,) int16, or floats on the scale of 16 bits.  Flat to 0.9 of the lower rate's half, 80 dB down from that
    half on.  UsageError for rates outside 8-192 kHz and for more than one dimension.
    """
    if not (LOWEST_HZ <= from_hz <= HIGHEST_HZ and LOWEST_HZ <= to_hz <= HIGHEST_HZ):
        raise UsageError(f"rates from {LOWEST_HZ} to {HIGHEST_HZ} Hz are resampled, not {from_hz} to {to_hz}")
    if samples.ndim != 1 or not (samples.dtype == np.int16 or np.issubdtype(samples.dtype, np.floating)):
        raise UsageError("resampling takes one channel of int16 samples, or of floats on the same scale")
    if from_hz == to_hz:
        return np.clip(np.round(samples), -32768, 32767).astype(np.int16)
    out = np.empty(-(-samples.size * to_hz // from_hz), np.int16)
    cutoff = 0.95 * min(1.0, to_hz / from_hz)
    _interpolate(np.ascontiguousarray(samples, np.float64), from_hz / to_hz, cutoff, HALF_SINC, out)
    return out
