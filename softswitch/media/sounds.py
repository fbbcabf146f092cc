"""Sound files as the plane plays them: any WAV, FLAC or other file that libsndfile reads, as one channel at 8 kHz."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from softswitch.codecs.resample import HIGHEST_HZ, LOWEST_HZ, resample
from softswitch.errors import UsageError

RATE_HZ = 8000
LONGEST_S = 1800
"""Half an hour of queue music; all clips lie in memory, in both laws of G.711."""


def read_sound(path: Path) -> npt.NDArray[np.int16]:
    """A file's sound, its channels mixed, at 8 kHz; (n,) int16. UsageError for a file that cannot be played."""
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            rate_hz = int(file.samplerate)
            if not LOWEST_HZ <= rate_hz <= HIGHEST_HZ:
                raise UsageError(f"clip {path} has {rate_hz} Hz; rates from {LOWEST_HZ} to {HIGHEST_HZ} Hz are played")
            if file.frames > LONGEST_S * rate_hz:
                raise UsageError(f"clip {path} lasts {file.frames / rate_hz:.0f} s; at most {LONGEST_S} s are played")
            channels = file.read(file.frames, dtype="float64", always_2d=True)  # told, for GSM cannot be sought in
    except (OSError, soundfile.SoundFileError) as error:
        raise UsageError(f"clip {path} cannot be read: {error}") from error
    if not channels.size:
        raise UsageError(f"clip {path} holds no sound")
    if not np.isfinite(channels).all():
        raise UsageError(f"clip {path} holds samples that are no numbers")
    mixed = np.clip(np.round(channels.mean(axis=1) * 32768.0), -32768, 32767)
    return resample(mixed, rate_hz, RATE_HZ)
