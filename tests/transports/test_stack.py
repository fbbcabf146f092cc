"""Ports and connections together: UDP and TCP, who goes over which connection, and what is reported."""

import asyncio
import socket

import pytest

from softswitch.errors import UsageError
from softswitch.sip.hop import Hop
from softswitch.sip.message import Request, response_to
from softswitch.sip.parser import parse
from softswitch.transports.connections import Limits
from softswitch.transports.tls import Certificates
from tests.transports.ends import End, eventually, message, open_end

UDP, TCP = Hop("127.0.0.1", 0), Hop("127.0.0.1", 0, "TCP")


def test_udp_and_tcp_share_a_free_port_and_both_are_named(runner: asyncio.Runner) -> None:
    async def listen() -> list[Hop]:
        async with open_end(UDP, TCP) as end:
            return end.stack.listens

    udp, tcp = runner.run(listen())
    assert (udp.transport, tcp.transport) == ("UDP", "TCP")
    assert udp.port == tcp.port != 0


@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_nothing_is_heard_before_its_receiver_is_ready(runner: asyncio.Runner, transport: str) -> None:
    async def exchange() -> None:
        async with open_end(UDP, TCP, serve=False) as switch, open_end(UDP, TCP) as peer:
            peer.send(message("early"), switch.hop(transport))
            if transport == "TCP":
                await eventually(lambda: peer.unreachable == [switch.hop("TCP")], "it is refused")
            assert switch.received == []
            await switch.stack.serve()
            peer.send(message("late"), switch.hop(transport))
            expected = ["early", "late"] if transport == "UDP" else ["late"]
            assert [data for data, _ in await switch.got(len(expected))] == [message(name) for name in expected]

    runner.run(exchange())


def test_ports_that_were_never_served_are_free_again(runner: asyncio.Runner) -> None:
    async def take(*hops: Hop) -> list[Hop]:
        async with open_end(*hops, serve=False) as end:
            return end.stack.listens

    taken = runner.run(take(UDP, TCP))
    assert runner.run(take(*taken)) == taken


def test_a_request_opens_a_connection_and_the_response_returns_over_it(runner: asyncio.Runner) -> None:
    async def exchange() -> None:
        async with open_end(TCP) as one, open_end(TCP) as two:
            two.answer = lambda data: data.replace(b"one", b"two")
            one.send(message(), two.hop())
            (asked, source), *_ = await two.got()
            (answered, back), *_ = await one.got()
            assert asked == message()
            assert answered == message("two")
            assert source.port != one.hop().port
            assert source.flow and back.flow
            assert back._replace(flow=0) == two.hop()

    runner.run(exchange())


def test_requests_share_a_connection_in_both_directions(runner: asyncio.Runner) -> None:
    async def exchange() -> None:
        async with open_end(TCP) as one, open_end(TCP) as two:
            for name in "abc":
                one.send(message(name), two.hop())
            received = await two.got(3)
            assert [data for data, _ in received] == [message(name) for name in "abc"]
            assert len({source for _, source in received}) == 1
            two.send(message("back"), received[0][1])
            two.send(message("there"), received[0][1]._replace(flow=0))  # what a Contact behind NAT leads to
            await one.got(2)
            assert len(one.stack.connections) == len(two.stack.connections) == 1

    runner.run(exchange())


def test_a_closed_flow_is_reported_and_what_still_goes_to_it_is_unreachable(runner: asyncio.Runner) -> None:
    async def exchange() -> None:
        async with open_end(TCP) as switch:
            async with open_end(TCP) as phone:
                phone.send(message(), switch.hop())
                (_, flow), *_ = await switch.got()
            await eventually(lambda: switch.closed == [flow], "the flow is closed")
            assert switch.unreachable == []
            switch.send(message(), flow)
            await eventually(lambda: switch.unreachable == [flow], "the flow is unreachable")
            assert len(switch.stack.connections) == 0

    runner.run(exchange())


def test_a_response_whose_connection_has_gone_takes_a_new_one_to_the_port_of_its_via(
    runner: asyncio.Runner,
) -> None:
    async def exchange() -> None:
        async with open_end(TCP) as switch, open_end(TCP) as carrier:
            _, writer = await asyncio.open_connection(*switch.hop().address)
            writer.write(message().replace(b"127.0.0.1;branch", b"127.0.0.1:%d;branch" % carrier.hop().port))
            (asked, flow), *_ = await switch.got()
            writer.close()
            await eventually(lambda: switch.closed == [flow], "the flow is closed")
            request = parse(asked)
            assert isinstance(request, Request)
            request.note_source(flow.address)
            answer = bytes(response_to(request, 200))
            switch.send(answer, flow)
            assert (await carrier.got())[0][0] == answer
            assert switch.unreachable == []

    runner.run(exchange())


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_a_port_that_nobody_listens_on_is_unreachable_at_once(
    runner: asyncio.Runner, transport: str, host: str
) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((host, 0))
        nobody = Hop(host, probe.getsockname()[1], transport)

    async def send() -> None:
        async with open_end(Hop(host, 0, transport)) as end:
            end.send(message(), nobody)
            await eventually(lambda: end.unreachable == [nobody], "it is reported, and no timer is waited for")

    runner.run(send())


