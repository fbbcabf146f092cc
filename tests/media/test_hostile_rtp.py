"""Senders who are not on the call's path, and datagrams that no sound peer sends, against every port of a live call.

What they stand for: RTP bleed (CVE-2017-14099, CVE-2025-53399), injected media and RTCP, and parsers that trust a
length. A forger here knows all that a listener on the wire would know: SSRC, sequence number and timestamp.
"""

import asyncio
import contextlib
import random
import socket
import struct
from pathlib import Path

import pytest

from softswitch.media.events import DigitPressed, MediaFormat, PlaneDied

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "malformed"
needs_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason="the vectors are not on this machine")
FORGED = b"\x33" * 160
SEED = 20_261_122
PORTS = 1000
"""More than a plane of these tests has."""
LARGEST = 1500


class Stranger:
    """A socket that has no part in the call: its host may even be the caller's."""

    def __init__(self, host="127.0.0.1", port=0):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        self.socket.setblocking(False)
        self.asked = 0
        """A port of the plane's; all of them lie together."""

    def send(self, datagram, *ports):
        self.asked = ports[0]
        for port in ports:
            with contextlib.suppress(ConnectionRefusedError):
                self.socket.sendto(datagram, ("127.0.0.1", port))

    def was_answered(self):
        """Whether anything at all has come to it from the plane. A refusal by ICMP is no answer, nor is what the test
        beside this one sends to a socket that had this port before."""
        for _ in range(1000):
            try:
                _, (_, port) = self.socket.recvfrom(4096)
            except BlockingIOError:
                return False
            except ConnectionRefusedError:
                continue
            if abs(port - self.asked) < PORTS:
                return True
        return False

    def close(self):
        self.socket.close()


@pytest.fixture
def strangers():
    """At the caller's host, at another, and at one further off."""
    made = [Stranger(), Stranger("127.0.0.2"), Stranger("127.66.6.6")]
    yield made
    for one in made:
        one.close()


def ports_of(*ends):
    """Each leg's RTP and RTCP port."""
    return [port for end in ends for port in (end.port, end.port + 1)]


def rtp(payload=FORGED, *, payload_type=0, sequence=1, timestamp=0, ssrc=77):
    return struct.pack(">BBHII", 0x80, payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc) + payload


def forged_in_place_of(end):
    """What the end would send next, with another's words."""
    return rtp(payload_type=end.payload_type, sequence=end.sequence, timestamp=end.timestamp, ssrc=end.ssrc)


def control_packets(ssrc):
    """RTCP (RFC 3550 §6): a sender report, a receiver report, a farewell, and compounds of them."""
    sender = struct.pack(">BBHIQIII", 0x80, 200, 6, ssrc, 0x83AA7E80 << 32, 160, 1, 160)
    receiver = struct.pack(">BBHIIIIIII", 0x81, 201, 7, ssrc, ssrc ^ 1, 0xFF << 24, 9999, 500, 0, 0)
    farewell = struct.pack(">BBHI", 0x81, 203, 1, ssrc)
    return [sender, receiver, farewell, sender + farewell, receiver + farewell]


def malformed_control_packets(ssrc):
    """RTCP whose counts and lengths lie."""
    return [
        b"\x80\xc8",  # ends within its header
        struct.pack(">BBHI", 0x9F, 200, 6, ssrc),  # 31 report blocks, none there
        struct.pack(">BBHI", 0x80, 200, 0xFFFF, ssrc),  # 256 KiB announced
        struct.pack(">BBHI", 0xA0, 201, 1, ssrc)[:-1] + b"\xff",  # padding longer than the packet
        struct.pack(">BBHI", 0x9F, 203, 1, ssrc),  # 31 leave, one is named
        struct.pack(">BBHI", 0x81, 203, 2, ssrc) + b"\xff\x00\x00\x00",  # a reason of 255 bytes, three there
        struct.pack(">BBHI", 0x81, 202, 2, ssrc) + b"\x01\xff\x00\x00",  # a name of 255 bytes
        struct.pack(">BBHI", 0x81, 205, 2, ssrc) + b"\0" * 3,  # feedback cut short
        b"\x80\xc9\x00\x00" * 300,  # three hundred empty reports
    ]


