"""When enough is known for a verdict, and when a verdict was wrong.

Calling a person a machine hangs up on somebody; calling a machine a person costs an agent some seconds. So MACHINE
needs near certainty over several steps, HUMAN needs silence and the less certainty the longer it lasts, and at the
limit of the two-second rule whoever it is goes to an agent. What the network hears may correct either verdict; a beep,
special information tones and a fax are proof.
"""

import numpy as np
from numba import njit

from softswitch.amd import network as hearing
from softswitch.amd import parameters as rule
from softswitch.amd import tone_kinds
from softswitch.amd.features import STEP_MS
from softswitch.amd.parameters import THRESHOLD, THRESHOLDS
from softswitch.amd.state import State
from softswitch.amd.timing import CLOCKS, FAINT, MIDDLE
from softswitch.amd.verdict import Cause, Verdict
from softswitch.amd.weights import POINTS_AT, weights_in_force

VERDICT_REACHED = 1
SPEECH_STARTED = 2
VERDICT_CORRECTED = 4  # beside VERDICT_REACHED: another verdict stood before
BEEP_HEARD = 8  # a beep has ended: a message may begin
GREETING_ENDED = 16  # silence after a machine's greeting: a message may begin though no beep came
"""Flags that `model.receive_frame` returns."""

_NONE, _HUMAN, _MACHINE, _NOTSURE = int(Verdict.NONE), int(Verdict.HUMAN), int(Verdict.MACHINE), int(Verdict.NOTSURE)
_HANGUP, _FAX, _SILENCE, _TONE = int(Verdict.HANGUP), int(Verdict.FAX), int(Verdict.SILENCE), int(Verdict.TONE)
_SCREENING, _CARRIER = int(Verdict.SCREENING), int(Verdict.CARRIER)
_SHORT_GREETING, _END_OF_GREETING = int(Cause.SHORT_GREETING), int(Cause.END_OF_GREETING)
_INITIAL_SILENCE, _TOO_LONG, _TIME_LIMIT = int(Cause.INITIAL_SILENCE), int(Cause.TOO_LONG), int(Cause.TIME_LIMIT)
_CLASSIFIER, _LONG_GREETING, _RESUMED = int(Cause.CLASSIFIER), int(Cause.LONG_GREETING), int(Cause.RESUMED_SPEECH)
_BEEP, _SIT, _FAX_TONE, _HUNG_UP = int(Cause.BEEP), int(Cause.SIT), int(Cause.FAX_TONE), int(Cause.HUNG_UP)
_RINGBACK, _BUSY, _DIAL_TONE, _ANY_TONE = int(Cause.RINGBACK), int(Cause.BUSY), int(Cause.DIAL_TONE), int(Cause.TONE)

_MIDDLE, _FAINT = MIDDLE, FAINT
_LONG_SPAN_S = 3.0


@njit(cache=True, nogil=True)
def decide(state: State, verdict: int, cause: int, probability: float) -> int:
    """Let a verdict stand from now on, with what it was founded on. Returns flags."""
    flags = VERDICT_REACHED
    if state.verdict != _NONE:
        flags |= VERDICT_CORRECTED
    state.verdict = verdict
    state.cause = cause
    state.decided_ms = state.clock_ms
    state.probability = probability
    state.machine_steps = 0
    state.corrected_steps = 0
    state.resumed = 0
    clocks = state.network.timing
    outputs = state.network.outputs
    features = state.features
    onset_s = clocks.onset[_MIDDLE]
    features[0] = state.speech_onset_ms
    features[1] = max(clocks.last[_MIDDLE] - onset_s, 0.0) * 1000.0 if onset_s >= 0.0 else 0.0
    features[2] = clocks.spoken[_MIDDLE] * 1000.0
    features[3] = state.clock_ms - clocks.last[_MIDDLE] * 1000.0
    features[4] = clocks.phrases[_MIDDLE]
    features[5] = clocks.longest_pause[_MIDDLE] * 1000.0
    features[6] = clocks.voice_dbov
    features[7] = clocks.room_dbov
    features[8] = outputs[hearing.PERSON]
    features[9] = outputs[hearing.VOICEMAIL]
    features[10] = outputs[hearing.MENU]
    features[11] = outputs[hearing.ANNOUNCEMENT]
    features[12] = outputs[hearing.SCREENING]
    features[13] = outputs[hearing.FAX] + outputs[hearing.TONE]
    features[14] = outputs[hearing.NOTHING]
    features[15] = outputs[hearing.ENDED]
    return flags


