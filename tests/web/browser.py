"""A real browser for the pages' tests: Debian's Chromium, driven by Playwright, with a microphone of its own making."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
MAGNIFIED = {"width": 683, "height": 384}
"""Of the smallest screen, at 200 % (WCAG 1.4.4, 1.4.10)."""
PICTURES = os.environ.get("SOFTSWITCH_TEST_PICTURES", "")
"""Folder in which pictures of the pages are kept; empty: none are."""


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    arguments = [
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        "--allow-loopback-in-peer-connection",
        "--disable-features=WebRtcHideLocalIpsWithMdns",
        "--no-sandbox",
    ]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=arguments, timeout=120_000)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def tab(
    browser: Browser,
    url: str,
    name: str,
    password: str,
    *,
    path: str = "/",
    shows: str,
    dark: bool = False,
    size: tuple[int, int] = (1366, 768),
) -> AsyncIterator[Page]:
    """A browser of somebody's own who has logged in and opened the page of a path; shows: what is on it."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        permissions=["microphone"],
    )
    page = await context.new_page()
    page.set_default_timeout(120_000)
    await page.goto(f"{url}login?next={path}")
    await page.fill("#name", name)
    await page.fill("#password", password)
    await page.keyboard.press("Enter")
    await page.wait_for_selector(shows)
    await page.wait_for_function("window.socket?.connected")
    try:
        yield page
    finally:
        await context.close()


def agent_tab(
    browser: Browser, url: str, agent: str, pin: str, *, dark: bool = False
) -> AbstractAsyncContextManager[Page]:
    return tab(browser, url, agent, pin, shows=".desk-state", dark=dark)


def overseers_tab(
    browser: Browser, url: str, path: str, name: str, password: str, *, dark: bool = False
) -> AbstractAsyncContextManager[Page]:
    """Of somebody who is no agent."""
    return tab(browser, url, name, password, path=path, shows=".audit-main", dark=dark)


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))
