"""What is no RTP on a browser's leg: handed over and back by one socket, rationed, and never heard as audio."""

import asyncio
import struct
import time

import pytest

from softswitch.errors import UsageError
from softswitch.media.layout import DATAGRAM_BYTES
from softswitch.media.signals import BURST

STUN = b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12)
DTLS = b"\x16\xfe\xfd" + bytes(10)
AUDIO = struct.pack(">BBHII", 0x80, 0, 1, 160, 77) + b"\x55" * 160


class Desk:
    """A browser's leg, and who attends to it."""

    def __init__(self, studio):
        self.studio, self.plane = studio, studio.plane
        self.browser, self.stranger = studio.end(connect=False), studio.end(connect=False)
        self.heard = []
        self.leg = self.plane.open_leg()
        self.browser.port = self.stranger.port = self.port = self.plane.port_of(self.leg)
        self.plane.attend_browser(self.leg, lambda data, address: self.heard.append((data, address)))

    async def hears(self, data, end):
        end.send_raw(data)
        await self.studio.until(lambda: (data, end.socket.getsockname()) in self.heard)

    def connect(self, end):
        self.plane.connect(self.leg, end.socket.getsockname(), end.format)


def test_stun_and_dtls_are_handed_over_with_where_they_came_from(run):
    async def scenario(studio):
        desk = Desk(studio)
        await asyncio.sleep(0.01)
        for data in (STUN, DTLS, b"\x03", b"\x3f" * DATAGRAM_BYTES):
            await desk.hears(data, desk.browser)
        await desk.hears(STUN + b"1234", desk.stranger)
        desk.connect(desk.browser)
        await desk.hears(STUN + b"5678", desk.stranger)  # another of the browser's networks, perhaps

    run(scenario)


def test_what_is_neither_is_dropped_and_counted(run):
    async def scenario(studio):
        desk = Desk(studio)
        await asyncio.sleep(0.01)
        for data in (b"\x04" * 20, b"\x13" * 20, b"\x40" * 20, b"\x7f" * 20, b"\x00" * (DATAGRAM_BYTES + 1)):
            desk.browser.send_raw(data)
        await studio.until(lambda: studio.plane.statistics(desk.leg).packets_dropped == 5)
        assert desk.heard == []

    run(scenario)


def test_a_leg_without_a_browser_hands_nothing_over(run):
    async def scenario(studio):
        a, _ = studio.bridged()
        await asyncio.sleep(0.01)
        a.send_raw(STUN)
        a.send_raw(DTLS)
        await studio.until(lambda: studio.plane.statistics(a.leg).packets_dropped == 2)

    run(scenario)


def test_an_answer_leaves_from_the_legs_own_port(run):
    async def scenario(studio):
        desk = Desk(studio)
        await asyncio.sleep(0.01)
        for end in (desk.browser, desk.stranger):
            desk.plane.send_datagram(desk.leg, DTLS, end.socket.getsockname())
            data, source = await asyncio.to_thread(receive, end)
            assert (data, source) == (DTLS, ("127.0.0.1", desk.port))

    run(scenario)


def test_a_goodbye_leaves_before_its_leg_is_closed(run):
    async def scenario(studio):
        desk = Desk(studio)
        await asyncio.sleep(0.01)
        desk.plane.send_datagram(desk.leg, b"\x15goodbye", desk.browser.socket.getsockname())
        desk.plane.close_leg(desk.leg)
        assert (await asyncio.to_thread(receive, desk.browser))[0] == b"\x15goodbye"

    run(scenario)


def test_a_datagram_that_is_too_long_is_an_error_of_ours(run):
    async def scenario(studio):
        desk = Desk(studio)
        with pytest.raises(UsageError):
            desk.plane.send_datagram(desk.leg, bytes(DATAGRAM_BYTES + 1), ("127.0.0.1", 9))

    run(scenario)


def test_a_flood_of_strangers_is_rationed_and_does_not_silence_the_browser(run):
    async def scenario(studio):
        desk = Desk(studio)
        desk.connect(desk.browser)
        await asyncio.sleep(0.01)
        start = time.monotonic()
        for _ in range(20):
            for _ in range(100):
                desk.stranger.send_raw(STUN)
            desk.browser.send_raw(STUN + b"mine")
            await asyncio.sleep(0.01)
        await studio.until(lambda: studio.plane.statistics(desk.leg).packets_dropped > 1000)
        assert sum(address == desk.browser.socket.getsockname() for _, address in desk.heard) >= 15
        strangers = sum(address == desk.stranger.socket.getsockname() for _, address in desk.heard)
        assert BURST <= strangers <= BURST + 2 + 50 * (time.monotonic() - start)

    run(scenario)


def test_audio_is_heard_from_where_the_browser_is_and_from_nowhere_else(run):
    async def scenario(studio):
        desk, other = Desk(studio), studio.end()
        studio.plane.bridge(desk.leg, other.leg)
        desk.connect(desk.browser)
        await asyncio.sleep(0.01)
        desk.stranger.send_raw(AUDIO)
        await studio.until(lambda: studio.plane.statistics(desk.leg).packets_dropped == 1)
        desk.browser.send_raw(AUDIO)
        await studio.until(lambda: len(other.packets) == 1)
        studio.plane.move(desk.leg, desk.stranger.socket.getsockname())
        await asyncio.sleep(0.01)
        desk.stranger.send_raw(AUDIO)
        await studio.until(lambda: len(other.packets) == 2)
        desk.browser.send_raw(AUDIO)
        await studio.until(lambda: studio.plane.statistics(desk.leg).packets_dropped == 2)
        for end in (desk.stranger, desk.browser):
            asyncio.get_running_loop().add_reader(end.socket, end.read)
        other.send(b"\x01" * 160)
        await studio.until(lambda: desk.stranger.packets)
        assert desk.browser.packets == []

    run(scenario)


def test_control_packets_on_the_port_of_the_audio_are_told_from_it(run):
    async def scenario(studio):
        desk = Desk(studio)
        desk.connect(desk.browser)
        await asyncio.sleep(0.01)
        desk.browser.send_raw(b"\x80\xc9\x00\x01" + bytes(4))
        desk.stranger.send_raw(b"\x80\xc9\x00\x01" + bytes(4))
        await studio.until(lambda: studio.plane.statistics(desk.leg).packets_dropped == 1)
        await studio.until(
            lambda: studio.plane._shared.legs[(desk.port - studio.plane._first_port) // 2]["control_packets"] == 1
        )
        assert studio.plane.statistics(desk.leg).packets_received == 0

    run(scenario)


def test_a_fault_of_who_attends_does_not_stop_the_others(run):
    async def scenario(studio):
        faults = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
        desk, broken = Desk(studio), Desk(studio)

        def fail(data, address):
            raise ValueError("not today")

        studio.plane.attend_browser(broken.leg, fail)
        await asyncio.sleep(0.01)
        broken.browser.send_raw(STUN)
        await desk.hears(STUN, desk.browser)
        await studio.until(lambda: faults)

    run(scenario)


def receive(end):
    """The next datagram, and where it came from."""
    end.socket.settimeout(60.0)
    return end.socket.recvfrom(4096)
