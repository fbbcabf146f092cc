"""A shift whose audit log fails, and agents who may not work: over real sockets, through the whole switch."""

import asyncio
from pathlib import Path

import httpx
import pytest
import uvloop
from typer.testing import CliRunner

from softswitch.commands.audit import audit_app
from softswitch.errors import UsageError
from softswitch.safeguards.admission import NOT_NOW
from softswitch.safeguards.audit import SWITCH, AuditRecord
from softswitch.safeguards.audit_seal import Seal
from softswitch.safeguards.interlocks import AUDIT, SUPERVISOR
from softswitch.testing.callee import CalleePlan, Kind
from softswitch.testing.phone import Phone, PhoneSettings
from softswitch.web.passwords import ADMINISTRATOR
from tests.interop.site import PASSWORDS, address_of
from tests.scenarios.conftest import floor

A, B = "+442079460101", "+442079460102"
WHY = "the supervisor's bus is late"


def records(folder: Path) -> list[AuditRecord]:
    return [AuditRecord.from_line(line) for line in (folder / "audit.log").read_text().splitlines()]


def test_nothing_is_dialled_while_the_audit_log_cannot_be_written_and_the_log_says_so_later(tmp_path: Path) -> None:
    data = tmp_path / "data"

    async def scenario() -> None:
        plan = {A: CalleePlan(Kind.BUSY), B: CalleePlan(Kind.BUSY)}
        async with floor(tmp_path, plan) as site:
            await site.until(lambda: site.interlock(AUDIT) == "", "the audit log is written")
            aside = data / "audit.aside"
            (data / "audit.log").rename(aside)
            (data / "audit.log").mkdir()
            with pytest.raises(UsageError, match="cannot be written"):
                await site.switch.site.audit.note("sue", "listen", subject="agent 1001", reason="")
            assert "cannot be written" in site.interlock(AUDIT)
            await site.log_in("1001")
            await site.start()
            await asyncio.sleep(1.0)
            assert site.invites() == 0
            (data / "audit.log").rmdir()
            aside.rename(data / "audit.log")
            await site.until(lambda: site.interlock(AUDIT) == "", "the audit log is written again")
            await site.until(lambda: site.invites() > 0, "it dials")

    uvloop.run(scenario())
    assert [(r.actor, r.action) for r in records(data) if r.action == "log failed"] == [(SWITCH, "log failed")]
    assert [r.action for r in records(data)][-1] == "stop"
    (seal,) = [Seal.from_line(line) for line in (data / "audit.seals").read_text().splitlines()]
    assert (seal.why, seal.last) == ("shutdown", records(data)[-1].digest)
    result = CliRunner().invoke(audit_app, ["verify", str(data)])
    assert result.exit_code == 0, result.output


def test_who_may_not_work_is_refused_by_phone_and_by_command_and_supervisors_are_told_why(tmp_path: Path) -> None:
    async def scenario() -> None:
        changes = 'id = "1001" -> id = "1001"\\ncleared_until = 2020-01-31'
        async with floor(tmp_path, {A: CalleePlan(Kind.BUSY)}, changes=changes) as site:
            settings = PhoneSettings("1001", "1001", PASSWORDS["1001"])
            phone = site.phones["1001"] = await Phone.start(address_of(site.switch), settings)
            await asyncio.wait_for(phone.registered.wait(), 120)
            await phone.dial("login")
            await site.until(
                lambda: "clearance ran out" in site.switch.desk.wallboard().refused_agents.get("1001", ""),
                "the supervisor is told",
            )
            assert site.state("1001") == "offline"
            with pytest.raises(UsageError) as told:
                await site.switch.desk.log_in_agent("1001")
            assert str(told.value) == NOT_NOW
            await site.switch.site.audit.drain()
        assert ("1001", "refused", "the clearance ran out on 2020-01-31") in {
            (record.actor, record.action, record.reason) for record in records(tmp_path / "data")
        }

    uvloop.run(scenario())


def test_two_administrators_let_a_campaign_dial_without_a_supervisor_over_rest(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with floor(tmp_path, {A: CalleePlan(Kind.BUSY)}) as site:
            await site.log_in("1001")
            await site.switch.desk.start_campaign(next(iter(site.switch.site.campaigns)))
            assert site.interlock(SUPERVISOR)
            path = "/api/interlocks/supervisor/override"
            basic = (ADMINISTRATOR, site.switch.first_password or "")
            async with httpx.AsyncClient(base_url=site.switch.web_url, auth=basic) as client:
                asked = await client.post(path, json={"minutes": 5, "reason": WHY})
                assert asked.status_code == 204, asked.text
                assert (await client.post(f"{path}/agreement")).status_code == 409
            assert site.invites() == 0
            await site.switch.desk.agree_override(SUPERVISOR, "abe")
            await site.until(lambda: site.invites() > 0, "it dials")
            assert WHY in site.interlock(SUPERVISOR)
        found = [(r.actor, r.action, r.subject) for r in records(tmp_path / "data") if "override" in r.action]
        assert found == [
            (ADMINISTRATOR, "ask to override", "interlock supervisor"),
            ("abe", "override", "interlock supervisor"),
        ]

    uvloop.run(scenario())
