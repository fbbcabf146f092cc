"""Tones in the callee's audio, block by block: a voicemail's beep, ringing, busy and dial tone, SIT, fax and keys.

`lines` follows what is steady in the spectrum; a line that ends is weighed by `beeps`, and named here by its frequency,
its length, what came before it (`bursts`) or sounds with it (`pairs`). Each sound is named once. What may be part of
something else waits: the first of three special information tones for the next, a burst of 400 to 450 Hz before anybody
spoke for the next burst of a busy tone.

Frequencies and times: ITU-T E.180 and its Supplement 2 (call progress, SIT), Q.23 and Q.24 (keys), T.30 §4 (fax).
Beeps have no standard: 350 to 2,100 Hz, one or two frequencies, 60 ms to 1.5 s.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from softswitch.amd import lines as spectral
from softswitch.amd.beeps import likelihood
from softswitch.amd.bursts import KEPT, name_cadence, remember
from softswitch.amd.lines import DESCRIPTION, LINES, describe, hz_of, length_ms, share_of
from softswitch.amd.pairs import is_half_of_a_pair, name_pair
from softswitch.amd.peaks import SLOTS
from softswitch.amd.tone_kinds import BEEP, BUSY, DIAL_TONE, FAX, NONE, RINGBACK, SIT, STEADY_SHARE, near, within

Spectrum = npt.NDArray[np.float32]
Record = Any  # one row of `TONES`; NumPy has no static type for it

TONES = np.dtype(
    [
        ("lines", LINES),
        ("description", "f4", (len(DESCRIPTION),)),
        ("prepared", "f4", (len(DESCRIPTION),)),
        ("odds", "f4"),  # of the last line that ended, log odds of a beep
        ("floor_dbov", "f4"),
        ("spoken", "i4"),  # blocks of sound that was no tone
        ("spoken_power", "f8"),  # their sum, 1 = 0 dBov
        ("fax", "i4"),  # a fax has been heard: what follows is a modem
        ("pending", "i4"),  # block at which a beep that waits is told; 0 for none
        ("pending_hz", "f4"),
        ("pending_end", "i4"),
        ("beep_end", "i4"),  # block at which the last beep told ended
        # bursts of one frequency that are over, the newest last
        ("bursts", "i4"),
        ("burst_hz", "f4", (KEPT,)),
        ("burst_start", "i4", (KEPT,)),
        ("burst_end", "i4", (KEPT,)),
        ("last_name", "i4"),
        ("last_named", "i4"),  # block
    ],
    align=True,
)

LEAST_ODDS = 0.4
"""Log odds from which a line is a beep: 3 false beeps in 656 clips without one, by clip-wise cross-validation."""
SHORTEST_BEEP_MS, LONGEST_BEEP_MS = 35.0, 1750.0  # 60 to 1,500 ms, and what the window's smear makes of it
LOWEST_BEEP_HZ, HIGHEST_BEEP_HZ = 338.0, 2125.0
INFORMATION_GAP = 14  # blocks between two special information tones, where a packet was lost as well
REVERSAL_GAP = 20  # blocks, a packet lost at the reversal included
BUSY_GAP = 65  # the longest gap of a busy tone is 600 ms (E.180)
POWER_SCALE = 2.0 / (256 * 96.0 * 32768.0**2)  # power in the Hann window to the mean square, 1 = 0 dBov
ENOUGH_SPEECH_BLOCKS = 30
SPEECH_ABOVE_FLOOR_DB = 9.0
FLOOR_RISE_DB = 0.065  # a block: 6.5 dB/s
QUIETEST_FLOOR_DBOV = -62.0
NEPERS_A_DB = math.log(10.0) / 10.0  # of power
PURE_SHARE = 0.9
BEATING_PROMINENCE_DB = 25.0
LEAST_BEATING_WIDTH, LARGEST_BEATING_WIDTH = 0.57, 1.15
"""In bins²: one line in a Hann window has 0.33, two 40 Hz apart 0.74, 50 Hz apart 0.97; a melody's notes are wider."""


@njit(cache=True, nogil=True)
def reset(tones: Record) -> None:
    """Put the listener back to the beginning of a call. tones: a record of `TONES`."""
    spectral.reset(tones.lines)
    tones.odds = 0.0
    tones.floor_dbov = -50.0
    tones.spoken = 0
    tones.spoken_power = 0.0
    tones.fax = 0
    tones.pending = 0
    tones.pending_hz = 0.0
    tones.pending_end = 0
    tones.beep_end = -1000
    tones.bursts = 0
    tones.last_name = NONE
    tones.last_named = -1000


