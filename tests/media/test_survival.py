"""The engine or its guardian dies in mid-call: the call goes on, on the same ports, as the same stream."""

import asyncio
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from softswitch.media.events import (
    FirstPacketBridged,
    PlaneDied,
    PlaneRecovered,
    PlayingEnded,
    RecordingClosed,
    VerdictReached,
)
from tests.auditor import listen
from tests.ports import lend_ports

GAP_S = 1.5
START_S = 60.0  # a warm start takes 1.5 s; on a crowded machine several times that


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in {"Z", "X"}
    except FileNotFoundError:
        return False


def guardian_of(plane):
    return int(Path(f"/proc/{plane.pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def assert_one_stream(end):
    """One SSRC; sequence numbers grow; timestamps say when each packet was sent, to some packets of 20 ms."""
    packets = end.packets
    assert len({packet.ssrc for packet in packets}) == 1
    steps = np.diff([packet.sequence for packet in packets]) % 65536
    assert np.all((steps >= 1) & (steps < 100))
    timestamps = (np.array([packet.timestamp for packet in packets]) - packets[0].timestamp) % 2**32
    assert np.all(np.diff(timestamps) > 0)
    late = np.array([packet.at for packet in packets]) - timestamps / 8000
    soonest = [part.min() for part in np.array_split(late, 4)]  # this test's own clock may be late, never early
    assert max(soonest) - min(soonest) < 0.2


def in_time(studio):
    """How long a call may be without its engine, s: where this machine is slow, by what a start takes on it."""
    return max(GAP_S, 3 * studio.start_s)


def gap_s(end):
    return float(np.diff([packet.at for packet in end.packets]).max())


@pytest.mark.parametrize("whom", ["engine", "guardian", "both"])
def test_a_call_goes_on_on_the_same_ports_and_streams(run, whom):
    async def scenario(studio):
        plane = studio.plane
        a, b = studio.bridged("PCMU", "PCMA")
        talking = asyncio.gather(a.say(studio.tone(600, 6000)), b.say(studio.tone(1300, 6000)))
        await asyncio.sleep(1.0)
        engine, guardian = plane.pid, guardian_of(plane)
        if whom != "engine":
            os.kill(guardian, signal.SIGKILL)
        if whom != "guardian":
            os.kill(engine, signal.SIGKILL)
        recovered = await studio.events.wait(PlaneRecovered)
        assert (recovered.leg, recovered.legs) == (-1, 2)
        assert plane.pid != engine
        assert not is_running(engine)
        assert (guardian_of(plane) == guardian) == (whom == "engine")
        await talking
        await asyncio.sleep(0.05)
        assert studio.events.of(PlaneDied) == []
        limit = START_S if whom == "both" else in_time(studio)
        assert recovered.gap_s < limit
        for end in (a, b):
            assert_one_stream(end)
            assert gap_s(end) < limit
            assert len(end.packets) > 299 - 50 * limit
        received, sent, _, cpu_s = plane.totals()
        assert received == sent == len(a.packets) + len(b.packets)
        assert cpu_s > 0
        plane.mute(b.leg, True)
        plane.play(b.leg, "tone:beep")
        await studio.events.wait(PlayingEnded, b.leg)
        plane.unbridge(a.leg)
        ports = [plane.port_of(plane.open_leg()) for _ in range(10)]
        assert len({*ports, a.port, b.port}) == 12

    run(scenario, in_thread=False)


def test_what_is_ordered_while_the_engine_is_dead_is_done_by_the_next(run):
    async def scenario(studio):
        a, b = studio.end(), studio.end()
        await asyncio.sleep(0.02)
        guardian = guardian_of(studio.plane)
        os.kill(guardian, signal.SIGSTOP)
        os.kill(studio.plane.pid, signal.SIGKILL)
        studio.plane.bridge(a.leg, b.leg)
        c = studio.end()
        studio.plane.play(c.leg, "tone:beep")
        studio.plane.close_leg(studio.plane.open_leg())
        await asyncio.sleep(0.2)
        os.kill(guardian, signal.SIGCONT)
        recovered = await studio.events.wait(PlaneRecovered)
        assert recovered.gap_s > 0.2
        await a.say(studio.tone(600, 200))
        await studio.events.wait(FirstPacketBridged, a.leg)
        await studio.events.wait(PlayingEnded, c.leg)
        assert 9 <= len(b.packets) <= 10

    run(scenario, in_thread=False)


def test_a_clip_and_a_detection_go_on_where_they_were(run, tmp_path):
    async def scenario(studio):
        caller, callee = studio.end(), studio.end()
        studio.plane.play(caller.leg, "tone:ringback", loop=True)
        studio.plane.start_amd(callee.leg)
        silence = np.zeros(8000, np.int16)
        await callee.say(silence)
        os.kill(studio.plane.pid, signal.SIGKILL)
        await studio.events.wait(PlaneRecovered)
        await callee.say(np.tile(silence, 5))
        verdict = await studio.events.wait(VerdictReached, callee.leg)
        assert verdict.audio_ms > 1500
        assert_one_stream(caller)
        assert gap_s(caller) < in_time(studio)
        assert len(caller.packets) > 50 * (verdict.at - caller.packets[0].at - 2 * in_time(studio))

    run(scenario, in_thread=False)


def test_a_muted_or_unbridged_leg_stays_unheard_after_a_death(run):
    async def scenario(studio):
        (a, b), c = studio.bridged(), studio.end()
        studio.plane.mute(a.leg, True)
        await asyncio.sleep(0.02)
        os.kill(studio.plane.pid, signal.SIGKILL)
        await studio.events.wait(PlaneRecovered)
        await asyncio.gather(*(end.say(studio.tone(600, 300)) for end in (a, b, c)))
        assert b.packets == []
        assert c.packets == []
        assert len(a.packets) == 15
        studio.plane.mute(a.leg, False)
        await asyncio.sleep(0.02)
        await a.say(studio.tone(600, 300))
        assert len(b.packets) == 15

    run(scenario, in_thread=False)


def test_every_leg_of_a_full_plane_is_rebuilt_in_time(run):
    async def scenario(studio):
        plane = studio.plane
        ends = [studio.end() for _ in range(400)]
        for a, b in zip(ends[::2], ends[1::2], strict=True):
            plane.bridge(a.leg, b.leg)
        await asyncio.sleep(0.1)
        killed = time.monotonic()
        os.kill(plane.pid, signal.SIGKILL)
        recovered = await studio.events.wait(PlaneRecovered)
        assert recovered.legs == 400
        assert recovered.at - killed < in_time(studio)
        for end in ends:
            end.send(bytes(160))
        await studio.until(lambda: all(end.packets for end in ends))

    first = lend_ports(1000)
    run(scenario, in_thread=False, first_port=first, last_port=first + 999)


def test_random_deaths_under_load_leave_no_leg_behind(run):
    async def scenario(studio):
        rng = np.random.default_rng(5)
        plane = studio.plane
        a, b = studio.bridged()

        async def talk(end, frequency_hz):
            while True:
                await end.say(studio.tone(frequency_hz, 5000))

        talking = [asyncio.create_task(talk(a, 600)), asyncio.create_task(talk(b, 1300))]
        for count in range(1, 5):
            legs = [plane.open_leg() for _ in range(20)]
            for leg in legs:
                plane.connect(leg, ("127.0.0.1", 9), a.format)
            for first, second in zip(legs[::2], legs[1::2], strict=True):
                plane.bridge(first, second)
                plane.play(first, "tone:beep", loop=True)
            await asyncio.sleep(float(rng.random()) * 0.004)
            os.kill(plane.pid, signal.SIGKILL)
            for leg in legs:
                plane.close_leg(leg)
            await studio.events.wait(PlaneRecovered, count=count)
        await studio.until(lambda: len(list(plane._legs)) == 2)
        before = [len(end.packets) for end in (a, b)]
        await studio.until(
            lambda: all(len(end.packets) > count + 50 for end, count in zip((a, b), before, strict=True))
        )
        for task in talking:
            task.cancel()
        for end in (a, b):
            assert len({packet.ssrc for packet in end.packets}) == 1
        assert len({plane.open_leg() for _ in range(98)}) == 98

    run(scenario, in_thread=False)


def test_a_recording_goes_on_in_a_second_part_and_what_is_paused_stays_unheard(run, tmp_path):
    async def scenario(studio):
        callee, paused = studio.end(), studio.end()
        studio.plane.start_recording(callee.leg, tmp_path / "call.ssr")
        studio.plane.start_recording(paused.leg, tmp_path / "hushed.ssr")
        studio.plane.pause_recording(paused.leg)
        talking = asyncio.gather(*(end.say(studio.tone(600, 4000)) for end in (callee, paused)))
        begun = time.monotonic()
        await asyncio.sleep(2.0)
        os.kill(studio.plane.pid, signal.SIGKILL)
        recovered = await studio.events.wait(PlaneRecovered)
        await talking
        for end in (callee, paused):
            studio.plane.stop_recording(end.leg)
            closed = await studio.events.wait(RecordingClosed, end.leg)
            assert closed.part == 2
            assert 1 <= closed.frames_lost <= 5 + recovered.gap_s / 0.02
        wall_s = time.monotonic() - begun
        first, second = (listen(tmp_path / name) for name in ("call.ssr", "call.2.ssr"))
        assert (first.is_finished, second.is_finished) == (False, True)
        assert 1.0 < len(first.samples) / 8000 < 2.5
        assert wall_s - 1.5 < (len(first.samples) + len(second.samples)) / 8000 < wall_s + 0.1
        heard = np.abs(second.samples[:, 1].astype(int)) > 500
        assert heard.mean() > 0.5
        for name in ("hushed.ssr", "hushed.2.ssr"):
            assert not np.abs(listen(tmp_path / name).samples.astype(int)).any()

    run(scenario, in_thread=False)
