"""What a browser shows of a page before its script has come: said by the server, as text, and dead until then."""

import asyncio
import functools
import re
from html.parser import HTMLParser

import httpx
import pytest
from memory_people import PASSWORD
from site_client import Site, served

from softswitch.web.paint_order import painted_first

PAGES = {
    "/agent": ("101", ("Agent 101", "OFFLINE")),
    "/": ("sue", ("Dialling is held", "Campaigns", "Log out")),
    "/training": ("sue", ("Training",)),
    "/admin": ("ada", ("2 Trunk", "9 Start")),
    "/audit": ("otto", ("Audit log", "Retention")),
    "/audit/recordings": ("otto", ("Recordings", "Detector")),
    "/audit/reviews": ("otto", ("Reviews",)),
    "/audit/compliance": ("otto", ("Compliance",)),
    "/audit/retention": ("otto", ("Retention",)),
}
INJECTION = "<img src=x onerror=pwned()>"


class Painted(HTMLParser):
    """The elements and the texts that stand there before any script has run."""

    def __init__(self, page: str) -> None:
        super().__init__()
        found = re.search(r'<div id="first-paint".*?</div><script>', page, re.DOTALL)
        assert found is not None
        self.html = found.group(0).removesuffix("<script>")
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("input", "br", "hr", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.html

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def painted(site: Site, *wanted: tuple[str, str]) -> dict[str, Painted]:
    """By path.  wanted: who looks, and at which."""

    async def story() -> dict[str, Painted]:
        found = {}
        async with served(site) as server:
            for name, path in wanted:
                async with httpx.AsyncClient(base_url=server.url, auth=(name, PASSWORD)) as client:
                    answer = await client.get(path)
                assert answer.status_code == 200
                found[path] = Painted(answer.text)
        return found

    return asyncio.run(story())


@functools.cache
def every_page() -> dict[str, Painted]:
    return painted(Site(pages=True), *((name, path) for path, (name, _) in PAGES.items()))


@pytest.mark.parametrize("path", PAGES)
def test_each_page_says_what_it_is_before_its_script_has_come(path: str) -> None:
    _, texts = PAGES[path]
    found = every_page()[path]
    assert not found.open, "every element is closed"
    told = " ".join(found.texts)
    assert [text for text in texts if text not in told] == []


def test_the_librarys_style_sheets_are_asked_for_after_it_and_nothing_else_is_moved() -> None:
    async def story() -> tuple[str, str]:
        site = Site(pages=True)
        async with served(site) as server, httpx.AsyncClient(base_url=server.url, auth=("sue", PASSWORD)) as client:
            answer = await client.get("/")
            return answer.text, answer.headers["content-length"]

    page, length = asyncio.run(story())
    assert page.count("@import") == page[page.index('id="first-paint"') :].count("@import") >= 4
    assert page.index("@import") < page.index('<div id="app"')
    assert "--ground" in page[: page.index('id="first-paint"')], "our own rules stand before it"
    assert not re.search(r"<link[^>]*rel=.stylesheet", page)
    assert len(page.encode()) == int(length)


@pytest.mark.parametrize("page", [b"", b"<html>", b'<style>@layer a;</style><div id="first-paint"></div>'])
def test_a_page_that_is_not_the_librarys_stays_as_it_is(page: bytes) -> None:
    assert painted_first(page) == page


@pytest.mark.parametrize("path", PAGES)
def test_nothing_of_it_can_be_pressed_or_typed_into_and_no_script_is_in_it(path: str) -> None:
    found = every_page()[path]
    for tag, attributes in found.elements:
        assert tag not in ("button", "script", "iframe", "object")
        assert not [name for name in attributes if name.startswith("on")]
        assert tag not in ("input", "select", "textarea") or "disabled" in attributes
        assert not (attributes.get("href") or "").lower().startswith("javascript")


def test_what_is_hidden_is_not_painted() -> None:
    texts = every_page()["/"].texts
    assert "Test your sound" in texts and "Close" not in texts, "the sheet behind the button is shut"
    assert "Alerts" not in texts, "there are none"


def test_markup_in_names_is_text_there_too() -> None:
    site = Site(pages=True)
    site.switch.campaign = INJECTION
    found = painted(site, ("sue", "/"))["/"]
    assert "img" not in [tag for tag, _ in found.elements]
