"""What many decisions amount to: shares with their intervals, times, breakdowns and the trade-off curve.

*People* are clips labelled HUMAN or HUMAN_BUSINESS, *machines* are MACHINE (voicemail), IVR and CARRIER, *signals* are
SILENCE, FAX and RINGBACK. A verdict *releases* when it says that nobody is there to talk to: MACHINE, SCREENING,
CARRIER, FAX, TONE (`evaluate.RELEASING`). Each clip is heard to its end, corrections included. What the figures mean:

human_as_machine
    People on whom a releasing verdict was in force at any time of the clip, even if it was taken back later: the
    dialler may have hung up by then. `human_business_as_machine` is the same among HUMAN_BUSINESS alone.
human_as_human
    People who got HUMAN at some time, and no releasing verdict ever.
machine_recall_first, machine_recall_final
    Machines whose first verdict, or whose verdict in force when the clip ends, releases. `voicemail_recall_first` and
    `voicemail_recall_final`: the same among MACHINE alone. `machine_recall_within_5s`: a releasing verdict within five
    seconds of the answer.
human_decision_after_greeting_ms_p50, _p95
    From the labelled end of the first utterance or greeting to the first HUMAN, over people who got one; negative where
    it fell during the greeting.
human_handed_over_within_2s, human_handed_over_within_2s_of_onset
    People who got HUMAN or NOTSURE (both go to an agent) no later than two seconds after the labelled end of the
    greeting (the rule in the United States) or after its labelled onset (in the United Kingdom), and no releasing
    verdict before. `machine_recall_within_2s_of_onset`: machines that got a releasing verdict by the latter's limit.
    The dialler does not wait for the detector: whoever is unjudged at the limit of its rule goes to an agent.
machine_decision_after_onset_ms_p50, _p95
    From the labelled onset of speech to the first releasing verdict, over machines that got one and have an onset.
beep_recall, beep_recall_no_noise
    Of the clips with a labelled beep (and no added noise), those where BEEP_HEARD fell between the beep's start and
    half a second after its end.
beep_false
    Of the clips without a labelled beep, those where BEEP_HEARD was told at all.
silence_fax_ringback_as_human
    Signals on which HUMAN was in force at any time.
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from softswitch.amd.evaluate import HANDING_OVER, MACHINES, PEOPLE, RELEASING, SIGNALS, Decision
from softswitch.amd.verdict import Verdict

Test = Callable[[Decision], bool]

NORMAL_QUANTILE_95 = 1.959964
IN_TIME_MS = 2000.0
"""Of the completed greeting in the United States (16 CFR 310.4(b)(4)(iii)), of its first word in the United Kingdom
(Ofcom, persistent misuse policy statement)."""
EARLY_MS = 5000.0
CURVE_THRESHOLDS = (
    *(n / 20 for n in range(1, 18)),
    *(n / 100 for n in range(86, 100)),
    *(n / 1000 for n in range(991, 1000, 2)),
)
_HUMAN = frozenset({Verdict.HUMAN})


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


def is_person(one: Decision) -> bool:
    return one.label in PEOPLE


def is_machine(one: Decision) -> bool:
    return one.label in MACHINES


def was_released(one: Decision) -> bool:
    """A releasing verdict was in force at some time."""
    return one.first_of(RELEASING) < math.inf


def was_taken_for_a_person(one: Decision) -> bool:
    return one.first_of(_HUMAN) < math.inf


def was_handed_over_by(one: Decision, since_ms: float | None) -> bool:
    """HUMAN or NOTSURE within the two-second rule from that time on, and nothing that releases before."""
    handed_ms = one.first_of(HANDING_OVER)
    if since_ms is None or handed_ms > one.first_of(RELEASING):
        return False
    return handed_ms <= since_ms + IN_TIME_MS


def was_released_by_onset(one: Decision) -> bool:
    return one.clip.speech_onset_ms is not None and one.first_of(RELEASING) <= one.clip.speech_onset_ms + IN_TIME_MS


SHARES: dict[str, tuple[Test, Test]] = {
    "human_as_machine": (is_person, was_released),
    "human_as_human": (is_person, lambda one: was_taken_for_a_person(one) and not was_released(one)),
    "human_business_as_machine": (lambda one: one.label == "HUMAN_BUSINESS", was_released),
    "machine_recall_first": (is_machine, lambda one: one.first_verdict in RELEASING),
    "machine_recall_final": (is_machine, lambda one: one.verdict in RELEASING),
    "machine_recall_within_5s": (is_machine, lambda one: one.first_of(RELEASING) <= EARLY_MS),
    "voicemail_recall_first": (lambda one: one.label == "MACHINE", lambda one: one.first_verdict in RELEASING),
    "voicemail_recall_final": (lambda one: one.label == "MACHINE", lambda one: one.verdict in RELEASING),
    "human_handed_over_within_2s": (
        lambda one: is_person(one) and one.clip.greeting_end_ms is not None,
        lambda one: was_handed_over_by(one, one.clip.greeting_end_ms),
    ),
    "human_handed_over_within_2s_of_onset": (
        lambda one: is_person(one) and one.clip.speech_onset_ms is not None,
        lambda one: was_handed_over_by(one, one.clip.speech_onset_ms),
    ),
    "machine_recall_within_2s_of_onset": (
        lambda one: is_machine(one) and one.clip.speech_onset_ms is not None,
        was_released_by_onset,
    ),
    "beep_recall": (lambda one: one.clip.beep_ms is not None, lambda one: one.heard_its_beep),
    "beep_recall_no_noise": (
        lambda one: one.clip.beep_ms is not None and one.clip.traits.get("noise", "none") in ("none", ""),
        lambda one: one.heard_its_beep,
    ),
    "beep_false": (lambda one: one.clip.beep_ms is None, lambda one: bool(one.beeps_ms)),
    "silence_fax_ringback_as_human": (lambda one: one.label in SIGNALS, was_taken_for_a_person),
}
"""Name of a share -> (which clips it is of, which of them count)."""


def _percentile(values: Sequence[float], percent: float) -> float | None:
    return round(float(np.percentile(values, percent)), 1) if values else None


def times(decisions: Sequence[Decision]) -> dict[str, float | None]:
    """How long it took, in ms of audio; None where nothing was decided."""
    person = [
        one.first_of(_HUMAN) - one.clip.greeting_end_ms
        for one in decisions
        if is_person(one) and one.clip.greeting_end_ms is not None and was_taken_for_a_person(one)
    ]
    machine = [
        one.first_of(RELEASING) - one.clip.speech_onset_ms
        for one in decisions
        if is_machine(one) and one.clip.speech_onset_ms is not None and was_released(one)
    ]
    onset = [
        abs(one.onset_ms - one.clip.speech_onset_ms)
        for one in decisions
        if is_person(one) and one.clip.speech_onset_ms is not None and not math.isnan(one.onset_ms)
    ]
    return {
        "human_decision_after_greeting_ms_p50": _percentile(person, 50),
        "human_decision_after_greeting_ms_p95": _percentile(person, 95),
        "machine_decision_after_onset_ms_p50": _percentile(machine, 50),
        "machine_decision_after_onset_ms_p95": _percentile(machine, 95),
        "speech_onset_error_ms_p50": _percentile(onset, 50),
    }


def shares(decisions: Sequence[Decision], names: Sequence[str] = tuple(SHARES)) -> dict[str, tuple[int, int]]:
    """Name -> (clips that count, clips of the kind)."""
    counted = {}
    for name in names:
        of_kind, counts = SHARES[name]
        clips = [one for one in decisions if of_kind(one)]
        counted[name] = (sum(map(counts, clips)), len(clips))
    return counted


def confusion(decisions: Sequence[Decision], first: bool = False) -> dict[str, dict[str, int]]:
    """Label -> verdict when the clip ended (or the first one) -> clips."""
    table: dict[str, Counter[str]] = {}
    for one in decisions:
        verdict = one.first_verdict if first else one.verdict
        table.setdefault(one.label, Counter())[verdict.name] += 1
    return {label: dict(sorted(row.items())) for label, row in sorted(table.items())}


def _band(text: str, edges: Sequence[float], unit: str) -> str:
    try:
        value = float(text)
    except ValueError:
        return "none"
    for low, high in pairwise(edges):
        if value < high:
            return f"{low:g}-{high:g} {unit}"
    return f"from {edges[-1]:g} {unit}"


def _in_order(value: str) -> tuple[float, str]:
    """Bands by number, names by letter, `none` first."""
    if value == "none":
        return -1.0, ""
    number = value.removeprefix("from ").split("-")[0].split(" ")[0]
    try:
        return float(number), value
    except ValueError:
        return math.inf, value


def _greeting_length(one: Decision) -> str:
    if one.clip.speech_onset_ms is None or one.clip.greeting_end_ms is None:
        return "none"
    seconds = (one.clip.greeting_end_ms - one.clip.speech_onset_ms) / 1000.0
    return _band(str(seconds), (0, 0.5, 1, 2, 3, 4, 6), "s")


TRAITS: dict[str, Callable[[Decision], str]] = {
    "SNR": lambda one: _band(one.clip.traits.get("snr_db", ""), (0, 5, 10, 15, 20, 30), "dB"),
    "noise": lambda one: one.clip.traits.get("noise", ""),
    "codec": lambda one: one.clip.traits.get("codec", ""),
    "chain": lambda one: one.clip.traits.get("chain", ""),
    "background": lambda one: one.clip.traits.get("bg_mode", ""),
    "packets lost": lambda one: "none" if one.clip.traits.get("loss_pct", "0") in ("", "0") else "some",
    "language": lambda one: one.clip.traits.get("language", ""),
    "voice": lambda one: one.clip.traits.get("tts_or_real", ""),
    "greeting": _greeting_length,
    "label": lambda one: one.label,
}
BROKEN_DOWN = (
    "human_as_machine",
    "human_handed_over_within_2s",
    "machine_recall_first",
    "machine_recall_final",
    "beep_recall",
)


def breakdowns(decisions: Sequence[Decision]) -> dict[str, dict[str, dict[str, list[int]]]]:
    """Trait -> value -> figure -> [hits, clips]; traits that the folder does not tell are left out."""
    table: dict[str, dict[str, dict[str, list[int]]]] = {}
    for trait, value_of in TRAITS.items():
        groups: dict[str, list[Decision]] = {}
        for one in decisions:
            groups.setdefault(value_of(one) or "none", []).append(one)
        if len(groups) < 2:
            continue
        table[trait] = {
            value: {name: list(pair) for name, pair in shares(group, BROKEN_DOWN).items() if pair[1]}
            for value, group in sorted(groups.items(), key=lambda item: _in_order(item[0]))
        }
    return table


def curve(decisions: Sequence[Decision]) -> list[dict[str, float]]:
    """The trade-off: at each threshold of the machine's likelihood, who would be taken for one.

    people, machines: those who reached it at any time of the clip.  machines_within_5s: within five seconds of the
    answer.  What other rules say (patience, tones, corrections) takes no part: the operating points lie off the curve.
    """
    people = [one for one in decisions if is_person(one)]
    machines = [one for one in decisions if is_machine(one)]
    if not people or not machines:
        return []
    of_people = np.array([_peak(one, math.inf) for one in people])
    of_machines = np.array([_peak(one, math.inf) for one in machines])
    early = np.array([_peak(one, EARLY_MS) for one in machines])
    return [
        {
            "threshold": threshold,
            "people": float(np.mean(of_people >= threshold)),
            "machines": float(np.mean(of_machines >= threshold)),
            "machines_within_5s": float(np.mean(early >= threshold)),
        }
        for threshold in CURVE_THRESHOLDS
    ]


def _peak(one: Decision, until_ms: float) -> float:
    packet_ms = len(one.clip.pcm) / 8.0 / max(len(one.shares), 1)
    heard = one.shares[: int(min(until_ms / packet_ms, len(one.shares)))]
    return float(heard.max()) if heard.size else 0.0


def summarise(decisions: Sequence[Decision]) -> dict[str, Any]:
    """All figures of one operating point, JSON-ready; shares from 0 to 1, None where no clip is of the kind.

    `intervals` holds [low, high] of each share (95 %, Wilson), `counts` its [hits, clips].
    """
    counted = shares(decisions)
    found = [one for one in decisions if one.clip.beep_ms is not None]
    by_cause = Counter(
        next(event.cause.name for event in one.verdicts if event.verdict in RELEASING)
        for one in decisions
        if is_person(one) and was_released(one)
    )
    return {
        **{name: round(hits / clips, 6) if clips else None for name, (hits, clips) in counted.items()},
        **times(decisions),
        "intervals": {name: [round(end, 6) for end in wilson_interval(*pair)] for name, pair in counted.items()},
        "counts": {name: list(pair) for name, pair in counted.items()},
        "clips": len(decisions),
        "beeps_before_the_beep": sum(
            any(ms <= one.clip.beep_ms[0] for ms in one.beeps_ms) for one in found if one.clip.beep_ms
        ),
        "causes_of_people_lost": dict(by_cause),
        "confusion": confusion(decisions),
        "confusion_first": confusion(decisions, first=True),
        "breakdowns": breakdowns(decisions),
        "curve": curve(decisions),
    }
