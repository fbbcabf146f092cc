"""A call over other people's programs, seen afterwards: by the command, by tshark, and by a capture server."""

import asyncio
import json
import os
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from softswitch.sip.hep import Chunk
from tests.capture_server import decode
from tests.interop.peers import Sipp, eventually, talking_baresip, write_ulaw
from tests.interop.site import CAMPAIGN, PASSWORDS, address_of, running_switch, write_site

NUMBER = "+442079460123"


def with_trace(site: Path, homer: int) -> Path:
    """The agent's phone rings for each call, and a capture server listens."""
    text = site.read_text().replace("[[campaigns]]", 'connect = "ring-per-call"\n[[campaigns]]', 1)
    site.write_text(f'[trace]\nhomer = "127.0.0.1:{homer}"\n' + text)
    return site


async def run(*command: str, password: str = "") -> str:
    process = await asyncio.create_subprocess_exec(
        *command, env={**os.environ, "SOFTSWITCH_WEB_PASSWORD": password}, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0
    return out.decode()


def received(server: socket.socket) -> list[dict[int, bytes]]:
    """What the capture server has got so far."""
    got = []
    while True:
        try:
            got.append(decode(server.recv(65535)))
        except BlockingIOError:
            return got


def test_a_call_is_seen_from_both_sides_by_those_who_may(require_peer: Callable[[str], None], tmp_path: Path) -> None:
    require_peer("sipp")
    require_peer("baresip")
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed: run .ci/peers.sh")

    async def shift() -> tuple[str, str, dict[str, object], str, list[dict[int, bytes]]]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as homer:
            homer.bind(("127.0.0.1", 0))
            homer.setblocking(False)
            write_ulaw(tmp_path / "says.ulaw", 2700, person=True)
            async with Sipp("carrier_answers", tmp_path, timeout_s=180) as sipp:
                site = write_site(tmp_path / "site", trunk_port=sipp.port, numbers=[NUMBER], amd="off")
                async with running_switch(with_trace(site, homer.getsockname()[1])) as switch:
                    account = {"server": address_of(switch), "username": "1001", "password": PASSWORDS["1001"]}
                    async with talking_baresip(
                        tmp_path / "1001", 2150, regint="60", answermode="auto", **account
                    ) as phone:
                        await eventually(lambda: "200 OK" in phone.log, "baresip registers")
                        await switch.desk.log_in_agent("1001")
                        switch.desk.supervisor_arrived("supervisor")
                        await switch.desk.start_campaign(CAMPAIGN)

                        def in_call() -> bool:
                            return any(call.agent for call in switch.desk.wallboard().calls)

                        await eventually(in_call, "the agent talks", 120)
                        await asyncio.sleep(1.0)
                        (call,) = switch.desk.wallboard().calls
                        await switch.desk.hang_up(call.call_ref)
                        await sipp.succeeded()
                    trace = [sys.executable, "-m", "softswitch", "trace", call.call_ref, "--url", switch.web_url]
                    password = switch.first_password or ""
                    shown = await run(*trace, password=password)
                    raw = await run(*trace, "--raw", password=password)
                    whole = json.loads(await run(*trace, "--json", "--whole", "--reason", "a test", password=password))
                    await run(*trace, "--pcap", str(tmp_path / "call.pcap"), password=password)
                    read = ["tshark", "-r", str(tmp_path / "call.pcap"), "-T", "fields", "-E", "separator=|"]
                    packets = await run(*read, "-e", "sip.CSeq.method", "-e", "sip.Status-Code", "-e", "_ws.malformed")
                    return shown, raw, whole, packets, received(homer)

    shown, raw, whole, packets, told = asyncio.run(shift())
    national = NUMBER.removeprefix("+44")
    assert shown.count("─ INVITE ─") == 2
    assert shown.count("─ BYE ─") == 2
    assert national not in shown + raw and "Numbers and names are masked." in shown
    assert national in json.dumps(whole)
    assert {step["side"] for step in whole["steps"]} == {"carrier", "agent"}  # type: ignore[union-attr, attr-defined]
    assert packets.count("INVITE|\n") == 0 and "INVITE||" in packets and "BYE|200|" in packets
    assert all(line.endswith("|") for line in packets.splitlines())
    correlated = {chunks.get(Chunk.CORRELATION_ID) for chunks in told if b" INVITE\r\n" in chunks[Chunk.PAYLOAD]}
    assert len(correlated) == 1
    assert not any(national.encode() in chunks[Chunk.PAYLOAD] for chunks in told)
    assert "a test" in (tmp_path / "site/data/audit.log").read_text()