@njit(cache=True, nogil=True)
def _follow_speech(tones: Record, level_dbov: float) -> None:
    """Count the blocks that stand over the line's noise and are no tone."""
    tones.floor_dbov = max(min(tones.floor_dbov + FLOOR_RISE_DB, level_dbov), QUIETEST_FLOOR_DBOV)
    if level_dbov < max(tones.floor_dbov + SPEECH_ABOVE_FLOOR_DB, -50.0):
        return
    for slot in range(SLOTS):
        line = tones.lines.line[slot]
        if line.on == 1 and line.blocks >= 3 and line.last[0] >= 0.75 * tones.lines.total:
            return
    tones.spoken += 1
    tones.spoken_power += math.exp(level_dbov * NEPERS_A_DB)


@njit(cache=True, nogil=True)
def _after_speech(tones: Record, line: Record) -> bool:
    """Whether somebody spoke before, about as loud as the line; what is 10 dB fainter is a room behind a tone."""
    if tones.spoken < ENOUGH_SPEECH_BLOCKS:
        return False
    power = POWER_SCALE * line.powers / max(line.measured, 1)
    after: bool = tones.spoken_power / tones.spoken >= 0.1 * power
    return after


@njit(cache=True, nogil=True)
def _is_next_information_tone(before_hz: float, hz: float) -> bool:
    first_two = within(before_hz, 895.0, 1005.0) and within(hz, 1350.0, 1450.0)
    return first_two or (within(before_hz, 1350.0, 1450.0) and within(hz, 1745.0, 1855.0))


@njit(cache=True, nogil=True)
def _tell(tones: Record, name: int) -> int:
    """A name is told again only when a second has passed since it was last true."""
    block = tones.lines.block
    fresh = name != tones.last_name or block - tones.last_named > 100
    tones.last_name = name
    tones.last_named = block
    tones.pending = 0
    if name == FAX:
        tones.fax = 1
    return name if fresh else NONE


@njit(cache=True, nogil=True)
def _continuing(tones: Record, line: Record) -> int:
    """What a line that goes on is, once it has lasted for long enough."""
    if line.named != NONE:
        return NONE
    hz = hz_of(line)
    name = NONE
    if line.blocks >= 15 and tones.bursts > 0 and share_of(line) >= STEADY_SHARE:
        last = tones.bursts - 1
        gap = line.start - tones.burst_end[last]
        before_hz = tones.burst_hz[last]
        long_enough = tones.burst_end[last] - tones.burst_start[last] >= 12
        if gap <= INFORMATION_GAP and long_enough and _is_next_information_tone(before_hz, hz):
            name = SIT
        answer = near(hz, 2100.0, 15.0) and near(before_hz, 2100.0, 15.0) and share_of(line) >= 0.6
        if gap <= REVERSAL_GAP and answer and long_enough:
            name = FAX  # the answering tone whose phase is reversed every 450 ms (ITU-T V.8, ANSam)
    if line.blocks >= 32 and within(hz, 395.0, 485.0) and share_of(line) >= PURE_SHARE:
        width = line.widths / line.measured
        prominent = line.prominences >= BEATING_PROMINENCE_DB * line.measured
        if within(width, LEAST_BEATING_WIDTH, LARGEST_BEATING_WIDTH) and prominent:
            name = RINGBACK
    if line.blocks >= 175 and near(hz, 2100.0, 20.0):
        name = FAX
    if line.blocks >= 250 and within(hz, 320.0, 650.0) and share_of(line) >= 2.0 * STEADY_SHARE:
        name = DIAL_TONE
    if name != NONE:
        line.named = name
    return name


@njit(cache=True, nogil=True)
def _is_progress(name: int) -> bool:
    return name in (RINGBACK, BUSY, DIAL_TONE)


