"""How a lab process lives: it says that it is ready, works until its parent is gone or tells it to stop."""

import asyncio
import json
import signal
import sys
from typing import Any


def announce(**fields: Any) -> None:
    """One line of JSON on stdout for the parent, such as the port that was bound."""
    print(json.dumps(fields), flush=True)


async def parent_gone() -> None:
    """Returns at SIGTERM or SIGINT, or when stdin is closed, which happens by itself when the parent dies."""
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, gone.set)
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def read() -> None:
        while await reader.read(4096):
            pass
        gone.set()

    reading = asyncio.create_task(read())
    await gone.wait()
    reading.cancel()
