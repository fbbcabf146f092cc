"""`softswitch run` as a process of its own, which a test kills as a crash does or stops as a person does."""

import asyncio
import signal
from contextlib import suppress

STOPS_WITHIN_S = 120.0


class SwitchProcess:
    """What a class has that starts one in `process`."""

    process: asyncio.subprocess.Process | None = None

    async def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> None:
        """End it in order, if it runs at all; killed where it does not end."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.process.wait(), STOPS_WITHIN_S)
            if self.process.returncode is None:
                await self.kill()
