"""How a call sounded: the E-model (ITU-T G.107, 06/2015), from delay, loss and codec to R factor and MOS.

All parameters that a switch cannot measure (loudness, noise, sidetone, echo loss) have G.107's default values (table
2), so R says what the network and the codec did to the call, on the narrowband scale, whose best is 93.2. Echo is that
of a default telephone (TELR 65 dB), heard after twice the one-way delay.
"""

from math import exp, log10, sqrt

import numpy as np

from softswitch.codecs.registry import CodecCode
from softswitch.media.kernels import inner, kernel

# G.107 table 2
SLR, RLR = 8.0, 2.0
STMR, LSTR = 15.0, 18.0
DS = 3.0
TELR, WEPL = 65.0, 110.0
QDU = 1.0
NC, NFOR = -70.0, -64.0
PS, PR = 35.0, 35.0
LEAST_NOTED_MS = 100.0
"""mT of G.107 §7.4: delay below it does not harm conversation."""

IMPAIRMENT = np.zeros(len(CodecCode), np.float64)
"""Ie by codec (G.113 appendix I): what the codec itself costs."""
ROBUSTNESS = np.full(len(CodecCode), 25.1)
"""Bpl by codec: G.711 with its appendix I concealment has 25.1 (G.113 table I.2), without concealment 4.3.

Linear PCM is taken to conceal as G.711 does. G.722 has no value on the narrowband scale: its wider band, which this
scale cannot credit, is left out (Ie 0), and that its decoder needs some frames to recover after a loss is approximated
by a Bpl between G.711's and that of the codecs which predict (G.729A 19.0).
"""
ROBUSTNESS[CodecCode.G722] = 20.0


@inner
def power_sum(a: float, b: float, c: float, d: float) -> float:
    """Add four levels in dB by power."""
    return float(10.0 * log10(10.0 ** (a / 10) + 10.0 ** (b / 10) + 10.0 ** (c / 10) + 10.0 ** (d / 10)))


@inner
def circuit_noise() -> float:
    """No, dBm0p: all noise, at the 0 dBr point (G.107 §7.2)."""
    overall = SLR + RLR
    sending = PS - SLR - DS - 100.0 + 0.004 * (PS - overall - DS - 14.0) ** 2
    effective = PR + 10.0 * log10(1.0 + 10.0 ** ((10.0 - LSTR) / 10.0))
    receiving = RLR - 121.0 + effective + 0.008 * (effective - 35.0) ** 2
    return power_sum(NC, sending, receiving, NFOR + RLR)


@inner
def basic_ratio() -> float:
    """Ro, the signal-to-noise ratio before anything is taken away (G.107 §7.2)."""
    return 15.0 - 1.5 * (SLR + circuit_noise())


@inner
def simultaneous_impairment(one_way_ms: float) -> float:
    """Is: what goes together with the voice: loudness, sidetone, quantizing (G.107 §7.3)."""
    noise = circuit_noise()
    x = SLR + RLR + 0.2 * (64.0 + noise - RLR)
    loudness = 20.0 * ((1.0 + (x / 8.0) ** 8) ** (1.0 / 8.0) - x / 8.0)
    masked = -10.0 * log10(10.0 ** (-STMR / 10.0) + exp(-one_way_ms / 4.0) * 10.0 ** (-TELR / 10.0))
    sidetone = (
        12.0 * (1.0 + ((masked - 13.0) / 6.0) ** 8) ** (1.0 / 8.0)
        - 28.0 * (1.0 + ((masked + 1.0) / 19.4) ** 35) ** (1.0 / 35.0)
        - 13.0 * (1.0 + ((masked - 3.0) / 33.0) ** 13) ** (1.0 / 13.0)
        + 29.0
    )
    q = 37.0 - 15.0 * log10(QDU)
    g = 1.07 + 0.258 * q + 0.0602 * q * q
    y = (basic_ratio() - 100.0) / 15.0 + 46.0 / 8.4 - g / 9.0
    z = 46.0 / 30.0 - g / 40.0
    quantizing = 15.0 * log10(1.0 + 10.0**y + 10.0**z)
    return float(loudness + sidetone + quantizing)


@inner
def delay_impairment(one_way_ms: float) -> float:
    """Id: talker echo, listener echo and the delay itself (G.107 §7.4), with T = Ta and Tr = 2 Ta."""
    t = one_way_ms
    ratio = basic_ratio()
    echo_free = -1.5 * (circuit_noise() - RLR)
    audible = TELR - 40.0 * log10((1.0 + t / 10.0) / (1.0 + t / 150.0)) + 6.0 * exp(-0.3 * t * t)
    echoed = 80.0 + 2.5 * (audible - 14.0)
    half = (echo_free - echoed) / 2.0
    talker = (half + sqrt(half * half + 100.0) - 1.0) * (1.0 - exp(-t))
    half = (ratio - 10.5 * (WEPL + 7.0) * (2.0 * t + 1.0) ** -0.25) / 2.0
    listener = half + sqrt(half * half + 169.0)
    late = 0.0
    if t > LEAST_NOTED_MS:
        x = log10(t / LEAST_NOTED_MS) / log10(2.0)
        late = 25.0 * ((1.0 + x**6) ** (1.0 / 6.0) - 3.0 * (1.0 + (x / 3.0) ** 6) ** (1.0 / 6.0) + 2.0)
    return float(talker + listener + late)


@inner
def loss_impairment(loss_percent: float, burst_ratio: float, impairment: float, robustness: float) -> float:
    """Ie-eff: codec and lost packets (G.107 §7.5).  burst_ratio: 1 for random loss, more for loss in bursts."""
    return impairment + (95.0 - impairment) * loss_percent / (loss_percent / burst_ratio + robustness)


@kernel
def rate(one_way_ms: float, loss_percent: float, burst_ratio: float, codec: int) -> float:
    """The R factor of a call, 0 to 93.2 (G.107 §7.1).

    one_way_ms: mouth to ear, jitter buffer and packet included.  loss_percent: 0 to 100, after the jitter buffer.
    burst_ratio: as `burst_ratio` computes it.  codec: CodecCode; an unknown one counts as G.711.
    Never raises: what lies beyond its range is moved to the end of the range.
    """
    known = codec if 0 <= codec < IMPAIRMENT.size else 0
    delay = max(one_way_ms, 0.0)
    loss = min(max(loss_percent, 0.0), 100.0)
    bursts = max(burst_ratio, 1.0)
    r = basic_ratio() - simultaneous_impairment(delay) - delay_impairment(delay)
    r -= loss_impairment(loss, bursts, IMPAIRMENT[known], ROBUSTNESS[known])
    return float(min(max(r, 0.0), 100.0))


@kernel
def opinion_score(r: float) -> float:
    """The mean opinion score (MOS-CQE) that an R factor stands for, 1 to 4.5 (G.107 annex B)."""
    if r <= 0.0:
        return 1.0
    if r >= 100.0:
        return 4.5
    return max(1.0, 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6)


@kernel
def burst_ratio(lost: int, runs: int, expected: int) -> float:
    """How much longer runs of loss are than at random (BurstR of G.107 §7.5); 1 where nothing is known.

    lost: packets lost.  runs: how many runs they came in.  expected: packets that should have come.
    """
    if runs <= 0 or expected <= 0 or lost <= 0 or lost >= expected:
        return 1.0
    return max(1.0, (lost / runs) * (1.0 - lost / expected))
