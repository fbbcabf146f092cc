"""Exporting: a sealed recording as a WAV or FLAC file that anybody can play. Only with the auditor's private key."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from softswitch.errors import UsageError
from softswitch.recordings.form import Kind
from softswitch.recordings.keys import KeyPair
from softswitch.recordings.reading import Damaged, SealedFile

SUBTYPE = "PCM_16"
SILENCE_PIECE = 80_000


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export came to."""

    path: Path
    duration_s: float
    paused_s: float
    is_finished: bool
    """False: a crash cut the recording off."""
    damage: str = ""
    """What kept it from being read to its end, or whole, where that was asked for."""


def export(source: Path, pair: KeyPair, target: Path, *, kind: str = "wav", past_damage: bool = False) -> Exported:
    """Write a recording into a new file; what was paused is silence, so that every sample keeps its moment.

    kind: "wav" or "flac".  past_damage: write what can still be read of a damaged one. Raises NotARecording, Damaged,
    or UsageError for another key or a target that exists; nothing half-written is left.
    """
    if target.exists():
        raise UsageError(f"{target} exists; exports write over nothing")
    part = target.with_name(f"{target.name}.part")
    try:
        with SealedFile(source) as file:
            exported = _write(file, pair, part, target, kind, past_damage)
        part.chmod(0o600)
        part.replace(target)
    except (OSError, soundfile.SoundFileError) as error:
        raise UsageError(f"{target} cannot be written: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return exported


def _write(file: SealedFile, pair: KeyPair, part: Path, target: Path, kind: str, past_damage: bool) -> Exported:
    here, sounding, finished, damage = 0, 0, False, ""
    header = file.header
    form = {"samplerate": header.rate_hz, "channels": header.channels, "subtype": SUBTYPE, "format": kind.upper()}
    part.touch(mode=0o600)
    with soundfile.SoundFile(part, "w", **form) as sound:
        chunks = file.chunks(pair, past_damage=past_damage)
        try:
            for chunk in chunks:
                _write_silence(sound, chunk.position - here, header.channels)
                sound.write(chunk.samples)
                sounding += len(chunk.samples)
                here = chunk.position + len(chunk.samples)
                finished = chunk.kind is Kind.ENDED
        except Damaged as error:
            if not past_damage:
                raise
            damage = str(error)
    silent_s = (here - sounding) / header.rate_hz
    return Exported(target, here / header.rate_hz, silent_s, finished, damage)


def _write_silence(sound: Any, samples: int, channels: int) -> None:
    nothing = np.zeros((SILENCE_PIECE, channels), np.int16)
    while samples > 0:
        sound.write(nothing[:samples])
        samples -= SILENCE_PIECE
