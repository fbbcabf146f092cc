"""Answering-machine detection fed by the plane: what the callee says, and what the network withholds."""

import asyncio
import time
from pathlib import Path

import numpy as np

import softswitch.testing
from softswitch.amd.verdict import Verdict
from softswitch.media.events import SpeechStarted, VerdictReached
from softswitch.media.wav import read_mono

VOICES = Path(softswitch.testing.__file__).parent / "voices"


def voice(name):
    return read_mono(VOICES / f"{name}.wav")


def test_a_person_is_told_from_the_packets_alone(run):
    async def scenario(studio):
        callee = studio.end("PCMA")
        studio.plane.start_amd(callee.leg)
        started = time.monotonic()
        greeting = np.concatenate([np.zeros(4000, np.int16), voice("human-hello-1"), np.zeros(16000, np.int16)])
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
        await callee.say(voice("human-hello-1"))  # and then not one packet more, as with silence suppression
        verdict = await studio.events.wait(VerdictReached, callee.leg)
        assert verdict.verdict is Verdict.HUMAN

    run(scenario)


def test_detection_that_was_stopped_says_nothing(run):
    async def scenario(studio):
        callee = studio.end()
        studio.plane.start_amd(callee.leg)
        studio.plane.stop_amd(callee.leg)
        await callee.say(voice("human-hello-1"))
        await asyncio.sleep(0.2)
        assert studio.events.of(SpeechStarted) == []

    run(scenario)
