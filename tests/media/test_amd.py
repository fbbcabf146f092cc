"""Answering-machine detection fed by the plane: what the callee says, and what the network withholds."""

import asyncio
import time

import numpy as np

from softswitch.amd.state import FEATURES
from softswitch.amd.verdict import Cause, OperatingPoint, Verdict
from softswitch.media import vocabulary
from softswitch.media.events import BeepHeard, GreetingEnded, SpeechStarted, VerdictReached
from softswitch.media.layout import MESSAGE
from softswitch.media.reports import Reports
from softswitch.testing.clips import read_clip


def test_a_person_is_told_from_the_packets_alone(run):
    async def scenario(studio):
        callee = studio.end("PCMA")
        studio.plane.start_amd(callee.leg)
        started = time.monotonic()
        greeting = np.concatenate([np.zeros(4000, np.int16), read_clip("human-hello-1"), np.zeros(16000, np.int16)])
        await callee.say(greeting)
        speech = await studio.events.wait(SpeechStarted, callee.leg)
        assert 0.3 < speech.at - started < 1.5
        verdict = await studio.events.wait(VerdictReached, callee.leg)
        assert verdict.verdict is Verdict.HUMAN
        assert verdict.at > speech.at
        assert 0 < verdict.audio_ms < 4000

    run(scenario)


def test_time_goes_on_for_detection_when_packets_stop(run):
    async def scenario(studio):
        callee = studio.end()
        studio.plane.start_amd(callee.leg)
        await callee.say(read_clip("human-hello-1"))  # and then not one packet more, as with silence suppression
        verdict = await studio.events.wait(VerdictReached, callee.leg)
        assert verdict.verdict is Verdict.HUMAN

    run(scenario)


def test_detection_that_was_stopped_says_nothing(run):
    async def scenario(studio):
        callee = studio.end()
        studio.plane.start_amd(callee.leg)
        studio.plane.stop_amd(callee.leg)
        await callee.say(read_clip("human-hello-1"))
        await asyncio.sleep(0.2)
        assert studio.events.of(SpeechStarted) == []

    run(scenario)


def test_a_verdict_comes_with_its_probability_and_what_it_was_founded_on(run):
    async def scenario(studio):
        callee = studio.end()
        studio.plane.start_amd(callee.leg, OperatingPoint.CAREFUL)
        await callee.say(np.concatenate([read_clip("human-hello-1"), np.zeros(16000, np.int16)]))
        verdict = await studio.events.wait(VerdictReached, callee.leg)
        assert 0.0 < verdict.probability <= 1.0
        assert not verdict.corrects
        found = dict(zip(FEATURES, verdict.features, strict=True))
        assert 0 <= found["onset_ms"] < 1500
        assert found["onset_ms"] + found["span_ms"] <= verdict.audio_ms
        assert all(value is None or np.isfinite(value) for value in verdict.features)

    run(scenario)


def test_a_beep_after_a_greeting_is_told_with_the_moment_of_its_end_and_after_its_verdict(run):
    async def scenario(studio):
        callee = studio.end()
        studio.plane.start_amd(callee.leg)
        greeting = read_clip("human-hello-1")
        said = np.concatenate([greeting, np.zeros(2400, np.int16), studio.tone(1000, 400), np.zeros(8000, np.int16)])
        started = time.monotonic()
        await callee.say(said)
        beep = await studio.events.wait(BeepHeard, callee.leg)
        assert abs(beep.at - started - (greeting.size + 2400 + 3200) / 8000) < 0.3
        verdicts = studio.events.of(VerdictReached, callee.leg)
        assert verdicts[-1].verdict is Verdict.MACHINE
        assert studio.events.index(verdicts[-1]) < studio.events.index(beep)

    run(scenario)


def test_a_machines_greeting_is_told_and_then_its_end_in_silence(run):
    async def scenario(studio):
        callee = studio.end()
        studio.plane.start_amd(callee.leg)
        greeting = read_clip("machine-greeting-1")
        await callee.say(np.concatenate([greeting, np.zeros(24000, np.int16)]))
        ended = await studio.events.wait(GreetingEnded, callee.leg)
        verdict = studio.events.of(VerdictReached, callee.leg)[-1]
        assert verdict.verdict is Verdict.MACHINE
        assert verdict.at < ended.at

    run(scenario)


def test_the_operating_point_of_a_leg_reaches_its_detector(run):
    async def scenario(studio):
        legs = [studio.end() for _ in OperatingPoint]
        for point, callee in zip(OperatingPoint, legs, strict=True):
            studio.plane.start_amd(callee.leg, point)
        slots = [callee.leg & 0xFFFF for callee in legs]
        states = studio.plane._engine._states
        await studio.until(lambda: [int(states[slot]["point"]) for slot in slots] == [0, 1, 2])

    run(scenario)


def test_a_beep_and_the_end_of_a_greeting_are_events_of_their_own():
    reports = Reports([])
    message = np.zeros(1, MESSAGE)[0]
    message["at_ns"] = 5_250_000_000
    for kind, event in ((vocabulary.BEEP_HEARD, BeepHeard), (vocabulary.GREETING_ENDED, GreetingEnded)):
        message["kind"] = kind
        assert reports.event(message, 7, None) == event(7, 5.25)


def test_words_of_features_that_were_lost_leave_a_verdict_without_any():
    reports = Reports([])
    message = np.zeros(1, MESSAGE)[0]
    message["kind"], message["e"] = vocabulary.VERDICT_FEATURES, 0
    assert reports.event(message, 7, None) is None
    message["kind"], message["a"], message["b"] = vocabulary.VERDICT_REACHED, Verdict.MACHINE, Cause.BEEP
    message["d"], message["e"] = 875_000, 1
    verdict = reports.event(message, 7, None)
    assert (verdict.features, verdict.probability, verdict.corrects) == ((), 0.875, True)
