"""uvicorn inside the switch's own event loop: no signal handlers, no log configuration, nothing left when it stops."""

import asyncio
import contextlib
import errno
import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from softswitch.errors import UsageError

STOP_S = 2.0
"""What a request in progress is given when the server stops."""
_LOG = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the switch's."""
        yield


class WebServer:
    """Serves the application from `start` to `stop`. The port is bound at `start`, before anything else is tried."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        certificate: Path | None = None,
        key: Path | None = None,
    ) -> None:
        self._app = app
        self._address = address
        self._port = port
        self._certificate = certificate
        self._key = key
        self._server: _Server | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port in use, also where 0 was asked for."""
        return self._port

    @property
    def url(self) -> str:
        host = f"[{self._address}]" if ":" in self._address else self._address
        return f"{'https' if self._certificate else 'http'}://{host}:{self._port}/"

    async def start(self) -> None:
        """Listen and serve. Raises UsageError where the address cannot be had or the certificate is not readable."""
        listener = _listen(self._address, self._port)
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            log_config=None,
            access_log=False,
            lifespan="on",
            proxy_headers=False,  # or anybody on this machine could claim another source address
            server_header=False,
            ws_max_size=1 << 20,
            timeout_graceful_shutdown=int(STOP_S),
            ssl_certfile=self._certificate,
            ssl_keyfile=self._key,
        )
        try:
            config.load()
        except OSError as error:
            listener.close()
            raise UsageError(f"web: the certificate or its key cannot be read: {error}") from error
        self._server = _Server(config)
        self._serving = asyncio.create_task(self._server.serve(sockets=[listener]), name="web")
        while not self._server.started:
            if self._serving.done():
                listener.close()
                self._serving.result()
                raise UsageError("web: the pages could not start; the log says why")
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Close every connection and end; safe to call twice."""
        if self._server is None or self._serving is None:
            return
        server, serving = self._server, self._serving
        self._server = self._serving = None
        server.should_exit = True
        try:
            await asyncio.wait_for(asyncio.shield(serving), STOP_S * 2)
        except TimeoutError:
            _LOG.warning("the web did not stop in time and is cut off")
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


def _listen(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise UsageError(_advice(address, port, error)) from error
    listener.setblocking(False)
    return listener


def _advice(address: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"web: port {port} on {address} is in use; set another [web] port, or end the program that holds it"
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"web: port {port} needs privileges; set a [web] port above 1023"
    return f"web: cannot listen on {address} ({error.strerror}); set [web] address to one of this machine's own"
