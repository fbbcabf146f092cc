"""One driver for all pure machines: it owns the timers, drains events and data, and survives what a machine raises.

The invariant of every machine here: after any mutation, drain, then re-arm.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import structlog

from softswitch.sip.layer import Datagram, Hop
from softswitch.sip.timers import Deadlines

__all__ = ["Datagram", "Driver", "Machine"]

STUCK_TIMER_S = 0.1
"""When a machine is asked again whose deadline did not move; it is a fault of the machine."""

_log = structlog.get_logger(__name__)


class Machine(Protocol):
    """The common face of the pure machines; one that is added with `send` also has `data_to_send`."""

    def handle_timer(self, now: float) -> None: ...
    def next_timer(self) -> float | None: ...
    def next_event(self) -> Any: ...


class Driver:
    """Drives machines on the running loop.

    After `add`, mutate a machine inside `with driver.mutating(machine) as now:`; what it then has to say and to send
    goes out before the block is left, and the loop's one timer is armed for the earliest deadline of all.
    `now` is the loop's clock, which is CLOCK_MONOTONIC: the media plane's clock too.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._ports: dict[Machine, _Port] = {}
        self._deadlines: Deadlines[Any] = Deadlines()
        self._timer: asyncio.TimerHandle | None = None
        self._armed: float | None = None
        self.faults = 0
        """Exceptions that machines and event handlers raised; each was logged and nothing stopped."""

    @property
    def now(self) -> float:
        return self._loop.time()

    def add(
        self,
        machine: Machine,
        *,
        on_event: Callable[[Any], None],
        send: Callable[[Datagram], None] | None = None,
    ) -> None:
        """Drive this machine from now on. `on_event` may mutate it, and others inside `mutating`."""
        self._ports[machine] = _Port(on_event, send)
        self.settle(machine)

    def remove(self, machine: Machine) -> None:
        """Drive it no more."""
        self._ports.pop(machine, None)
        self._deadlines.set(machine, None)
        self._arm()

    @contextmanager
    def mutating(self, machine: Machine) -> Iterator[float]:
        """Mutate a machine with the time that is given; it is drained even where the block raises."""
        try:
            yield self.now
        finally:
            self.settle(machine)

    def receive_datagram(self, machine: Any, data: bytes, source: Hop) -> None:
        """Feed a datagram; whatever a machine raises over it is counted and logged without a byte of the datagram."""
        try:
            machine.receive_datagram(data, source, self.now)
        except Exception as error:
            self._report("datagram", machine, error)
        self.settle(machine)

    def settle(self, machine: Machine) -> None:
        """Drain a machine that was mutated, then re-arm. Within its own `on_event` the drain under way goes on."""
        port = self._ports.get(machine)
        if port is None or port.draining:
            return
        port.draining = True
        try:
            self._drain(machine, port)
        finally:
            port.draining = False
        if machine in self._ports:
            self._deadlines.set(machine, machine.next_timer())
        self._arm()

    def _drain(self, machine: Any, port: "_Port") -> None:
        while True:
            try:
                # What is ready to go leaves before anybody reflects on the events.
                if port.send is not None:
                    for datagram in machine.data_to_send():
                        port.send(datagram)
                event = machine.next_event()
            except Exception as error:
                self._report("draining", machine, error)
                return
            if event is None:
                return
            try:
                port.on_event(event)
            except Exception as error:
                self._report("event", machine, error)

    def _arm(self) -> None:
        """Wake for the earliest deadline. One that was put off or dropped is found out when its old time comes."""
        at = self._deadlines.next()
        if at is None or (self._armed is not None and self._armed <= at):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._armed = at
        self._timer = self._loop.call_at(at, self._wake)

    def _wake(self) -> None:
        self._timer = self._armed = None
        now = self.now
        for machine in self._deadlines.due(now):
            try:
                machine.handle_timer(now)
            except Exception as error:
                self._report("timer", machine, error)
            self.settle(machine)
            due = machine.next_timer() if machine in self._ports else None
            if due is not None and due <= now:
                # A deadline that handle_timer did not move would keep the loop spinning.
                self._deadlines.set(machine, now + STUCK_TIMER_S)
        self._arm()

    def close(self) -> None:
        """Forget every machine and timer."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._armed = None
        self._ports.clear()

    def _report(self, what: str, machine: object, error: Exception) -> None:
        # Not the exception's text: it may quote what a peer sent, and that may be a telephone number.
        self.faults += 1
        frame = error.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        where = f"{frame.tb_frame.f_code.co_filename}:{frame.tb_lineno}" if frame is not None else ""
        _log.error("machine_fault", during=what, machine=type(machine).__name__, error=type(error).__name__, at=where)


class _Port:
    __slots__ = ("draining", "on_event", "send")

    def __init__(self, on_event: Callable[[Any], None], send: Callable[[Datagram], None] | None) -> None:
        self.on_event = on_event
        self.send = send
        self.draining = False
