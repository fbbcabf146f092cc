"""Sippy B2BUA (BSD) as a carrier, in a process and an interpreter of its own: calls go on to `beyond`."""

import asyncio
import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.interop.peers import SIPPY_HOME, end, eventually, is_bound
from tests.ports import free_port


class SippyCarrier:
    """Sippy's own example server: a B2BUA for calls, a proxy for registrations."""

    def __init__(self, folder: Path, *, beyond: int) -> None:
        self.folder = folder
        self.port = free_port()
        self._beyond = beyond

    async def __aenter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._log = (self.folder / "sippy.log").open("wb")
        self._process = await asyncio.create_subprocess_exec(
            str(SIPPY_HOME / "bin" / "b2bua_simple"),
            *("-f", "-l", "127.0.0.1", "-p", str(self.port), "-n", f"127.0.0.1:{self._beyond}"),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env={**os.environ, "SIPLOG_BEND": "stderr"},
        )
        await eventually(lambda: is_bound(self.port), "Sippy opens its port")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await end(self._process)
        self._log.close()
        if error is not None:
            print((self.folder / "sippy.log").read_text(errors="replace")[-20_000:])
