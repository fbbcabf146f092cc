"""Two small networks, one behind the other: the first hears a voice, the second judges who has one.

Between them stand the clocks of `timing`: what tells people from machines is above all how long a voice goes on and how
it pauses, and counters count better than networks do. Float32 throughout, sums always in the same order.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from softswitch.amd import timing, voice
from softswitch.amd.features import Bands
from softswitch.amd.timing import TIMING
from softswitch.amd.voice import VOICE
from softswitch.amd.weights import FIRST, OUTPUTS, SECOND, Weights, weights_in_force

Vector = npt.NDArray[np.float32]
Record = Any  # one row of `NETWORK`; NumPy has no static type for it

NETWORK = np.dtype(
    [
        ("voice", VOICE),
        ("timing", TIMING),
        ("first", "f4", (FIRST,)),
        ("second", "f4", (SECOND,)),
        ("outputs", "f4", (OUTPUTS,)),  # shares of the classes, sum 1; then whether the greeting has ended, 0 to 1
    ],
    align=True,
)

PERSON, VOICEMAIL, MENU, ANNOUNCEMENT, FAX, NOTHING, TONE, SCREENING, ENDED = range(OUTPUTS)


@njit(cache=True, nogil=True)
def reset(network: Record) -> None:
    """Put both networks back to the beginning of a call.  network: a record of NETWORK."""
    voice.reset(network.voice)
    timing.reset(network.timing)
    network.outputs[:] = 0.0


@njit(cache=True, nogil=True)
def _layer(weights: Weights, start: int, inputs: Vector, outputs: Vector, rectified: bool) -> int:
    """One fully connected layer from `start` in the weights; returns where the next begins."""
    count = outputs.size
    for unit in range(count):
        outputs[unit] = weights[start + unit]
    at = start + count
    for index in range(inputs.size):
        value = inputs[index]
        if value != np.float32(0.0):  # half of what a rectified layer gives
            for unit in range(count):
                outputs[unit] += value * weights[at + unit]
        at += count
    if rectified:
        for unit in range(count):
            outputs[unit] = max(outputs[unit], np.float32(0.0))
    return at


@njit(cache=True, nogil=True)
def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))


@njit(cache=True, nogil=True)
def receive_step(network: Record, bands: Bands, tonal: float) -> None:
    """Take in 20 ms.  bands: (BANDS,) mean squares, 1 = 0 dBov.  tonal: share of the strongest bin, 0 to 0.67."""
    weights = weights_in_force()
    hearing = network.voice
    voice.follow(hearing, bands, tonal)
    at = _layer(weights, 0, hearing.inputs, hearing.wide, True)
    at = _layer(weights, at, hearing.wide, hearing.content, True)
    at = _layer(weights, at, hearing.content, hearing.outputs, False)
    hearing.outputs[0] = _sigmoid(hearing.outputs[0])
    hearing.outputs[1] = _sigmoid(hearing.outputs[1])
    timing.follow(network.timing, hearing)
    at = _layer(weights, at, network.timing.row, network.first, True)
    at = _layer(weights, at, network.first, network.second, True)
    _layer(weights, at, network.second, network.outputs, False)
    outputs = network.outputs
    greatest = outputs[0]
    for index in range(1, ENDED):
        greatest = max(greatest, outputs[index])
    total = 0.0
    for index in range(ENDED):
        outputs[index] = math.exp(outputs[index] - greatest)
        total += outputs[index]
    for index in range(ENDED):
        outputs[index] /= total
    outputs[ENDED] = _sigmoid(outputs[ENDED])
