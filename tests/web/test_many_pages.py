"""Many pages at once, each told of every change that is its own, and of nobody else's."""

import asyncio
from itertools import groupby
from typing import Any

from memory_people import PASSWORD
from site_client import Site, served, until

from softswitch.dialler.agents import AgentState
from softswitch.testing.tab import Tab
from softswitch.web.room import WebSettings

AGENTS = 6
ROUNDS = (AgentState.READY, AgentState.PAUSED, AgentState.READY, AgentState.WRAP_UP)


def test_each_page_hears_of_every_change_of_its_own_and_the_wallboard_of_all() -> None:
    names = [str(201 + n) for n in range(AGENTS)]
    seen: dict[str, list[tuple[str, str]]] = {name: [] for name in names}
    tiles: dict[str, list[str]] = {name: [] for name in names}

    def agent(name: str) -> Any:
        def receive(event: str, told: Any) -> None:
            for element in told.values() if event == "update" else ():
                view = element.get("props", {}).get("view") if isinstance(element, dict) else None
                if view is not None:
                    seen[name].append((view["page"]["agent"], view["page"]["state"]))

        return receive

    def wallboard(event: str, told: Any) -> None:
        for element in told.values() if event == "update" else ():
            for row in (element.get("props", {}).get("rows") if isinstance(element, dict) else None) or ():
                if row.get("agent") in tiles and "others" in row:
                    tiles[row["agent"]].append(row["state"])

    async def story() -> None:
        site = Site(WebSettings(reconnect_s=30.0), pages=True)
        hashed = site.accounts.rows["101"][0]
        for name in names:
            site.switch.states[name], site.switch.since[name] = AgentState.OFFLINE, 0.0
            site.accounts.rows[name] = (hashed, "agent")
        async with served(site) as server:
            tabs = [Tab(server.url, receive=agent(name)) for name in names]
            for name, tab in zip(names, tabs, strict=True):
                assert await tab.log_in(name, PASSWORD) == 303
                await tab.open("/agent")
            board = Tab(server.url, receive=wallboard)
            assert await board.log_in("sue", PASSWORD) == 303
            await board.open("/")
            for state in ROUNDS:
                for name in names:
                    site.switch._set(name, state)
                await until(lambda s=state: all(seen[n] and seen[n][-1] == (n, s.value) for n in names), 60.0)
                await until(lambda s=state: all(tiles[n] and tiles[n][-1] == s.value.upper() for n in names), 60.0)
            assert all(tab.is_live for tab in (*tabs, board))
            assert sorted(site.switch.pages) == names
            await asyncio.gather(*(tab.close() for tab in (*tabs, board)))
        for name in names:
            assert {whose for whose, _ in seen[name]} == {name}
            told = [state for state, _ in groupby(state for _, state in seen[name])]
            assert [state for state in told if state != "offline"] == [state.value for state in ROUNDS]

    asyncio.run(story())
