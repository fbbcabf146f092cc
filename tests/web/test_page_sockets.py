"""Whose socket may speak for which page, spoken in the socket's own protocol; and one page an agent at a time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from memory_people import PASSWORD
from nicegui import Client, core
from site_client import Site, served, until
from websockets.exceptions import InvalidStatus

from softswitch.config.scripts import load_script
from softswitch.dialler.agents import AgentState
from softswitch.testing.tab import Tab
from softswitch.web.room import WebSettings

SCRIPT = load_script(Path(__file__).parents[2] / "configs" / "script-travel.toml", {"city"})
Story = Callable[[Site, "Doors"], Coroutine[Any, Any, None]]


class Doors:
    """Tabs of people at one site, closed at the end."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.tabs: list[Tab] = []

    async def tab(self, name: str, path: str = "", *, of: Tab | None = None, tab_id: str = "one") -> Tab:
        """of: another tab of the same browser, whose log-in this one has too."""
        tab = Tab(self.url)
        self.tabs.append(tab)
        if of is not None:
            tab.client.cookies = of.client.cookies
        else:
            assert await tab.log_in(name, PASSWORD) == 303
        if path:
            await tab.open(path, tab_id=tab_id)
        return tab


def story(body: Story) -> None:
    @asynccontextmanager
    async def doors() -> AsyncIterator[tuple[Site, Doors]]:
        site = Site(WebSettings(reconnect_s=0.2), pages=True)
        async with served(site) as server:
            opened = Doors(server.url)
            try:
                yield site, opened
            finally:
                await asyncio.gather(*(tab.close() for tab in opened.tabs))

    async def run() -> None:
        async with doors() as (site, opened):
            await body(site, opened)

    asyncio.run(run())


def test_an_agents_socket_with_a_supervisors_page_gets_and_moves_nothing_and_is_noted() -> None:
    async def body(site: Site, doors: Doors) -> None:
        site.switch.place_call("c1", "102", "in call")
        board = await doors.tab("sue", "/")
        await until(lambda: site.switch.present == ["sue"])
        thief = await doors.tab("101")
        with pytest.raises(ConnectionRefusedError):
            await thief.connect(board.client_id)
        await thief.connect("")
        assert await thief.shake_hands(board.client_id) is False
        for element in [*board.elements]:
            for listener in board.elements[element].get("events", []):
                await thief.say("event", board.click(int(element), listener["listener_id"], {}))
        for event in ("javascript_response", "ack", "log"):
            await thief.say(event, {"client_id": board.client_id, "next_message_id": 99, "request_id": "x"})
        site.switch.place_call("brandnew", "101", "in call")
        await until(lambda: board.heard("brandnew"))
        # The thief's own words have been read by now: they come before this answer in the same socket.
        assert await thief.shake_hands(board.client_id) is False
        assert thief.messages == []
        assert site.switch.killed_by == [] and not site.switch.watching
        assert Client.instances[board.client_id].outbox.message_history  # not pruned by the thief's "ack"
        refused = {record for record in site.journal.records if record[1] == "refused"}
        for event in ("connect", "handshake", "event"):
            assert ("101", "refused", "page /", f"it is another session's ({event})") in refused
        assert {actor for actor, *_ in refused} == {"101"}

    story(body)


def test_not_even_another_log_in_of_the_same_person_speaks_for_a_page() -> None:
    async def body(site: Site, doors: Doors) -> None:
        board = await doors.tab("sue", "/")
        other = await doors.tab("sue")
        await other.connect("")
        assert await other.shake_hands(board.client_id) is False
        assert board.is_live

    story(body)


def test_a_socket_that_has_not_shaken_hands_for_a_page_of_its_own_session_sends_no_events_to_it() -> None:
    async def body(site: Site, doors: Doors) -> None:
        site.switch._set("101", AgentState.READY)
        first = await doors.tab("101", "/agent")
        second = await doors.tab("101", of=first)
        await second.connect(first.client_id)
        second.elements = first.elements
        await second.act("agent_screen", "act", {"what": "pause", "code": "lunch"})
        assert await second.ask("ack", {"client_id": first.client_id, "next_message_id": 0}) is None
        assert site.switch.states["101"] is AgentState.READY
        await first.act("agent_screen", "act", {"what": "pause", "code": "lunch"})
        await until(lambda: site.switch.states["101"] is AgentState.PAUSED)

    story(body)


