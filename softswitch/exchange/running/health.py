"""The site's health, told to the interlocks: looked at twenty times a second, and at once when something breaks."""

import asyncio
import os
import shutil
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from softswitch.safeguards import conditions
from softswitch.safeguards.conditions import CLOCK_STEP
from softswitch.safeguards.interlocks import (
    CLOCK,
    DISK,
    MEDIA,
    MEDIA_LOAD,
    RECORDER,
    STANDARD,
    STORE,
    SUPERVISOR,
    TRUNK,
    InterlockClosed,
    Interlocks,
)

log = structlog.get_logger(__name__)

LOOK_S = 0.05
"""What is looked at is known by then: dialling stops within 100 ms."""
TICK_S = 0.5
"""How often the diallers are told how things stand though nothing has changed."""
CLOCK_SETTLE_S = 60.0  # whoever has set a clock may set it once more

TOLL = "toll guard"
NAMES = (*STANDARD, MEDIA, MEDIA_LOAD, TOLL)
INBOUND = (RECORDER, DISK, STORE, SUPERVISOR, MEDIA, MEDIA_LOAD)
"""What a call that comes in needs too: it is recorded and supervised like any other."""
MB = 1_000_000
Trouble = Callable[[float], str]
"""Asked at `now`: a plain reason why nothing may be dialled, or empty."""


class Health:
    """Watches what dialling depends on. `on_tick` is called whenever the interlocks' verdict may have changed."""

    def __init__(
        self,
        interlocks: Interlocks,
        *,
        recordings: Path,
        minimum_free_mb: int,
        supervisor_ratio: int,
        agents_in: Callable[[], int],
        trunk_trouble: Callable[[], str],
        on_tick: Callable[[], None],
        clock: Callable[[], float],
        toll_alarm: Callable[[], str],
        can_listen: Callable[[str], bool] = lambda supervisor: True,
        clock_trouble: Callable[[datetime], str] = lambda wall: "",
        further: Mapping[str, Trouble] | None = None,
        instead: Mapping[str, str] | None = None,
    ) -> None:
        """can_listen: whether a supervisor's audio works.  clock_trouble: what speaks against the wall clock beside its
        own jumps.  further: what else is looked at, by interlock.  instead: see `Interlocks.report`."""
        self._interlocks = interlocks
        self._recordings = recordings
        self._minimum_free = minimum_free_mb * MB
        self._ratio = supervisor_ratio
        self._agents_in = agents_in
        self._trunk_trouble = trunk_trouble
        self._on_tick = on_tick
        self._clock = clock
        self._toll_alarm = toll_alarm
        self._can_listen = can_listen
        self._clock_trouble = clock_trouble
        self._further = dict(further or {})
        self._instead = dict(instead or {})
        self._supervisors: set[str] = set()
        self._recording_trouble = ""
        self._wall_less_clock: timedelta | None = None
        self._step_trouble = ""
        self._clock_doubtful_until = float("-inf")
        self._open: set[str] = set()
        self._ticked_at = float("-inf")
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
        self._tell()

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

    def supervision(self, agents: int, ratio: int) -> str:
        """What speaks against so many agents under those supervisors who are there."""
        heard = sum(self._can_listen(name) for name in self._supervisors)
        return conditions.supervision(agents, len(self._supervisors), heard, ratio)

    def look(self) -> None:
        """Look at everything that can be looked at without waiting, and tell what it came to."""
        self._look()
        self._tell()

    def _look(self) -> None:
        now = self._clock()
        troubles: dict[str, Trouble] = {
            DISK: lambda now: self._disk(),
            RECORDER: lambda now: self._recorder(),
            SUPERVISOR: lambda now: self.supervision(self._agents_in(), self._ratio),
            TRUNK: lambda now: self._trunk_trouble(),
            CLOCK: self._wall_clock,
            TOLL: lambda now: self._toll_alarm(),
            **self._further,
        }
        for name, ask in troubles.items():
            trouble = ask(now)
            self._interlocks.report(name, not trouble, trouble, now, instead=self._instead.get(name, ""))
        self._interlocks.handle_timer(now)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            self._look()
            if self._interlocks.has_news or self._clock() - self._ticked_at >= TICK_S:
                self._tell()

    def _tell(self) -> None:
        self._ticked_at = self._clock()
        while (event := self._interlocks.next_event()) is not None:
            if isinstance(event, InterlockClosed):
                self._open.discard(event.name)
                log.info("interlock closed", interlock=event.name)
            elif event.name not in self._open:  # a reason with figures in it is another one with each call
                self._open.add(event.name)
                log.warning("interlock open", interlock=event.name, reason=event.reason)
        self._on_tick()

    def _disk(self) -> str:
        try:
            return conditions.disk(shutil.disk_usage(self._recordings).free, self._minimum_free)
        except OSError as error:
            return f"the recordings' disk cannot be looked at: {error.strerror}"

    def _recorder(self) -> str:
        try:
            if self._recording_trouble:
                _try_to_write(self._recordings)
                self._recording_trouble = ""
        except OSError as error:
            return f"recordings cannot be written: {error.strerror}"
        if self._recordings.exists() and not os.access(self._recordings, os.W_OK | os.X_OK):
            return "recordings cannot be written: the folder or its disk takes no file"
        return ""

    def _wall_clock(self, now: float) -> str:
        wall = datetime.now(UTC)
        difference = wall - datetime.fromtimestamp(0, UTC) - timedelta(seconds=now)
        last, self._wall_less_clock = self._wall_less_clock, difference
        if last is not None and abs(difference - last) > CLOCK_STEP:
            self._step_trouble = f"the wall clock jumped by {(difference - last).total_seconds():.0f} s"
            self._clock_doubtful_until = now + CLOCK_SETTLE_S
        return self._step_trouble if now < self._clock_doubtful_until else self._clock_trouble(wall)


def _try_to_write(folder: Path) -> None:
    probe = folder / ".probe"
    try:
        with probe.open("wb") as file:
            file.write(bytes(4096))
            os.fsync(file.fileno())
    finally:
        probe.unlink(missing_ok=True)
