"""Tokens of programs: they open the figures and the status for reading, and nothing else."""

import asyncio
from hashlib import sha256

import httpx
import pytest
from memory_people import MemoryAccounts, quick_passwords
from site_client import log_in, shared_site
from small_site import SmallSwitch

from softswitch.errors import SoftswitchError
from softswitch.web.app import create_app
from softswitch.web.guard import READ_BY_MACHINES
from softswitch.web.room import WebSettings

TOKEN = "a" * 43


class Tokens:
    def __init__(self) -> None:
        self.known = {sha256(TOKEN.encode()).digest(): "prometheus"}
        self.broken = False

    async def find(self, digest: bytes) -> str | None:
        if self.broken:
            raise SoftswitchError("the store cannot be read")
        return self.known.get(digest)


def client(tokens: Tokens, token: str = TOKEN, *, source: str = "127.0.0.1", networks: tuple[str, ...] = ()):
    app = create_app(
        SmallSwitch(), MemoryAccounts.with_everybody(), WebSettings(agents_networks=networks),
        passwords=quick_passwords(), find_token=tokens.find, pages=False,
    )  # fmt: skip
    transport = httpx.ASGITransport(app, client=(source, 50000))
    return httpx.AsyncClient(transport=transport, base_url="http://site", headers={"authorization": f"Bearer {token}"})


def test_a_token_reads_figures_and_status() -> None:
    async def story() -> None:
        async with client(Tokens()) as machine:
            figures = await machine.get("/metrics")
            assert figures.status_code == 200
            assert 'softswitch_interlock_closed{interlock="supervisor"} 0.0' in figures.text
            assert (await machine.get("/api/status")).json()["dials"] is False

    asyncio.run(story())


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_it_opens_nothing_else(method: str) -> None:
    async def story() -> None:
        paths = {route for app in [shared_site().app] for route in app.openapi()["paths"]} - READ_BY_MACHINES
        async with client(Tokens()) as machine:
            for path in sorted(paths | {"/", "/metrics/x", "/api/status/x"}):
                if path == "/api/login":
                    continue  # open to everybody
                response = await machine.request(method, path)
                assert response.status_code in (401, 403), (method, path, response.status_code)
            if method != "GET":
                for path in sorted(READ_BY_MACHINES):
                    assert (await machine.request(method, path)).status_code in (401, 403)

    asyncio.run(story())


def test_a_wrong_a_revoked_or_an_agents_networks_token_is_nobodys() -> None:
    async def story() -> None:
        tokens = Tokens()
        async with client(tokens, "guess") as machine:
            assert (await machine.get("/metrics")).status_code == 401
        async with client(tokens, source="10.1.0.7", networks=("10.1.0.0/24",)) as machine:
            assert (await machine.get("/metrics")).status_code == 401
        async with client(tokens) as machine:
            assert (await machine.get("/metrics")).status_code == 200
            tokens.broken = True
            assert (await machine.get("/metrics")).status_code == 503
            tokens.broken, tokens.known = False, {}
            assert (await machine.get("/metrics")).status_code == 401

    asyncio.run(story())


def test_a_site_without_tokens_knows_none_and_people_log_in_as_before() -> None:
    async def story() -> None:
        async with shared_site().client() as browser:
            assert (await browser.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})).status_code == 401
            await log_in(browser, "sue")
            assert (await browser.get("/metrics")).status_code == 200

    asyncio.run(story())
