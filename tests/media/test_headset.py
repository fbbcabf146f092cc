"""A headset on a leg of a real plane: audio both ways under keys of its own, and nobody else's."""

import asyncio
import socket
import struct
from contextlib import asynccontextmanager

import pytest

from softswitch.errors import PeerError, UsageError
from softswitch.media.dtls import Certificate
from softswitch.media.headset import Headset, HeadsetState
from tests.media.browser_peer import BrowserPeer
from tests.media.wired_browser import WiredBrowser

AGENT, CALLEE = b"\x11" * 160, b"\x22" * 160
OURS = Certificate()


class Owner:
    def __init__(self):
        self.told = []

    def headset_connected(self, headset):
        self.told.append("connected")

    def headset_moved(self, headset):
        self.told.append("moved")

    def headset_lost(self, headset, reason):
        self.told.append(f"lost: {reason}")


@asynccontextmanager
async def call(studio, **peer):
    """A browser, and a callee on a phone, bridged."""
    room = Room(studio)
    room.browser = await WiredBrowser.open(BrowserPeer(**peer))
    room.browser.peer.receive_answer(room.headset.answer(room.browser.peer.offer(), "127.0.0.1"), 0.0)
    room.callee = studio.end()
    studio.plane.bridge(room.headset.leg, room.callee.leg)
    try:
        yield room
    finally:
        room.browser.stop()
        room.headset.close()


class Room:
    def __init__(self, studio):
        self.studio, self.plane, self.owner = studio, studio.plane, Owner()
        self.headset = Headset(studio.plane, studio.plane.open_leg(), OURS, self.owner)

    async def connect(self):
        self.browser.start()
        await self.studio.until(lambda: self.owner.told == ["connected"])
        await self.studio.until(lambda: self.browser.peer.keys is not None)

    async def talk(self, browser=None):
        """Both hear each other."""
        browser = browser or self.browser
        browser.saying = AGENT
        before = len(browser.peer.payloads), len(self.callee.packets)
        for _ in range(500):
            self.callee.send(CALLEE)
            await asyncio.sleep(0.02)
            if len(browser.peer.payloads) > before[0] + 3 and len(self.callee.packets) > before[1] + 3:
                break
        assert browser.peer.payloads[before[0] :][-1:] == [CALLEE]
        assert self.callee.packets[before[1] :][-1].payload == AGENT

    def statistics(self):
        return self.plane.statistics(self.headset.leg)


@pytest.mark.parametrize("setup", ["actpass", "active"])
def test_a_browser_and_a_phone_hear_each_other(run, setup):
    async def scenario(studio):
        async with call(studio, setup=setup) as room:
            assert room.headset.state is HeadsetState.CHECKING
            await room.connect()
            assert room.headset.state is HeadsetState.CONNECTED
            await room.talk()
            assert room.browser.peer.forged == 0
            assert room.statistics().packets_dropped == 0

    run(scenario)


def test_an_off_path_sender_is_never_heard_and_gets_nothing(run):
    """RTP bleed and injection: plain or sealed, from elsewhere or from the browser's own address, old or new."""

    async def scenario(studio):
        async with call(studio) as room:
            await room.connect()
            await room.talk()
            room.browser.saying = b""
            await asyncio.sleep(0.1)
            heard = len(room.callee.packets)
            thief = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            thief.bind(("127.0.0.1", 0))
            thief.setblocking(False)
            plain = struct.pack(">BBHII", 0x80, 0, 1, 160, 77) + bytes(160)
            copy = room.browser.peer.say(AGENT)
            forged = bytes([*copy[:-1], copy[-1] ^ 1])
            there = room.browser.peer.remote
            for data in (plain, copy, forged, b"\x80", b"\x80\xc8\x00\x06" + bytes(24)) * 20:
                thief.sendto(data, there)
            for data in (plain, forged):
                room.browser.send(data)
            await studio.until(lambda: room.statistics().packets_dropped == 102)
            assert len(room.callee.packets) == heard
            with pytest.raises(BlockingIOError):
                thief.recv(4096)
            thief.close()
            room.browser.send(copy)  # the browser's own, once; and a replay
            room.browser.send(copy)
            await studio.until(lambda: len(room.callee.packets) == heard + 1)
            await studio.until(lambda: room.statistics().packets_dropped == 103)
            await room.talk()

    run(scenario)


