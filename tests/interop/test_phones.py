"""Agents' phones that others wrote, on our pool: baresip and pyVoIP register, dial, are rung, talk and hang up."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from softswitch.calls.events import CallAnswered, CallEnded, CallOffered, Origin
from softswitch.ua.accounts import PhoneAccount
from softswitch.ua.phones import PhoneRegistered
from tests.interop.desk import MARKER_HZ, Desk
from tests.interop.peers import eventually, heard_in, talking_baresip
from tests.interop.pyvoip import PyVoip

AGENT_HZ = 2150
BARESIP = PhoneAccount("1001", "1001", "phone-secret-1")
PYVOIP = PhoneAccount("1002", "1002", "phone-secret-2", keepalive_s=0)  # it does not answer OPTIONS


def test_baresip_registers_with_digest_dials_its_log_in_call_and_both_hear_each_other(
    require_peer: Callable[[str], None], tmp_path: Path
) -> None:
    require_peer("baresip")

    async def shift() -> None:
        async with Desk(phones=(BARESIP,)) as desk:
            account = {"server": desk.address, "username": "1001", "password": BARESIP.password, "regint": "60"}
            async with talking_baresip(tmp_path / "1001", AGENT_HZ, **account) as phone:
                await desk.happened(PhoneRegistered)
                await phone.command("dial", "login")
                offered = await desk.happened(CallOffered)
                assert (offered.origin, offered.source, offered.called) == (Origin.PHONE, "1001", "login")
                await phone.happened("CALL_ESTABLISHED")
                await desk.hears(AGENT_HZ)
                await eventually(lambda: MARKER_HZ in heard_in(phone.heard(), (MARKER_HZ,)), "baresip hears us")
                await phone.command("hangup")
                ended = await desk.happened(CallEnded, offered.leg_id)
                assert ended.by_peer

    asyncio.run(shift())


def test_baresip_is_rung_by_us_answers_and_is_hung_up(require_peer: Callable[[str], None], tmp_path: Path) -> None:
    require_peer("baresip")

    async def shift() -> None:
        async with Desk(phones=(BARESIP,)) as desk:
            account = {"server": desk.address, "username": "1001", "password": BARESIP.password, "regint": "60"}
            async with talking_baresip(tmp_path / "1001", AGENT_HZ, **account) as phone:
                await desk.happened(PhoneRegistered)
                leg = await desk.ring("1001")
                await desk.happened(CallAnswered, leg)
                await desk.hears(AGENT_HZ, leg)
                desk.hang_up(leg)
                await phone.happened("CALL_CLOSED")

    asyncio.run(shift())


def test_pyvoip_registers_and_dials_its_log_in_call(require_peer: Callable[[str], None], tmp_path: Path) -> None:
    require_peer("pyvoip")

    async def shift() -> None:
        async with Desk(phones=(PYVOIP,)) as desk:
            account = {"server": desk.address, "username": "1002", "password": PYVOIP.password}
            async with PyVoip(tmp_path / "1002", marker_hz=AGENT_HZ, **account) as phone:
                await phone.happened("registered")
                phone.command("dial login")
                await phone.happened("answered")
                await desk.hears(AGENT_HZ)
                await eventually(lambda: MARKER_HZ in heard_in(phone.heard(), (MARKER_HZ,)), "pyVoIP hears us")
                phone.command("hangup")
                ended = await desk.happened(CallEnded)
                assert ended.by_peer

    asyncio.run(shift())


def test_pyvoip_is_rung_by_us_answers_and_is_hung_up(require_peer: Callable[[str], None], tmp_path: Path) -> None:
    require_peer("pyvoip")

    async def shift() -> None:
        async with Desk(phones=(PYVOIP,)) as desk:
            account = {"server": desk.address, "username": "1002", "password": PYVOIP.password}
            async with PyVoip(tmp_path / "1002", marker_hz=AGENT_HZ, **account) as phone:
                await phone.happened("registered")
                leg = await desk.ring("1002")
                await desk.happened(CallAnswered, leg)
                await desk.hears(AGENT_HZ, leg)
                desk.hang_up(leg)
                await phone.happened("ended")

    asyncio.run(shift())


@pytest.mark.parametrize("peer", ["baresip", "pyvoip"])
def test_a_phone_with_a_wrong_password_is_told_so(
    peer: str, require_peer: Callable[[str], None], tmp_path: Path
) -> None:
    require_peer(peer)

    async def register() -> None:
        async with Desk(phones=(BARESIP,)) as desk:
            account = {"server": desk.address, "username": "1001", "password": "guess"}
            if peer == "baresip":
                async with talking_baresip(tmp_path / "1001", AGENT_HZ, regint="60", **account) as phone:
                    await eventually(lambda: "401 Unauthorized" in phone.log, "baresip is refused")
            else:
                async with PyVoip(tmp_path / "1001", marker_hz=AGENT_HZ, **account) as other:
                    await other.happened("failed")
            assert desk.seen(PhoneRegistered) == []

    asyncio.run(register())
