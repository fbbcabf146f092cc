"""When the callee spoke and paused, and how it sounded, as numbers for the judge: one row each 20 ms.

The voice's likelihood is read at three thresholds, each with clocks of its own, since a faint voice and a loud room
want different ones. Besides: running means of that likelihood, how far the voice stands out of the room, whether
it fell at the end, steady tones, and averages of the voice's sound over all speech and over the last 300 ms of it.
"""

from typing import Any

import numpy as np
from numba import njit

from softswitch.amd.voice import CONTENT

THRESHOLDS = (0.25, 0.5, 0.75)
CLOCKS = 7
"""Numbers for each threshold: silence, speech, span, last phrase, phrases, longest pause, last pause."""
FAINT, MIDDLE = 0, 1
"""The threshold that a voice deep in noise may reach, and the one whose clocks are reported."""
ROW = len(THRESHOLDS) * CLOCKS + 4 + 6 + 5 + 4 + 2 * CONTENT + 4
Record = Any  # one row of `TIMING`; NumPy has no static type for it

TIMING = np.dtype(
    [
        ("steps", "i4"),
        ("smooth", "f4"),  # the voice's likelihood, over 40 ms
        ("smooth_greeting", "f4"),
        ("onset", "f4", (3,)),  # s; -1 before; one number per threshold here and below
        ("last", "f4", (3,)),  # s, where the voice was heard last
        ("spoken", "f4", (3,)),  # s
        ("phrase", "f4", (3,)),  # s, where the last phrase began
        ("phrases", "f4", (3,)),
        ("longest_pause", "f4", (3,)),
        ("last_pause", "f4", (3,)),
        ("recent", "f4", (3,)),
        ("means", "f4", (4,)),
        ("mean_greeting", "f4"),
        ("speech", "f4"),  # s, expected
        ("silence", "f4"),
        ("voice_dbov", "f4"),
        ("room_dbov", "f4"),
        ("ending_dbov", "f4"),  # the voice's, over its last 150 ms
        ("tonal_mean", "f4"),
        ("tone_run", "f4"),
        ("tones", "f4"),
        ("sound", "f4", (CONTENT,)),
        ("last_sound", "f4", (CONTENT,)),
        ("row", "f4", (ROW,)),
    ],
    align=True,
)

STEP_S = 0.02
PAUSE_S = 0.16
"""A pause of so long divides phrases."""
UNHEARD_DBOV = -60.0


@njit(cache=True, nogil=True)
def reset(timing: Record) -> None:
    """Put the clocks back to the beginning of a call.  timing: a record of TIMING."""
    timing.steps = 0
    timing.smooth = 0.0
    timing.smooth_greeting = 0.0
    timing.onset[:] = -1.0
    timing.last[:] = 0.0
    timing.spoken[:] = 0.0
    timing.phrase[:] = 0.0
    timing.phrases[:] = 0.0
    timing.longest_pause[:] = 0.0
    timing.last_pause[:] = 0.0
    timing.recent[:] = 0.0
    timing.means[:] = 0.0
    timing.mean_greeting = 0.0
    timing.speech = 0.0
    timing.silence = 0.0
    timing.voice_dbov = UNHEARD_DBOV
    timing.room_dbov = UNHEARD_DBOV
    timing.ending_dbov = UNHEARD_DBOV
    timing.tonal_mean = 0.0
    timing.tone_run = 0.0
    timing.tones = 0.0
    timing.sound[:] = 0.0
    timing.last_sound[:] = 0.0
    timing.row[:] = 0.0


