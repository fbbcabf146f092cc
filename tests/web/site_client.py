"""Ways into the web room for its tests: in memory (httpx) and over a real socket."""

import asyncio
import functools
import http.cookiejar
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from memory_people import PASSWORD, MemoryBook, MemoryJournal, MemoryPeople, quick_passwords
from small_office import small_office
from small_site import SmallSwitch

from softswitch.config.scripts import load_script
from softswitch.testing.clips import VOICES
from softswitch.web.app import create_app
from softswitch.web.room import Room, WebSettings
from softswitch.web.server import WebServer
from softswitch.web.training import Training

SCRIPT = load_script(Path(__file__).parents[2] / "configs" / "script-travel.toml", {"city"})
"""What `Training` practises with."""


class Site:
    """A switch, its web application, and clients of it."""

    def __init__(self, settings: WebSettings | None = None, *, pages: bool = False) -> None:
        self.switch = SmallSwitch()
        self.accounts = MemoryPeople.with_everybody()
        self.passwords = quick_passwords()
        self.journal = MemoryJournal()
        self.refused_agents: dict[str, str] = {}
        self.practised = MemoryBook()
        self.folder = tempfile.TemporaryDirectory()  # of the site's file; it goes with the site
        self.office = small_office(Path(self.folder.name), self.journal, self.accounts)
        self.app = create_app(
            self.switch,
            self.accounts,
            settings,
            passwords=self.passwords,
            journal=self.journal,
            admit=lambda agent: self.refused_agents.get(agent, ""),
            training=Training(
                {"transport-2026": SCRIPT},
                self.practised,
                clock=lambda: self.switch.now,
                voices=VOICES,
                new_seed=lambda: 7,
            ),
            administration=self.office.administration,
            pages=pages,
        )
        self.room: Room = self.app.state.room

    def client(self, name: str = "", *, source: str = "127.0.0.1", scheme: str = "http") -> httpx.AsyncClient:
        """A client that sends Basic for `name`, or nothing."""
        transport = httpx.ASGITransport(self.app, client=(source, 50000))
        auth = httpx.BasicAuth(name, PASSWORD) if name else None
        return httpx.AsyncClient(transport=transport, base_url=f"{scheme}://site", auth=auth)

    async def get(self, name: str, path: str) -> httpx.Response:
        async with self.client(name) as client:
            return await client.get(path)

    async def post(self, name: str, path: str, json: object = None) -> httpx.Response:
        async with self.client(name) as client:
            return await client.post(path, json=json)


@functools.cache
def shared_site() -> Site:
    """One site for the many small tests that leave nothing behind; an application takes a tenth of a second to make."""
    return Site()


async def log_in(client: httpx.AsyncClient, name: str, password: str = PASSWORD, **fields: str) -> httpx.Response:
    """Fill in the log-in page as a browser does."""
    return await client.post(
        "/login", data={"name": name, "password": password, **fields}, headers={"sec-fetch-site": "same-origin"}
    )


@asynccontextmanager
async def served(site: Site) -> AsyncIterator[WebServer]:
    """The site on a real port of 127.0.0.1."""
    server = WebServer(site.app)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


def session_cookie(client: httpx.AsyncClient) -> http.cookiejar.Cookie:
    return next(cookie for cookie in client.cookies.jar if cookie.name == "softswitch_session")


async def until(condition, limit_s: float = 60.0) -> None:
    """Wait for something that a real browser or socket brings about."""
    async with asyncio.timeout(limit_s):
        while not condition():
            await asyncio.sleep(0.02)
