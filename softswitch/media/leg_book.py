"""Which legs are open, as the signalling side knows them, and what the media process's messages say of each."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from softswitch.media import vocabulary as v
from softswitch.media.events import MediaEvent, RecordingClosed, RecordingFailed
from softswitch.media.layout import Array, Block
from softswitch.media.reports import Reports
from softswitch.media.slots import SlotStock

SLOT_BITS = 16


class OpenLeg:
    """A leg that the switch has, or has closed and whose slot is not free yet; what it wants of it is in the lease."""

    __slots__ = ("_lease", "_recording", "generation", "listeners", "measured", "overheard", "port_released", "slot")

    def __init__(self, slot: int, generation: int, lease: Any, recording: Path | None = None) -> None:
        """lease: the slot's LEASE."""
        self.slot = slot
        self.generation = generation
        self.port_released = False
        self.listeners = 0
        """Routes that lead from it to a supervisor, or from a supervisor's leg to others."""
        self.measured = False
        """How loud it is, is asked for although nobody listens."""
        self.overheard = False
        """It was bridged to a leg that a supervisor hears."""
        self._lease = lease
        self._recording = recording

    @property
    def recording(self) -> Path | None:
        """The file that it is recorded into."""
        return self._recording

    @recording.setter
    def recording(self, path: Path | None) -> None:
        self._recording = path
        self._lease["recorded"] = path is not None

    @property
    def under_amd(self) -> bool:
        return bool(self._lease["under_amd"])

    @under_amd.setter
    def under_amd(self, wanted: bool) -> None:
        self._lease["under_amd"] = wanted

    @property
    def closed(self) -> bool:
        """`close_leg` was called; the slot is free once the relay says so and the recording is closed."""
        return bool(self._lease["state"] == v.CLOSING)

    def close(self) -> None:
        self._lease["state"] = v.CLOSING

    @property
    def is_secure(self) -> bool:
        """It has been given keys for SRTP."""
        return bool(self._lease["secure"])

    @is_secure.setter
    def is_secure(self, secure: bool) -> None:
        self._lease["secure"] = secure

    @property
    def is_tapped(self) -> bool:
        """Whether somebody listens to its frames."""
        return self.recording is not None or self.under_amd or self.listeners > 0 or self.overheard or self.measured


def handle_of(slot: int, generation: int) -> int:
    return generation << SLOT_BITS | slot


class LegBook:
    """Legs by handle: slot and generation, so that what is said of a slot's last user is never taken for its next."""

    def __init__(self, reports: Reports, stock: SlotStock, on_untapped: Callable[[OpenLeg], None]) -> None:
        """on_untapped: called when a leg's recording has ended and its frames may be wanted no more."""
        self._reports = reports
        self._stock = stock
        self._on_untapped = on_untapped
        self._legs: dict[int, OpenLeg] = {}

    def __iter__(self) -> Iterator[OpenLeg]:
        return iter(self._legs.values())

    def items(self) -> list[tuple[int, OpenLeg]]:
        """Every leg by its handle."""
        return list(self._legs.items())

    def open(self, slot: int, generation: int) -> int:
        """The handle of a slot's new user."""
        handle = handle_of(slot, generation)
        self._legs[handle] = OpenLeg(slot, generation, self._stock.leases[slot])
        return handle

    def take_up(self, block: Block) -> None:
        """Enter the legs of a signalling process that is gone."""
        leases = self._stock.leases
        for each in np.flatnonzero((leases["state"] == v.TAKEN) | (leases["state"] == v.CLOSING)):
            slot = int(each)
            lease = leases[slot]
            generation = int(lease["generation"])
            path = Path(os.fsdecode(bytes(block.paths[slot]).split(b"\0", 1)[0])) if lease["recorded"] else None
            self._legs[handle_of(slot, generation)] = OpenLeg(slot, generation, lease, path)

    def settle(self, rows: Array) -> list[OpenLeg]:
        """Who died may not have reported that a port was released; the legs whose end is still to come.

        rows: (slots,) LEG.
        """
        for handle, leg in self.items():
            row = rows[leg.slot]
            if leg.closed and row["state"] == v.CLOSED and row["generation"] == leg.generation:
                leg.port_released = True
                self.free(handle)
        return [leg for leg in self if leg.closed]

    def get(self, handle: int) -> OpenLeg | None:
        return self._legs.get(handle)

    def clear(self) -> None:
        self._legs.clear()

    def receive(self, message: np.void) -> MediaEvent | None:
        """Take in one message; the event that it is for the switch, if it is one."""
        kind, slot, generation = int(message["kind"]), int(message["leg"]), int(message["generation"])
        if kind == v.LEG_BOUND:
            self._stock.receive_bound(slot)
            return None
        if kind == v.LEG_BUSY:
            self._stock.receive_busy(slot, time.monotonic())
            return None
        handle = handle_of(slot, generation)
        leg = self._legs.get(handle)
        if leg is None:
            return None
        event = None
        if kind == v.LEG_CLOSED:
            leg.port_released = True
        else:
            event = self._reports.event(message, handle, leg.recording)
        recording_ended = isinstance(event, RecordingClosed | RecordingFailed)
        if recording_ended:
            leg.recording = None
            if not leg.closed:
                self._on_untapped(leg)
        # Of a closed leg only its recording's end is news.
        news = event if recording_ended or not leg.closed else None
        self.free(handle)
        return news

    def free(self, handle: int) -> None:
        """Give the slot back of a leg that is closed, once nothing of it is left."""
        leg = self._legs[handle]
        if leg.closed and leg.port_released and leg.recording is None:
            del self._legs[handle]
            self._stock.receive_closed(leg.slot)
