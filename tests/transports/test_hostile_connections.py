"""Peers that flood, trickle, do not read, do not end, or come too often."""

import asyncio
import time
from pathlib import Path

import pytest

from softswitch.sip.hop import Hop
from softswitch.transports.connections import Limits
from tests.transports.ends import eventually, message, open_end

VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "malformed"
TCP = Hop("127.0.0.1", 0, "TCP")


def test_a_flood_of_keep_alives_is_answered_sparingly_and_costs_next_to_nothing(runner: asyncio.Runner) -> None:
    async def flood() -> tuple[bytes, float]:
        async with open_end(TCP) as end:
            reader, writer = await asyncio.open_connection("127.0.0.1", end.hop().port)
            began = time.process_time()
            writer.write((VECTORS / "tcp-crlf-flood.dat").read_bytes())
            writer.write(message())
            await end.got()
            cost = time.process_time() - began
            pongs = await reader.read(100_000)
            writer.close()
            return pongs, cost

    pongs, cost = runner.run(flood())
    assert pongs.strip(b"\r\n") == b""
    assert 2 <= len(pongs) <= 80
    assert cost < 0.5


def test_a_keep_alive_is_answered_by_one_line_break(runner: asyncio.Runner) -> None:
    async def ping() -> bytes:
        async with open_end(TCP) as end:
            reader, writer = await asyncio.open_connection("127.0.0.1", end.hop().port)
            writer.write(b"\r\n\r\n")
            pong = await asyncio.wait_for(reader.read(10), 120)
            writer.close()
            return pong

    assert runner.run(ping()) == b"\r\n"


def test_headers_without_end_close_the_connection(runner: asyncio.Runner) -> None:
    async def flood() -> bytes:
        async with open_end(TCP) as end:
            reader, writer = await asyncio.open_connection("127.0.0.1", end.hop().port)
            writer.write((VECTORS / "tcp-no-crlfcrlf-64k.dat").read_bytes() + b"x" * 100)
            left = await asyncio.wait_for(reader.read(), 120)
            writer.close()
            assert end.received == []
            return left

    assert runner.run(flood()) == b""


def test_a_message_without_content_length_is_answered_400_and_the_connection_closed(runner: asyncio.Runner) -> None:
    async def send() -> bytes:
        async with open_end(TCP) as end:
            reader, writer = await asyncio.open_connection("127.0.0.1", end.hop().port)
            writer.write(message().replace(b"Content-Length: 0\r\n", b""))
            answer = await asyncio.wait_for(reader.read(), 120)
            writer.close()
            return answer

    assert runner.run(send()).startswith(b"SIP/2.0 400 ")


@pytest.mark.parametrize("said", [b"", b"\r\n\r\n", b"OPTIONS sip:a@b SIP/2.0\r\nVia: "])
def test_a_connection_that_never_says_a_whole_message_is_closed(runner: asyncio.Runner, said: bytes) -> None:
    async def dawdle() -> None:
        async with open_end(TCP, limits=Limits(first_message_s=0.2, look_s=0.05)) as end:
            reader, writer = await asyncio.open_connection("127.0.0.1", end.hop().port)
            writer.write(said)
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(1000), 120)
            assert len(end.stack.connections) == 0
            writer.close()

    runner.run(dawdle())


def test_a_message_that_trickles_in_is_cut_off_though_others_went_before(runner: asyncio.Runner) -> None:
    async def dawdle() -> None:
        async with open_end(TCP, limits=Limits(message_s=0.2, look_s=0.05)) as end:
            reader, writer = await asyncio.open_connection("127.0.0.1", end.hop().port)
            writer.write(message() + b"OPTIONS sip:a@b SIP/2.0\r\nVia: ")
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(1000), 120)
            assert len(end.received) == 1
            writer.close()

    runner.run(dawdle())


def test_one_address_may_not_take_every_connection(runner: asyncio.Runner) -> None:
    async def crowd() -> None:
        async with open_end(TCP, limits=Limits(connections=5, connections_per_address=3)) as end:
            port = end.hop().port
            writers = []
            for source in ("127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"):
                _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
                writers.append(writer)
            await eventually(lambda: end.stack.refused == 2, "two are refused")
            assert len(end.stack.connections) == 5
            for writer in writers:
                writer.close()
            await eventually(lambda: len(end.stack.connections) == 0, "all are forgotten")
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(message())
            await end.got()
            writer.close()

    runner.run(crowd())


def test_a_banned_address_is_not_heard(runner: asyncio.Runner) -> None:
    async def ban() -> None:
        async with open_end(TCP, is_banned=lambda host: host == "127.0.0.2") as end:
            reader, writer = await asyncio.open_connection("127.0.0.1", end.hop().port, local_addr=("127.0.0.2", 0))
            with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
                await reader.readexactly(1)
            assert (end.stack.refused, len(end.stack.connections)) == (1, 0)
            writer.close()

    runner.run(ban())


def test_a_peer_that_does_not_read_is_closed_and_costs_bounded_memory(runner: asyncio.Runner) -> None:
    async def stall() -> None:
        async with open_end(TCP) as end:
            _, writer = await asyncio.open_connection("127.0.0.1", end.hop().port, limit=1)
            writer.write(message())
            (_, flow), *_ = await end.got()
            body = message("big", bytes(60_000))
            for _ in range(400):
                end.send(body, flow)
                if end.closed or end.unreachable:
                    break
                await asyncio.sleep(0)
            await eventually(lambda: end.closed == [flow], "the flow is closed")
            writer.close()

    runner.run(stall())
