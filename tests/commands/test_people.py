"""`softswitch people`, as an administrator meets it at a terminal; each change is in the audit log."""

import asyncio
import re
import time
from hashlib import sha256
from pathlib import Path

import pytest
from typer.testing import CliRunner

from softswitch.commands.people import people_app
from softswitch.config import load, store_url
from softswitch.errors import UsageError
from softswitch.safeguards.audit import AuditRecord
from softswitch.store.database import Store
from softswitch.store.web_accounts import PersonRow
from softswitch.web.sealing import Sealer
from softswitch.web.totp import hotp, step_at
from tests.audit_chain import first_broken
from tests.auditor import AUDITOR

PASSWORD = "correct horse battery"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(
        f'[recordings]\nauditor_public_key = "{AUDITOR.public.hex()}"\n[[agents]]\nid = "1001"\n', encoding="utf-8"
    )
    return path


def run(command: str, site: Path, *arguments: str, typed: str = "") -> str:
    result = CliRunner().invoke(people_app, [command, str(site), *arguments], input=typed, env={"COLUMNS": "160"})
    if isinstance(result.exception, UsageError):
        raise result.exception
    assert result.exception is None, result.exception
    return result.stdout


def person(site: Path, name: str) -> PersonRow | None:
    async def find() -> PersonRow | None:
        store = await Store.open(store_url(load(site)), locked=True)
        try:
            return await store.person(name)
        finally:
            await store.close()

    return asyncio.run(find())


def noted(site: Path) -> list[tuple[str, str, str]]:
    lines = (load(site).site.data_directory / "audit.log").read_text().splitlines()
    records = [AuditRecord.from_line(line) for line in lines]
    assert first_broken(records) is None
    return [(record.action, record.subject, record.reason) for record in records]


def test_people_are_added_listed_and_shut_and_the_audit_log_has_it(site: Path) -> None:
    run("add", site, "sue", "--role", "supervisor", typed=f"{PASSWORD}\n")
    run("add", site, "1001", "--role", "agent", typed="482915\n")
    run("disable", site, "sue")
    listed = run("list", site)
    assert re.search(r"sue\s+supervisor\s+not yet\s+shut", listed)
    assert re.search(r"1001\s+agent\s+-", listed)
    run("enable", site, "sue")
    row = person(site, "sue")
    assert row is not None
    assert not row.disabled
    assert row.password_hash.startswith("$argon2id$")
    assert noted(site) == [
        ("add person", "account sue", "supervisor"),
        ("add person", "account 1001", "agent"),
        ("shut account", "account sue", ""),
        ("open account", "account sue", ""),
    ]


def test_a_second_factor_is_shown_once_kept_encrypted_and_can_be_taken_away(site: Path) -> None:
    run("add", site, "otto", "--role", "auditor", typed=f"{PASSWORD}\n")
    shown = run("totp", site, "otto")
    text = shown.split()[0]
    row = person(site, "otto")
    assert row is not None
    assert text not in row.totp
    secret = Sealer.find(load(site).site.data_directory).open(row.totp, "otto")
    assert secret is not None
    assert hotp(secret, step_at(time.time())).isdigit()
    assert f"secret={text}" in shown
    run("totp", site, "otto", "--reset")
    row = person(site, "otto")
    assert row is not None
    assert row.totp == ""
    assert ("take second factor away", "account otto", "") in noted(site)


def test_another_password_keeps_role_and_second_factor(site: Path) -> None:
    run("add", site, "otto", "--role", "auditor", typed=f"{PASSWORD}\n")
    run("totp", site, "otto")
    before = person(site, "otto")
    shown = run("passwd", site, "otto", "--generate")
    after = person(site, "otto")
    assert before is not None
    assert after is not None
    assert (after.role, after.totp) == (before.role, before.totp)
    assert after.password_hash != before.password_hash
    assert len(shown.split()[0]) >= 20


def test_two_roles_need_the_sites_leave_and_an_agent_never_has_another(site: Path) -> None:
    both = ("--role", "administrator", "--role", "auditor")
    with pytest.raises(UsageError, match="nobody holds two"):
        run("add", site, "ada", *both, typed=f"{PASSWORD}\n")
    site.write_text(site.read_text() + "[people]\nseveral_roles = true\n")
    run("add", site, "ada", *both, typed=f"{PASSWORD}\n")
    with pytest.raises(UsageError, match="no other beside it"):
        run("add", site, "1001", "--role", "agent", "--role", "auditor", typed="482915\n")


@pytest.mark.parametrize("pin", ["12345", "111111", "123456", "654321", "890123", "48a915", "", "4829151234567"])
def test_a_pin_that_is_easily_guessed_is_refused(site: Path, pin: str) -> None:
    with pytest.raises(UsageError, match="a PIN is"):
        run("add", site, "1001", "--role", "agent", typed=f"{pin}\n")
    assert person(site, "1001") is None


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaaaaaa", "x" * 300])
def test_a_weak_password_is_refused(site: Path, password: str) -> None:
    with pytest.raises(UsageError, match="a password has"):
        run("add", site, "sue", "--role", "supervisor", typed=f"{password}\n")


def test_what_cannot_be_is_said_plainly(site: Path) -> None:
    run("add", site, "sue", "--role", "supervisor", typed=f"{PASSWORD}\n")
    for command, arguments, text in (
        ("add", ("sue", "--role", "auditor"), "is there already"),
        ("add", ("eve", "--role", "king"), "--role is"),
        ("add", ("9999", "--role", "agent"), "no agent"),
        ("passwd", ("zoe",), "nobody called zoe"),
        ("disable", ("zoe",), "nobody called zoe"),
    ):
        with pytest.raises(UsageError, match=text):
            run(command, site, *arguments, typed=f"{PASSWORD}\n")


def test_generated_pins_are_six_digits_or_more_that_pass_our_own_rule(site: Path) -> None:
    shown = run("add", site, "1001", "--role", "agent", "--generate")
    assert re.match(r"\d{8}\n", shown)


def test_a_programs_token_is_shown_once_kept_as_a_hash_and_revoked(site: Path) -> None:
    async def whose(token: str) -> str | None:
        store = await Store.open(store_url(load(site)), locked=True)
        name = await store.token_name(sha256(token.encode()).digest())
        await store.close()
        return name

    first = run("token", site, "prometheus").split()[0]
    assert len(first) == 43
    assert asyncio.run(whose(first)) == "prometheus"
    second = run("token", site, "prometheus").split()[0]
    assert (asyncio.run(whose(first)), asyncio.run(whose(second))) == (None, "prometheus")
    assert "prometheus" in run("tokens", site)
    raw = b"".join(path.read_bytes() for path in (site.parent / "data").rglob("*") if path.is_file())
    assert first.encode() not in raw and second.encode() not in raw
    run("token", site, "prometheus", "--revoke")
    assert asyncio.run(whose(second)) is None
