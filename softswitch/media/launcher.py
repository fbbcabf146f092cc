"""Starting, finding and watching the media process, from the signalling side.

In its folder lies the socket at which a living media process is found. Whoever starts or takes up one holds the
folder's lock meanwhile, so that two that start at once do not both make one.
"""

import contextlib
import fcntl
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from softswitch.errors import SoftswitchError, UsageError
from softswitch.media.connection import (
    SOCKET_NAME,
    end_process,
    peer_of,
    receive_message,
    remove_socket,
    send_message,
)

STOP_S = 10.0
"""Longer than an engine may take to close recordings, and its guardian to end it."""
HANDSHAKE_S = 300.0
"""A first start compiles; on a crowded machine that is minutes."""
ANSWER_S = 5.0
"""A living media process answers at once; one that does not is stuck."""
HELD_S = 2.0
"""A signalling process that has just been killed may hold its connection for a moment."""

NO_THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Libraries start none of their own in a process that forks."""

Progress = Callable[[str, float], None]


@dataclass(slots=True)
class MediaProcess:
    """A media process that lives, and what its plane knows it by."""

    connection: socket.socket
    """At its end of file the process is gone."""
    folder: Path
    is_temporary: bool
    """The folder was made for this process, and goes with it."""
    guardian: int
    """Descriptor of the process (pidfd)."""
    engine_pid: int
    engine: int
    """Descriptor of the process that carries the media, a child of the guardian (pidfd)."""
    block_descriptor: int
    wake_descriptor: int
    clip_names: list[str]
    gap_s: float
    """In which nothing was relayed, before it adopted the block of one that was gone."""
    process: "subprocess.Popen[bytes] | None" = None
    """Where it is a child of this process."""
    is_taken_up: bool = False
    """It was there already; another signalling process had it before."""

    def stop(self) -> None:
        """End the process in order, or else by force. Blocks; call it from a thread."""
        with contextlib.suppress(OSError):
            send_message(self.connection, {"stop": True})
        self.reap()

    def reap(self) -> None:
        """Wait for the process's end, and remove what it leaves."""
        end_process(self.guardian, STOP_S)
        end_process(self.engine, 0.0)  # it ends before its guardian, unless that one was killed
        self.forget()
        if self.process is not None:
            self.process.wait()
        if self.is_temporary:  # elsewhere, another may have begun; a socket at which nobody listens does no harm
            remove_socket(self.folder, with_folder=True)

    def forget(self) -> None:
        """Let go of the process: for it, the signalling process is gone."""
        self.connection.close()
        os.close(self.guardian)
        os.close(self.engine)

    def receive_engine(self, pid: int, descriptor: int) -> None:
        """Another engine carries the media now."""
        os.close(self.engine)
        self.engine_pid, self.engine = pid, descriptor


def launch(settings: dict[str, Any], on_progress: Progress, folder: Path | None = None) -> MediaProcess:
    """Take up the media process that lives in the folder, or start one there, and wait until it is ready.

    Blocks; call it from a thread. Without a folder it is a new process in a folder of its own. UsageError when the
    settings cannot work or another signalling process is at work, SoftswitchError when the process dies on its way.
    """
    if folder is None:
        made = Path(tempfile.mkdtemp(prefix="softswitch-media-"))
        try:
            with _held(made) as address:
                return _begin(made, address, settings, on_progress, is_temporary=True)
        except BaseException:
            remove_socket(made, with_folder=True)
            raise
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    with _held(folder) as address:
        return _join(folder, address, settings) or _begin(folder, address, settings, on_progress, is_temporary=False)


