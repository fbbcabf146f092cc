"""The whole switch between programs of others: SIPp is the carrier, baresip and pyVoIP are the agents' phones."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from softswitch.config import recordings_directory
from tests.auditor import channels
from tests.interop.peers import Sipp, eventually, heard_in, write_ulaw
from tests.interop.pyvoip import PyVoip
from tests.interop.site import (
    CAMPAIGN,
    DID,
    PASSWORDS,
    address_of,
    agents_ready,
    running_switch,
    shift_on_baresip,
    write_site,
)
from tests.ports import free_port

NUMBER = "+442079460123"
AGENT_HZ, CALLEE_HZ = 2150, 2700


def test_a_dialled_callee_talks_with_an_agent_on_baresip_and_is_recorded(
    require_peer: Callable[[str], None], tmp_path: Path
) -> None:
    require_peer("sipp")
    require_peer("baresip")

    async def shift() -> Path:
        write_ulaw(tmp_path / "says.ulaw", CALLEE_HZ, person=True)
        async with Sipp("carrier_answers", tmp_path, timeout_s=180) as sipp:
            site = write_site(tmp_path / "site", trunk_port=sipp.port, numbers=[NUMBER])
            async with shift_on_baresip(tmp_path, site, AGENT_HZ) as (switch, phone):
                switch.desk.supervisor_arrived("supervisor")
                await switch.desk.start_campaign(CAMPAIGN)
                await eventually(lambda: heard_in(phone.heard(), (CALLEE_HZ,)) != set(), "the agent hears", 120)
                await asyncio.sleep(2.0)  # the recorder is to have enough of both
                (call,) = switch.desk.wallboard().calls
                await switch.desk.hang_up(call.call_ref)
                result = await sipp.succeeded()
                assert f"INVITE sip:{NUMBER}@" in result.messages
                assert NUMBER[3:] not in phone.log
                await eventually(lambda: not switch.desk.wallboard().calls, "the call is over")
            return recordings_directory(switch.settings)

    agent, callee = channels(asyncio.run(shift()))
    assert heard_in(agent, (AGENT_HZ, CALLEE_HZ)) == {AGENT_HZ}
    assert heard_in(callee, (AGENT_HZ, CALLEE_HZ)) == {CALLEE_HZ}


def test_a_carrier_that_echoes_brings_pyvoips_own_voice_back_through_the_bridge(
    require_peer: Callable[[str], None], tmp_path: Path
) -> None:
    require_peer("sipp")
    require_peer("pyvoip")

    async def shift() -> None:
        async with Sipp("carrier_echoes", tmp_path, echo=True, timeout_s=180) as sipp:
            # An echo is what no person sounds like: the detector would rightly free the agent from it.
            site = write_site(tmp_path / "site", trunk_port=sipp.port, numbers=[NUMBER], agents=("1002",), amd="off")
            async with running_switch(site) as switch:
                account = {"server": address_of(switch), "username": "1002", "password": PASSWORDS["1002"]}
                async with PyVoip(tmp_path / "1002", marker_hz=AGENT_HZ, **account) as phone:
                    await phone.happened("registered")
                    phone.command("dial login")
                    await phone.happened("answered")  # it reads its socket at leisure; only now it talks
                    await agents_ready(switch)
                    switch.desk.supervisor_arrived("supervisor")
                    await switch.desk.start_campaign(CAMPAIGN)
                    await eventually(
                        lambda: heard_in(phone.heard(), (AGENT_HZ,)) != set(), "the agent's own voice", 120
                    )
                    (call,) = switch.desk.wallboard().calls
                    await switch.desk.hang_up(call.call_ref)
                    await sipp.succeeded()

    asyncio.run(shift())


@pytest.mark.parametrize(
    ("scenario", "outcome"),
    [("carrier_busy", "busy"), ("carrier_refuses", "refused"), ("carrier_fails", "failed")],
)
def test_a_carriers_refusal_becomes_the_attempts_outcome(
    scenario: str, outcome: str, require_peer: Callable[[str], None], tmp_path: Path
) -> None:
    require_peer("sipp")
    require_peer("baresip")

    async def shift() -> None:
        async with Sipp(scenario, tmp_path, timeout_s=180) as sipp:
            site = write_site(tmp_path / "site", trunk_port=sipp.port, numbers=[NUMBER])
            async with shift_on_baresip(tmp_path, site, AGENT_HZ) as (switch, _):
                switch.desk.supervisor_arrived("supervisor")
                await switch.desk.start_campaign(CAMPAIGN)
                await sipp.succeeded()
                async with asyncio.timeout(15):
                    while not any(a.ended_at for a in await switch.desk.calls_of(CAMPAIGN, 10, 0)):
                        await asyncio.sleep(0.05)
                (attempt,) = await switch.desk.calls_of(CAMPAIGN, 10, 0)
                assert attempt.outcome == outcome
                assert attempt.invited_at is not None
                assert attempt.committed_at <= attempt.invited_at

    asyncio.run(shift())


def test_an_inbound_call_reaches_the_agent(require_peer: Callable[[str], None], tmp_path: Path) -> None:
    require_peer("sipp")
    require_peer("baresip")

    async def shift() -> None:
        write_ulaw(tmp_path / "says.ulaw", CALLEE_HZ)
        port = free_port()
        site = write_site(tmp_path / "site", trunk_port=port, numbers=[])
        async with shift_on_baresip(tmp_path, site, AGENT_HZ) as (switch, phone):
            switch.desk.supervisor_arrived("supervisor")
            caller = Sipp(
                "caller_talks", tmp_path, remote=address_of(switch), port=port, called=DID, caller="+442079460500"
            )
            async with caller as sipp:
                await eventually(lambda: heard_in(phone.heard(), (CALLEE_HZ,)) != set(), "the agent hears", 120)
                await sipp.succeeded()
            assert "2079460500" not in phone.log

    asyncio.run(shift())


def test_a_number_that_is_not_ours_is_refused_by_the_switch(
    require_peer: Callable[[str], None], tmp_path: Path
) -> None:
    require_peer("sipp")

    async def shift() -> None:
        port = free_port()
        async with running_switch(write_site(tmp_path / "site", trunk_port=port, numbers=[])) as switch:
            wrong = Sipp(
                "caller_dials_a_wrong_number", tmp_path, remote=address_of(switch), port=port,
                called="+442079460000", caller="+442079460500",
            )  # fmt: skip
            async with wrong as sipp:
                await sipp.succeeded()

    asyncio.run(shift())
