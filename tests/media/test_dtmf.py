"""Keys pressed, as RFC 4733 events: each reported once."""

import asyncio
import struct
from pathlib import Path

import pytest

from softswitch.media.events import DigitPressed

CAPTURES = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "dtmf"
MALFORMED = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "malformed"


def press(end, code, durations=(160, 320, 480), ends=3, timestamp=None):
    """One event: packets that lengthen it, then its repeated end."""
    stamp = end.timestamp if timestamp is None else timestamp
    packets = [(duration, 0) for duration in durations] + [(durations[-1], 0x80)] * ends
    for index, (duration, flag) in enumerate(packets):
        header = struct.pack(">BBHII", 0x80, (index == 0) << 7 | 101, end.sequence & 0xFFFF, stamp, end.ssrc)
        end.send_raw(header + struct.pack(">BBH", code, flag | 10, duration))
        end.sequence += 1
    end.timestamp += durations[-1]


def digits(studio):
    return "".join(event.digit for event in studio.events.of(DigitPressed))


def test_every_key_is_reported_once_though_its_end_is_sent_three_times(run):
    async def scenario(studio):
        a, _ = studio.bridged()
        for code in range(16):
            press(a, code)
        await studio.events.wait(DigitPressed, count=16)
        assert digits(studio) == "0123456789*#ABCD"
        assert {event.duration_ms for event in studio.events.of(DigitPressed)} == {60}

    run(scenario)


def test_a_key_is_reported_whichever_of_its_packets_are_lost(run):
    async def scenario(studio):
        a, _ = studio.bridged()
        press(a, 1, durations=(160,), ends=1)
        press(a, 2, ends=0)  # every end lost; the next key shows that it is over
        press(a, 3, ends=0)
        a.send(b"\xff" * 160)  # and here audio does
        press(a, 4, durations=(160,), ends=0)  # and here nothing but time
        await studio.events.wait(DigitPressed, count=4)
        await asyncio.sleep(0.3)
        assert digits(studio) == "1234"

    run(scenario)


def test_late_copies_of_an_event_are_not_another_key(run):
    async def scenario(studio):
        a, _ = studio.bridged()
        stamp = a.timestamp
        press(a, 5)
        press(a, 6)
        press(a, 5, durations=(480,), ends=3, timestamp=stamp)
        await studio.events.wait(DigitPressed, count=2)
        await asyncio.sleep(0.05)
        assert digits(studio) == "56"

    run(scenario)


def test_a_key_whose_timestamp_lies_before_the_last_ones_is_heard_after_a_silence(run):
    """Players of captures do this: each key comes with the clock of its own recording."""

    async def scenario(studio):
        a, _ = studio.bridged()
        stamp = a.timestamp
        press(a, 0, timestamp=stamp)
        await studio.events.wait(DigitPressed)
        await asyncio.sleep(0.3)
        press(a, 1, timestamp=stamp - 4352)
        await studio.events.wait(DigitPressed, count=2)
        await asyncio.sleep(0.05)
        assert digits(studio) == "01"

    run(scenario)


def test_the_same_key_twice_is_two_digits(run):
    async def scenario(studio):
        a, _ = studio.bridged()
        press(a, 7)
        press(a, 7)
        await studio.events.wait(DigitPressed, count=2)

    run(scenario)


def update(end, code, duration, timestamp, flags=0, marker=False):
    header = struct.pack(">BBHII", 0x80, marker << 7 | 101, end.sequence & 0xFFFF, timestamp & 0xFFFFFFFF, end.ssrc)
    end.send_raw(header + struct.pack(">BBH", code, flags | 10, duration))
    end.sequence += 1


@pytest.mark.parametrize("reached", [320, 65000, 0xFFFF])
@pytest.mark.parametrize("pause_s", [0.0, 0.3])
def test_a_key_held_for_longer_than_an_event_can_tell_is_one_key_whatever_is_lost(run, reached, pause_s):
    async def scenario(studio):
        a, _ = studio.bridged()
        stamp = 0xFFFFF000  # the second segment's timestamp has wrapped
        update(a, 3, 160, stamp, marker=True)
        update(a, 3, 320, stamp)
        await asyncio.sleep(pause_s)
        update(a, 3, reached, stamp)
        for duration, flags in ((160, 0), (800, 0), (800, 0x80), (800, 0x80)):
            update(a, 3, duration, stamp + 0xFFFF, flags)
        await studio.events.wait(DigitPressed)
        await asyncio.sleep(0.3)
        assert digits(studio) == "3"

    run(scenario)


def test_a_recording_of_a_key_that_is_played_again_is_the_key_again(run):
    async def scenario(studio):
        a, _ = studio.bridged()
        for count in (1, 2):
            press(a, 4, timestamp=777)
            await studio.events.wait(DigitPressed, count=count)
            await asyncio.sleep(0.3)
        assert digits(studio) == "44"

    run(scenario)


def test_keys_are_not_passed_to_the_other_leg_and_leave_no_hole_in_its_sequence(run):
    async def scenario(studio):
        a, b = studio.bridged()
        a.send(b"\x01" * 160)
        press(a, 9)
        a.send(b"\x02" * 160)
        await studio.until(lambda: len(b.packets) == 2)
        assert [packet.payload_type for packet in b.packets] == [0, 0]
        assert (b.packets[1].sequence - b.packets[0].sequence) & 0xFFFF == 1

    run(scenario)


def test_malformed_events_are_dropped_and_counted(run):
    async def scenario(studio):
        a, _ = studio.bridged()
        await asyncio.sleep(0.01)
        for payload in (b"", b"\x01", b"\x01\x0a\x00", b"\xff\x8a\x01\x40"):
            a.send(payload, payload_type=101)
        await studio.until(lambda: studio.plane.statistics(a.leg).packets_dropped == 4)
        await asyncio.sleep(0.02)
        assert digits(studio) == ""

    run(scenario)


def udp_payloads(capture):
    """The UDP payloads of a classic Ethernet pcap."""
    content = capture.read_bytes()
    order = "<" if content[:4] == b"\xd4\xc3\xb2\xa1" else ">"
    link = struct.unpack_from(order + "I", content, 20)[0]
    offset = 24
    while offset < len(content):
        length = struct.unpack_from(order + "I", content, offset + 8)[0]
        frame = content[offset + 16 : offset + 16 + length]
        network = {1: 14, 113: 16}[link]
        start = network + (frame[network] & 15) * 4 + 8
        yield frame[start:]
        offset += 16 + length


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures are not on this machine")
@pytest.mark.parametrize(("name", "digit"), [*((str(n), str(n)) for n in range(10)), ("star", "*"), ("pound", "#")])
def test_keys_captured_from_phones_are_understood(run, name, digit):
    async def scenario(studio):
        a, _ = studio.bridged()
        for datagram in udp_payloads(CAPTURES / f"dtmf_2833_{name}.pcap"):
            a.send_raw(datagram[:1] + bytes([datagram[1] & 0x80 | 101]) + datagram[2:])
        await studio.events.wait(DigitPressed)
        await asyncio.sleep(0.3)
        assert digits(studio) == digit

    run(scenario)
