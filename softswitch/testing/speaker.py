"""What an end of the lab says: clips at given times over a line's faint noise, with a marker tone under it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from softswitch.testing.clips import clips, read_clip
from softswitch.testing.companding import Pcm
from softswitch.testing.marker import MARKER_DBOV, RATE_HZ, MarkerTone
from softswitch.testing.rtp import FRAME

LINE_NOISE_DBOV = -62.0
"""A quiet telephone line; digital silence is what no real callee sends."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """One sound at a time counted from the first sample sent."""

    at_s: float
    sound: Pcm


def beep(seconds: float = 0.4, frequency_hz: int = 1000, level_dbov: float = -16.0) -> Pcm:
    """The tone after which an answering machine records, with 5 ms ramps."""
    count = int(seconds * RATE_HZ)
    ramp = np.minimum(1.0, np.minimum(np.arange(count), np.arange(count)[::-1]) / 40)
    amplitude = 32768 * np.sqrt(2) * 10 ** (level_dbov / 20)
    wave = np.sin(2 * np.pi * frequency_hz * np.arange(count) / RATE_HZ)
    sound: Pcm = (amplitude * ramp * wave).astype(np.int16)
    return sound


class Speaker:
    """An endless source of 20 ms frames.

    utterances: what is said; where two overlap they are added.  loop_s: say it all again after so long; 0 says it once.
    marker_after_s: when the marker tone begins.  seed: of the line's noise.
    """

    def __init__(
        self,
        utterances: Sequence[Utterance] = (),
        *,
        loop_s: float = 0.0,
        marker_hz: int = 0,
        marker_dbov: float = MARKER_DBOV,
        marker_after_s: float = 0.0,
        noise_dbov: float = LINE_NOISE_DBOV,
        seed: int = 0,
    ) -> None:
        length = max([int(u.at_s * RATE_HZ) + len(u.sound) for u in utterances], default=0)
        if loop_s:
            length = max(length, int(loop_s * RATE_HZ))
        self._loops = loop_s > 0
        self._said = np.zeros(-(-length // FRAME) * FRAME, dtype=np.int32)
        for utterance in utterances:
            start = int(utterance.at_s * RATE_HZ)
            self._said[start : start + len(utterance.sound)] += utterance.sound
        # A power in dBov is relative to a square wave of full scale, so it is the noise's standard deviation.
        deviation = 32768 * 10 ** (noise_dbov / 20)
        self._noise = np.rint(np.random.default_rng(seed).normal(0, deviation, 50 * FRAME)).astype(np.int32)
        self._marker = MarkerTone(marker_hz, marker_dbov)
        self._marker_from = int(marker_after_s * RATE_HZ)
        self.position = 0
        """Samples sent so far."""

    @property
    def seconds(self) -> float:
        """How long one round of what is said lasts."""
        return len(self._said) / RATE_HZ

    def next_frame(self) -> Pcm:
        """The next (160,) int16."""
        at = self.position
        self.position += FRAME
        noise_at = at % len(self._noise)
        frame = self._noise[noise_at : noise_at + FRAME].copy()
        if self._loops:
            at %= len(self._said)
        if at < len(self._said):
            frame += self._said[at : at + FRAME]
        if self.position > self._marker_from:
            frame += self._marker.next(FRAME)
        return np.clip(frame, -32768, 32767).astype(np.int16)


def agent_speaker(voice: int, marker_hz: int, *, gap_s: float = 2.0, seed: int = 0) -> Speaker:
    """An agent who talks on and on: the `agent-N-...` clips in turn, with gaps for the callee to answer in.

    voice: 1 or 2, whose clips are used.
    """
    utterances = []
    at_s = 0.4
    for clip in clips("agent"):
        if clip.name.startswith(f"agent-{voice}-"):
            sound = read_clip(clip.name)
            utterances.append(Utterance(at_s, sound))
            at_s += len(sound) / RATE_HZ + gap_s
    return Speaker(utterances, loop_s=at_s, marker_hz=marker_hz, seed=seed)
