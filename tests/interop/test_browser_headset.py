"""Headless Chromium as a headset: what its fake microphone says is heard at the other end, and what is said there, by
the page. First on a leg of the plane; then as an agent's, through the switch's own door."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import numpy as np
import pytest
from softswitch.codecs import g711

from softswitch.media.control import MediaPlane
from softswitch.media.dtls import Certificate
from softswitch.media.events import MediaEvent, MediaFormat
from softswitch.media.headset import Headset, HeadsetState
from softswitch.switch import Switch
from softswitch.testing.marker import MarkerEar, MarkerTone
from softswitch.web.passwords import Passwords
from tests.interop.browser import Browser
from tests.interop.headset_page import HeadsetPage, empty_page, write_tone
from tests.interop.peers import Sipp, eventually, eventually_so
from tests.interop.site import CAMPAIGN, agents_ready, running_switch, write_site
from tests.ports import free_port, lend_ports

MICROPHONE_HZ, THEIRS_HZ = 2150, 2700
PASSWORD = "a headset of one's own"
NUMBER = "+442079460123"


class Callee(asyncio.DatagramProtocol):
    """A phone at the other end: it hums, and listens for the microphone's tone."""

    def __init__(self, codec: str = "PCMU") -> None:
        self.codec = codec
        self.ear = MarkerEar((MICROPHONE_HZ, THEIRS_HZ))
        self.tone = MarkerTone(THEIRS_HZ, -20.0)
        self.port = 0
        self._sequence = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._humming = asyncio.create_task(self._hum())

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        if 128 <= data[0] < 192 and data[1] & 0x7F in (0, 8):
            self.ear.receive(g711.decode(self.codec, data[12:]))

    def close(self) -> None:
        self._humming.cancel()
        self._transport.close()

    async def _hum(self) -> None:
        loop = asyncio.get_running_loop()
        at = loop.time()
        while True:
            self._sequence += 1
            payload = g711.encode(self.codec, self.tone.next(160).astype(np.int16)).tobytes()
            number = {"PCMU": 0, "PCMA": 8}[self.codec]
            head = bytes([0x80, number]) + (self._sequence & 0xFFFF).to_bytes(2, "big")
            head += (self._sequence * 160).to_bytes(4, "big") + b"hum!"
            if self.port:
                self._transport.sendto(head + payload, ("127.0.0.1", self.port))  # type: ignore[attr-defined]
            at += 0.02
            await asyncio.sleep(max(0.0, at - loop.time()))


class Owner:
    def __init__(self) -> None:
        self.told: list[str] = []

    def headset_connected(self, headset: Headset) -> None:
        self.told.append("connected")

    def headset_moved(self, headset: Headset) -> None:
        self.told.append("moved")

    def headset_lost(self, headset: Headset, reason: str) -> None:
        self.told.append(f"lost: {reason}")


@contextlib.asynccontextmanager
async def plane_of_one_call() -> AsyncIterator[tuple[MediaPlane, Headset, Callee, Owner]]:
    """A plane with a headset's leg and a callee's, bridged."""
    first = lend_ports()
    events: list[MediaEvent] = []
    plane = await MediaPlane.start(
        address="127.0.0.1", first_port=first, last_port=first + 99, clips={}, on_event=events.append, in_thread=True
    )
    callee, owner = Callee(), Owner()
    try:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: callee, local_addr=("127.0.0.1", 0))
        headset = Headset(plane, plane.open_leg(), Certificate(), owner)
        leg = plane.open_leg()
        callee.port = plane.port_of(leg)
        plane.connect(leg, transport.get_extra_info("sockname"), MediaFormat("PCMU", 0, 101))
        plane.bridge(headset.leg, leg)
        yield plane, headset, callee, owner
    finally:
        with contextlib.suppress(AttributeError):
            callee.close()
        await plane.stop()


@pytest.mark.parametrize("codec", ["", "PCMA", "G722"])
def test_chromium_and_a_phone_hear_each_other(require_peer: Callable[[str], None], tmp_path: Path, codec: str) -> None:
    require_peer("chromium")

    async def story() -> None:
        microphone = write_tone(tmp_path / "says.wav", MICROPHONE_HZ)
        async with Browser(microphone) as browser, plane_of_one_call() as (plane, headset, callee, owner):
            with empty_page() as url:
                page = await HeadsetPage.open(browser, url)
                await page.answer(headset.answer(await page.offer(codec), "127.0.0.1"))
                await eventually(lambda: owner.told[:1] == ["connected"], "the headset is connected")
                await page.hears(THEIRS_HZ)
                await eventually(lambda: MICROPHONE_HZ in callee.ear.heard, "the callee hears the microphone")
                assert THEIRS_HZ not in callee.ear.heard
                assert await page.state() == "connected"
                counts = plane.statistics(headset.leg)
                assert counts.packets_received > 0
                assert counts.packets_dropped == 0

    asyncio.run(story())


def test_chromium_that_ends_its_connection_is_told_of_at_once(
    require_peer: Callable[[str], None], tmp_path: Path
) -> None:
    require_peer("chromium")

    async def story() -> None:
        async with Browser() as browser, plane_of_one_call() as (_, headset, _, owner):
            with empty_page() as url:
                page = await HeadsetPage.open(browser, url)
                await page.answer(headset.answer(await page.offer(), "127.0.0.1"))
                await eventually(lambda: owner.told[:1] == ["connected"], "the headset is connected")
                await page.page.evaluate("headset.connection.close()")
                await eventually(lambda: owner.told[-1] == "lost: the browser ended it", "the end is heard", 5.0)
                assert headset.state is HeadsetState.CLOSED

    asyncio.run(story())


