"""Legs of different codecs hear each other, their clips, and are recorded."""

import asyncio
import time

import numpy as np
import pytest
from softswitch.codecs import g722, l16
from softswitch.codecs.tones import goertzel_power, tone

from softswitch.media.events import MediaFormat
from tests.media.conftest import End, contiguous, next_packet

HZ = 700.0


class Wideband(End):
    """An end that speaks G.722, or L16 at 8 kHz."""

    def __init__(self, codec):
        super().__init__("PCMU", 0xD0D0)
        self.codec, self.payload_type = codec, {"G722": 9, "L16": 97}[codec]

    @property
    def format(self):
        return MediaFormat(self.codec, self.payload_type, 101)

    async def hum(self, hz, seconds):
        encoder = g722.new_encoder()
        narrow = tone((hz,), int(1000 * seconds), -20.0)
        l16.encode(narrow[:160], np.zeros(320, np.uint8))  # compiled before the clock starts
        wide = (4600 * np.sin(2 * np.pi * hz * np.arange(2 * narrow.size) / 16000)).astype(np.int16)
        due = time.monotonic()
        for index in range(narrow.size // 160):
            if self.codec == "G722":
                payload = np.zeros(160, np.uint8)
                g722.encode(encoder, wide[320 * index : 320 * index + 320], payload)
            else:
                payload = np.zeros(320, np.uint8)
                l16.encode(narrow[160 * index : 160 * index + 160], payload)
            self.send(payload.tobytes())
            self.timestamp += 160 - payload.size  # both clocks run at 8 kHz (RFC 3551 §4.5.2)
            due = await next_packet(due)

    def power(self, hz):
        """At one frequency, of what came lately."""
        decoder = g722.new_decoder()
        parts = []
        for packet in self.packets:
            payload = np.frombuffer(packet.payload, np.uint8).copy()
            out = np.zeros(2 * payload.size, np.int16)
            size = g722.decode(decoder, payload, out, 1) if self.codec == "G722" else l16.decode(payload, out)
            parts.append(out[:size])
        rate_hz = 16000.0 if self.codec == "G722" else 8000.0
        return goertzel_power(np.concatenate(parts)[-8000:], hz, rate_hz)


def wideband(studio, codec):
    end = Wideband(codec)
    studio.ends.append(end)
    return end.open(studio.plane)


SHARE = 4600.0**2 / 2


@pytest.mark.parametrize("codec", ["G722", "L16"])
@pytest.mark.parametrize("other", ["PCMU", "PCMA"])
def test_a_wideband_leg_and_a_telephone_hear_each_other(run, codec, other):
    async def scenario(studio):
        wide, phone = wideband(studio, codec), studio.end(other, 0xAAAA)
        studio.plane.bridge(wide.leg, phone.leg)
        await asyncio.gather(wide.hum(HZ, 2.0), phone.say(tone((1100.0,), 2000, -20.0)))
        await studio.until(lambda: len(phone.packets) >= 95 and len(wide.packets) >= 95)
        heard = goertzel_power(np.ascontiguousarray(phone.heard()[-8000:]), HZ, 8000.0)
        assert 0.7 * SHARE < heard < 1.3 * SHARE
        assert 0.7 * SHARE < wide.power(1100.0) < 1.3 * SHARE
        assert contiguous(wide.packets) and contiguous(phone.packets)
        assert {packet.payload_type for packet in wide.packets} == {wide.payload_type}
        assert {len(packet.payload) for packet in wide.packets} == {160 if codec == "G722" else 320}
        assert {b.timestamp - a.timestamp for a, b in zip(wide.packets, wide.packets[1:], strict=False)} == {160}

    run(scenario)


def test_between_two_legs_of_one_codec_every_bit_passes(run):
    async def scenario(studio):
        a, b = wideband(studio, "G722"), wideband(studio, "G722")
        studio.plane.bridge(a.leg, b.leg)
        payloads = [bytes([index] * 160) for index in range(20)]
        for payload in payloads:
            a.send(payload)
            await asyncio.sleep(0.005)
        await studio.until(lambda: len(b.packets) == 20)
        assert [packet.payload for packet in b.packets] == payloads

    run(scenario, jitter_buffer="never")


def test_a_wideband_leg_hears_a_clip_and_a_supervisor(run):
    async def scenario(studio):
        wide, supervisor = wideband(studio, "G722"), studio.end(ssrc=2)
        studio.plane.play(wide.leg, "tone:beep", loop=True)
        studio.plane.supervision.speak(supervisor.leg, wide.leg)
        studio.plane.supervision.listen(supervisor.leg, wide.leg)
        await asyncio.gather(wide.hum(HZ, 2.0), supervisor.say(tone((1500.0,), 2000, -20.0)))
        assert wide.power(1000.0) > SHARE / 3
        assert wide.power(1500.0) > SHARE / 3
        assert goertzel_power(np.ascontiguousarray(supervisor.heard()[-4000:]), HZ, 8000.0) > SHARE / 2

    run(scenario)


def test_a_leg_changes_its_codec_in_mid_call(run):
    async def scenario(studio):
        a, b = studio.bridged()
        await a.say(tone((HZ,), 500, -20.0))
        studio.plane.connect(b.leg, b.socket.getsockname(), MediaFormat("G722", 9, 101))
        await a.say(tone((HZ,), 500, -20.0))
        kinds = [packet.payload_type for packet in b.packets]
        assert kinds[0] == 0 and kinds[-1] == 9 and kinds == sorted(kinds)
        assert contiguous(b.packets)

    run(scenario)
