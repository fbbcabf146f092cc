"""Reads clips from a folder for `softswitch amd evaluate`; the detector itself never touches a disk."""

import csv
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from softswitch.amd.evaluate import Clip, evaluate
from softswitch.codecs import g711
from softswitch.errors import UsageError

PCM, A_LAW, MU_LAW = 1, 6, 7  # WAVE format tags (RFC 2361 appendix A)


def read_wav(path: Path) -> npt.NDArray[np.int16]:
    """8 kHz mono samples of a WAV file in 16-bit PCM, A-law or mu-law. Raises UsageError for any other file."""
    data = path.read_bytes()
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise UsageError(f"{path} is not a WAV file")
    tag = 0
    position = 12
    while position + 8 <= len(data):
        name, size = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "little")
        body = data[position + 8 : position + 8 + size]
        if name == b"fmt " and len(body) >= 16:
            tag, channels, rate_hz, _, _, bits = struct.unpack("<HHIIHH", body[:16])
            if channels != 1 or rate_hz != 8000 or (tag, bits) not in {(PCM, 16), (A_LAW, 8), (MU_LAW, 8)}:
                raise UsageError(f"{path} must be 8 kHz mono, 16-bit PCM or G.711; convert it and try again")
        elif name == b"data" and tag:
            if tag == PCM:
                return np.frombuffer(body[: len(body) & ~1], "<i2").astype(np.int16)
            out = np.empty(len(body), np.int16)
            decode = g711.decode_alaw if tag == A_LAW else g711.decode_ulaw
            decode(np.frombuffer(body, np.uint8), out)
            return out
        position += 8 + size + (size & 1)
    raise UsageError(f"{path} holds no audio")


def read_corpus(folder: Path, every: int = 1) -> Iterator[Clip]:
    """Clips of a folder with a `labels.csv` (columns file, label; speech_onset_ms and speech_end_ms if known).

    every: read each nth clip only.  Raises UsageError where the folder is no corpus.
    """
    labels = folder / "labels.csv"
    if not labels.is_file():
        raise UsageError(f"{folder} has no labels.csv; it needs one with the columns file and label")
    with labels.open(encoding="utf-8", newline="") as lines:
        for number, row in enumerate(csv.DictReader(lines)):
            if "file" not in row or "label" not in row:
                raise UsageError(f"{labels} needs the columns file and label")
            if number % every:
                continue
            onset, end = row.get("speech_onset_ms"), row.get("speech_end_ms")
            yield Clip(
                name=row["file"],
                label=row["label"],
                pcm=read_wav(folder / row["file"]),
                speech_onset_ms=float(onset) if onset else None,
                greeting_end_ms=float(end) if end else None,
            )


def evaluate_folder(
    path: str | Path, *, frame_ms: int = 20, every: int = 1, decisions: bool = False
) -> dict[str, object]:
    """Figures of the detector on a folder of labelled clips, JSON-ready; with `decisions`, each clip's too."""
    if frame_ms not in {10, 20, 30, 40}:
        raise UsageError("frame_ms must be 10, 20, 30 or 40")
    judged, summary = evaluate(read_corpus(Path(path), every), frame_ms)
    if decisions:
        summary["decisions"] = [
            {
                "file": one.name,
                "label": one.label,
                "verdict": one.verdict.name,
                "cause": one.cause.name,
                "decided_ms": one.decided_ms,
                "first_verdict": one.first_verdict.name,
                "first_decided_ms": one.first_decided_ms,
            }
            for one in judged
        ]
    return summary
