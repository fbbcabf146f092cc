"""Recordings in a real browser: found, asked for with a reason, decrypted with a key that never leaves the page."""

import asyncio
import base64
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from axe_playwright_python.async_playwright import Axe
from memory_people import PASSWORD
from playwright.async_api import Browser, Page, Request
from site_client import Site, served, until

from softswitch.dialler.detection import Truth
from softswitch.recordings.export import export
from softswitch.recordings.form import LENGTH, PREFIX, TRAILER_BYTES, Encoding, Header, Kind
from softswitch.recordings.keys import new_key_pair, write_private_key
from softswitch.recordings.sealing import Seal
from tests.auditor import AUDITOR
from tests.recordings.recorded import STARTED_NS, audio, keep, mark, noise
from tests.web.browser import CHROMIUM, chromium, overseers_tab, picture

pytestmark = pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no Chromium")

INJECTION = "<img src=x onerror=\"window.pwned=1\">{{constructor.constructor('window.pwned=1')()}}"
COMPONENT = 'getElement(Number(document.querySelector(".player").id.slice(1)))'
Story = Callable[[Site, Browser, str], Coroutine[Any, Any, None]]


def every_kind_of_chunk() -> list[bytes]:
    """All 256 codes of both laws, linear, silence, a pause with its marks, and a gap that nothing marks."""
    seal = Seal(AUDITOR.public, call_ref="a", started_ns=STARTED_NS)
    codes = bytes(range(256))
    laws = PREFIX.pack(Kind.AUDIO, Encoding.ULAW, Encoding.ALAW, 0, 256, 0) + codes + codes[::-1]
    half = PREFIX.pack(Kind.AUDIO, Encoding.SILENCE, Encoding.LINEAR, 0, 400, 256)
    texts = [laws, half + noise(400, 2, 1).astype("<i2").tobytes(), mark(Kind.PAUSED, 656), mark(Kind.RESUMED, 2256)]
    texts += [audio(2256, noise(8000, 3)), audio(12_000, noise(4000, 4))]
    return [seal.header, *(seal.chunk(text) for text in texts), seal.end(16_000, 256 + 400 + 8000 + 4000, 0)]


def parts_of(whole: bytes) -> list[bytes]:
    """Header, and each chunk with its length, without the trailer."""
    _, at = Header.parse(whole)
    found = [whole[:at]]
    while length := LENGTH.unpack_from(whole, at)[0]:
        found.append(whole[at : at + LENGTH.size + length])
        at += LENGTH.size + length
    return found


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(pages=True)
    (tmp_path / "recordings").mkdir()
    site.switch.container = keep(tmp_path / "recordings", every_kind_of_chunk(), "a")
    site.switch.auditing.record_call("a")
    site.switch.auditing.record_call("b2", agent="102", state="held", campaign=INJECTION, outcome="refusal")
    site.switch.auditing.record_call("old", state="gone", seconds=None, outcome="")
    write_private_key(tmp_path / "auditor.key", AUDITOR)
    return site


def story(site: Site, body: Story) -> None:
    async def run() -> None:
        async with served(site) as server, chromium() as browser:
            await body(site, browser, server.url)

    asyncio.run(run())


async def listen(page: Page, reason: str = "complaint 17") -> None:
    await page.get_by_role("button", name="Listen to call a").click()
    await page.wait_for_function("document.activeElement.name === 'reason'")  # the keyboard is there already
    await page.locator("input[name=reason]").fill(reason)
    await page.get_by_role("button", name="Listen", exact=True).click()
    await page.locator(".player-call").wait_for()


async def choose(page: Page, key: Path) -> None:
    await page.locator("input[type=file]").set_input_files(key)


async def samples_in(page: Page) -> np.ndarray:
    """(n, channels): what the page has decrypted."""
    planes = await page.evaluate(
        f"""() => {COMPONENT}.sound.samples.map((plane) => {{
            let text = "";
            for (const each of new Uint8Array(plane.buffer)) text += String.fromCharCode(each);
            return btoa(text);
        }})"""
    )
    return np.stack([np.frombuffer(base64.b64decode(plane), "<i2") for plane in planes], axis=1)


