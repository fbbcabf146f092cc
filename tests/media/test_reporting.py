"""RTCP on live legs: reports go out and in, say what happened, and tell nothing else."""

import asyncio
import socket
import struct

import pytest
from softswitch.codecs.tones import tone

from softswitch.media.events import MediaFormat


class ControlEnd:
    """The RTCP port of an end whose RTP port is `end`'s; any port unless told."""

    def __init__(self, end, port=0, host="127.0.0.1"):
        self.end, self.datagrams = end, []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        self.socket.setblocking(False)
        asyncio.get_running_loop().add_reader(self.socket, self.read)

    def read(self):
        self.datagrams.append(self.socket.recv(2048))

    def send(self, datagram):
        self.socket.sendto(datagram, ("127.0.0.1", self.end.port + 1))

    def close(self):
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()


def sender_report(ssrc, about, last_report=0, delay=0, lost=0, jitter=0):
    block = struct.pack(">IIIIII", about, lost, 0, jitter, last_report, delay)
    body = struct.pack(">IQIII", ssrc, 0xE0000000_80000000, 1, 10, 1600) + block
    description = struct.pack(">I", ssrc) + b"\x01\x01x\0"
    return struct.pack(">BBH", 0x81, 200, len(body) // 4) + body + struct.pack(">BBH", 0x81, 202, 2) + description


async def reported(studio, end, control, seconds=60.0):
    """Talk until a report has come."""
    talking = asyncio.ensure_future(end.say(tone((500.0,), int(1000 * seconds), -20.0)))
    control.send(sender_report(end.ssrc, 1))
    await studio.until(lambda: control.datagrams, 60.0)
    talking.cancel()
    return control.datagrams[-1]


def test_a_leg_reports_what_it_received_under_a_name_that_tells_nothing(run):
    async def scenario(studio):
        a, _ = studio.bridged()
        control = ControlEnd(a)
        a.send(b"\xd5" * 160)
        a.skip(5)
        first = await reported(studio, a, control)
        assert first[0] >> 6 == 2 and first[1] in (200, 201) and len(first) % 4 == 0
        block = first[28:52] if first[1] == 200 else first[8:32]
        about, lost = struct.unpack_from(">II", block)
        assert about == a.ssrc
        assert lost & 0xFFFFFF == 5
        assert b"\xca\x01\x01" in first or b"\x81\xca" in first, "SDES"
        assert b"127.0.0.1" not in first and b"softswitch" not in first
        control.close()

    run(scenario)


def test_the_round_trip_comes_from_the_other_ends_reports(run):
    async def scenario(studio):
        a, b = studio.bridged()
        control = ControlEnd(a)
        talk = asyncio.ensure_future(b.say(tone((500.0,), 9000, -20.0)))
        await studio.until(lambda: a.packets)
        report = await reported(studio, a, control, 9.0)
        talk.cancel()
        ours = struct.unpack_from(">I", report, 4)[0]
        assert ours == a.packets[0].ssrc
        assert report[1] == 200, "who sends audio sends sender reports"
        middle = struct.unpack_from(">I", report, 10)[0]
        await asyncio.sleep(0.25)
        control.send(sender_report(a.ssrc, ours, middle, int(0.05 * 65536), lost=7, jitter=80))
        await asyncio.sleep(0.1)
        figures = studio.plane.statistics(a.leg)
        assert 150 < figures.round_trip_ms < 5000
        assert figures.far_packets_lost == 7 and figures.far_jitter_ms == 10.0
        assert 1.0 < figures.mos <= 4.5
        control.close()

    run(scenario)


def test_a_stranger_on_another_host_reports_nothing(run):
    async def scenario(studio):
        a, b = studio.bridged()
        a.send(b"\xd5" * 160)
        await studio.until(lambda: b.packets)
        stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        stranger.bind(("127.0.0.9", 0))
        stranger.settimeout(0.5)
        for _ in range(20):
            stranger.sendto(sender_report(1, 1, lost=99), ("127.0.0.1", a.port + 1))
            stranger.sendto(b"\x81\xc8\xff\xff" + bytes(40), ("127.0.0.1", a.port + 1))
            await asyncio.sleep(0.01)
        with pytest.raises(TimeoutError):
            stranger.recv(100)
        assert studio.plane.statistics(a.leg).far_packets_lost is None
        stranger.close()

    run(scenario)


def test_a_datagram_longer_than_what_is_read_of_it_is_no_report(run):
    async def scenario(studio):
        a, _ = studio.bridged()
        a.send(b"\xd5" * 160)
        await studio.until(lambda: studio.plane.statistics(a.leg).packets_received)
        row = studio.plane._shared.reports[studio.plane._leg(a.leg).slot]
        control = ControlEnd(a)
        receiver_report = struct.pack(">BBHI", 0x80, 201, 1, a.ssrc)
        for size in (4088, 6000):  # with the report, as much as is read, and more
            rest = struct.pack(">BBHI4s", 0x80, 204, size // 4 - 1, a.ssrc, b"name")
            control.send(receiver_report + rest.ljust(size, b"\0"))
        await studio.until(lambda: studio.plane._shared.legs[studio.plane._leg(a.leg).slot]["control_packets"] == 2)
        assert int(row["control"]["packets_received"]) == 1
        control.close()

    run(scenario)


def test_reports_are_whose_port_spoke_first_until_the_usual_one_speaks(run):
    async def scenario(studio):
        a, b = studio.bridged()
        for _ in range(3):
            a.send(b"\xd5" * 160)
            b.send(b"\xd5" * 160)
        await studio.until(lambda: a.packets and b.packets)
        first, thief, usual = ControlEnd(a), ControlEnd(a), ControlEnd(a, a.socket.getsockname()[1] + 1)

        async def says(who, lost):
            who.send(sender_report(a.ssrc, a.packets[0].ssrc, lost=lost))
            await asyncio.sleep(0.1)
            return studio.plane.statistics(a.leg).far_packets_lost

        assert await says(first, 3) == 3
        assert await says(thief, 99) == 3
        assert await says(usual, 5) == 5
        assert await says(first, 7) == 5
        talking = asyncio.ensure_future(a.say(tone((500.0,), 9000, -20.0)))
        await studio.until(lambda: usual.datagrams, 60.0)
        talking.cancel()
        assert first.datagrams == thief.datagrams == []
        for end in (first, thief, usual):
            end.close()

    run(scenario)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.7"])
def test_reports_go_where_the_sdp_wants_them_and_are_heard_from_there(run, host):
    """RFC 3605: on a port of its own, and perhaps on a host of its own."""

    async def scenario(studio):
        a, _ = studio.bridged()
        named = ControlEnd(a, host=host)
        studio.plane.connect(a.leg, a.socket.getsockname(), a.format, reports_to=named.socket.getsockname())
        row = studio.plane._shared.reports[studio.plane._leg(a.leg).slot]
        talking = asyncio.ensure_future(a.say(tone((500.0,), 30000, -20.0)))
        await studio.until(lambda: named.datagrams, 60.0)
        talking.cancel()
        ours = struct.unpack_from(">I", named.datagrams[0], 4)[0]
        named.send(sender_report(a.ssrc, ours, lost=3))
        await studio.until(lambda: studio.plane.statistics(a.leg).far_packets_lost == 3)
        thief = ControlEnd(a, host="127.0.0.8")
        thief.send(sender_report(a.ssrc, ours, lost=99))
        await asyncio.sleep(0.1)
        assert studio.plane.statistics(a.leg).far_packets_lost == 3
        assert int(row["remote_port"]) == named.socket.getsockname()[1]
        # a re-INVITE that says nothing of it takes it back
        studio.plane.connect(a.leg, a.socket.getsockname(), a.format)
        await studio.until(lambda: row["named_port"] == 0 and row["remote_port"] == 0)
        for end in (named, thief):
            end.close()

    run(scenario)


def test_where_both_agreed_reports_share_the_rtp_port(run):
    async def scenario(studio):
        a, b = studio.bridged()
        form = MediaFormat("PCMU", 0, 101, rtcp_mux=True)
        studio.plane.connect(a.leg, a.socket.getsockname(), form)
        a.packets.clear()
        loop = asyncio.get_running_loop()
        loop.remove_reader(a.socket)
        reports = []

        def read():
            datagram = a.socket.recv(4096)
            if 192 <= datagram[1] <= 223:
                reports.append(datagram)

        loop.add_reader(a.socket, read)
        talking = asyncio.ensure_future(a.say(tone((500.0,), 9000, -20.0)))
        a.send_raw(sender_report(a.ssrc, 1))
        await studio.until(lambda: reports, 60.0)
        talking.cancel()
        heard = len(b.packets)
        assert heard > 0
        studio.plane.close_leg(a.leg)
        await studio.until(lambda: reports[-1][-8] == 0x81 and reports[-1][-7] == 203)

    run(scenario)


def test_a_call_without_loss_scores_high_and_one_with_loss_lower(run):
    async def scenario(studio):
        a, b = studio.bridged()
        await a.say(tone((500.0,), 1000, -20.0))
        await b.say(tone((500.0,), 1000, -20.0), before=lambda index: index % 5 != 0 or b.skip())
        clean, lossy = studio.plane.statistics(a.leg), studio.plane.statistics(b.leg)
        assert clean.mos > 4.0 and clean.packets_lost == 0
        assert lossy.packets_lost > 5 and lossy.mos < clean.mos - 0.5

    run(scenario)