def test_the_implicit_handshake_and_long_polling_are_no_way_around() -> None:
    async def body(site: Site, doors: Doors) -> None:
        board = await doors.tab("sue", "/")
        thief = await doors.tab("101")
        for query in ("EIO=4&transport=polling", f"EIO=4&transport=polling&client_id={board.client_id}"):
            answer = await thief.client.get(f"/_nicegui_ws/socket.io/?{query}")
            assert answer.status_code == 400
        connect = core.sio.handlers["/"]["connect"]
        scope = {"softswitch.session": next(iter(site.room.sessions._sessions.values())), "softswitch.room": site.room}
        words = f"client_id={board.client_id}&implicit_handshake=true&tab_id=a&document_id=b"
        with pytest.raises(Exception, match="Implicit handshake failed"):
            await connect("sid", {"QUERY_STRING": words, "asgi.scope": scope}, None)

    story(body)


@pytest.mark.parametrize("way", ["log-out", "expiry", "shut account"])
def test_the_sockets_of_a_session_are_closed_as_it_ends(way: str) -> None:
    async def body(site: Site, doors: Doors) -> None:
        tab = await doors.tab("101", "/agent")
        match way:
            case "log-out":
                await tab.client.post("/logout", headers={"sec-fetch-site": "same-origin"})
            case "expiry":
                site.room.sessions.handle_timer(float("inf"))
            case "shut account":
                site.accounts.shut.add("101")
                await site.room.end_sessions_of_changed_accounts()
        await until(lambda: not tab.is_live)
        assert tab.close_code == 1008
        with pytest.raises(InvalidStatus):
            await tab.connect(tab.client_id)
        await until(lambda: site.switch.pages == [])

    story(body)


def test_a_second_log_in_of_an_agent_ends_the_first_with_its_page_and_its_headset() -> None:
    async def body(site: Site, doors: Doors) -> None:
        first = await doors.tab("101", "/agent")
        offer = {"type": "offer", "sdp": "v=0\r\nm=audio 9 RTP/AVP 0\r\n"}
        own = {"sec-fetch-site": "same-origin"}
        assert (await first.client.post("/api/agent/headset", json=offer, headers=own)).status_code == 200
        assert "101" in site.switch.headsets
        second = await doors.tab("101", "/agent")
        await until(lambda: not first.is_live)
        assert "101" not in site.switch.headsets
        assert (await first.client.get("/api/session")).status_code == 401
        assert second.is_live
        await until(lambda: site.switch.pages == ["101"])
        assert ("101", "log out", "by a log-in from 127.0.0.1", "a second log-in") in site.journal.records
        other = await doors.tab("102", "/agent")
        assert second.is_live and other.is_live  # each agent for themselves

    story(body)


def test_two_log_ins_of_an_agent_at_the_same_moment_leave_one() -> None:
    async def body(site: Site, doors: Doors) -> None:
        tabs = [Tab(doors.url) for _ in range(4)]
        doors.tabs += tabs
        assert await asyncio.gather(*(tab.log_in("101", PASSWORD) for tab in tabs)) == [303] * 4
        answers = [(await tab.client.get("/api/session")).status_code for tab in tabs]
        assert sorted(answers) == [200, 401, 401, 401]

    story(body)


def test_of_several_tabs_the_last_one_is_in_use_and_the_others_can_be_taken_instead() -> None:
    async def body(site: Site, doors: Doors) -> None:
        site.switch._set("101", AgentState.READY)
        first = await doors.tab("101", "/agent", tab_id="a")
        second = await doors.tab("101", "/agent", of=first, tab_id="b")
        await until(lambda: first.heard('"in_use":false'))
        await first.act("agent_screen", "act", {"what": "pause", "code": "lunch"})
        await second.act("agent_screen", "act", {"what": "pause", "code": "break"})
        await until(lambda: site.switch.states["101"] is AgentState.PAUSED)
        assert site.switch.codes["101"] == "break"
        await first.act("agent_screen", "act", {"what": "use-here"})
        await until(lambda: second.heard('"in_use":false'))
        await first.act("agent_screen", "act", {"what": "ready"})
        await until(lambda: site.switch.states["101"] is AgentState.READY)
        await first.close()
        doors.tabs.remove(first)
        await until(lambda: site.switch.pages == ["101"])
        assert second.is_live

    story(body)


def test_a_page_whose_socket_was_lost_connects_again_at_the_same_node() -> None:
    async def body(site: Site, doors: Doors) -> None:
        interview = site.switch.begin_interview("K7F2", "101", SCRIPT)
        site.switch.tick(20)
        interview.receive_answer(interview.node.id, None, site.switch.now)
        tab = await doors.tab("101", "/agent")
        node = interview.node.id
        assert f'"node":"{node}"' in tab.html.replace(" ", "").replace("&quot;", '"')
        assert tab._socket is not None
        await tab._socket.close()
        await until(lambda: not tab.is_live)
        await tab.connect(tab.client_id)
        assert await tab.shake_hands(tab.client_id)
        assert interview.node.id == node
        site.switch.tick(20)
        await tab.act("agent_screen", "act", {"what": "answer", "node": node, "answer": "yes"})
        await until(lambda: interview.node.id != node)
        assert site.switch.pages == ["101"]

    story(body)
