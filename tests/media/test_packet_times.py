"""Packets of 10 to 60 ms: whoever sends them is relayed, recorded, judged, buffered and mixed as others are."""

import asyncio
import time
from itertools import pairwise

import numpy as np
import pytest
from numba import njit
from softswitch.codecs import g711

from softswitch.amd.verdict import Verdict
from softswitch.media.events import MediaFormat, RecordingClosed, VerdictReached
from softswitch.media.layout import FRAME, FRAMES
from softswitch.media.rings import fill_frames
from softswitch.media.rtp import NS_PER_SAMPLE
from softswitch.media.timeline import CHANNEL, SETTLE_SAMPLES, place
from softswitch.testing.clips import read_clip
from tests.auditor import listen
from tests.media.buffered import ALWAYS, CODE_STEP, POWER, SMOOTH, roughest, sine, usual_power
from tests.media.conftest import contiguous, next_packet
from tests.media.secure_end import Far
from tests.media.test_supervision import CALLEE_HZ, SUPERVISOR_HZ, hears, hum

TIMES_MS = (10, 20, 30, 40, 60)
each_time = pytest.mark.parametrize("packet_ms", TIMES_MS)


async def say(end, codes, packet_ms):
    """Send codes of G.711 in packets of so many milliseconds, on an absolute clock."""
    size, due = 8 * packet_ms, time.monotonic()
    for at in range(0, len(codes) - size + 1, size):
        end.send(codes[at : at + size])
        due = await next_packet(due, packet_ms / 1000)


def coded(samples, codec="PCMU"):
    return g711.encode(codec, samples).tobytes()


def chance(seconds, seed=1):
    """Codes of which no stretch comes twice."""
    return np.random.default_rng(seed).integers(0, 255, 8000 * seconds, np.uint8).tobytes()


