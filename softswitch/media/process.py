"""The media process's own Python thread: it serves one UNIX socket and is otherwise idle.

The signalling process that started it, or one that comes after it, is its master: it is handed the block and the
eventfd (SCM_RIGHTS). There is one master at a time. When that one goes away and nobody follows within `linger_s`, the
process ends in order: no call is left without a master.
"""

import contextlib
import gc
import json
import os
import select
import signal
import socket
import struct
import time
from pathlib import Path
from typing import Any

from softswitch.errors import SoftswitchError
from softswitch.media.engine import Engine

LARGEST_MESSAGE = 65536
FIRST_CONNECTION_S = 30.0
SOCKET_NAME = "socket"
CREDENTIALS = struct.Struct("3i")


def send_message(connection: socket.socket, message: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
    socket.send_fds(connection, [json.dumps(message).encode()], list(descriptors))


def receive_message(connection: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """One message and the descriptors that came with it; None at the end of the connection."""
    try:
        content, descriptors, _, _ = socket.recv_fds(connection, LARGEST_MESSAGE, 4)
    except ConnectionError:
        return None, []
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return (json.loads(content) if content else None), descriptors


def peer_of(connection: socket.socket) -> tuple[int, int]:
    """Process and user at the other end (SO_PEERCRED); for who connects, of whoever listened last."""
    process, user, _ = CREDENTIALS.unpack(
        connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    )
    return process, user


def serve(listener: socket.socket, folder: Path) -> None:
    """Run the media process until it is told to stop or is left alone.  folder: where the listener's socket lies."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the signalling process, which ends this one in order
    listener.listen(4)  # once more, so that who connects sees this process at the other end
    listener.settimeout(FIRST_CONNECTION_S)
    connection, _ = listener.accept()
    listener.settimeout(None)
    message, _ = receive_message(connection)
    if message is None:
        return
    settings = message["begin"]
    try:
        engine = Engine(
            address=settings["address"],
            first_port=settings["first_port"],
            last_port=settings["last_port"],
            clips={name: Path(path) for name, path in settings["clips"].items()},
            event_driven=settings["event_driven"],
            recording_key=bytes.fromhex(settings["recording_key"]) or None,
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
        Guardian(listener, engine, settings).attend(connection)
    finally:
        engine.stop()
        remove_socket(folder, with_folder=message["temporary"])


def remove_socket(folder: Path, *, with_folder: bool) -> None:
    """Remove the socket, and the folder if it was made for it; whichever of the two processes is left does it."""
    with contextlib.suppress(FileNotFoundError):
        (folder / SOCKET_NAME).unlink()
    if with_folder:
        with contextlib.suppress(OSError):
            folder.rmdir()


def without_linger(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings that a process cannot change while it runs."""
    return {name: value for name, value in settings.items() if name != "linger_s"}


class Guardian:
    """Who may signal: one master, and callers who ask to become it."""

    def __init__(self, listener: socket.socket, engine: Engine, settings: dict[str, Any]) -> None:
        self._listener = listener
        self._engine = engine
        self._settings = settings
        self._master: socket.socket | None = None
        self._callers: list[socket.socket] = []
        self._alone_since = time.monotonic()

    def attend(self, first: socket.socket) -> None:
        """Serve masters until one says stop, or none is left for too long.  first: who started this process."""
        self._hand_over(first, self._settings)
        while True:
            patience = None
            if self._master is None:
                patience = self._alone_since + float(self._settings["linger_s"]) - time.monotonic()
                if patience <= 0:
                    return
            # The master first: its end is seen before somebody asks for its place.
            watched = [*([self._master] if self._master else []), *self._callers, self._listener]
            ready, _, _ = select.select(watched, [], [], patience)
            for one in ready:
                if one is self._listener:
                    self._callers.append(self._listener.accept()[0])
                elif self._hears_stop(one):
                    return

    def _hears_stop(self, connection: socket.socket) -> bool:
        message, descriptors = receive_message(connection)
        for descriptor in descriptors:
            os.close(descriptor)
        if message is None:
            self._lose(connection)
        elif message.get("stop"):
            if self._master in (None, connection):
                return True
        elif "take" in message and connection is not self._master:
            self._answer(connection, message["take"])
        return False

    def _lose(self, connection: socket.socket) -> None:
        connection.close()
        if connection is self._master:
            self._master = None
            self._alone_since = time.monotonic()
        else:
            self._callers.remove(connection)

    def _answer(self, caller: socket.socket, settings: dict[str, Any]) -> None:
        """Let a caller take over, unless somebody else signals or it wants something else than what runs here."""
        with contextlib.suppress(ConnectionError):
            if self._master is not None:
                send_message(caller, {"held": peer_of(self._master)[0]})
            elif peer_of(caller)[1] != os.geteuid() or without_linger(settings) != without_linger(self._settings):
                send_message(caller, {"different": True})
            else:
                self._callers.remove(caller)
                self._hand_over(caller, settings)

    def _hand_over(self, master: socket.socket, settings: dict[str, Any]) -> None:
        self._master, self._settings = master, settings
        engine = self._engine
        engine.block.shared.header["master"] = peer_of(master)[0]
        message = {"ready": True, "clips": engine.clip_names, "guardian": os.getpid(), "engine": os.getpid()}
        with contextlib.suppress(ConnectionError):
            send_message(master, message, (engine.descriptor, engine.wake_descriptor))
