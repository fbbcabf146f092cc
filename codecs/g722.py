"""ITU-T G.722 (09/2012): 7 kHz audio in 64 kbit/s, by two ADPCM coders for the bands 0-4 and 4-8 kHz.

Sixteen-bit samples at 16 kHz become one byte per pair: the higher band's two bits, then the lower band's six (§1.3).
A decoder may drop the lower band's last one or two bits (modes 2 and 3: 56 and 48 kbit/s, the rest is auxiliary data).
The block names in the comments are those of §6, whose 16-bit arithmetic saturates; the code follows it bit by bit.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from softswitch.codecs.compiling import inner

Bytes = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.int16]
Record = Any

BAND = np.dtype(
    [
        ("estimate", "i8"),  # SL or SH: what the predictor expects next
        ("zeros_estimate", "i8"),  # SZL: its part from the six zeros
        ("poles", "i8", (2,)),  # AL1, AL2
        ("zeros", "i4", (6,)),  # BL1..BL6
        ("differences", "i4", (6,)),  # DLT1..DLT6, newest first
        ("reconstructed", "i8", (2,)),  # RLT1, RLT2
        ("partial", "i8", (2,)),  # PLT1, PLT2
        ("log_scale", "i8"),  # NBL
        ("scale", "i8"),  # DETL
    ]
)
CODER = np.dtype([("low", BAND), ("high", BAND), ("history", "i4", (24,))])
"""An encoder's or a decoder's state; `history` is the delay line of its quadrature mirror filter, newest last."""

FRAME_SAMPLES = 320
FRAME_BYTES = 160

LOW_MAX, HIGH_MAX = 18432, 22528  # the log scale's upper limits, §6.2.1.3
POLE_STEP, ZERO_STEP = 192, 128

# Tables of §5 and §6; a code selects an entry.
QUANTILES = np.array(
    [0, 35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121, 1219,
     1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919], np.int64
)  # fmt: skip
NEGATIVE_CODES = np.array([0, 63, 62, *range(31, 3, -1)], np.int64)
POSITIVE_CODES = np.array([0, *range(61, 31, -1)], np.int64)
_SIX = [24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192, 10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
        4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032, 1688, 1360, 1040, 728]  # fmt: skip
_FIVE = [23352, 17560, 14120, 11664, 9752, 8184, 6864, 5712, 4696, 3784, 2960, 2208, 1520, 880]
_FOUR = [20456, 12896, 8968, 6288, 4240, 2584, 1200]
SIX_BITS = np.array([-136] * 4 + [-step for step in _SIX] + _SIX + [432, 136, -432, -136], np.int64)
FIVE_BITS = np.array([-280] * 2 + [-step for step in _FIVE] + [*_FIVE, 280, -280], np.int64)
FOUR_BITS = np.array([0] + [-step for step in _FOUR] + [*_FOUR, 0], np.int64)
TWO_BITS = np.array([-7408, -1616, 7408, 1616], np.int64)
LOW_GROWTH = np.array(
    [-60, 3042, 1198, 538, 334, 172, 58, -30, 3042, 1198, 538, 334, 172, 58, -30, -60], np.int64
)  # WL by the four-bit code
HIGH_GROWTH = np.array([798, -214, 798, -214], np.int64)  # WH by the two-bit code
MANTISSAS = np.array(
    [2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383, 2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834, 2896, 2960, 3025,
     3091, 3158, 3228, 3298, 3371, 3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008], np.int64
)  # fmt: skip
MIRROR = np.array([3, -11, 12, 32, -210, 951, 3876, -805, 362, -156, 53, -11], np.int32)
"""Every other coefficient of the 24-tap filter; read backwards it is the other half (§3.1, table 11)."""


@inner
def _saturated(value: int) -> int:
    return min(max(value, -32768), 32767)


@inner
def _limited(value: int) -> int:
    return min(max(value, -16384), 16383)


@inner
def _reset_band(band: Record, scale: int) -> None:
    band.estimate = 0
    band.zeros_estimate = 0
    band.poles[:] = 0
    band.zeros[:] = 0
    band.differences[:] = 0
    band.reconstructed[:] = 0
    band.partial[:] = 0
    band.log_scale = 0
    band.scale = scale


@njit(cache=True, nogil=True)
def reset_encoder(state: Record) -> None:
    """Bring an encoder's record (CODER) to the state of §6.2.1's RESET."""
    _reset_band(state.low, 32)
    _reset_band(state.high, 8)
    state.history[:] = 0


@njit(cache=True, nogil=True)
def reset_decoder(state: Record) -> None:
    """Bring a decoder's record (CODER) to the state of §6.2.2's RESET."""
    reset_encoder(state)


@inner
def _adapt_scale(band: Record, growth: int, highest: int, shift: int) -> None:
    """Block 3: LOGSCL and SCALEL, or their like of the higher band."""
    log_scale = min(max((band.log_scale * 127 >> 7) + growth, 0), highest)
    mantissa = MANTISSAS[log_scale >> 6 & 31]
    exponent = shift - (log_scale >> 11)
    band.log_scale = log_scale
    band.scale = (mantissa << -exponent if exponent < 0 else mantissa >> exponent) << 2


@inner
def _adapt_predictor(band: Record, difference: int) -> None:
    """Block 4: take the quantized difference in, move poles and zeros, and estimate the next sample."""
    reconstructed = _saturated(band.estimate + difference)  # RECONS
    partial = _saturated(band.zeros_estimate + difference)  # PARREC
    poles = band.poles
    same_1 = (partial < 0) == (band.partial[0] < 0)
    same_2 = (partial < 0) == (band.partial[1] < 0)
    # UPPOL2
    first = _saturated(poles[0] << 2)
    first = _saturated(-first) if same_1 else first
    pole_2 = (first >> 7) + (128 if same_2 else -128) + (poles[1] * 32512 >> 15)
    pole_2 = min(max(pole_2, -12288), 12288)
    # UPPOL1
    pole_1 = (POLE_STEP if same_1 else -POLE_STEP) + (poles[0] * 32640 >> 15)
    pole_1 = min(max(pole_1, pole_2 - 15360), 15360 - pole_2)
    # UPZERO and DELAYA, then FILTEZ on what has moved
    zeros = band.zeros
    differences = band.differences
    step = 0 if difference == 0 else ZERO_STEP
    for i in range(6):
        same = (difference < 0) == (differences[i] < 0)
        zeros[i] = _saturated((step if same else -step) + (zeros[i] * 32640 >> 15))
    for i in range(5, 0, -1):
        differences[i] = differences[i - 1]
    differences[0] = difference
    zeros_estimate = 0
    for i in range(5, -1, -1):
        zeros_estimate = _saturated(zeros_estimate + (zeros[i] * _saturated(differences[i] << 1) >> 15))
    # FILTEP and PREDIC
    poles_estimate = _saturated(
        (pole_1 * _saturated(reconstructed << 1) >> 15) + (pole_2 * _saturated(band.reconstructed[0] << 1) >> 15)
    )
    poles[0] = pole_1
    poles[1] = pole_2
    band.reconstructed[1] = band.reconstructed[0]
    band.reconstructed[0] = reconstructed
    band.partial[1] = band.partial[0]
    band.partial[0] = partial
    band.zeros_estimate = zeros_estimate
    band.estimate = _saturated(poles_estimate + zeros_estimate)


@inner
def _adapt_low(band: Record, code: int) -> None:
    """Both ends adapt to the four bits that no mode drops (§6.2.1, blocks 2L to 4L)."""
    difference = band.scale * FOUR_BITS[code >> 2] >> 15
    _adapt_scale(band, LOW_GROWTH[code >> 2], LOW_MAX, 8)
    _adapt_predictor(band, difference)


@njit(cache=True, nogil=True)
def encode_low(band: Record, sample: int) -> int:
    """Code one sample of the lower band (-16384..16383) in six bits."""
    error = _saturated(sample - band.estimate)
    magnitude = error if error >= 0 else ~error
    # the 29 decision levels rise: find how many lie at or below the magnitude
    below, above = 0, 30
    while above - below > 1:
        middle = (below + above) >> 1
        if magnitude >= QUANTILES[middle] * band.scale >> 12:
            below = middle
        else:
            above = middle
    code: int = POSITIVE_CODES[below + 1] if error >= 0 else NEGATIVE_CODES[below + 1]
    _adapt_low(band, code)
    return code


@njit(cache=True, nogil=True)
def encode_high(band: Record, sample: int) -> int:
    """Code one sample of the higher band (-16384..16383) in two bits."""
    error = _saturated(sample - band.estimate)
    magnitude = error if error >= 0 else ~error
    code = 3 if error >= 0 else 1
    if magnitude >= 564 * band.scale >> 12:
        code -= 1
    decode_high(band, code)
    return code


@njit(cache=True, nogil=True)
def decode_low(band: Record, code: int, mode: int) -> int:
    """Decode one six-bit code of the lower band; mode 1, 2 or 3 uses six, five or four of the bits."""
    if mode == 1:
        step = SIX_BITS[code]
    elif mode == 2:
        step = FIVE_BITS[code >> 1]
    else:
        step = FOUR_BITS[code >> 2]
    sample = _limited(band.estimate + (band.scale * step >> 15))
    _adapt_low(band, code)
    return sample


@njit(cache=True, nogil=True)
def decode_high(band: Record, code: int) -> int:
    """Decode one two-bit code of the higher band."""
    difference = band.scale * TWO_BITS[code] >> 15
    sample = _limited(band.estimate + difference)
    _adapt_scale(band, HIGH_GROWTH[code], HIGH_MAX, 10)
    _adapt_predictor(band, difference)
    return sample


@njit(cache=True, nogil=True)
def encode(state: Record, samples: Samples, out: Bytes) -> int:
    """Code 16 kHz audio at 64 kbit/s; the number of bytes written, half that of the samples.

    state: CODER, changed.  samples: (2n,) int16; an odd last one is left out.  out: (n,) uint8 or longer.
    """
    history = state.history
    pairs = samples.size // 2
    for n in range(pairs):
        for i in range(22):
            history[i] = history[i + 2]
        history[22] = samples[2 * n]
        history[23] = samples[2 * n + 1]
        even = 0
        odd = 0
        for i in range(12):
            even += history[2 * i] * MIRROR[i]
            odd += history[2 * i + 1] * MIRROR[11 - i]
        low = encode_low(state.low, _limited(even + odd >> 14))
        high = encode_high(state.high, _limited(odd - even >> 14))
        out[n] = high << 6 | low
    return pairs


@njit(cache=True, nogil=True)
def decode(state: Record, payload: Bytes, out: Samples, mode: int) -> int:
    """Decode to 16 kHz; the number of samples written, twice that of the bytes.  Never raises.

    state: CODER, changed.  payload: (n,) uint8.  out: (2n,) int16 or longer.  mode: 1 for 64 kbit/s, which is what RTP
    carries (RFC 3551 §4.5.2); 2 and 3 leave the last one and two bits of each code out.
    """
    history = state.history
    for n in range(payload.size):
        code = np.int64(payload[n])
        low = decode_low(state.low, code & 63, mode)
        high = decode_high(state.high, code >> 6)
        for i in range(22):
            history[i] = history[i + 2]
        history[22] = low + high
        history[23] = low - high
        first = 0
        second = 0
        for i in range(12):
            second += history[2 * i] * MIRROR[i]
            first += history[2 * i + 1] * MIRROR[11 - i]
        out[2 * n] = _saturated(first >> 11)
        out[2 * n + 1] = _saturated(second >> 11)
    return 2 * payload.size


@inner
def _copy_band(band: Record, source: Record) -> None:
    band.estimate = source.estimate
    band.zeros_estimate = source.zeros_estimate
    band.log_scale = source.log_scale
    band.scale = source.scale
    for i in range(2):
        band.poles[i] = source.poles[i]
        band.reconstructed[i] = source.reconstructed[i]
        band.partial[i] = source.partial[i]
    for i in range(6):
        band.zeros[i] = source.zeros[i]
        band.differences[i] = source.differences[i]


@njit(cache=True, nogil=True)
def follow(encoder: Record, decoder: Record) -> None:
    """Put an encoder where a decoder stands, so that it goes on with a stream that others have coded so far.

    Both predict from the codes alone, alike (§3.5, §3.6). Only the encoder's filter still holds what it was given last.
    """
    _copy_band(encoder.low, decoder.low)
    _copy_band(encoder.high, decoder.high)


def new_encoder() -> Record:
    """An encoder's state, ready; keep the record, the kernels change it in place."""
    state = np.zeros(1, CODER)[0]
    reset_encoder(state)
    return state


def new_decoder() -> Record:
    """A decoder's state, ready; keep the record, the kernels change it in place."""
    state = np.zeros(1, CODER)[0]
    reset_decoder(state)
    return state
