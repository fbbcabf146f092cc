"""Bursts of tone on a line, and the gaps between them: what `progress_detector` gives its names to.

Every 20 ms the spectrum of the last 64 ms is taken. A burst begins where one or two frequencies hold nearly all of the
power, and ends where what they hold falls by 6 dB, so that its times are told to about 20 ms whatever the noise. It is
kept as a tone if it was pure and steady throughout.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from softswitch.codecs.spectrum import BIN_HZ, BINS, HALF, LOBE, SPAN, peak_hz

Record = Any
Floats = npt.NDArray[np.float64]

FRAME = 160
FRAME_MS = 20
KEPT = 6
"""Bursts remembered, with the gap after each."""

PROGRESS = np.dtype(
    [
        ("kind", "i8"),  # the Tone that the line gives now, or 0
        ("span", "f8", (SPAN,)),
        ("waiting", "i8"),  # samples since the last spectrum
        ("real", "f8", (HALF,)),
        ("imaginary", "f8", (HALF,)),
        ("power", "f8", (BINS,)),
        ("before", "f8", (BINS,)),  # the spectrum 20 ms ago
        # of the last spectrum
        ("total", "f8"),
        ("tonal", "i8"),
        ("first_bin", "i8"),
        ("second_bin", "i8"),  # 0 for none
        # of the burst that is on, or was last
        ("on", "i8"),
        ("frames", "i8"),
        ("impure", "i8"),
        ("lowest_bin", "i8"),
        ("highest_bin", "i8"),
        ("centre_hz", "f8"),
        ("plateau", "f8"),
        ("rise", "f8", (4,)),
        ("sum", "f8", (BINS,)),
        ("summed", "i8"),
        ("purity", "f8"),  # when it ended
        ("named", "i8"),  # it has been given a name
        # since it ended
        ("gap", "i8"),
        ("lead", "i8"),  # the gap before the burst that is on
        ("quiet", "i8"),
        ("loud", "i8"),
        # bursts that are over, the newest last
        ("bursts", "i8"),
        ("ons_ms", "i8", (KEPT,)),
        ("offs_ms", "i8", (KEPT,)),
        ("lows_hz", "f8", (KEPT,)),
        ("highs_hz", "f8", (KEPT,)),  # 0 where there is one frequency
    ],
    align=True,
)

# In bins of 15.625 Hz
VOICE_LOW, VOICE_HIGH = 8, 224
TONES_LOW, TONES_HIGH = 20, 170  # 312 to 2,656 Hz
PROGRESS_LOW, PROGRESS_HIGH = 19, 44  # where ringing and busy tones lie: 297 to 688 Hz
PROGRESS_HZ = 690.0

LEAST_POWER = 32768.0**2 * 10 ** ((-45 - 6.18) / 10)  # -45 dBm0
LEAST_PURITY = 0.70
END_FALL = 0.25
STEADY_HZ = 15.0


@njit(cache=True, nogil=True)
def reset(state: Record) -> None:
    """Make a detector's record ready: a line that has said nothing."""
    state.kind = 0
    state.span[:] = 0.0
    state.waiting = 0
    state.power[:] = 0.0
    state.before[:] = 0.0
    state.total = 0.0
    state.tonal = 0
    state.on = 0
    state.frames = 0
    state.plateau = 0.0
    state.centre_hz = 0.0
    state.purity = 0.0
    state.named = 0
    state.gap = 0
    state.lead = 0
    state.quiet = 0
    state.loud = 0
    state.bursts = 0


@njit(cache=True, nogil=True)
def held_power(power: Floats, low: int, high: int) -> float:
    total = 0.0
    for k in range(low, high + 1):
        total += power[k]
    return total


@njit(cache=True, nogil=True)
def look(state: Record) -> None:
    """Find the one or two strongest frequencies of the spectrum, and whether there is little else."""
    power = state.power
    state.total = held_power(power, VOICE_LOW, VOICE_HIGH)
    state.tonal = 0
    first = TONES_LOW
    for k in range(TONES_LOW, TONES_HIGH + 1):
        if power[k] > power[first]:
            first = k
    second = 0
    for k in range(TONES_LOW, TONES_HIGH + 1):
        apart = abs(k - first)
        if apart < 2 or power[k] < power[k - 1] or power[k] < power[k + 1] or power[k] < 0.04 * power[first]:
            continue
        if second == 0 or power[k] > power[second]:
            second = k
    held = held_power(power, first - 2, first + 2)
    if second > 0:
        if second > first:
            held += held_power(power, max(first + 3, second - 2), second + 2)
        else:
            held += held_power(power, second - 2, min(first - 3, second + 2))
    state.first_bin = first
    state.second_bin = second
    if held >= LEAST_POWER * LOBE and held >= LEAST_PURITY * state.total:
        state.tonal = 1


@njit(cache=True, nogil=True)
def centre_hz_of(power: Floats, low: int, high: int) -> float:
    weighted = 0.0
    total = 1e-9
    for k in range(low, high + 1):
        weighted += k * power[k]
        total += power[k]
    return BIN_HZ * weighted / total


