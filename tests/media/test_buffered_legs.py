"""Legs with a jitter buffer, over real sockets: what the network did to a stream does not show behind the plane."""

import asyncio
import time
from itertools import pairwise

import numpy as np
import pytest
from softswitch.codecs import noise
from softswitch.codecs.tones import tone

from softswitch.errors import UsageError
from softswitch.media.control import MediaPlane
from tests.media.buffered import (
    ALWAYS,
    AMPLITUDE,
    CODE_STEP,
    COMFORT_NOISE_TYPE,
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
from tests.media.conftest import contiguous, next_packet


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
        await studio.until(lambda: len(b.packets) >= 200)
        assert is_one_stream(b.packets)
        body = b.heard()[800:-1600]
        assert roughest(body) < SMOOTH + 4 * CODE_STEP
        figures = studio.plane.statistics(a.leg)
        assert len(lost) <= figures.frames_concealed
        # a concealed frame is as loud as its neighbours; only where this test's clock stood still the tone fades,
        # and each such frame may lie across two of these windows
        levels = [np.sqrt(np.mean(body[at : at + 160].astype(float) ** 2)) for at in range(0, body.size - 160, 160)]
        stood_still = figures.frames_concealed - len(lost)
        assert sum(level < 0.5 * max(levels) for level in levels) <= 2 * stood_still
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
