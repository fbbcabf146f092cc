"""What does one 20 ms frame cost the answering-machine detector, and what do others find for how much?

python bench/amd.py --json -              # 60 and 500 calls at once on one core, beside other methods
python bench/amd.py --clips FOLDER        # on other clips than ../shared/amd/dev

Microseconds of CPU a frame, in a compiled loop over all calls as the media worker's is; bytes of state a call; and for
each method, on the same clips in the same run: people taken for machines, machines found (MACHINE, IVR, CARRIER) by the
first verdict, and the median of a person's verdict after the greeting's end. Without clips, calls of noise are timed.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from amd_baselines import DEFAULT, HUMAN, MACHINE, SAMPLES, TUNED, VoiceRule, app_amd
from figures import parser, report
from numba import njit

from softswitch.amd import model
from softswitch.amd.commands import read_corpus
from softswitch.amd.evaluate import MACHINES, PEOPLE, Clip, decide
from softswitch.amd.figures import summarise
from softswitch.amd.state import new_states, reset
from softswitch.amd.verdict import OperatingPoint

CLIPS = Path(__file__).resolve().parents[1] / ".." / "shared" / "amd" / "dev"
FRAMES = 250  # five seconds: as long as most calls are undecided
Samples = npt.NDArray[np.int16]


@njit(nogil=True)
def hear_all(states: Any, calls: Any, frame: int) -> int:
    """One frame of each call, as the worker hears them; how many said something. calls: (n, samples) int16."""
    said = 0
    for leg in range(calls.shape[0]):
        pcm = calls[leg, frame * SAMPLES : (frame + 1) * SAMPLES]
        if model.receive_frame(states, leg, pcm, (frame + 1) * 20.0) != 0:
            said += 1
    return said


def calls_of(clips: list[Clip], count: int, frames: int) -> Samples:
    """(count, samples): the clips' beginnings, over and over."""
    calls = np.zeros((count, frames * SAMPLES), np.int16)
    rng = np.random.default_rng(1)
    for leg in range(count):
        if clips:
            pcm = clips[leg % len(clips)].pcm[: calls.shape[1]]
            calls[leg, : len(pcm)] = pcm
        else:
            calls[leg] = rng.normal(0, 400, calls.shape[1])
    return calls


def cost(clips: list[Clip], count: int, frames: int) -> float:
    """Microseconds of CPU a frame, with so many calls at once."""
    calls = calls_of(clips, count, frames)
    states = new_states(count)
    hear_all(states, calls, 0)  # compiles
    for leg in range(count):
        reset(states, leg, int(OperatingPoint.BALANCED))
    started = time.process_time()
    for frame in range(frames):
        hear_all(states, calls, frame)
    return (time.process_time() - started) / (count * frames) * 1e6


def compare(clips: list[Clip]) -> dict[str, dict[str, Any]]:
    """Each method on the clips: what it finds, when, and what a frame costs it."""
    found = {
        "app_amd, default parameters": _judge(clips, lambda pcm: app_amd(pcm, DEFAULT)),
        "app_amd, tuned": _judge(clips, lambda pcm: app_amd(pcm, TUNED)),
    }
    try:
        found["webrtcvad and a silence rule"] = _judge(clips, VoiceRule().decide)
    except ModuleNotFoundError:
        found["webrtcvad and a silence rule"] = {"error": "webrtcvad is not here: pip install webrtcvad-wheels"}
    for point in OperatingPoint:
        started = time.process_time()
        figures = summarise([decide(clip, point) for clip in clips])
        seconds = time.process_time() - started
        names = (
            "human_as_machine",
            "machine_recall_first",
            "machine_recall_final",
            "human_decision_after_greeting_ms_p50",
        )
        frames = sum(len(clip.pcm) // SAMPLES for clip in clips)
        found[f"softswitch, {point.name.lower()}"] = {
            **{name: figures[name] for name in names},
            "us_per_frame": round(seconds / frames * 1e6, 2),
        }
    return found


def _judge(clips: list[Clip], method: Callable[[Samples], tuple[int, int]]) -> dict[str, Any]:
    method(clips[0].pcm)  # compiles
    started = time.process_time()
    verdicts = [method(clip.pcm) for clip in clips]
    seconds = time.process_time() - started
    heard_ms = sum(ms for _, ms in verdicts)
    people = [verdict for clip, (verdict, _) in zip(clips, verdicts, strict=True) if clip.label in PEOPLE]
    machines = [verdict for clip, (verdict, _) in zip(clips, verdicts, strict=True) if clip.label in MACHINES]
    delays = [
        ms - clip.greeting_end_ms
        for clip, (verdict, ms) in zip(clips, verdicts, strict=True)
        if clip.label in PEOPLE and verdict == HUMAN and clip.greeting_end_ms is not None
    ]
    return {
        "human_as_machine": round(float(np.mean(np.array(people) == MACHINE)), 4) if people else None,
        "machine_recall_first": round(float(np.mean(np.array(machines) == MACHINE)), 4) if machines else None,
        "human_decision_after_greeting_ms_p50": float(np.median(delays)) if delays else None,
        "us_per_frame": round(seconds / (heard_ms / 20) * 1e6, 2),
    }


def run(folder: Path, calls: tuple[int, ...], frames: int, every: int) -> dict[str, Any]:
    clips = list(read_corpus(folder, every)) if (folder / "labels.csv").is_file() else []
    costs = {count: cost(clips, count, frames) for count in calls}
    return {
        "us_per_frame": round(costs[calls[0]], 2),
        **{f"us_per_frame_{count}": round(us, 2) for count, us in costs.items()},
        **{f"core_pct_{count}": round(us * 50 * count / 1e4, 1) for count, us in costs.items()},
        "bytes_per_call": new_states(1).itemsize,
        "clips": len(clips),
        "methods": compare(clips) if clips else {},
    }


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--clips", type=Path, default=CLIPS)
    options.add_argument("--calls", type=int, nargs="+", default=[60, 500])
    options.add_argument("--frames", type=int, default=FRAMES)
    options.add_argument("--every", type=int, default=1, help="take each nth clip only")
    chosen = options.parse_args()
    report(run(chosen.clips, tuple(chosen.calls), chosen.frames, chosen.every), chosen.json)
