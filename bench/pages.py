"""How long is it from an event to the screen with 60 agents' pages and 5 wallboards open while 200 calls run, and does
the loop that signals wait for pages? (ms)

    python bench/pages.py --json -
    python bench/pages.py --browser --json -      # one of the wallboards in a real Chromium, as a witness

A whole switch (bench/pages_site.py) with its media process runs in a session of its own, over a lab carrier and phones
in another. The tabs are headless (`softswitch.testing.tab`), in this process, and speak the page library's own protocol
over real sockets; each update that says another state of an agent is held against the moment of that change, on the one
clock of the machine. loop_lag_ms: how late the switch's loop runs a timer of 5 ms. cpu_share is that process's, of one
core.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
from figures import parser, report
from pages_site import PASSWORD, agents_named, free_port, percentiles, supervisors_named, write_site
from processes import prefer

from softswitch.testing.tab import Tab

SITE = Path(__file__).with_name("pages_site.py")
SETTLE_S = 120.0
CHROMIUM = "/usr/bin/chromium"


# The tabs' process


Seen = tuple[float, str, str]
"""Moment, agent and state."""


class Screens:
    """What the tabs were shown, and when."""

    def __init__(self) -> None:
        self.pages: list[Seen] = []
        self.tiles: list[Seen] = []
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
                    if seen:
                        self.pages.append((arrived, name, view["page"]["state"].upper()))
                    seen = view["page"]["state"]

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

    def forget(self) -> None:
        self.pages.clear()
        self.tiles.clear()


def delays_ms(seen: list[Seen], events: list[Seen]) -> dict[str, float]:
    """Of each change that was seen, from the agent's last change to that state."""
    moments: dict[tuple[str, str], list[float]] = defaultdict(list)
    for moment, agent, state in events:
        moments[agent, state].append(moment)
    found = []
    for arrived, agent, state in seen:
        before = [moment for moment in moments[agent, state] if moment <= arrived]
        found += [(arrived - before[-1]) * 1e3] if before else []
    return percentiles(np.array(found))


