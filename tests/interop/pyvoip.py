"""pyVoIP as a child process that is ended by its own id."""

import asyncio
import contextlib
import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from softswitch.testing.companding import Pcm
from softswitch.testing.speaker import Speaker
from tests.interop.peers import HERE, PATIENCE_S, PYVOIP_PYTHON, end, eventually, speech
from tests.ports import free_port


class PyVoip:
    """pyVoIP in a process and an interpreter of its own (it is GPL-3), steered by lines of text."""

    def __init__(self, folder: Path, *, server: tuple[str, int], username: str, password: str, marker_hz: int) -> None:
        self.folder = folder
        self.events: list[dict[str, Any]] = []
        self._arguments = [
            *map(str, server),
            username,
            password,
            str(free_port()),
            str(free_port()),
        ]
        self._marker_hz = marker_hz

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        spoken = speech(Speaker(marker_hz=self._marker_hz, marker_dbov=-26.0), 20.0)
        # pyVoIP's audio is 8-bit unsigned linear; so coarse a scale needs a louder marker.
        (self.folder / "says.raw").write_bytes(((spoken.astype(np.int32) >> 8) + 128).astype(np.uint8).tobytes())
        self._errors = (self.folder / "pyvoip.log").open("wb")
        self._process = await asyncio.create_subprocess_exec(
            str(PYVOIP_PYTHON),
            str(HERE / "pyvoip_phone.py"),
            *self._arguments,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
        )
        self._listening = asyncio.create_task(self._listen())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        assert self._process.stdin
        self._process.stdin.close()  # its signal to unregister and go
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), 5.0)
        await end(self._process)
        self._listening.cancel()
        self._errors.close()
        if error is not None:
            print((self.folder / "pyvoip.log").read_text(errors="replace"))

    def command(self, line: str) -> None:
        """ "dial NUMBER" or "hangup"."""
        assert self._process.stdin
        self._process.stdin.write(line.encode() + b"\n")

    async def happened(self, event: str, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """Wait for "registered", "ringing", "answered", "ended" or "failed"."""
        await eventually(lambda: any(e["event"] == event for e in self.events), f"pyVoIP {event}", patience_s)
        return next(e for e in self.events if e["event"] == event)

    def heard(self) -> Pcm:
        path = self.folder / "heard.raw"
        data = np.frombuffer(path.read_bytes() if path.exists() else b"", dtype=np.uint8)
        return ((data.astype(np.int16) - 128) << 8).astype(np.int16)

    async def _listen(self) -> None:
        assert self._process.stdout
        async for line in self._process.stdout:
            self.events.append(json.loads(line))
