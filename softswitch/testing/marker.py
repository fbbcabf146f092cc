"""Marker tones: a faint tone under the speech says which end is heard, so that audio can be proved end to end.

Callees and agents have sets of their own, so neither end can take its own echo for the other. All frequencies are
multiples of 10 Hz and thus fall whole into the 100 ms windows in which they are looked for (no leakage between them).
"""

from collections.abc import Iterable

import numpy as np

from softswitch.testing.companding import Pcm

RATE_HZ = 8000
CALLEE_MARKERS_HZ = tuple(range(2600, 3301, 100))
AGENT_MARKERS_HZ = tuple(range(2150, 2451, 50))
MARKER_DBOV = -38.0
"""Under speech (about -20 dBov) and over a line's noise (about -60)."""

WINDOW = 800
"""100 ms: bins of 10 Hz."""
_SINE_OF_0_DBOV = 32768.0 * np.sqrt(2.0)  # amplitude; 0 dBov is a square wave of full scale (ITU-T G.100.1)
_FLOOR_DBOV = -52.0
"""A tone fainter than this is not called heard."""
_PROMINENCE_DB = 14.0
"""How far the tone must stand over its surroundings 20-40 Hz away; speech does for a moment, never for 300 ms."""
_WINDOWS_TO_HEAR = 3
_WINDOWS_TO_LOSE = 15


class MarkerTone:
    """An endless sine of one frequency.  frequency_hz: 0 is silence.  level_dbov: mean power."""

    def __init__(self, frequency_hz: int, level_dbov: float = MARKER_DBOV) -> None:
        self.frequency_hz = frequency_hz
        second = np.arange(RATE_HZ) / RATE_HZ
        amplitude = _SINE_OF_0_DBOV * 10 ** (level_dbov / 20) if frequency_hz else 0.0
        # A whole number of cycles fits one second, so one second repeated has no seam.
        self._second = np.rint(amplitude * np.sin(2 * np.pi * frequency_hz * second)).astype(np.int32)
        self._position = 0

    def next(self, count: int) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
        """The next `count` samples as int32, to be added to others."""
        chunk = self._second[(self._position + np.arange(count)) % RATE_HZ]
        self._position = (self._position + count) % RATE_HZ
        return chunk


class MarkerEar:
    """Listens for marker tones in 100 ms windows (Goertzel's bins, computed as dot products)."""

    def __init__(self, frequencies_hz: Iterable[int] = CALLEE_MARKERS_HZ) -> None:
        self.frequencies_hz = tuple(frequencies_hz)
        self.heard: set[int] = set()
        """Every frequency heard so far."""
        self.present: set[int] = set()
        """The frequencies heard now."""
        offsets = np.array([0, -40, -30, -20, 20, 30, 40])
        bins = np.array(self.frequencies_hz)[:, None] + offsets[None, :]
        turns = bins[..., None] * np.arange(WINDOW) / RATE_HZ
        self._bank = np.exp(-2j * np.pi * turns).reshape(-1, WINDOW)
        self._shape = bins.shape
        self._window = np.zeros(WINDOW)
        self._filled = 0
        self._runs = np.zeros(len(self.frequencies_hz), dtype=np.int64)
        self._gaps = np.zeros(len(self.frequencies_hz), dtype=np.int64)

    def receive(self, pcm: Pcm) -> list[tuple[int, bool]]:
        """Hear (n,) int16; returns what changed as (frequency, present) pairs."""
        changes: list[tuple[int, bool]] = []
        start = 0
        while start < len(pcm):
            taken = min(WINDOW - self._filled, len(pcm) - start)
            self._window[self._filled : self._filled + taken] = pcm[start : start + taken]
            self._filled += taken
            start += taken
            if self._filled == WINDOW:
                self._filled = 0
                changes += self._judge_window()
        return changes

    def reset(self) -> None:
        """Forget what is present, as when the far end changes; `heard` stays."""
        self.present.clear()
        self._runs[:] = 0
        self._gaps[:] = 0
        self._filled = 0

    def _judge_window(self) -> list[tuple[int, bool]]:
        # A sine of amplitude a gives |X| = a·N/2, and its power is a²/2.
        # einsum rather than @: for products this small, BLAS's threads would spin on a core that calls need.
        power = 2.0 * (np.abs(np.einsum("ij,j->i", self._bank, self._window)) / WINDOW) ** 2
        level = (10 * np.log10(np.maximum(power, 1e-3) / 32768.0**2)).reshape(self._shape)
        tone, around = level[:, 0], level[:, 1:].max(axis=1)
        stands = (tone > _FLOOR_DBOV) & (tone - around > _PROMINENCE_DB)
        self._runs = np.where(stands, self._runs + 1, 0)
        self._gaps = np.where(stands, 0, self._gaps + 1)
        changes = []
        for i, frequency in enumerate(self.frequencies_hz):
            if frequency not in self.present and self._runs[i] >= _WINDOWS_TO_HEAR:
                self.present.add(frequency)
                self.heard.add(frequency)
                changes.append((frequency, True))
            elif frequency in self.present and self._gaps[i] >= _WINDOWS_TO_LOSE:
                self.present.discard(frequency)
                changes.append((frequency, False))
        return changes
