"""README's 10-minute tutorial, step by step: its commands are run and its sentences are carried out in a browser.

Whatever the README says is done as it stands there; the test knows how to write, press, give, wait and open, and
nothing of the steps. Only ports are others, so that tests run side by side: the environment says which.
"""

import asyncio
import os
import re
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page

from tests.ports import free_port, lend_ports
from tests.web.browser import CHROMIUM, chromium, picture

pytestmark = [
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="there is no Chromium"),
    pytest.mark.timeout(900),
]
README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
PATIENCE_S = 180.0
STAYS = ("lab", "run")
"""Commands that go on, each in a terminal of its own."""
_PIECES = re.compile(
    r"\*\*(?P<step>[^*]+)\*\*:"
    r"|`(?P<text>[^`]+)` into \*\*(?P<field>[^*]+)\*\*"
    r"|give `(?P<file>[^`]+)` to \*\*(?P<upload>[^*]+)\*\*"
    r"|press \*\*(?P<button>[^*]+)\*\*"
    r"|wait for `(?P<words>[^`]+)`"
    r"|open `(?P<url>[^`]+)`(?P<tab> in a second tab)?"
    r"|log in as `(?P<name>[^`]+)`",
    re.IGNORECASE,
)


def section() -> str:
    return README.split("## 10-minute tutorial\n")[1].split("\n## ")[0]


def commands() -> list[str]:
    return [
        line.strip().partition("  #")[0].strip()
        for line in section().splitlines()
        if line.startswith("    softswitch ")
    ]


def steps() -> Iterator[str]:
    """Each numbered step in one line."""
    for found in re.finditer(r"^\d+\. (.*?)(?=^\d+\. |^\S|\Z)", section(), re.DOTALL | re.MULTILINE):
        yield " ".join(found[1].split())


