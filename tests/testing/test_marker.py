import numpy as np
import pytest

from softswitch.testing.callee import Callee, CalleePlan, Kind
from softswitch.testing.clips import clips, read_clip
from softswitch.testing.companding import Pcm, decode, encode
from softswitch.testing.marker import AGENT_MARKERS_HZ, CALLEE_MARKERS_HZ, MarkerEar, MarkerTone
from softswitch.testing.speaker import Speaker, agent_speaker

BOTH = (*AGENT_MARKERS_HZ, *CALLEE_MARKERS_HZ)


def said_by(speaker: Speaker, seconds: float, codec: str = "PCMU") -> Pcm:
    """What the far end hears, through G.711."""
    frames = [speaker.next_frame() for _ in range(int(seconds * 50))]
    return decode(encode(np.concatenate(frames), codec), codec)


def test_agents_and_callees_share_no_frequency() -> None:
    assert not set(AGENT_MARKERS_HZ) & set(CALLEE_MARKERS_HZ)


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
@pytest.mark.parametrize("frequency", BOTH)
def test_a_marker_over_line_noise_is_heard_alone_in_half_a_second(frequency: int, codec: str) -> None:
    ear = MarkerEar(BOTH)
    changes = ear.receive(said_by(Speaker(marker_hz=frequency), 0.5, codec))
    assert changes == [(frequency, True)]


@pytest.mark.parametrize("frequency", CALLEE_MARKERS_HZ)
@pytest.mark.parametrize("seed", range(4))
def test_a_persons_marker_is_heard_under_the_speech_soon_after_it_begins(frequency: int, seed: int) -> None:
    callee = Callee(CalleePlan(Kind.PERSON, marker_hz=frequency, seed=seed))
    ear = MarkerEar(BOTH)
    ear.receive(said_by(callee.speaker, 4.0))
    assert ear.heard == {frequency}


@pytest.mark.parametrize("clip", [clip.name for clip in clips("machine")])
def test_a_machines_marker_is_heard_through_its_greeting(clip: str) -> None:
    callee = Callee(CalleePlan(Kind.MACHINE, clip=clip, marker_hz=3000))
    ear = MarkerEar(BOTH)
    ear.receive(said_by(callee.speaker, 3.0))
    assert ear.heard == {3000}


@pytest.mark.parametrize("voice", [1, 2])
def test_an_agents_marker_is_heard_while_the_agent_talks(voice: int) -> None:
    ear = MarkerEar(BOTH)
    ear.receive(said_by(agent_speaker(voice, AGENT_MARKERS_HZ[voice]), 5.0))
    assert ear.heard == {AGENT_MARKERS_HZ[voice]}


@pytest.mark.parametrize("clip", [clip.name for clip in clips()])
def test_speech_alone_is_never_taken_for_a_marker(clip: str) -> None:
    ear = MarkerEar(BOTH)
    ear.receive(read_clip(clip))
    assert ear.heard == set()


def test_a_marker_that_stops_is_reported_gone_and_stays_among_the_heard() -> None:
    ear = MarkerEar(BOTH)
    ear.receive(said_by(Speaker(marker_hz=2700), 1.0))
    changes = ear.receive(said_by(Speaker(), 2.0))
    assert changes == [(2700, False)]
    assert (ear.present, ear.heard) == (set(), {2700})


def test_two_markers_at_once_are_both_heard() -> None:
    ear = MarkerEar(BOTH)
    mixed = said_by(Speaker(marker_hz=2700), 1.0) + said_by(Speaker(marker_hz=2800), 1.0)
    ear.receive(mixed)
    assert ear.heard == {2700, 2800}


def test_the_frame_length_does_not_matter_to_the_ear() -> None:
    sound = said_by(Speaker(marker_hz=2900), 0.6)
    ear = MarkerEar()
    heard = [change for start in range(0, len(sound), 77) for change in ear.receive(sound[start : start + 77])]
    assert heard == [(2900, True)]


def test_a_marker_tone_has_no_seam() -> None:
    tone = MarkerTone(2650)
    joined = np.concatenate([tone.next(n) for n in (160, 7993, 200)])
    assert np.array_equal(joined, MarkerTone(2650).next(len(joined)))
