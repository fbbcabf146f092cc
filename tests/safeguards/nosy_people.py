"""An agent's phone that asks the switch for everything, and an agent's browser that looks everywhere."""

import json
import re
import secrets
from contextlib import suppress
from typing import Any

import httpx
import websockets

from softswitch.errors import PeerError
from softswitch.sip.hop import Hop
from softswitch.sip.layer import Datagram
from softswitch.sip.message import Response
from softswitch.sip.parser import parse
from softswitch.testing.capture import Capture
from softswitch.testing.journal import Journal
from softswitch.testing.phone import Phone, PhoneSettings

SOMEBODY = "+442079460998"
"""A number that is no callee's: what a phone sends comes back in the responses."""
EVENTS = ("presence", "dialog", "conference", "message-summary", "reg", "refer", "call-info", "spirits-INDPs")
_SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n"
    "a=sendrecv\r\n"
)  # fmt: skip


class NosyPhone(Phone):
    """Asks from its own registered address, within its shift-long call and outside it."""

    def __init__(self, settings: PhoneSettings, journal: Journal | None = None, capture: Capture | None = None) -> None:
        super().__init__(settings, journal, capture)
        self.answers: list[Response] = []

    def ask_for_everything(self, server: tuple[str, int]) -> None:
        own = f"<sip:{self.settings.username}@{server[0]}>"
        for called in (SOMEBODY, "1002", "*8", "*97", "anonymous", "carrier", "switch", "callee", "%2B", "operator"):
            self._ask("INVITE", server, called, own, _SDP, **{"Content-Type": "application/sdp"})
        self._ask("INVITE", server, "1002", own, _SDP, Replaces="x;to-tag=a;from-tag=b")
        self._ask("INVITE", server, "1002", own, _SDP, Join="x;to-tag=a;from-tag=b")
        for event in EVENTS:
            for whose in ("1002", "carrier", "survey", "switch"):
                self._ask("SUBSCRIBE", server, whose, own, Event=event, Expires="60")
        for method in ("OPTIONS", "MESSAGE", "PUBLISH", "REFER", "NOTIFY", "INFO", "UPDATE", "PRACK", "BYE", "CANCEL"):
            for whose in ("switch", "carrier", "1002"):
                self._ask(method, server, whose, own, Event="presence", **{"Refer-To": f"<sip:{SOMEBODY}@x>"})
        self._ask("REGISTER", server, "", "<sip:carrier@switch>", Contact="*", Expires="0")
        for call_id, from_, to in self._dialogs():
            within = {"call_id": call_id, "from": from_, "to": to}
            self._ask("REFER", server, "switch", own, within=within, **{"Refer-To": f"<sip:{SOMEBODY}@x>"})
            for body in (f"Signal={digit}\r\nDuration=100\r\n" for digit in "0123456789*#"):
                kind = {"Content-Type": "application/dtmf-relay"}
                self._ask("INFO", server, "switch", own, body, within=within, **kind)
            for method in ("SUBSCRIBE", "MESSAGE", "OPTIONS", "NOTIFY", "UPDATE"):
                self._ask(method, server, "switch", own, within=within, Event="dialog")

    def press_everything(self) -> None:
        """All digits as telephone events, towards whoever is in the call."""
        for conversation in self.conversations.values():
            for digit in range(16):
                for at in range(3):
                    event = bytes((0x80, 0x65, 0x60, 16 * at + digit, *bytes(7), digit, digit, 0x8A, 3, 0x20))
                    if conversation.end is not None:
                        conversation.end.transmit(event)

    def _dialogs(self) -> list[tuple[str, str, str]]:
        """(Call-ID, our From, its To) of each call of ours that was answered."""
        return [
            (answer.call_id, answer.headers.get("From") or "", answer.headers.get("To") or "")
            for answer in self.answers
            if answer.status == 200 and answer.cseq.method == "INVITE"
        ]

    def _receive_datagram(self, data: bytes, source: Hop) -> None:
        super()._receive_datagram(data, source)
        with suppress(PeerError):  # what it asked was too odd to be answered in form
            answer = parse(data)
            if isinstance(answer, Response):
                self.answers.append(answer)

    def _ask(
        self,
        method: str,
        server: tuple[str, int],
        whom: str,
        own: str,
        body: str = "",
        within: dict[str, str] | None = None,
        **headers: str,
    ) -> None:
        named = within or {
            "call_id": secrets.token_hex(8),
            "from": f"{own};tag={secrets.token_hex(4)}",
            "to": f"<sip:{whom}@{server[0]}>",
        }
        lines = [
            f"{method} sip:{whom}@{server[0]}:{server[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address[0]}:{self.address[1]};branch=z9hG4bK{secrets.token_hex(8)};rport",
            "Max-Forwards: 70",
            f"From: {named['from']}",
            f"To: {named['to']}",
            f"Call-ID: {named['call_id']}",
            f"CSeq: {900 + secrets.randbelow(90)} {method}",
            f"Contact: <sip:{self.settings.username}@{self.address[0]}:{self.address[1]}>",
            *(f"{name}: {value}" for name, value in headers.items()),
            f"Content-Length: {len(body)}",
        ]
        data = "\r\n".join(lines).encode() + b"\r\n\r\n" + body.encode()
        self._station.send(Datagram(data, Hop(*server)))


