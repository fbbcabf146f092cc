"""Legs with a jitter buffer, over real sockets: what the network did to a stream does not show behind the plane."""

import asyncio
import os
import signal
import time
from itertools import pairwise

import numpy as np
import pytest
from softswitch.codecs import g711, g722, noise
from softswitch.codecs.tones import goertzel_power, tone

from softswitch.errors import UsageError
from softswitch.media.control import MediaPlane
from softswitch.media.events import DigitPressed, FirstPacketBridged, MediaFormat, PlaneRecovered, RecordingClosed
from tests.auditor import listen
from tests.media.conftest import NO_CATCH_UP_S, End, next_packet
from tests.media.test_relay import contiguous
from tests.media.test_secure_legs import Far

HZ = 450.0
AMPLITUDE = 4600.0
POWER = AMPLITUDE**2 / 2
COMFORT_NOISE_TYPE = 13
ALWAYS = {"jitter_buffer": "always"}


def sine(frames, hz=HZ, rate_hz=8000):
    count = frames * rate_hz // 50
    return np.round(AMPLITUDE * np.sin(2 * np.pi * hz * np.arange(count) / rate_hz)).astype(np.int16)


def payloads_of(samples, codec="PCMU"):
    if codec == "G722":
        encoder, out = g722.new_encoder(), np.zeros(samples.size // 2, np.uint8)
        g722.encode(encoder, samples, out)
        return [out[at : at + 160].tobytes() for at in range(0, out.size, 160)]
    return [g711.encode(codec, samples[at : at + 160]).tobytes() for at in range(0, samples.size, 160)]


class Wideband(End):
    """An end that speaks G.722."""

    def __init__(self):
        super().__init__("PCMU", 0xD0D0)
        self.codec, self.payload_type = "G722", 9

    def heard(self):
        """At 16 kHz, each packet where it belongs among those that came."""
        decoder, parts = g722.new_decoder(), []
        for packet in self.packets:
            payload, out = np.frombuffer(packet.payload, np.uint8).copy(), np.zeros(320, np.int16)
            g722.decode(decoder, payload, out, 1)
            parts.append(out)
        return np.concatenate(parts)


def wideband(studio):
    end = Wideband()
    studio.ends.append(end)
    return end.open(studio.plane)


async def send_over(end, payloads, *, jitter_ms=0.0, loss=0.0, copies=0.0, seed=1, silent=lambda index: False):
    """Send a payload each 20 ms over a network that delays each for up to `jitter_ms`, loses and doubles some; those
    that were lost. What is `silent` is not sent at all, as by a sender that detects silence."""
    rng = np.random.default_rng(seed)
    sequence, timestamp = end.sequence, end.timestamp
    schedule, lost, marker = [], [], True
    for index, payload in enumerate(payloads):
        if silent(index):
            marker = True
            continue
        at = 0.02 * index + rng.uniform(0.0, jitter_ms / 1e3)
        sent = (sequence, timestamp + 160 * index, payload, marker)
        sequence, marker = sequence + 1, False
        if 2 < index < len(payloads) - 3 and rng.random() < loss:
            lost.append(index)
            continue
        schedule.append((at, *sent))
        if rng.random() < copies:
            schedule.append((at + 0.004, *sent))
    started = time.monotonic()
    for at, number, stamp, payload, mark in sorted(schedule):
        await asyncio.sleep(max(0.0, started + at - time.monotonic()))
        started += max(0.0, time.monotonic() - started - at - NO_CATCH_UP_S)
        end.sequence, end.timestamp = number, stamp
        end.send(payload, marker=mark)
    end.sequence, end.timestamp = sequence, timestamp + 160 * len(payloads)
    return lost


def is_one_stream(packets):
    """No hole, no packet twice, and a timeline that leaps only where a new spurt of talk is marked."""
    steps = [(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in pairwise(packets) if not b.marker]
    return contiguous(packets) and set(steps) <= {160} and {len(packet.payload) for packet in packets} == {160}


def usual_power(samples, hz=HZ, rate_hz=8000.0):
    """Of a tone in most fifths of a second: where this machine stood still, one or two have less."""
    size = int(rate_hz) // 5
    windows = [np.ascontiguousarray(samples[at : at + size]) for at in range(0, samples.size - size + 1, size)]
    return float(np.median([goertzel_power(window, hz, rate_hz) for window in windows]))


def roughest(samples):
    """The greatest change of slope from sample to sample: a click is far beyond what the tone itself has."""
    return int(np.abs(np.diff(samples.astype(np.int64), 2)).max())


SMOOTH = AMPLITUDE * (2 * np.pi * HZ / 8000) ** 2
"""The greatest second difference of the tone."""
CODE_STEP = 256
"""Of µ-law at this amplitude: two roundings may add up to as much again."""


def test_what_was_jittered_and_reordered_and_doubled_comes_out_steady(run):
    async def scenario(studio):
        a, b = studio.bridged()
        payloads = payloads_of(sine(200))
        await send_over(a, payloads, jitter_ms=45.0, copies=0.1)
        await studio.until(lambda: len(b.packets) >= 180)
        await asyncio.sleep(0.2)
        assert is_one_stream(b.packets)
        assert len({packet.payload for packet in b.packets} & set(payloads)) >= 0.9 * len(set(payloads))
        gaps = np.diff([packet.at for packet in b.packets])
        # what arrived with 12 ms of deviation leaves on the plane's own clock
        assert np.median(np.abs(gaps - 0.02)) < 0.004
        body = b.heard()[1600:-1600]
        assert usual_power(body) > 0.7 * POWER
        figures = studio.plane.statistics(a.leg)
        assert 5.0 < figures.delay_ms_mean <= 150.0 and figures.delay_ms_mean <= figures.delay_ms_max

    run(scenario, **ALWAYS)


def test_a_loss_is_concealed_without_a_click(run):
    async def scenario(studio):
        a, b = studio.bridged()
        lost = await send_over(a, payloads_of(sine(200)), loss=0.08, seed=3)
        assert len(lost) >= 8
        await studio.until(lambda: len(b.packets) >= 185)
        assert is_one_stream(b.packets)
        body = b.heard()[800:-1600]
        assert roughest(body) < SMOOTH + 4 * CODE_STEP
        figures = studio.plane.statistics(a.leg)
        assert len(lost) <= figures.frames_concealed
        # a concealed frame is as loud as its neighbours; only where this test's clock stood still the tone fades
        levels = [np.sqrt(np.mean(body[at : at + 160].astype(float) ** 2)) for at in range(0, body.size - 160, 160)]
        stood_still = figures.frames_concealed - len(lost)
        assert sum(level < 0.5 * max(levels) for level in levels) <= stood_still
        assert figures.packets_lost == len(lost)

    run(scenario, **ALWAYS)


def test_a_good_stream_passes_bit_by_bit(run):
    async def scenario(studio):
        a, b = studio.bridged()
        payloads = payloads_of(tone((300.0, 800.0), 2000, -15.0))
        await send_over(a, payloads)
        await studio.until(lambda: len(b.packets) >= 100)
        concealed = studio.plane.statistics(a.leg).frames_concealed
        as_sent = [packet.payload for packet in b.packets].count
        assert sum(as_sent(payload) > 0 for payload in payloads) >= 100 - 4 * concealed

    run(scenario, **ALWAYS)


@pytest.mark.parametrize("law", ["PCMU", "PCMA"])
def test_losses_of_a_wideband_leg_are_concealed_for_a_telephone(run, law):
    async def scenario(studio):
        wide, phone = wideband(studio), studio.end(law, 0xAAAA)
        studio.plane.bridge(wide.leg, phone.leg)
        spoken = payloads_of(sine(150, rate_hz=16000), "G722")
        _, lost = await asyncio.gather(
            send_over(phone, payloads_of(sine(150, 1100.0), law)),
            send_over(wide, spoken, jitter_ms=30.0, loss=0.05, copies=0.05, seed=5),
        )
        assert lost
        await studio.until(lambda: len(phone.packets) >= 135 and len(wide.packets) >= 135)
        assert is_one_stream(phone.packets)
        body = phone.heard()[1600:-1600]
        assert 0.6 * POWER < usual_power(body) < 1.4 * POWER
        assert roughest(body) < SMOOTH + 6 * CODE_STEP
        assert usual_power(wide.heard(), 1100.0, 16000.0) > 0.6 * POWER
        assert studio.plane.statistics(wide.leg).frames_concealed >= len(lost)
        assert studio.plane.statistics(phone.leg).delay_ms_max == 0.0, "G.711 passes as it comes, unless told otherwise"

    run(scenario)


def test_between_two_wideband_legs_a_loss_is_made_up_in_their_codec(run):
    async def scenario(studio):
        a, b = wideband(studio), wideband(studio)
        studio.plane.bridge(a.leg, b.leg)
        payloads = payloads_of(sine(150, rate_hz=16000), "G722")
        lost = await send_over(a, payloads, loss=0.04, seed=9)
        assert lost
        await studio.until(lambda: len(b.packets) >= 138)
        assert is_one_stream(b.packets)
        whole = set(payloads)
        assert sum(packet.payload in whole for packet in b.packets) >= 140 - 4 * (len(lost) + 5)
        heard = b.heard()[1600:-3200].astype(float)
        levels = [np.sqrt(np.mean(heard[at : at + 320] ** 2)) for at in range(0, heard.size - 320, 320)]
        assert max(levels) < 1.6 * AMPLITUDE / np.sqrt(2)
        faint = sum(level < 0.4 * AMPLITUDE / np.sqrt(2) for level in levels)
        assert faint <= studio.plane.statistics(a.leg).frames_concealed - len(lost), "what was lost is made up aloud"

    run(scenario)


def test_a_silent_sender_is_silence_and_then_a_new_spurt(run):
    async def scenario(studio):
        a, b = studio.bridged()
        await send_over(a, payloads_of(sine(120)), silent=lambda index: 40 <= index < 80)
        await studio.until(lambda: len(b.packets) >= 80)
        await asyncio.sleep(0.2)
        assert contiguous(b.packets)
        # what is made up at the end of a spurt fades within 60 ms
        assert len(b.packets) <= 80 + 2 * 3 + 8
        steps = [(y.timestamp - x.timestamp) & 0xFFFFFFFF for x, y in pairwise(b.packets)]
        leaps = [index for index, step in enumerate(steps) if step > 20 * 160]
        assert len(leaps) == 1 and b.packets[leaps[0] + 1].marker
        assert abs(steps[leaps[0]] - 40 * 160) < 6 * 160

    run(scenario, **ALWAYS)


def test_comfort_noise_is_heard_while_the_sender_is_silent(run):
    async def scenario(studio):
        a, b = studio.bridged()
        await send_over(a, payloads_of(sine(30)))
        a.send(bytes([50]), payload_type=COMFORT_NOISE_TYPE)
        a.timestamp += 159 + 160 * 49
        await asyncio.sleep(1.0)
        await send_over(a, payloads_of(sine(30)))
        await studio.until(lambda: len(b.packets) >= 100)
        assert contiguous(b.packets)
        quiet = b.heard()[160 * 40 : 160 * 70].astype(float)
        level_dbov = 20 * np.log10(np.sqrt(np.mean(quiet**2)) / 32768)
        assert abs(level_dbov + 50.0) < 3.0
        assert studio.plane.statistics(a.leg).frames_concealed < 10

    run(scenario, **ALWAYS)


def test_a_muted_leg_is_buffered_and_not_heard(run):
    async def scenario(studio):
        a, b = studio.bridged()
        payloads = payloads_of(sine(40))
        await send_over(a, payloads)
        studio.plane.mute(a.leg, True)
        await asyncio.sleep(0.02)
        count = len(b.packets)
        await send_over(a, payloads)
        await asyncio.sleep(0.2)
        assert len(b.packets) - count <= 1
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


def test_a_sender_that_restarts_goes_on_in_the_same_stream(run):
    async def scenario(studio):
        a, b = studio.bridged()
        await send_over(a, payloads_of(sine(50)))
        a.ssrc, a.sequence, a.timestamp = 0x0BADCAFE, 17, 0xFFFFFF00
        await send_over(a, payloads_of(sine(50)))
        await studio.until(lambda: len(b.packets) >= 90)
        assert contiguous(b.packets) and len({packet.ssrc for packet in b.packets}) == 1
        assert roughest(b.heard()[800:-1600]) < SMOOTH + 8 * CODE_STEP

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


def test_packets_of_other_lengths_come_out_as_20_ms(run):
    async def scenario(studio):
        a, b = studio.bridged()
        audio = payloads_of(sine(120))
        thirty = b"".join(audio)
        due = time.monotonic()
        for index in range(80):
            a.send(thirty[240 * index : 240 * index + 240])
            due = await next_packet(due, 0.03)
        await studio.until(lambda: len(b.packets) >= 116)
        assert is_one_stream(b.packets)
        assert usual_power(b.heard()) > 0.7 * POWER

    run(scenario, **ALWAYS)


def test_without_buffers_everything_passes_as_it_comes(run):
    async def scenario(studio):
        wide, phone = wideband(studio), studio.end(ssrc=2)
        studio.plane.bridge(wide.leg, phone.leg)
        for payload in payloads_of(sine(20, rate_hz=16000), "G722"):
            wide.send(payload)
        await studio.until(lambda: len(phone.packets) == 20)
        figures = studio.plane.statistics(wide.leg)
        assert (figures.delay_ms_mean, figures.frames_concealed, figures.packets_late, figures.skew_ppm) == (0, 0, 0, 0)

    run(scenario, jitter_buffer="never")


def test_a_policy_that_there_is_not_is_refused():
    with pytest.raises(UsageError, match="jitter_buffer is one of never, auto, always"):
        asyncio.run(
            MediaPlane.start(
                address="127.0.0.1", first_port=10_000, last_port=10_199, clips={}, on_event=print, in_thread=True,
                jitter_buffer="sometimes",
            )
        )  # fmt: skip


def test_noise_of_a_payload_has_its_level():
    """What `play_noise` is given: the generator's level is the payload's."""
    state, out = noise.new_comfort_noise(), np.zeros(8000, np.int16)
    noise.receive(state, np.array([50], np.uint8))
    noise.generate(state, out)
    assert abs(20 * np.log10(np.sqrt(np.mean(out.astype(float) ** 2)) / 32768) + 50) < 1.0
