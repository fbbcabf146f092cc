"""The server on real sockets of 127.0.0.1, inside a loop that is already running."""

import asyncio
import json
import re
import signal
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import websockets
from nicegui import Client
from site_client import Site, log_in, served, session_cookie, until
from websockets.asyncio.client import ClientConnection

from softswitch.errors import UsageError
from softswitch.safeguards.supervision_views import SupervisionView
from softswitch.web.room import WebSettings
from softswitch.web.server import WebServer


def test_the_port_is_reported_and_free_again_after_the_stop() -> None:
    async def story() -> None:
        site = Site()
        server = WebServer(site.app)
        await server.start()
        assert server.port > 0
        assert server.url == f"http://127.0.0.1:{server.port}/"
        async with httpx.AsyncClient(base_url=server.url) as client:
            assert (await client.get("/healthz")).json() == {"status": "ok"}
            await server.stop()
        await server.stop()
        again = WebServer(Site().app, port=server.port)
        await again.start()
        await again.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(story())


def test_a_busy_port_is_an_answer_that_says_what_to_do() -> None:
    async def story() -> None:
        with socket.create_server(("127.0.0.1", 0)) as holder:
            port = holder.getsockname()[1]
            with pytest.raises(UsageError, match=rf"port {port} on 127.0.0.1 is in use; set another \[web\] port"):
                await WebServer(Site().app, port=port).start()

    asyncio.run(story())


def test_an_address_that_is_not_ours_and_a_missing_certificate_are_told_plainly(tmp_path) -> None:
    async def story() -> None:
        with pytest.raises(UsageError, match=r"\[web\] address"):
            await WebServer(Site().app, address="192.0.2.1").start()
        with pytest.raises(UsageError, match="certificate"):
            await WebServer(Site().app, certificate=tmp_path / "none.pem").start()

    asyncio.run(story())


def test_signals_stay_the_switchs_and_no_log_is_configured() -> None:
    async def story() -> None:
        before = {sig: signal.getsignal(sig) for sig in (signal.SIGINT, signal.SIGTERM)}
        async with served(Site()):
            assert {sig: signal.getsignal(sig) for sig in before} == before

    asyncio.run(story())


def test_the_login_thread_ends_with_the_server() -> None:
    async def story() -> None:
        site = Site()
        async with served(site) as server, httpx.AsyncClient(base_url=server.url) as client:
            before = set(threading.enumerate())
            await log_in(client, "sue")
            begun = {thread for thread in threading.enumerate() if thread.name.startswith("argon2")} - before
            assert len(begun) == 1
        await until(lambda: begun.isdisjoint(threading.enumerate()))

    asyncio.run(story())


def socket_url(server: WebServer, client_id: str = "") -> str:
    query = f"client_id={client_id}&implicit_handshake=false&EIO=4&transport=websocket"
    return f"ws://127.0.0.1:{server.port}/_nicegui_ws/socket.io/?{query}"


async def knock(url: str, **headers: str) -> int:
    """The HTTP status of a WebSocket handshake: 101 when it was let in."""
    try:
        async with websockets.connect(url, additional_headers=headers, proxy=None):
            return 101
    except websockets.InvalidStatus as refused:
        return refused.response.status_code


def test_the_live_socket_opens_for_a_session_of_the_same_origin_alone() -> None:
    async def story() -> None:
        site = Site(WebSettings(reconnect_s=0.2), pages=True)
        async with served(site) as server, httpx.AsyncClient(base_url=server.url) as client:
            origin = server.url.rstrip("/")
            await log_in(client, "sue")
            mine = {"Cookie": f"softswitch_session={session_cookie(client).value}"}
            assert await knock(socket_url(server)) == 403
            assert await knock(socket_url(server), Origin=origin) == 403
            assert await knock(socket_url(server), Cookie="softswitch_session=guess", Origin=origin) == 403
            assert await knock(socket_url(server), **mine) == 403
            assert await knock(socket_url(server), **mine, Origin="http://evil.example") == 403
            assert await knock(f"ws://127.0.0.1:{server.port}/elsewhere", **mine, Origin=origin) == 403
            assert await knock(socket_url(server), **mine, Origin=origin) == 101
            await log_in(client, "101")
            agent = {"Cookie": f"softswitch_session={session_cookie(client).value}"}
            assert await knock(socket_url(server), **agent, Origin=origin) == 101  # for the agent's page
            assert await knock(socket_url(server), **agent, Origin="http://evil.example") == 403

    asyncio.run(story())


