"""Who may be heard on a leg, and what is dropped."""

import asyncio
import socket
import struct
from pathlib import Path

import pytest

from softswitch.errors import UsageError
from softswitch.media import vocabulary as v
from softswitch.media.events import MediaFormat

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "malformed"


def rtp(first=0x80, payload_type=0, sequence=1, length=160):
    return struct.pack(">BBHII", first, payload_type, sequence, 0, 77) + b"\x55" * length


MALFORMED = {
    "empty": b"",
    "short": rtp()[:11],
    "version 1": rtp(first=0x40),
    "version 3": rtp(first=0xC0),
    "looks like RTCP": rtp(payload_type=0x80 | 72),
    "CSRC count beyond the end": rtp(first=0x8F, length=20),
    "no room for the extension's header": rtp(first=0x90, length=2),
    "extension beyond the end": rtp(first=0x90, length=0) + b"\0\0\xff\xff" + b"\x55" * 20,
    "padding of nothing": rtp(first=0xA0) + b"\0",
    "padding beyond the start": rtp(first=0xA0, length=3) + b"\xff",
    "over-long": rtp(length=1489),
    "longer than the buffer": rtp(length=4000),
    "unknown payload type": rtp(payload_type=77 + 20),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_packets_are_counted_and_dropped(run, name):
    async def scenario(studio):
        a, b = studio.bridged()
        await asyncio.sleep(0.01)
        a.send_raw(MALFORMED[name])
        await studio.until(lambda: studio.plane.statistics(a.leg).packets_dropped == 1)
        a.send(b"\x01" * 160)
        await studio.until(lambda: b.packets)
        assert [packet.payload for packet in b.packets] == [b"\x01" * 160]
        assert studio.plane.statistics(a.leg).packets_received == 1

    run(scenario)


@pytest.mark.skipif(not VECTORS.is_dir(), reason="the vectors are not on this machine")
def test_inputs_that_broke_other_servers_are_dropped(run):
    async def scenario(studio):
        a, b = studio.bridged()
        await asyncio.sleep(0.01)
        files = [VECTORS / f"{name}.dat" for name in ("rtp-hdrext-overrun", "rtp-padding-255")]
        for file in files:
            a.send_raw(file.read_bytes())
        await studio.until(lambda: studio.plane.statistics(a.leg).packets_dropped == len(files))
        assert b.packets == []

    run(scenario)


def test_a_stranger_is_neither_heard_nor_answered(run):
    async def scenario(studio):
        a, b = studio.bridged()
        a.send(b"\x01" * 160)
        await studio.until(lambda: b.packets)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.1", 0))
            stranger.setblocking(False)
            for sequence in range(20):
                stranger.sendto(rtp(sequence=sequence), ("127.0.0.1", a.port))
                b.send(b"\x02" * 160)
                await asyncio.sleep(0.002)
            await studio.until(lambda: len(a.packets) == 20)
            with pytest.raises(BlockingIOError):
                stranger.recv(2048)
        assert len(b.packets) == 1
        assert studio.plane.statistics(a.leg).packets_received == 1

    run(scenario)


def test_what_comes_before_the_leg_is_connected_is_never_heard(run):
    async def scenario(studio):
        early = studio.end(connect=False)
        early.leg = studio.plane.open_leg()
        early.port = studio.plane.port_of(early.leg)
        b = studio.end()
        studio.plane.bridge(early.leg, b.leg)
        for _ in range(3):
            early.send(b"\x01" * 160)
        await asyncio.sleep(0.02)
        studio.plane.connect(early.leg, early.socket.getsockname(), early.format)
        await asyncio.sleep(0.01)
        early.send(b"\x02" * 160)
        await studio.until(lambda: b.packets)
        assert [packet.payload for packet in b.packets] == [b"\x02" * 160]

    run(scenario)


def named_otherwise(studio, named):
    """A phone whose SDP names another address than the one that it sends from."""
    phone = studio.end(connect=False)
    phone.leg = studio.plane.open_leg()
    phone.port = studio.plane.port_of(phone.leg)
    studio.plane.connect(phone.leg, named, phone.format, latch=True)
    asyncio.get_running_loop().add_reader(phone.socket, phone.read)
    return phone


def test_a_phone_behind_translation_is_found_by_its_first_packet_and_then_held_to(run):
    async def scenario(studio):
        other = studio.end()
        translated = named_otherwise(studio, ("127.0.0.1", 9))  # the same host, a port that translation has changed
        studio.plane.bridge(translated.leg, other.leg)
        await asyncio.sleep(0.01)
        translated.send(b"\x07" * 160)
        await studio.until(lambda: other.packets)
        other.send(b"\x08" * 160)
        await studio.until(lambda: translated.packets)
        thief = studio.end(connect=False)
        thief.port = translated.port
        thief.send(b"\x09" * 160)
        other.send(b"\x08" * 160)
        await studio.until(lambda: len(translated.packets) == 2)
        assert len(other.packets) == 1

    run(scenario)


def test_a_phone_that_names_a_private_address_is_found_where_it_speaks_from(run):
    async def scenario(studio):
        other = studio.end()
        phone = named_otherwise(studio, ("10.9.9.9", 4000))
        studio.plane.bridge(phone.leg, other.leg)
        await asyncio.sleep(0.01)
        phone.send(b"\x07" * 160)
        await studio.until(lambda: other.packets)
        other.send(b"\x08" * 160)
        await studio.until(lambda: phone.packets)
        assert phone.packets[0].payload == b"\x08" * 160

    run(scenario)


def test_a_source_that_translation_cannot_explain_is_not_learned(run):
    async def scenario(studio):
        other, thief = studio.end(), studio.end(connect=False)
        leg = studio.plane.open_leg()
        studio.plane.connect(leg, ("198.51.100.7", 4000), MediaFormat("PCMU", 0), latch=True)
        studio.plane.bridge(leg, other.leg)
        thief.port = studio.plane.port_of(leg)
        await asyncio.sleep(0.01)
        thief.send(b"\x09" * 160)
        await studio.until(lambda: studio.plane.statistics(leg).packets_dropped == 1)
        assert other.packets == []

    run(scenario)


def test_a_reinvite_moves_the_far_end_without_a_break_in_what_is_sent(run):
    async def scenario(studio):
        a, b = studio.bridged()
        moved = studio.end(connect=False)
        a.send(b"\x01" * 160)
        await studio.until(lambda: b.packets)
        asyncio.get_running_loop().add_reader(moved.socket, moved.read)
        studio.plane.connect(b.leg, moved.socket.getsockname(), moved.format)
        await asyncio.sleep(0.01)
        a.send(b"\x02" * 160)
        await studio.until(lambda: moved.packets)
        assert moved.packets[0].ssrc == b.packets[0].ssrc
        assert (moved.packets[0].sequence - b.packets[0].sequence) & 0xFFFF == 1

    run(scenario)


def test_an_address_that_cannot_work_is_refused_with_what_to_do(run):
    async def scenario(studio):
        leg = studio.plane.open_leg()
        with pytest.raises(UsageError, match="IPv4"):
            studio.plane.connect(leg, ("phone.example", 4000), MediaFormat("PCMU", 0))
        with pytest.raises(UsageError, match="port 0"):
            studio.plane.connect(leg, ("127.0.0.1", 0), MediaFormat("PCMU", 0))
        with pytest.raises(UsageError, match="unknown"):
            studio.plane.connect(leg, ("127.0.0.1", 4000), MediaFormat("opus", 96))

    run(scenario)


def behind_translation(studio, other, **options):
    """A leg whose SDP names a private address, bridged to `other`, and the phone that is there."""
    phone = studio.end(connect=False)
    phone.leg = studio.plane.open_leg()
    phone.port = studio.plane.port_of(phone.leg)
    studio.plane.connect(phone.leg, ("10.9.9.9", 4000), phone.format, latch=True, **options)
    asyncio.get_running_loop().add_reader(phone.socket, phone.read)
    studio.plane.bridge(phone.leg, other.leg)
    return phone


def test_who_spoke_first_loses_the_leg_to_the_host_that_signals(run):
    async def scenario(studio):
        other = studio.end()
        phone = behind_translation(studio, other, signals_from="127.0.0.1")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sprayer:
            sprayer.bind(("127.0.0.2", 0))
            header = struct.pack(">BBHII", 0x80, 0, 1, 160, 0xBAD)
            sprayer.sendto(header + b"\x01" * 160, ("127.0.0.1", phone.port))
            await studio.until(lambda: other.packets)
            phone.send(b"\x02" * 160)
            await studio.until(lambda: len(other.packets) == 2)
            for _ in range(5):
                sprayer.sendto(header + b"\x03" * 160, ("127.0.0.1", phone.port))
                other.send(b"\x04" * 160)
            await studio.until(lambda: len(phone.packets) == 5)
            await studio.until(lambda: studio.plane.statistics(phone.leg).packets_dropped == 5)
            assert [packet.payload[0] for packet in other.packets] == [1, 2]

    run(scenario)


@pytest.mark.parametrize("is_settled", [False, True])
def test_a_phone_behind_translation_that_moves_by_reinvite_is_found_again(run, is_settled):
    async def scenario(studio):
        other = studio.end()
        phone = behind_translation(studio, other, signals_from="127.0.0.1")
        row = studio.plane._shared.legs[studio.plane._leg(phone.leg).slot]
        await asyncio.sleep(0.01)
        phone.send(b"\x01" * 160)
        await studio.until(lambda: other.packets)
        if is_settled:
            row["learn_until_ns"] = 0
            await studio.until(lambda: row["state"] == v.CONNECTED)
        studio.plane.connect(phone.leg, ("10.9.9.9", 4002), phone.format, latch=True, signals_from="127.0.0.1")
        await studio.until(lambda: row["named_port"] == 4002)
        phone.send(b"\x02" * 160)  # still under way
        await studio.until(lambda: len(other.packets) == 2)
        other.send(b"\x03" * 160)
        await studio.until(lambda: phone.packets)  # no gap until it speaks from its new port
        moved = studio.end(connect=False)
        moved.port = phone.port
        asyncio.get_running_loop().add_reader(moved.socket, moved.read)
        moved.send(b"\x04" * 160)
        await studio.until(lambda: len(other.packets) == 3)
        other.send(b"\x05" * 160)
        await studio.until(lambda: moved.packets)
        phone.send(b"\x06" * 160)
        await studio.until(lambda: studio.plane.statistics(phone.leg).packets_dropped == 1)
        assert [packet.payload[0] for packet in other.packets] == [1, 2, 4]

    run(scenario)
