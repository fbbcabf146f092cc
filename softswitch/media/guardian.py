"""The guardian: keeps an engine alive, and knows who signals.

There is one master at a time: the signalling process that started this one, or one that came after it. It is handed
the block and the eventfd (SCM_RIGHTS). When it goes away and nobody follows within `linger_s`, the engine is ended in
order: no call is left without a master. When the engine dies, another one adopts the block; one that dies again and
again is given up.
"""

import contextlib
import os
import select
import signal
import socket
import time
from collections import deque
from typing import Any

from softswitch.media.connection import peer_of, receive_message, send_message
from softswitch.media.engine import Engine
from softswitch.media.engine_process import EngineProcess

MOST_DEATHS = 5
DEATHS_WITHIN_S = 60.0
"""More deaths in this time, and whatever kills it will kill it again."""


def without_linger(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings that a process cannot change while it runs."""
    return {name: value for name, value in settings.items() if name != "linger_s"}


class Deaths:
    """The deaths of late."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def are_too_many(self, now: float) -> bool:
        """Enter one more."""
        self._times.append(now)
        while self._times[0] < now - DEATHS_WITHIN_S:
            self._times.popleft()
        return len(self._times) > MOST_DEATHS


class Guardian:
    """The media process's first thread, and its only one."""

    def __init__(self, listener: socket.socket, engine: Engine, settings: dict[str, Any]) -> None:
        self._listener = listener
        self._engine = engine
        self._settings = settings
        self._master: socket.socket | None = None
        self._callers: list[socket.socket] = []
        self._alone_since = time.monotonic()
        self._is_dismissed = False
        self._deaths = Deaths()
        self._process: EngineProcess | None = None
        self._gap_s = 0.0
        # A signal must be heard while all is quiet.
        self._alarm, self._ringer = socket.socketpair()
        self._ringer.setblocking(False)

    def attend(self, first: socket.socket) -> None:
        """Serve masters until one says stop, or none is left for too long.  first: who started this process."""
        # SIGTERM comes to all processes of a service at once: the master is to end its calls first.
        signal.signal(signal.SIGTERM, lambda number, frame: None)
        signal.set_wakeup_fd(self._ringer.fileno(), warn_on_full_buffer=False)
        self._process = self._new_process(first)
        try:
            self._hand_over(first, self._settings)
            while self._go_on():
                pass
        finally:
            if self._process is not None:
                self._process.stop()

    def _new_process(self, *others: socket.socket) -> EngineProcess:
        sockets = [self._listener, self._alarm, self._ringer, *self._callers, *others]
        last_ns = int(self._engine.block.shared.header["relay_at_ns"])
        process = EngineProcess(self._engine, [*sockets, *([self._master] if self._master else [])])
        self._gap_s = time.monotonic() - last_ns / 1e9 if last_ns else 0.0
        return process

    def _go_on(self) -> bool:
        """Wait for what comes next and do it; False when that is the end."""
        assert self._process is not None
        patience = None
        if self._master is None:
            linger_s = 0.0 if self._is_dismissed else float(self._settings["linger_s"])
            patience = self._alone_since + linger_s - time.monotonic()
            if patience <= 0:
                return False
        # The master first: its end is seen before somebody asks for its place.
        masters = [self._master] if self._master else []
        watched: list[Any] = [*masters, self._process, self._alarm, *self._callers, self._listener]
        ready, _, _ = select.select(watched, [], [], patience)
        for one in ready:
            if one is self._process:
                if not self._revive():
                    return False
            elif one is self._alarm:
                self._is_dismissed = signal.SIGTERM in self._alarm.recv(64)
            elif one is self._listener:
                self._callers.append(self._listener.accept()[0])
            elif self._hears_stop(one):
                return False
        return True

    def _revive(self) -> bool:
        """The engine has died: begin another, or give up."""
        assert self._process is not None
        reason = self._process.reap()
        self._process = None
        message: dict[str, Any] = {"died": reason}
        descriptors: tuple[int, ...] = ()
        now = time.monotonic()
        if not self._deaths.are_too_many(now):
            self._process = self._new_process()
            message = {"recovered": reason, "engine": self._process.pid, "gap_s": self._gap_s}
            descriptors = (self._process.descriptor,)
        if self._master is not None:
            with contextlib.suppress(ConnectionError):
                send_message(self._master, message, descriptors)
        return self._process is not None

    def _hears_stop(self, connection: socket.socket) -> bool:
        message, descriptors = receive_message(connection)
        for descriptor in descriptors:
            os.close(descriptor)
        if message is None:
            self._lose(connection)
        elif message.get("stop"):
            return self._master in (None, connection)
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
        assert self._process is not None
        self._master, self._settings, self._is_dismissed = master, settings, False
        engine, process = self._engine, self._process
        engine.block.shared.header["master"] = peer_of(master)[0]
        message = {
            "ready": True,
            "clips": engine.clip_names,
            "guardian": os.getpid(),
            "engine": process.pid,
            "gap_s": self._gap_s,
        }
        with contextlib.suppress(ConnectionError):
            send_message(master, message, (engine.descriptor, engine.wake_descriptor, process.descriptor))
