"""Phones that others wrote, with SRTP, through the whole switch: both hear, and nothing is plain on their side."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

from softswitch.config import recordings_directory
from softswitch.sip.hop import Hop
from softswitch.switch import Switch
from tests.auditor import channels
from tests.interop.linphone import Linphone
from tests.interop.peers import Sipp, eventually, heard_in, write_speech, write_ulaw
from tests.interop.site import (
    CAMPAIGN,
    PASSWORDS,
    agents_ready,
    running_switch,
    shift_on_baresip,
    write_site,
)
from tests.transports.certificates import Authority

NUMBER = "+442079460123"
AGENT_HZ, CALLEE_HZ = 2150, 2700


def is_talking(switch: Switch) -> bool:
    return any(agent.state == "in call" for agent in switch.desk.wallboard().agents)


async def dial_and_hang_up(switch: Switch, agent_hears: Callable[[], bool]) -> None:
    switch.desk.supervisor_arrived("supervisor")
    await switch.desk.start_campaign(CAMPAIGN)
    await eventually(agent_hears, "the agent hears the callee", 120)
    await asyncio.sleep(2.0)  # the recorder is to have enough of both
    (call,) = switch.desk.wallboard().calls
    await switch.desk.hang_up(call.call_ref)
    await eventually(lambda: not switch.desk.wallboard().calls, "the call is over")


def test_an_agent_on_baresip_talks_by_srtp_with_a_callee_on_a_plain_trunk(
    require_peer: Callable[[str], None], tmp_path: Path
) -> None:
    require_peer("sipp")
    require_peer("baresip")

    async def shift() -> Path:
        write_ulaw(tmp_path / "says.ulaw", CALLEE_HZ, person=True)
        async with Sipp("carrier_answers", tmp_path, timeout_s=180) as sipp:
            site = write_site(tmp_path / "site", trunk_port=sipp.port, numbers=[NUMBER], sip='phone_srtp = "required"')
            async with shift_on_baresip(tmp_path, site, AGENT_HZ, mediaenc="srtp-mand") as (switch, phone):
                await dial_and_hang_up(switch, lambda: heard_in(phone.heard(), (CALLEE_HZ,)) != set())
            return recordings_directory(switch.settings)

    agent, callee = channels(asyncio.run(shift()))
    assert heard_in(agent, (AGENT_HZ, CALLEE_HZ)) == {AGENT_HZ}
    assert heard_in(callee, (AGENT_HZ, CALLEE_HZ)) == {CALLEE_HZ}


def test_an_agent_on_linphone_talks_by_tls_and_srtp(require_peer: Callable[[str], None], tmp_path: Path) -> None:
    require_peer("sipp")
    require_peer("linphone-daemon")

    async def shift() -> Path:
        authority = Authority(tmp_path / "ca")
        issued = authority.issue("localhost")
        write_ulaw(tmp_path / "says.ulaw", CALLEE_HZ, person=True)
        write_speech(tmp_path / "agent.wav", AGENT_HZ)
        tls = (
            f'transports = ["udp", "tls"]\ntls_port = 0\ncertificate = "{issued.certificate}"\n'
            f'certificate_key = "{issued.key}"\nphone_srtp = "required"'
        )
        async with Sipp("carrier_answers", tmp_path, timeout_s=180) as sipp:
            site = write_site(tmp_path / "site", trunk_port=sipp.port, numbers=[NUMBER], sip=tls)
            async with running_switch(site) as switch:
                server = ("localhost", switch.site.pool.own.facing(Hop("127.0.0.1", 1, "TLS")).port)
                async with Linphone(
                    tmp_path / "linphone",
                    server=server,
                    username="1001",
                    password=PASSWORDS["1001"],
                    authorities=authority.path,
                    encryption="srtp",
                ) as phone:
                    await phone.logged("LinphoneRegistrationOk")  # before, it may name an address of IPv6
                    phone.command(f"call sip:login@localhost:{server[1]};transport=tls")
                    await phone.logged("LinphoneCallStreamsRunning")
                    phone.command(f"incall-player-start {tmp_path / 'agent.wav'}")
                    await agents_ready(switch)
                    await dial_and_hang_up(switch, lambda: is_talking(switch))
                    phone.command("terminate")
                    await phone.logged("incoming delivered to the app")
                    (delivered,) = re.findall(r"incoming delivered to the app +(\d+) bytes", phone.log)
                    assert int(delivered) > 160 * 50  # what it could not decrypt it would not deliver
                    assert "srtp_unprotect() failed" not in phone.log
            return recordings_directory(switch.settings)

    agent, callee = channels(asyncio.run(shift()))
    assert heard_in(agent, (AGENT_HZ, CALLEE_HZ)) == {AGENT_HZ}
    assert heard_in(callee, (AGENT_HZ, CALLEE_HZ)) == {CALLEE_HZ}