class Terminal:
    """Runs the commands in one folder; those that stay are ended with it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self._environment = {**os.environ, **environment}
        self._running: list[tuple[asyncio.subprocess.Process, Path]] = []

    async def run(self, line: str) -> None:
        command, _, target = line.partition(" > ")
        words = command.split()
        assert words[0] == "softswitch", line
        said = self.folder / (target or f"{words[1]}.out")
        with said.open("wb") as out, (self.folder / f"{words[1]}.err").open("wb") as errors:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", *words, cwd=self.folder, env=self._environment, stdout=out, stderr=errors
            )
        if words[1] in STAYS:
            self._running.append((process, self.folder / f"{words[1]}.err"))
        else:
            assert await process.wait() == 0, (line, self.said(words[1]))

    def said(self, command: str) -> str:
        return " ".join((self.folder / f"{command}.err").read_text().split())

    async def says(self, command: str, pattern: str) -> re.Match[str]:
        async with asyncio.timeout(PATIENCE_S):
            while (found := re.search(pattern, self.said(command))) is None:
                for process, errors in self._running:
                    assert process.returncode is None, errors.read_text()
                await asyncio.sleep(0.1)
        return found

    async def end(self) -> None:
        for process, _ in reversed(self._running):
            if process.returncode is None:
                process.terminate()
        for process, _ in self._running:
            try:
                await asyncio.wait_for(process.wait(), 60)
            except TimeoutError:
                process.kill()
                await process.wait()


class Reader:
    """Somebody who does what the sentences say."""

    def __init__(self, browser: Browser, folder: Path, port: int, lab_port: int, password: str) -> None:
        self._browser = browser
        self._folder = folder
        self._ports = {"8080": str(port), "5070": str(lab_port)}
        self._password = password
        self.tabs: list[Page] = []

    async def do(self, sentence: str) -> int:
        """How many things it said."""
        count = 0
        for piece in _PIECES.finditer(sentence):
            count += 1
            told = {name: self._here(text) for name, text in piece.groupdict().items() if text is not None}
            try:
                await self._do(told)
            except BaseException:
                if self.tabs:
                    print(piece[0], "|", await self.tabs[0].locator("body").inner_text())
                raise
        return count

    async def _do(self, told: dict[str, str]) -> None:
        page = self.tabs[0] if self.tabs else None
        match told:
            case {"url": url}:
                await self._open(url, second="tab" in told)
            case {"name": name} if page is not None:
                await page.fill("#name", name)
                await page.fill("#password", self._password)
                await page.keyboard.press("Enter")
                await page.wait_for_selector(".admin-title")
            case {"step": step} if page is not None:
                await page.locator(".step", has_text=step).click()
                await page.locator(".admin-title", has_text=step).wait_for()
            case {"field": field, "text": text} if page is not None:
                await page.get_by_label(field, exact=True).fill(text)
            case {"upload": upload, "file": file} if page is not None:
                await page.get_by_label(upload, exact=True).set_input_files(self._folder / file)
                await page.get_by_role("form", name="Uploaded file").wait_for()
            case {"button": button} if page is not None:
                await page.get_by_role("button", name=button, exact=True).click()
                if button.startswith("Save"):
                    await page.locator(".admin-notice .is-good").wait_for()
            case {"words": words} if page is not None:
                pattern = re.compile(rf"(?<!\w){re.escape(words)}")  # "unregistered" is not "registered"
                await page.locator(".admin").get_by_text(pattern).first.wait_for()
            case _:
                raise AssertionError(told)

    async def _open(self, url: str, *, second: bool) -> None:
        if not self.tabs or second:
            tab = await (self.tabs[0].context if self.tabs else await self._browser.new_context()).new_page()
            tab.set_default_timeout(PATIENCE_S * 1000)
            self.tabs.append(tab)
        tab = self.tabs[-1 if second else 0]
        if len(self.tabs) == 1 and tab.url != "about:blank":  # the switch begins again: its page leaves by itself
            await tab.wait_for_selector("#password")
        await tab.goto(url)
        if second:  # somebody looks at the wallboard, and goes on when it says so
            await tab.get_by_text("Dialling allowed").wait_for()

    def _here(self, text: str) -> str:
        for said, ours in self._ports.items():
            text = re.sub(rf"\b{said}\b", ours, text)
        return text


@asynccontextmanager
async def terminal(folder: Path, environment: dict[str, str]):
    made = Terminal(folder, environment)
    try:
        yield made
    finally:
        await made.end()


def test_the_tutorial_leads_from_an_empty_folder_to_a_test_call(tmp_path: Path) -> None:
    async def story() -> None:
        web, lab, sip, media = free_port(), free_port(), free_port(), lend_ports()
        environment = {
            "SOFTSWITCH_LAB_PORT": str(lab),
            "SOFTSWITCH_WEB__PORT": str(web),
            "SOFTSWITCH_SIP__PORT": str(sip),
            "SOFTSWITCH_MEDIA__FIRST_PORT": str(media),
            "SOFTSWITCH_MEDIA__LAST_PORT": str(media + 199),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        async with AsyncExitStack() as stack:
            shell = await stack.enter_async_context(terminal(tmp_path, environment))
            assert len(commands()) == 4
            for command in commands():
                await shell.run(command)
            await shell.says("lab", "carrier is at")
            kept = (await shell.says("run", r"its password is in (\S+): read it"))[1]  # what it says goes to a file
            password = (tmp_path / kept).read_text(encoding="utf-8").strip()
            await shell.says("run", "Ready: SIP")
            browser = await stack.enter_async_context(chromium())
            reader = Reader(browser, tmp_path, web, lab, password)
            told = list(steps())
            assert len(told) == 10
            for sentence in told:
                assert await reader.do(sentence) > 0, sentence
                await picture(reader.tabs[0], f"tutorial-{told.index(sentence) + 1:02}")
            states = await reader.tabs[0].locator(".step .pill").all_inner_texts()
            assert states == ["done"] * 5 + ["optional"] + ["done"] * 3  # the site is complete, as the text says
            site = (tmp_path / "site.toml").read_text()
            assert "# UDP and TCP" in site
            assert "lab-carrier" not in site
            assert password not in site
            left = [path for path in (tmp_path / "data").rglob("*") if "uploads" in path.parts and path.is_file()]
            assert left == []
            assert len(list((tmp_path / "data" / "recordings").glob("*.ssr"))) == 1

    asyncio.run(story())


def test_every_file_that_the_tutorial_gives_is_one_that_the_lab_writes() -> None:
    given = set(re.findall(r"give `lab/([^`]+)`", section()))
    assert given == {"never-dial.csv", "message.wav", "agents.csv", "leads.csv"}