@njit(cache=True, nogil=True)
def is_machine(verdict: int) -> bool:
    return verdict in (_MACHINE, _SCREENING, _CARRIER)


@njit(cache=True, nogil=True)
def hear_tone(state: State, code: int) -> int:
    """A tone has just been proved.  code: of `tones`. Returns flags."""
    verdict = state.verdict
    if verdict == _HANGUP:
        return 0
    if code == tone_kinds.BEEP:
        if state.clock_ms < rule.EARLIEST_BEEP_MS:
            return 0
        state.beep_ms = state.clock_ms
        if verdict in (_NONE, _HUMAN, _NOTSURE, _SILENCE):
            return BEEP_HEARD | decide(state, _MACHINE, _BEEP, 0.99)
        return BEEP_HEARD
    if code == tone_kinds.SIT:
        return 0 if verdict == _CARRIER else decide(state, _CARRIER, _SIT, 0.99)
    if code == tone_kinds.FAX:
        return 0 if verdict == _FAX else decide(state, _FAX, _FAX_TONE, 0.99)
    if verdict in (_NONE, _SILENCE) and np.isnan(state.speech_onset_ms):
        if code == tone_kinds.RINGBACK:
            return decide(state, _TONE, _RINGBACK, 0.98)
        if code == tone_kinds.BUSY:
            return decide(state, _TONE, _BUSY, 0.98)
        if code == tone_kinds.DIAL_TONE:
            return decide(state, _TONE, _DIAL_TONE, 0.98)
    return 0


@njit(cache=True, nogil=True)
def _name_machine(state: State, resumed: bool, share: float) -> int:
    """MACHINE, or the class of machine that it clearly is."""
    outputs = state.network.outputs
    clocks = state.network.timing
    if outputs[hearing.SCREENING] > 0.5 * share:
        return decide(state, _SCREENING, _CLASSIFIER, share)
    if outputs[hearing.ANNOUNCEMENT] > 0.5 * share:
        return decide(state, _CARRIER, _CLASSIFIER, share)
    if resumed:
        return decide(state, _MACHINE, _RESUMED, share)
    long = clocks.last[_MIDDLE] - clocks.onset[_MIDDLE] > _LONG_SPAN_S
    return decide(state, _MACHINE, _LONG_GREETING if long else _CLASSIFIER, share)


@njit(cache=True, nogil=True)
def _has_gone_on(state: State, at: int, span_ms: float) -> bool:
    """Whether the voice has gone on for so long, and was there for enough of it."""
    clocks = state.network.timing
    span_s = clocks.last[_MIDDLE] - clocks.onset[_MIDDLE]
    least_s = weights_in_force()[at + THRESHOLD.spoken] * span_ms / 1000.0
    return bool(clocks.onset[_MIDDLE] >= 0.0 and span_s * 1000.0 >= span_ms and clocks.spoken[_MIDDLE] >= least_s)


@njit(cache=True, nogil=True)
def _share_of_nobody(state: State) -> float:
    outputs = state.network.outputs
    return float(outputs[hearing.FAX] + outputs[hearing.NOTHING] + outputs[hearing.TONE])


@njit(cache=True, nogil=True)
def _judge_openly(state: State, at: int, quiet_ms: float, share: float, person: float) -> int:
    """No verdict stands, or one that nobody spoke for.  at: the point's row in the weights."""
    points = weights_in_force()
    begun = not np.isnan(state.speech_onset_ms)
    if not begun:
        if state.verdict == _NONE and state.clock_ms >= rule.INITIAL_SILENCE_MS:
            return decide(state, _SILENCE, _INITIAL_SILENCE, max(1.0 - person - share, 0.0))
        return 0
    if state.machine_steps >= points[at + THRESHOLD.machine_steps]:
        return _name_machine(state, False, share)
    over_ms = quiet_ms - points[at + THRESHOLD.patience_ms]
    if over_ms >= 0.0:
        needed = points[at + THRESHOLD.person] - points[at + THRESHOLD.person_fall] * over_ms / 1000.0
        needed = max(needed, points[at + THRESHOLD.person_least])
        if person >= needed and (state.verdict == _NONE or person >= rule.LATE_PERSON):
            short = state.network.timing.phrases[_MIDDLE] <= 1.0
            return decide(state, _HUMAN, _SHORT_GREETING if short else _END_OF_GREETING, person)
    if state.verdict != _NONE:
        return 0
    likely = person > max(points[at + THRESHOLD.person_latest], _share_of_nobody(state))
    if quiet_ms >= points[at + THRESHOLD.latest_ms] and likely:
        return decide(state, _HUMAN, _END_OF_GREETING, person)
    if quiet_ms >= rule.LIMIT_MS:
        return decide(state, _NOTSURE, _TIME_LIMIT, max(1.0 - share, 0.0))
    if state.clock_ms >= rule.TOTAL_MS:
        return decide(state, _NOTSURE, _TOO_LONG, max(1.0 - share, 0.0))
    return 0


