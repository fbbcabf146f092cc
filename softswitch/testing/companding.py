"""G.711 for the lab, by table, from the Recommendation's formulas.

The lab keeps tables of its own: were they those of `softswitch.codecs`, a mistake there would cancel itself out between
the two ends. No numba either, so that a lab process starts at once.
"""

import numpy as np
from numpy.typing import NDArray

Pcm = NDArray[np.int16]
CODECS = {"PCMU": 0, "PCMA": 8}  # static payload types, RFC 3551 table 4


def _mu_law_decoder() -> Pcm:
    """ITU-T G.711 table 2a: inverted bits, three of segment, four of interval, bias 33 (132 at 16 bits)."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 132) << ((code >> 4) & 7)) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _a_law_decoder() -> Pcm:
    """ITU-T G.711 table 1a: even bits inverted; the lowest two segments share one step."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment = (code >> 4) & 7
    magnitude = ((code & 0x0F) << 4) + 8
    magnitude = np.where(segment > 0, (magnitude + 256) << np.maximum(segment - 1, 0), magnitude)
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _encoder(decoder: Pcm) -> NDArray[np.uint8]:
    """For each 16-bit sample (as its unsigned pattern) the code whose value lies nearest."""
    order = np.argsort(decoder, kind="stable")
    values = decoder[order].astype(np.int32)
    samples = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
    above = np.clip(np.searchsorted(values, samples), 1, 255)
    nearer_below = samples - values[above - 1] <= values[above] - samples
    return order[np.where(nearer_below, above - 1, above)].astype(np.uint8)


_DECODERS = {"PCMU": _mu_law_decoder(), "PCMA": _a_law_decoder()}
_ENCODERS = {name: _encoder(table) for name, table in _DECODERS.items()}


def decode(payload: bytes, codec: str) -> Pcm:
    """Expand a payload to (n,) int16.  codec: "PCMU" or "PCMA"."""
    return _DECODERS[codec][np.frombuffer(payload, dtype=np.uint8)]


def encode(pcm: Pcm, codec: str) -> bytes:
    """Compress (n,) int16 to n bytes.  codec: "PCMU" or "PCMA"."""
    return _ENCODERS[codec][pcm.view(np.uint16)].tobytes()
