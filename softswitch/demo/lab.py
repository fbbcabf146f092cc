"""The demo's lab: a carrier and four headset phones in processes of their own, and the files they work from."""

import asyncio
import contextlib
import csv
import json
import os
import secrets
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from softswitch.errors import SoftswitchError
from softswitch.testing.plan import LabLead, Plan, make_leads, make_plan, write_plan

LEADS = 60
AGENTS = ("1001", "1002", "1003", "1004")
NEVER_DIALLED = ("+442079460998", "+441614960999")
"""On the demo's never-dial list; the lead list does not hold them."""
HASTE = 0.5
"""The demo's callees ring and talk for so much of the lab's usual time: sixty leads fit into a minute or so."""
START_S = 60.0
STOP_S = 10.0


class LabProcess:
    """A program of `softswitch.testing` as a child: it says JSON lines, and ends when its stdin is closed."""

    def __init__(self, process: asyncio.subprocess.Process, name: str) -> None:
        self.process = process
        self.name = name

    @classmethod
    async def start(cls, module: str, *arguments: str | Path, errors: Path) -> Self:
        with errors.open("ab") as stderr:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", module, *map(str, arguments),
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=stderr,
            )  # fmt: skip
        return cls(process, module)

    async def said(self) -> dict[str, Any]:
        """Its next line. SoftswitchError where it ended or said nothing in time."""
        assert self.process.stdout is not None
        try:
            line = await asyncio.wait_for(self.process.stdout.readline(), START_S)
        except TimeoutError:
            line = b""
        if not line:
            raise SoftswitchError(f"the lab process {self.name} did not start: see its errors in the demo's folder")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def stop(self) -> bool:
        """Close its stdin and wait; True where it ended by itself and with success."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            return await asyncio.wait_for(self.process.wait(), STOP_S) == 0
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
            return False

    @property
    def is_running(self) -> bool:
        try:
            os.kill(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return self.process.returncode is None


def daytime_zone() -> str:
    """A time zone in which it is about two in the afternoon; there always is one, so the demo keeps calling hours."""
    ahead = (14 - datetime.now(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"  # POSIX signs: Etc/GMT-3 is three hours ahead


def write_lead_list(leads: Sequence[LabLead], path: Path) -> None:
    """The CSV that the campaign imports: VICIdial's column names, and each callee's time zone."""
    zone = daytime_zone()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["phone_number", "first_name", "last_name", "city", "vendor_lead_code", "time_zone"])
        writer.writerows([*(getattr(lead, name) for name in LabLead.__dataclass_fields__), zone] for lead in leads)


class Lab:
    """Files, trunk and phones of one demo."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        leads = make_leads(LEADS, seed)
        self.plan: Plan = {
            number: replace(callee, talk_s=round(callee.talk_s * HASTE, 1), ring_s=round(callee.ring_s * HASTE, 2))
            for number, callee in make_plan(leads, seed).items()
        }
        self.trunk_journal = folder / "trunk.jsonl"
        self.phones_journal = folder / "phones.jsonl"
        self.capture = folder / "agents.pcap"
        self.errors = folder / "lab-errors.txt"
        self.lead_list = folder / "leads.csv"
        self.never_dial = folder / "never-dial.csv"
        self.phone_passwords = {agent: secrets.token_urlsafe(12) for agent in AGENTS}
        self.processes: list[LabProcess] = []
        self._plan_file = folder / "plan.json"
        self._accounts_file = folder / "phones.json"
        write_lead_list(leads, self.lead_list)
        write_plan(self.plan, self._plan_file)
        self.never_dial.write_text("\n".join(("number", *NEVER_DIALLED)) + "\n", encoding="utf-8")
        accounts = [{"agent": a, "username": a, "password": p} for a, p in self.phone_passwords.items()]
        self._accounts_file.touch(mode=0o600)
        self._accounts_file.write_text(json.dumps(accounts), encoding="utf-8")

    async def start_trunk(self) -> tuple[str, int]:
        """Its SIP address."""
        trunk = await self._start("trunk", "--plan", self._plan_file, "--log", self.trunk_journal)
        said = await trunk.said()
        return said["address"], said["port"]

    async def start_phones(self, switch: str) -> None:
        """Register them; each dials the log-in by itself."""
        phones = await self._start(
            "phones", "--server", switch, "--accounts", self._accounts_file, "--log", self.phones_journal,
            "--capture", self.capture, "--dial", "login",
        )  # fmt: skip
        await phones.said()
        await phones.said()

    async def stop(self) -> bool:
        """End the phones, then the trunk; True where all ended by themselves."""
        ended = [await process.stop() for process in reversed(self.processes)]
        return all(ended)

    @property
    def is_running(self) -> bool:
        return any(process.is_running for process in self.processes)

    async def _start(self, name: str, *arguments: str | Path) -> LabProcess:
        process = await LabProcess.start(f"softswitch.testing.{name}", *arguments, errors=self.errors)
        self.processes.append(process)
        return process
