"""How long does a browser show nothing after a page is opened, and how long until all of it is there? (ms)

    python bench/first_content.py --json -

A whole switch in a process of its own, with 60 agents and no calls; a real Chromium with a window of 1366x768 opens
each page `--rounds` times. first: the browser's own First Contentful Paint. whole: the frame in which the page's script
has drawn what the page is for. "new": a browser that has never been there and has to fetch everything; "again": one
that has. median and worst of the rounds.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median
from typing import Any

from figures import parser, report
from pages import CHROMIUM, Part
from pages_site import PASSWORD, free_port, write_site
from processes import descendants, prefer

AGENTS = 60
ROLES = {"sue": "supervisor", "ada": "administrator", "aud": "auditor"}
PAGES = {
    "log-in": ("", "/login", "#name"),
    "agent": ("1001", "/agent", ".desk-state-name"),
    "wallboard": ("sue", "/", ".campaign-name"),
    "training": ("sue", "/training", ".training-body"),
    "administrator": ("ada", "/admin", ".admin-title"),
    "audit log": ("aud", "/audit", ".audit-main table"),
    "recordings": ("aud", "/audit/recordings", ".audit-main table"),
    "reviews": ("aud", "/audit/reviews", ".audit-main"),
    "compliance": ("aud", "/audit/compliance", ".audit-main"),
    "retention": ("aud", "/audit/retention", ".audit-main"),
}
"""By name: whose page it is, its path, and what is there once its script has drawn it."""
WATCH = """(wanted) => {
  const look = () => {
    const found = document.querySelector(`#app ${wanted}, main ${wanted}`);
    if (!found || window.whole) return;
    window.whole = -1;
    requestAnimationFrame(() => { window.whole = performance.now(); });
  };
  new MutationObserver(look).observe(document, { subtree: true, childList: true });
}"""
TOLD = """() => {
  const first = performance.getEntriesByName("first-contentful-paint")[0];
  return window.whole > 0 && first ? [first.startTime, window.whole] : null;
}"""


async def serve(folder: Path) -> None:
    """The site, until stdin ends."""
    import logging

    from softswitch.config import load
    from softswitch.logs import write_logs_to
    from softswitch.switch import Switch
    from softswitch.testing.lifetime import announce
    from softswitch.transports.collector import collect_rarely
    from softswitch.web.passwords import Passwords

    write_logs_to(folder / "switch.log", logging.INFO)
    switch = Switch(load(folder / "site.toml"), folder / "site.toml")
    await switch.start()
    passwords = Passwords()
    hashed = await passwords.hash(PASSWORD)
    passwords.close()
    for name, role in ROLES.items():
        await switch.site.store.add_account(name, hashed, role)
    announce(web=switch.web_url)
    collect_rarely()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await switch.stop()


@contextlib.asynccontextmanager
async def site(folder: Path) -> AsyncIterator[str]:
    with (folder / "errors.txt").open("wb") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, __file__, "--serve", folder,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, start_new_session=True,
        )  # fmt: skip
    prefer(process.pid)
    try:
        yield (await Part(process).said())["web"]
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 60)
        except TimeoutError:
            process.kill()


async def logged_in(browser: Any, url: str, name: str) -> Any:
    context = await browser.new_context(viewport={"width": 1366, "height": 768})
    page = await context.new_page()
    if name:
        await page.goto(f"{url}login")
        await page.fill("#name", name)
        await page.fill("#password", PASSWORD)
        async with page.expect_response(lambda answer: answer.status == 303):
            await page.keyboard.press("Enter")
        state = await context.storage_state()
        await context.close()  # with whatever it has fetched
        context = await browser.new_context(viewport={"width": 1366, "height": 768}, storage_state=state)
        page = await context.new_page()
    await page.goto(f"{url}healthz")  # as after the log-in: the browser's own process for the site is there
    return page


async def opened(page: Any, url: str, path: str) -> tuple[float, float]:
    """(first, whole) of one visit, ms."""
    await page.goto(f"{url.rstrip('/')}{path}", wait_until="commit")
    told = await (await page.wait_for_function(TOLD, timeout=60_000)).json_value()
    await page.wait_for_load_state("networkidle")
    return float(told[0]), float(told[1])


async def measure(rounds: int, only: str, folder: Path) -> dict[str, Any]:
    from playwright.async_api import async_playwright

    write_site(folder, AGENTS, AGENTS, ("127.0.0.1", free_port()), free_port(), 10.0)
    figures: dict[str, Any] = {}
    async with site(folder) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for each in descendants(os.getpid()):  # the browser makes a session of its own
            prefer(each)
        for name, (who, path, wanted) in PAGES.items():
            if only not in name:
                continue
            new, again = [], []
            for _ in range(rounds):
                page = await logged_in(browser, url, who)
                await page.add_init_script(f"({WATCH})({wanted!r})")
                new.append(await opened(page, url, path))
                again.append(await opened(page, url, path))
                await page.context.close()
            figures[name] = {
                f"{kind}_{what}": {"median": round(median(found)), "worst": round(max(found))}
                for kind, seen in (("new", new), ("again", again))
                for what, found in zip(("first", "whole"), zip(*seen, strict=True), strict=True)
            }
            print(name, figures[name], file=sys.stderr)
        await browser.close()
    return figures


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--only", default="", help="pages whose names hold this")
    options.add_argument("--serve", type=Path, help="for itself: be the site of this folder")
    given = options.parse_args()
    if given.serve is not None:
        import uvloop

        uvloop.run(serve(given.serve))
        return
    with tempfile.TemporaryDirectory() as folder:
        report(asyncio.run(measure(given.rounds, given.only, Path(folder))), given.json)


if __name__ == "__main__":
    main()
