"""The UNIX socket between the signalling process and the media process: messages, descriptors, and who is there."""

import contextlib
import json
import os
import select
import signal
import socket
import struct
from pathlib import Path
from typing import Any

LARGEST_MESSAGE = 65536
SOCKET_NAME = "socket"
KILL_S = 6.0
"""So long the kernel may take to end what was killed."""
_CREDENTIALS = struct.Struct("3i")


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
    process, user, _ = _CREDENTIALS.unpack(
        connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    )
    return process, user


def remove_socket(folder: Path, *, with_folder: bool) -> None:
    """Remove the socket, and the folder if it was made for it; whichever of the two processes is left does it."""
    with contextlib.suppress(FileNotFoundError):
        (folder / SOCKET_NAME).unlink()
    if with_folder:
        with contextlib.suppress(OSError):
            folder.rmdir()


def end_process(process: int, patience_s: float) -> None:
    """Wait for a process's end, and bring it about when that takes too long.  process: its pidfd."""
    for wait_s in (patience_s, KILL_S):
        ended, _, _ = select.select([process], [], [], wait_s)
        if ended:
            return
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(process, signal.SIGKILL)
