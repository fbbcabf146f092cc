"""What a tone in the callee's audio can be; and the limits within which a frequency, a length or a share counts."""

from numba import njit

NONE = 0
BEEP = 1
RINGBACK = 2
BUSY = 3
"""Busy or congestion."""
DIAL_TONE = 4
"""Or any other tone of that pitch that does not end, as number unobtainable."""
SIT = 5
FAX = 6
"""CNG or CED."""
DTMF = 7

STEADY_SHARE = 0.35  # of all power: a tone that the network sends is not under a voice


@njit(cache=True, nogil=True)
def near(value: float, target: float, by: float) -> bool:
    return abs(value - target) <= by


@njit(cache=True, nogil=True)
def within(value: float, low: float, high: float) -> bool:
    return low <= value <= high
