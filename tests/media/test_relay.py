"""Bridged legs: audio passes, headers do not."""

import asyncio
import struct
import time
from itertools import pairwise

import numpy as np
from softswitch.codecs import g711

from softswitch.media.events import FirstPacketBridged, FirstPacketReceived
from tests.media.conftest import contiguous


def test_each_leg_hears_what_the_other_says(run):
    async def scenario(studio):
        a, b = studio.bridged()
        for index in range(10):
            a.send(bytes([index]) * 160)
            b.send(bytes([100 + index]) * 160)
            await asyncio.sleep(0.01)
        await studio.until(lambda: len(a.packets) == 10 and len(b.packets) == 10)
        assert [packet.payload for packet in b.packets] == [bytes([index]) * 160 for index in range(10)]
        assert [packet.payload for packet in a.packets] == [bytes([100 + index]) * 160 for index in range(10)]

    run(scenario)


def test_nothing_of_a_header_passes_to_the_other_leg(run):
    async def scenario(studio):
        a, b = studio.bridged()
        canary = b"\xc0\xde\xca\xfe"
        for index in range(5):
            # two contributing sources, a one-word extension and the marker, all of them marked
            header = struct.pack(">BBHII", 0x92, 0x80, 500 + index, 0xC0DE0000 + 160 * index, 0xC0DECAFE)
            extension = b"\xc0\xde\x00\x01" + canary
            a.send_raw(header + canary * 2 + extension + b"\x55" * 160)
        await studio.until(lambda: len(b.packets) == 5)
        for packet in b.packets:
            assert canary not in packet.raw
            assert b"\xc0\xde" not in packet.raw[:12]
            assert packet.payload == b"\x55" * 160
        assert len({packet.ssrc for packet in b.packets}) == 1
        assert [packet.marker for packet in b.packets] == [True, False, False, False, False]

    run(scenario)


def test_a_burst_leaves_in_its_order_however_long_its_packets_are(run):
    async def scenario(studio):
        a, b = studio.bridged()
        said = [bytes([index]) * (1440 if index % 8 == 4 else 160) for index in range(24)]
        for payload in said:
            a.send(payload)
        await studio.until(lambda: len(b.packets) == len(said))
        assert [packet.payload for packet in b.packets] == said
        assert contiguous(b.packets)
        sent = studio.plane.statistics(b.leg)
        assert (sent.packets_sent, sent.packets_lost) == (len(said), 0)

    run(scenario)


def test_padding_is_taken_off(run):
    async def scenario(studio):
        a, b = studio.bridged()
        a.send_raw(struct.pack(">BBHII", 0xA0, 0, 1, 0, 9) + b"\x11" * 160 + b"\0\0\0\4")
        await studio.until(lambda: b.packets)
        assert b.packets[0].payload == b"\x11" * 160

    run(scenario)


def test_different_codecs_are_transcoded_both_ways(run):
    async def scenario(studio):
        a, b = studio.bridged("PCMU", "PCMA")
        every_code = bytes(range(160))
        a.send(every_code)
        b.send(every_code)
        await studio.until(lambda: a.packets and b.packets)
        codes = np.frombuffer(every_code, np.uint8)
        assert b.packets[0].payload == g711.ULAW_TO_ALAW[codes].tobytes()
        assert b.packets[0].payload_type == 8
        assert a.packets[0].payload == g711.ALAW_TO_ULAW[codes].tobytes()
        assert a.packets[0].payload_type == 0

    run(scenario)


def test_a_leg_keeps_one_stream_through_bridges_clips_and_mutes(run):
    async def scenario(studio):
        plane = studio.plane
        a, b = studio.bridged()
        c = studio.end(ssrc=0xCCCC7777)
        frames = np.zeros(160 * 5, np.int16)
        await a.say(frames)
        plane.bridge(c.leg, b.leg)
        await c.say(frames)
        plane.mute(c.leg, True)
        await c.say(frames)
        plane.mute(c.leg, False)
        await c.say(frames)
        plane.unbridge(b.leg)
        plane.play(b.leg, "tone:beep")
        await studio.until(lambda: len(b.packets) >= 15 + 20)
        await asyncio.sleep(0.03)
        assert len({packet.ssrc for packet in b.packets}) == 1
        assert contiguous(b.packets)
        for earlier, later in pairwise(b.packets):
            assert (later.timestamp - earlier.timestamp) & 0xFFFFFFFF >= 160
            # the outgoing timeline keeps to the clock, whatever carries it
            elapsed = (later.at - b.packets[0].at) * 8000
            assert abs(((later.timestamp - b.packets[0].timestamp) & 0xFFFFFFFF) - elapsed) < 1600
        assert [index for index, packet in enumerate(b.packets) if packet.marker] == [0, 5, 10, 15]

    run(scenario)


def test_loss_and_order_reach_the_other_end_as_they_came(run):
    async def scenario(studio):
        a, b = studio.bridged()
        a.send(b"\x00" * 160)
        a.skip()
        a.send(b"\x02" * 160)
        a.sequence, a.timestamp = a.sequence + 1, a.timestamp + 160
        a.send(b"\x04" * 160)
        a.sequence, a.timestamp = a.sequence - 2, a.timestamp - 320
        a.send(b"\x03" * 160)
        await studio.until(lambda: len(b.packets) == 4)
        first = b.packets[0]
        assert [(packet.sequence - first.sequence) & 0xFFFF for packet in b.packets] == [0, 2, 4, 3]
        assert [(packet.timestamp - first.timestamp) & 0xFFFFFFFF for packet in b.packets] == [0, 320, 640, 480]
        assert studio.plane.statistics(a.leg).packets_lost == 1

    run(scenario)