def test_chromium_hears_our_goodbye(require_peer: Callable[[str], None]) -> None:
    require_peer("chromium")

    async def story() -> None:
        async with Browser() as browser, plane_of_one_call() as (plane, headset, _, owner):
            with empty_page() as url:
                page = await HeadsetPage.open(browser, url)
                await page.answer(headset.answer(await page.offer(), "127.0.0.1"))
                await eventually(lambda: owner.told[:1] == ["connected"], "the headset is connected")

                async def state_is(wanted: str) -> bool:
                    transport = await page.page.evaluate("headset.connection.getSenders()[0].transport.state")
                    return transport == wanted

                await eventually_so(lambda: state_is("connected"), "the page is connected")
                headset.close()
                plane.close_leg(headset.leg)
                await eventually_so(lambda: state_is("closed"), "the page sees that we have gone", 5.0)

    asyncio.run(story())


def without_phones(site: Path) -> Path:
    """Agents have nothing but their browsers."""
    kept = [line for line in site.read_text().splitlines() if not line.startswith("phone_")]
    site.write_text("\n".join(kept) + "\n")
    return site


async def add_agent_account(switch: Switch, agent: str) -> None:
    await switch.site.store.add_account(agent, await Passwords().hash(PASSWORD), "agent")


async def seat_agent(switch: Switch, browser: Browser, agent: str) -> HeadsetPage:
    """Log in on the switch's own page, and offer the tab as the agent's headset."""
    page = await HeadsetPage.open(browser, f"{switch.web_url}login")
    form = f"new URLSearchParams({{name: {agent!r}, password: {PASSWORD!r}}})"
    await page.page.evaluate(f"fetch('/login', {{method: 'POST', body: {form}, redirect: 'manual'}}).then(() => 1)")
    assert await page.page.evaluate("headset.seat('/api/agent/headset')") == "stable"
    return page


def test_an_agent_in_a_browser_tab_talks_to_a_dialled_callee(
    require_peer: Callable[[str], None], tmp_path: Path
) -> None:
    """The carrier echoes: the page hears its own microphone only if audio goes all the way, and comes back."""
    require_peer("chromium")
    require_peer("sipp")

    async def story() -> None:
        microphone = write_tone(tmp_path / "says.wav", MICROPHONE_HZ)
        async with Sipp("carrier_echoes", tmp_path, echo=True, timeout_s=180) as sipp, Browser(microphone) as browser:
            site = without_phones(write_site(tmp_path / "site", trunk_port=sipp.port, numbers=[NUMBER], amd="off"))
            async with running_switch(site) as switch:
                await add_agent_account(switch, "1001")
                page = await seat_agent(switch, browser, "1001")
                await agents_ready(switch)
                assert await page.heard() == []
                switch.desk.supervisor_arrived("supervisor")
                await switch.desk.start_campaign(CAMPAIGN)
                await page.hears(MICROPHONE_HZ, 30.0)
                (call,) = switch.desk.wallboard().calls
                await switch.desk.hang_up(call.call_ref)
                await sipp.succeeded()
                assert await page.state() == "connected"  # nailed up for the shift
                await page.page.evaluate("fetch('/api/agent/headset', {method: 'DELETE'}).then(() => 1)")

                def state() -> str:
                    return str(switch.desk.wallboard().agents[0].state)

                await eventually(lambda: state() == "offline", "the shift is over")

    asyncio.run(story())


def test_a_tab_that_is_killed_ends_the_shift(require_peer: Callable[[str], None], tmp_path: Path) -> None:
    require_peer("chromium")

    async def story() -> None:
        site = write_site(tmp_path / "site", trunk_port=free_port(), numbers=[])
        text = site.read_text().replace("[sip]\n", "[sip]\nphone_silence_s = 2\n")
        site.write_text(text)
        async with running_switch(site) as switch, Browser() as browser:
            await add_agent_account(switch, "1001")
            await seat_agent(switch, browser, "1001")
            await agents_ready(switch)
            browser.kill()
            await agents_ready(switch, 0)

    asyncio.run(story())


def test_nobody_takes_an_agents_seat_without_that_agents_password(tmp_path: Path) -> None:
    async def story() -> None:
        site = write_site(tmp_path / "site", trunk_port=free_port(), numbers=[])
        async with running_switch(site) as switch, httpx.AsyncClient(base_url=switch.web_url) as client:
            offer = {"type": "offer", "sdp": "v=0\r\n"}
            assert (await client.post("/api/agent/headset", json=offer)).status_code == 401
            await add_agent_account(switch, "1001")
            await add_agent_account(switch, "9999")
            refused = await client.post("/api/agent/headset", json=offer, auth=("1001", PASSWORD))
            assert refused.status_code == 409
            unknown = await client.post("/api/agent/headset", json=offer, auth=("9999", PASSWORD))
            assert unknown.status_code == 401, "who is no agent of this site has no clearance for it"

    asyncio.run(story())
