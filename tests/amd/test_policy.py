"""The policy on what the networks say, without sound: step after step of 20 ms."""

import numpy as np
import numpy.typing as npt
import pytest

from softswitch.amd import policy
from softswitch.amd.network import NOTHING, PERSON, TONE, VOICEMAIL
from softswitch.amd.parameters import INITIAL_SILENCE_MS, LIMIT_MS, THRESHOLD
from softswitch.amd.state import new_states, reset
from softswitch.amd.timing import CLOCKS, FAINT, MIDDLE
from softswitch.amd.verdict import Cause, OperatingPoint, Verdict
from softswitch.amd.weights import POINTS_AT, WEIGHTS

States = npt.NDArray[np.void]


@pytest.fixture(params=list(OperatingPoint))
def states(request: pytest.FixtureRequest) -> States:
    made = new_states(1)
    reset(made, 0, int(request.param))
    return made


def threshold(states: States, index: int) -> float:
    return float(WEIGHTS[POINTS_AT + int(states[0]["point"]) * len(THRESHOLD) + index])


def hear(states: States, clock: int, begun_ms: float, last_ms: float, now_ms: float) -> None:
    """The voice as one clock (FAINT or MIDDLE) has it, without pauses."""
    state, timing = states[0], states[0]["network"]["timing"]
    state["clock_ms"] = now_ms
    timing["onset"][clock], timing["last"][clock] = begun_ms / 1000, last_ms / 1000
    timing["spoken"][clock] = (last_ms - begun_ms) / 1000
    timing["row"][clock * CLOCKS] = (now_ms - last_ms) / 1000


def say(states: States, **shares: float) -> None:
    outputs = states[0]["network"]["outputs"]
    outputs[:] = 0.0
    for name, index in {"person": PERSON, "voicemail": VOICEMAIL, "nothing": NOTHING, "tone": TONE}.items():
        outputs[index] = shares.get(name, 0.0)


def verdict_of(states: States) -> tuple[Verdict, Cause]:
    return Verdict(int(states[0]["verdict"])), Cause(int(states[0]["cause"]))


def test_a_voice_deep_in_noise_that_may_be_a_persons_goes_to_an_agent_by_the_limit(states: States) -> None:
    say(states, person=0.6, nothing=0.4)
    for now_ms in np.arange(1020.0, 1060.0 + LIMIT_MS, 20.0):
        hear(states, FAINT, 400.0, 1000.0, now_ms)
        policy.judge(states[0])
    assert verdict_of(states) == (Verdict.NOTSURE, Cause.TIME_LIMIT)
    assert float(states[0]["speech_onset_ms"]) == pytest.approx(400.0)


def test_a_noise_that_was_likelier_nobody_is_dead_air(states: States) -> None:
    say(states, person=0.3, nothing=0.7)
    for now_ms in np.arange(1020.0, INITIAL_SILENCE_MS + 20.0, 20.0):
        hear(states, FAINT, 400.0, 1000.0, now_ms)
        policy.judge(states[0])
    assert verdict_of(states) == (Verdict.SILENCE, Cause.INITIAL_SILENCE)


def test_before_the_longest_greeting_of_a_person_is_over_no_certainty_makes_a_machine(states: States) -> None:
    say(states, voicemail=1.0)
    span_ms = threshold(states, THRESHOLD.span_ms)
    assert span_ms > 3200.0
    for now_ms in np.arange(420.0, 380.0 + span_ms, 20.0):
        hear(states, MIDDLE, 400.0, now_ms, now_ms)
        policy.judge(states[0])
    assert verdict_of(states)[0] is Verdict.NONE
    for now_ms in np.arange(420.0 + span_ms, 620.0 + span_ms, 20.0):
        hear(states, MIDDLE, 400.0, now_ms, now_ms)
        policy.judge(states[0])
    assert verdict_of(states)[0] is Verdict.MACHINE


@pytest.mark.parametrize(("below_peak_db", "verdict"), [(3.0, Verdict.TONE), (40.0, Verdict.NONE)])
def test_a_tone_that_the_network_alone_hears_must_sound(states: States, below_peak_db: float, verdict: Verdict) -> None:
    say(states, tone=0.97, nothing=0.03)
    voice = states[0]["network"]["voice"]
    voice["peak"], voice["level"] = -10.0, -10.0 - below_peak_db
    for now_ms in np.arange(20.0, 1000.0, 20.0):
        states[0]["clock_ms"] = now_ms
        policy.judge(states[0])
    assert verdict_of(states)[0] is verdict


def test_a_tone_that_the_network_alone_hears_behind_somebody_who_spoke_ends_no_call(states: States) -> None:
    say(states, tone=0.97, person=0.03)
    voice = states[0]["network"]["voice"]
    voice["peak"], voice["level"] = -10.0, -12.0
    for now_ms in np.arange(1020.0, 2000.0, 20.0):
        hear(states, MIDDLE, 400.0, 1000.0, now_ms)
        policy.judge(states[0])
    assert verdict_of(states)[0] is Verdict.NONE
