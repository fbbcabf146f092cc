"""Two lines that sound together: telephone keys, progress tones of two frequencies, beeps of two."""

from typing import Any

from numba import njit

from softswitch.amd.lines import hz_of, share_of
from softswitch.amd.peaks import SLOTS
from softswitch.amd.tone_kinds import BUSY, DIAL_TONE, DTMF, NONE, RINGBACK, STEADY_SHARE, near, within

Record = Any  # one row of `lines.LINE` or `tones.TONES`; NumPy has no static type for it

KEY_SHARE = 0.85  # of all power, as below
PAIR_SHARE, PAIR_EDGE_DB = 0.95, 28.0
STEADY_HZ = 4.0  # standard deviation


@njit(cache=True, nogil=True)
def _is_key(low: float, high: float) -> bool:
    """Two frequencies of a telephone key, within 1.8 % (ITU-T Q.24: accepted within 1.5 %, refused from 3.5 %)."""
    row = near(low, 697.0, 12.5) or near(low, 770.0, 13.9) or near(low, 852.0, 15.3) or near(low, 941.0, 16.9)
    column = (
        near(high, 1209.0, 21.8) or near(high, 1336.0, 24.0) or near(high, 1477.0, 26.6) or near(high, 1633.0, 29.4)
    )
    return row and column


@njit(cache=True, nogil=True)
def name_pair(one: Record, other: Record) -> int:
    """What two lines that sound together are, once they have for long enough; they bear its name from then on."""
    low, high = min(hz_of(one), hz_of(other)), max(hz_of(one), hz_of(other))
    blocks = min(one.blocks, other.blocks)
    balanced = within(one.power, 0.08 * other.power, 12.0 * other.power)
    shares = share_of(one) + share_of(other)
    strong = shares >= 2.0 * STEADY_SHARE
    if not balanced or not strong or abs(one.start - other.start) > 4:
        return NONE
    name = NONE
    if blocks >= 6 and shares >= KEY_SHARE and _is_key(low, high):
        name = DTMF
    elif blocks >= 24 and near(low, 480.0, 12.0) and near(high, 620.0, 12.0):
        name = BUSY
    elif blocks >= 100 and near(low, 350.0, 12.0) and near(high, 440.0, 12.0):
        name = DIAL_TONE
    elif blocks >= 32 and (
        (near(low, 440.0, 12.0) and near(high, 480.0, 12.0)) or (near(low, 400.0, 12.0) and near(high, 450.0, 12.0))
    ):
        name = RINGBACK
    if name != NONE:
        one.named = name
        other.named = name
    return name


@njit(cache=True, nogil=True)
def is_half_of_a_pair(tones: Record, line: Record) -> bool:
    """Whether the line described last began and ended with another, abruptly, both steady and alone."""
    rise, fall = tones.description[11], tones.description[12]
    if line.blocks < 9 or min(rise, fall) < PAIR_EDGE_DB or tones.description[3] >= STEADY_HZ:
        return False
    for slot in range(SLOTS):
        other = tones.lines.line[slot]
        if other.start == line.start and other.hz == line.hz:
            continue
        if other.measured < 4 or abs(other.start - line.start) > 4 or abs(other.blocks - line.blocks) > 4:
            continue
        hz = hz_of(other)
        steady = other.squared_hzs / other.measured - hz * hz < STEADY_HZ * STEADY_HZ
        balanced = within(line.powers, 0.12 * other.powers, 8.0 * other.powers)
        if steady and balanced and share_of(line) + share_of(other) >= PAIR_SHARE:
            return True
    return False