@njit(cache=True, nogil=True)
def begin(state: Record) -> None:
    """A burst may begin with this spectrum, or began within the one before."""
    if state.bursts > 0 and state.gap <= 3 and state.lowest_bin <= state.first_bin <= state.highest_bin:
        centre_hz = centre_hz_of(state.power, state.lowest_bin, state.highest_bin)
        if abs(centre_hz - state.centre_hz) < STEADY_HZ:
            # a break, as a lost packet or a reversal of phase makes: the same burst goes on
            state.bursts -= 1
            state.on = 1
            state.frames += state.gap
            return
    state.lead = state.gap
    begin_anew(state)


@njit(cache=True, nogil=True)
def begin_anew(state: Record) -> None:
    if state.first_bin <= PROGRESS_HIGH:
        low, high = PROGRESS_LOW, PROGRESS_HIGH
    else:
        low, high = state.first_bin - 3, state.first_bin + 3
    centre_hz = centre_hz_of(state.power, low, high)
    state.on = 1
    state.lowest_bin = low
    state.highest_bin = high
    state.centre_hz = centre_hz
    state.rise[0] = held_power(state.before, low, high)
    state.rise[1] = held_power(state.power, low, high)
    state.frames = 2
    state.plateau = state.rise[1]
    state.impure = 0
    state.sum[:] = 0.0
    state.summed = 0
    state.named = 0


@njit(cache=True, nogil=True)
def go_on(state: Record, held: float) -> None:
    if state.frames < 4:
        state.rise[state.frames] = held
    state.frames += 1
    state.plateau = max(state.plateau, held)
    centre_hz = centre_hz_of(state.power, state.lowest_bin, state.highest_bin)
    if state.frames <= 4:
        state.centre_hz = centre_hz
        return
    if state.tonal == 0 or abs(centre_hz - state.centre_hz) > STEADY_HZ:
        state.impure += 1
        return
    for k in range(BINS):
        state.sum[k] += state.power[k]
    state.summed += 1


@njit(cache=True, nogil=True)
def early_frames(state: Record) -> int:
    """How many frames were counted before the burst had risen to within 6 dB of its plateau."""
    early = 0
    while early < min(4, state.frames) and state.rise[early] < END_FALL * state.plateau:
        early += 1
    return early


@njit(cache=True, nogil=True)
def pure(state: Record) -> bool:
    """Whether the burst was a tone from end to end; a short one must be the purer, since vowels have such moments."""
    if state.summed == 0 or state.impure > 2 + 0.15 * state.frames:
        return False
    return purity(state) >= (0.88 if state.frames < 12 else 0.75)


@njit(cache=True, nogil=True)
def purity(state: Record) -> float:
    """The share of the mean spectrum's power that lies around its two strongest frequencies."""
    low_hz, high_hz = low_and_high_hz(state)
    one = round(low_hz / BIN_HZ)
    held = held_power(state.sum, one - 2, one + 2)
    if high_hz > 0.0:
        other = round(high_hz / BIN_HZ)
        held += held_power(state.sum, max(one + 3, other - 2), other + 2)
    return held / max(held_power(state.sum, VOICE_LOW, VOICE_HIGH), 1e-9)


@njit(cache=True, nogil=True)
def low_and_high_hz(state: Record) -> tuple[float, float]:
    """The burst's one or two frequencies, from the mean of its spectra; the second is 0 where there is one."""
    mean = state.sum
    first = state.lowest_bin
    for k in range(state.lowest_bin, state.highest_bin + 1):
        if mean[k] > mean[first]:
            first = k
    second = 0
    for k in range(TONES_LOW, TONES_HIGH + 1):
        if abs(k - first) < 2 or mean[k] < mean[k - 1] or mean[k] < mean[k + 1] or mean[k] < 0.08 * mean[first]:
            continue
        if second == 0 or mean[k] > mean[second]:
            second = k
    one = peak_hz(mean, first)
    if second == 0:
        return one, 0.0
    other = peak_hz(mean, second)
    return min(one, other), max(one, other)


@njit(cache=True, nogil=True)
def forget(state: Record) -> None:
    state.bursts = 0
    state.kind = 0


@njit(cache=True, nogil=True)
def end(state: Record) -> bool:
    """Keep the burst that is over, if it was a tone."""
    state.on = 0
    state.quiet = 0
    state.loud = 0
    if state.frames <= 4:
        state.gap += state.frames  # too short to be anything
        return False
    early = early_frames(state)
    if not pure(state):
        forget(state)
        state.gap = 1
        return False
    if state.bursts > 0:
        state.offs_ms[min(state.bursts, KEPT) - 1] = FRAME_MS * max(0, state.lead - 2 + early)
    if state.bursts >= KEPT:
        for i in range(KEPT - 1):
            state.ons_ms[i] = state.ons_ms[i + 1]
            state.offs_ms[i] = state.offs_ms[i + 1]
            state.lows_hz[i] = state.lows_hz[i + 1]
            state.highs_hz[i] = state.highs_hz[i + 1]
        state.bursts = KEPT - 1
    low_hz, high_hz = low_and_high_hz(state)
    i = state.bursts
    state.purity = purity(state)
    state.ons_ms[i] = FRAME_MS * (state.frames - early)
    state.offs_ms[i] = 0
    state.lows_hz[i] = low_hz
    state.highs_hz[i] = high_hz
    state.bursts += 1
    state.gap = 1
    return True