@njit(cache=True, nogil=True)
def _judge_signals(state: State) -> int:
    """A fax or a tone that no detector of tones could prove, yet the network hears nothing else, and it sounds; a tone
    only where nobody has spoken: somebody before loud music is somebody."""
    outputs = state.network.outputs
    sounding = 1 if state.network.voice.level > state.network.voice.peak - rule.SOUNDING_DB else 0
    state.clear_steps = state.clear_steps + sounding if outputs[hearing.FAX] >= rule.CLEAR_SHARE else 0
    state.tonal_steps = state.tonal_steps + sounding if outputs[hearing.TONE] >= rule.CLEAR_SHARE else 0
    if state.verdict in (_NONE, _SILENCE):
        if state.clear_steps >= rule.CLEAR_STEPS:
            return decide(state, _FAX, _CLASSIFIER, outputs[hearing.FAX])
        if state.tonal_steps >= rule.CLEAR_STEPS and np.isnan(state.speech_onset_ms):
            return decide(state, _TONE, _ANY_TONE, outputs[hearing.TONE])
    return 0


@njit(cache=True, nogil=True)
def _await_end(state: State, quiet_ms: float) -> int:
    """GREETING_ENDED, once in each silence after a machine's speech."""
    if quiet_ms < rule.GREETING_PAUSE_MS:
        state.greeting_over = 0
        return 0
    if state.greeting_over == 1 or np.isnan(state.speech_onset_ms):
        return 0
    state.greeting_over = 1
    return GREETING_ENDED


@njit(cache=True, nogil=True)
def judge(state: State) -> int:
    """What the network's newest step means. Returns flags."""
    flags = 0
    points = weights_in_force()
    at = POINTS_AT + state.point * THRESHOLDS
    clocks = state.network.timing
    outputs = state.network.outputs
    person = outputs[hearing.PERSON]
    heard = _MIDDLE
    if clocks.onset[_MIDDLE] < 0.0 and person > _share_of_nobody(state):
        heard = _FAINT  # a voice that never rose far out of a loud room, or was cut by a codec
    if np.isnan(state.speech_onset_ms) and clocks.onset[heard] >= 0.0:
        state.speech_onset_ms = clocks.onset[heard] * 1000.0
        flags |= SPEECH_STARTED
    share = (
        outputs[hearing.VOICEMAIL] + outputs[hearing.MENU] + outputs[hearing.ANNOUNCEMENT] + outputs[hearing.SCREENING]
    )
    long = _has_gone_on(state, at, points[at + THRESHOLD.span_ms])
    state.machine_steps = state.machine_steps + 1 if long and share >= points[at + THRESHOLD.machine] else 0
    state.corrected_steps = state.corrected_steps + 1 if long and share >= points[at + THRESHOLD.corrected] else 0
    state.ended_ms = state.ended_ms + STEP_MS if outputs[hearing.ENDED] > points[at + THRESHOLD.ended] else 0.0
    quiet_ms = max(clocks.row[heard * CLOCKS] * 1000.0, float(state.ended_ms))
    if state.verdict in (_NONE, _SILENCE, _TONE):
        signal = _judge_signals(state)
        if signal != 0:
            return flags | signal
        return flags | _judge_openly(state, at, quiet_ms, share, person)
    since_ms = state.clock_ms - state.decided_ms
    if state.verdict in (_HUMAN, _NOTSURE):
        if state.resumed == 0 and quiet_ms <= STEP_MS:
            state.resumed = 1 if since_ms <= rule.RESUMED_MS else -1
        if state.resumed == 1 and state.corrected_steps >= points[at + THRESHOLD.machine_steps]:
            flags |= _name_machine(state, True, share)
    elif is_machine(state.verdict):
        proven = state.cause in (_BEEP, _SIT) or not np.isnan(state.beep_ms)
        if not proven and since_ms <= rule.REPENT_MS and person >= rule.REPENT_SHARE:
            return flags | decide(state, _HUMAN, _END_OF_GREETING, person)
        flags |= _await_end(state, quiet_ms)
    return flags
