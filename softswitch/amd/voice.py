"""Whether the callee's own voice is heard in a step of 20 ms, and not the room behind it.

What the network is shown: the spectrum in dB against the loudest that was heard so far, against the slowly rising
floor of each band, and averaged over 60 ms, 300 ms and 1.5 s; besides, how level and tonality move. So it sees a voice
begin, stand out and stop, whatever the level of the line.
"""

import math
from typing import Any

import numpy as np
from numba import carray, njit

from softswitch.amd.features import BANDS, FAST, Bands, decibels
from softswitch.amd.scratch import floats

INPUTS = 5 * BANDS + 8
WIDE, CONTENT = 64, 16
"""Units of the two hidden layers; the second is what is kept of the voice's sound."""
Record = Any  # one row of `VOICE`; NumPy has no static type for it

VOICE = np.dtype(
    [
        ("steps", "i4"),
        ("peak", "f4"),  # dBov; falls by 1 dB/s
        ("floor", "f4"),  # dBov; rises by 3 dB/s
        ("level", "f4"),  # of this step, dBov
        ("tonal", "f4"),  # share of the strongest line, scaled to -1..1
        ("level_mean", "f4"),
        ("level_spread", "f4"),
        ("level_change", "f4"),
        ("level_before", "f4"),
        ("tonal_mean", "f4"),
        ("floors", "f4", (BANDS,)),
        ("fast", "f4", (BANDS,)),
        ("middle", "f4", (BANDS,)),
        ("slow", "f4", (BANDS,)),
        ("inputs", "f4", (INPUTS,)),
        ("content", "f4", (CONTENT,)),
        ("outputs", "f4", (2,)),  # the voice is heard; the greeting is going on: 0 to 1
    ],
    align=True,
)

START_PEAK_DBOV = -45.0
PEAK_FALL_DB = np.float32(0.02)  # a step
FLOOR_RISE_DB = np.float32(0.06)
LEAST_FLOOR_DBOV = np.float32(-70.0)
LEAST_BAND_FLOOR_DBOV = np.float32(-80.0)
LEAST_POWER, LEAST_BAND = np.float32(3e-8), np.float32(3e-9)
"""Added to the power of all bands and of each, so that digital silence has a level."""
FAST_SHARE, MIDDLE_SHARE, SLOW_SHARE = np.float32(0.33), np.float32(0.0667), np.float32(0.0133)
"""Weights of a step of 20 ms in averages over 60 ms, 300 ms and 1.5 s."""
A_TWENTIETH, ONE = np.float32(0.05), np.float32(1.0)


@njit(cache=True, nogil=True)
def reset(voice: Record) -> None:
    """Put a listener back to the beginning of a call.  voice: a record of VOICE."""
    voice.steps = 0
    voice.peak = START_PEAK_DBOV
    voice.floor = LEAST_FLOOR_DBOV
    voice.level_spread = 0.0
    voice.level_change = 0.0
    voice.tonal_mean = 0.0
    voice.outputs[:] = 0.0
    voice.content[:] = 0.0


@njit(cache=True, nogil=True, fastmath=FAST)
def follow(voice: Record, bands: Bands, tonal: float) -> None:
    """Take in one step and make `voice.inputs` of it.

    bands: (BANDS,) mean squares over 20 ms, 1 = 0 dBov.  tonal: share of the strongest bin, 0 to 0.67.
    """
    heard = carray(floats(BANDS), (BANDS,))
    total = np.float32(0.0)
    for band in range(BANDS):
        total += bands[band]
        heard[band] = decibels(bands[band] + LEAST_BAND)
    level = decibels(total + LEAST_POWER)
    if voice.steps == 0:
        voice.floor = level
        voice.level_mean = level
        voice.level_before = level
        voice.floors[:] = heard
        voice.fast[:] = heard
        voice.middle[:] = heard
        voice.slow[:] = heard
    voice.steps += 1
    peak = max(level, voice.peak - PEAK_FALL_DB)
    voice.peak = peak
    voice.floor = max(min(level, voice.floor + FLOOR_RISE_DB), LEAST_FLOOR_DBOV)
    voice.level = level
    voice.tonal = 2.0 * tonal - 1.0
    inputs, floors = voice.inputs, voice.floors
    for band in range(BANDS):
        floors[band] = max(min(heard[band], floors[band] + FLOOR_RISE_DB), LEAST_BAND_FLOOR_DBOV)
        inputs[band] = (heard[band] - peak) * A_TWENTIETH + ONE
        inputs[BANDS + band] = (heard[band] - floors[band]) * A_TWENTIETH
    _average(voice.fast, heard, FAST_SHARE, peak, inputs[2 * BANDS : 3 * BANDS])
    _average(voice.middle, heard, MIDDLE_SHARE, peak, inputs[3 * BANDS : 4 * BANDS])
    _average(voice.slow, heard, SLOW_SHARE, peak, inputs[4 * BANDS : 5 * BANDS])
    voice.level_mean += (level - voice.level_mean) * MIDDLE_SHARE
    strayed = level - voice.level_mean
    voice.level_spread += (strayed * strayed / 100.0 - voice.level_spread) * MIDDLE_SHARE
    voice.level_change += (abs(level - voice.level_before) / 5.0 - voice.level_change) * MIDDLE_SHARE
    voice.level_before = level
    voice.tonal_mean += (voice.tonal - voice.tonal_mean) * MIDDLE_SHARE
    at = 5 * BANDS
    inputs[at] = (level + 40.0) / 20.0
    inputs[at + 1] = (level - peak) / 10.0
    inputs[at + 2] = (level - voice.floor) / 20.0
    inputs[at + 3] = voice.tonal
    inputs[at + 4] = math.sqrt(voice.level_spread)
    inputs[at + 5] = voice.level_change
    inputs[at + 6] = voice.tonal_mean
    inputs[at + 7] = (voice.level_mean - peak) / 10.0


@njit(cache=True, nogil=True, fastmath=FAST)
def _average(mean: Bands, heard: Bands, share: float, peak: float, shown: Bands) -> None:
    """Let a step into the bands' running mean, and show it against the loudest."""
    for band in range(BANDS):
        mean[band] += (heard[band] - mean[band]) * share
        shown[band] = (mean[band] - peak) * A_TWENTIETH + ONE
