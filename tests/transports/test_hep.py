"""The way to a capture server, over a socket of loopback."""

import asyncio
import socket

import pytest

from softswitch.errors import UsageError
from softswitch.sip.hep import CaptureAgent, Chunk
from softswitch.sip.hop import Hop, OwnHops
from softswitch.transports import hep
from tests.capture_server import decode

OWN = OwnHops([Hop("127.0.0.1", 5060)])
PEER = Hop("192.0.2.2", 5070)


async def open_sender(port: int) -> hep.CaptureSender:
    return await hep.open_capture_sender(
        f"127.0.0.1:{port}",
        CaptureAgent(7),
        own=lambda: OWN,
        epoch=lambda: 1_000.0,
        show=bytes.upper,
        correlation_of=lambda data: "call",
    )


def test_each_message_reaches_the_server_as_it_may_be_seen() -> None:
    async def tell() -> list[dict[int, bytes]]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            server.setblocking(False)
            sender = await open_sender(server.getsockname()[1])
            sender.note(1.5, False, PEER, b"invite")
            sender.note(2.0, True, PEER, b"ok")
            loop = asyncio.get_running_loop()
            got = [await asyncio.wait_for(loop.sock_recv(server, 65535), 120) for _ in range(2)]
            assert (sender.sent, sender.dropped) == (2, 0)
            sender.close()
            return [decode(datagram) for datagram in got]

    out, back = asyncio.run(tell())
    assert (out[Chunk.PAYLOAD], back[Chunk.PAYLOAD]) == (b"INVITE", b"OK")
    assert int.from_bytes(out[Chunk.SECONDS]) == 1001 and int.from_bytes(out[Chunk.MICROSECONDS]) == 500_000
    assert int.from_bytes(out[Chunk.SOURCE_PORT]) == int.from_bytes(back[Chunk.DESTINATION_PORT]) == 5060
    assert out[Chunk.CORRELATION_ID] == back[Chunk.CORRELATION_ID] == b"call"


def test_what_waits_for_a_slow_server_is_bounded() -> None:
    async def flood() -> None:
        sender = await open_sender(9)
        for _ in range(hep.MOST_WAITING + 100):
            sender.note(0.0, True, PEER, b"x")
        assert sender.dropped == 100
        sender.close()

    asyncio.run(flood())


def test_nobody_at_the_server_s_port_costs_the_message_alone() -> None:
    async def tell() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
        sender = await open_sender(port)
        for _ in range(5):
            sender._tell(0.0, True, PEER, b"x")
        assert sender.sent + sender.dropped == 5
        sender.close()

    asyncio.run(tell())


def test_a_server_without_an_address_is_named_in_the_error() -> None:
    async def tell() -> None:
        await hep.open_capture_sender(
            "no.such.name.invalid:9060",
            CaptureAgent(1),
            own=lambda: OWN,
            epoch=lambda: 0.0,
            show=bytes,
            correlation_of=repr,
        )

    with pytest.raises(UsageError, match="homer"):
        asyncio.run(tell())
