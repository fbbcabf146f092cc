"""SIP over WebSocket (RFC 7118), with a browser's end made of the websockets library."""

import asyncio
import ssl

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from softswitch.sip.hop import Hop
from softswitch.transports.connections import Limits
from softswitch.transports.tls import Certificates
from tests.transports.certificates import Authority
from tests.transports.ends import End, eventually, message, open_end

SIP = [Subprotocol("sip")]
WS = Hop("127.0.0.1", 0, "WS")


def browser(end: End, **settings: object) -> connect:
    return connect(f"ws://127.0.0.1:{end.hop('WS').port}/", subprotocols=SIP, **settings)  # type: ignore[arg-type]


def test_each_message_of_the_socket_is_a_sip_message_with_or_without_content_length(runner: asyncio.Runner) -> None:
    async def exchange() -> None:
        async with open_end(WS) as end, browser(end) as socket:
            assert socket.subprotocol == "sip"
            bare = message().replace(b"Content-Length: 0\r\n", b"")
            await socket.send(message().decode())
            await socket.send(bare)
            await socket.send([message().decode()[:50], message().decode()[50:]])  # fragments
            received = await end.got(3)
            assert [data for data, _ in received] == [message(), bare, message()]
            flow = received[0][1]
            assert (flow.transport, flow.host) == ("WS", "127.0.0.1")
            end.send(message("text"), flow)
            end.send(message("bytes", b"\xff\xfe"), flow)
            assert await socket.recv() == message("text").decode()
            assert await socket.recv() == message("bytes", b"\xff\xfe")
            await socket.close()
            await eventually(lambda: end.closed == [flow], "the flow is closed")

    runner.run(exchange())


def test_wss_is_the_same_inside_tls(runner: asyncio.Runner, authority: Authority, certificates: Certificates) -> None:
    async def exchange() -> None:
        trust = ssl.create_default_context(cafile=str(authority.path))
        async with open_end(Hop("127.0.0.1", 0, "WSS"), certificates=certificates) as end:
            url = f"wss://localhost:{end.hop('WSS').port}/sip"
            async with connect(url, subprotocols=SIP, ssl=trust, host="127.0.0.1") as socket:
                await socket.send(message())
                (_, flow), *_ = await end.got()
                assert flow.transport == "WSS"
                end.send(message("back"), flow)
                assert await socket.recv() == message("back").decode()

    runner.run(exchange())


@pytest.mark.parametrize("subprotocols", [None, [Subprotocol("chat")]])
def test_a_client_that_does_not_speak_sip_is_refused(
    runner: asyncio.Runner, subprotocols: list[Subprotocol] | None
) -> None:
    async def knock() -> int:
        async with open_end(WS) as end:
            with pytest.raises(InvalidStatus) as refused:
                await connect(f"ws://127.0.0.1:{end.hop('WS').port}/", subprotocols=subprotocols)
            return refused.value.response.status_code

    assert runner.run(knock()) == 400


@pytest.mark.parametrize(
    "said",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000,
        b"\r\n\r\n",
        bytes(10_000),
        message(),
    ],
)
def test_what_is_no_websocket_handshake_ends_the_connection(runner: asyncio.Runner, said: bytes) -> None:
    async def knock() -> None:
        async with open_end(WS) as end:
            reader, writer = await asyncio.open_connection("127.0.0.1", end.hop("WS").port)
            writer.write(said)
            answer = await asyncio.wait_for(reader.read(), 120)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 4")
            writer.close()
            assert end.received == end.closed == []

    runner.run(knock())


def test_a_message_that_is_too_large_ends_the_connection(runner: asyncio.Runner) -> None:
    async def send(socket: ClientConnection) -> None:
        await socket.send(b"x" * 70_000)
        await socket.recv()

    async def overdo() -> None:
        async with open_end(WS) as end, browser(end) as socket:
            with pytest.raises(ConnectionClosed) as closed:
                await send(socket)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1009
            assert end.received == []

    runner.run(overdo())


def test_keep_alives_of_either_kind_are_answered(runner: asyncio.Runner) -> None:
    async def ping() -> None:
        async with open_end(WS) as end, browser(end) as socket:
            await socket.send("\r\n\r\n")
            assert await socket.recv() == "\r\n"
            await asyncio.wait_for(await socket.ping(), 120)
            assert end.received == []

    runner.run(ping())


def test_a_silent_browser_is_pinged_and_one_that_is_gone_is_given_up(runner: asyncio.Runner) -> None:
    async def idle() -> None:
        async with open_end(WS, limits=Limits(ping_s=0.1, look_s=0.02)) as end, browser(end) as socket:
            await socket.send(message())
            (_, flow), *_ = await end.got()
            connection = end.stack.connections.by_flow[flow.flow]
            await eventually(lambda: connection.answers_pings, "the browser answers a ping")
            socket.transport.pause_reading()  # its machine sleeps
            await eventually(lambda: end.closed == [flow], "it is given up")
            socket.transport.abort()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("softswitch.transports.connections.PONG_S", 0.1)
        runner.run(idle())


def test_a_socket_that_never_says_a_message_is_closed(runner: asyncio.Runner) -> None:
    async def dawdle() -> None:
        limits = Limits(first_message_s=0.2, look_s=0.05)
        async with open_end(WS, limits=limits) as end, browser(end) as socket:
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 120)

    runner.run(dawdle())
