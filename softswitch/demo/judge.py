"""The demo's judge: joins what the switch recorded with what the lab saw, and says whether the shift was healthy.

The lab's ends are the witnesses: what a callee or an agent heard is read from their own journals, not from the switch.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from softswitch.dialler.attempt import DialAttempt
from softswitch.errors import SoftswitchError
from softswitch.recordings.inspection import inspect_folder
from softswitch.recordings.keys import KeyPair
from softswitch.recordings.reading import read_sound
from softswitch.testing.canaries import Canaries, Canary
from softswitch.testing.marker import AGENT_MARKERS_HZ, CALLEE_MARKERS_HZ, MarkerEar
from softswitch.testing.plan import Plan

PROVABLE_S = 2.5
"""A callee's marker begins 1.5 s after the answer and is believed after 0.3 s: a shorter call is proved by packets."""
RECORDING_TOLERANCE_S = 0.25


@dataclass(slots=True)
class Evidence:
    """Everything that the judge looks at."""

    plan: Plan
    attempts: Sequence[DialAttempt]
    numbers: Mapping[str, str]
    """E.164 by lead_ref."""
    trunk: Sequence[dict[str, Any]]
    phones: Sequence[dict[str, Any]]
    agent_bytes: bytes
    other_bytes: Mapping[str, bytes]
    """Files that must hold no number either, by name."""
    recordings: Path
    auditor: KeyPair
    leftovers: Sequence[str]
    """Processes, ports or tasks that were still there at the end."""


@dataclass(slots=True)
class Findings:
    """What was found, and each reason why the shift was not healthy."""

    faults: list[str] = field(default_factory=list)
    bridged: int = 0
    proved_by_markers: int = 0
    recordings_written: int = 0
    recordings_checked: int = 0
    packets_lost: int = 0
    amd: dict[str, dict[str, int]] = field(default_factory=dict)
    """Truth to verdict to count."""
    outcomes: dict[str, int] = field(default_factory=dict)
    answer_to_agent_ms: list[float] = field(default_factory=list)


def judge(evidence: Evidence) -> Findings:
    found = Findings()
    calls = _trunk_calls(evidence)
    answered = [a for a in evidence.attempts if a.answered_at is not None]
    found.outcomes = dict(Counter(a.disposition or a.outcome or "open" for a in evidence.attempts))
    found.packets_lost = sum(a.packets_lost for a in evidence.attempts)
    found.packets_lost += sum(e.get("packets_lost", 0) for e in (*evidence.trunk, *evidence.phones))
    _check_commitments(evidence, found)
    for attempt in evidence.attempts:
        if attempt.ended_at is None:
            found.faults.append(f"call {attempt.call_ref} has no end in the store")
    for attempt in answered:
        truth = evidence.plan[evidence.numbers[attempt.lead_ref]].truth
        verdicts = found.amd.setdefault(truth, {})
        verdict = attempt.amd_verdict or "none"
        verdicts[verdict] = verdicts.get(verdict, 0) + 1
    for attempt in answered:
        _check_recording(evidence, attempt, found)
        if attempt.bridged_at is not None:
            _check_bridge(evidence, attempt, calls.get(evidence.numbers[attempt.lead_ref], {}), found)
    _check_secrecy(evidence, found)
    for trouble in inspect_folder(evidence.recordings, evidence.auditor).troubles:
        found.faults.append(f"recordings: {trouble}")
    found.faults.extend(f"left running: {what}" for what in evidence.leftovers)
    return found


def _trunk_calls(evidence: Evidence) -> dict[str, dict[str, Any]]:
    """The trunk's last word on each number: its `ended` entry."""
    return {entry["number"]: entry for entry in evidence.trunk if entry["event"] == "ended"}


def _check_commitments(evidence: Evidence, found: Findings) -> None:
    """Each INVITE that the carrier saw belongs to one attempt, which was committed before."""
    committed: dict[str, list[datetime]] = {}
    for attempt in evidence.attempts:
        committed.setdefault(evidence.numbers[attempt.lead_ref], []).append(attempt.committed_at)
    invites = [entry for entry in evidence.trunk if entry["event"] == "invite"]
    for entry in invites:
        at = datetime.fromisoformat(entry["wall"])
        waiting = [moment for moment in committed.get(entry["number"], []) if moment <= at]
        if not waiting:
            found.faults.append(f"an INVITE left without a committed dial attempt (call {entry['call_id']})")
        else:
            committed[entry["number"]].remove(waiting[0])


