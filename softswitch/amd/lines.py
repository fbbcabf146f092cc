"""Steady spectral lines, followed block by block: where one begins, how it goes on, and what it was when it has ended.

The raw material of `tones`. A line is a peak of the spectrum (`peaks`) that stays at its frequency; up to three are
followed at once, so that a tone is found beside a louder hum or under a television. Each keeps sums only, of which
`describe` makes a vector of 20 numbers when the line has ended.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from softswitch.amd.features import BIN_HZ, FAST, decibels
from softswitch.amd.peaks import BINS, SLOTS, TOTAL_FROM, TOTAL_TO, find_peaks, power_beside, power_of

Spectrum = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float32]
Record = Any  # one row of `LINE` or `LINES`; NumPy has no static type for it

ONE, A_HALF = np.float32(1.0), np.float32(0.5)
DELAY = 4  # blocks: a window that touches a line's beginning is not yet what was before it
NEAR_HZ = 18.0  # a line's next peak lies no farther off
FADE = 0.16  # a line that falls by 8 dB from one block to the next has ended
MISSES = 3  # blocks without a peak: a lost packet is shorter
SHORTEST = 5  # blocks of a line worth describing
SETTLED = 3  # from this block on the window is full of the line

LINE = np.dtype(
    [
        ("on", "i4"),
        ("blocks", "i4"),
        ("missing", "i4"),
        ("missed", "i4"),
        ("start", "i4"),
        ("measured", "i4"),
        ("named", "i4"),  # `tones` has said what it is
        ("low_shares", "i4"),
        ("hz", "f4"),
        ("power", "f4"),  # smoothed
        ("last", "f4", (3,)),
        ("greatest", "f4"),
        ("before", "f4"),  # power in its bins before it began
        ("rest_before", "f4"),  # and in the others
        ("busy", "f4"),
        # sums over the settled blocks
        ("powers", "f8"),
        ("totals", "f8"),
        ("shares", "f4"),
        ("hzs", "f8"),
        ("squared_hzs", "f8"),
        ("timed_hzs", "f8"),
        ("widths", "f4"),
        ("levels", "f8"),
        ("squared_levels", "f8"),
        ("timed_levels", "f8"),
        ("prominences", "f4"),
        ("others", "f4"),
    ],
    align=True,
)
LINES = np.dtype(
    [
        ("block", "i4"),
        ("position", "i4"),
        ("line", LINE, (SLOTS,)),
        ("recent", "f4", (DELAY, BINS)),
        ("background", "f4", (BINS,)),
        ("smooth", "f4", (BINS,)),
        ("busy", "f4"),  # lines that have ended lately: music and voices leave many
        ("total", "f4"),
        ("peak_bins", "i4", (SLOTS,)),
        ("peak_powers", "f4", (SLOTS,)),
        ("peak_hzs", "f4", (SLOTS,)),
    ],
    align=True,
)
DESCRIPTION = (
    "blocks", "missed_share", "hz", "hz_deviation", "share", "mean_share", "low_share", "width", "level", "slope",
    "deviation", "rise", "fall", "rest_rise", "prominence", "after", "drift", "others", "busy", "crest",
)  # fmt: skip


@njit(cache=True, nogil=True)
def reset(lines: Record) -> None:
    """Nothing heard yet."""
    lines.block = 0
    lines.position = 0
    lines.busy = 0.0
    lines.total = 0.0
    lines.recent[:] = 0.0
    lines.background[:] = 0.0
    for slot in range(SLOTS):
        lines.line[slot].on = 0


@njit(cache=True, nogil=True)
def _decibels(power: float) -> float:
    return float(decibels(max(np.float32(power), ONE)))


@njit(cache=True, nogil=True)
def _begin(lines: Record, line: Record, place: int) -> None:
    peak, held = lines.peak_bins[place], lines.peak_powers[place]
    line.on = 1
    line.blocks = 1
    line.missing = 0
    line.missed = 0
    line.start = lines.block
    line.measured = 0
    line.named = 0
    line.low_shares = 0
    line.hz = lines.peak_hzs[place]
    line.power = held
    line.last[:] = held
    line.greatest = held
    before = 0.0
    everything = 0.0
    for k in range(peak - 2, peak + 3):
        before += lines.background[k]
    for k in range(TOTAL_FROM, BINS):
        everything += lines.background[k]
    line.before = before
    line.rest_before = max(everything - before, 1.0)
    line.busy = lines.busy
    line.powers = 0.0
    line.totals = 0.0
    line.shares = 0.0
    line.hzs = 0.0
    line.squared_hzs = 0.0
    line.timed_hzs = 0.0
    line.widths = 0.0
    line.levels = 0.0
    line.squared_levels = 0.0
    line.timed_levels = 0.0
    line.prominences = 0.0
    line.others = 0.0


@njit(cache=True, nogil=True)
def _go_on(lines: Record, line: Record, place: int, others: float) -> None:
    peak, held, hz = lines.peak_bins[place], lines.peak_powers[place], lines.peak_hzs[place]
    line.blocks += 1 + line.missing
    line.missed += line.missing
    line.missing = 0
    line.hz += (hz - line.hz) * (0.5 if line.blocks <= 4 else 0.15)
    line.power += (held - line.power) * 0.4
    line.last[2] = line.last[1]
    line.last[1] = line.last[0]
    line.last[0] = held
    line.greatest = max(line.greatest, held)
    if line.blocks < SETTLED:
        return
    share = held / max(lines.total, 1.0)
    line.powers += held
    line.totals += lines.total
    line.shares += share
    if share < 0.5:
        line.low_shares += 1
    at = line.measured
    line.hzs += hz
    line.squared_hzs += hz * hz
    line.timed_hzs += hz * at
    centre = hz / BIN_HZ
    mass = 0.0
    moment = 0.0
    for k in range(peak - 3, peak + 4):
        mass += lines.smooth[k]
        moment += lines.smooth[k] * (k - centre) * (k - centre)
    line.widths += moment / max(mass, 1e-9)
    level = _decibels(held)
    line.levels += level
    line.squared_levels += level * level
    line.timed_levels += level * at
    line.prominences += _decibels(held / max(power_beside(lines.smooth, peak), 1.0))
    line.others += others
    line.measured += 1


@njit(cache=True, nogil=True)
def hz_of(line: Record) -> float:
    """Mean frequency of a line so far."""
    hz: float = line.hzs / line.measured if line.measured > 0 else line.hz
    return hz


@njit(cache=True, nogil=True)
def share_of(line: Record) -> float:
    """The line's part of all that was heard while it lasted, 0 to 1."""
    share: float = line.powers / max(line.totals, 1.0)
    return share


