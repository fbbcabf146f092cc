"""Bursts of one frequency that are over, and what two of them in succession are: a busy tone, or ringing."""

from typing import Any

from numba import njit

from softswitch.amd.tone_kinds import BUSY, NONE, RINGBACK, near, within

Record = Any  # one row of `tones.TONES`; NumPy has no static type for it

KEPT = 4
SAME_BURST_GAP = 6  # blocks


@njit(cache=True, nogil=True)
def remember(tones: Record, hz: float, start: int, end: int) -> None:
    """Keep a burst of `hz` from block `start` to `end`, behind those before it."""
    last = tones.bursts - 1
    if last >= 0 and near(tones.burst_hz[last], hz, 15.0) and start - tones.burst_end[last] <= SAME_BURST_GAP:
        tones.burst_end[last] = end
        return
    if tones.bursts == KEPT:
        for index in range(KEPT - 1):
            tones.burst_hz[index] = tones.burst_hz[index + 1]
            tones.burst_start[index] = tones.burst_start[index + 1]
            tones.burst_end[index] = tones.burst_end[index + 1]
        tones.bursts = KEPT - 1
    tones.burst_hz[tones.bursts] = hz
    tones.burst_start[tones.bursts] = start
    tones.burst_end[tones.bursts] = end
    tones.bursts += 1


@njit(cache=True, nogil=True)
def name_cadence(tones: Record, hz: float) -> int:
    """What the burst that has just ended is together with the one before: a busy tone, or ringing."""
    if tones.bursts < 2:
        return NONE
    last = tones.bursts - 1
    if not near(tones.burst_hz[last - 1], hz, 15.0):
        return NONE
    on_ms = 10.0 * (tones.burst_end[last] - tones.burst_start[last])
    on_before_ms = 10.0 * (tones.burst_end[last - 1] - tones.burst_start[last - 1])
    off_ms = 10.0 * (tones.burst_start[last] - tones.burst_end[last - 1])
    if within(on_ms, 320.0, 480.0) and within(on_before_ms, 320.0, 480.0) and within(off_ms, 130.0, 260.0):
        return RINGBACK  # two rings of 0.4 s with 0.2 s between, as in the United Kingdom and Australia
    if within(on_ms, 130.0, 650.0) and within(on_before_ms, 130.0, 650.0) and within(off_ms, 130.0, 650.0):
        return BUSY
    if within(on_ms, 300.0, 2300.0) and within(off_ms, 1500.0, 5500.0):
        return RINGBACK
    return NONE
