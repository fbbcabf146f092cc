"""Which legs are open, as the signalling side knows them, and what the media process's messages say of each."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from softswitch.media import vocabulary as v
from softswitch.media.events import MediaEvent, RecordingClosed, RecordingFailed
from softswitch.media.reports import Reports
from softswitch.media.slots import SlotStock

SLOT_BITS = 16


@dataclass(slots=True)
class OpenLeg:
    slot: int
    generation: int
    recording: Path | None = None
    under_amd: bool = False
    closed: bool = False
    """`close_leg` was called; the slot is free once the relay says so and the recording is closed."""
    port_released: bool = False

    @property
    def is_tapped(self) -> bool:
        """Whether somebody listens to its frames."""
        return self.recording is not None or self.under_amd


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

    def open(self, slot: int, generation: int) -> int:
        """The handle of a slot's new user."""
        handle = handle_of(slot, generation)
        self._legs[handle] = OpenLeg(slot, generation)
        return handle

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
        if leg.closed and leg.port_released and leg.recording is None:
            del self._legs[handle]
            self._stock.receive_closed(slot)
        # Of a closed leg only its recording's end is news.
        return event if recording_ended or not leg.closed else None