@njit(cache=True, nogil=True)
def _ended(tones: Record, line: Record) -> int:
    """What a line is that has just ended and had no name."""
    lines = tones.lines
    describe(lines, line, tones.description)
    tones.odds = likelihood(tones.description, tones.prepared)
    long_ms = length_ms(line)
    hz = float(tones.description[2])
    likely = tones.odds >= LEAST_ODDS or is_half_of_a_pair(tones, line)
    share = share_of(line)
    steady = share >= STEADY_SHARE and tones.description[3] < 6.0
    pure = share >= 2.0 * STEADY_SHARE and tones.description[3] < 2.5 and long_ms >= 150.0
    answer = near(hz, 2100.0, 15.0) and share >= 0.6
    if line.named == SIT or answer or (likely and steady and long_ms >= 60.0) or pure:
        remember(tones, hz, line.start, line.start + int(long_ms / 10.0))
    if line.named != NONE or not (likely or pure):
        return NONE
    spoken = _after_speech(tones, line)
    if near(hz, 1100.0, 40.0) and within(long_ms, 400.0, 600.0) and steady and share >= 2.0 * STEADY_SHARE:
        last = tones.bursts - 1
        again = (
            last > 0
            and near(tones.burst_hz[last - 1], hz, 20.0)
            and within(tones.burst_start[last] - tones.burst_end[last - 1], 240, 360)
        )
        if again or not spoken:
            return FAX
    low = within(hz, 380.0, 475.0)
    if low and steady:
        name = name_cadence(tones, hz)
        if name != NONE:
            return name
        if within(long_ms, 700.0, 2300.0) and (near(hz, 425.0, 9.0) or not spoken):
            return RINGBACK
    if not likely or tones.fax == 1 or not within(long_ms, SHORTEST_BEEP_MS, LONGEST_BEEP_MS):
        return NONE
    if not within(hz, LOWEST_BEEP_HZ, HIGHEST_BEEP_HZ) or line.start <= tones.beep_end:
        return NONE
    since = lines.block - tones.last_named
    if (tones.last_name == SIT and since <= 100) or (hz < 650.0 and _is_progress(tones.last_name) and since <= 200):
        return NONE  # the rest of what was named
    wait = 0
    if low and not spoken and within(long_ms, 130.0, 650.0):
        wait = BUSY_GAP
    elif within(hz, 895.0, 1005.0) or within(hz, 1350.0, 1450.0):
        wait = INFORMATION_GAP
    elif near(hz, 2100.0, 25.0):
        wait = REVERSAL_GAP
    tones.pending = lines.block + wait
    tones.pending_hz = hz
    tones.pending_end = line.start + line.blocks
    return NONE


@njit(cache=True, nogil=True)
def _waiting(tones: Record) -> int:
    """The beep that waits, when its time has come and nothing that goes on may show it to be something else."""
    if tones.pending == 0 or tones.lines.block < tones.pending:
        return NONE
    for slot in range(SLOTS):
        line = tones.lines.line[slot]
        if line.on == 0 or line.start < tones.pending_end - INFORMATION_GAP or line.start > tones.pending:
            continue
        hz = hz_of(line)
        if line.blocks < 16 and _is_next_information_tone(tones.pending_hz, hz):
            return NONE
        again = near(hz, tones.pending_hz, 15.0)
        if again and (within(hz, 380.0, 475.0) or near(hz, 2100.0, 25.0)):
            return NONE
    tones.pending = 0
    tones.beep_end = tones.pending_end
    return BEEP


@njit(cache=True, nogil=True)
def follow(tones: Record, power: Spectrum, level_dbov: float) -> int:
    """Take in the next 10 ms.

    tones: a record of `TONES`.  power: (128,) float32, squared magnitudes of the 256-sample Hann window over 16-bit
    samples, as `features.spectrum` makes them.  level_dbov: the block's level in the speech band.
    Returns NONE, or the name of what has just been proved: BEEP 30 to 50 ms after its end (200 ms where it may be part
    of something else, 700 ms for 400 to 450 Hz before anybody spoke), the others when they have lasted for long enough.
    Never raises, allocates nothing.
    """
    ended = spectral.follow(tones.lines, power)
    _follow_speech(tones, level_dbov)
    name = NONE
    lines = tones.lines
    for slot in range(SLOTS):
        line = lines.line[slot]
        if (ended >> slot) & 1:
            found = _ended(tones, line)
            if found != NONE:
                name = found
        elif line.on == 1 and line.blocks >= 5:
            found = _continuing(tones, line)
            for other in range(slot + 1, SLOTS):
                second = lines.line[other]
                if second.on == 1 and second.blocks >= 5 and min(line.named, second.named) == NONE:
                    pair = name_pair(line, second)
                    if pair != NONE:
                        found = pair
            if found != NONE:
                name = found
    if name != NONE:
        return _tell(tones, name)
    return _waiting(tones)
