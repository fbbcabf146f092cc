"""The web as a site's file makes it: PINs of the configuration, the second factor, TLS where others can reach it."""

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest
from memory_people import PASSWORD, MemoryJournal, MemoryPeople
from site_client import log_in
from small_site import SmallSwitch

from softswitch.config import Settings, load
from softswitch.web.server import WebServer
from softswitch.web_opening import make_web
from tests.auditor import AUDITOR

SITE = f"""\
[site]
name = "Lab site"
[recordings]
auditor_public_key = "{AUDITOR.public.hex()}"
[web]
port = 0
[[agents]]
id = "101"
pin = "482915"
[[agents]]
id = "103"
pin = "736251"
"""


def settings_of(folder: Path, more: str = "") -> Settings:
    (folder / "data").mkdir()
    path = folder / "site.toml"
    path.write_text(SITE.replace("port = 0", f"port = 0\n{more}"), encoding="utf-8")
    return load(path)


def web_of(settings: Settings, refused: dict[str, str] | None = None) -> WebServer:
    people = MemoryPeople.with_everybody()
    return make_web(settings, SmallSwitch(), people, MemoryJournal(), lambda agent: (refused or {}).get(agent, ""))


def test_an_agents_pin_counts_unless_the_store_knows_the_agent(tmp_path: Path) -> None:
    async def story() -> None:
        server = web_of(settings_of(tmp_path))
        await server.start()
        try:
            async with httpx.AsyncClient(base_url=server.url) as client:
                assert (await log_in(client, "103", "736251")).status_code == 303
                assert (await client.get("/api/session")).json()["roles"] == ["agent"]
                assert (await log_in(client, "103", "736252")).status_code == 401
                assert (await log_in(client, "101", "482915")).status_code == 401
                assert (await log_in(client, "101", PASSWORD)).status_code == 303
                assert (await log_in(client, "sue", PASSWORD)).status_code == 303  # from this machine
        finally:
            await server.stop()

    asyncio.run(story())


def test_who_may_not_work_cannot_log_in_by_pin(tmp_path: Path) -> None:
    async def story() -> None:
        server = web_of(settings_of(tmp_path), {"103": "outside the roster's hours"})
        await server.start()
        try:
            async with httpx.AsyncClient(base_url=server.url) as client:
                assert (await log_in(client, "103", "736251")).status_code == 401
        finally:
            await server.stop()

    asyncio.run(story())


@pytest.mark.parametrize(("more", "scheme"), [("", "https"), ('tls = "never"\n', "http")])
def test_an_address_that_others_reach_speaks_tls_unless_the_site_says_that_a_proxy_does(
    tmp_path: Path, more: str, scheme: str
) -> None:
    async def story() -> None:
        server = web_of(settings_of(tmp_path, f'address = "0.0.0.0"\n{more}'))
        await server.start()
        try:
            assert server.url.startswith(f"{scheme}://")
            trust = scheme == "http" or ssl.create_default_context(cafile=str(tmp_path / "data" / "web.pem"))
            async with httpx.AsyncClient(base_url=f"{scheme}://127.0.0.1:{server.port}", verify=trust) as client:
                answer = await log_in(client, "sue", PASSWORD)
                assert answer.status_code == 303
                assert "secure" in answer.headers["set-cookie"].lower()
        finally:
            await server.stop()

    asyncio.run(story())
