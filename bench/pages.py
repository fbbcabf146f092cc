"""How long is it from an event to the screen with 60 agents' pages and 5 wallboards open, and does the loop that
signals wait for pages? (ms)

    python bench/pages.py --json -

The web room is served as the switch serves it, in a process and session of its own, over a site that changes by itself:
each agent goes through a call every few seconds, and so many calls ring or talk at once. Its calls are figures, no SIP:
what is measured is the pages' share of the loop. The tabs are headless (`softswitch.testing.tab`) and speak the page
library's own protocol over real sockets; each update that says another state of an agent is held against the moment of
that change, on the one clock of the machine. cpu_share is the server process's, of one core.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import uvloop
from figures import parser, report

from softswitch.dialler.agents import AgentState
from softswitch.testing.tab import Tab

sys.path.insert(0, str(Path(__file__).parent.parent))  # for the small site of the tests

PASSWORD = "correct horse battery"
ROUND = (AgentState.READY, AgentState.IN_CALL, AgentState.WRAP_UP)
LAG_STEP_S = 0.005


def agents_named(count: int) -> list[str]:
    return [str(1001 + n) for n in range(count)]


# The server's process


async def serve(agents: int, wallboards: int, calls: int, events_per_s: float) -> None:
    from softswitch.web.app import create_app
    from softswitch.web.room import WebSettings
    from softswitch.web.server import WebServer
    from tests.web.small_site import MemoryAccounts, SmallSwitch, quick_passwords

    names, chance = agents_named(agents), random.Random(1)
    switch, accounts = SmallSwitch(tuple(names)), MemoryAccounts()
    switch.now = time.monotonic()
    passwords = quick_passwords()
    hashed = await passwords.hash(PASSWORD)
    accounts.rows = dict.fromkeys(names, (hashed, "agent"))
    accounts.rows |= {f"sue{n}": (hashed, "supervisor") for n in range(wallboards)}
    server = WebServer(create_app(switch, accounts, WebSettings(), passwords=passwords))
    await server.start()
    print(json.dumps({"url": server.url}), flush=True)
    lags: list[float] = []

    async def change() -> None:
        number = 0
        for name in names:
            switch._set(name, AgentState.READY)
        while True:
            await asyncio.sleep(chance.expovariate(events_per_s))
            switch.now = time.monotonic()
            name = chance.choice(names)
            state = ROUND[(ROUND.index(switch.states[name]) + 1) % len(ROUND)]
            for ref in [ref for ref, call in switch.live.items() if call.agent == name]:
                del switch.live[ref]
            if state is AgentState.IN_CALL:
                switch.place_call(f"c{number}", name, "in call")
            while len(switch.live) < calls:
                number += 1
                switch.place_call(f"r{number}", "", "ringing")
            switch.attempts.clear()
            switch._set(name, state)

    async def look() -> None:
        while True:
            due = time.monotonic() + LAG_STEP_S
            await asyncio.sleep(LAG_STEP_S)
            lags.append(time.monotonic() - due)
            switch.now = time.monotonic()

    tasks = [asyncio.create_task(change()), asyncio.create_task(look())]
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if line.strip() == "begin":
            lags.clear()
            began, cpu = time.monotonic(), time.process_time()
        elif line.strip() == "end":
            lag = np.array(lags) * 1e3
            told = {
                "loop_lag_ms": percentiles(lag),
                "cpu_share": round((time.process_time() - cpu) / (time.monotonic() - began), 3),
            }
            print(json.dumps(told), flush=True)
    for task in tasks:
        task.cancel()
    await server.stop()


# The tabs' process


class Screens:
    """What the tabs were shown, and when."""

    def __init__(self) -> None:
        self.agent_ms: list[float] = []
        self.events: dict[str, list[tuple[float, str]]] = defaultdict(list)
        """By agent: moment and state of each change."""
        self.tiles: list[tuple[float, str, str]] = []
        self.updates = 0

    def agent(self, name: str) -> Any:
        seen = ""

        def receive(event: str, told: Any) -> None:
            nonlocal seen
            arrived = time.monotonic()
            self.updates += 1
            for element in told.values() if event == "update" else ():
                view = element.get("props", {}).get("view") if isinstance(element, dict) else None
                if view is not None and view["page"]["state"] != seen:
                    moment = view["page"]["at"] - view["page"]["since_s"]
                    if seen:
                        self.agent_ms.append((arrived - moment) * 1e3)
                    seen = view["page"]["state"]
                    self.events[name].append((moment, seen.upper()))

        return receive

    def wallboard(self) -> Any:
        seen: dict[str, str] = {}

        def receive(event: str, told: Any) -> None:
            arrived = time.monotonic()
            self.updates += 1
            for element in told.values() if event == "update" else ():
                rows = element.get("props", {}).get("rows") if isinstance(element, dict) else None
                for row in rows or ():
                    if "tone" in row and "others" in row and seen.get(row["agent"]) != row["state"]:
                        if row["agent"] in seen:
                            self.tiles.append((arrived, row["agent"], row["state"]))
                        seen[row["agent"]] = row["state"]

        return receive

    def wallboard_ms(self) -> list[float]:
        """Each change of a tile, from the last change of that agent to that state before it."""
        found = []
        for arrived, agent, state in self.tiles:
            moments = [moment for moment, told in self.events[agent] if told == state and moment <= arrived]
            if moments:
                found.append((arrived - moments[-1]) * 1e3)
        return found


async def measure(agents: int, wallboards: int, calls: int, events_per_s: float, seconds: float) -> dict[str, Any]:
    words = ["--agents", agents, "--wallboards", wallboards, "--calls", calls, "--events-per-s", events_per_s]
    server = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--serve", *map(str, words),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        url = json.loads(await server.stdout.readline())["url"]
        screens = Screens()
        own = agents_named(agents)
        tabs = [await opened(Tab(url, receive=screens.agent(name)), name, "/agent") for name in own]
        tabs += [await opened(Tab(url, receive=screens.wallboard()), f"sue{n}", "/") for n in range(wallboards)]
        await asyncio.sleep(1.0)
        screens.agent_ms.clear()
        screens.tiles.clear()
        before = screens.updates
        server.stdin.write(b"begin\n")
        await asyncio.sleep(seconds)
        server.stdin.write(b"end\n")
        told = json.loads(await server.stdout.readline())
        live = sum(tab.is_live for tab in tabs)
        figures = {
            "agents": agents,
            "wallboards": wallboards,
            "calls": calls,
            "events_per_s": events_per_s,
            "live_pages": live,
            "updates_per_s": round((screens.updates - before) / seconds, 1),
            "agent_page_ms": percentiles(np.array(screens.agent_ms)),
            "wallboard_ms": percentiles(np.array(screens.wallboard_ms())),
            **told,
        }
        await asyncio.gather(*(tab.close() for tab in tabs))
        return figures
    finally:
        server.stdin.close()
        await asyncio.wait_for(server.wait(), 30)


async def opened(tab: Tab, name: str, path: str) -> Tab:
    assert await tab.log_in(name, PASSWORD) == 303, name
    await tab.open(path)
    return tab


def percentiles(values: Any) -> dict[str, float]:
    if not len(values):
        return {"count": 0}
    p50, p95, p99 = np.percentile(values, [50, 95, 99])
    told = {"p50": p50, "p95": p95, "p99": p99, "max": values.max()}
    return {"count": len(values), **{name: round(float(value), 2) for name, value in told.items()}}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--agents", type=int, default=60)
    options.add_argument("--wallboards", type=int, default=5)
    options.add_argument("--calls", type=int, default=200)
    options.add_argument("--events-per-s", type=float, default=10.0, help="changes of agents' states")
    options.add_argument("--seconds", type=float, default=20.0)
    options.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    what = (given.agents, given.wallboards, given.calls, given.events_per_s)
    if given.serve:
        uvloop.run(serve(*what))
        return
    report(asyncio.run(measure(*what, given.seconds)), given.json)


if __name__ == "__main__":
    main()
