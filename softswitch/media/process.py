"""The media process's own Python thread: it serves one UNIX socket and is otherwise idle.

Whoever connects is told of the compilation's progress, then handed the block and the eventfd (SCM_RIGHTS). The last
to connect signals. When that one goes away and nobody follows within `linger_s`, the process ends: no call is left
without a master.
"""

import contextlib
import gc
import json
import select
import signal
import socket
import time
from pathlib import Path
from typing import Any

from softswitch.errors import SoftswitchError
from softswitch.media.engine import Engine

LARGEST_MESSAGE = 65536
FIRST_CONNECTION_S = 30.0


def send_message(connection: socket.socket, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
    socket.send_fds(connection, [json.dumps(message).encode()], list(descriptors))


def receive_message(connection: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """One message and the descriptors that came with it; None at the end of the connection."""
    try:
        content, descriptors, _, _ = socket.recv_fds(connection, LARGEST_MESSAGE, 4)
    except ConnectionError:
        return None, []
    return (json.loads(content) if content else None), descriptors


def serve(listener: socket.socket) -> None:
    """Run the media process until it is told to stop or is left alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the signalling process, which ends this one in order
    listener.settimeout(FIRST_CONNECTION_S)
    connection, _ = listener.accept()
    listener.settimeout(None)
    settings, _ = receive_message(connection)
    if settings is None:
        return
    try:
        engine = Engine(
            address=settings["address"],
            first_port=settings["first_port"],
            last_port=settings["last_port"],
            clips={name: Path(path) for name, path in settings["clips"].items()},
            event_driven=settings["event_driven"],
        )

        def tell(name: str, fraction: float) -> None:
            send_message(connection, {"progress": name, "fraction": fraction})

        engine.compile_kernels(tell, with_helper=True)
    except SoftswitchError as error:
        send_message(connection, {"failed": str(error)})
        return
    except ConnectionError:
        return
    engine.start()
    gc.collect()
    gc.freeze()
    try:
        with contextlib.suppress(ConnectionError):
            _hand_over(connection, engine)
        _attend(listener, connection, engine, float(settings["linger_s"]))
    finally:
        engine.stop()
        remove_socket(Path(listener.getsockname()))


def remove_socket(path: Path) -> None:
    """Remove the socket and the folder made for it; whichever of the two processes is left does it."""
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    with contextlib.suppress(FileNotFoundError):
        path.parent.rmdir()


def _hand_over(connection: socket.socket, engine: Engine) -> None:
    send_message(connection, {"ready": True, "clips": engine.clip_names}, (engine.descriptor, engine.wake_descriptor))


def _attend(listener: socket.socket, connection: socket.socket | None, engine: Engine, linger_s: float) -> None:
    alone_since = time.monotonic()
    while True:
        watched = [listener] if connection is None else [listener, connection]
        patience = None if connection else max(0.0, alone_since + linger_s - time.monotonic())
        ready, _, _ = select.select(watched, [], [], patience)
        if listener in ready:
            if connection is not None:
                connection.close()
            connection, _ = listener.accept()
            with contextlib.suppress(ConnectionError):
                _hand_over(connection, engine)
        elif connection is not None:
            message, _ = receive_message(connection)
            if message is not None and message.get("stop"):
                return
            if message is None:
                connection.close()
                connection = None
                alone_since = time.monotonic()
        else:
            return
