"""Comfort noise (RFC 3389): what a CN payload describes, made audible; and a payload made from what is heard.

A payload is the level in -dBov (§3.1), then up to 12 reflection coefficients of an all-pole model (§3.2), eight bits
each: k = 258 (N - 127) / 32768, with k1 = -R(1)/R(0). An empty list means white noise.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Bytes = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.int16]
Record = Any

MAX_ORDER = 12
QUIETEST_DBOV = 127
FULL_SCALE = 32768.0

COMFORT_NOISE = np.dtype(
    [
        ("random", "u8"),  # xorshift64 (Marsaglia 2003); never 0
        ("order", "i8"),
        ("level_dbov", "i8"),  # -127..0
        ("gain", "f8"),  # of the last sample generated; -1 before the first
        ("reflections", "f8", (MAX_ORDER,)),
        ("lattice", "f8", (MAX_ORDER,)),  # the filter's memory
        ("correlations", "f8", (MAX_ORDER + 1,)),  # what `describe` works on
        ("forward", "f8", (MAX_ORDER + 1,)),
        ("backward", "f8", (MAX_ORDER + 1,)),
    ],
    align=True,
)


@njit(cache=True, nogil=True)
def reset(state: Record, seed: int) -> None:
    """Make a record ready: silence until a payload is received.  The same seed gives the same noise."""
    state.random = np.uint64(seed) ^ np.uint64(0x9E3779B97F4A7C15)
    if state.random == np.uint64(0):
        state.random = np.uint64(1)
    state.order = 0
    state.level_dbov = -QUIETEST_DBOV
    state.gain = -1.0
    state.reflections[:] = 0.0
    state.lattice[:] = 0.0


@njit(cache=True, nogil=True)
def receive(state: Record, payload: Bytes) -> int:
    """Take a CN payload in; 1, or 0 for an empty one, which changes nothing.

    state: COMFORT_NOISE, changed.  payload: (n,) uint8.  Coefficients beyond the twelfth are left out (§4.3: a receiver
    may reduce the order), and the level's top bit, which must be 0, is ignored.
    """
    if payload.size == 0:
        return 0
    state.level_dbov = -(np.int64(payload[0]) & 127)
    order = min(payload.size - 1, MAX_ORDER)
    for i in range(order):
        # 255 is no code (§3.2 has 0..254); held below 1 the filter is stable whatever comes
        code = int(payload[1 + i])
        state.reflections[i] = 258.0 * (min(code, 254) - 127) / 32768.0
    for i in range(order, MAX_ORDER):
        state.reflections[i] = 0.0
        state.lattice[i] = 0.0
    state.order = order
    return 1


@njit(cache=True, nogil=True)
def generate(state: Record, out: Samples) -> None:
    """Make noise of the level and spectrum last received; a new level is reached over one call.

    state: COMFORT_NOISE, changed.  out: (n,) int16, any n, filled in place.  A level of -127 dBov is digital silence.
    """
    loss = 1.0  # a lattice's output has the power of its input divided by the product of 1 - k²
    for i in range(state.order):
        loss *= 1.0 - state.reflections[i] * state.reflections[i]
    target = FULL_SCALE * 10.0 ** (state.level_dbov / 20.0) * math.sqrt(loss)
    if state.level_dbov <= -QUIETEST_DBOV:
        target = 0.0
    gain = target if state.gain < 0.0 else state.gain
    slope = (target - gain) / max(1, out.size)
    random = state.random
    reflections = state.reflections
    lattice = state.lattice
    for n in range(out.size):
        random ^= random << np.uint64(13)
        random ^= random >> np.uint64(7)
        random ^= random << np.uint64(17)
        # the sum of four uniform numbers is nearly Gaussian; its variance is 4 (2^32 - 1) / 12
        total = (
            np.int64(random & np.uint64(0xFFFF))
            + np.int64(random >> np.uint64(16) & np.uint64(0xFFFF))
            + np.int64(random >> np.uint64(32) & np.uint64(0xFFFF))
            + np.int64(random >> np.uint64(48))
        )
        gain += slope
        value = gain * (total - 131070.0) / 37837.22
        for i in range(state.order - 1, -1, -1):
            value -= reflections[i] * lattice[i]
            if i + 1 < MAX_ORDER:
                lattice[i + 1] = lattice[i] + reflections[i] * value
        lattice[0] = value
        out[n] = np.int64(min(max(round(value), -32768.0), 32767.0))
    state.random = random
    state.gain = target


@njit(cache=True, nogil=True)
def describe(state: Record, samples: Samples, order: int, out: Bytes) -> int:
    """Write the CN payload that describes a frame; its size, 1 + order.

    state: COMFORT_NOISE, for its working arrays only.  samples: (n,) int16, one frame of background noise or several.
    order: 0..12 coefficients (§3.2 leaves the number open; 10 suits speech bands).  out: (1 + order,) uint8 or longer.
    """
    order = min(max(order, 0), MAX_ORDER)
    correlations, forward, backward = state.correlations, state.forward, state.backward
    power = 0.0
    for i in range(samples.size):
        power += np.float64(samples[i]) * np.float64(samples[i])
    level = QUIETEST_DBOV
    if power > 0.0:
        level = round(-10.0 * math.log10(power / samples.size / (FULL_SCALE * FULL_SCALE)))
    out[0] = min(max(level, 0), QUIETEST_DBOV)
    # a Hann window, applied as the correlation is summed; its cosine by Chebyshev's recurrence
    turn = 2.0 * math.pi / max(1, samples.size)
    twice = 2.0 * math.cos(turn)
    for lag in range(order + 1):
        total = 0.0
        late, late_before = math.cos(turn * (lag + 0.5)), math.cos(turn * (lag - 0.5))
        early, early_before = math.cos(turn * 0.5), math.cos(turn * -0.5)
        for i in range(lag, samples.size):
            total += (1.0 - late) * (1.0 - early) * samples[i] * samples[i - lag]
            late, late_before = twice * late - late_before, late
            early, early_before = twice * early - early_before, early
        correlations[lag] = total
    correlations[0] = correlations[0] * 1.0001 + 1e-9  # -40 dB of white noise keeps the model away from pure tones
    # Schur's recursion gives the reflection coefficients alone
    for i in range(order + 1):
        forward[i] = correlations[i]
        backward[i] = correlations[i]
    for m in range(order):
        reflection = -forward[m + 1] / backward[0]
        reflection = min(max(reflection, -0.999), 0.999)
        code = round(reflection * 32768.0 / 258.0) + 127
        out[1 + m] = min(max(code, 0), 254)
        for i in range(order - m):
            ahead = forward[m + 1 + i]
            behind = backward[i]
            forward[m + 1 + i] = ahead + reflection * behind
            backward[i] = behind + reflection * ahead
    return 1 + order


def new_comfort_noise(seed: int = 1) -> Record:
    """A generator's state, ready; keep the record, the kernels change it in place."""
    state = np.zeros(1, COMFORT_NOISE)[0]
    reset(state, seed)
    return state