def test_a_jump_of_the_senders_timestamps_does_not_jump_ours(run):
    async def scenario(studio):
        a, b = studio.bridged()
        a.send(b"\x01" * 160)
        a.sequence, a.timestamp = a.sequence + 30_000, a.timestamp + 0x5000_0000
        a.send(b"\x02" * 160)
        a.ssrc = 0x12345678
        a.sequence, a.timestamp = 5, 5
        a.send(b"\x03" * 160)
        await studio.until(lambda: len(b.packets) == 3)
        assert contiguous(b.packets)
        assert (b.packets[2].timestamp - b.packets[0].timestamp) & 0xFFFFFFFF < 8000
        assert all(packet.marker for packet in b.packets)

    run(scenario)


def test_the_sequence_wraps_without_a_gap(run):
    async def scenario(studio):
        a, b = studio.bridged()
        a.sequence, a.timestamp = 0xFFFE, 0xFFFFFF00
        for _ in range(5):
            a.send(b"\x01" * 160)
        await studio.until(lambda: len(b.packets) == 5)
        assert contiguous(b.packets)
        assert studio.plane.statistics(a.leg).packets_lost == 0

    run(scenario)


def test_a_muted_leg_is_received_but_goes_nowhere(run):
    async def scenario(studio):
        a, b = studio.bridged()
        studio.plane.mute(a.leg, True)
        b.send(b"\x33" * 160)
        await studio.until(lambda: a.packets)
        for _ in range(5):
            a.send(b"\x44" * 160)
        await studio.until(lambda: studio.plane.statistics(a.leg).packets_received == 5)
        await asyncio.sleep(0.02)
        assert b.packets == []

    run(scenario)


def test_a_held_leg_is_sent_nothing_and_still_heard(run):
    async def scenario(studio):
        a, b = studio.bridged()
        studio.plane.hold(b.leg, True)
        a.send(b"\x44" * 160)
        b.send(b"\x33" * 160)
        await studio.until(lambda: a.packets)
        await studio.until(lambda: studio.plane.statistics(a.leg).packets_received == 1)
        assert b.packets == []
        studio.plane.hold(b.leg, False)
        a.send(b"\x44" * 160)
        await studio.until(lambda: b.packets)
        assert b.packets[0].marker

    run(scenario)


def test_the_first_packets_are_reported_once_with_the_time_of_sending(run):
    async def scenario(studio):
        a, b = studio.bridged()
        for _ in range(3):
            a.send(b"\x01" * 160)
            await asyncio.sleep(0.02)
        event = await studio.events.wait(FirstPacketBridged, a.leg)
        assert 0 <= b.packets[0].at - event.at < 0.5
        studio.plane.unbridge(a.leg)
        studio.plane.bridge(b.leg, a.leg)
        await asyncio.sleep(0.01)
        a.send(b"\x01" * 160)
        await studio.events.wait(FirstPacketBridged, a.leg, count=2)
        assert len(studio.events.of(FirstPacketReceived, a.leg)) == 1
        assert studio.events.of(FirstPacketBridged, b.leg) == []

    run(scenario)


def test_a_codec_that_changes_in_mid_call_leaves_no_gap_on_either_side(run):
    """As by a re-INVITE that offers the other law of G.711 alone."""

    async def scenario(studio):
        a, b = studio.bridged()
        codes = {"PCMU": g711.encode("PCMU", np.full(160, 1000, np.int16)).tobytes()}
        codes["PCMA"] = g711.encode("PCMA", np.full(160, 1000, np.int16)).tobytes()
        for codec, payload_type in (("PCMU", 0), ("PCMA", 8), ("PCMU", 0)):
            a.codec, a.payload_type = codec, payload_type
            studio.plane.connect(a.leg, a.socket.getsockname(), a.format)
            for end in (a, b):
                end.packets_before = len(end.packets)
            for _ in range(10):
                a.send(codes[codec])
                b.send(codes["PCMU"])
                await asyncio.sleep(0.02)
            await studio.until(lambda: all(len(end.packets) == end.packets_before + 10 for end in (a, b)))
            assert {packet.payload_type for packet in b.packets[-10:]} == {0}
            assert {packet.payload_type for packet in a.packets[-9:]} == {payload_type}
            spoken = g711.decode(codec, np.frombuffer(a.packets[-1].payload, np.uint8))
            assert np.abs(spoken - 1000).max() < 64, "a step of either law at that level"
        assert contiguous(a.packets) and contiguous(b.packets)

    run(scenario)


def test_a_hundred_legs_lose_nothing(run):
    async def scenario(studio):
        pairs = [studio.bridged() for _ in range(50)]
        started = time.monotonic()
        for index in range(100):
            for a, b in pairs:
                a.send(bytes([index]) * 160)
                b.send(bytes([index]) * 160)
            await asyncio.sleep(max(0.0, started + 0.02 * (index + 1) - time.monotonic()))
        ends = [end for pair in pairs for end in pair]
        await studio.until(lambda: all(len(end.packets) == 100 for end in ends))
        for end in ends:
            assert [packet.payload[0] for packet in end.packets] == list(range(100))
        received, sent, lost, _ = studio.plane.totals()
        assert (received, sent, lost) == (10_000, 10_000, 0)

    run(scenario)
