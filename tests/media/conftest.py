"""Real sockets on 127.0.0.1: a small RTP end, and a plane in threads here unless a test wants the process."""

import asyncio
import contextlib
import socket
import struct
import time
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pytest
from softswitch.codecs import g711
from softswitch.codecs.tones import tone

from softswitch.media.control import MediaPlane
from softswitch.media.events import MediaFormat
from tests.auditor import AUDITOR
from tests.ports import lend_ports

NO_CATCH_UP_S = 0.2
"""A sender that was held up for longer, as its process stood still, sends no burst of what it did not say."""


@dataclass(frozen=True)
class Packet:
    at: float
    marker: bool
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    raw: bytes


def parse(raw, at=0.0):
    first, second, sequence, timestamp, ssrc = struct.unpack_from(">BBHII", raw)
    assert first == 0x80, "version 2, no padding, no extension, no CSRC"
    return Packet(at, bool(second >> 7), second & 0x7F, sequence, timestamp, ssrc, raw[12:], raw)


class End:
    """One far end of a leg: it sends what a test says, and keeps what comes."""

    def __init__(self, codec="PCMU", ssrc=0xDECAFBAD):
        self.codec, self.ssrc = codec, ssrc
        self.payload_type = {"PCMU": 0, "PCMA": 8}[codec]
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.sequence, self.timestamp = 4711, 0x11223344
        self.packets = []
        self.leg = self.port = None

    @property
    def format(self):
        return MediaFormat(self.codec, self.payload_type, 101)

    def open(self, plane, **options):
        self.leg = plane.open_leg()
        self.port = plane.port_of(self.leg)
        plane.connect(self.leg, self.socket.getsockname(), self.format, **options)
        asyncio.get_running_loop().add_reader(self.socket, self.read)
        return self

    def read(self):
        with contextlib.suppress(BlockingIOError, ConnectionError):
            while True:
                self.packets.append(parse(self.socket.recv(4096), time.monotonic()))

    def close(self):
        with contextlib.suppress(RuntimeError):
            asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()

    def send_raw(self, datagram):
        self.socket.sendto(datagram, ("127.0.0.1", self.port))

    def send(self, payload, marker=False, payload_type=None):
        kind = self.payload_type if payload_type is None else payload_type
        header = struct.pack(
            ">BBHII", 0x80, marker << 7 | kind, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, self.ssrc
        )
        self.send_raw(header + payload)
        self.sequence += 1
        self.timestamp += len(payload)

    def skip(self, packets=1):
        """Lose packets on the way, or be silent for as long."""
        self.sequence += packets
        self.timestamp += 160 * packets

    async def say(self, samples, before=None):
        """Send samples in packets of 20 ms on an absolute clock; `before(index)` may change what is sent."""
        due = time.monotonic()
        for index in range(len(samples) // 160):
            if before is None or before(index) is not False:
                self.send(g711.encode(self.codec, samples[160 * index : 160 * index + 160]).tobytes())
            due = await next_packet(due)

    def heard(self):
        """What the far end's ear makes of the packets, by timestamp."""
        if not self.packets:
            return np.zeros(0, np.int16)
        first = self.packets[0].timestamp
        audio = np.zeros(max(p.timestamp - first + len(p.payload) for p in self.packets), np.int16)
        for packet in self.packets:
            samples = g711.decode(self.codec, packet.payload)
            audio[packet.timestamp - first :][: samples.size] = samples
        return audio


def contiguous(packets):
    """Whether none is missing in their sequence numbers, and none comes twice."""
    return all((later.sequence - earlier.sequence) & 0xFFFF == 1 for earlier, later in pairwise(packets))


async def next_packet(due, packet_s=0.02):
    """Wait until the packet after the one that was due then; when that is. A clock that was held up begins anew."""
    await asyncio.sleep(max(0.0, due + packet_s - time.monotonic()))
    return due + packet_s if time.monotonic() < due + NO_CATCH_UP_S else time.monotonic()


class Events(list):
    def of(self, kind, leg=None):
        return [event for event in self if isinstance(event, kind) and leg in (None, event.leg)]

    async def wait(self, kind, leg=None, count=1, seconds=60.0):
        deadline = time.monotonic() + seconds
        while len(self.of(kind, leg)) < count:
            assert time.monotonic() < deadline, f"no {kind.__name__} within {seconds} s; there was {list(self)}"
            await asyncio.sleep(0.005)
        return self.of(kind, leg)[count - 1]


async def until(condition, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not happen"
        await asyncio.sleep(0.005)


class Studio:
    """What a media test has at hand: the plane, its events, ends, and the waiting for things to come about."""

    until = staticmethod(until)
    parse = staticmethod(parse)

    def __init__(self, plane, events, start_s):
        self.plane, self.events, self.ends = plane, events, []
        self.start_s = start_s
        """How long the plane took to start on this machine."""

    def end(self, codec="PCMU", ssrc=0xDECAFBAD, connect=True, **options):
        end = End(codec, ssrc)
        self.ends.append(end)
        return end.open(self.plane, **options) if connect else end

    def bridged(self, codec="PCMU", other="PCMU"):
        a, b = self.end(codec, 0xAAAA5555), self.end(other, 0xBBBB6666)
        self.plane.bridge(a.leg, b.leg)
        return a, b

    @staticmethod
    def tone(frequency_hz, duration_ms, level_dbov=-15.0):
        return tone((float(frequency_hz),), duration_ms, level_dbov)


@pytest.fixture
def run():
    """Run a scenario against a plane of its own: run(scenario, **settings of MediaPlane.start)."""

    def runner(scenario, **settings):
        async def session():
            events = Events()
            first_port = settings.pop("first_port", None) or lend_ports()
            last_port = settings.pop("last_port", first_port + 199)
            began = time.monotonic()
            plane = await MediaPlane.start(
                address="127.0.0.1",
                first_port=first_port,
                last_port=last_port,
                clips=settings.pop("clips", {}),
                on_event=events.append,
                **{"in_thread": True, "recording_key": AUDITOR.public, **settings},
            )
            studio = Studio(plane, events, time.monotonic() - began)
            try:
                await scenario(studio)
            finally:
                await plane.stop()
                for end in studio.ends:
                    end.close()

        asyncio.run(session())

    return runner


class Stage:
    """For tests that start planes themselves."""

    until = staticmethod(until)
    tone = staticmethod(Studio.tone)
    events = Events

    def __init__(self):
        self._ends = []

    def ports(self):
        """The first of 200 ports that no other test uses."""
        return lend_ports()

    def far_end(self, codec="PCMU", ssrc=0xDECAFBAD):
        end = End(codec, ssrc)
        self._ends.append(end)
        return end

    def listen(self, *ends):
        for end in ends:
            asyncio.get_running_loop().add_reader(end.socket, end.read)

    def run(self, scenario):
        async def session():
            try:
                await scenario()
            finally:
                for end in self._ends:
                    end.close()

        asyncio.run(session())


@pytest.fixture
def stage():
    return Stage()