class Part:
    """A process of the site in a session of its own: a line is said, a line of JSON comes back."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def said(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), SETTLE_S)
        if not line:
            raise SystemExit("a part of the site has ended")
        told: dict[str, Any] = json.loads(line)
        return told

    async def ask(self, word: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        self.process.stdin.write(word.encode() + b"\n")
        return await self.said()


@contextlib.asynccontextmanager
async def part(errors: Path, *words: object, **environment: str) -> AsyncIterator[Part]:
    with errors.open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, SITE, *map(str, words), env=os.environ | environment, limit=1 << 22,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True,
        )  # fmt: skip
    assert process.stdin is not None
    try:
        yield Part(process)
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 60)
        except TimeoutError:
            process.kill()


async def measure(
    agents: int, wallboards: int, calls: int, talk_s: float, seconds: float, folder: Path, browser: bool
) -> dict[str, Any]:
    sip_port = free_port()
    lab_words = ("lab", "--sip-port", sip_port, "--agents", agents, "--waiting", calls - agents, "--talk-s", talk_s)
    async with part(folder / "lab.txt", *lab_words) as lab:
        write_site(folder, agents, calls, tuple((await lab.said())["address"]), sip_port, talk_s)
        environment = {"SUPERVISORS": str(wallboards + 1)}
        async with part(folder / "switch.txt", "switch", "--folder", folder, **environment) as switch:
            for process in (os.getpid(), lab.process.pid, switch.process.pid):
                prefer(process)
            url = (await switch.said())["web"]
            screens = Screens()
            tabs = [
                await opened(Tab(url, receive=screens.wallboard()), name, "/") for name in supervisors_named(wallboards)
            ]
            print("wallboards are open", file=sys.stderr)
            await lab.ask("begin")
            print("phones are there, callers wait", file=sys.stderr)
            tabs += [
                await opened(Tab(url, receive=screens.agent(name)), name, "/agent") for name in agents_named(agents)
            ]
            for tab in tabs[wallboards:]:
                await tab.act("agent_screen", "act", {"what": "tested"})
            for tab in tabs[wallboards:]:
                await tab.act("agent_screen", "act", {"what": "ready"})
            async with witness(url, f"sue{wallboards}") if browser else contextlib.nullcontext() as page:
                await until_busy(switch, agents, calls)
                screens.forget()
                before, began = screens.updates, await switch.ask("begin")
                await asyncio.sleep(seconds)
                told = await switch.ask("end")
                events = [tuple(each) for each in told.pop("events")]
                live = sum(tab.is_live for tab in tabs)
                told["packets_per_s"] = round((told.pop("packets_in") - began["packets_in"]) / seconds)
                told["packets_lost"] = told.pop("lost") - began["lost"]
                figures = {
                    "agents": agents,
                    "wallboards": wallboards,
                    "live_pages": live,
                    "updates_per_s": round((screens.updates - before) / seconds, 1),
                    "agent_page_ms": delays_ms(screens.pages, events),
                    "wallboard_ms": delays_ms(screens.tiles, events),
                    **told,
                }
                if page is not None:
                    figures["chromium_wallboard_ms"] = delays_ms(await seen_by(page), events)
            await asyncio.gather(*(tab.close() for tab in tabs))
            return figures


async def until_busy(switch: Part, agents: int, calls: int) -> None:
    """Wait until nearly all agents have talked and nearly as many calls run as there are to be."""
    told = await switch.ask("dial")
    deadline = time.monotonic() + SETTLE_S
    while told["calls"] < 0.97 * calls:
        if time.monotonic() > deadline:
            raise SystemExit(f"the site is not busy: {told}")
        await asyncio.sleep(1.0)
        told = await switch.ask("look")
    print(f"busy: {told}", file=sys.stderr)
    await asyncio.sleep(5.0)


WATCH = """() => {
  window.seen = [];
  const shown = {};
  const look = () => document.querySelectorAll(".agent").forEach((tile) => {
    const agent = tile.querySelector(".agent-name").textContent, state = tile.querySelector(".agent-state").textContent;
    if (shown[agent] !== undefined && shown[agent] !== state)
      requestAnimationFrame(() => window.seen.push([performance.timeOrigin + performance.now(), agent, state]));
    shown[agent] = state;
  });
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""
"""Notes each change of a tile in the frame that paints it."""


@contextlib.asynccontextmanager
async def witness(url: str, name: str) -> AsyncIterator[Any]:
    """A real browser with the wallboard open."""
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await chromium.new_page(viewport={"width": 1366, "height": 768})
        await page.goto(f"{url}login")
        await page.fill("#name", name)
        await page.fill("#password", PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_selector(".agent-state")
        await page.evaluate(WATCH)
        yield page
        await chromium.close()


async def seen_by(page: Any) -> list[tuple[float, str, str]]:
    ahead_s = time.time() - time.monotonic()
    return [(at / 1e3 - ahead_s, agent, state) for at, agent, state in await page.evaluate("window.seen")]


async def opened(tab: Tab, name: str, path: str) -> Tab:
    assert await tab.log_in(name, PASSWORD) == 303, name
    await tab.open(path)
    return tab


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--agents", type=int, default=60)
    options.add_argument("--wallboards", type=int, default=5)
    options.add_argument("--calls", type=int, default=200)
    options.add_argument("--talk-s", type=float, default=12.0, help="mean length of an agent's call")
    options.add_argument("--seconds", type=float, default=30.0)
    options.add_argument("--browser", action="store_true")
    options.add_argument("--folder", type=Path, help="where the site lies; a new temporary one by default")
    given = options.parse_args()
    with contextlib.ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        what = (given.agents, given.wallboards, given.calls, given.talk_s, given.seconds, folder, given.browser)
        report(asyncio.run(measure(*what)), given.json)


if __name__ == "__main__":
    main()