def test_a_datagram_behind_an_unreachable_one_is_not_lost(runner: asyncio.Runner) -> None:
    """The kernel reports a refused datagram by failing the next send, whomever it is for."""

    async def send() -> None:
        async with open_end(UDP) as one, open_end(UDP) as two:
            for name in "abcdef":
                one.send(message("lost"), Hop("127.0.0.1", 9))
                one.send(message(name), two.hop("UDP"))
            received = await two.got(6)
            assert [data for data, _ in received] == [message(name) for name in "abcdef"]
            await eventually(lambda: set(one.unreachable) == {Hop("127.0.0.1", 9)}, "the other is reported")

    runner.run(send())


def test_a_connection_that_is_not_taken_up_in_time_is_given_up(runner: asyncio.Runner) -> None:
    async def send() -> None:
        with socket.socket() as full:  # a listener whose queue is full drops what comes
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            fillers = [socket.socket() for _ in range(3)]
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(full.getsockname())
            async with open_end(TCP, limits=Limits(connect_s=0.3)) as end:
                target = Hop("127.0.0.1", full.getsockname()[1], "TCP")
                end.send(message(), target)
                await eventually(lambda: end.unreachable == [target], "it is given up")
            for filler in fillers:
                filler.close()

    runner.run(send())


def test_a_server_that_hangs_up_without_an_answer_is_unreachable(runner: asyncio.Runner) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.close()

    async def send() -> None:
        server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
        async with open_end(TCP) as end:
            target = Hop(*server.sockets[0].getsockname(), "TCP")
            end.send(message(), target)
            await eventually(lambda: end.unreachable == [target], "it is reported")
        server.close()

    runner.run(send())


def test_many_messages_at_once_are_all_handled_in_order(runner: asyncio.Runner) -> None:
    async def pour() -> None:
        async with open_end(TCP) as end:
            _, writer = await asyncio.open_connection("127.0.0.1", end.hop().port)
            writer.write(b"".join(message(str(n)) for n in range(1000)))
            received = await end.got(1000)
            assert [data for data, _ in received] == [message(str(n)) for n in range(1000)]
            writer.close()

    runner.run(pour())


def test_an_idle_connection_of_ours_is_kept_alive_and_given_up_once_pongs_cease(runner: asyncio.Runner) -> None:
    pings = 0

    async def answer_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal pings
        await reader.readuntil(b"\r\n\r\n")
        writer.write(message("answer"))
        while await reader.read(100):
            pings += 1
            if pings == 1:
                writer.write(b"\r\n")

    async def idle(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("softswitch.transports.connections.PONG_S", 0.1)
        server = await asyncio.start_server(answer_once, "127.0.0.1", 0)
        async with open_end(TCP, limits=Limits(ping_s=0.2, look_s=0.02)) as end:
            end.send(message(), Hop(*server.sockets[0].getsockname(), "TCP"))
            await end.got()
            await eventually(lambda: end.closed, "it is given up")
            assert pings >= 2
        server.close()

    with pytest.MonkeyPatch.context() as monkeypatch:
        runner.run(idle(monkeypatch))


def test_ipv6_goes_beside_ipv4_and_hosts_are_plain(runner: asyncio.Runner) -> None:
    async def exchange() -> None:
        listeners = [UDP, TCP, Hop("::1", 0), Hop("::1", 0, "TCP")]
        async with open_end(*listeners) as one, open_end(*listeners) as two:
            for own in two.stack.listens:
                one.send(message(), own)
            received = await two.got(4)
            assert sorted((s.host, s.transport) for _, s in received) == [
                ("127.0.0.1", "TCP"), ("127.0.0.1", "UDP"), ("::1", "TCP"), ("::1", "UDP"),
            ]  # fmt: skip

    runner.run(exchange())


def test_where_tls_has_no_certificate_the_error_says_what_to_do(runner: asyncio.Runner) -> None:
    async def listen() -> None:
        async with open_end(TCP, Hop("127.0.0.1", 0, "TLS"), certificates=Certificates()):
            pass

    with pytest.raises(UsageError, match=r"TLS needs a certificate.*\[sip\] certificate"):
        runner.run(listen())


def test_a_busy_tcp_port_is_named_with_what_to_do(runner: asyncio.Runner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        port = squatter.getsockname()[1]

        async def listen() -> None:
            async with open_end(Hop("127.0.0.1", port, "WS")):
                pass

        with pytest.raises(UsageError, match=rf"TCP port {port}.*in use.*ws_port"):
            runner.run(listen())


def test_a_websocket_peer_is_never_connected_to(runner: asyncio.Runner) -> None:
    async def send() -> None:
        async with open_end(UDP) as end:
            end.send(message(), Hop("127.0.0.1", 9, "WS"))
            end.send(message(), Hop("127.0.0.1", 9, "TCP", flow=77))
            await eventually(lambda: len(end.unreachable) == 2, "both are reported")

    runner.run(send())


def test_a_closed_stack_reports_nothing_more() -> None:
    async def close() -> End:
        async with open_end(UDP, TCP) as one, open_end(TCP) as two:
            one.send(message(), two.hop())
            await two.got()
            one.stack.close()
            one.send(message(), two.hop())
            await eventually(lambda: two.closed, "the other end hears of it")
            return one

    end = asyncio.run(close())
    assert (end.closed, end.unreachable) == ([], [])