class Tab:
    """A browser tab with the wallboard, as far as the server can tell: it loads the page and holds its socket."""

    def __init__(self, client: httpx.AsyncClient, server: WebServer) -> None:
        self._client = client
        self._server = server
        self.page = ""
        self.socket: ClientConnection | None = None
        self.messages: list[str] = []
        self._reading: asyncio.Task[None] | None = None

    async def open(self, tab_id: str) -> None:
        response = await self._client.get("/")
        assert response.status_code == 200
        self.page = response.text
        self.policy = response.headers["content-security-policy"]
        found = re.search(r"client_id\W+([0-9a-f-]{36})", self.page)
        assert found is not None
        client_id = self.client_id = found[1]
        headers = {
            "Cookie": f"softswitch_session={session_cookie(self._client).value}",
            "Origin": self._server.url.rstrip("/"),
        }
        self.socket = await websockets.connect(
            socket_url(self._server, client_id), additional_headers=headers, proxy=None
        )
        await self.socket.recv()  # engine.io: open
        await self.socket.send("40")
        await self.socket.recv()  # socket.io: connected
        hello = {"client_id": client_id, "tab_id": tab_id, "document_id": tab_id, "old_tab_id": None}
        await self.socket.send("420" + json.dumps(["handshake", {**hello, "next_message_id": 0}]))
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.socket is not None
        try:
            async for message in self.socket:
                if message == "2":
                    await self.socket.send("3")
                self.messages.append(str(message))
        except websockets.ConnectionClosed:
            pass

    async def choose(self, tag: str, text: str, args: object = None, event: str = "click") -> None:
        """What a browser sends when an element is clicked, found by its tag and text."""
        assert self.socket is not None
        found = [
            element
            for element in Client.instances[self.client_id].elements.values()
            if element.tag.endswith(tag) and text in (getattr(element, "text", ""), type(element).__name__)
        ]
        listener = next(each for each in found[0]._event_listeners.values() if each.type == event)
        message = {
            "id": found[0].id,
            "client_id": self.client_id,
            "listener_id": listener.id,
            "args": [] if args is None else [json.dumps(args)],
        }
        await self.socket.send("42" + json.dumps(["event", message]))

    async def close(self) -> None:
        assert self.socket is not None
        assert self._reading is not None
        await self.socket.close()
        await self._reading

    def heard(self, word: str) -> bool:
        return any(word in message for message in self.messages)


@asynccontextmanager
async def open_wallboard(site: Site) -> AsyncIterator[tuple[WebServer, httpx.AsyncClient, Tab]]:
    """A supervisor who has logged in, with one wallboard open."""
    async with served(site) as server, httpx.AsyncClient(base_url=server.url) as client:
        await log_in(client, "sue")
        tab = Tab(client, server)
        await tab.open("one")
        yield server, client, tab


def test_an_open_wallboard_marks_its_supervisor_as_there_and_is_kept_up_to_date() -> None:
    async def story() -> None:
        site = Site(WebSettings(reconnect_s=0.2), pages=True)
        async with served(site) as server, httpx.AsyncClient(base_url=server.url) as client:
            await log_in(client, "sue")
            first, second = Tab(client, server), Tab(client, server)
            await first.open("one")
            await second.open("two")
            await until(lambda: site.switch.present == ["sue"])
            site.switch.place_call("brandnew", "101", "in call")
            await until(lambda: first.heard("brandnew") and second.heard("brandnew"))
            await first.close()
            await second.close()
            await until(lambda: site.switch.present == [])

    asyncio.run(story())


def test_the_kill_switch_asks_once_and_then_stops_everything() -> None:
    async def story() -> None:
        site = Site(WebSettings(reconnect_s=0.2), pages=True)
        site.switch.place_call("c1", "101", "in call")
        async with open_wallboard(site) as (_, _, tab):
            await until(lambda: site.switch.present == ["sue"])
            await tab.choose("q-btn", "Kill switch")
            await until(lambda: tab.heard('"model-value":true'))
            assert site.switch.killed_by == []
            await tab.choose("q-btn", "Stop everything now")
            await until(lambda: site.switch.killed_by == ["sue"])
            await until(lambda: tab.heard("Everything is being stopped"))
            await tab.close()

    asyncio.run(story())