def _check_bridge(evidence: Evidence, attempt: DialAttempt, call: dict[str, Any], found: Findings) -> None:
    """The callee heard this agent's marker, and this agent heard this callee's."""
    found.bridged += 1
    if attempt.answer_to_agent_ms is not None:
        found.answer_to_agent_ms.append(attempt.answer_to_agent_ms)
    assert attempt.bridged_at is not None
    assert attempt.answered_at is not None
    ended_at = attempt.ended_at or attempt.bridged_at
    if (ended_at - attempt.answered_at).total_seconds() < PROVABLE_S:
        if call.get("packets_received", 0) == 0:
            found.faults.append(f"call {attempt.call_ref}: the callee heard nothing")
        return
    agents_marker = next(
        (e["marker_hz"] for e in evidence.phones if e["event"] == "answered" and e["agent"] == attempt.agent), None
    )
    if agents_marker not in call.get("markers_heard", ()):
        found.faults.append(f"call {attempt.call_ref}: the callee did not hear agent {attempt.agent}'s marker tone")
        return
    marker = evidence.plan[evidence.numbers[attempt.lead_ref]].marker_hz
    if not _heard_by_agent(evidence.phones, attempt, marker):
        found.faults.append(f"call {attempt.call_ref}: agent {attempt.agent} did not hear the callee's marker tone")
        return
    found.proved_by_markers += 1


def _heard_by_agent(phones: Sequence[dict[str, Any]], attempt: DialAttempt, marker: int) -> bool:
    assert attempt.bridged_at is not None
    return any(
        entry["event"] == "marker_heard"
        and entry["agent"] == attempt.agent
        and entry["frequency_hz"] == marker
        and attempt.bridged_at <= datetime.fromisoformat(entry["wall"])
        and (attempt.ended_at is None or datetime.fromisoformat(entry["wall"]) <= attempt.ended_at)
        for entry in phones
    )


def _check_recording(evidence: Evidence, attempt: DialAttempt, found: Findings) -> None:
    """Two channels, as long as the call; the right one holds the callee, the left one the agent of a bridged call."""
    path = evidence.recordings / attempt.recording
    if not attempt.recording or not path.is_file():
        found.faults.append(f"call {attempt.call_ref} was answered and has no recording")
        return
    found.recordings_written += 1
    try:
        sound = read_sound(path, evidence.auditor)
    except SoftswitchError as error:
        found.faults.append(f"recording of {attempt.call_ref} cannot be read: {error}")
        return
    samples, shape = sound.samples, (sound.header.channels, sound.header.rate_hz)
    if shape != (2, 8000) or not sound.is_finished:
        found.faults.append(f"recording of {attempt.call_ref} is not whole: two channels at 8000 Hz, closed")
        return
    assert attempt.answered_at is not None
    lasted_s = ((attempt.ended_at or attempt.answered_at) - attempt.answered_at).total_seconds()
    length_s = len(samples) / 8000
    if abs(length_s - lasted_s) > RECORDING_TOLERANCE_S:
        found.faults.append(f"recording of {attempt.call_ref} lasts {length_s:.2f} s, the call lasted {lasted_s:.2f} s")
        return
    if attempt.bridged_at is not None and lasted_s >= PROVABLE_S:
        marker = evidence.plan[evidence.numbers[attempt.lead_ref]].marker_hz
        if marker not in _markers(samples[:, 1], CALLEE_MARKERS_HZ):
            found.faults.append(f"recording of {attempt.call_ref} does not hold the callee on its right channel")
            return
        if not _markers(samples[:, 0], AGENT_MARKERS_HZ):
            found.faults.append(f"recording of {attempt.call_ref} does not hold the agent on its left channel")
            return
    found.recordings_checked += 1


def _markers(samples: Any, frequencies_hz: Sequence[int]) -> set[int]:
    ear = MarkerEar(frequencies_hz)
    ear.receive(samples)
    return ear.heard


def _check_secrecy(evidence: Evidence, found: Findings) -> None:
    """No byte that reached an agent's phone, and no log, metric or file name, holds a callee's number."""
    search = Canaries(Canary(number) for number in evidence.plan)
    for name, data in {"what reached the agents' phones": evidence.agent_bytes, **evidence.other_bytes}.items():
        leaked = {sighting.canary for sighting in search.sightings(data)}
        if leaked:
            found.faults.append(f"{len(leaked)} callees' numbers stand in {name}")
