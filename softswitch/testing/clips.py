"""The speech of the lab: 8 kHz clips in `voices/`, with what each one says."""

import csv
import wave
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from softswitch.errors import UsageError
from softswitch.testing.companding import Pcm

VOICES = Path(__file__).resolve().parent / "voices"


@dataclass(frozen=True, slots=True)
class Clip:
    name: str
    """File name without `.wav`."""
    kind: str
    """"prompt", "agent", "human" or "machine"."""
    voice: str
    seconds: float
    text: str


@cache
def clips(kind: str = "") -> tuple[Clip, ...]:
    """All clips, or those of one kind, in the order of `voices.csv`."""
    with (VOICES / "voices.csv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table))
    found = (
        Clip(row["file"].removesuffix(".wav"), row["kind"], row["voice"], float(row["seconds"]), row["text"])
        for row in rows
    )
    return tuple(clip for clip in found if kind in ("", clip.kind))


@cache
def read_clip(name: str) -> Pcm:
    """The samples of a clip, (n,) int16 at 8 kHz, read-only.  name: as in `Clip.name`."""
    path = VOICES / f"{name}.wav"
    if not path.is_file():
        raise UsageError(f"no clip {name!r} in {VOICES}; voices.csv lists them")
    with wave.open(str(path)) as audio:
        if (audio.getframerate(), audio.getnchannels(), audio.getsampwidth()) != (8000, 1, 2):
            raise UsageError(f"{path.name} is not 8 kHz mono 16-bit; convert it")
        samples = np.frombuffer(audio.readframes(audio.getnframes()), dtype="<i2").astype(np.int16)
    samples.setflags(write=False)
    return samples
