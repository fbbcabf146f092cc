"""A headless Chromium with a fake microphone, driven by its DevTools protocol over a WebSocket."""

import asyncio
import contextlib
import itertools
import json
import os
import re
import signal
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--allow-loopback-in-peer-connection",  # ICE on 127.0.0.1
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns,Translate,MediaRouter",
    "--remote-debugging-port=0",
)
START_S = 60.0
_ENDPOINT = re.compile(rb"DevTools listening on (ws://\S+)")


class Browser:
    """`async with Browser(microphone) as browser: page = await browser.open(url)`.

    microphone: a WAV file that is said again and again, in place of Chromium's own beeps.
    """

    def __init__(self, microphone: Path | None = None, *flags: str) -> None:
        self._microphone = microphone
        self._flags = flags
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        home = self._stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        flags = [*FLAGS, f"--user-data-dir={home}", *self._flags]
        if self._microphone is not None:
            flags.append(f"--use-file-for-fake-audio-capture={self._microphone}")
        self._process = await asyncio.create_subprocess_exec(
            "chromium", *flags, "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self._stack.push_async_callback(self._end)
        try:
            self._endpoint = await asyncio.wait_for(self._find_endpoint(), START_S)
            self._listening = asyncio.create_task(self._read_errors())
            self._connection = await self._stack.enter_async_context(DevTools.connect(self._endpoint))
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def open(self, url: str) -> "Page":
        """A new tab on `url`, once it is loaded."""
        target = await self._connection.command("Target.createTarget", {"url": url})
        attached = await self._connection.command(
            "Target.attachToTarget", {"targetId": target["targetId"], "flatten": True}
        )
        page = Page(self._connection, attached["sessionId"], target["targetId"])
        await page.settle(url)
        return page

    def kill(self) -> None:
        """The whole browser at once, as by a power cut."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def _find_endpoint(self) -> str:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            if found := _ENDPOINT.search(line):
                return found[1].decode()
        raise AssertionError("the browser ended before it listened")

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        while await self._process.stderr.readline():
            pass

    async def _end(self) -> None:
        self.kill()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), 10.0)
        if hasattr(self, "_listening"):
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)


class Page:
    """One tab."""

    def __init__(self, connection: "DevTools", session: str, target: str) -> None:
        self._connection = connection
        self._session = session
        self._target = target

    async def settle(self, url: str) -> None:
        """Wait until the document is there: a new tab begins with an empty one, and that is complete too."""
        there = f"location.href === {url!r} && document.readyState === 'complete'"
        async with asyncio.timeout(START_S):
            while not await self._is(there):
                await asyncio.sleep(0.02)

    async def _is(self, condition: str) -> bool:
        """Not as long as the tab goes from one document to the next, either: there is nothing to ask then."""
        try:
            return bool(await self.evaluate(condition))
        except AssertionError as error:
            if "execution context" not in str(error):
                raise
            return False

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is awaited. What it throws is an AssertionError here."""
        answer = await self._connection.command(
            "Runtime.evaluate",
            {"expression": expression, "awaitPromise": True, "returnByValue": True, "userGesture": True},
            self._session,
        )
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise AssertionError(details.get("exception", {}).get("description", details.get("text")))
        return answer["result"].get("value")

    async def close(self) -> None:
        """As when somebody closes the tab."""
        await self._connection.command("Target.closeTarget", {"targetId": self._target})


class DevTools:
    """Commands and their answers over the browser's one WebSocket."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    @classmethod
    @contextlib.asynccontextmanager
    async def connect(cls, endpoint: str) -> Any:
        async with connect(endpoint, max_size=None, proxy=None) as connection:
            tools = cls(connection)
            reading = asyncio.create_task(tools._read())
            try:
                yield tools
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def command(self, method: str, parameters: dict[str, Any], session: str = "") -> dict[str, Any]:
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        message: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        await self._connection.send(json.dumps(message))
        return await asyncio.wait_for(self._waiting[number], START_S)

    async def _read(self) -> None:
        async for text in self._connection:
            message = json.loads(text)
            future = self._waiting.pop(message.get("id", 0), None)
            if future is None or future.done():
                continue
            if "error" in message:
                future.set_exception(AssertionError(message["error"]["message"]))
            else:
                future.set_result(message["result"])
