"""A page for headset tests in a real browser: an empty one of our own, or whichever page of the switch is open."""

import contextlib
import threading
import wave
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from tests.interop.browser import Browser, Page
from tests.interop.peers import eventually_so

SCRIPT = (Path(__file__).resolve().parent / "headset.js").read_text(encoding="utf-8")
NEARLY_HZ = 12.0
"""Two bins of the page's analyser."""
PROMINENCE_DB = 30.0


class _EmptyPage(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>headset</title>")

    def log_message(self, format: str, *args: object) -> None:
        """Not a word."""


@contextlib.contextmanager
def empty_page() -> Iterator[str]:
    """The URL of an empty page on 127.0.0.1, which browsers hold for secure: only there is a microphone."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _EmptyPage)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join(5.0)
        server.server_close()


def write_tone(path: Path, frequency_hz: float, seconds: float = 10.0) -> Path:
    """A WAV file for the fake microphone; a whole number of cycles, as it is said again and again."""
    at = np.arange(int(48_000 * seconds)) / 48_000
    with wave.open(str(path), "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(48_000)
        audio.writeframes(np.rint(8_000 * np.sin(2 * np.pi * frequency_hz * at)).astype("<i2").tobytes())
    return path


class HeadsetPage:
    """A tab with the headset's script in it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    @classmethod
    async def open(cls, browser: Browser, url: str) -> "HeadsetPage":
        page = await browser.open(url)
        await page.evaluate(SCRIPT)
        return cls(page)

    async def offer(self, codec: str = "") -> bytes:
        sdp: str = await self.page.evaluate(f"headset.offer({codec!r})")
        return sdp.encode()

    async def answer(self, sdp: bytes) -> None:
        assert await self.page.evaluate(f"headset.answer({sdp.decode()!r})") == "stable"

    async def state(self) -> str:
        return str(await self.page.evaluate("headset.state()"))

    async def heard(self) -> list[float]:
        """Frequencies that stand out in what the page hears now, in Hz."""
        found: list[float] = await self.page.evaluate(f"headset.heard({PROMINENCE_DB})")
        return found

    async def hears(self, frequency_hz: float, patience_s: float = 15.0) -> None:
        """Wait until the page hears a tone."""

        async def does() -> bool:
            return any(abs(each - frequency_hz) < NEARLY_HZ for each in await self.heard())

        await eventually_so(does, f"the page hears {frequency_hz} Hz", patience_s)
