"""Taking in a message: any WAV or FLAC file, checked for length and level, kept as the plane plays it."""

import secrets
from pathlib import Path

import numpy as np
import numpy.typing as npt

from softswitch.durable import write_new
from softswitch.errors import UsageError
from softswitch.media.sounds import RATE_HZ, read_sound
from softswitch.media.wav import header
from softswitch.safeguards.site_setup import PromptReport

SHORTEST_S = 2.0
LONGEST_S = 60.0
"""A brief message, as Ofcom's policy statement on persistent misuse (2016) asks for."""
LARGEST = 32 << 20
QUIETEST_DBOV = -38.0
LOUDEST_DBOV = -8.0
"""Active speech level; ITU-T P.56 measures it, and G.711's speech is at about -20."""
CLIPPED_SHARE = 0.001
_FRAME = RATE_HZ // 50
_PAUSE_DB = 30.0
"""A frame so much below the loudest is a pause."""


def take_in(path: Path, folder: Path, name: str) -> tuple[Path, PromptReport]:
    """Check a file and write it as 16-bit PCM, mono, 8 kHz into `folder`, under a name of its own.

    Raises UsageError for a file that cannot be heard as a message.
    """
    if path.stat().st_size > LARGEST:
        raise UsageError(f"the file is longer than {LARGEST >> 20} MiB: a message lasts {LONGEST_S:.0f} s at most")
    try:
        samples = read_sound(path)
    except UsageError as error:
        said = str(error).replace(f"clip {path}", "the file")
        if "cannot be read" in said:
            said = "the file cannot be read as sound: save it as WAV or FLAC, and upload it again"
        raise UsageError(said) from None
    report = examine_prompt(samples, name)
    target = folder / f"{name}-{secrets.token_hex(4)}.wav"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        write_new(target, header(samples.size * 2, channels=1) + samples.astype("<i2").tobytes())
    except OSError as error:
        target.unlink(missing_ok=True)
        raise UsageError(f"the message cannot be kept: {error.strerror}") from error
    return target, report


def examine_prompt(samples: npt.NDArray[np.int16], name: str) -> PromptReport:
    """Length and level of (n,) int16 at 8 kHz. Raises UsageError with what is wrong, and with the figure."""
    seconds = samples.size / RATE_HZ
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise UsageError(f"the message lasts {seconds:.1f} s; it must last {SHORTEST_S:.0f} to {LONGEST_S:.0f} s")
    scaled = samples.astype(np.float64) / 32768.0
    peak = _dbov(float(np.abs(scaled).max()))
    whole = scaled[: scaled.size // _FRAME * _FRAME].reshape(-1, _FRAME)
    power = (whole**2).mean(axis=1)
    active = power >= power.max() * 10 ** (-_PAUSE_DB / 10)
    level = _dbov(float(np.sqrt(power[active].mean())))
    if level < QUIETEST_DBOV:
        raise UsageError(
            f"the message is too quiet (speech at {level:.0f} dBov): record it again, nearer to the microphone; "
            "-30 to -15 dBov is right"
        )
    if level > LOUDEST_DBOV or float((np.abs(samples.astype(np.int32)) >= 32700).mean()) > CLIPPED_SHARE:
        raise UsageError(
            f"the message is too loud and cut off (speech at {level:.0f} dBov): record it again, farther from the "
            "microphone; -30 to -15 dBov is right"
        )
    return PromptReport(name, round(seconds, 1), round(level, 1), round(peak, 1))


def _dbov(amplitude: float) -> float:
    return 20.0 * float(np.log10(max(amplitude, 1e-6)))
