"""What else happens to a buffered leg in a call: mutes, clips, supervisors, recordings, keys, other codecs, deaths."""

import asyncio
import os
import signal
from itertools import pairwise

import numpy as np
from softswitch.codecs.tones import goertzel_power, tone

from softswitch.media.events import DigitPressed, FirstPacketBridged, MediaFormat, PlaneRecovered, RecordingClosed
from tests.auditor import listen
from tests.media.buffered import (
    ALWAYS,
    CODE_STEP,
    HZ,
    POWER,
    SMOOTH,
    is_one_stream,
    payloads_of,
    roughest,
    send_over,
    sine,
    usual_power,
    wideband,
)
from tests.media.conftest import contiguous
from tests.media.secure_end import Far


async def quiet(end):
    """How many packets have come, once none has for a fifth of a second."""
    count = -1
    while count != len(end.packets):
        count = len(end.packets)
        await asyncio.sleep(0.2)
    return count


def test_a_muted_leg_is_buffered_and_not_heard(run):
    async def scenario(studio):
        a, b = studio.bridged()
        payloads = payloads_of(sine(40))
        await send_over(a, payloads)
        studio.plane.mute(a.leg, True)
        count = await quiet(b)
        await send_over(a, payloads)
        assert await quiet(b) == count
        studio.plane.mute(a.leg, False)
        await send_over(a, payloads)
        await studio.until(lambda: len(b.packets) >= count + 38)
        assert contiguous(b.packets)
        assert any(packet.marker for packet in b.packets[count:])

    run(scenario, **ALWAYS)


def test_a_held_leg_is_sent_nothing(run):
    async def scenario(studio):
        a, b = studio.bridged()
        studio.plane.hold(b.leg, True)
        await send_over(a, payloads_of(sine(40)))
        await asyncio.sleep(0.1)
        assert b.packets == []
        studio.plane.hold(b.leg, False)
        await send_over(a, payloads_of(sine(40)))
        await studio.until(lambda: len(b.packets) >= 38)
        assert b.packets[0].marker and is_one_stream(b.packets)

    run(scenario, **ALWAYS)


def test_a_clip_is_laid_over_what_comes_out_of_the_buffer(run):
    async def scenario(studio):
        a, b = studio.bridged()
        studio.plane.play(b.leg, "tone:beep", loop=True)
        await send_over(a, payloads_of(sine(100)), jitter_ms=25.0)
        await studio.until(lambda: len(b.packets) >= 90)
        assert contiguous(b.packets)
        assert usual_power(b.heard()) > 0.6 * POWER
        assert usual_power(b.heard(), 1000.0) > 0.3 * POWER

    run(scenario, **ALWAYS)


def test_a_supervisor_hears_a_wideband_leg_in_order_and_is_heard(run):
    async def scenario(studio):
        wide, supervisor = wideband(studio), studio.end(ssrc=2)
        studio.plane.supervision.speak(supervisor.leg, wide.leg)
        studio.plane.supervision.listen(supervisor.leg, wide.leg)
        spoken = payloads_of(sine(150, rate_hz=16000), "G722")
        await asyncio.gather(send_over(wide, spoken, jitter_ms=30.0), supervisor.say(tone((1500.0,), 3000, -20.0)))
        assert usual_power(supervisor.heard()) > POWER / 2
        assert usual_power(wide.heard(), 1500.0, 16000.0) > POWER / 4

    run(scenario)


def test_a_wideband_leg_is_recorded_in_order(run, tmp_path):
    async def scenario(studio):
        wide = wideband(studio)
        studio.plane.start_recording(wide.leg, tmp_path / "call.ssr")
        spoken = payloads_of(sine(100, rate_hz=16000), "G722")
        await send_over(wide, spoken, jitter_ms=45.0, loss=0.04, seed=5)
        await asyncio.sleep(0.3)
        studio.plane.stop_recording(wide.leg)
        closed = await studio.events.wait(RecordingClosed, wide.leg)
        said = listen(closed.path).samples[:, 1]
        loud = np.flatnonzero(np.abs(said) > 1000)
        body = np.ascontiguousarray(said[loud[0] : loud[-1]])[800:-1600]
        assert body.size > 11_000
        assert usual_power(body) > 0.5 * POWER
        assert roughest(body) < SMOOTH + 6 * CODE_STEP

    run(scenario)


