"""What the operating points wait for: searched on clips that the networks had not heard, by replaying the policy.

The search sees a replay of the policy on what the networks told step by step, which takes a tenth of a millisecond a
clip; what is reported of it afterwards comes from the detector itself (`amd_train.reported`).
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from amd_clips import LabelledClip
from numba import njit

from softswitch.amd import policy, tones
from softswitch.amd.evaluate import HANDING_OVER, MACHINES, PEOPLE, RELEASING, SIGNALS
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
QUIET, SPOKEN, SPAN = MIDDLE * CLOCKS, MIDDLE * CLOCKS + 1, MIDDLE * CLOCKS + 2
STEPS_AS_SEARCHED = np.array([0.1, 1.5, 60, 0.03, 0.4, 0.15, 100, 0.1, 0.04, 0.1, 120, 0.1, 150, 0.01])
START = np.array(
    [
        [0.97, 4, 700, 0.95, 1.0, 0.8, 1200, 0.3, 0.99, 0.65, 3000, 0.4, 2900, 0.99],
        [0.681, 3, 600, 0.934, 0.86, 0.845, 1100, 0.3, 0.98, 0.592, 3350, 0.32, 2700, 0.99],
        [0.5, 3, 460, 0.93, 0.775, 0.775, 1000, 0.3, 0.95, 0.62, 3100, 0.34, 2600, 0.985],
    ]
)
"""Found by earlier searches; careful, balanced, fast, in the order of `Threshold`."""
RELEASE, HAND_OVER = np.array(sorted(RELEASING)), np.array(sorted(HANDING_OVER))
HUMAN = int(Verdict.HUMAN)
FIRST, FIRST_MS, LAST, RELEASED_MS, HUMAN_MS, HANDED_MS = range(6)
"""Columns of an outcome; times are infinite for never."""


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
def _replay(states: Any, point: int, told: Any, rows: Any, codes: Any, lengths: Any, chosen: Any, out: Any) -> None:
    """out: (clips, 6), of the chosen clips alone."""
    for clip in chosen:
        reset(states, 0, point)
        state = states[0]
        clocks = state.network.timing
        found = out[clip]
        found[:] = np.inf
        found[FIRST] = 0.0
        found[LAST] = 0.0
        for step in range(lengths[clip]):
            state.clock_ms = (step + 1) * STEP_MS
            row = rows[clip, step]
            clocks.row[QUIET] = row[0]
            if row[0] > -0.4:
                clocks.last[MIDDLE] = state.clock_ms / 1000.0 - row[0]
                clocks.onset[MIDDLE] = max(clocks.last[MIDDLE] - 2.0 * row[2], 0.0)
                clocks.spoken[MIDDLE] = 2.0 * row[1]
            state.network.outputs[:] = told[clip, step]
            flags = policy.hear_tone(state, codes[clip, step]) if codes[clip, step] != tones.NONE else 0
            flags |= policy.judge(state)
            if flags & policy.VERDICT_REACHED:
                if found[FIRST] == 0.0:
                    found[FIRST] = state.verdict
                    found[FIRST_MS] = state.clock_ms
                found[LAST] = state.verdict
                if state.verdict in RELEASE:
                    found[RELEASED_MS] = min(found[RELEASED_MS], state.clock_ms)
                if state.verdict in HAND_OVER:
                    found[HANDED_MS] = min(found[HANDED_MS], state.clock_ms)
                if state.verdict == HUMAN:
                    found[HUMAN_MS] = min(found[HUMAN_MS], state.clock_ms)


class Trial:
    """Clips with what networks that had not heard them made of each step."""

    def __init__(self, clips: list[LabelledClip], told: Floats, rows: Floats) -> None:
        self._told = told.astype(np.float32)
        self._rows = np.ascontiguousarray(rows[:, :, [QUIET, SPOKEN, SPAN]].astype(np.float32))
        self._codes = tones_in(clips, told.shape[1])
        self._lengths = np.array([min(len(clip.pcm) // 160, told.shape[1]) for clip in clips])
        labels = np.array([clip.label for clip in clips])
        self._people, self._machines = np.isin(labels, PEOPLE), np.isin(labels, MACHINES)
        self._nobody = np.isin(labels, SIGNALS)
        self._end_ms = np.array([clip.end_ms if clip.end_ms is not None else np.nan for clip in clips])
        self._states = new_states(1)

    def figures(self, point: OperatingPoint, thresholds: Floats, chosen: npt.NDArray[np.int64]) -> dict[str, float]:
        """As `softswitch.amd.figures` defines them, of the chosen clips (their numbers)."""
        start = POINTS_AT + point * THRESHOLDS
        WEIGHTS[start : start + THRESHOLDS] = thresholds
        found = np.zeros((len(self._lengths), 6))
        _replay(self._states, int(point), self._told, self._rows, self._codes, self._lengths, chosen, found)
        found, end_ms = found[chosen], self._end_ms[chosen]
        people, machines, nobody = self._people[chosen], self._machines[chosen], self._nobody[chosen]
        waited_ms = (found[:, HUMAN_MS] - end_ms)[people & np.isfinite(found[:, HUMAN_MS])]
        waited_ms = waited_ms if len(waited_ms) else np.array([9999.0])
        handed = (found[:, HANDED_MS] <= end_ms + 2000) & (found[:, HANDED_MS] <= found[:, RELEASED_MS])
        return {
            "human_as_machine": float(np.isfinite(found[people, RELEASED_MS]).mean()),
            "machine_recall_first": float(np.isin(found[machines, FIRST], RELEASE).mean()),
            "machine_recall_final": float(np.isin(found[machines, LAST], RELEASE).mean()),
            "machine_recall_within_5s": float((found[machines, RELEASED_MS] <= 5000).mean()),
            "human_decision_after_greeting_ms_p50": float(np.median(waited_ms)),
            "human_decision_after_greeting_ms_p95": float(np.percentile(waited_ms, 95)),
            "human_handed_over_within_2s": float(handed[people].mean()),
            "silence_fax_ringback_as_human": float(np.isfinite(found[nobody, HUMAN_MS]).mean()),
        }


class Aim(NamedTuple):
    """What an operating point is for: beyond these figures nothing is gained."""

    people_lost: float
    p50_ms: float
    p95_ms: float
    first: float
    within_5s: float


AIMS = {
    OperatingPoint.CAREFUL: Aim(0.004, 900, 1500, 0.80, 0.92),
    OperatingPoint.BALANCED: Aim(0.010, 700, 1120, 0.92, 0.86),
    OperatingPoint.FAST: Aim(0.022, 520, 1000, 0.90, 0.90),
}


def cost(point: OperatingPoint, told: dict[str, float]) -> float:
    """How far figures are from what the point is for; people lost count most."""
    aim = AIMS[point]
    lost = told["human_as_machine"]
    return (
        60 * max(lost - aim.people_lost, 0)
        + 8 * lost
        + 4 * max(aim.first - told["machine_recall_first"], 0)
        + 4 * max(aim.within_5s - told["machine_recall_within_5s"], 0)
        + 4 * max(0.97 - told["machine_recall_final"], 0)
        + max(told["human_decision_after_greeting_ms_p50"] - aim.p50_ms, 0) / 200
        + max(told["human_decision_after_greeting_ms_p95"] - aim.p95_ms, 0) / 200
        + 10 * max(0.985 - told["human_handed_over_within_2s"], 0)
        + 4 * max(told["silence_fax_ringback_as_human"] - 0.01, 0)
    )


def search(trial: Trial, chosen: npt.NDArray[np.int64], rounds: int, seed: int) -> npt.NDArray[np.float32]:
    """(points, THRESHOLDS), from START by random steps that help on the chosen clips."""
    best = START.copy()
    for point in OperatingPoint:
        rng = np.random.default_rng([seed, point])
        least = cost(point, trial.figures(point, best[point], chosen))
        for _ in range(rounds):
            tried = best[point].copy()
            moved = rng.choice(THRESHOLDS, rng.integers(1, 4), replace=False)
            tried[moved] += rng.normal(0, 1, len(moved)) * STEPS_AS_SEARCHED[moved]
            tried[THRESHOLD.machine_steps] = max(round(tried[THRESHOLD.machine_steps]), 2)
            tried[THRESHOLD.short_span_ms] = max(tried[THRESHOLD.short_span_ms], 2400)
            for share in (THRESHOLD.machine, THRESHOLD.person, THRESHOLD.corrected, THRESHOLD.short_machine):
                tried[share] = min(max(tried[share], 0.3), 0.997)
            found = cost(point, trial.figures(point, tried, chosen))
            if found < least:
                best[point], least = tried, found
    return best.astype(np.float32)
