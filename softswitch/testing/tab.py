"""A browser's tab without a browser: it logs in, loads a page, holds its live socket and says what is clicked.

It speaks what NiceGUI's script in a page speaks: socket.io's packets (revision 5) on engine.io's (revision 4), over one
WebSocket. Many of them cost less than one Chromium, so a floor of them is made in one process.
"""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

_CLIENT_ID = re.compile(r"client_id\W+([0-9a-f-]{36})")
_ELEMENTS = re.compile(r"parseElements\(String\.raw`(.*?)`\)", re.DOTALL)
_ESCAPED = (("&#36;", "$"), ("&#96;", "`"), ("&gt;", ">"), ("&lt;", "<"), ("&amp;", "&"))
_LONGEST_MESSAGE = 1 << 22
_ONE_EACH = httpx.Limits(max_keepalive_connections=0)
"""A connection for each request: one that is kept may be closed by the server just as it is used again."""
Receive = Callable[[str, Any], None]
"""Event and what it brings, as "update" with the elements that changed."""


class Tab:
    """One tab. `log_in`, `open`, then `update`s arrive; `closed` once the server has closed its socket."""

    def __init__(self, url: str, *, source: str = "127.0.0.1", receive: Receive | None = None) -> None:
        """url: the site's, with its slash.  source: the address of 127.0.0.0/8 that it comes from."""
        self.url = url.rstrip("/")
        self.html = ""
        self.client_id = ""
        self.elements: dict[str, Any] = {}
        """As they were last told, by their ids."""
        self.messages: list[str] = []
        self.close_code: int | None = None
        self.client = httpx.AsyncClient(
            base_url=self.url,
            timeout=120.0,
            trust_env=False,
            transport=httpx.AsyncHTTPTransport(local_address=source, verify=False, limits=_ONE_EACH),
        )
        self._source = source
        self._receive = receive
        self._socket: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._asked = 0

    @property
    def is_live(self) -> bool:
        return self._socket is not None and self._reading is not None and not self._reading.done()

    async def log_in(self, name: str, password: str) -> int:
        """The status that the log-in page answers with: 303 where it lets somebody in."""
        fields = {"name": name, "password": password}
        answer = await self.client.post("/login", data=fields, headers={"sec-fetch-site": "same-origin"})
        return answer.status_code

    async def open(self, path: str, *, tab_id: str = "one") -> None:
        """Load a page and connect its socket. Raises InvalidStatus where the socket is refused."""
        answer = await self.client.get(path, headers={"accept": "text/html"})
        answer.raise_for_status()
        self.html = answer.text
        found, elements = _CLIENT_ID.search(self.html), _ELEMENTS.search(self.html)
        if found is None or elements is None:
            raise ValueError(f"{path} is no live page")
        text = elements[1]
        for escaped, character in _ESCAPED:
            text = text.replace(escaped, character)
        self.elements = json.loads(text)
        await self.connect(found[1])
        assert await self.shake_hands(found[1], tab_id=tab_id)

    async def connect(self, client_id: str) -> None:
        """Open the live socket for a page that need not be this tab's; empty: one that says later for which.

        Raises InvalidStatus where no socket is opened to this log-in, ConnectionRefusedError for another's page.
        """
        self.client_id = client_id
        query = f"client_id={client_id}&implicit_handshake=false&EIO=4&transport=websocket"
        self._socket = await connect(
            f"ws{self.url[4:]}/_nicegui_ws/socket.io/?{query}",
            additional_headers={
                "Cookie": "; ".join(f"{each.name}={each.value}" for each in self.client.cookies.jar),
                "Origin": self.url,
            },
            proxy=None,
            max_size=_LONGEST_MESSAGE,
            compression=None,
            local_addr=(self._source, 0),
        )
        await self._socket.recv()  # engine.io: open
        await self._socket.send("40")
        answer = str(await self._socket.recv())
        if not answer.startswith("40"):  # socket.io: connected
            await self._socket.close()
            raise ConnectionRefusedError(answer)
        self._reading = asyncio.create_task(self._read(self._socket))

    async def shake_hands(self, client_id: str, *, tab_id: str = "one") -> Any:
        """Ask to be the socket of a page; what the server says to that."""
        hello = {"client_id": client_id, "tab_id": tab_id, "document_id": tab_id, "old_tab_id": None}
        return await self.ask("handshake", {**hello, "next_message_id": 0})

    async def say(self, event: str, told: Any) -> None:
        assert self._socket is not None
        await self._socket.send("42" + json.dumps([event, told]))

    async def ask(self, event: str, told: Any) -> Any:
        """Say something and wait for the acknowledgement; None where the socket closes instead."""
        assert self._socket is not None
        self._asked += 1
        answer = self._answers[self._asked] = asyncio.get_running_loop().create_future()
        await self._socket.send(f"42{self._asked}" + json.dumps([event, told]))
        return await answer

    async def act(self, component: str, event: str, told: Any) -> None:
        """What an element of ours emits, found by the file name of its component, as "agent_screen"."""
        for name, element in self.elements.items():
            if component in element.get("tag", "") or component in element.get("component", {}).get("name", ""):
                for listener in element.get("events", []):
                    if listener["type"] == event:
                        await self.say("event", self.click(int(name), listener["listener_id"], told))
                        return
        raise KeyError(component)

    def click(self, element: int, listener: str, told: Any) -> dict[str, Any]:
        """The message of an event at an element."""
        return {"id": element, "client_id": self.client_id, "listener_id": listener, "args": [json.dumps(told)]}

    def heard(self, word: str) -> bool:
        return any(word in message for message in self.messages)

    async def close(self) -> None:
        if self._socket is not None:
            await self._socket.close()
        if self._reading is not None:
            await self._reading
        await self.client.aclose()

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for message in socket:
                text = message if isinstance(message, str) else message.decode()
                if text == "2":
                    await socket.send("3")
                elif text.startswith("42"):
                    self._told(text)
                elif text.startswith("43"):
                    number = re.match(r"43(\d+)", text)
                    if number is not None and int(number[1]) in self._answers:
                        told = json.loads(text[number.end() :])
                        self._answers.pop(int(number[1])).set_result(told[0] if told else None)
        except ConnectionClosed:
            pass
        self.close_code = socket.close_code
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result(None)

    def _told(self, text: str) -> None:
        event, told = json.loads(text[2:])
        if self._receive is not None:
            self._receive(event, told)
        else:
            self.messages.append(text)
        if event == "update":
            self.elements.update({name: each for name, each in told.items() if name.isdecimal() and each})
