"""Starting and watching the media process, from the signalling side."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softswitch.errors import SoftswitchError, UsageError
from softswitch.media.process import receive_message, remove_socket, send_message

STOP_S = 6.0
HANDSHAKE_S = 300.0
"""A first start compiles; on a crowded machine that is minutes."""


@dataclass(slots=True)
class MediaProcess:
    process: subprocess.Popen[bytes]
    connection: socket.socket
    """At its end of file the process is gone."""
    folder: Path
    block_descriptor: int
    wake_descriptor: int
    clip_names: list[str]

    def stop(self) -> None:
        """End the process in order, or else by force. Blocks; call it from a thread."""
        with contextlib.suppress(OSError):
            send_message(self.connection, {"stop": True})
        self.reap()

    def reap(self) -> int:
        """Wait for the process's end, and remove what it leaves. The exit status."""
        try:
            status = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self.connection.close()
        remove_socket(self.folder / "socket")
        return status


def launch(settings: dict[str, Any], on_progress: Callable[[str, float], None]) -> MediaProcess:
    """Start the media process and wait until it is ready. Blocks; call it from a thread.

    UsageError when the settings cannot work, SoftswitchError when the process dies on its way.
    """
    folder = Path(tempfile.mkdtemp(prefix="softswitch-media-"))
    path = folder / "socket"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(path))
            listener.listen(4)
            # A session of its own: the terminal's signals do not reach it, and the kernel gives it a fair share of
            # the CPU.
            process = subprocess.Popen(
                [sys.executable, "-m", "softswitch.media", "--listen-fd", str(listener.fileno())],
                pass_fds=(listener.fileno(),),
                start_new_session=True,
                stdin=subprocess.DEVNULL,
            )
    except BaseException:
        remove_socket(path)
        raise
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(HANDSHAKE_S)
    try:
        connection.connect(str(path))
        send_message(connection, settings)
        while True:
            message, descriptors = receive_message(connection)
            if message is None:
                raise SoftswitchError("the media process ended while it started; its own message is on standard error")
            if "failed" in message:
                raise UsageError(message["failed"])
            if message.get("ready"):
                connection.settimeout(None)
                block, wake = descriptors
                os.set_inheritable(block, False)
                os.set_inheritable(wake, False)
                return MediaProcess(process, connection, folder, block, wake, list(message["clips"]))
            on_progress(message["progress"], message["fraction"])
    except BaseException:
        connection.close()
        process.kill()
        process.wait()
        remove_socket(path)
        raise
