"""L16: 16-bit linear samples in network byte order (RFC 3551 §4.5.11)."""

import numpy as np
import numpy.typing as npt
from numba import njit

Bytes = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.int16]


@njit(cache=True, nogil=True)
def encode(samples: Samples, out: Bytes) -> int:
    """Write samples to a payload; the number of bytes.  samples: (n,) int16.  out: (2n,) uint8 or longer."""
    for i in range(samples.size):
        value = np.int64(samples[i])
        out[2 * i] = value >> 8 & 0xFF
        out[2 * i + 1] = value & 0xFF
    return 2 * samples.size


@njit(cache=True, nogil=True)
def decode(payload: Bytes, out: Samples) -> int:
    """Read a payload's samples; their number.  payload: (2n,) uint8.  out: (n,) int16 or longer.

    An odd last byte is left out.  Never raises.
    """
    samples = payload.size // 2
    for i in range(samples):
        value = np.int64(payload[2 * i]) << 8 | np.int64(payload[2 * i + 1])
        out[i] = value - 0x10000 if value >= 0x8000 else value
    return samples