def is_sound(datagram, payload_types):
    """Whether a receiver may take this for RTP, read anew from RFC 3550 §5.1 and RFC 5761 §4."""
    if not 12 <= len(datagram) <= LARGEST or datagram[0] >> 6 != 2:
        return False
    if datagram[1] & 0x7F not in payload_types:
        return False
    rest = len(datagram) - 12 - 4 * (datagram[0] & 15)
    if datagram[0] & 0x10:
        if rest < 4:
            return False
        at = len(datagram) - rest
        rest -= 4 + 4 * int.from_bytes(datagram[at + 2 : at + 4], "big")
    if datagram[0] & 0x20:
        rest -= datagram[-1] or LARGEST
    return rest >= 0


def fuzzed(seed):
    """Datagrams without end: sound ones bent in a few bytes, cut, stretched or doubled, and plain noise."""
    chance = random.Random(seed)
    models = [rtp(), rtp(b"\x01\x8a\x03\x20", payload_type=101), *control_packets(77), *malformed_control_packets(77)]
    models += [struct.pack(">BBHIIHH", 0x90, 0, 1, 0, 77, 0xBEDE, 2) + b"\0" * 8 + FORGED]
    models += [struct.pack(">BBHII", 0xA3, 0, 1, 0, 77) + b"\0" * 12 + FORGED + b"\x04"]
    models += [b"\x00\x01\x00\x00\x21\x12\xa4\x42" + b"\x07" * 12, b"\x16\xfe\xff" + b"\0" * 10]  # STUN, DTLS
    while True:
        datagram = bytearray(chance.choice(models))
        match chance.randrange(5):
            case 0:
                datagram = bytearray(chance.randbytes(chance.randrange(0, 200)))
            case 1:
                del datagram[chance.randrange(len(datagram)) :]
            case 2:
                datagram += chance.randbytes(chance.choice([1, 3, 4, 60, 1400, 4000]))
            case 3:
                datagram[0] = chance.randrange(256)
                datagram[1:2] = bytes([chance.randrange(256)])
        for _ in range(chance.randrange(4)):
            if datagram:
                datagram[chance.randrange(len(datagram))] = chance.randrange(256)
        yield bytes(datagram)


async def converse(a, b, packets, between=None):
    """Both ends talk in step; `between(index)` is what hostile things happen beside it. No two packets are alike."""
    for index in range(packets):
        a.send(b"\x11" + struct.pack(">I", index) * 40)
        b.send(b"\x22" + struct.pack(">I", index) * 40)
        if between is not None:
            between(index)
        await asyncio.sleep(0.004)


def said(marker, packets):
    return [marker + struct.pack(">I", index) * 40 for index in range(packets)]


async def assert_heard_each_other_alone(studio, a, b, packets):
    await studio.until(lambda: len(a.packets) >= packets and len(b.packets) >= packets)
    await asyncio.sleep(0.05)  # what should not come has had its time
    assert [packet.payload for packet in b.packets] == said(b"\x11", packets)
    assert [packet.payload for packet in a.packets] == said(b"\x22", packets)
    for end in (a, b):
        assert studio.plane.statistics(end.leg).packets_received == packets
        assert len({packet.ssrc for packet in end.packets}) == 1
        assert [packet.sequence for packet in end.packets] == [
            (end.packets[0].sequence + index) & 0xFFFF for index in range(packets)
        ]


@pytest.mark.parametrize("latch", [False, True])
def test_strangers_in_mid_call_get_nothing_back_and_are_never_heard(run, strangers, latch):
    async def scenario(studio):
        a, b = studio.end(latch=latch), studio.end(latch=latch)
        studio.plane.bridge(a.leg, b.leg)
        probe = (VECTORS / "rtp-bleed-probe.dat").read_bytes() if VECTORS.is_dir() else rtp(b"")

        def attack(index):
            if index < 2:
                return  # the call is there first: both sources are known
            for stranger in strangers:
                stranger.send(probe, *ports_of(a, b))
                stranger.send(forged_in_place_of(a), *ports_of(a))
                stranger.send(forged_in_place_of(b), *ports_of(b))
                for datagram in control_packets(a.ssrc):
                    stranger.send(datagram, *ports_of(a, b))

        await asyncio.sleep(0.02)
        await converse(a, b, 100, attack)
        await assert_heard_each_other_alone(studio, a, b, 100)
        assert not any(stranger.was_answered() for stranger in strangers)

    run(scenario)


