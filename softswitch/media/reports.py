"""From messages in the event rings to the events that the switch receives."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from softswitch.amd.state import FEATURES
from softswitch.amd.verdict import Cause, Verdict
from softswitch.media import vocabulary as v
from softswitch.media.buffered_legs import figures
from softswitch.media.dtmf import DIGITS
from softswitch.media.events import (
    BeepHeard,
    DigitPressed,
    FirstPacketBridged,
    FirstPacketPlayed,
    FirstPacketReceived,
    GreetingEnded,
    LegFailed,
    LegStatistics,
    MediaEvent,
    PlayingEnded,
    RecordingClosed,
    RecordingFailed,
    SpeechStarted,
    VerdictReached,
)
from softswitch.media.quality import opinion_score, rate
from softswitch.recordings.names import call_ref_of, file_name

UNITS_PER_MS = 8
SAMPLES_PER_S = 8000
PACKET_MS = 20.0
BUFFERED_JITTERS = 2.0
"""How many times the jitter a receiver's buffer waits; with it nearly nothing comes too late."""


class Reports:
    """Reads messages in the order in which they came; a verdict's features come in several before it."""

    def __init__(self, clip_names: list[str]) -> None:
        self._clip_names = clip_names
        self._features: dict[int, dict[int, list[int]]] = {}
        """Words that have come of legs whose verdict is to follow, by the place of their first feature."""

    def event(self, message: Any, leg: int, recording: Path | None) -> MediaEvent | None:
        """The event that a message stands for; None for one that only belongs to the next.

        message: one MESSAGE.  recording: the leg's file, if it is recorded.
        """
        kind, at = int(message["kind"]), int(message["at_ns"]) / 1e9
        a, b, c, d, e = (int(message[field]) for field in "abcde")
        match kind:
            case v.FIRST_RECEIVED:
                return FirstPacketReceived(leg, at)
            case v.FIRST_BRIDGED:
                return FirstPacketBridged(leg, at)
            case v.FIRST_PLAYED:
                return FirstPacketPlayed(leg, at, self._clip_names[a])
            case v.PLAYING_ENDED:
                return PlayingEnded(leg, at, self._clip_names[a])
            case v.DIGIT_PRESSED:
                return DigitPressed(leg, at, DIGITS[a], b // UNITS_PER_MS)
            case v.SPEECH_STARTED:
                return SpeechStarted(leg, at)
            case v.VERDICT_REACHED:
                features = _features(self._features.pop(leg, {}))
                return VerdictReached(leg, at, Verdict(a), Cause(b), c, d / 1e6, bool(e), features)
            case v.VERDICT_FEATURES:
                self._features.setdefault(leg, {})[e] = [a, b, c, d]
                return None
            case v.BEEP_HEARD:
                return BeepHeard(leg, at)
            case v.GREETING_ENDED:
                return GreetingEnded(leg, at)
            case v.RECORDING_CLOSED:
                path, call_ref = _part(recording, c)
                return RecordingClosed(leg, at, path, a / SAMPLES_PER_S, b, c, d / SAMPLES_PER_S, call_ref)
            case v.RECORDING_FAILED:
                path, call_ref = _part(recording, b)
                return RecordingFailed(leg, at, path, os.strerror(a), call_ref)
            case v.LEG_FAILED:
                return LegFailed(leg, at, os.strerror(a))
        raise ValueError(f"media event of unknown kind {kind}")


def _features(words: dict[int, list[int]]) -> tuple[float | None, ...]:
    """The float32 numbers in words of 64 bits; empty where some of them were lost with a ring that was full."""
    found = np.array([word for first in sorted(words) for word in words[first]], np.int64).view(np.float32)
    if found.size != len(FEATURES):
        return ()
    return tuple(float(value) if np.isfinite(value) else None for value in found)


def _part(recording: Path | None, part: int) -> tuple[Path, str]:
    """The file of a part, and its call's reference."""
    if recording is None:
        return Path(), ""
    call_ref = call_ref_of(recording)
    return (recording.with_name(file_name(call_ref, part)) if part else recording), call_ref


def lost_packets(leg: Any) -> int:
    """Packets lost on the way to us, by sequence numbers (RFC 3550 A.3).  leg: one LEG."""
    if not leg["heard"]:
        return 0
    missing = int(leg["in_highest"]) - int(leg["in_first"]) + 1 - int(leg["in_counted"])
    return int(leg["in_lost"]) + max(missing, 0)


def statistics_of(leg: Any, report: Any, receiver: Any) -> LegStatistics:
    """A leg's counts so far.  leg: one LEG.  report: one REPORT.  receiver: one RECEIVER."""
    control, reception = report["control"], report["reception"]
    lost, received = lost_packets(leg), int(leg["packets_received"])
    jitter_ms = float(reception["jitter_sixteenths"]) / 16 / UNITS_PER_MS
    round_trip_ms = float(control["round_trip_ns"]) / 1e6 if control["round_trip_ns"] >= 0 else None
    is_reported = bool(control["reports"] > 0)
    buffered = figures(leg, receiver)
    mos = 0.0
    if received:
        waiting_ms = buffered["delay_ms_mean"] if leg["buffered"] else jitter_ms * BUFFERED_JITTERS
        one_way_ms = PACKET_MS + waiting_ms + (round_trip_ms or 0.0) / 2
        unheard = min(100.0 * (lost + buffered["packets_late"]) / (lost + received), 100.0)
        mos = float(opinion_score(rate(one_way_ms, unheard, 1.0, int(leg["wire_codec"]))))
    return LegStatistics(
        packets_received=received,
        packets_sent=int(leg["packets_sent"]),
        packets_lost=lost,
        packets_dropped=int(leg["packets_dropped"]),
        packets_unauthentic=int(leg["packets_unauthentic"]),
        jitter_ms=jitter_ms,
        round_trip_ms=round_trip_ms,
        far_jitter_ms=float(control["interarrival_jitter"]) / UNITS_PER_MS if is_reported else None,
        far_packets_lost=int(control["cumulative_lost"]) if is_reported else None,
        mos=mos,
        **buffered,
    )
