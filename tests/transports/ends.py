"""A transport stack that remembers what it reports."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from softswitch.sip.hop import Hop
from softswitch.sip.layer import Datagram
from softswitch.transports.stack import TransportStack, open_transports

PATIENCE_S = 60.0


def message(name: str = "one", body: bytes = b"") -> bytes:
    """A request that frames well."""
    return (
        f"OPTIONS sip:{name}@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK{name};rport\r\n"
        f"From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:{name}@127.0.0.1>\r\nCall-ID: {name}\r\nCSeq: 1 OPTIONS\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body


class End:
    """One stack; `stack.send` speaks, the lists hold what came."""

    stack: TransportStack

    def __init__(self) -> None:
        self.received: list[tuple[bytes, Hop]] = []
        self.unreachable: list[Hop] = []
        self.closed: list[Hop] = []
        self.answer: Callable[[bytes], bytes] | None = None

    def hop(self, transport: str = "TCP") -> Hop:
        """Where it listens."""
        return next(hop for hop in self.stack.listens if hop.transport == transport)

    def send(self, data: bytes, destination: Hop) -> None:
        self.stack.send(Datagram(data, destination))

    def receive(self, data: bytes, source: Hop) -> None:
        self.received.append((data, source))
        if self.answer is not None:
            self.send(self.answer(data), source)

    async def got(self, count: int = 1) -> list[tuple[bytes, Hop]]:
        await eventually(lambda: len(self.received) >= count, f"{count} messages, there are {len(self.received)}")
        return self.received


@contextlib.asynccontextmanager
async def open_end(*listeners: Hop, **settings: Any) -> AsyncIterator[End]:
    end = End()
    end.stack = await open_transports(
        listeners,
        receive=end.receive,
        on_unreachable=end.unreachable.append,
        on_closed=end.closed.append,
        **settings,
    )
    try:
        yield end
    finally:
        end.stack.close()
        await asyncio.sleep(0)


async def eventually(condition: Callable[[], object], what: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                await asyncio.sleep(0.005)
    except TimeoutError:
        raise AssertionError(f"not within {PATIENCE_S:g} s: {what}") from None