@njit(cache=True, nogil=True)
def length_ms(line: Record) -> float:
    """How long the sound lasted: the window and its smoothing smear both ends."""
    return max(10.0 * (line.blocks - 3), 10.0)


@njit(cache=True, nogil=True)
def describe(lines: Record, line: Record, out: Floats) -> None:
    """What a line that has just ended was like.

    out: (20,) float32, filled in the order of `DESCRIPTION`: length in blocks, Hz, dB, and shares from 0 to 1.
    """
    count = max(line.measured, 1)
    middle = (count - 1) / 2.0
    spread = max((count * count - 1) / 12.0, 1e-9)
    hz = line.hzs / count
    level = line.levels / count
    slope = (line.timed_levels / count - level * middle) / spread
    mean_power = line.powers / count
    bend = line.squared_levels / count - level * level - slope * slope * spread
    out[0] = line.blocks
    out[1] = line.missed / max(line.blocks, 1)
    out[2] = hz
    out[3] = math.sqrt(max(line.squared_hzs / count - hz * hz, 0.0))
    out[4] = line.powers / max(line.totals, 1.0)
    out[5] = line.shares / count
    out[6] = line.low_shares / count
    out[7] = line.widths / count
    out[8] = level
    out[9] = 10.0 * slope
    out[10] = math.sqrt(max(bend, 0.0))
    out[11] = _decibels(mean_power) - _decibels(line.before)
    out[12] = _decibels(line.last[1]) - _decibels(power_of(lines.smooth, round(line.hz / BIN_HZ)))
    out[13] = _decibels((line.totals - line.powers) / count) - _decibels(line.rest_before)
    out[14] = line.prominences / count
    out[15] = _decibels(lines.total) - _decibels(line.totals / count)
    out[16] = (line.timed_hzs / count - hz * middle) / spread * count
    out[17] = line.others / count
    out[18] = line.busy
    out[19] = _decibels(line.greatest) - _decibels(mean_power)