def test_malformed_stun_and_dtls_by_thousands_do_no_harm(run):
    async def scenario(studio):
        async with call(studio) as room:
            await room.connect()
            stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            check = bytearray(room.browser.peer.check())
            for round_ in range(40):
                for i in range(50):
                    bad = bytearray(check)
                    bad[(7 * i + round_) % len(bad)] ^= 0x55
                    stranger.sendto(bytes(bad), room.browser.peer.remote)
                    stranger.sendto(
                        b"\x16\xfe\xfd" + bytes((i * k + round_) & 255 for k in range(i)), room.browser.peer.remote
                    )
                room.browser.send(
                    b"\x16\xfe\xfd" + bytes(round_), b"\x00\x01" + bytes(round_), b"\x15\xfe\xfd" + bytes(12)
                )
                await asyncio.sleep(0.005)
            stranger.close()
            await room.talk()
            assert room.owner.told == ["connected"]

    run(scenario)


def test_a_browser_that_changes_its_network_goes_on(run):
    async def scenario(studio):
        async with call(studio) as room:
            await room.connect()
            await room.talk()
            room.browser.stop()
            again = room.browser = await WiredBrowser.open(room.browser.peer)
            again.start()
            await studio.until(lambda: room.owner.told == ["connected", "moved"])
            await room.talk()

    run(scenario)


def test_a_browser_with_another_certificate_is_not_let_in(run):
    async def scenario(studio):
        async with call(studio, told_fingerprint=bytes(32)) as room:
            room.browser.start()
            await studio.until(lambda: room.owner.told)
            assert room.owner.told[0].startswith("lost")
            assert room.headset.state is HeadsetState.CLOSED
            assert room.browser.peer.keys is None

    run(scenario)


def test_goodbyes_are_heard_both_ways(run):
    async def scenario(studio):
        async with call(studio) as room:
            await room.connect()
            room.browser.send(*room.browser.peer.close(0.0))
            await studio.until(lambda: len(room.owner.told) == 2)
            assert room.owner.told[1] == "lost: the browser ended it"
        async with call(studio) as room:
            await room.connect()
            room.headset.close()
            studio.plane.close_leg(room.headset.leg)
            await studio.until(lambda: len(room.browser.peer.events) == 2)

    run(scenario)


def test_another_process_may_go_on_where_this_one_ends(run):
    """The audio never needs it; consent does."""

    async def scenario(studio):
        async with call(studio) as room:
            await room.connect()
            snapshot = room.headset.snapshot()
            room.headset = Headset(studio.plane, room.headset.leg, OURS, room.owner)
            room.headset.take_up(snapshot)
            before = room.browser.peer.answered_checks
            await studio.until(lambda: room.browser.peer.answered_checks > before)
            await room.talk()

    run(scenario)


def test_a_browser_that_only_speaks_is_sent_nothing(run):
    async def scenario(studio):
        async with call(studio, direction="sendonly") as room:
            await room.connect()
            room.browser.saying = AGENT
            for _ in range(10):
                room.callee.send(CALLEE)
                await asyncio.sleep(0.02)
            await studio.until(lambda: room.callee.packets)
            assert room.browser.peer.payloads == []

    run(scenario)


def test_an_offer_that_cannot_be_leaves_the_headset_new(run):
    async def scenario(studio):
        room = Room(studio)
        with pytest.raises(PeerError):
            room.headset.answer(b"v=0\r\n", "127.0.0.1")
        assert room.headset.state is HeadsetState.NEW
        assert room.headset.snapshot() == {}
        offer = BrowserPeer().offer()
        room.headset.answer(offer, "127.0.0.1")
        with pytest.raises(UsageError):
            room.headset.answer(offer, "127.0.0.1")
        room.headset.close()
        room.headset.close()

    run(scenario)
