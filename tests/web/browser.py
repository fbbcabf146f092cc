"""A real browser for the pages' tests: Debian's Chromium, driven by Playwright, with a microphone of its own making."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
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
async def agent_tab(browser: Browser, url: str, agent: str, pin: str, *, dark: bool = False) -> AsyncIterator[Page]:
    """A tab in which the agent has logged in."""
    scheme = "dark" if dark else "light"
    context = await browser.new_context(viewport={"width": 1366, "height": 768}, color_scheme=scheme)
    page = await context.new_page()
    page.set_default_timeout(60_000)
    await page.goto(f"{url}login")
    await page.fill("#name", agent)
    await page.fill("#password", pin)
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".desk-state")
    try:
        yield page
    finally:
        await context.close()


@asynccontextmanager
async def overseers_tab(
    browser: Browser, url: str, path: str, name: str, password: str, *, dark: bool = False
) -> AsyncIterator[Page]:
    """A tab in which somebody who is no agent has logged in and opened a page."""
    scheme = "dark" if dark else "light"
    context = await browser.new_context(viewport={"width": 1366, "height": 768}, color_scheme=scheme)
    page = await context.new_page()
    page.set_default_timeout(60_000)
    await page.goto(f"{url}login?next={path}")
    await page.fill("#name", name)
    await page.fill("#password", password)
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".audit-main")
    await page.wait_for_function("window.socket?.connected")
    try:
        yield page
    finally:
        await context.close()


async def picture(page: Page, name: str) -> None:
    if PICTURES:
        Path(PICTURES).mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=str(Path(PICTURES) / f"{name}.png"))
