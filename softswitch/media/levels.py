"""How loud a leg is in both directions: read from the frames that a tapped leg leaves in the shared block.

A second reader beside the worker: it takes the newest frames, moves no cursor, and a ring holds so many that the relay
writes others meanwhile. Nothing is asked of the kernels.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from softswitch.codecs.g711 import ALAW_TO_LINEAR, ULAW_TO_LINEAR
from softswitch.media.layout import FRAME_SAMPLES, FRAMES, RECEIVED, SENT, Array
from softswitch.media.leg_book import LegBook
from softswitch.media.outgoing import PCMA

SILENT_DBOV = -127.0
"""Nothing was there: the least level that RFC 6464 §3 knows."""
NEWEST = 12
"""Frames looked at: 240 ms, for a look every 200."""
EVERY = 4
"""Samples from one that is looked at to the next: the mean of 40 squares a frame is as good as that of 160."""

_OVERLOAD = 32768.0**2
_POWERS: Array = np.stack([ULAW_TO_LINEAR, ALAW_TO_LINEAR]).astype(np.float32) ** 2 / _OVERLOAD
"""(2, 256): the square of each code's sample, of µ-law and of A-law; 1 is the overload point (ITU-T G.100.1)."""


class Level(NamedTuple):
    """Mean power since the look before, dBov: 0 is the overload point, `SILENT_DBOV` nothing at all."""

    received: float
    """What the leg's end says."""
    sent: float
    """What it is sent to hear: its partner, a clip, a supervisor who barges in."""


class Levels:
    """`plane.levels`."""

    def __init__(self, shared: Any, legs: LegBook) -> None:
        self._shared = shared
        self._legs = legs
        self._read: dict[int, Array] = {}
        """By handle, (2,) int64: frames seen of each direction."""

    def look(self, handles: Iterable[int]) -> dict[int, Level]:
        """The level of each of these legs since the last look at it, by handle; of one that is looked at for the first
        time it is silence, and one that is not open is left out. Only legs that are recorded or listened to have any.
        """
        slots = {handle: leg.slot for handle in handles if (leg := self._legs.get(handle)) is not None}
        if not slots:
            self._read.clear()
            return {}
        at = np.fromiter(slots.values(), np.int64, len(slots))
        book = self._shared.legs
        written = np.stack([book["received_written"][at], book["sent_written"][at]], axis=1)
        read = np.stack([self._read.get(handle, written[n]) for n, handle in enumerate(slots)])
        self._read = dict(zip(slots, written, strict=True))
        powers = self._powers(at, written, read)
        levels = np.where(powers > 0, 10 * np.log10(np.maximum(powers, 1e-13)), SILENT_DBOV)
        levels = np.clip(levels, SILENT_DBOV, 0.0)
        return {handle: Level(float(levels[n, RECEIVED]), float(levels[n, SENT])) for n, handle in enumerate(slots)}

    def _powers(self, slots: Array, written: Array, read: Array) -> Array:
        """(n, 2) float: mean power of the frames numbered from `read` up to `written`, the newest of them."""
        frames = self._shared.frames
        number = written[:, :, None] - 1 - np.arange(NEWEST)
        is_new = (number >= read[:, :, None]) & (number >= 0)
        place = (slots[:, None, None], np.arange(2)[None, :, None], number & (FRAMES - 1))
        codes = frames["payload"][..., ::EVERY][place]
        law = (frames["codec"][place] == PCMA).astype(np.intp)
        heard = is_new[..., None] & (np.arange(0, FRAME_SAMPLES, EVERY) < frames["samples"][place][..., None])
        power = np.where(heard, _POWERS[law[..., None], codes], 0.0)
        return power.sum(axis=(2, 3)) / np.maximum(heard.sum(axis=(2, 3)), 1)