@njit(cache=True, nogil=True)
def _follow_clocks(timing: Record, now: float) -> None:
    row = timing.row
    for index in range(len(THRESHOLDS)):
        active = timing.smooth > THRESHOLDS[index]
        timing.recent[index] = timing.recent[index] * 0.75 + (1.0 if active else 0.0)
        if timing.onset[index] < 0.0:
            if active and timing.recent[index] > 2.2:  # three or four steps in a row, or nearly
                timing.onset[index] = now - 0.08
                timing.phrase[index] = timing.onset[index]
                timing.last[index] = now
                timing.phrases[index] = 1.0
                timing.spoken[index] = 0.06
        elif active:
            gap = now - timing.last[index] - STEP_S
            if gap >= PAUSE_S:
                timing.phrases[index] += 1.0
                timing.last_pause[index] = gap
                timing.longest_pause[index] = max(timing.longest_pause[index], gap)
                timing.phrase[index] = now
            timing.spoken[index] += STEP_S
            timing.last[index] = now
        begun = timing.onset[index] >= 0.0
        at = index * CLOCKS
        row[at] = min(now - timing.last[index], 3.0) if begun else -0.5
        row[at + 1] = min(timing.spoken[index] / 2.0, 4.0)
        row[at + 2] = (timing.last[index] - timing.onset[index]) / 2.0 if begun else 0.0
        row[at + 3] = (timing.last[index] - timing.phrase[index]) / 1.5 if begun else 0.0
        row[at + 4] = min(timing.phrases[index] / 3.0, 4.0)
        row[at + 5] = min(timing.longest_pause[index], 3.0)
        row[at + 6] = min(timing.last_pause[index], 3.0)


@njit(cache=True, nogil=True)
def follow(timing: Record, voice: Record) -> None:
    """Take in one step and make `timing.row` of it.  voice: a record of VOICE whose outputs are of this step."""
    timing.steps += 1
    now = timing.steps * STEP_S
    heard = voice.outputs[0]
    greeting = voice.outputs[1]
    level = voice.level
    timing.smooth += (heard - timing.smooth) * 0.45
    timing.smooth_greeting += (greeting - timing.smooth_greeting) * 0.2
    _follow_clocks(timing, now)
    row = timing.row
    at = len(THRESHOLDS) * CLOCKS
    span_s = 0.5
    for index in range(4):  # over 0.5, 1, 2 and 4 s
        timing.means[index] += (heard - timing.means[index]) * STEP_S / span_s
        row[at + index] = 2.0 * timing.means[index]
        span_s *= 2.0
    at += 4
    timing.mean_greeting += (greeting - timing.mean_greeting) * STEP_S
    timing.speech += heard * STEP_S
    timing.silence += (1.0 - heard) * STEP_S
    row[at] = timing.mean_greeting
    row[at + 1] = heard
    row[at + 2] = greeting
    row[at + 3] = timing.smooth
    row[at + 4] = timing.smooth_greeting
    row[at + 5] = min(timing.speech / 2.0, 4.0)
    at += 6
    timing.voice_dbov += (level - timing.voice_dbov) * heard * STEP_S / min(max(timing.speech, STEP_S), 0.8)
    timing.room_dbov += (level - timing.room_dbov) * (1.0 - heard) * STEP_S / min(max(timing.silence, STEP_S), 0.5)
    timing.ending_dbov += (level - timing.ending_dbov) * heard * 0.12
    row[at] = (timing.voice_dbov - timing.room_dbov) / 15.0
    row[at + 1] = (level - timing.voice_dbov) / 15.0
    row[at + 2] = (level - timing.room_dbov) / 15.0
    row[at + 3] = (timing.ending_dbov - timing.voice_dbov) / 10.0
    row[at + 4] = (timing.voice_dbov + 30.0) / 15.0
    at += 5
    timing.tonal_mean += (voice.tonal - timing.tonal_mean) * 0.0667
    if voice.tonal > 0.2 and level - voice.floor > 8.0:
        timing.tone_run += STEP_S
        timing.tones += STEP_S
    else:
        timing.tone_run = 0.0
    row[at] = timing.tonal_mean
    row[at + 1] = min(timing.tone_run, 2.0)
    row[at + 2] = min(timing.tones / 2.0, 2.0)
    row[at + 3] = min(now / 4.0, 2.0)
    at += 4
    of_speech = np.float32(heard * STEP_S / max(timing.speech, STEP_S))
    of_last = np.float32(heard * 0.0667)
    sounds, last_sounds, content = timing.sound, timing.last_sound, voice.content
    for index in range(CONTENT):
        sounds[index] += (content[index] - sounds[index]) * of_speech
        last_sounds[index] += (content[index] - last_sounds[index]) * of_last
        row[at + index] = sounds[index]
        row[at + CONTENT + index] = last_sounds[index]
