"""The lab trunk against our own pool, in one loop: real sockets, real time, short calls."""

import asyncio

import pytest

from softswitch.calls.events import CallAnswered, CallEnded, CallFailed, CallRinging
from softswitch.calls.outcome import Outcome
from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.trunk import Trunk
from softswitch.ua.accounts import AccountRegistered, CarrierAccount
from tests.interop.desk import MARKER_HZ, Desk
from tests.interop.peers import eventually
from tests.ports import free_port

NUMBER = "+442079460001"


def account(trunk: Trunk, **settings: object) -> CarrierAccount:
    return CarrierAccount("carrier", *trunk.address, **settings)  # type: ignore[arg-type]


def test_a_person_answers_is_heard_hears_and_hangs_up() -> None:
    async def call() -> Trunk:
        trunk = await Trunk.start({NUMBER: CalleePlan(Kind.PERSON, ring_s=0.1, talk_s=3.0, marker_hz=2900)})
        async with Desk(accounts=(account(trunk),)) as desk:
            leg = await desk.call("carrier", NUMBER)
            ended = await desk.happened(CallEnded, leg)
            assert ended.by_peer
            assert desk.conversations[leg].ear.heard == {2900}
        await trunk.stop()
        return trunk

    trunk = asyncio.run(call())
    kinds = [entry["event"] for entry in trunk.journal.entries]
    assert kinds[:4] == ["listening", "invite", "answered", "first_rtp"]
    (ended,) = trunk.journal.of("ended")
    assert (ended["by"], ended["markers_heard"], ended["packets_lost"]) == ("callee", [MARKER_HZ], 0)
    assert ended["call_id"] == trunk.journal.of("invite", number=NUMBER)[0]["call_id"]
    assert 120 <= ended["packets_sent"] <= 180


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        (Kind.BUSY, Outcome.BUSY),
        (Kind.REFUSED, Outcome.REFUSED),
        (Kind.FAILURE, Outcome.FAILED),
        (Kind.INVALID, Outcome.INVALID_NUMBER),
    ],
)
def test_a_refusing_callee_refuses(kind: Kind, outcome: Outcome) -> None:
    async def call() -> None:
        trunk = await Trunk.start({NUMBER: CalleePlan(kind, ring_s=0.05)})
        async with Desk(accounts=(account(trunk),)) as desk:
            failed = await desk.happened(CallFailed, await desk.call("carrier", NUMBER))
            assert failed.outcome is outcome
        await trunk.stop()

    asyncio.run(call())


def test_a_number_that_the_plan_lacks_is_not_found() -> None:
    async def call() -> None:
        trunk = await Trunk.start({})
        async with Desk(accounts=(account(trunk),)) as desk:
            failed = await desk.happened(CallFailed, await desk.call("carrier", NUMBER))
            assert failed.status == 404
        await trunk.stop()

    asyncio.run(call())


def test_nobody_answers_until_the_caller_gives_up() -> None:
    async def call() -> None:
        trunk = await Trunk.start({NUMBER: CalleePlan(Kind.NO_ANSWER)})
        async with Desk(accounts=(account(trunk),)) as desk:
            leg = await desk.call("carrier", NUMBER)
            await desk.happened(CallRinging, leg)
            desk.hang_up(leg)
            await desk.happened(CallFailed, leg)
            await eventually(lambda: bool(trunk.journal.of("ended", by="switch", cause="cancel")), "the trunk sees it")
        await trunk.stop()

    asyncio.run(call())


def test_with_credentials_the_switch_registers_and_every_invite_is_challenged() -> None:
    async def call() -> Trunk:
        trunk = await Trunk.start(
            {NUMBER: CalleePlan(Kind.PERSON, ring_s=0.05)}, username="site", password="trunk-secret"
        )
        async with Desk(accounts=(account(trunk, username="site", password="trunk-secret", register=True),)) as desk:
            await desk.happened(AccountRegistered)
            leg = await desk.call("carrier", NUMBER)
            await desk.happened(CallAnswered, leg)
            desk.hang_up(leg)
        await trunk.stop()
        return trunk

    trunk = asyncio.run(call())
    assert trunk.journal.of("registered")
    assert len(trunk.journal.of("invite")) == 1  # the challenged copy is the same call


def test_wrong_credentials_never_reach_a_callee() -> None:
    async def call() -> Trunk:
        trunk = await Trunk.start({NUMBER: CalleePlan(Kind.PERSON)}, username="site", password="trunk-secret")
        async with Desk(accounts=(account(trunk, username="site", password="guess"),)) as desk:
            await desk.happened(CallFailed, await desk.call("carrier", NUMBER))
        await trunk.stop()
        return trunk

    assert asyncio.run(call()).calls == []


def test_the_trunk_calls_one_of_the_switchs_own_numbers() -> None:
    async def call() -> None:
        port = free_port()
        carrier = CarrierAccount("carrier", "127.0.0.1", port)
        async with Desk(accounts=(carrier,), numbers=("+442079460999",)) as desk:
            trunk = await Trunk.start({}, address=("127.0.0.1", port), switch=desk.address)
            call = await trunk.call("+442079460999", CalleePlan(Kind.PERSON, talk_s=0, marker_hz=3100))
            await desk.hears(3100)
            trunk.hang_up(call)
            assert (await desk.happened(CallEnded)).by_peer
            await trunk.stop()

    asyncio.run(call())


def test_a_trunk_that_is_cut_off_says_nothing_more() -> None:
    async def call() -> None:
        trunk = await Trunk.start({NUMBER: CalleePlan(Kind.PERSON, ring_s=0.05, talk_s=0)})
        async with Desk(accounts=(account(trunk),)) as desk:
            leg = await desk.call("carrier", NUMBER)
            await desk.happened(CallAnswered, leg)
            trunk.cut_off()
            await asyncio.sleep(0.2)
            assert desk.seen(CallEnded, leg) == []
        assert trunk.journal.of("ended", by="cut-off")

    asyncio.run(call())