def test_what_the_page_decrypts_is_what_export_writes_and_no_request_holds_the_key(site: Site, tmp_path: Path) -> None:
    assert site.switch.container is not None
    export(site.switch.container, AUDITOR, tmp_path / "a.wav")
    wanted, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    sent: list[bytes] = []

    async def body(site: Site, browser: Browser, url: str) -> None:
        async with overseers_tab(browser, url, "/audit/recordings", "otto", PASSWORD) as page:

            def keep_request(request: Request) -> None:
                sent.append(f"{request.url} {request.headers}".encode() + (request.post_data_buffer or b""))

            page.context.on("request", keep_request)
            page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(_bytes(frame))))
            await page.reload()  # so that its socket is seen from its beginning
            await page.wait_for_function("window.socket?.connected")
            await listen(page)
            assert site.switch.played["0000"].reason == "complaint 17"
            await page.get_by_text("Choose your private key to listen").wait_for()
            await choose(page, tmp_path / "auditor.key")
            await page.get_by_role("slider", name="Position").wait_for()
            assert np.array_equal(await samples_in(page), wanted)
            assert await page.locator(".player-trouble").count() == 0
            await picture(page, "recordings-light")
            found = (await Axe().run(page)).response["violations"]
            assert [each["id"] for each in found] == []

            await page.get_by_role("button", name="Play", exact=True).click()
            await page.wait_for_function("document.querySelector('audio').currentTime > 0.2")
            await page.get_by_role("combobox", name="Speed").select_option("2")
            assert await page.evaluate("document.querySelector('audio').playbackRate") == 2
            await page.get_by_role("slider", name="Position").press("End")
            await page.get_by_role("button", name="Play", exact=True).wait_for()  # it has come to its end
            await page.get_by_role("slider", name="Position").press("Home")
            assert await page.evaluate("document.querySelector('audio').currentTime") == 0
            await page.get_by_role("slider", name="Balance").fill("-1")
            await page.get_by_text("more agent").wait_for()
            await page.get_by_role("button", name="Done").click()
            await until(lambda: site.switch.played["0000"].listened_s is not None, 60.0)
            assert 0.2 <= site.switch.played["0000"].listened_s < 600

    story(site, body)
    everything = b"\n".join(sent)
    assert len(sent) > 10
    assert b"playbacks/0000/parts/1" in everything
    private = AUDITOR.private
    for mark_ in (private, private.hex().encode(), private.hex().upper().encode(), base64.b64encode(private)):
        assert mark_ not in everything
    assert b"softswitch recordings keygen" not in everything and b"private key to a" not in everything


def _bytes(frame: object) -> bytes:
    return frame if isinstance(frame, bytes) else str(frame).encode()


def test_a_wrong_key_no_key_and_a_file_that_was_altered_or_cut_off_are_told(site: Site, tmp_path: Path) -> None:
    path = site.switch.container
    assert path is not None
    whole = path.read_bytes()
    write_private_key(tmp_path / "other.key", new_key_pair())
    (tmp_path / "poem.txt").write_text("I wandered lonely as a cloud")
    pieces = parts_of(whole)
    third = len(b"".join(pieces[:3]))

    async def body(site: Site, browser: Browser, url: str) -> None:
        async with overseers_tab(browser, url, "/audit/recordings", "otto", PASSWORD) as page:
            trouble = page.locator(".player-trouble")
            path.write_bytes(whole)
            await listen(page)
            await choose(page, tmp_path / "poem.txt")
            await page.get_by_text("holds no private key").wait_for()
            await choose(page, tmp_path / "other.key")
            await page.get_by_text("Another key: the recording was sealed to").wait_for()
            await choose(page, tmp_path / "auditor.key")
            await page.get_by_role("slider", name="Position").wait_for()
            assert await trouble.count() == 0

            altered = bytearray(whole)
            altered[len(b"".join(pieces[:5])) + 100] ^= 1
            changes = {
                bytes(altered): (2256, "Chunk 5 (from 0.28 s on) is not what was written there"),
                b"".join(pieces[:5]) + b"".join(pieces[6:]): (2256, "Chunk 5 (from 0.28 s on)"),
                whole[: third + 30]: (656, "a crash cut the recording off at 0.08 s"),
                b"".join(pieces[:-1]) + whole[-TRAILER_BYTES:]: (16_000, "taken out"),
                whole[:44] + bytes([whole[44] ^ 1]) + whole[45:]: (None, "Its header was altered"),
                b"no recording at all": (None, "This is no sealed recording"),
            }
            for content, (length, words) in changes.items():
                path.write_bytes(content)
                ref = f"{len(site.switch.played):04x}"
                await listen(page)
                await page.wait_for_function(f"{COMPONENT}.opened === '{ref}'")
                await trouble.filter(has_text=words).first.wait_for()
                if length is not None:
                    assert len(await samples_in(page)) == length
            await picture(page, "recordings-trouble")

    story(site, body)


