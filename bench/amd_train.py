"""Train the networks of answering-machine detection, cross-validated by speaker or source; figures are shares and ms.

python bench/amd_train.py [../shared/amd/dev] [--groups speaker|source] [--write softswitch/amd/weights.npz] [--json -]
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from amd_clips import GROUPS, LABELS, LabelledClip, groups_of, read_clips, truth
from amd_features import HEARD, STEPS, hear
from amd_material import Material
from amd_networks import Clips, judged, matrices, rows_of, train_judge, train_voice
from amd_tuning import Trial, search
from figures import parser, report

MADE = 1000
"""Calls made of each group's clips."""
VOICE_STEPS, JUDGE_STEPS, SEARCH_ROUNDS = 1500, 2000, 300
MADE_SHARE = 0.7
SEED = 0


def _stack(rows: list[tuple[npt.NDArray[np.float32], dict[str, Any]]]) -> Clips:
    out: Clips = {
        "heard": np.zeros((len(rows), STEPS, HEARD), np.float32),
        "real": np.zeros((len(rows), STEPS), np.bool_),
    }
    for index, (heard, told) in enumerate(rows):
        count = min(len(heard), STEPS)
        out["heard"][index, :count] = heard[:count]
        out["real"][index, 2:count] = True
        for name, values in told.items():
            if name not in out:
                out[name] = np.full((len(rows), STEPS), -1.0 if name == "voiced" else 0.0, np.float32)
            out[name][index, :count] = values[:count]
    return out


def recorded(clips: list[LabelledClip]) -> Clips:
    rows = []
    for clip in clips:
        active = clip.active() if clip.noise == "none" or clip.times()[0] is None else None
        told = truth(LABELS[clip.kind], clip.times(), active, len(clip.pcm) // 160)
        rows.append((hear(clip.audio), told))
    return _stack(rows)


def made(clips: list[LabelledClip], seed: int) -> Clips:
    material, rng, rows = Material(clips), np.random.default_rng(seed), []
    for _ in range(MADE):
        call = material.call(rng)
        times = (call.onset_ms, call.end_ms, call.second_ms)
        rows.append((hear(call.pcm), truth(call.label, times, call.active, len(call.pcm) // 160)))
    return _stack(rows)


def _part(clips: Clips, chosen: npt.NDArray[np.bool_]) -> Clips:
    return {name: values[chosen] for name, values in clips.items()}


def train(recordings: Clips, groups: list[Clips]) -> tuple[Any, Any]:
    """Both networks, from recorded clips and groups of made ones."""
    voice = train_voice([*groups, recordings], VOICE_STEPS, SEED)
    worth = MADE_SHARE / sum(len(group["heard"]) for group in groups)
    parts = [(rows_of(voice, group["heard"]), group, worth) for group in groups]
    share = 2 * (1 - MADE_SHARE) / len(recordings["heard"])
    parts.append((rows_of(voice, recordings["heard"]), recordings, share))
    return voice, train_judge(parts, JUDGE_STEPS, SEED)


def run(folder: Path, by: str, write: Path | None) -> dict[str, Any]:
    clips = read_clips(folder)
    belongs = groups_of(clips, by)
    recordings = recorded(clips)
    groups = [made([clips[i] for i in np.flatnonzero(belongs == g)], 100 + g) for g in range(GROUPS)]
    told: Any = None
    rows: Any = None
    for group in range(GROUPS):
        held = belongs == group
        voice, judge = train(_part(recordings, ~held), groups[:group] + groups[group + 1 :])
        unseen = rows_of(voice, recordings["heard"][held])
        verdicts = judged(judge, unseen)
        if told is None:
            told = np.zeros((len(clips), *verdicts.shape[1:]), np.float32)
            rows = np.zeros((len(clips), *unseen.shape[1:]), np.float32)
        told[held], rows[held] = verdicts, unseen
        print(f"group {group + 1} of {GROUPS} held back", flush=True)
    trial = Trial(clips, told, rows)
    points = search(trial, SEARCH_ROUNDS, SEED, print)
    names = ("careful", "balanced", "fast")
    figures: dict[str, Any] = {name: trial.figures(index, points[index]) for index, name in enumerate(names)}  # type: ignore[arg-type]
    if write is not None:
        voice, judge = train(recordings, groups)
        origin = {
            "made_by": "python bench/amd_train.py",
            "data": "../shared/amd/dev, 820 clips",
            "licences": sorted({part for clip in clips for part in clip.row["license"].split(" + ")}),
            "seed": SEED,
            "grouped_by": by,
            "out_of_group": figures,
        }
        np.savez_compressed(write, provenance=json.dumps(origin), points=points, **matrices(voice, judge))
    return {"grouped_by": by, **figures}


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("folder", nargs="?", type=Path, default=Path("../shared/amd/dev"))
    options.add_argument("--groups", choices=("speaker", "source"), default="speaker")
    options.add_argument("--write", type=Path, help="where to put weights trained on all clips")
    chosen = options.parse_args()
    report(run(chosen.folder, chosen.groups, chosen.write), chosen.json)
