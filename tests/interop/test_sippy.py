"""Sippy B2BUA as our carrier, with SIPp as the network beyond it."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from softswitch.calls.events import CallAnswered, CallEnded, CallFailed, CallRinging
from softswitch.calls.outcome import Outcome
from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.trunk import Trunk
from softswitch.ua.accounts import AccountRegistered, CarrierAccount
from tests.interop.desk import Desk
from tests.interop.peers import Sipp, write_ulaw
from tests.interop.sippy_carrier import SippyCarrier
from tests.ports import free_port

CALLEE_HZ = 2700
NUMBER = "+442079460001"


@pytest.fixture(autouse=True)
def _peers(require_peer: Callable[[str], None], tmp_path: Path) -> None:
    require_peer("sipp")
    require_peer("sippy")
    write_ulaw(tmp_path / "says.ulaw", CALLEE_HZ)


def carrier(port: int, **settings: object) -> CarrierAccount:
    return CarrierAccount("carrier", "127.0.0.1", port, **settings)  # type: ignore[arg-type]


def test_a_call_through_sippy_is_heard_and_ended_by_us(tmp_path: Path) -> None:
    async def call() -> None:
        async with (
            Sipp("carrier_answers", tmp_path) as beyond,
            SippyCarrier(tmp_path / "sippy", beyond=beyond.port) as sippy,
            Desk(accounts=(carrier(sippy.port),)) as desk,
        ):
            leg = await desk.call("carrier")
            await desk.happened(CallAnswered, leg)
            assert desk.seen(CallRinging, leg)
            await desk.hears(CALLEE_HZ, leg)
            desk.hang_up(leg)
            assert not (await desk.happened(CallEnded, leg)).by_peer
            await beyond.succeeded()

    asyncio.run(call())


def test_the_callee_beyond_sippy_may_hang_up(tmp_path: Path) -> None:
    async def call() -> None:
        port = free_port()
        beyond = await Trunk.start(
            {NUMBER: CalleePlan(Kind.PERSON, ring_s=0.2, talk_s=1.0)},
            address=("127.0.0.1", port),
            switch=("127.0.0.1", 0),
        )
        try:
            async with (
                SippyCarrier(tmp_path / "sippy", beyond=port) as sippy,
                Desk(accounts=(carrier(sippy.port),)) as desk,
            ):
                ended = await desk.happened(CallEnded, await desk.call("carrier", NUMBER))
                assert (ended.by_peer, ended.cause) == (True, "bye")
        finally:
            await beyond.stop()

    asyncio.run(call())


def test_a_call_that_rings_beyond_sippy_is_cancelled(tmp_path: Path) -> None:
    async def call() -> None:
        async with (
            Sipp("carrier_rings_on", tmp_path) as beyond,
            SippyCarrier(tmp_path / "sippy", beyond=beyond.port) as sippy,
            Desk(accounts=(carrier(sippy.port),)) as desk,
        ):
            leg = await desk.call("carrier")
            await desk.happened(CallRinging, leg)
            desk.hang_up(leg)
            assert (await desk.happened(CallFailed, leg)).outcome is Outcome.CANCELLED
            await beyond.succeeded()

    asyncio.run(call())


@pytest.mark.parametrize(
    ("scenario", "outcome", "status"), [("carrier_busy", Outcome.BUSY, 486), ("carrier_refuses", Outcome.REFUSED, 603)]
)
def test_what_became_of_a_call_comes_through_sippy(
    scenario: str, outcome: Outcome, status: int, tmp_path: Path
) -> None:
    async def call() -> None:
        async with (
            Sipp(scenario, tmp_path) as beyond,
            SippyCarrier(tmp_path / "sippy", beyond=beyond.port) as sippy,
            Desk(accounts=(carrier(sippy.port),)) as desk,
        ):
            failed = await desk.happened(CallFailed, await desk.call("carrier"))
            assert (failed.outcome, failed.status) == (outcome, status)
            await beyond.succeeded()

    asyncio.run(call())


def test_an_account_registers_through_sippy_with_digest(tmp_path: Path) -> None:
    async def register() -> None:
        async with (
            Sipp("carrier_registrar", tmp_path) as beyond,
            SippyCarrier(tmp_path / "sippy", beyond=beyond.port) as sippy,
        ):
            account = carrier(sippy.port, username="lab", password="lab-secret", register=True)
            async with Desk(accounts=(account,)) as desk:
                await desk.happened(AccountRegistered)
                await beyond.succeeded()

    asyncio.run(register())


def test_sippy_which_does_not_know_options_counts_as_alive(tmp_path: Path) -> None:
    async def ask() -> None:
        async with SippyCarrier(tmp_path / "sippy", beyond=9) as sippy:
            async with Desk(accounts=(carrier(sippy.port, options_s=0.2),)) as desk:
                await asyncio.sleep(1.5)
                assert desk._station.pool.channels_free("carrier") > 0
            assert b"501" in (tmp_path / "sippy" / "sippy.log").read_bytes()

    asyncio.run(ask())
