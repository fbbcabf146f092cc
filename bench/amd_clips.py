"""Labelled clips for training: their truth step by step, and groups that share no speaker or no source."""

import csv
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import amd_sounds as sounds
import numpy as np
import numpy.typing as npt

from softswitch.amd.commands import read_wav
from softswitch.amd.weights import CLASSES

LABELS = {
    "HUMAN": CLASSES.index("person"),
    "HUMAN_BUSINESS": CLASSES.index("person"),
    "MACHINE": CLASSES.index("voicemail"),
    "IVR": CLASSES.index("menu"),
    "CARRIER": CLASSES.index("announcement"),
    "FAX": CLASSES.index("fax"),
    "SILENCE": CLASSES.index("nothing"),
    "RINGBACK": CLASSES.index("tone"),
    "screening": CLASSES.index("screening"),
}
TALKERS = ("HUMAN", "HUMAN_BUSINESS", "MACHINE", "IVR", "CARRIER")
GROUPS = 4
PROFESSIONALS = ("June", "Allison")
SOURCE_GROUPS = {"librispeech-tc100": 0, "tts-kokoro": 1, "tts-flite": 1, "tts-espeak": 1, "asterisk-core-sounds": 2}


def _number(text: str) -> float | None:
    return float(text) if text else None


@dataclass(frozen=True)
class LabelledClip:
    """One clip with its row of labels.csv."""

    row: dict[str, str]
    pcm: npt.NDArray[np.int16]

    @cached_property
    def audio(self) -> npt.NDArray[np.float32]:
        return self.pcm.astype(np.float32)

    @property
    def label(self) -> str:
        return self.row["label"]

    @property
    def kind(self) -> str:
        return "screening" if self.subtype == "call_screen" else self.label

    @property
    def subtype(self) -> str:
        return self.row["subtype"]

    @property
    def noise(self) -> str:
        return self.row["noise"]

    @property
    def bg_mode(self) -> str:
        return self.row["bg_mode"]

    @property
    def snr_db(self) -> float:
        return float(self.row["snr_db"]) if self.noise != "none" else 99.0

    @property
    def above_line_db(self) -> float:
        return float(self.row["level_dbfs"]) - float(self.row["line_noise_dbfs"])

    @property
    def onset_ms(self) -> float | None:
        return _number(self.row["speech_onset_ms"])

    @property
    def end_ms(self) -> float | None:
        return _number(self.row["speech_end_ms"])

    @property
    def second_ms(self) -> float | None:
        return _number(self.row["second_onset_ms"])

    @property
    def beep_ms(self) -> float | None:
        return _number(self.row["beep_ms_start"])

    @property
    def speaker(self) -> str:
        """Who is heard most: of joined clips the professional, else the one of whom there is most."""
        names = self.row["speaker"].split("+")
        for wanted in (PROFESSIONALS, ("kokoro", "LS", "espeak", "flite")):
            for name in names:
                if name.startswith(wanted):
                    return name
        return names[0]

    def times(self) -> tuple[float | None, float | None, float | None]:
        """Onset, end and second onset of speech; none where nobody speaks."""
        return (self.onset_ms, self.end_ms, self.second_ms) if self.label in TALKERS else (None, None, None)

    def active(self) -> npt.NDArray[np.bool_]:
        """Where a clean clip's voice is, per 10 ms."""
        blocks = len(self.pcm) // 80
        onset_ms, end_ms, second_ms = self.times()
        if onset_ms is None or end_ms is None:
            return np.zeros(blocks, bool)
        at = np.arange(blocks)
        speaking = (at >= onset_ms / 10 - 3) & (at <= end_ms / 10 + 3)
        if second_ms is not None:
            speaking |= at >= int(second_ms / 10) - 3
        return sounds.activity(self.audio, blocks) & speaking


def read_clips(folder: Path) -> list[LabelledClip]:
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as lines:
        return [LabelledClip(row, read_wav(folder / row["file"])) for row in csv.DictReader(lines)]


def noises_of(clips: list[LabelledClip]) -> list[str]:
    return sorted({clip.noise for clip in clips} - {"none"})


def groups_of(clips: list[LabelledClip], by: str) -> npt.NDArray[np.int64]:
    """The group of each clip. by: "speaker" (four, the speakers of each source spread evenly), "source" (four), or
    "noise" (one for each kind, and -1 for clips without)."""
    if by == "noise":
        kinds = noises_of(clips)
        return np.array([-1 if clip.noise == "none" else kinds.index(clip.noise) for clip in clips])
    groups: list[int] = []
    dealt = 0
    chosen: dict[str, int] = {}
    if by == "speaker":
        sizes = Counter(clip.speaker for clip in clips if clip.speaker)
        families: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for speaker, size in sizes.items():
            families["A" if speaker in PROFESSIONALS else speaker[:2]].append((size, speaker))
        filled = [0] * GROUPS
        for family in sorted(families):
            for size, speaker in sorted(families[family], reverse=True):
                chosen[speaker] = int(np.argmin(filled))
                filled[chosen[speaker]] += size
    for clip in clips:
        if clip.speaker and by == "speaker":
            groups.append(chosen[clip.speaker])
        elif clip.speaker:
            groups.append(SOURCE_GROUPS.get(clip.row["source"].split("+")[0], 3))
        else:
            groups.append(dealt % GROUPS)
            dealt += 1
    return np.array(groups)


def truth(label: int, times: tuple[Any, Any, Any], active: Any, steps: int) -> dict[str, npt.NDArray[np.float32]]:
    """What is so in each step: class, its weight, whether the greeting goes on and has ended, where that is known,
    and the voice's share of the step (-1 where unknown).

    active: per 10 ms, or None.
    """
    onset_ms, end_ms, second_ms = times
    now = (np.arange(steps) + 1) * 20.0
    told = {name: np.zeros(steps, np.float32) for name in ("greeting", "ended", "known")}
    weight = np.ones(steps, np.float32)
    if onset_ms is not None and end_ms is not None:
        weight[now < onset_ms + 60] = 0.1
        told["greeting"] = ((now >= onset_ms) & (now <= end_ms)).astype(np.float32)
        told["ended"] = (now > end_ms + 20).astype(np.float32)
        told["known"][now > onset_ms + 40] = 1.0
        if second_ms is not None:
            told["known"][now > second_ms] = 0.0
    else:
        weight[now < 600] = 0.3
    voiced = np.full(steps, -1.0, np.float32)
    if active is not None:
        voiced = active[: 2 * steps].reshape(steps, 2).mean(1).astype(np.float32)
    return told | {"label": np.full(steps, label, np.float32), "weight": weight, "voiced": voiced}
