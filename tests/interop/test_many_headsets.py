"""Sixty headsets at once, the most that one site of ours has agents: bounded seconds to connect, audio both ways."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

from softswitch.media.control import MediaPlane
from softswitch.media.dtls import Certificate
from softswitch.media.events import MediaEvent
from softswitch.media.headset import Headset
from tests.interop.peers import eventually
from tests.media.browser_peer import BrowserPeer
from tests.media.wired_browser import WiredBrowser
from tests.ports import lend_ports

HEADSETS = 60
CONNECT_S = 60.0
"""On two cores that run the browsers too, and other tests beside them."""
TALK_S = 3.0


class Owner:
    def __init__(self) -> None:
        self.connected: set[int] = set()
        self.lost: list[str] = []

    def headset_connected(self, headset: Headset) -> None:
        self.connected.add(headset.leg)

    def headset_moved(self, headset: Headset) -> None: ...

    def headset_lost(self, headset: Headset, reason: str) -> None:
        self.lost.append(reason)


@contextlib.asynccontextmanager
async def running_plane() -> AsyncIterator[MediaPlane]:
    first = lend_ports(4 * HEADSETS + 1)
    events: list[MediaEvent] = []
    plane = await MediaPlane.start(
        address="127.0.0.1", first_port=first, last_port=first + 4 * HEADSETS, clips={}, on_event=events.append
    )
    try:
        yield plane
    finally:
        await plane.stop()


def cpu_s(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100.0


def test_sixty_headsets_connect_in_seconds_and_all_of_them_hear_and_are_heard() -> None:
    """Each two neighbours are bridged: what one says, sealed under its keys, the other hears, sealed under its own."""

    async def story() -> None:
        async with running_plane() as plane:
            owner, certificate = Owner(), Certificate()
            headsets = [Headset(plane, plane.open_leg(), certificate, owner) for _ in range(HEADSETS)]
            browsers = [await WiredBrowser.open(BrowserPeer()) for _ in headsets]
            began, cpu_before = time.monotonic(), time.process_time()
            for headset, browser in zip(headsets, browsers, strict=True):
                answer = headset.answer(browser.peer.offer(), "127.0.0.1")
                browser.peer.receive_answer(answer, time.monotonic())
                browser.start()
            await eventually(lambda: len(owner.connected) == HEADSETS, "all are connected", CONNECT_S)
            took_s, cpu = time.monotonic() - began, time.process_time() - cpu_before
            for one, other in zip(headsets[::2], headsets[1::2], strict=True):
                plane.bridge(one.leg, other.leg)
            for number, browser in enumerate(browsers):
                browser.saying = bytes([number]) * 160
            assert plane.pid is not None
            plane_before, began = cpu_s(plane.pid), time.monotonic()
            enough = 0.5 * TALK_S * 50
            await asyncio.sleep(TALK_S)
            await eventually(lambda: all(len(each.peer.payloads) > enough for each in browsers), "all hear somebody")
            plane_cpu = (cpu_s(plane.pid) - plane_before) / (time.monotonic() - began)
            for number, browser in enumerate(browsers):
                neighbour = bytes([number ^ 1]) * 160
                assert set(browser.peer.payloads[5:]) == {neighbour}, number
                assert browser.peer.forged == 0
            lost = sum(plane.statistics(headset.leg).packets_lost for headset in headsets)
            print(
                f"{HEADSETS} headsets connected in {took_s:.2f} s, {1e3 * cpu / HEADSETS:.1f} ms CPU each with the"
                f" browser's half; talking they cost the media process {100 * plane_cpu:.1f} % of a core; lost {lost}"
            )
            assert owner.lost == []
            for browser in browsers:
                browser.stop()
            for headset in headsets:
                headset.close()

    asyncio.run(story())