def test_a_recording_of_two_parts_is_one_timeline_and_a_review_is_listened_to(site: Site, tmp_path: Path) -> None:
    """As an engine leaves it that is killed in a call: the first part cut off, the second begun 3 s after it."""
    whole = site.switch.container
    assert whole is not None
    first = noise(8000, 5)
    seal = Seal(AUDITOR.public, call_ref="a", started_ns=STARTED_NS)
    whole.write_bytes(seal.header + seal.chunk(audio(0, first)))
    later = Seal(AUDITOR.public, call_ref="a", started_ns=STARTED_NS + 3_000_000_000, part=2)
    second = noise(4000, 6)
    keep(whole.parent, [later.header, later.chunk(audio(0, second)), later.end(4000, 4000, 0)], "a", 2)
    site.switch.to_review = ["a"]

    async def body(site: Site, browser: Browser, url: str) -> None:
        async with overseers_tab(browser, url, "/audit/reviews", "otto", PASSWORD) as page:
            await page.get_by_role("button", name="Listen", exact=True).click()
            await page.get_by_text("Choose your private key to listen").wait_for()
            await choose(page, tmp_path / "auditor.key")
            await page.get_by_role("slider", name="Position").wait_for()
            assert await page.locator(".player-trouble").all_inner_texts() == [
                "Part 1: a crash cut the recording off at 1.00 s."
            ]
            played = await samples_in(page)
            assert len(played) == 24_000 + 4000
            assert np.array_equal(played[:8000], first)
            assert not played[8000:24_000].any()
            assert np.array_equal(played[24_000:], second)
            assert await page.evaluate(f"{COMPONENT}.sound.silent") == [[8000, 24_000]]
            slider = page.get_by_role("slider", name="Position")
            await page.get_by_role("button", name="Play", exact=True).click()
            for _ in range(2):  # to its end: the sound of the second part
                await slider.press("End")
            await page.get_by_role("button", name="Play", exact=True).wait_for()
            await picture(page, "review-two-parts")
            await page.keyboard.press("p")
            await page.get_by_text("a: person").wait_for()
            await until(lambda: site.switch.played["0000"].listened_s is not None, 60.0)

    story(site, body)
    assert site.switch.heard[0][:2] == ("a", Truth.PERSON)
    assert site.switch.played["0000"].reason == "review of the detector's verdict"


def test_who_leaves_has_the_time_noted_and_the_key_forgotten(site: Site, tmp_path: Path) -> None:
    async def body(site: Site, browser: Browser, url: str) -> None:
        async with overseers_tab(browser, url, "/audit/recordings", "otto", PASSWORD, dark=True) as page:
            await page.get_by_text("window.pwned=1").first.wait_for()  # as text
            assert await page.evaluate("window.pwned") is None
            for session in site.room.sessions._sessions.values():
                session.proved_at -= 3600
            await page.get_by_role("button", name="Listen to call a").click()
            await page.locator("input[type=password]").fill("guess")
            await page.get_by_role("button", name="Go on").click()
            await page.get_by_text("Password or code is wrong").wait_for()
            await page.locator("input[type=password]").fill(PASSWORD)
            await page.get_by_role("button", name="Go on").click()
            await page.locator("input[name=reason]").fill(INJECTION)
            await page.get_by_role("button", name="Listen", exact=True).click()
            await page.locator(".player-call").wait_for()
            await choose(page, tmp_path / "auditor.key")
            await page.get_by_role("slider", name="Position").wait_for()
            await picture(page, "recordings-dark")
            await page.get_by_role("link", name="Audit log").click()
            await until(lambda: site.switch.played["0000"].listened_s is not None, 60.0)
            await page.get_by_role("link", name="Recordings").click()
            await page.get_by_text("Choose private key").wait_for()
            await page.locator("input[name=agent]").fill("102")
            await page.get_by_role("button", name="Search").click()
            await page.wait_for_url("**agent=102**")
            await page.get_by_role("button", name="Listen to call b2").wait_for()
            assert await page.get_by_role("button", name="Listen to call a").count() == 0
            assert await page.evaluate("window.pwned") is None

    story(site, body)
