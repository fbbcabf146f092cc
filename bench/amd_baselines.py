"""What others do, to compare with: app_amd's state machine, and WebRTC's voice-activity detector under a silence rule.

`AppAmd` is made anew from the parameters that its configuration file documents, and what the application's manual says
of them; it is not its code. Both decide once, as the originals do.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

FRAME_MS = 20
SAMPLES = 160
NONE, HUMAN, MACHINE, NOTSURE = 0, 1, 2, 3
Samples = npt.NDArray[np.int16]


class AppAmd(NamedTuple):
    """amd.conf's parameters, ms, with the sample file's values."""

    initial_silence: int = 2500
    """Silence before the greeting: MACHINE."""
    greeting: int = 1500
    """Voice in the greeting: MACHINE."""
    after_greeting_silence: int = 800
    """Silence after voice: HUMAN."""
    total_analysis_time: int = 5000
    """NOTSURE."""
    min_word_length: int = 100
    between_words_silence: int = 50
    maximum_number_of_words: int = 2
    """More of them: MACHINE."""
    silence_threshold: int = 256
    """Mean magnitude of a frame, of 32767."""
    maximum_word_length: int = 5000
    """Voice without a pause: MACHINE."""


DEFAULT = AppAmd()
TUNED = AppAmd(
    initial_silence=3500, greeting=2500, after_greeting_silence=1000, maximum_number_of_words=4, silence_threshold=384
)
"""Our own choice: longer greetings and more words for a person, a higher threshold for noise."""


@njit
def app_amd(pcm: Samples, p: AppAmd) -> tuple[int, int]:
    """(verdict, ms) of the state machine on 8 kHz samples; NONE where they end first.  pcm: (n,) int16."""
    total = silence = voice = word = words = 0
    greeting = False  # a word has been heard
    in_word = False
    for start in range(0, pcm.size - SAMPLES + 1, SAMPLES):
        total += FRAME_MS
        if total >= p.total_analysis_time:
            return NOTSURE, total
        magnitude = 0
        for index in range(start, start + SAMPLES):
            magnitude += abs(int(pcm[index]))
        if magnitude < p.silence_threshold * SAMPLES:
            silence += FRAME_MS
            if silence >= p.between_words_silence:
                in_word = False
                word = 0
            if not greeting and silence >= p.initial_silence:
                return MACHINE, total
            if greeting and silence >= p.after_greeting_silence:
                return HUMAN, total
            continue
        word += FRAME_MS
        voice += FRAME_MS
        if word >= p.min_word_length and not in_word:
            in_word = True
            words += 1
        if in_word:
            silence = 0
            greeting = True
        if word >= p.maximum_word_length or words > p.maximum_number_of_words:
            return MACHINE, total
        if greeting and voice >= p.greeting:
            return MACHINE, total
    return NONE, total


@dataclass(frozen=True, slots=True)
class VoiceRule:
    """When speech and silence, as a voice-activity detector hears them, mean a person or a machine; ms."""

    mode: int = 3
    """Of webrtcvad: 0 lets most through, 3 least."""
    onset: int = 60
    quiet: int = 900
    greeting: int = 3000
    initial: int = 5000

    def decide(self, pcm: Samples) -> tuple[int, int]:
        """(verdict, ms)."""
        import webrtcvad

        vad = webrtcvad.Vad(self.mode)
        data = pcm.astype("<i2").tobytes()
        first = last = run = 0
        for end in range(FRAME_MS, len(pcm) // 8 + 1, FRAME_MS):
            frame = data[(end - FRAME_MS) * 16 : end * 16]
            run = run + FRAME_MS if vad.is_speech(frame, 8000) else 0
            if run >= self.onset:
                first = first or end - run + FRAME_MS
                last = end
            if not first:
                if end >= self.initial:
                    return NOTSURE, end
            elif last - first >= self.greeting:
                return MACHINE, end
            elif end - last >= self.quiet:
                return HUMAN, end
        return NONE, len(pcm) // 8
