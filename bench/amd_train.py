"""Train the networks of answering-machine detection, cross-validated by speaker, source or noise; figures as JSON.

python bench/amd_train.py [../shared/amd/dev] [--groups speaker|source|noise] [--write softswitch/amd/weights.npz]

What a network is judged by, it has not learnt from: clips of other speakers (of other sources, in other rooms), and
calls made of them. Each clip is then streamed through the detector itself, as `softswitch amd evaluate` does, at the
operating points of `POINTS`, round numbers that are the same for all groups. `--write` trains on all clips afterwards.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from amd_clips import LABELS, LabelledClip, groups_of, noises_of, read_clips, truth
from amd_features import HEARD, STEPS, hear
from amd_material import Material
from amd_networks import Clips, matrices, rows_of, train_judges, train_voice
from figures import parser, report

from softswitch.amd.commands import decide_all, read_corpus
from softswitch.amd.evaluate import Decision
from softswitch.amd.figures import is_person, summarise, was_released
from softswitch.amd.parameters import Threshold
from softswitch.amd.verdict import OperatingPoint
from softswitch.amd.weights import pack, use

MADE = 2000
"""Calls made of each group's clips."""
HARD, QUIET = 0.4, 0.1
"""Hard calls, and calls on which nobody speaks on a quiet line, besides, for each of these."""
VOICE_STEPS, JUDGE_STEPS = 5000, 1200
MADE_SHARE = 0.7
SEED = 0
POINTS = {
    OperatingPoint.CAREFUL: {"machine": 0.95, "machine_steps": 5, "patience_ms": 750, "person_least": 0.9},
    OperatingPoint.BALANCED: {"machine": 0.5, "machine_steps": 3, "patience_ms": 750, "person_least": 0.9},
    OperatingPoint.FAST: {"machine": 0.5, "machine_steps": 3, "patience_ms": 500, "person_least": 0.8},
}
SHARED = {"person": 0.95, "person_fall": 1.5, "latest_ms": 1100, "person_latest": 0.7, "corrected": 0.95, "ended": 0.6,
          "span_ms": 3300, "spoken": 0.4}  # fmt: skip
"""Thresholds (`softswitch.amd.parameters.Threshold`) of each point, and those of all.

What keeps people from being lost is `span_ms`: of the people in the corpus 98 of 100 have done after 3.0 s, all after
3.4 s. A voice that has gone on for longer need only be likelier a machine's than not. The other way round, silence soon
says what it has to say: `patience_ms` and `latest_ms` are as long as a person may be kept waiting.
"""
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
        kinds = ((1.0, material.call), (HARD, material.hard_call), (QUIET, material.quiet_call))
        for number, (share, make) in enumerate(kinds):
            rng = np.random.default_rng([SEED, group, number])
            for _ in range(int(share * count)):
                call = make(rng)
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
    return voice, train_judges(parts, JUDGE_STEPS, SEED)


def reported(decisions: list[Decision]) -> dict[str, Any]:
    """Figures with their intervals and counts, and the clips of people lost."""
    figures = summarise(decisions)
    for name in ("breakdowns", "curve", "confusion", "confusion_first"):
        del figures[name]
    return {**figures, "people_lost": sorted(one.name for one in decisions if is_person(one) and was_released(one))}


def origin(folder: Path, clips: list[LabelledClip]) -> dict[str, Any]:
    """What weights are made from: the command, the data, the code, the licences of the sources."""
    digest = hashlib.sha256((folder / "labels.csv").read_bytes())
    for clip in clips:
        digest.update(clip.pcm.tobytes())
    words = sys.argv[1:]
    for option in {"--json", "--calls"} & set(words):  # where the figures and the made calls lie is nobody's business
        at = words.index(option)
        del words[at : at + 2]
    code = hashlib.sha256()
    for file in sorted([*Path("bench").glob("amd*.py"), *Path("softswitch/amd").glob("*.py")]):
        code.update(file.read_bytes())
    return {
        "command": " ".join(["python", "bench/amd_train.py", *words]),
        "seed": SEED,
        "data": f"../shared/amd/dev, {len(clips)} clips",
        "data_sha256": digest.hexdigest(),
        "code_sha256": code.hexdigest(),
        "made_with": f"numpy {np.__version__}, torch {torch.__version__}",
        "licences": sorted({part for clip in clips for part in clip.row["license"].split(" + ")}),
    }


def points() -> npt.NDArray[np.float32]:
    """(points, THRESHOLDS), in the order of `Threshold`."""
    rows = [{**SHARED, **POINTS[point]} for point in OperatingPoint]
    return np.array([[row[name] for name in Threshold._fields] for row in rows], np.float32)


def run(folder: Path, by: str, count: int, file: Path | None, write: Path | None) -> dict[str, Any]:
    clips, heard = read_clips(folder), list(read_corpus(folder))
    belongs = groups_of(clips, by)
    recordings = recorded(clips)
    calls, calls_belong = kept(file, clips, by, count)
    print(f"{len(calls_belong)} calls made", flush=True)
    groups = sorted(set(belongs.tolist()) - {-1})
    decisions: dict[OperatingPoint, list[Decision]] = {point: [] for point in OperatingPoint}
    for group in groups:
        held = belongs == group
        networks = train(_part(recordings, ~held), _part(calls, calls_belong != group))
        use(pack({**matrices(*networks), "points": points()}))
        for point in OperatingPoint:
            decisions[point] += decide_all([heard[at] for at in np.flatnonzero(held)], point)
        print(f"group {group} of {len(groups)} held back: {held.sum()} clips", flush=True)
    figures = {point.name.lower(): reported(decisions[point]) for point in OperatingPoint}
    if write is not None:
        provenance = {**origin(folder, clips), "grouped_by": by, "out_of_group": figures}
        layers = matrices(*train(recordings, calls))
        np.savez_compressed(write, provenance=json.dumps(provenance), points=points(), **layers)
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
