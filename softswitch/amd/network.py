"""Two small networks, one behind the other: the first hears a voice, the second judges who has one.

Between them stand the clocks of `timing`: what tells people from machines is above all how long a voice goes on and how
it pauses, and counters count better than networks do. Float32 throughout, sums always in the same order.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import carray, njit

from softswitch.amd import timing, voice
from softswitch.amd.features import FAST, Bands
from softswitch.amd.scratch import floats
from softswitch.amd.timing import TIMING
from softswitch.amd.voice import CONTENT, VOICE, WIDE
from softswitch.amd.weights import FIRST, LANES, OUTPUTS, SECOND, Weights, lanes_of, weights_in_force

Vector = npt.NDArray[np.float32]
Record = Any  # one row of `NETWORK`; NumPy has no static type for it

NETWORK = np.dtype(
    [
        ("voice", VOICE),
        ("timing", TIMING),
        ("outputs", "f4", (OUTPUTS,)),  # shares of the classes, sum 1; then whether the greeting has ended, 0 to 1
    ],
    align=True,
)

WIDE_LANES, CONTENT_LANES = lanes_of(WIDE), lanes_of(CONTENT)
FIRST_LANES, SECOND_LANES = lanes_of(FIRST), lanes_of(SECOND)
PERSON, VOICEMAIL, MENU, ANNOUNCEMENT, FAX, NOTHING, TONE, SCREENING, ENDED = range(OUTPUTS)


@njit(cache=True, nogil=True)
def reset(network: Record) -> None:
    """Put both networks back to the beginning of a call.  network: a record of NETWORK."""
    voice.reset(network.voice)
    timing.reset(network.timing)
    network.outputs[:] = 0.0


@njit(cache=True, nogil=True, fastmath=FAST)
def _layer(weights: Weights, start: int, inputs: Vector, outputs: Vector, rectified: bool) -> int:
    """One fully connected layer from `start` in the weights, LANES units at a time; returns where the next begins.

    outputs: as many as units, rounded up to LANES; as `weights.pack` lays them.
    """
    at = start
    for base in range(0, outputs.size, LANES):
        sums = outputs[base : base + LANES]
        bias = weights[at : at + LANES]
        for lane in range(LANES):
            sums[lane] = bias[lane]
        at += LANES
        whole = inputs.size // 8 * 8
        for index in range(0, whole, 8):  # eight rows at once: else each sum would wait for the one before
            a, b, c, d = inputs[index], inputs[index + 1], inputs[index + 2], inputs[index + 3]
            e, f, g, h = inputs[index + 4], inputs[index + 5], inputs[index + 6], inputs[index + 7]
            rows = weights[at : at + 8 * LANES]
            for lane in range(LANES):
                sums[lane] += (
                    a * rows[lane]
                    + b * rows[LANES + lane]
                    + c * rows[2 * LANES + lane]
                    + d * rows[3 * LANES + lane]
                    + e * rows[4 * LANES + lane]
                    + f * rows[5 * LANES + lane]
                    + g * rows[6 * LANES + lane]
                    + h * rows[7 * LANES + lane]
                )
            at += 8 * LANES
        for index in range(whole, inputs.size):
            value = inputs[index]
            row = weights[at : at + LANES]
            for lane in range(LANES):
                sums[lane] += value * row[lane]
            at += LANES
        if rectified:
            for lane in range(LANES):
                sums[lane] = max(sums[lane], np.float32(0.0))
    return at


@njit(cache=True, nogil=True)
def _sigmoid(value: float) -> np.float32:
    return np.float32(1.0) / (np.float32(1.0) + math.exp(-value))


@njit(cache=True, nogil=True)
def receive_step(network: Record, bands: Bands, tonal: float) -> None:
    """Take in 20 ms.  bands: (BANDS,) mean squares, 1 = 0 dBov.  tonal: share of the strongest bin, 0 to 0.67."""
    weights = weights_in_force()
    hearing = network.voice
    voice.follow(hearing, bands, tonal)
    wide, content = carray(floats(WIDE_LANES), (WIDE_LANES,)), carray(floats(CONTENT_LANES), (CONTENT_LANES,))
    heard = carray(floats(LANES), (LANES,))
    at = _layer(weights, 0, hearing.inputs, wide, True)
    at = _layer(weights, at, wide[:WIDE], content, True)
    at = _layer(weights, at, content[:CONTENT], heard, False)
    hearing.content[:] = content[:CONTENT]
    hearing.outputs[0] = _sigmoid(heard[0])
    hearing.outputs[1] = _sigmoid(heard[1])
    timing.follow(network.timing, hearing)
    first, second = carray(floats(FIRST_LANES), (FIRST_LANES,)), carray(floats(SECOND_LANES), (SECOND_LANES,))
    told = carray(floats(LANES), (LANES,))
    at = _layer(weights, at, network.timing.row, first, True)
    at = _layer(weights, at, first[:FIRST], second, True)
    _layer(weights, at, second[:SECOND], told, False)
    outputs = network.outputs
    greatest = told[0]
    for index in range(1, ENDED):
        greatest = max(greatest, told[index])
    total = np.float32(0.0)
    for index in range(ENDED):
        outputs[index] = math.exp(told[index] - greatest)
        total += outputs[index]
    for index in range(ENDED):
        outputs[index] /= total
    outputs[ENDED] = _sigmoid(told[ENDED])
