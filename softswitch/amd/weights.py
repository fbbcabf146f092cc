"""The network's weights, from the package's data to where compiled kernels read them.

Kernels find them through the address of a symbol, so that no kernel, cached on disk or not, holds weights itself: new
weights take effect in the next process. The thresholds that were tuned with
them lie beside them. The shapes belong to the code, and weights of other shapes are refused.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from llvmlite import binding, ir
from numba import carray, njit, types
from numba.extending import intrinsic

from softswitch.amd.parameters import THRESHOLDS
from softswitch.amd.timing import ROW
from softswitch.amd.verdict import OperatingPoint
from softswitch.amd.voice import CONTENT, INPUTS, WIDE
from softswitch.errors import SoftswitchError

FILE = Path(__file__).with_name("weights.npz")
SYMBOL = "softswitch_amd_weights"
FIRST, SECOND = 192, 96
"""Units of the judge's hidden layers."""
CLASSES = ("person", "voicemail", "menu", "announcement", "fax", "nothing", "tone", "screening")
OUTPUTS = len(CLASSES) + 1
"""The classes, and whether the greeting has ended."""
LAYERS = ((INPUTS, WIDE), (WIDE, CONTENT), (CONTENT, 2), (ROW, FIRST), (FIRST, SECOND), (SECOND, OUTPUTS))
NAMES = ("voice_wide", "voice_content", "voice_outputs", "judge_first", "judge_second", "judge_outputs")
LANES = 32
"""Units that a kernel computes side by side; a layer of fewer is filled up with zeros."""


def lanes_of(units: int) -> int:
    """Units rounded up to whole LANES."""
    return -(-units // LANES) * LANES


POINTS_AT = sum((inputs + 1) * lanes_of(outputs) for inputs, outputs in LAYERS)
SIZE = POINTS_AT + len(OperatingPoint) * THRESHOLDS
Weights = npt.NDArray[np.float32]


def pack(matrices: dict[str, npt.NDArray[np.floating[Any]]]) -> Weights:
    """One flat array: of each LANES units of a layer their bias and then their matrix by rows of inputs; at the end the
    points' thresholds.

    matrices: NAME_weight (inputs, outputs) and NAME_bias (outputs,) for each of NAMES; points (3, THRESHOLDS).
    Raises SoftswitchError where one is missing or has another shape.
    """
    parts: list[npt.NDArray[np.floating[Any]]] = []
    for name, (inputs, outputs) in zip(NAMES, LAYERS, strict=True):
        weight, bias = matrices.get(f"{name}_weight"), matrices.get(f"{name}_bias")
        if weight is None or bias is None or weight.shape != (inputs, outputs) or bias.shape != (outputs,):
            raise SoftswitchError(f"the weights of answering-machine detection lack {name} of {inputs} x {outputs}")
        filled = np.zeros((inputs + 1, lanes_of(outputs)))
        filled[0, :outputs], filled[1:, :outputs] = bias, weight
        parts += [block.ravel() for block in np.split(filled, lanes_of(outputs) // LANES, axis=1)]
    points = matrices.get("points")
    if points is None or points.shape != (len(OperatingPoint), THRESHOLDS):
        raise SoftswitchError("the weights of answering-machine detection lack the thresholds of its operating points")
    parts.append(points.ravel())
    flat: Weights = np.concatenate(parts).astype(np.float32)
    if not np.all(np.isfinite(flat)):
        raise SoftswitchError("the weights of answering-machine detection are not all numbers")
    return flat


def read(path: Path = FILE) -> Weights:
    """The weights of a file that bench/amd_train.py wrote. Raises SoftswitchError where they do not fit."""
    with np.load(path, allow_pickle=False) as stored:
        return pack({name: stored[name] for name in stored.files if name != "provenance"})


def provenance(path: Path = FILE) -> dict[str, Any]:
    """What the weights were made from, and how they did under cross-validation."""
    with np.load(path, allow_pickle=False) as stored:
        told: dict[str, Any] = json.loads(str(stored["provenance"]))
    return told


WEIGHTS = np.zeros(SIZE, np.float32)
"""Those in force; `use` changes them in place."""


def use(weights: Weights) -> None:
    """Let every kernel of this process go by these weights (SIZE,)."""
    WEIGHTS[:] = weights


@intrinsic
def _weights(typing_context: Any) -> Any:
    """Pointer to `WEIGHTS`: the address of a symbol, which every process finds anew."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        module = builder.module
        return module.globals.get(SYMBOL) or ir.GlobalVariable(module, ir.FloatType(), SYMBOL)

    return types.CPointer(types.float32)(), generate


binding.add_symbol(SYMBOL, WEIGHTS.ctypes.data)
if FILE.is_file():
    use(read())


@njit(cache=True, nogil=True)
def weights_in_force() -> Weights:
    """(SIZE,) float32: a view, no copy."""
    return carray(_weights(), (SIZE,))
