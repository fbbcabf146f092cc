"""The process in which an engine's threads run: a child of the guardian, which is forked anew when it dies.

Its own Python thread waits for the word to stop. When the guardian dies, it goes on for as long as it takes the
signalling process to start another guardian, which ends it and adopts what it leaves; without a signalling process it
stops at once, in order.
"""

import contextlib
import os
import select
import signal
import socket
import traceback
from collections.abc import Iterable

from softswitch.media.connection import end_process
from softswitch.media.engine import Engine

LOOK_S = 0.25
"""How often the threads are looked after."""
START_S = 5.0
STOP_S = 8.0
SUCCESSOR_S = 60.0
"""A guardian loads its kernels within two seconds, and on a machine that is short of time within many."""


class EngineProcess:
    """One life of the engine."""

    def __init__(self, engine: Engine, others: Iterable[socket.socket]) -> None:
        """Fork it.  others: the guardian's sockets, which are none of its business. No thread may run here."""
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            _live(engine, theirs, [self._line, *others])
        theirs.close()
        self.descriptor = os.pidfd_open(self.pid)
        begun, _, _ = select.select([self._line], [], [], START_S)
        if begun:
            # Or else has ended. What is left unread would make our end look like an error to it.
            self._line.recv(16)

    def fileno(self) -> int:
        """Readable once it has ended."""
        return self.descriptor

    def stop(self) -> None:
        """End it in order, or else by force."""
        with contextlib.suppress(OSError):  # it may have ended by itself
            self._line.send(b"stop")
        end_process(self.descriptor, STOP_S)
        self.reap()

    def reap(self) -> str:
        """Wait for its end; what it died of."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self.descriptor)
        self._line.close()
        if os.WIFSIGNALED(status):
            return f"it was killed by {signal.Signals(os.WTERMSIG(status)).name}"
        return f"it ended by itself with status {os.WEXITSTATUS(status)}"


def _live(engine: Engine, line: socket.socket, others: list[socket.socket]) -> None:
    """The child's whole life; does not return."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # its guardian ends it
        for other in others:
            other.close()
        engine.start()
        line.send(b"begun")
        if _is_told_to_stop(engine, line):
            engine.stop()
            status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)  # the guardian's exit handlers are not this process's


def _is_told_to_stop(engine: Engine, line: socket.socket) -> bool:
    """Wait for the end; False when a thread has ended by itself."""
    while engine.is_whole:
        heard, _, _ = select.select([line], [], [], LOOK_S)
        if heard:
            if not _word(line):
                _await_successor(int(engine.block.shared.header["master"]))
            return True
    return False


def _word(line: socket.socket) -> bytes:
    try:
        return line.recv(16)
    except ConnectionError:
        return b""


def _await_successor(master: int) -> None:
    """The guardian has died: let its successor end this process. Returns when none can be expected."""
    try:
        signalling = os.pidfd_open(master)
    except OSError:
        return
    select.select([signalling], [], [], SUCCESSOR_S)
