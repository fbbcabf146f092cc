"""Train the networks of answering-machine detection, cross-validated by speaker, source or noise; figures as JSON.

python bench/amd_train.py [../shared/amd/dev] [--groups speaker|source|noise] [--write softswitch/amd/weights.npz]

What a network is judged by, it has not learnt from: clips of other speakers (of other sources, in other rooms), and
calls made of them. The thresholds with which a group's clips are judged are those that suit the other groups. Each
clip is then streamed through the detector itself, as `softswitch amd evaluate` does. `--write` trains on all clips
afterwards, with thresholds that suit all of them.
"""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from amd_clips import LABELS, LabelledClip, groups_of, noises_of, read_clips, truth
from amd_features import HEARD, STEPS, hear
from amd_material import Material
from amd_networks import Clips, judged, matrices, rows_of, train_judge, train_voice
from amd_tuning import Trial, search
from figures import parser, report

from softswitch.amd.commands import decide_all, read_corpus
from softswitch.amd.evaluate import Decision
from softswitch.amd.figures import is_person, summarise, was_released
from softswitch.amd.verdict import OperatingPoint
from softswitch.amd.weights import pack, use

MADE = 1500
"""Calls made of each group's clips."""
VOICE_STEPS, JUDGE_STEPS, SEARCH_ROUNDS = 1000, 1800, 120
MADE_SHARE = 0.7
SEED = 0
Groups = npt.NDArray[np.int64]
"""The group of each clip; -1 for what is in everybody's training."""


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


def made(clips: list[LabelledClip], groups: Groups, count: int) -> Clips:
    """`count` calls of each group's clips; besides, `group` and `room` of each."""
    rows, made_of, rooms = [], [], []
    for group in sorted(set(groups.tolist())):
        material = Material([clip for clip, its in zip(clips, groups, strict=True) if its == group])
        rng = np.random.default_rng(100 * (SEED + 1) + group)
        for _ in range(count):
            call = material.call(rng)
            times = (call.onset_ms, call.end_ms, call.second_ms)
            rows.append((hear(call.pcm), truth(call.label, times, call.active, len(call.pcm) // 160)))
            made_of.append(group)
            rooms.append(call.room)
    return {**_stack(rows), "group": np.array(made_of), "room": np.array(rooms)}


def kept(file: Path | None, clips: list[LabelledClip], by: str, count: int) -> tuple[Clips, Groups]:
    """Made calls, from a file where an earlier run left them, and the group of each.

    Those for noises are those for speakers: a room's kind tells which group a call belongs to.
    """
    if file is not None and file.is_file():
        with np.load(file) as stored:
            calls = {name: stored[name] for name in stored.files}
    else:
        calls = made(clips, groups_of(clips, "source" if by == "source" else "speaker"), count)
        if file is not None:
            np.savez(file, **calls)
    made_of, rooms = calls.pop("group"), calls.pop("room")
    if by != "noise":
        return calls, made_of
    kinds = noises_of(clips)
    return calls, np.array([kinds.index(room) if room in kinds else -1 for room in rooms.tolist()])


def _part(clips: Clips, chosen: npt.NDArray[np.bool_]) -> Clips:
    return {name: values[chosen] for name, values in clips.items()}


def train(recordings: Clips, calls: Clips) -> tuple[Any, Any]:
    """Both networks, from recorded clips and made calls."""
    voice = train_voice([calls, recordings], VOICE_STEPS, SEED)
    parts = [
        (rows_of(voice, part["heard"]), part, share / len(part["heard"]))
        for part, share in ((calls, MADE_SHARE), (recordings, 2 * (1 - MADE_SHARE)))
    ]
    return voice, train_judge(parts, JUDGE_STEPS, SEED)


def reported(decisions: list[Decision]) -> dict[str, Any]:
    """Figures with their intervals and counts, and the clips of people lost."""
    figures = summarise(decisions)
    for name in ("breakdowns", "curve", "confusion", "confusion_first"):
        del figures[name]
    return {**figures, "people_lost": sorted(one.name for one in decisions if is_person(one) and was_released(one))}


def origin(folder: Path, clips: list[LabelledClip]) -> dict[str, Any]:
    """What weights are made from: the command, the data, the sources."""
    digest = hashlib.sha256((folder / "labels.csv").read_bytes())
    for clip in clips:
        digest.update(clip.pcm.tobytes())
    words = sys.argv[1:]
    if "--json" in words:  # where the figures go is nobody's business
        at = words.index("--json")
        del words[at : at + 2]
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"], capture_output=True, text=True, check=False
    )
    return {
        "command": " ".join(["python", "bench/amd_train.py", *words]),
        "seed": SEED,
        "data": f"../shared/amd/dev, {len(clips)} clips",
        "data_sha256": digest.hexdigest(),
        "revision": described.stdout.strip(),
        "made_with": f"numpy {np.__version__}, torch {torch.__version__}",
        "licences": sorted({part for clip in clips for part in clip.row["license"].split(" + ")}),
    }


def run(folder: Path, by: str, count: int, file: Path | None, write: Path | None) -> dict[str, Any]:
    clips, heard = read_clips(folder), list(read_corpus(folder))
    belongs = groups_of(clips, by)
    recordings = recorded(clips)
    calls, calls_belong = kept(file, clips, by, count)
    print(f"{len(calls_belong)} calls made", flush=True)
    groups = sorted(set(belongs.tolist()) - {-1})
    networks, told, rows = {}, None, None
    for group in groups:
        held = belongs == group
        voice, judge = train(_part(recordings, ~held), _part(calls, calls_belong != group))
        networks[group] = matrices(voice, judge)
        unseen = rows_of(voice, recordings["heard"][held])
        verdicts = judged(judge, unseen)
        if told is None or rows is None:
            told = np.zeros((len(clips), *verdicts.shape[1:]), np.float32)
            rows = np.zeros((len(clips), *unseen.shape[1:]), np.float32)
        told[held], rows[held] = verdicts, unseen
        print(f"group {group} of {len(groups)} held back: {held.sum()} clips", flush=True)
    assert told is not None
    assert rows is not None
    trial = Trial(clips, told, rows)
    decisions: dict[OperatingPoint, list[Decision]] = {point: [] for point in OperatingPoint}
    for group in groups:
        points = search(trial, np.flatnonzero((belongs != group) & (belongs >= 0)), SEARCH_ROUNDS, SEED)
        use(pack({**networks[group], "points": points}))
        for point in OperatingPoint:
            decisions[point] += decide_all([heard[at] for at in np.flatnonzero(belongs == group)], point)
    figures = {point.name.lower(): reported(decisions[point]) for point in OperatingPoint}
    if write is not None:
        voice, judge = train(recordings, calls)
        points = search(trial, np.flatnonzero(belongs >= 0), SEARCH_ROUNDS, SEED)
        provenance = {**origin(folder, clips), "grouped_by": by, "out_of_group": figures}
        np.savez_compressed(write, provenance=json.dumps(provenance), points=points, **matrices(voice, judge))
    return {"grouped_by": by, **figures}


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("folder", nargs="?", type=Path, default=Path("../shared/amd/dev"))
    options.add_argument("--groups", choices=("speaker", "source", "noise"), default="speaker")
    options.add_argument("--made", type=int, default=MADE, help="calls made of each group's clips")
    options.add_argument("--calls", type=Path, help="keep the made calls here; the next run takes them from here")
    options.add_argument("--write", type=Path, help="where to put weights trained on all clips")
    chosen = options.parse_args()
    report(run(chosen.folder, chosen.groups, chosen.made, chosen.calls, chosen.write), chosen.json)
