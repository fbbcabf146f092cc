"""The lab's programs: they announce themselves, do their work in a process of their own, and end with their parent."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from softswitch.calls.events import CallEnded, CallOffered
from softswitch.errors import UsageError
from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.journal import read_journal
from softswitch.testing.phones import read_accounts
from softswitch.testing.plan import write_plan
from softswitch.ua.accounts import CarrierAccount, PhoneAccount
from tests.interop.desk import Desk

NUMBER = "+442079460001"
PATIENCE_S = 30


async def start(module: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", f"softswitch.testing.{module}", *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


async def announced(process: asyncio.subprocess.Process) -> dict[str, object]:
    assert process.stdout
    line = await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)
    found: dict[str, object] = json.loads(line)
    return found


async def ended(process: asyncio.subprocess.Process) -> int:
    return await asyncio.wait_for(process.wait(), PATIENCE_S)


def test_the_trunk_process_answers_as_planned_and_ends_when_its_stdin_is_closed(tmp_path: Path) -> None:
    async def lab() -> None:
        write_plan({NUMBER: CalleePlan(Kind.PERSON, ring_s=0.1, talk_s=1.0)}, tmp_path / "plan.json")
        process = await start("trunk", "--plan", str(tmp_path / "plan.json"), "--log", str(tmp_path / "trunk.jsonl"))
        where = await announced(process)
        account = CarrierAccount("carrier", str(where["address"]), int(str(where["port"])))
        async with Desk(accounts=(account,)) as desk:
            assert (await desk.happened(CallEnded, await desk.call("carrier", NUMBER))).by_peer
        assert process.stdin
        process.stdin.close()
        assert await ended(process) == 0

    asyncio.run(lab())
    assert [e["event"] for e in read_journal(tmp_path / "trunk.jsonl")][:3] == ["listening", "invite", "answered"]


def test_the_phones_process_registers_logs_in_and_ends_at_sigterm(tmp_path: Path) -> None:
    agents = ["1001", "1002"]
    entries = [{"agent": agent, "username": agent, "password": f"secret-{agent}"} for agent in agents]
    (tmp_path / "phones.json").write_text(json.dumps(entries))

    async def lab() -> None:
        accounts = tuple(PhoneAccount(agent, agent, f"secret-{agent}") for agent in agents)
        async with Desk(phones=accounts) as desk:
            process = await start(
                "phones", "--server", f"127.0.0.1:{desk.address[1]}", "--accounts", str(tmp_path / "phones.json"),
                "--log", str(tmp_path / "phones.jsonl"), "--capture", str(tmp_path / "phones.pcap"), "--dial", "login",
            )  # fmt: skip
            assert set((await announced(process))["phones"]) == set(agents)  # type: ignore[call-overload]
            assert await announced(process) == {"registered": agents}
            await desk.hears(2150)
            await desk.hears(2200)
            assert {offered.source for offered in desk.seen(CallOffered)} == set(agents)
            process.send_signal(signal.SIGTERM)
            assert await ended(process) == 0
            assert len(desk.seen(CallEnded)) == 2

    asyncio.run(lab())
    assert b"SIP/2.0 200" in (tmp_path / "phones.pcap").read_bytes()


def test_a_wrong_list_of_phones_is_named_by_entry(tmp_path: Path) -> None:
    (tmp_path / "phones.json").write_text('[{"agent": "1", "username": "1", "password": "x"}, {"agent": "2"}]')
    with pytest.raises(UsageError, match="entry 2"):
        read_accounts(tmp_path / "phones.json")
