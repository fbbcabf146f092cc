"""SIPp as a carrier over TCP: the switch's end opens the connection, and the whole call goes over it."""

import asyncio
from pathlib import Path

from softswitch.calls.events import CallAnswered, CallEnded, CallFailed
from softswitch.sip.hop import Hop
from softswitch.ua.accounts import CarrierAccount
from tests.interop.desk import Desk
from tests.interop.peers import Sipp
from tests.ports import free_port

TCP = Hop("127.0.0.1", 0, "TCP")


def carrier(port: int) -> CarrierAccount:
    return CarrierAccount("carrier", "127.0.0.1", port, transport="TCP", caller_id="+442079460999")


def test_a_call_over_tcp_is_answered_and_ended_by_us(tmp_path: Path) -> None:
    async def call() -> None:
        async with (
            Sipp("carrier_echoes", tmp_path, echo=True, transport="tcp") as sipp,
            Desk(accounts=(carrier(sipp.port),), listens=TCP) as desk,
        ):
            leg = await desk.call("carrier")
            await desk.happened(CallAnswered, leg)
            desk.hang_up(leg)
            await desk.happened(CallEnded, leg)
            await sipp.succeeded()

    asyncio.run(call())


def test_a_carrier_that_does_not_listen_fails_the_call_at_once(tmp_path: Path) -> None:
    async def call() -> None:
        async with Desk(accounts=(carrier(free_port()),), listens=TCP) as desk:
            leg = await desk.call("carrier")
            await desk.happened(CallFailed, leg, patience_s=5.0)

    asyncio.run(call())
