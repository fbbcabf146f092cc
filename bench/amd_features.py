"""What the networks of answering-machine detection are shown, for many clips at once, by the detector's own kernels.

That a clip heard here and a call heard in the media plane give the same numbers is tested in
tests/amd/test_model_training.py.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from softswitch.amd import timing, voice
from softswitch.amd.features import BANDS, BLOCK, HALF, STEP_BLOCKS, WINDOW, add_bands, spectrum
from softswitch.amd.timing import ROW

Floats = npt.NDArray[np.floating[Any]]
HEARD = BANDS + 1
"""Numbers kept of a step: mean squares in the bands, and tonality."""
STEPS = 500
"""Of a clip, 10 s."""


@njit(cache=True, nogil=True)
def _hear(padded: Any, out: Floats) -> None:
    power = np.empty(HALF, np.float32)
    for step in range(out.shape[0]):
        row = out[step]
        row[:] = 0.0
        for half in range(STEP_BLOCKS):
            start = (step * STEP_BLOCKS + half) * BLOCK
            spectrum(padded[start : start + WINDOW], power)
            _, tonal = add_bands(power, row[:BANDS])
            row[BANDS] += tonal


def hear(pcm: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """(samples,) to (steps, HEARD).  pcm: of 16 bits, whole numbers whatever their type."""
    padded = np.concatenate([np.zeros(WINDOW - BLOCK, np.int16), pcm.astype(np.int16)])
    out = np.empty((len(pcm) // (BLOCK * STEP_BLOCKS), HEARD), np.float32)
    _hear(padded, out)
    return out


@njit(cache=True, nogil=True)
def _inputs(heard: Floats, listener: Any, out: Floats) -> None:
    for clip in range(heard.shape[0]):
        voice.reset(listener)
        for step in range(heard.shape[1]):
            row = heard[clip, step]
            voice.follow(listener, row[:BANDS], row[BANDS])
            out[clip, step] = listener.inputs


def voice_inputs(heard: Floats) -> npt.NDArray[np.float32]:
    """(clips, steps, HEARD) to (clips, steps, INPUTS)."""
    out = np.empty((*heard.shape[:2], voice.INPUTS), np.float32)
    _inputs(np.ascontiguousarray(heard), np.zeros(1, voice.VOICE)[0], out)
    return out


@njit(cache=True, nogil=True)
def _rows(heard: Floats, likelihood: Floats, content: Floats, listener: Any, clocks: Any, out: Floats) -> None:
    for clip in range(heard.shape[0]):
        voice.reset(listener)
        timing.reset(clocks)
        for step in range(heard.shape[1]):
            row = heard[clip, step]
            voice.follow(listener, row[:BANDS], row[BANDS])
            listener.outputs[:] = likelihood[clip, step]
            listener.content[:] = content[clip, step]
            timing.follow(clocks, listener)
            out[clip, step] = clocks.row


def judge_rows(heard: Floats, likelihood: Floats, content: Floats) -> npt.NDArray[np.float32]:
    """(clips, steps, HEARD | 2 | CONTENT) to (clips, steps, ROW)."""
    out = np.empty((*heard.shape[:2], ROW), np.float32)
    listener, clocks = np.zeros(1, voice.VOICE)[0], np.zeros(1, timing.TIMING)[0]
    _rows(np.ascontiguousarray(heard), likelihood, content, listener, clocks, out)
    return out
