"""The site's health, told to the interlocks: twice a second, and at once when something breaks."""

import asyncio
import os
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from softswitch.safeguards.interlocks import (
    CLOCK,
    DISK,
    MEDIA,
    RECORDER,
    STANDARD,
    STORE,
    SUPERVISOR,
    TRUNK,
    Interlocks,
)

log = structlog.get_logger(__name__)

INTERVAL_S = 0.5
CLOCK_STEP = timedelta(seconds=5)  # a wall clock that jumps by more makes calling hours and records doubtful
CLOCK_SETTLE_S = 60.0  # and whoever set it may set it once more

TOLL = "toll guard"
NAMES = (*STANDARD, MEDIA, TOLL)
INBOUND = (RECORDER, DISK, STORE, SUPERVISOR, MEDIA)
"""What a call that comes in needs too: it is recorded and supervised like any other."""
MB = 1_000_000


class Health:
    """Watches what dialling depends on. `on_change` is called whenever the interlocks' verdict may have changed."""

    def __init__(
        self,
        interlocks: Interlocks,
        *,
        recordings: Path,
        minimum_free_mb: int,
        supervisor_ratio: int,
        agents_in: Callable[[], int],
        trunks_usable: Callable[[], bool],
        on_tick: Callable[[], None],
        clock: Callable[[], float],
        toll_alarm: Callable[[], str],
    ) -> None:
        self._interlocks = interlocks
        self._recordings = recordings
        self._minimum_free = minimum_free_mb * MB
        self._ratio = supervisor_ratio
        self._agents_in = agents_in
        self._trunks_usable = trunks_usable
        self._on_tick = on_tick
        self._clock = clock
        self._toll_alarm = toll_alarm
        self._supervisors: set[str] = set()
        self._recording_trouble = ""
        self._wall_less_clock: timedelta | None = None
        self._clock_trouble = ""
        self._clock_doubtful_until = float("-inf")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.look()
        self._task = asyncio.get_running_loop().create_task(self._watch(), name="health")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def report(self, name: str, closed: bool, reason: str = "") -> None:
        """Somebody else's finding: the store's, the media plane's, the never-dial list's."""
        self._interlocks.report(name, closed, reason, self._clock())
        self._on_tick()

    def recording_failed(self, reason: str) -> None:
        """A recording could not be written: nothing is dialled until the folder takes a file again."""
        self._recording_trouble = reason
        self.report(RECORDER, False, f"a recording could not be written: {reason}")

    def supervisor_arrived(self, name: str) -> None:
        self._supervisors.add(name)
        self.look()

    def supervisor_left(self, name: str) -> None:
        self._supervisors.discard(name)
        self.look()

    def look(self) -> None:
        """Look at everything that can be looked at without waiting."""
        now = self._clock()
        for name, trouble in (
            (DISK, self._disk()),
            (RECORDER, self._recorder()),
            (SUPERVISOR, self._supervision()),
            (TRUNK, "" if self._trunks_usable() else "no trunk is registered"),
            (CLOCK, self._clock_step(now)),
            (TOLL, self._toll_alarm()),
        ):
            self._interlocks.report(name, not trouble, trouble, now)
        self._interlocks.handle_timer(now)
        self._on_tick()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            self.look()

    def _disk(self) -> str:
        try:
            free = shutil.disk_usage(self._recordings).free
            if free < self._minimum_free:
                return f"the recordings' disk has {free // MB} MB left of the {self._minimum_free // MB} it must have"
        except OSError as error:
            return f"the recordings' disk cannot be looked at: {error.strerror}"
        return ""

    def _recorder(self) -> str:
        try:
            if self._recording_trouble:
                _try_to_write(self._recordings)
                self._recording_trouble = ""
        except OSError as error:
            return f"recordings cannot be written: {error.strerror}"
        return ""

    def _supervision(self) -> str:
        if not self._ratio:
            return ""
        agents = self._agents_in()
        if not self._supervisors:
            return "no supervisor is present: open the wallboard"
        if agents > self._ratio * len(self._supervisors):
            return f"{len(self._supervisors)} supervisors for {agents} agents; one may watch {self._ratio}"
        return ""

    def _clock_step(self, now: float) -> str:
        difference = datetime.now(UTC) - datetime.fromtimestamp(0, UTC) - timedelta(seconds=now)
        last, self._wall_less_clock = self._wall_less_clock, difference
        if last is not None and abs(difference - last) > CLOCK_STEP:
            self._clock_trouble = f"the wall clock jumped by {(difference - last).total_seconds():.0f} s"
            self._clock_doubtful_until = now + CLOCK_SETTLE_S
        return self._clock_trouble if now < self._clock_doubtful_until else ""


def _try_to_write(folder: Path) -> None:
    probe = folder / ".probe"
    try:
        with probe.open("wb") as file:
            file.write(bytes(4096))
            os.fsync(file.fileno())
    finally:
        probe.unlink(missing_ok=True)
