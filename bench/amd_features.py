"""What the networks of answering-machine detection are shown, for many clips at once: the trainer's twin of
softswitch/amd/{features,voice,timing}.py, tested against them in tests/amd/test_model_training.py."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from softswitch.amd import timing, voice
from softswitch.amd.features import _POWER_SCALE, BAND_EDGES, BANDS, BLOCK, HANN, WINDOW
from softswitch.amd.timing import ROW

Floats = npt.NDArray[np.floating[Any]]
HEARD = BANDS + 4
"""Numbers kept of a step: the bands against the peak, level, level against the peak, against the floor, tonality."""
STEPS = 500
"""Of a clip, 10 s."""
LOWEST = int(BAND_EDGES[0])


@njit(nogil=True)
def _hear(power: Floats, out: Floats) -> None:
    """power: (blocks, 73), 1 = 0 dBov.  out: (blocks // 2, HEARD)."""
    peak, floor = voice.START_PEAK_DBOV, voice.LEAST_FLOOR_DBOV
    bands = np.zeros(BANDS)
    for step in range(power.shape[0] // 2):
        bands[:] = 0.0
        total = tonal = 0.0
        for half in range(2):
            strongest = summed = 0.0
            for band in range(BANDS):
                for index in range(BAND_EDGES[band] - LOWEST, BAND_EDGES[band + 1] - LOWEST):
                    value = power[2 * step + half, index]
                    bands[band] += 0.5 * value
                    summed += value
                    strongest = max(strongest, value)
            total += 0.5 * summed
            tonal += 0.5 * strongest / (summed + 1e-8)
        level = 10.0 * math.log10(total + 3e-8)
        if step == 0:
            floor = level
        peak = max(level, peak - voice.PEAK_FALL_DB)
        floor = max(min(level, floor + voice.FLOOR_RISE_DB), voice.LEAST_FLOOR_DBOV)
        for band in range(BANDS):
            out[step, band] = (10.0 * math.log10(bands[band] + 3e-9) - peak) / 20.0 + 1.0
        out[step, BANDS] = (level + 40.0) / 20.0
        out[step, BANDS + 1] = (level - peak) / 10.0
        out[step, BANDS + 2] = (level - floor) / 20.0
        out[step, BANDS + 3] = 2.0 * tonal - 1.0


def hear(pcm: Floats) -> npt.NDArray[np.float32]:
    """(samples,) to (steps, HEARD)."""
    padded = np.concatenate([np.zeros(WINDOW - BLOCK, np.float32), pcm.astype(np.float32)])
    blocks = len(pcm) // BLOCK
    windows = padded[np.arange(blocks)[:, None] * BLOCK + np.arange(WINDOW)] * HANN.astype(np.float32)
    power = np.abs(np.fft.rfft(windows, axis=1)[:, LOWEST : int(BAND_EDGES[-1])]) ** 2 * _POWER_SCALE
    out = np.empty((blocks // 2, HEARD), np.float32)
    _hear(power, out)
    return out


@njit(nogil=True)
def _inputs(heard: Floats, listeners: Any, out: Floats) -> None:
    bands = np.zeros(BANDS, np.float32)
    for clip in range(heard.shape[0]):
        listener = listeners[clip]
        for step in range(heard.shape[1]):
            row = heard[clip, step]
            peak = row[BANDS] * 20.0 - 40.0 - 10.0 * row[BANDS + 1]
            for band in range(BANDS):
                bands[band] = 10.0 ** (((row[band] - 1.0) * 20.0 + peak) / 10.0)
            voice.follow(listener, bands, (row[BANDS + 3] + 1.0) / 2.0)
            out[clip, step] = listener.inputs


def voice_inputs(heard: Floats) -> npt.NDArray[np.float32]:
    """(clips, steps, HEARD) to (clips, steps, INPUTS)."""
    listeners = np.zeros(len(heard), voice.VOICE)
    for listener in listeners:
        voice.reset(listener)
    out = np.zeros((*heard.shape[:2], voice.INPUTS), np.float32)
    _inputs(heard.astype(np.float32), listeners, out)
    return out


@njit(nogil=True)
def _rows(heard: Floats, likelihood: Floats, content: Floats, listener: Any, clocks: Any, out: Floats) -> None:
    for clip in range(heard.shape[0]):
        voice.reset(listener)
        timing.reset(clocks)
        for step in range(heard.shape[1]):
            row = heard[clip, step]
            listener.level = row[BANDS] * 20.0 - 40.0
            listener.floor = listener.level - 20.0 * row[BANDS + 2]
            listener.tonal = row[BANDS + 3]
            listener.outputs[:] = likelihood[clip, step]
            listener.content[:] = content[clip, step]
            timing.follow(clocks, listener)
            out[clip, step] = clocks.row


def judge_rows(heard: Floats, likelihood: Floats, content: Floats) -> npt.NDArray[np.float32]:
    """(clips, steps, HEARD | 2 | CONTENT) to (clips, steps, ROW)."""
    out = np.zeros((*heard.shape[:2], ROW), np.float32)
    listener, clocks = np.zeros(1, voice.VOICE), np.zeros(1, timing.TIMING)
    _rows(heard.astype(np.float32), likelihood, content, listener[0], clocks[0], out)
    return out
