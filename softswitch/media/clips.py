"""Clips in the shared block: files given at start and tones built in, each in both laws of G.711."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from softswitch.codecs import g711
from softswitch.codecs.tones import tone
from softswitch.media.layout import Shared
from softswitch.media.sounds import read_sound

Samples = npt.NDArray[np.int16]


def _silence(duration_ms: int) -> Samples:
    return np.zeros(8 * duration_ms, np.int16)


def _join(*parts: Samples) -> Samples:
    return np.concatenate(parts)


def built_in_tones() -> dict[str, Samples]:
    """Tones by clip name; the country's own cadences are Ofcom's and BT's (SIN 350)."""
    return {
        "tone:arrival": _join(tone((440.0,), 90, -30.0, 15), _silence(30), tone((587.3,), 120, -30.0, 20)),
        "tone:beep": tone((1000.0,), 400, -20.0),
        "tone:ringback": _join(
            tone((400.0, 450.0), 400, -25.0), _silence(200), tone((400.0, 450.0), 400, -25.0), _silence(2000)
        ),
        "tone:busy": _join(tone((400.0,), 375, -22.0), _silence(375)),
        "tone:congestion": _join(tone((400.0,), 400, -22.0), _silence(350), tone((400.0,), 225, -22.0), _silence(525)),
        "tone:silence": _silence(1000),
    }


def load_clips(files: Mapping[str, Path]) -> dict[str, Samples]:
    """Read every clip file; UsageError for one that cannot be played."""
    return built_in_tones() | {name: read_sound(path) for name, path in files.items()}


def clip_names(files: Mapping[str, Path]) -> list[str]:
    """The names of all clips, in the order in which they lie in the block."""
    return list(built_in_tones() | dict.fromkeys(files))


def store_clips(shared: Shared, clips: Mapping[str, Samples]) -> None:
    """Encode clips into the block's clip area, in the order of the mapping."""
    start = 0
    for index, samples in enumerate(clips.values()):
        end = start + samples.size
        shared.clips[index] = (start, samples.size)
        shared.clip_audio[0, start:end] = g711.encode("PCMU", samples)
        shared.clip_audio[1, start:end] = g711.encode("PCMA", samples)
        start = end
