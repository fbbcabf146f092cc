"""The pages that are open, looked at in turn by one task: many timers would look at once, and calls wait meanwhile."""

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nicegui import Client

_LOG = logging.getLogger(__name__)


class LivePages:
    """Brings each page up to date every `every_s` seconds, while its browser is connected.

    Between two pages the loop goes on with what has come in: calls wait for one page at most. Where a round takes
    longer than `every_s` the next begins at once, and all pages are late alike.
    """

    def __init__(self, every_s: float, prepare: Callable[[], object] = lambda: None) -> None:
        """prepare: makes what all pages of a round look at; the first of them alone would take so much longer."""
        self._every_s = every_s
        self._prepare = prepare
        self._pages: dict[str, tuple[Client, Callable[[], None]]] = {}
        self._opened = asyncio.Event()

    def add(self, client: "Client", refresh: Callable[[], None]) -> None:
        """refresh: shows what is so now, in the page's own context; from the first connection until the tab is gone."""

        def opened() -> None:
            self._pages[client.id] = (client, refresh)
            self._opened.set()

        client.on_connect(opened)
        client.on_delete(lambda: self._pages.pop(client.id, None))

    async def run(self) -> None:
        """Until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            if not self._pages:
                self._opened.clear()
                await self._opened.wait()
            began = loop.time()
            _prepare(self._prepare)
            await asyncio.sleep(0)
            for client, refresh in list(self._pages.values()):
                if client.has_socket_connection and client.id in self._pages:
                    _refresh(client, refresh)
                    await asyncio.sleep(0)
            await asyncio.sleep(max(0.0, began + self._every_s - loop.time()))


def _prepare(prepare: Callable[[], object]) -> None:
    try:
        prepare()
    except Exception:
        _LOG.exception("what the pages look at could not be made")


def _refresh(client: "Client", refresh: Callable[[], None]) -> None:
    try:
        with client:
            refresh()
    except Exception:
        # One page's fault is no other's; the next look may succeed.
        _LOG.exception("a page could not be brought up to date")