def test_strangers_before_the_first_packet_get_nothing_back_and_move_nothing(run, strangers):
    async def scenario(studio):
        a, b = studio.end(connect=False), studio.end(connect=False)
        for end in (a, b):
            end.leg = studio.plane.open_leg()
            end.port = studio.plane.port_of(end.leg)
        studio.plane.bridge(a.leg, b.leg)

        def probe_all():
            for stranger in strangers:
                for datagram in (rtp(), rtp(b""), *control_packets(77)):
                    stranger.send(datagram, *ports_of(a, b))

        probe_all()  # bound, and nothing agreed
        await asyncio.sleep(0.02)
        for end in (a, b):
            studio.plane.connect(end.leg, end.socket.getsockname(), end.format)
            asyncio.get_running_loop().add_reader(end.socket, end.read)
        probe_all()  # agreed, perhaps not yet carried out
        await asyncio.sleep(0.02)
        probe_all()  # agreed, and nobody heard
        await converse(a, b, 20)
        await assert_heard_each_other_alone(studio, a, b, 20)
        assert not any(stranger.was_answered() for stranger in strangers)

    run(scenario)


def test_one_who_sends_from_the_callers_own_port_on_another_host_is_a_stranger(run):
    async def scenario(studio):
        a, b = studio.bridged()
        twins = [Stranger("127.0.0.2", end.socket.getsockname()[1]) for end in (a, b)]

        def attack(index):
            twins[0].send(forged_in_place_of(a), *ports_of(a))
            twins[1].send(forged_in_place_of(b), *ports_of(b))

        try:
            await asyncio.sleep(0.02)
            await converse(a, b, 50, attack)
            await assert_heard_each_other_alone(studio, a, b, 50)
            assert not any(twin.was_answered() for twin in twins)
        finally:
            for twin in twins:
                twin.close()

    run(scenario)


def learning_leg(studio, remote, other):
    """A leg that may learn its source, bridged to `other`; the leg and its port."""
    leg = studio.plane.open_leg()
    studio.plane.connect(leg, remote, MediaFormat("PCMU", 0, 101), latch=True)
    studio.plane.bridge(leg, other.leg)
    return leg, studio.plane.port_of(leg)


def test_in_the_learning_window_another_host_is_neither_learned_nor_sent_anything(run):
    async def scenario(studio):
        other, phone = studio.end(), studio.end(connect=False)
        # SDP names the phone's host and a port that translation has changed; every other host is off the path
        leg, port = learning_leg(studio, ("127.0.0.1", 9), other)
        phone.leg, phone.port = leg, port
        asyncio.get_running_loop().add_reader(phone.socket, phone.read)
        far = [Stranger("127.0.0.2"), Stranger("127.66.6.6"), Stranger("127.0.0.2", phone.socket.getsockname()[1])]
        try:
            for index in range(40):
                for stranger in far:
                    stranger.send(rtp(sequence=index), port, port + 1)
                other.send(b"\x22" * 160)
                await asyncio.sleep(0.002)
            await studio.until(lambda: studio.plane.statistics(leg).packets_dropped == 40 * len(far))
            assert studio.plane.statistics(leg).packets_received == 0
            await asyncio.sleep(0.02)
            assert other.packets == []
            phone.send(b"\x11" * 160)
            await studio.until(lambda: other.packets)
            for _ in range(10):
                other.send(b"\x22" * 160)
                far[0].send(rtp(), port, port + 1)
                await asyncio.sleep(0.002)
            await studio.until(lambda: len(phone.packets) == 10)
            assert [packet.payload for packet in other.packets] == [b"\x11" * 160]
            assert not any(stranger.was_answered() for stranger in far)
        finally:
            for stranger in far:
                stranger.close()

    run(scenario)


def test_what_is_no_sound_media_packet_of_the_call_teaches_nothing(run):
    async def scenario(studio):
        other, phone = studio.end(), studio.end(connect=False)
        leg, port = learning_leg(studio, ("127.0.0.1", 9), other)
        phone.leg, phone.port = leg, port
        asyncio.get_running_loop().add_reader(phone.socket, phone.read)
        prober = Stranger()  # on the phone's own host, so that only what it sends speaks against it
        unsound = [
            b"", b"\0", rtp()[:11], rtp(payload_type=97), rtp(payload_type=72), b"\x40" + rtp()[1:],
            struct.pack(">BBHII", 0xA0, 0, 1, 0, 77) + b"\xff" * 3,
            *control_packets(77), *malformed_control_packets(77),
        ]  # fmt: skip
        try:
            for datagram in unsound:
                prober.send(datagram, port, port + 1)
            await asyncio.sleep(0.05)
            assert studio.plane.statistics(leg).packets_received == 0
            for _ in range(5):
                other.send(b"\x22" * 160)
                await asyncio.sleep(0.002)
            phone.send(b"\x11" * 160)
            await studio.until(lambda: other.packets)
            other.send(b"\x22" * 160)
            await studio.until(lambda: phone.packets)
            prober.send(forged_in_place_of(phone), port, port + 1)
            await asyncio.sleep(0.05)
            assert [packet.payload for packet in other.packets] == [b"\x11" * 160]
            assert not prober.was_answered()
        finally:
            prober.close()

    run(scenario)


