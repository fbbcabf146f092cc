"""Keys pass a bridge where the policy says so, and the switch presses keys itself."""

import asyncio
import struct

import numpy as np
import pytest
from softswitch.codecs import dtmf
from softswitch.codecs.tones import tone

from softswitch.errors import UsageError
from softswitch.media.dtmf import DIGITS
from softswitch.media.events import DigitPressed, MediaFormat
from tests.media.conftest import contiguous

EVENTS = 101


async def press(end, code, packets=5, number=EVENTS):
    """A key as a telephone sends it: packets of one timestamp, the last one three times; audio goes on behind it."""
    for index in range(packets + 2):
        over = index >= packets - 1
        duration = 160 * min(index + 1, packets)
        payload = struct.pack(">BBH", code, over << 7 | 10, duration)
        timestamp = end.timestamp
        end.send(payload, marker=index == 0, payload_type=number)
        end.timestamp = timestamp
        await asyncio.sleep(0.01)
    end.timestamp += 160 * packets


def events_of(packets):
    return [struct.unpack(">BBH", packet.payload) for packet in packets if packet.payload_type == EVENTS]


def test_keys_stay_where_they_were_pressed_until_the_policy_says_otherwise(run):
    async def scenario(studio):
        a, b = studio.bridged()
        await a.say(tone((500.0,), 100, -20.0))
        await press(a, 5)
        await a.say(tone((500.0,), 100, -20.0))
        assert await studio.events.wait(DigitPressed, a.leg)
        assert not events_of(b.packets)
        assert contiguous(b.packets)

    run(scenario)


def test_a_key_that_passes_keeps_its_code_its_length_and_its_place(run):
    async def scenario(studio):
        a, b = studio.bridged()
        studio.plane.pass_keys(a.leg, True)
        await a.say(tone((500.0,), 100, -20.0))
        await press(a, 11)
        await a.say(tone((500.0,), 100, -20.0))
        await studio.until(lambda: len(b.packets) == 17)
        keys = [packet for packet in b.packets if packet.payload_type == EVENTS]
        assert len({packet.timestamp for packet in keys}) == 1
        assert [packet.marker for packet in keys] == [True] + [False] * 6
        assert events_of(keys)[-1] == (11, 0x80 | 10, 800)
        assert contiguous(b.packets)
        before, after = b.packets[4], b.packets[12]
        assert keys[0].timestamp == before.timestamp + 160
        assert after.timestamp == keys[0].timestamp + 800
        assert (await studio.events.wait(DigitPressed, a.leg)).digit == "#"

    run(scenario)


def test_nothing_but_the_event_passes_and_a_muted_leg_passes_none(run):
    async def scenario(studio):
        a, b = studio.bridged()
        studio.plane.pass_keys(a.leg, True)
        a.send(struct.pack(">BBH", 3, 0x40 | 10, 160) + b"secret", payload_type=EVENTS)
        await studio.until(lambda: b.packets)
        assert b.packets[0].payload == struct.pack(">BBH", 3, 10, 160), "the reserved bit and what follows are left out"
        studio.plane.mute(a.leg, True)
        await asyncio.sleep(0.05)
        count = len(b.packets)
        await press(a, 4)
        assert len(b.packets) == count

    run(scenario)


def test_each_end_has_its_own_number_for_keys_and_one_that_sends_by_the_others_is_understood(run):
    async def scenario(studio):
        a, b = studio.bridged()
        form = MediaFormat("PCMU", 0, dtmf_payload_type=EVENTS, dtmf_receive_type=96)
        studio.plane.connect(a.leg, a.socket.getsockname(), form)
        studio.plane.pass_keys(a.leg, True)
        for count, number in enumerate((96, EVENTS), 1):
            await a.say(tone((500.0,), 100, -20.0))
            await press(a, 5, number=number)
            await a.say(tone((500.0,), 100, -20.0))
            await studio.until(lambda: len(studio.events.of(DigitPressed)) == count)  # noqa: B023
            await studio.until(lambda: len(events_of(b.packets)) == 7 * count)  # noqa: B023
        studio.plane.press(a.leg, "7", duration_ms=120)
        await studio.until(lambda: len(events_of(a.packets)) > 4)

    run(scenario)


def test_the_switch_presses_a_key_as_a_telephone_event(run):
    async def scenario(studio):
        a, b = studio.bridged()
        talking = asyncio.ensure_future(a.say(tone((500.0,), 800, -20.0)))
        await asyncio.sleep(0.3)
        studio.plane.press(b.leg, "7", duration_ms=120)
        await talking
        keys = [packet for packet in b.packets if packet.payload_type == EVENTS]
        assert events_of(keys) == [(7, 10, 160 * n) for n in range(1, 6)] + [(7, 0x80 | 10, 960)] * 3
        assert len({packet.timestamp for packet in keys}) == 1
        assert contiguous(b.packets)
        times = [packet.timestamp for packet in b.packets]
        assert times == sorted(times)
        at = b.packets.index(keys[-1])
        assert b.packets[at + 1].timestamp >= keys[0].timestamp + 960, "audio goes on behind the key"

    run(scenario)


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_an_end_without_telephone_events_hears_the_tones(run, codec):
    async def scenario(studio):
        end = studio.end(codec)
        studio.plane.connect(end.leg, end.socket.getsockname(), MediaFormat(codec, end.payload_type, None))
        await asyncio.sleep(0.05)
        for key in "159D":
            studio.plane.press(end.leg, key, duration_ms=100)
            await asyncio.sleep(0.25)
        detector, heard = dtmf.new_detector(), ""
        audio = np.concatenate([end.heard(), np.zeros(800, np.int16)])
        for start in range(0, audio.size - 160, 160):
            code = dtmf.receive_frame(detector, audio[start : start + 160])
            heard += DIGITS[code] if code >= 0 else ""
        assert heard == "159D"

    run(scenario)


@pytest.mark.parametrize(("key", "duration_ms"), [("", 100), ("12", 100), ("x", 100), ("1", 10), ("1", 9000)])
def test_what_is_no_key_is_refused(run, key, duration_ms):
    async def scenario(studio):
        end = studio.end()
        with pytest.raises(UsageError):
            studio.plane.press(end.leg, key, duration_ms=duration_ms)

    run(scenario)


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_keys_in_the_voice_band_are_heard_where_the_other_end_sends_no_events(run, codec):
    async def scenario(studio):
        end = studio.end(codec)
        studio.plane.connect(end.leg, end.socket.getsockname(), MediaFormat(codec, end.payload_type, None))
        studio.plane.start_amd(end.leg)
        await end.say(np.concatenate([np.zeros(1600, np.int16), dtmf.dial("8*0D", 100, 100, -15.0)]))
        await end.say(np.zeros(1600, np.int16))
        await studio.events.wait(DigitPressed, end.leg, count=4)
        assert "".join(event.digit for event in studio.events.of(DigitPressed)) == "8*0D"

    run(scenario)
