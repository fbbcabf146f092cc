"""Reads clips from a folder for `softswitch amd evaluate`; the detector itself never touches a disk."""

import csv
import os
import struct
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from softswitch.amd.evaluate import Clip, Decision, decide
from softswitch.amd.figures import summarise
from softswitch.amd.verdict import OperatingPoint
from softswitch.codecs import g711
from softswitch.errors import UsageError

PCM, A_LAW, MU_LAW = 1, 6, 7  # WAVE format tags (RFC 2361 appendix A)
LABELS = ("HUMAN", "HUMAN_BUSINESS", "MACHINE", "IVR", "CARRIER", "FAX", "SILENCE", "RINGBACK")
POINTS = {point.name.lower(): point for point in (OperatingPoint.CAREFUL, OperatingPoint.BALANCED, OperatingPoint.FAST)}
FRAME_MS = (10, 20, 30, 40)


def read_wav(path: Path) -> npt.NDArray[np.int16]:
    """8 kHz mono samples of a WAV file in 16-bit PCM, A-law or mu-law. Raises UsageError for any other file."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
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
    """Clips of a folder with a `labels.csv`: columns file and label, and what else ../shared/amd/README.md names.

    every: read each nth clip only.  Raises UsageError where the folder is no such corpus, naming the line.
    """
    labels = folder / "labels.csv"
    if not labels.is_file():
        raise UsageError(f"{folder} has no labels.csv; it needs one with the columns file and label")
    with labels.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        if not {"file", "label"} <= set(reader.fieldnames or ()):
            raise UsageError(f"{labels} needs the columns file and label")
        for number, row in enumerate(reader):
            if number % every == 0:
                yield _clip(folder, row, f"{labels}, line {reader.line_num}")


def _clip(folder: Path, row: dict[str, str], where: str) -> Clip:
    if row["label"] not in LABELS:
        raise UsageError(f"{where}: the label {row['label']!r} is none of {', '.join(LABELS)}")

    def number(column: str) -> float | None:
        text = (row.get(column) or "").strip()
        try:
            return float(text) if text else None
        except ValueError as error:
            raise UsageError(f"{where}: {column} is {text!r}, not a number") from error

    beep, length = number("beep_ms_start"), number("beep_len_ms")
    return Clip(
        name=row["file"],
        label=row["label"],
        pcm=read_wav(folder / row["file"]),
        speech_onset_ms=number("speech_onset_ms"),
        greeting_end_ms=number("speech_end_ms"),
        beep_ms=None if beep is None else (beep, beep + (length or 0.0)),
        traits={name: value or "" for name, value in row.items() if name and isinstance(value, str | None)},
    )


def decide_all(clips: Iterable[Clip], point: OperatingPoint, frame_ms: int = 20) -> list[Decision]:
    """Each clip's decision, in order; clips are heard side by side on all cores, each with a state of its own."""
    if frame_ms not in FRAME_MS:
        raise UsageError("frame_ms must be 10, 20, 30 or 40")
    with ThreadPoolExecutor(os.cpu_count()) as cores:
        return list(cores.map(lambda clip: decide(clip, point, frame_ms), clips))


def points_named(name: str) -> list[OperatingPoint]:
    """The operating points that an option means: one, or `all`. Raises UsageError for another word."""
    if name == "all":
        return list(POINTS.values())
    if name not in POINTS:
        raise UsageError(f"the operating point {name!r} is not known: it is {', '.join(POINTS)} or all")
    return [POINTS[name]]


def evaluate_folder(
    path: str | Path, *, point: str = "balanced", frame_ms: int = 20, every: int = 1, decisions: bool = False
) -> dict[str, Any]:
    """Figures of the detector on a folder of labelled clips, JSON-ready; see `figures` for what each means.

    point: careful, balanced, fast, or all.  For one point its figures are returned, and once more under its name; for
    all of them {"careful": {...}, "balanced": {...}, "fast": {...}}.  With `decisions`, each clip's are added.
    """
    chosen = points_named(point)
    clips = list(read_corpus(Path(path), every))
    result: dict[str, Any] = {}
    for each in chosen:
        heard = decide_all(clips, each, frame_ms)
        result[each.name.lower()] = summarise(heard)
        if decisions:
            result[each.name.lower()]["decisions"] = [_as_row(one) for one in heard]
    return result if point == "all" else {**result[point], **result}


def _as_row(one: Decision) -> dict[str, Any]:
    last = one.verdicts[-1] if one.verdicts else None
    return {
        "file": one.name,
        "label": one.label,
        "verdict": one.verdict.name,
        "cause": last.cause.name if last else "NONE",
        "probability": round(last.probability, 4) if last else 0.0,
        "decided_ms": last.ms if last else None,
        "first_verdict": one.first_verdict.name,
        "first_decided_ms": one.first.ms if one.first else None,
        "beeps_ms": list(one.beeps_ms),
    }
