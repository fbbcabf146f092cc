"""The media process of a site: started, ended, and started again where it died by itself."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import structlog

from softswitch.config import Settings
from softswitch.errors import SoftswitchError
from softswitch.media.control import MediaPlane
from softswitch.media.events import MediaEvent

log = structlog.get_logger(__name__)

Progress = Callable[[str, float], None]
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
LINGER_S = 60.0
"""How long calls talk on without a signalling process; a restart takes two seconds, on a crowded machine many."""
MEDIA_FOLDER = "media"
"""Under the site's data: where a media process is found that outlived its signalling process."""


def quietly(what: str, fraction: float) -> None:
    """Nobody watches the start."""


class MediaProcess:
    """`plane` is the media plane of this moment, once `start` has been awaited."""

    plane: MediaPlane

    def __init__(self, settings: Settings, on_event: Callable[[MediaEvent], None]) -> None:
        self._settings = settings
        self._on_event = on_event
        self._is_wanted = True
        self.is_ours = False
        """The site is up with it. Until then what was taken up is another's."""
        self._restarts: set[asyncio.Task[None]] = set()

    @property
    def is_running(self) -> bool:
        pid = self.plane.pid
        return pid is not None and Path(f"/proc/{pid}").exists()

    async def start(self, on_progress: Progress = quietly) -> MediaPlane:
        media = self._settings.media
        self.plane = await MediaPlane.start(
            address=media.address,
            first_port=media.first_port,
            last_port=media.last_port,
            clips=dict(self._settings.prompts),
            on_event=self._on_event,
            on_progress=on_progress,
            folder=self._settings.site.data_directory / MEDIA_FOLDER,
            linger_s=LINGER_S,
            recording_key=bytes.fromhex(self._settings.recordings.auditor_public_key) or None,
            jitter_buffer=media.jitter_buffer,
        )
        return self.plane

    async def stop(self) -> None:
        """End the media process; or, where this start came to nothing, leave the calls that it found to the next."""
        if self.is_ours or not self.plane.is_taken_up:
            await self.plane.stop()
        else:
            self.plane.leave()

    def restart(self, on_up: Callable[[MediaPlane], None]) -> None:
        """Try until it is up again, in the background."""
        task = asyncio.get_running_loop().create_task(self._restart(on_up))
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    def no_more_restarts(self) -> None:
        """Let what is under way come to its end, and begin no other."""
        self._is_wanted = False

    def cancel_restarts(self) -> None:
        for task in self._restarts:
            task.cancel()

    async def _restart(self, on_up: Callable[[MediaPlane], None]) -> None:
        pause_s = FIRST_PAUSE_S
        while self._is_wanted:
            try:
                await self.plane.stop()
                plane = await self.start()
            except SoftswitchError as error:
                log.error("the media process cannot be started", reason=str(error))
                await asyncio.sleep(pause_s)
                pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
            else:
                on_up(plane)
                return
