"""How well the detector tells people from machines: clips streamed packet by packet, figures with intervals.

A verdict counts as it stands when the clip ends: a HUMAN corrected to MACHINE is a MACHINE, since the dialler acts on
both.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

import numpy as np
import numpy.typing as npt

from softswitch.amd import model
from softswitch.amd.state import BALANCED, new_states, reset
from softswitch.amd.verdict import Cause, Verdict

PEOPLE = ("HUMAN", "HUMAN_BUSINESS")
MACHINES = ("MACHINE",)
NORMAL_QUANTILE_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Clip:
    """One answered call as it sounds from the 200 OK on, with the truth about it."""

    name: str
    label: str
    """HUMAN, HUMAN_BUSINESS, MACHINE, IVR, CARRIER, FAX, SILENCE or RINGBACK."""
    pcm: npt.NDArray[np.int16]
    """8 kHz."""
    speech_onset_ms: float | None = None
    greeting_end_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the detector made of one clip."""

    name: str
    label: str
    verdict: Verdict
    """In force when the clip ended."""
    cause: Cause
    decided_ms: float
    first_verdict: Verdict
    """Before any correction."""
    first_decided_ms: float
    delay_ms: float | None
    """First verdict after the greeting's end; negative where it fell during the greeting."""
    onset_error_ms: float | None


def wilson_interval(hits: int, trials: int) -> tuple[float, float]:
    """95 % score interval of a share (Wilson 1927); (0, 1) where there were no trials."""
    if trials == 0:
        return 0.0, 1.0
    z = NORMAL_QUANTILE_95
    share = hits / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def decide(clip: Clip, states: npt.NDArray[np.void], frame_ms: int = 20) -> Decision:
    """Stream one clip through state 0 in packets of `frame_ms`."""
    reset(states, 0, BALANCED)
    samples = frame_ms * 8
    state = states[0]
    first_verdict, first_decided_ms = Verdict.NONE, math.nan
    for start in range(0, len(clip.pcm) - samples + 1, samples):
        frame = clip.pcm[start : start + samples]
        flags = model.receive_frame(states, 0, frame, (start + samples) / 8.0)
        if flags & model.VERDICT_REACHED and first_verdict is Verdict.NONE:
            first_verdict, first_decided_ms = Verdict(int(state["verdict"])), float(state["decided_ms"])
        if not model.listening(states, 0):
            break
    onset = float(state["speech_onset_ms"])
    return Decision(
        name=clip.name,
        label=clip.label,
        verdict=Verdict(int(state["verdict"])),
        cause=Cause(int(state["cause"])),
        decided_ms=float(state["decided_ms"]),
        first_verdict=first_verdict,
        first_decided_ms=first_decided_ms,
        delay_ms=None if clip.greeting_end_ms is None else first_decided_ms - clip.greeting_end_ms,
        onset_error_ms=None if clip.speech_onset_ms is None or math.isnan(onset) else onset - clip.speech_onset_ms,
    )


def _share(decisions: list[Decision], labels: tuple[str, ...], verdict: Verdict) -> dict[str, float | int]:
    of_label = [decision for decision in decisions if decision.label in labels]
    hits = sum(decision.verdict is verdict for decision in of_label)
    low, high = wilson_interval(hits, len(of_label))
    share = hits / len(of_label) if of_label else math.nan
    return {"share": share, "low": low, "high": high, "hits": hits, "clips": len(of_label)}


def _median(values: list[float]) -> float | None:
    finite = [value for value in values if not math.isnan(value)]
    return median(finite) if finite else None


def summarise(decisions: list[Decision]) -> dict[str, object]:
    """Confusion table and the figures that matter, JSON-ready; shares come with their Wilson intervals."""
    confusion: dict[str, Counter[str]] = {}
    for decision in decisions:
        confusion.setdefault(decision.label, Counter())[decision.verdict.name] += 1
    people = [decision for decision in decisions if decision.label in PEOPLE]
    found = [one for one in decisions if one.label in MACHINES and one.verdict is Verdict.MACHINE]
    machines = sum(decision.label in MACHINES for decision in decisions)
    by_cause = Counter(decision.cause.name for decision in decisions if decision.verdict is Verdict.MACHINE)
    first_found = sum(one.first_verdict is Verdict.MACHINE for one in decisions if one.label in MACHINES)
    human_delays = [one.delay_ms for one in people if one.delay_ms is not None and one.first_verdict is Verdict.HUMAN]
    onset_errors = [abs(one.onset_error_ms) for one in people if one.onset_error_ms is not None]
    return {
        "clips": len(decisions),
        "confusion": {label: dict(sorted(row.items())) for label, row in sorted(confusion.items())},
        "human_as_machine": _share(decisions, PEOPLE, Verdict.MACHINE),
        "human_as_notsure": _share(decisions, PEOPLE, Verdict.NOTSURE),
        "machine_recall": _share(decisions, MACHINES, Verdict.MACHINE),
        "machine_recall_at_first_verdict": first_found / machines if machines else None,
        "other_machines_recall": _share(decisions, ("IVR", "CARRIER", "FAX"), Verdict.MACHINE),
        "machine_causes": dict(by_cause),
        "human_delay_after_greeting_ms": _median(human_delays),
        "machine_decided_ms": _median([one.decided_ms for one in found]),
        "speech_onset_error_ms": _median(onset_errors),
    }


def evaluate(clips: Iterable[Clip], frame_ms: int = 20) -> tuple[list[Decision], dict[str, object]]:
    """Each clip's decision, and the summary."""
    states = new_states(1)
    decisions = [decide(clip, states, frame_ms) for clip in clips]
    return decisions, summarise(decisions)