def test_when_the_learning_window_is_over_only_the_address_of_the_sdp_is_believed(run):
    async def scenario(studio):
        other, phone = studio.end(), studio.end(connect=False)
        leg, port = learning_leg(studio, phone.socket.getsockname(), other)
        phone.leg, phone.port = leg, port
        asyncio.get_running_loop().add_reader(phone.socket, phone.read)
        await asyncio.sleep(5.2)  # the window is five seconds
        late = Stranger()
        try:
            for _ in range(5):
                late.send(rtp(), port, port + 1)
                other.send(b"\x22" * 160)
                await asyncio.sleep(0.002)
            phone.send(b"\x11" * 160)
            await studio.until(lambda: other.packets and len(phone.packets) == 5)
            await asyncio.sleep(0.05)
            assert [packet.payload for packet in other.packets] == [b"\x11" * 160]
            assert not late.was_answered()
        finally:
            late.close()

    run(scenario)


@needs_vectors
def test_an_event_cut_short_presses_no_key(run):
    async def scenario(studio):
        a, b = studio.bridged()
        await asyncio.sleep(0.02)
        datagram = (VECTORS / "dtmf-short-event.dat").read_bytes()
        for payload in (b"", b"\x05", b"\x05\x80", b"\x05\x80\x01"):
            a.send_raw(rtp(payload, payload_type=101, ssrc=a.ssrc))
        a.send_raw(bytes([datagram[0], 101]) + datagram[2:])
        await studio.until(lambda: studio.plane.statistics(a.leg).packets_dropped == 5)
        a.send(b"\x11" * 160)
        await studio.until(lambda: b.packets)
        assert studio.events.of(DigitPressed) == []
        assert [packet.payload for packet in b.packets] == [b"\x11" * 160]

    run(scenario)


def test_thousands_of_malformed_datagrams_from_the_caller_disturb_no_packet_and_are_counted(run):
    async def scenario(studio):
        a, b = studio.bridged()
        unsound = (each for each in fuzzed(SEED) if not is_sound(each, {0, 8, 13, 101}))
        await asyncio.sleep(0.02)

        def attack(index):
            for _ in range(20):
                a.send_raw(next(unsound))
            for datagram in control_packets(a.ssrc)[:2] + malformed_control_packets(a.ssrc):
                a.socket.sendto(datagram, ("127.0.0.1", a.port + 1))

        await converse(a, b, 250, attack)
        await studio.until(lambda: studio.plane.statistics(a.leg).packets_dropped == 250 * 20)
        await assert_heard_each_other_alone(studio, a, b, 250)
        assert studio.events.of(PlaneDied) == []
        assert studio.events.of(DigitPressed) == []

    run(scenario, in_thread=False)


def test_thousands_of_fuzzed_datagrams_at_every_port_leave_the_plane_working(run, strangers):
    async def scenario(studio):
        a, b = studio.bridged()
        datagrams = fuzzed(SEED + 1)
        await asyncio.sleep(0.02)
        for _ in range(300):
            for _ in range(10):
                datagram = next(datagrams)
                a.send_raw(datagram)  # some are sound, and are heard: they come from the caller
                for port in ports_of(a, b):
                    a.socket.sendto(datagram, ("127.0.0.1", port))
                for stranger in strangers:
                    stranger.send(datagram, *ports_of(a, b))
            b.packets.clear()
            await asyncio.sleep(0.004)
        assert not any(stranger.was_answered() for stranger in strangers)
        assert studio.events.of(PlaneDied) == []
        await asyncio.sleep(0.1)
        before = len(b.packets)
        a.ssrc ^= 0x0F0F0F0F  # a talk-spurt of its own, whatever the fuzz has made of the last
        for index in range(20):
            a.send(struct.pack(">I", index) * 40)
            await asyncio.sleep(0.004)
        await studio.until(lambda: len(b.packets) == before + 20)
        assert [packet.payload for packet in b.packets[before:]] == [struct.pack(">I", i) * 40 for i in range(20)]

    run(scenario, in_thread=False)
