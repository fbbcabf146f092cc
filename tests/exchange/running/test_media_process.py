"""The media process of a site, with real processes."""

import asyncio
import os
import signal
import tempfile
from collections.abc import Awaitable, Callable

from softswitch.config import Settings
from softswitch.exchange.running.media_process import MediaProcess
from softswitch.media.control import MediaPlane
from softswitch.media.events import MediaEvent, PlaneDied, PlaneRecovered
from tests.ports import lend_ports

PATIENCE_S = 60.0  # the very first start compiles


def run(scenario: Callable[[MediaProcess, "asyncio.Queue[MediaEvent]"], Awaitable[None]]) -> None:
    async def session() -> MediaProcess:
        events: asyncio.Queue[MediaEvent] = asyncio.Queue()
        with tempfile.TemporaryDirectory() as folder:
            return await in_folder(folder, events)

    async def in_folder(folder: str, events: "asyncio.Queue[MediaEvent]") -> MediaProcess:
        first = lend_ports()
        settings = Settings(
            media={"first_port": first, "last_port": first + 199},  # type: ignore[arg-type]
            site={"data_directory": folder},  # type: ignore[arg-type]
        )
        media = MediaProcess(settings, events.put_nowait)
        await media.start()
        try:
            await asyncio.wait_for(scenario(media, events), PATIENCE_S)
        finally:
            await media.stop()
        return media

    assert not asyncio.run(session()).is_running


async def kill(media: MediaProcess, events: "asyncio.Queue[MediaEvent]") -> None:
    """Until it is given up."""
    while True:
        assert media.plane.pid is not None
        os.kill(media.plane.pid, signal.SIGKILL)
        event = await events.get()
        if isinstance(event, PlaneDied):
            return
        assert isinstance(event, PlaneRecovered)


def test_a_process_that_died_is_started_again_and_its_plane_is_handed_over() -> None:
    async def scenario(media: MediaProcess, events: "asyncio.Queue[MediaEvent]") -> None:
        assert media.is_running
        old = media.plane
        up: asyncio.Future[MediaPlane] = asyncio.get_running_loop().create_future()
        await kill(media, events)
        media.restart(up.set_result)
        assert await up is media.plane
        assert media.plane is not old
        assert media.is_running

    run(scenario)


def test_a_site_that_stops_starts_no_other_process() -> None:
    async def scenario(media: MediaProcess, events: "asyncio.Queue[MediaEvent]") -> None:
        old = media.plane
        await kill(media, events)
        media.no_more_restarts()
        media.restart(lambda plane: None)
        await asyncio.sleep(0)
        media.cancel_restarts()
        assert media.plane is old

    run(scenario)