@each_time
def test_packets_are_relayed_as_long_as_they_came_and_recorded_without_a_seam(run, tmp_path, packet_ms):
    async def scenario(studio):
        callee, agent = studio.bridged()
        path, codes, size = tmp_path / "call.ssr", chance(3), 8 * packet_ms
        studio.plane.start_recording(callee.leg, path)
        studio.plane.start_recording(agent.leg, tmp_path / "other.ssr")
        await say(callee, codes, packet_ms)
        await studio.until(lambda: len(agent.packets) == len(codes) // size)
        for leg in (callee.leg, agent.leg):
            studio.plane.stop_recording(leg)
        await studio.events.wait(RecordingClosed, count=2)
        assert contiguous(agent.packets)
        assert {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(agent.packets)} == {size}
        assert b"".join(packet.payload for packet in agent.packets) == codes[: len(codes) // size * size]
        said = g711.decode("PCMU", np.frombuffer(codes, np.uint8))
        for samples in (listen(path).samples[:, 1], listen(tmp_path / "other.ssr").samples[:, 0]):
            recorded = np.ascontiguousarray(samples).tobytes()
            packets = [said[at : at + size].tobytes() for at in range(0, said.size - size + 1, size)]
            # where the machine stood still, audio is moved to where it came
            assert sum(packet not in recorded for packet in packets) <= 3

    run(scenario)


@njit
def lay_packets(frames, channel, codes, times_ns, positions):
    """Where each frame of packets, of which one came at each of these times, is put."""
    written = 0
    for number in range(times_ns.size):
        read = written
        first = number * codes.size
        written = fill_frames(frames, written, written, times_ns[number], first, 1, 0, codes, 0, codes.size)
        for at in range(read, written):
            frame = frames[at % FRAMES]
            positions[at] = place(channel, 0, frame.timestamp, frame.at_ns // NS_PER_SAMPLE)


@each_time
def test_each_frame_of_a_packet_has_its_own_place_in_a_recording(packet_ms):
    """Also after a second, when who was early or late all the time is moved."""
    times_ns = np.arange(200, dtype=np.int64) * packet_ms * 1_000_000
    parts = -(-packet_ms // 20)
    positions = np.zeros(200 * parts, np.int64)
    codes = np.zeros(8 * packet_ms, np.uint8)
    lay_packets(np.zeros(FRAMES, FRAME), np.zeros(1, CHANNEL)[0], codes, times_ns, positions)
    wanted = [number * codes.size + 160 * part for number in range(200) for part in range(parts)]
    assert positions.tolist() == wanted


@njit
def place_all(channel, timestamps, came, positions):
    for at in range(came.size):
        positions[at] = place(channel, 0, timestamps[at], came[at])


def placed(timestamps, came):
    positions = np.zeros(came.size, np.int64)
    place_all(np.zeros(1, CHANNEL)[0], timestamps.astype(np.int64), came.astype(np.int64), positions)
    return positions


@pytest.mark.parametrize("leap", [-7900, -4000, -2500, 2500, 4000, 7900, 100_000, -100_000])
def test_of_a_sender_whose_timestamps_leap_little_is_lost(leap):
    """Less than 160 ms come too late for a recording, or are laid over others; it was up to a second."""
    came = 160 * np.arange(400)
    positions = placed(np.where(np.arange(400) < 200, came, came + leap) + 80_000, came)
    too_late = positions < came - SETTLE_SAMPLES
    assert too_late.sum() <= 8
    assert len(set(positions[~too_late])) == (~too_late).sum()
    assert np.abs(positions[210:] - came[210:]).max() <= 240


def test_a_burst_after_a_stall_is_laid_where_it_was_spoken():
    spoken = 160 * np.arange(400)
    came = spoken.copy()
    came[200:240] = 160 * 240  # 0.8 s held up, and then all at once
    assert (placed(spoken, came) == spoken).all()


@each_time
def test_a_person_is_told_from_a_machine(run, packet_ms):
    async def scenario(studio):
        callee = studio.end("PCMA")
        studio.plane.start_amd(callee.leg)
        greeting = np.concatenate([np.zeros(4000, np.int16), read_clip("human-hello-1"), np.zeros(24000, np.int16)])
        await say(callee, coded(greeting, "PCMA"), packet_ms)
        verdict = await studio.events.wait(VerdictReached, callee.leg)
        assert verdict.verdict is Verdict.HUMAN

    run(scenario)


@each_time
def test_a_jitter_buffer_gives_them_on_in_packets_of_20_ms(run, packet_ms):
    async def scenario(studio):
        a, b = studio.bridged()
        await say(a, coded(sine(150)), packet_ms)
        await studio.until(lambda: len(b.packets) >= 145)
        assert contiguous(b.packets)
        assert {len(packet.payload) for packet in b.packets} == {160}
        body = b.heard()[800:-1600]
        assert usual_power(body) > 0.9 * POWER
        if studio.plane.statistics(a.leg).frames_concealed == 0:
            assert roughest(body) < SMOOTH + 4 * CODE_STEP

    run(scenario, **ALWAYS)


@each_time
def test_a_whisper_is_laid_over_them_without_a_packet_between(run, packet_ms):
    async def scenario(studio):
        agent, callee, supervisor = (studio.end(ssrc=ssrc) for ssrc in (1, 2, 3))
        studio.plane.bridge(agent.leg, callee.leg)
        studio.plane.supervision.speak(supervisor.leg, agent.leg)
        speaking = asyncio.gather(
            say(callee, coded(hum(CALLEE_HZ, 4)), packet_ms), say(supervisor, coded(hum(SUPERVISOR_HZ, 4)), packet_ms)
        )
        await studio.until(lambda: len(agent.packets) > 10 and hears(agent, CALLEE_HZ) and hears(agent, SUPERVISOR_HZ))
        began = len(agent.packets)
        await speaking
        assert contiguous(agent.packets)
        later = agent.packets[began:-10]
        # of our own is only what fills the time in which this machine, or its end, stood still
        assert np.mean([len(packet.payload) == 8 * packet_ms and not packet.marker for packet in later]) > 0.9

    run(scenario)


@pytest.mark.parametrize(
    ("packet_ms", "most_ms", "pieces"), [(20, 10, [80, 80]), (60, 40, [320, 160]), (30, 30, [240])]
)
def test_who_takes_short_packets_only_is_sent_no_longer_ones(run, packet_ms, most_ms, pieces):
    async def scenario(studio):
        a, b = studio.end(ssrc=1), studio.end(ssrc=2)
        studio.plane.connect(b.leg, b.socket.getsockname(), MediaFormat("PCMU", 0, 101, maxptime_ms=most_ms))
        studio.plane.bridge(a.leg, b.leg)
        codes = chance(1)
        await say(a, codes, packet_ms)
        said = len(codes) // (8 * packet_ms) * 8 * packet_ms
        await studio.until(lambda: sum(len(packet.payload) for packet in b.packets) == said)
        assert [len(packet.payload) for packet in b.packets] == pieces * (said // sum(pieces))
        assert b"".join(packet.payload for packet in b.packets) == codes[:said]
        assert contiguous(b.packets)
        assert [packet.marker for packet in b.packets[: len(pieces) + 1]] == [True] + [False] * len(pieces)
        steps = [(y.timestamp - x.timestamp) & 0xFFFFFFFF for x, y in pairwise(b.packets)]
        assert steps == [len(packet.payload) for packet in b.packets[:-1]]
        # as long as it says so: a re-INVITE may take it back
        studio.plane.connect(b.leg, b.socket.getsockname(), b.format)
        before = len(b.packets)
        await say(a, chance(1, 2), packet_ms)
        await studio.until(lambda: len(b.packets) >= before + said // (8 * packet_ms))
        assert {len(packet.payload) for packet in b.packets[before:]} == {8 * packet_ms}
        assert contiguous(b.packets)

    run(scenario)


@pytest.mark.parametrize("suite", [None, "AEAD_AES_128_GCM"])
def test_what_we_play_is_cut_too_and_sealed_piece_by_piece(run, suite):
    async def scenario(studio):
        form = MediaFormat("PCMU", 0, 101, maxptime_ms=10)
        far = Far(studio, suite) if suite else None
        end = far.end if far else studio.end()
        studio.plane.connect(end.leg, end.socket.getsockname(), form, secure=far.keys if far else None)
        studio.plane.play(end.leg, "tone:beep")
        await studio.until(lambda: len(end.packets) >= 20)
        assert {len(packet.payload) for packet in end.packets} == {80}
        assert contiguous(end.packets) and not (far and far.refused)

    run(scenario)