class Browser:
    """Somebody's browser; every byte of every answer is kept."""

    def __init__(self, url: str, name: str, password: str) -> None:
        self.url, self.name = url.rstrip("/"), name
        self._password = password
        self._client = httpx.AsyncClient(base_url=url, timeout=300.0, limits=httpx.Limits(max_keepalive_connections=0))
        self._csrf = ""
        self.pieces: list[bytes] = []
        self.statuses: dict[tuple[str, str], int] = {}

    async def log_in(self) -> None:
        """By the page's form, as a browser does."""
        await self.get("/login")
        same = {"sec-fetch-site": "same-origin"}
        form = {"name": self.name, "password": self._password}
        answer = self._kept(await self._client.post("/login", data=form, headers=same))
        assert answer.status_code == 303, answer.text
        self._csrf = (await self.get("/api/session")).json()["csrf"]

    async def get(self, path: str) -> httpx.Response:
        return self._kept(await self._client.get(path, headers={"accept": "text/html, application/json"}))

    async def post(self, path: str, body: object = None) -> httpx.Response:
        headers = {"sec-fetch-site": "same-origin", "x-csrf-token": self._csrf}
        return self._kept(await self._client.post(path, json=body, headers=headers))

    async def look_everywhere(self, **parts: str) -> None:
        """Ask for each path of the API document, and for pages.  parts: what to put for a path's parameters."""
        document = (await self.get("/api/openapi.json")).json()
        for template, methods in document["paths"].items():
            if "get" in methods:
                path = re.sub(r"{(\w+)}", lambda found: parts.get(found[1], "x"), template)
                await self.get(path)
        for path in ("/", "/agent", "/agent/script", "/metrics", "/healthz", "/docs", "/_nicegui/x", "/favicon.ico"):
            await self.get(path)
        await self._knock()

    async def _knock(self) -> None:
        """At the live socket of the pages."""
        url = f"ws{self.url[4:]}/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._client.cookies.jar)
        try:
            async with websockets.connect(
                url, additional_headers={"Cookie": cookies, "Origin": self.url}, proxy=None, open_timeout=60
            ) as socket:
                self.pieces.append(str(await socket.recv()).encode())
                self.statuses["GET", "socket"] = 101
        except websockets.InvalidStatus as refused:
            self.statuses["GET", "socket"] = refused.response.status_code
            self.pieces.append(bytes(refused.response.body or b""))

    async def close(self) -> None:
        await self._client.aclose()

    def _kept(self, answer: httpx.Response) -> httpx.Response:
        request = answer.request
        self.statuses[request.method, request.url.path] = answer.status_code
        head = f"{answer.status_code} {answer.reason_phrase}\n{json.dumps(list(answer.headers.multi_items()))}\n"
        self.pieces.append(head.encode() + answer.content)
        return answer


def bytes_of(*browsers: Any) -> bytes:
    return b"\n\n".join(piece for browser in browsers for piece in browser.pieces)