@njit(cache=True, nogil=True)
def _free_slot(lines: Record, ended: int, held: float) -> int:
    """A slot for a new line: one that is free, else that of the weakest line which has hardly begun; -1 for none."""
    found = -1
    for slot in range(SLOTS):
        line = lines.line[slot]
        if (ended >> slot) & 1:
            continue
        if line.on == 0:
            return slot
        if line.blocks < 4 and line.power < held and (found < 0 or line.power < lines.line[found].power):
            found = slot
    return found


@njit(cache=True, nogil=True, fastmath=FAST)
def _smooth(power: Spectrum, before: Spectrum, smooth: Spectrum) -> float:
    """The mean of two blocks; returns the power of all that a telephone carries."""
    total = np.float32(0.0)
    for k in range(TOTAL_FROM):
        smooth[k] = A_HALF * (power[k] + before[k])
    for k in range(TOTAL_FROM, BINS):
        smooth[k] = A_HALF * (power[k] + before[k])
        total += smooth[k]
    for k in range(BINS, TOTAL_TO):
        total += power[k]
    return float(total)


@njit(cache=True, nogil=True, fastmath=FAST)
def _age(power: Spectrum, oldest: Spectrum, background: Spectrum, rate: float) -> None:
    """Let the oldest block kept into the background, and the newest into its place."""
    for k in range(BINS):
        background[k] += rate * (oldest[k] - background[k])
        oldest[k] = power[k]


@njit(cache=True, nogil=True)
def follow(lines: Record, power: Spectrum) -> int:
    """Take in the spectrum of the next 10 ms.

    power: (128,) float32, squared magnitudes of the 256-sample Hann window over 16-bit samples (`features.spectrum`).
    Returns a bit mask of the slots whose line has just ended; a line shorter than 50 ms ends unsaid.
    """
    previous = (lines.position + DELAY - 1) % DELAY
    lines.total = _smooth(power, lines.recent[previous], lines.smooth)
    lines.busy *= 0.99
    find_peaks(lines)
    others = -1.0
    for slot in range(SLOTS):
        if lines.line[slot].on == 1 and lines.line[slot].blocks >= 4:
            others += 1.0
    ended = 0
    for slot in range(SLOTS):
        line = lines.line[slot]
        if line.on == 0:
            continue
        best = -1
        nearest = NEAR_HZ
        for place in range(SLOTS):
            off = abs(lines.peak_hzs[place] - line.hz)
            if lines.peak_bins[place] > 0 and off < nearest:
                nearest = off
                best = place
        if best >= 0 and (line.blocks <= 3 or lines.peak_powers[best] >= FADE * line.power):
            _go_on(lines, line, best, others)
            lines.peak_bins[best] = 0
            continue
        line.missing += 1
        if line.missing >= MISSES:
            line.on = 0
            if line.blocks >= SHORTEST:
                ended |= 1 << slot
                if line.blocks > SHORTEST:
                    lines.busy += 1.0
    for place in range(SLOTS):
        if lines.peak_bins[place] == 0:
            continue
        free = _free_slot(lines, ended, lines.peak_powers[place])
        if free >= 0:
            _begin(lines, lines.line[free], place)
    _age(power, lines.recent[lines.position], lines.background, np.float32(0.12 if lines.block > 10 else 0.4))
    lines.position = (lines.position + 1) % DELAY
    lines.block += 1
    return ended