def relaunch(old: MediaProcess, settings: dict[str, Any], descriptors: tuple[int, int]) -> MediaProcess:
    """Start a guardian in the place of one that died, for the same block. Blocks; call it from a thread.

    descriptors: the block and the eventfd. SoftswitchError when that fails; `old` is left to be reaped.
    """
    with _held(old.folder) as address:
        inherited = (*descriptors, old.engine)
        new = _begin(
            old.folder, address, settings, lambda name, fraction: None, is_temporary=old.is_temporary,
            inherited=inherited,
        )  # fmt: skip
    for descriptor in (new.block_descriptor, new.wake_descriptor):
        os.close(descriptor)  # the same again
    new.block_descriptor, new.wake_descriptor = descriptors
    old.forget()
    if old.process is not None:
        old.process.wait()
    return new


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[str]:
    """The address of the folder's socket, under the folder's lock. By descriptor, as a UNIX socket's path must be
    short."""
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield f"/proc/self/fd/{directory}/{SOCKET_NAME}"
    finally:
        os.close(directory)


def _join(folder: Path, address: str, settings: dict[str, Any]) -> MediaProcess | None:
    """Become the master of the process that lives here. None where there is none, or it had other settings and was
    ended."""
    deadline = time.monotonic() + HELD_S
    while True:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(ANSWER_S)
        answer: dict[str, Any] | None = None
        try:
            connection.connect(address)
            pid = peer_of(connection)[0]
            send_message(connection, {"take": settings})
            answer, descriptors = receive_message(connection)
            if answer is not None and answer.get("ready"):
                return _joined(connection, answer, descriptors, folder, is_taken_up=True)
            if answer is not None and answer.get("different"):
                send_message(connection, {"stop": True})
                _end(pid, STOP_S)
                return None
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except TimeoutError:
            _end(pid, 0.0)
            return None
        except ConnectionError:
            pass  # it is about to end
        finally:
            if answer is None or not answer.get("ready"):
                connection.close()
        if time.monotonic() > deadline:
            holder = answer.get("held") if answer else None
            raise UsageError(f"the media process in {folder} belongs to another switch that runs (process {holder})")
        time.sleep(0.05)


def _begin(
    folder: Path,
    address: str,
    settings: dict[str, Any],
    on_progress: Progress,
    *,
    is_temporary: bool,
    inherited: tuple[int, ...] = (),
) -> MediaProcess:
    remove_socket(folder, with_folder=False)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen(4)
        # A session of its own: the terminal's signals do not reach it, and the kernel gives it a fair share of
        # the CPU.
        process = subprocess.Popen(
            [sys.executable, "-m", "softswitch.media", "--listen-fd", str(listener.fileno()), "--folder", str(folder)],
            pass_fds=(listener.fileno(),),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **NO_THREADS},
        )
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(HANDSHAKE_S)
    try:
        connection.connect(address)
        send_message(connection, {"begin": settings, "temporary": is_temporary}, inherited)
        while True:
            message, descriptors = receive_message(connection)
            if message is None:
                raise SoftswitchError("the media process ended while it started; its own message is on standard error")
            if "failed" in message:
                raise UsageError(message["failed"])
            if message.get("ready"):
                joined = _joined(connection, message, descriptors, folder, is_taken_up=False)
                joined.process, joined.is_temporary = process, is_temporary
                return joined
            on_progress(message["progress"], message["fraction"])
    except BaseException:
        connection.close()
        process.kill()
        process.wait()
        remove_socket(folder, with_folder=is_temporary)
        raise


def _joined(
    connection: socket.socket, ready: dict[str, Any], descriptors: list[int], folder: Path, *, is_taken_up: bool
) -> MediaProcess:
    connection.settimeout(None)
    block, wake, engine = descriptors
    return MediaProcess(
        connection,
        folder,
        is_temporary=False,
        guardian=os.pidfd_open(ready["guardian"]),
        engine_pid=ready["engine"],
        engine=engine,
        block_descriptor=block,
        wake_descriptor=wake,
        clip_names=list(ready["clips"]),
        gap_s=ready["gap_s"],
        is_taken_up=is_taken_up,
    )


def _end(pid: int, patience_s: float) -> None:
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        end_process(process, patience_s)
    finally:
        os.close(process)