def test_digits_are_reported_and_passed_on_in_the_middle_of_audio(run):
    async def scenario(studio):
        a, b = studio.bridged()
        studio.plane.pass_keys(a.leg, True)
        await send_over(a, payloads_of(sine(20)))
        began = a.timestamp
        for duration, over in ((160, 0), (320, 0), (480, 0), (640, 0x80), (640, 0x80), (640, 0x80)):
            a.timestamp = began
            a.send(bytes([5, over | 10]) + duration.to_bytes(2, "big"), payload_type=101)
            if duration < 640:
                await asyncio.sleep(0.02)
        a.timestamp = began + 640
        await send_over(a, payloads_of(sine(20)))
        pressed = await studio.events.wait(DigitPressed, a.leg)
        assert (pressed.digit, pressed.duration_ms) == ("5", 80)
        await studio.until(lambda: len([packet for packet in b.packets if packet.payload_type == 0]) >= 38)
        events = [packet for packet in b.packets if packet.payload_type == 101]
        assert len(events) == 6 and len({packet.timestamp for packet in events}) == 1
        assert [packet.payload[0] for packet in events] == [5] * 6
        assert contiguous(b.packets)
        assert len(studio.events.of(DigitPressed)) == 1

    run(scenario, **ALWAYS)


def test_keys_that_are_not_passed_on_leave_no_hole(run):
    async def scenario(studio):
        a, b = studio.bridged()
        await send_over(a, payloads_of(sine(20)))
        began = a.timestamp
        for duration in (160, 320, 480):
            a.timestamp = began
            a.send(bytes([7, 10]) + duration.to_bytes(2, "big"), payload_type=101)
            await asyncio.sleep(0.02)
        a.timestamp = began + 480
        await send_over(a, payloads_of(sine(20)))
        await studio.until(lambda: len(b.packets) >= 38)
        assert contiguous(b.packets) and {packet.payload_type for packet in b.packets} == {0}
        assert (await studio.events.wait(DigitPressed, a.leg)).digit == "7"

    run(scenario, **ALWAYS)


def test_a_secure_leg_is_buffered_behind_its_keys(run):
    async def scenario(studio):
        far, phone = Far(studio), studio.end(ssrc=2)
        studio.plane.bridge(far.end.leg, phone.leg)
        await send_over(far.end, payloads_of(sine(100)), jitter_ms=30.0, loss=0.05, seed=4)
        await studio.until(lambda: len(phone.packets) >= 90)
        assert is_one_stream(phone.packets)
        assert roughest(phone.heard()[1600:-1600]) < SMOOTH + 4 * CODE_STEP
        figures = studio.plane.statistics(far.end.leg)
        assert figures.packets_unauthentic == 0 and figures.frames_concealed >= 1

    run(scenario, **ALWAYS)


def test_the_first_packet_through_a_bridge_is_reported_when_it_leaves(run):
    async def scenario(studio):
        a, b = studio.bridged()
        await send_over(a, payloads_of(sine(10)))
        event = await studio.events.wait(FirstPacketBridged, a.leg)
        assert abs(b.packets[0].at - event.at) < 0.5
        assert len(studio.events.of(FirstPacketBridged)) == 1

    run(scenario, **ALWAYS)


def test_a_leg_that_changes_its_codec_changes_its_buffer(run):
    async def scenario(studio):
        a, b = studio.bridged()
        await send_over(a, payloads_of(sine(30)))
        assert studio.plane.statistics(a.leg).delay_ms_max == 0.0
        studio.plane.connect(a.leg, a.socket.getsockname(), MediaFormat("G722", 9, 101))
        a.payload_type = 9
        await asyncio.sleep(0.02)
        await send_over(a, payloads_of(sine(50, rate_hz=16000), "G722"))
        await studio.until(lambda: len(b.packets) >= 75)
        assert studio.plane.statistics(a.leg).delay_ms_mean > 0.0
        assert goertzel_power(np.ascontiguousarray(b.heard()[-6400:-1600]), HZ, 8000.0) > 0.5 * POWER
        studio.plane.connect(a.leg, a.socket.getsockname(), a.format)
        assert contiguous(b.packets)

    run(scenario)


def test_a_buffered_stream_goes_on_when_the_engine_dies(run):
    async def scenario(studio):
        a, b = studio.bridged()

        async def talk():
            while True:
                await send_over(a, payloads_of(sine(350)), jitter_ms=20.0)

        talking = asyncio.create_task(talk())
        await studio.until(lambda: len(b.packets) >= 50)
        before = studio.plane.statistics(a.leg)
        os.kill(studio.plane.pid, signal.SIGKILL)
        await studio.events.wait(PlaneRecovered)
        recovered = len(b.packets)
        await studio.until(lambda: len(b.packets) >= recovered + 50)
        talking.cancel()
        assert len({packet.ssrc for packet in b.packets}) == 1
        steps = [(y.timestamp - x.timestamp) & 0xFFFFFFFF for x, y in pairwise(b.packets) if not y.marker]
        assert set(steps) == {160}
        after = studio.plane.statistics(a.leg)
        assert before.delay_ms_max > 0 and after.delay_ms_max >= before.delay_ms_max
        assert after.frames_concealed >= before.frames_concealed

    run(scenario, in_thread=False, **ALWAYS)
