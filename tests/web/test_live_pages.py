import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, cast

import pytest
from site_client import Site

from softswitch.web.live_pages import LivePages


class Browser:
    """What a page's client is to `LivePages`: it connects, loses its socket, and is gone."""

    def __init__(self, name: str) -> None:
        self.id = name
        self.has_socket_connection = False
        self._connected: list[Callable[[], Any]] = []
        self._deleted: list[Callable[[], Any]] = []

    def on_connect(self, handler: Callable[[], Any]) -> None:
        self._connected.append(handler)

    def on_delete(self, handler: Callable[[], Any]) -> None:
        self._deleted.append(handler)

    def connect(self) -> None:
        self.has_socket_connection = True
        for handler in self._connected:
            handler()

    def delete(self) -> None:
        for handler in self._deleted:
            handler()

    def __enter__(self) -> None:
        return

    def __exit__(self, *_: object) -> None:
        return


def run(pages: LivePages, story: Callable[[], Any]) -> None:
    async def both() -> None:
        running = asyncio.create_task(pages.run())
        await story()
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    asyncio.run(both())


async def turns(count: int = 60) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def opened(pages: LivePages, name: str, refresh: Callable[[], None]) -> Browser:
    browser = Browser(name)
    pages.add(cast(Any, browser), refresh)
    return browser


def test_pages_are_looked_at_from_their_connection_until_they_are_gone() -> None:
    pages, looks = LivePages(0.0), []
    one = opened(pages, "one", lambda: looks.append("one"))

    async def story() -> None:
        await turns()
        assert looks == [], "not connected yet"
        one.connect()
        await turns()
        assert looks
        one.has_socket_connection = False
        looks.clear()
        await turns()
        assert looks == [], "nobody would see it"
        one.connect()
        await turns()
        assert looks
        one.delete()
        looks.clear()
        await turns()
        assert looks == []

    run(pages, story)


def test_what_waits_is_done_between_two_pages() -> None:
    pages, done = LivePages(0.0), []
    browsers = [opened(pages, str(n), lambda n=n: done.append(n)) for n in range(3)]  # type: ignore[misc]

    async def story() -> None:
        for browser in browsers:
            browser.connect()
        for _ in range(60):
            done.append("call")
            await asyncio.sleep(0)

    run(pages, story)
    looked_at = [n for n, each in enumerate(done) if each != "call"]
    assert len(looked_at) > 6
    assert all(done[before] == "call" for before in (n - 1 for n in looked_at))


def test_what_all_pages_look_at_is_made_in_a_step_of_its_own_before_each_round(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[object] = []

    def prepare() -> None:
        done.append("prepared")
        if done.count("prepared") == 2:
            raise ValueError

    pages = LivePages(0.0, prepare)
    browsers = [opened(pages, str(n), lambda n=n: done.append(n)) for n in range(2)]  # type: ignore[misc]

    async def story() -> None:
        for browser in browsers:
            browser.connect()
        for _ in range(30):
            done.append("call")
            await asyncio.sleep(0)

    run(pages, story)
    steps = [each for each in done if each != "call"]
    assert steps[:6] == ["prepared", 0, 1, "prepared", 0, 1], "a failure keeps no page from being looked at"
    assert all(done[n - 1] == "call" for n, each in enumerate(done) if each != "call")
    assert "could not be made" in caplog.text


def test_a_page_that_fails_is_no_other_pages_trouble(caplog: pytest.LogCaptureFixture) -> None:
    pages, looks = LivePages(0.0), []
    browsers = [
        opened(pages, "bad", lambda: looks.append(1 / 0)),
        opened(pages, "good", lambda: looks.append("good")),
    ]

    async def story() -> None:
        for browser in browsers:
            browser.connect()
        await turns()

    run(pages, story)
    assert set(looks) == {"good"}
    assert "could not be brought up to date" in caplog.text


def test_what_all_wallboards_show_alike_is_made_once_and_stays_the_same_object_while_it_is_equal() -> None:
    room = Site().room
    made = []

    def make(view: Any) -> tuple[str, ...]:
        made.append(view)
        return tuple(each.agent for each in view.agents)

    first = room.view()
    names = room.made_once("names", first, make)
    assert room.made_once("names", first, make) is names
    assert len(made) == 1
    room.forget_view()
    second = room.view()
    assert second is not first
    assert room.made_once("names", second, make) is names
    assert len(made) == 2