def test_a_call_is_ended_from_its_row_and_an_agent_is_moved_from_the_tile() -> None:
    async def story() -> None:
        site = Site(WebSettings(reconnect_s=0.2), pages=True)
        site.switch.place_call("c1", "101", "in call")
        async with open_wallboard(site) as (_, _, tab):
            await until(lambda: site.switch.present == ["sue"])
            await tab.choose("", "_CallRows", "c1", "choose")
            await until(lambda: tab.heard("End call c1?"))
            await tab.choose("q-btn", "End the call")
            await until(lambda: not site.switch.live)
            await tab.choose("", "_Tiles", "102", "choose")
            await until(lambda: tab.heard("Agent 102"))
            await tab.choose("q-btn", "Ready")
            await until(lambda: tab.heard("Agent 102 is not logged in; log in first."))
            await tab.close()

    asyncio.run(story())


def test_one_click_listens_a_second_one_leaves_and_the_tile_shows_who_is_there() -> None:
    async def story() -> None:
        site = Site(WebSettings(reconnect_s=0.2), pages=True)
        site.switch.place_call("c1", "101", "in call")
        site.switch.watching["tom"] = SupervisionView("tom", "101", "whisper", "on", "c1", 1.0)
        async with open_wallboard(site) as (_, _, tab):
            assert "tom: whisper" in tab.page
            for mode, said in (("listen", "Listening to"), ("barge", "Barging in on")):
                await tab.choose("", "_Tiles", {"agent": "101", "what": mode}, "watch")
                await until(lambda said=said: tab.heard(f"{said} agent 101."))
                assert site.switch.watching["sue"].mode == mode
            await tab.choose("", "_Tiles", {"agent": "101", "what": "barge"}, "watch")
            await until(lambda: "sue" not in site.switch.watching)
            for muted in ({"101"}, set()):
                await tab.choose("", "_Tiles", {"agent": "101", "what": "mute"}, "watch")
                await until(lambda muted=muted: site.switch.muted == muted)
            for made_up in ({"agent": "101", "what": "record"}, {"agent": "999", "what": "listen"}, "101"):
                await tab.choose("", "_Tiles", made_up, "watch")
            await tab.choose("", "_Tiles", {"agent": "102", "what": "listen"}, "watch")
            await until(lambda: tab.heard("agent 102 is not logged in"))
            assert list(site.switch.watching) == ["tom"]
            await tab.close()

    asyncio.run(story())


def test_a_log_out_closes_the_open_wallboard() -> None:
    async def story() -> None:
        site = Site(WebSettings(reconnect_s=0.2), pages=True)
        async with open_wallboard(site) as (_, client, tab):
            await until(lambda: site.switch.present == ["sue"])
            response = await client.post("/logout", headers={"sec-fetch-site": "same-origin"})
            assert response.status_code == 303
            await until(lambda: tab.socket.close_code is not None)
            await until(lambda: site.switch.present == [])

    asyncio.run(story())


def test_stopping_the_web_with_an_open_wallboard_is_quick_and_leaves_nobody_present() -> None:
    async def story() -> None:
        site = Site(WebSettings(reconnect_s=0.2), pages=True)
        async with open_wallboard(site) as (server, _, tab):
            await until(lambda: site.switch.present == ["sue"])
            await server.stop()
        assert site.switch.present == []
        await tab.close()
        left = {task.get_coro().__qualname__ for task in asyncio.all_tasks() - {asyncio.current_task()}}
        assert left <= {"AsyncSocket._send_ping"}  # sleeps its four seconds out and ends

    asyncio.run(story())


def test_the_wallboard_page_fetches_nothing_from_elsewhere_and_names_its_scripts_by_hash() -> None:
    async def story() -> None:
        site = Site(WebSettings(reconnect_s=0.2), pages=True)
        async with open_wallboard(site) as (_, _, tab):
            assert "http://" not in tab.page.replace("http://www.w3.org/", "")
            assert "https://" not in tab.page
            assert 'src="//' not in tab.page
            scripts = tab.policy.partition("script-src")[2].partition(";")[0]
            assert "'unsafe-inline'" not in scripts
            assert scripts.count("sha256-") >= 3
            await tab.close()

    asyncio.run(story())
