"""Clips: from the first sample, on the clock, in the leg's codec."""

import asyncio
import wave
from itertools import pairwise

import numpy as np
import pytest
from softswitch.codecs import g711
from softswitch.codecs.tones import tone_share

from softswitch.errors import UsageError
from softswitch.media.events import FirstPacketPlayed, PlayingEnded


def ramp(samples=4000):
    """A clip in which each place can be told from every other."""
    return (np.arange(samples) * 8 - 16000).astype(np.int16)


@pytest.fixture
def clips(tmp_path):
    path = tmp_path / "ramp.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(ramp().tobytes())
    return {"ramp": path}


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_a_clip_is_played_whole_from_its_first_sample(run, clips, codec):
    async def scenario(studio):
        a = studio.end(codec)
        studio.plane.play(a.leg, "ramp")
        played = await studio.events.wait(FirstPacketPlayed, a.leg)
        ended = await studio.events.wait(PlayingEnded, a.leg)
        await asyncio.sleep(0.01)
        assert (played.clip, ended.clip) == ("ramp", "ramp")
        assert 0.49 < ended.at - played.at < 2.0
        expected = g711.encode(codec, ramp()).tobytes()
        assert b"".join(packet.payload for packet in a.packets) == expected
        assert a.packets[0].marker

    run(scenario, clips=clips)


def test_packets_leave_every_20_ms_by_timestamp_and_by_clock(run):
    async def scenario(studio):
        a = studio.end()
        studio.plane.play(a.leg, "tone:silence")
        await studio.events.wait(PlayingEnded, a.leg)
        steps = {later.timestamp - earlier.timestamp for earlier, later in pairwise(a.packets)}
        assert len(a.packets) == 50
        if len(steps) > 1:  # the machine held the plane up; the timeline has to follow the clock
            pytest.skip("this machine was too busy for a statement on pacing")
        assert steps == {160}
        assert a.packets[-1].at - a.packets[0].at > 0.9

    run(scenario)


def test_a_looped_clip_goes_on_without_a_seam_until_stopped(run, clips):
    async def scenario(studio):
        a = studio.end()
        studio.plane.play(a.leg, "ramp", loop=True)
        await studio.until(lambda: len(a.packets) >= 60)
        studio.plane.stop_playing(a.leg)
        await asyncio.sleep(0.05)
        count = len(a.packets)
        await asyncio.sleep(0.1)
        assert len(a.packets) == count
        assert studio.events.of(PlayingEnded) == []
        heard = b"".join(packet.payload for packet in a.packets)
        twice = g711.encode("PCMU", np.tile(ramp(), 4)).tobytes()
        assert heard == twice[: len(heard)]

    run(scenario, clips=clips)


def test_a_new_clip_takes_the_place_of_the_old(run, clips):
    async def scenario(studio):
        a = studio.end()
        studio.plane.play(a.leg, "tone:silence", loop=True)
        await studio.until(lambda: len(a.packets) >= 3)
        before = len(a.packets)
        studio.plane.play(a.leg, "ramp")
        await studio.events.wait(PlayingEnded, a.leg)
        await asyncio.sleep(0.01)
        expected = g711.encode("PCMU", ramp()).tobytes()
        assert b"".join(packet.payload for packet in a.packets[before:]).endswith(expected)

    run(scenario, clips=clips)


def test_a_clip_waits_for_its_first_sample_until_the_leg_is_connected(run, clips):
    async def scenario(studio):
        end = studio.end(connect=False)
        end.leg = studio.plane.open_leg()
        studio.plane.play(end.leg, "ramp")
        await asyncio.sleep(0.1)
        asyncio.get_running_loop().add_reader(end.socket, end.read)
        studio.plane.connect(end.leg, end.socket.getsockname(), end.format)
        await studio.events.wait(PlayingEnded, end.leg)
        await asyncio.sleep(0.01)
        assert b"".join(packet.payload for packet in end.packets) == g711.encode("PCMU", ramp()).tobytes()

    run(scenario, clips=clips)


def test_a_clip_is_laid_over_what_is_bridged(run):
    async def scenario(studio):
        a, b = studio.bridged("PCMU", "PCMA")
        studio.plane.play(b.leg, "tone:beep")
        await a.say(studio.tone(600, 800))
        await studio.events.wait(PlayingEnded, b.leg)
        heard = b.heard()
        early, late = heard[800:2400], heard[-1600:]
        assert tone_share(early, 600.0, 8000.0) > 0.3
        assert tone_share(early, 1000.0, 8000.0) > 0.1
        assert tone_share(late, 600.0, 8000.0) > 0.9
        assert len({packet.sequence for packet in b.packets}) == len(b.packets)

    run(scenario)


def test_an_unknown_clip_is_refused_with_those_that_exist(run):
    async def scenario(studio):
        a = studio.end()
        with pytest.raises(UsageError, match="tone:arrival"):
            studio.plane.play(a.leg, "nothing")

    run(scenario)
