"""A carrier with several servers, which SIPp plays: who is tried next, and when nobody is."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from softswitch.calls.events import CallAnswered, CallEnded, CallFailed
from softswitch.calls.outcome import Outcome
from softswitch.sip.hop import Hop
from softswitch.sip.locating import Server
from softswitch.ua.accounts import AccountState, CarrierAccount
from tests.interop.desk import Desk
from tests.interop.peers import Sipp, write_ulaw


@pytest.fixture(autouse=True)
def _sipp(require_peer: Callable[[str], None], tmp_path: Path) -> None:
    require_peer("sipp")
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        write_ulaw(tmp_path / folder / "says.ulaw", 2700)


def carrier(**settings: object) -> CarrierAccount:
    return CarrierAccount("carrier", "carrier.example", **settings)  # type: ignore[arg-type]


def serve(desk: Desk, *ports: int) -> None:
    """What DNS would say: these servers of the carrier, in this order."""
    with desk._station.mutating() as now:
        servers = [Server((Hop("127.0.0.1", port),), priority) for priority, port in enumerate(ports)]
        desk._station.pool.set_targets("carrier", servers, now)


@contextmanager
def silent_port() -> Iterator[socket.socket]:
    """A server that takes everything and answers nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.setblocking(False)
        yield silent


def heard_by(silent: socket.socket) -> list[bytes]:
    heard = []
    try:
        while True:
            heard.append(silent.recv(65_535))
    except BlockingIOError:
        return heard


def test_a_silent_server_is_left_for_one_that_answers(tmp_path: Path) -> None:
    async def call() -> None:
        with silent_port() as silent:
            async with (
                Sipp("carrier_answers", tmp_path / "second") as second,
                Desk(accounts=(carrier(failover_after_s=1.0),)) as desk,
            ):
                serve(desk, silent.getsockname()[1], second.port)
                leg = await desk.call("carrier")
                await desk.happened(CallAnswered, leg)
                desk.hang_up(leg)
                await desk.happened(CallEnded, leg)
                await second.succeeded()
            assert len(heard_by(silent)) >= 2, "the INVITE and a copy"

    asyncio.run(call())


def test_a_carrier_where_nobody_listens_is_left_at_once(tmp_path: Path) -> None:
    """ICMP says so: nobody waits for `failover_after_s`."""

    async def call() -> None:
        with silent_port() as gone:
            nobody = gone.getsockname()[1]
        async with (
            Sipp("carrier_answers", tmp_path / "second") as second,
            Desk(accounts=(carrier(failover_after_s=30.0),)) as desk,
        ):
            serve(desk, nobody, second.port)
            async with asyncio.timeout(5.0):
                leg = await desk.call("carrier")
                await desk.happened(CallAnswered, leg)
            desk.hang_up(leg)
            await desk.happened(CallEnded, leg)
            await second.succeeded()

    asyncio.run(call())


def test_a_503_takes_the_call_to_the_next_server_and_its_retry_after_keeps_calls_away(tmp_path: Path) -> None:
    async def call() -> None:
        async with (
            Sipp("carrier_is_overloaded", tmp_path / "first") as first,
            Sipp("carrier_answers", tmp_path / "second", calls=2) as second,
            Desk(accounts=(carrier(),)) as desk,
        ):
            serve(desk, first.port, second.port)
            for _ in range(2):
                leg = await desk.call("carrier")
                await desk.happened(CallAnswered, leg)
                desk.hang_up(leg)
                await desk.happened(CallEnded, leg)
            assert (await first.succeeded()).messages.count("\nINVITE sip:") == 1
            await second.succeeded()

    asyncio.run(call())


@pytest.mark.parametrize(
    ("scenario", "outcome"), [("carrier_busy", Outcome.BUSY), ("carrier_refuses", Outcome.REFUSED)]
)
def test_what_a_server_says_about_the_callee_is_asked_of_no_other(
    scenario: str, outcome: Outcome, tmp_path: Path
) -> None:
    async def call() -> None:
        with silent_port() as other:
            async with Sipp(scenario, tmp_path / "first") as first, Desk(accounts=(carrier(),)) as desk:
                serve(desk, first.port, other.getsockname()[1])
                failed = await desk.happened(CallFailed, await desk.call("carrier"))
                assert failed.outcome is outcome
                await first.succeeded()
                await asyncio.sleep(1.0)
            assert heard_by(other) == []

    asyncio.run(call())


def test_an_overloaded_carrier_with_one_server_fails_the_call_and_is_unreachable_for_a_while(tmp_path: Path) -> None:
    async def call() -> None:
        async with Sipp("carrier_is_overloaded", tmp_path / "first") as first, Desk(accounts=(carrier(),)) as desk:
            serve(desk, first.port)
            failed = await desk.happened(CallFailed, await desk.call("carrier"))
            assert (failed.outcome, failed.status) == (Outcome.FAILED, 503)
            assert desk._station.pool.account_state("carrier") is AccountState.UNREACHABLE
            await first.succeeded()

    asyncio.run(call())
