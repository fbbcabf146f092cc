"""The life of a media plane, as the signalling side leads it: from start or take-up to its end."""

import asyncio
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from softswitch.errors import SoftswitchError, UsageError
from softswitch.media import vocabulary as v
from softswitch.media.browser_legs import BrowserLegs
from softswitch.media.connection import receive_message
from softswitch.media.engine import Engine
from softswitch.media.events import MediaEvent, PlaneDied, PlaneRecovered
from softswitch.media.guardian import Deaths
from softswitch.media.launcher import MediaProcess, relaunch
from softswitch.media.layout import (
    LEASE,
    MESSAGE,
    RECORDER_EVENTS,
    RELAY_COMMANDS,
    RELAY_EVENTS,
    WORKER_COMMANDS,
    WORKER_EVENTS,
    Block,
)
from softswitch.media.leg_book import LegBook, OpenLeg
from softswitch.media.levels import Levels
from softswitch.media.notes import read_note, write_note
from softswitch.media.reports import Reports
from softswitch.media.rings import pop, push
from softswitch.media.slots import SlotStock
from softswitch.media.supervision import Supervision

DEAD_LEG = -1
SITE = 1
"""The generation of the site's note."""

OnEvent = Callable[[MediaEvent], None]


class PlaneLife(ABC):
    """What `MediaPlane` is besides its commands. Not thread-safe: it belongs to the loop that started it."""

    def __init__(
        self,
        block: Block,
        block_descriptor: int,
        wake_descriptor: int,
        clip_names: list[str],
        on_event: OnEvent,
        *,
        process: MediaProcess | None = None,
        settings: dict[str, Any] | None = None,
        engine: Engine | None = None,
    ) -> None:
        self._block = block
        self._shared = block.shared
        self._block_descriptor = block_descriptor
        self._wake_descriptor = wake_descriptor
        self._clips = {name: index for index, name in enumerate(clip_names)}
        self._on_event = on_event
        self._process = process
        self._settings = settings or {}
        self._engine = engine
        self._loop = asyncio.get_running_loop()
        self._message = np.zeros(1, MESSAGE)
        self._first_port = int(self._shared.header["first_port"])
        self._stock = SlotStock(block.leases, self._order_open)
        self._legs = LegBook(Reports(clip_names), self._stock, self._tap)
        self._browsers = BrowserLegs(self._shared)
        self.supervision = Supervision(self._legs, self._leg, self._order, self._order_worker, self._tap)
        """Who hears whom beside the bridges."""
        self.levels = Levels(self._shared, self._legs)
        """How loud each leg is."""
        self._alive = True
        self._waiting: list[MediaEvent] = []
        self._is_silent = False
        self._told = asyncio.Event()
        self._deaths = Deaths()
        self._revival: asyncio.Task[None] | None = None

    # Starting and taking up

    async def _begin(self) -> None:
        if self._process is not None and self._process.is_taken_up:
            self._take_up()
        self._loop.add_reader(self._wake_descriptor, self._read_events)
        if self._process is not None:
            self._loop.add_reader(self._process.connection, self._read_connection)
        self._drain()
        while not self._stock.is_settled and self._alive:
            self._told.clear()
            await self._told.wait()

    def _take_up(self) -> None:
        """Go on where a signalling process that is gone left off."""
        self._is_silent = True
        self._legs.take_up(self._block)
        self._stock.take_up(self._shared.legs)
        handles = {leg.slot: handle for handle, leg in self._legs.items()}
        for slot, handle in handles.items():
            peer = int(self._shared.legs[slot]["peer"])
            if peer > slot and peer in handles:
                self.supervision.receive_bridged(handle, handles[peer])
        self._repeat_ends()

    def _repeat_ends(self) -> None:
        """What was ordered last may never have been sent or carried out. To close what is closed does nothing."""
        for leg in self._legs.settle(self._shared.legs):
            self._push(WORKER_COMMANDS, v.STOP_RECORDING, leg.slot, leg.generation, 0, 0, 0, 0, 0)
            self._push(RELAY_COMMANDS, v.CLOSE, leg.slot, leg.generation, 0, 0, 0, 0, 0)

    @property
    def is_taken_up(self) -> bool:
        """Whether its media process served another signalling process before."""
        return self._process is not None and self._process.is_taken_up

    def kept(self) -> dict[int, bytes]:
        """The legs that are open, each with its last note (empty where it has none). After a take-up these are the
        legs of the process before; ports, streams, bridges, clips and recordings go on meanwhile."""
        return {
            handle: read_note(self._block.notes[leg.slot], leg.generation) or b""
            for handle, leg in self._legs.items()
            if not leg.closed
        }

    def claim(self, legs: Collection[int]) -> None:
        """After a take-up, once: these legs have their calls again; others are closed. Until then events wait, those
        included that nobody read while there was no signalling process; now they are delivered."""
        for leg in self.kept().keys() - set(legs):
            self.close_leg(leg)
        self._is_silent = False
        self._loop.call_soon(self._deliver)

    @abstractmethod
    def close_leg(self, leg: int) -> None: ...

    def note(self, leg: int, content: bytes) -> None:
        """Keep up to 8 kB with a leg for the signalling process that may take it up; in place of the leg's last note.
        UsageError when it is longer."""
        entry = self._legs.get(leg)
        if entry is None or entry.closed:
            if self._alive:
                raise UsageError(f"media leg {leg} is not open")
            return
        write_note(self._block.notes[entry.slot], entry.generation, content)

    def note_site(self, content: bytes) -> None:
        """Keep up to 64 kB with the media process, in place of the last; UsageError when it is longer."""
        if self._alive:
            write_note(self._block.site_notes, SITE, content)

    def kept_site(self) -> bytes:
        """The last note of the site; empty where there is none."""
        return read_note(self._block.site_notes, SITE) or b""

    # Ending

    async def stop(self) -> None:
        """Close recordings and sockets and end the media process. Returns when nothing is left running."""
        if not self._alive:
            return
        self._alive = False
        if self._revival is not None:
            await self._revival
        if self._process is not None:
            self._loop.remove_reader(self._process.connection)
            await asyncio.to_thread(self._process.stop)
        elif self._engine is not None:
            await asyncio.to_thread(self._engine.stop)
        self._release()

    def leave(self) -> None:
        """Go, and leave the media process to the signalling process that comes next: calls go on meanwhile."""
        if self._process is None:
            raise UsageError("a media plane in threads ends with its process")
        if not self._alive:
            return
        self._alive = False
        self._loop.remove_reader(self._wake_descriptor)
        self._loop.remove_reader(self._process.connection)
        if self._revival is None:
            self._let_go()
        else:
            self._revival.add_done_callback(lambda revival: self._let_go())

    def _let_go(self) -> None:
        if self._process is not None:
            self._process.forget()
        os.close(self._block_descriptor)
        os.close(self._wake_descriptor)

    def _release(self) -> None:
        """Read what was still reported, then let go of the descriptors."""
        self._loop.remove_reader(self._wake_descriptor)
        self._drain()
        self._is_silent = False
        self._deliver()
        os.close(self._block_descriptor)
        os.close(self._wake_descriptor)

    # Deaths

    def _read_connection(self) -> None:
        """Hear what became of the engine, or that the guardian is gone."""
        assert self._process is not None
        message, descriptors = receive_message(self._process.connection)
        if message is None:
            self._loop.remove_reader(self._process.connection)
            self._revival = self._loop.create_task(self._revive())
        elif "recovered" in message:
            self._process.receive_engine(message["engine"], descriptors[0])
            self._receive_recovery(message["recovered"], message["gap_s"])
        elif "died" in message:
            self._loop.remove_reader(self._process.connection)
            self._die(f"the media process died again and again; at last {message['died']}")

    async def _revive(self) -> None:
        """The guardian has died: start another for the same block."""
        assert self._process is not None
        try:
            if self._deaths.are_too_many(time.monotonic()):
                raise SoftswitchError("it died again and again")
            descriptors = (self._block_descriptor, self._wake_descriptor)
            self._process = await asyncio.to_thread(relaunch, self._process, self._settings, descriptors)
        except SoftswitchError as error:
            self._revival = None
            if self._alive:
                self._die(f"the guardian of the media process died, and cannot be started: {error}")
            return
        self._revival = None
        if self._alive:
            self._loop.add_reader(self._process.connection, self._read_connection)
            self._receive_recovery("its guardian died", self._process.gap_s)

    def _receive_recovery(self, reason: str, gap_s: float) -> None:
        self._drain()
        self._stock.repeat(self._shared.legs)
        self._repeat_ends()
        self._told.set()
        legs = sum(not leg.closed for leg in self._legs)
        self._waiting.append(PlaneRecovered(DEAD_LEG, time.monotonic(), legs, gap_s, reason))
        self._deliver()

    def _die(self, reason: str) -> None:
        assert self._process is not None
        at = time.monotonic()
        self._alive = False
        self._told.set()
        self._release()
        self._legs.clear()
        self._browsers.clear()
        self._on_event(PlaneDied(DEAD_LEG, at, reason))
        # Its death has been reported; waiting for the kernel to give up the corpse may take a moment.
        self._loop.run_in_executor(None, self._process.reap)

    @property
    def deaths(self) -> int:
        """How often the engine was replaced."""
        return int(self._shared.header["deaths"])

    @property
    def pid(self) -> int | None:
        """The process whose threads carry the media, or None when they run here."""
        return None if self._process is None else self._process.engine_pid

    # Legs and rings

    def _leg(self, leg: int) -> OpenLeg:
        entry = self._legs.get(leg)
        if entry is None or entry.closed:
            if not self._alive:
                return OpenLeg(leg & 0xFFFF, leg >> 16, np.zeros(1, LEASE)[0])  # orders to the dead go nowhere
            raise UsageError(f"media leg {leg} is not open")
        return entry

    def _order(self, leg: int, kind: int, a: int = 0, b: int = 0, c: int = 0, d: int = 0, e: int = 0) -> None:
        entry = self._leg(leg)
        self._push(RELAY_COMMANDS, kind, entry.slot, entry.generation, a, b, c, d, e)

    def _order_worker(self, entry: OpenLeg, kind: int, a: int = 0, b: int = 0, c: int = 0) -> None:
        self._push(WORKER_COMMANDS, kind, entry.slot, entry.generation, a, b, c, 0, 0)

    def _push(self, ring: int, kind: int, slot: int, generation: int, *rest: int) -> None:
        if not self._alive:
            return
        if not push(self._shared, ring, kind, slot, generation, time.monotonic_ns(), *rest):
            raise SoftswitchError("the media process no longer takes commands; it is overloaded or stopped")

    def _order_open(self, kind: int, slot: int, *rest: int) -> None:
        self._push(RELAY_COMMANDS, kind, slot, self._stock.generation_of(slot), *rest)

    def measure(self, leg: int, wanted: bool) -> None:
        """Have `levels` for a leg that is neither recorded nor listened to, or no longer."""
        entry = self._leg(leg)
        if entry.measured != wanted:
            entry.measured = wanted
            self._tap(entry)

    def _tap(self, entry: OpenLeg) -> None:
        self._push(RELAY_COMMANDS, v.TAP, entry.slot, entry.generation, int(entry.is_tapped), 0, 0, 0, 0)

    def _read_events(self) -> None:
        try:
            os.eventfd_read(self._wake_descriptor)
        except BlockingIOError:
            return
        self._drain()
        self._told.set()
        self._deliver()
        self._hand_over()

    def _drain(self) -> None:
        """Read the three event rings; what is for the switch waits in order."""
        for ring in (RELAY_EVENTS, WORKER_EVENTS, RECORDER_EVENTS):
            while pop(self._shared, ring, self._message):
                event = self._legs.receive(self._message[0])
                if event is not None:
                    self._waiting.append(event)
        self._stock.refill(time.monotonic())

    def _deliver(self) -> None:
        while self._waiting and not self._is_silent:
            event = self._waiting.pop(0)
            try:
                self._on_event(event)
            except Exception as error:
                self._loop.call_exception_handler(
                    {"message": f"a media event was not handled: {event}", "exception": error}
                )

    def _hand_over(self) -> None:
        """Browsers' datagrams, to who listens to them."""
        while not self._is_silent and (found := self._browsers.next_datagram()) is not None:
            receive, data, address = found
            try:
                receive(data, address)
            except Exception as error:
                self._loop.call_exception_handler(
                    {"message": "a browser's datagram was not handled", "exception": error}
                )
