"""G.711 µ-law and A-law, after ITU-T G.711 (11/88) and its reference in the Software Tool Library (G.191).

µ-law encoding exists in two conventions that part on 508 of the 65,536 inputs: the reference drops to 14 bits first and
takes the one's complement of negative inputs; old C libraries add a bias to the 16-bit value. This is the reference's.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from softswitch.errors import UsageError

Bytes = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.int16]

ULAW_SILENCE = 0xFF
"""The code of +0; what a µ-law stream carries when nobody speaks."""
ALAW_SILENCE = 0xD5
"""The code of the smallest positive step; A-law has no zero."""


@njit(cache=True, nogil=True)
def ulaw_code(sample: int) -> int:
    """Compress one linear sample (-32768..32767) to its µ-law code (ITU-T G.711 table 2a/2b)."""
    negative = sample < 0
    magnitude = ((~sample if negative else sample) >> 2) + 33  # 33 is G.711's bias on the 14-bit scale
    magnitude = min(magnitude, 0x1FFF)
    segment = 1
    rest = magnitude >> 6
    while rest:
        segment += 1
        rest >>= 1
    code = ((8 - segment) << 4) | (0xF - ((magnitude >> segment) & 0xF))
    return code if negative else code | 0x80


@njit(cache=True, nogil=True)
def alaw_code(sample: int) -> int:
    """Compress one linear sample (-32768..32767) to its A-law code (ITU-T G.711 table 1a/1b), even bits inverted."""
    negative = sample < 0
    magnitude = (~sample if negative else sample) >> 4
    if magnitude > 15:
        exponent = 1
        while magnitude > 31:
            magnitude >>= 1
            exponent += 1
        magnitude = magnitude - 16 + (exponent << 4)
    return (magnitude if negative else magnitude | 0x80) ^ 0x55


@njit(cache=True, nogil=True)
def ulaw_sample(code: int) -> int:
    """Expand one µ-law code (0..255) to its linear value (ITU-T G.711 table 2a/2b)."""
    mantissa = ~code & 0xFF
    exponent = (mantissa >> 4) & 7
    step = 8 << exponent
    magnitude = (0x80 << exponent) + step * (mantissa & 0xF) + (step >> 1) - 132
    return -magnitude if code < 0x80 else magnitude


@njit(cache=True, nogil=True)
def alaw_sample(code: int) -> int:
    """Expand one A-law code (0..255) to its linear value (ITU-T G.711 table 1a/1b)."""
    inverted = (code ^ 0x55) & 0x7F
    exponent = inverted >> 4
    mantissa = inverted & 0xF
    if exponent > 0:
        mantissa += 16
    magnitude = (mantissa << 4) + 8
    if exponent > 1:
        magnitude <<= exponent - 1
    return magnitude if code > 127 else -magnitude


def _table(function: Any, codes: range, dtype: Any) -> npt.NDArray[Any]:
    return np.array([function(code) for code in codes], dtype)


ULAW_TO_LINEAR = _table(ulaw_sample.py_func, range(256), np.int16)
ALAW_TO_LINEAR = _table(alaw_sample.py_func, range(256), np.int16)
# G.711 §3 prints conversion tables of its own; expansion and compression agree with them within half a coarser step.
ULAW_TO_ALAW = _table(lambda code: alaw_code.py_func(int(ULAW_TO_LINEAR[code])), range(256), np.uint8)
ALAW_TO_ULAW = _table(lambda code: ulaw_code.py_func(int(ALAW_TO_LINEAR[code])), range(256), np.uint8)


@njit(cache=True, nogil=True)
def encode_ulaw(samples: Samples, out: Bytes) -> None:
    """Compress linear PCM to µ-law.  samples: (n,) int16.  out: (n,) uint8, filled in place.  Never raises."""
    for i in range(samples.size):
        out[i] = ulaw_code(samples[i])


@njit(cache=True, nogil=True)
def encode_alaw(samples: Samples, out: Bytes) -> None:
    """Compress linear PCM to A-law.  samples: (n,) int16.  out: (n,) uint8, filled in place.  Never raises."""
    for i in range(samples.size):
        out[i] = alaw_code(samples[i])


@njit(cache=True, nogil=True)
def decode_ulaw(payload: Bytes, out: Samples) -> None:
    """Expand µ-law to linear PCM.  payload: (n,) uint8.  out: (n,) int16, filled in place.  Never raises."""
    for i in range(payload.size):
        out[i] = ULAW_TO_LINEAR[payload[i]]


@njit(cache=True, nogil=True)
def decode_alaw(payload: Bytes, out: Samples) -> None:
    """Expand A-law to linear PCM.  payload: (n,) uint8.  out: (n,) int16, filled in place.  Never raises."""
    for i in range(payload.size):
        out[i] = ALAW_TO_LINEAR[payload[i]]


def encode(codec: str, samples: Samples) -> Bytes:
    """Compress (n,) int16 samples to "PCMU" or "PCMA"; UsageError for another codec, dtype or shape."""
    if samples.dtype != np.int16 or samples.ndim != 1:
        raise UsageError("G.711 encodes a one-dimensional int16 array; convert the audio to 16-bit mono first")
    out = np.empty(samples.size, np.uint8)
    _kernel(codec, encode_ulaw, encode_alaw)(np.ascontiguousarray(samples), out)
    return out


def decode(codec: str, payload: bytes | Bytes) -> Samples:
    """Expand "PCMU" or "PCMA" bytes to (n,) int16 samples; UsageError for another codec, dtype or shape."""
    codes = np.frombuffer(payload, np.uint8) if isinstance(payload, bytes) else payload
    if codes.dtype != np.uint8 or codes.ndim != 1:
        raise UsageError("G.711 decodes bytes or a one-dimensional uint8 array")
    out = np.empty(codes.size, np.int16)
    # frombuffer gives a read-only view, which would be a second signature to compile
    _kernel(codec, decode_ulaw, decode_alaw)(np.array(codes, np.uint8), out)
    return out


def _kernel(codec: str, ulaw: Any, alaw: Any) -> Any:
    if codec == "PCMU":
        return ulaw
    if codec == "PCMA":
        return alaw
    raise UsageError(f"codec {codec!r} is not G.711; use PCMU or PCMA")
