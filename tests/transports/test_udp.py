"""SIP over real UDP on the loopback."""

import asyncio
import socket

import pytest
import uvloop

from softswitch.errors import UsageError
from softswitch.sip.hop import Hop
from softswitch.sip.layer import Datagram
from softswitch.transports.udp import MAXIMUM_DATAGRAM_BYTES, UdpTransport, open_udp

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest):
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner


def test_a_datagram_goes_from_one_socket_to_another_with_its_source(runner: asyncio.Runner) -> None:
    async def exchange() -> tuple[bytes, Hop, tuple[str, int]]:
        arrived: asyncio.Future[tuple[bytes, Hop]] = asyncio.get_running_loop().create_future()
        one = await open_udp(("127.0.0.1", 0), lambda data, source: None)
        two = await open_udp(("127.0.0.1", 0), lambda data, source: arrived.set_result((data, source)))
        one.send(Datagram(b"OPTIONS", Hop(*two.address)))
        data, source = await asyncio.wait_for(arrived, 120)
        one.close()
        two.close()
        return data, source, one.address

    data, source, sender = runner.run(exchange())
    assert data == b"OPTIONS"
    assert source.address == sender
    assert sender[1] != 0


def test_a_busy_port_is_named_with_what_to_do(runner: asyncio.Runner) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as squatter:
        squatter.bind(("127.0.0.1", 0))
        port = squatter.getsockname()[1]

        async def bind() -> None:
            await open_udp(("127.0.0.1", port), lambda data, source: None)

        with pytest.raises(UsageError, match=rf"{port}.*in use.*port"):
            runner.run(bind())


def test_an_address_that_is_not_this_machines_is_named(runner: asyncio.Runner) -> None:
    async def bind() -> None:
        await open_udp(("192.0.2.1", 0), lambda data, source: None)

    with pytest.raises(UsageError, match=r"192\.0\.2\.1 is not an address of this machine"):
        runner.run(bind())


def test_a_send_that_cannot_leave_is_counted_and_raises_nothing(runner: asyncio.Runner) -> None:
    async def misuse() -> UdpTransport:
        transport = await open_udp(("127.0.0.1", 0), lambda data, source: None)
        transport.send(Datagram(bytes(MAXIMUM_DATAGRAM_BYTES + 1), Hop("127.0.0.1", 9)))
        transport.send(Datagram(b"x", Hop("not an address", 9)))
        transport.close()
        transport.send(Datagram(b"x", Hop("127.0.0.1", 9)))
        return transport

    assert runner.run(misuse()).errors == 3
