"""What the operating points wait for: searched on clips that the networks had not heard, by replaying the policy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from amd_clips import LabelledClip
from numba import njit

from softswitch.amd import policy, tones
from softswitch.amd.features import (
    BANDS,
    BLOCK,
    HALF,
    STEP_BLOCKS,
    STEP_MS,
    WINDOW,
    add_bands,
    level_of,
    spectrum,
)
from softswitch.amd.parameters import THRESHOLD, THRESHOLDS
from softswitch.amd.state import new_states, reset
from softswitch.amd.timing import CLOCKS, MIDDLE
from softswitch.amd.verdict import OperatingPoint, Verdict
from softswitch.amd.weights import POINTS_AT, WEIGHTS

Floats = npt.NDArray[np.floating[Any]]
MACHINES = tuple(int(each) for each in (Verdict.MACHINE, Verdict.SCREENING, Verdict.CARRIER))
ANSWERS = ("HUMAN", "HUMAN_BUSINESS")
RECORDED = ("MACHINE", "IVR", "CARRIER")
QUIET, SPOKEN, SPAN = MIDDLE * CLOCKS, MIDDLE * CLOCKS + 1, MIDDLE * CLOCKS + 2
STEPS_AS_SEARCHED = np.array([0.1, 1.5, 60, 0.03, 0.4, 0.15, 100, 0.1, 0.04, 0.1, 120, 0.1, 150, 0.01])
START = np.array(
    [
        [0.99, 4, 700, 0.95, 1.0, 0.8, 1200, 0.3, 0.99, 0.65, 3400, 0.5, 3200, 0.997],
        [0.681, 3, 600, 0.934, 0.86, 0.845, 1100, 0.3, 0.98, 0.592, 3350, 0.32, 2700, 0.99],
        [0.5, 3, 460, 0.93, 0.775, 0.775, 1000, 0.3, 0.95, 0.62, 3100, 0.34, 2600, 0.985],
    ]
)
"""Found by earlier searches; careful, balanced, fast, in the order of `Threshold`."""
MOST_PEOPLE_LOST = {OperatingPoint.CAREFUL: 0.005, OperatingPoint.BALANCED: 0.012, OperatingPoint.FAST: 0.025}
SLOWEST_P50_MS = {OperatingPoint.CAREFUL: 750, OperatingPoint.BALANCED: 700, OperatingPoint.FAST: 520}


@njit(cache=True, nogil=True)
def _listen(states: Any, padded: Any, codes: Any) -> None:
    power, bands = np.empty(HALF, np.float32), np.zeros(BANDS, np.float32)
    for block in range(min((padded.size - WINDOW) // BLOCK + 1, STEP_BLOCKS * codes.size)):
        spectrum(padded[block * BLOCK : block * BLOCK + WINDOW], power)
        total, _ = add_bands(power, bands)
        code = tones.follow(states[0].tones, power, level_of(total))
        if code != tones.NONE:
            codes[block // STEP_BLOCKS] = code


def tones_in(clips: list[LabelledClip], steps: int) -> npt.NDArray[np.int32]:
    """(clips, steps): the tone proved in each step, or NONE."""
    states, codes = new_states(1), np.zeros((len(clips), steps), np.int32)
    for clip, row in zip(clips, codes, strict=True):
        reset(states, 0, 1)
        _listen(states, np.concatenate([np.zeros(WINDOW - BLOCK, np.int16), clip.pcm]), row)
    return codes


@njit(cache=True, nogil=True)
def _replay(states: Any, point: int, told: Any, rows: Any, codes: Any, lengths: Any, out: Any) -> None:
    """out: (clips, 4): first verdict, its time, last verdict, its time (ms)."""
    for clip in range(told.shape[0]):
        reset(states, 0, point)
        state = states[0]
        clocks = state.network.timing
        for step in range(lengths[clip]):
            state.clock_ms = (step + 1) * STEP_MS
            row = rows[clip, step]
            clocks.row[QUIET] = row[QUIET]
            if row[QUIET] > -0.4:
                clocks.last[MIDDLE] = state.clock_ms / 1000.0 - row[QUIET]
                clocks.onset[MIDDLE] = max(clocks.last[MIDDLE] - 2.0 * row[SPAN], 0.0)
                clocks.spoken[MIDDLE] = 2.0 * row[SPOKEN]
            state.network.outputs[:] = told[clip, step]
            flags = policy.hear_tone(state, codes[clip, step]) if codes[clip, step] != tones.NONE else 0
            flags |= policy.judge(state)
            if flags & policy.VERDICT_REACHED:
                if out[clip, 0] == 0.0:
                    out[clip, 0] = state.verdict
                    out[clip, 1] = state.clock_ms
                out[clip, 2] = state.verdict
                out[clip, 3] = state.clock_ms


class Trial:
    """Clips with what networks that had not heard them made of each step."""

    def __init__(self, clips: list[LabelledClip], told: Floats, rows: Floats) -> None:
        self._told, self._rows = told.astype(np.float32), rows.astype(np.float32)
        self._codes = tones_in(clips, told.shape[1])
        self._lengths = np.array([min(len(clip.pcm) // 160, told.shape[1]) for clip in clips])
        labels = np.array([clip.label for clip in clips])
        self._people, self._machines = np.isin(labels, ANSWERS), np.isin(labels, RECORDED)
        self._nobody = np.isin(labels, ("SILENCE", "FAX", "RINGBACK"))
        self._end_ms = np.array([clip.end_ms if clip.end_ms is not None else np.nan for clip in clips])
        self._clear = np.array([clip.snr_db >= 15 for clip in clips])
        self._states = new_states(1)

    def figures(self, point: OperatingPoint, thresholds: Floats) -> dict[str, float]:
        start = POINTS_AT + point * THRESHOLDS
        WEIGHTS[start : start + THRESHOLDS] = thresholds
        found = np.zeros((len(self._lengths), 4))
        _replay(self._states, int(point), self._told, self._rows, self._codes, self._lengths, found)
        first, last = np.isin(found[:, 0], MACHINES), np.isin(found[:, 2], MACHINES)
        lost = self._people & (first | last)
        late_ms = found[:, 1] - self._end_ms
        waited_ms = late_ms[self._people & (found[:, 0] == Verdict.HUMAN)]
        handed = np.isin(found[:, 0], (Verdict.HUMAN, Verdict.NOTSURE)) & (late_ms <= 2000)
        return {
            "people": float(self._people.sum()),
            "machines": float(self._machines.sum()),
            "human_as_machine": float(lost[self._people].mean()),
            "human_as_machine_15_db": float(lost[self._people & self._clear].mean()),
            "machine_recall_first": float(first[self._machines].mean()),
            "machine_recall_final": float(last[self._machines].mean()),
            "machine_within_5_s": float((last & (found[:, 3] <= 5000))[self._machines].mean()),
            "human_decision_after_greeting_ms_p50": float(np.median(waited_ms)),
            "human_decision_after_greeting_ms_p95": float(np.percentile(waited_ms, 95)),
            "human_handed_over_within_2s": float(handed[self._people].mean()),
            "silence_fax_ringback_as_human": float((found[:, 2] == Verdict.HUMAN)[self._nobody].mean()),
        }


def cost(point: OperatingPoint, told: dict[str, float]) -> float:
    """How far figures are from what the point is for; people lost count most."""
    lost = told["human_as_machine"]
    return (
        60 * max(lost - MOST_PEOPLE_LOST[point], 0)
        + 8 * lost
        + 4 * max(0.92 - told["machine_recall_first"], 0)
        + 4 * max(0.97 - told["machine_recall_final"], 0)
        + max(told["human_decision_after_greeting_ms_p50"] - SLOWEST_P50_MS[point], 0) / 200
        + max(told["human_decision_after_greeting_ms_p95"] - 1120, 0) / 200
        + 10 * max(0.985 - told["human_handed_over_within_2s"], 0)
        + 2 * max(told["silence_fax_ringback_as_human"] - 0.01, 0)
    )


def search(trial: Trial, rounds: int, seed: int, report: Callable[[str], None]) -> npt.NDArray[np.float32]:
    """(points, THRESHOLDS), from START by random steps that help."""
    best = START.copy()
    for point in OperatingPoint:
        rng = np.random.default_rng(seed)
        least = cost(point, trial.figures(point, best[point]))
        for _ in range(rounds):
            tried = best[point].copy()
            chosen = rng.choice(THRESHOLDS, rng.integers(1, 4), replace=False)
            tried[chosen] += rng.normal(0, 1, len(chosen)) * STEPS_AS_SEARCHED[chosen]
            tried[THRESHOLD.machine_steps] = max(round(tried[THRESHOLD.machine_steps]), 2)
            for share in (THRESHOLD.machine, THRESHOLD.person, THRESHOLD.corrected, THRESHOLD.short_machine):
                tried[share] = min(max(tried[share], 0.3), 0.997)
            found = cost(point, trial.figures(point, tried))
            if found < least:
                best[point], least = tried, found
        report(f"{point.name.lower()}: {trial.figures(point, best[point])}")
    return best.astype(np.float32)
