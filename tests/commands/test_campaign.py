"""`softswitch campaign` against a switch's real web."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from softswitch.commands.campaign import campaign_app
from softswitch.commands.switch_client import SwitchClient
from softswitch.errors import UsageError
from softswitch.web.totp import hotp, step_at
from tests.auditor import AUDITOR

sys.path.insert(0, str(Path(__file__).parents[1] / "web"))
from memory_people import PASSWORD
from site_client import Site, served

SITE = f"""
[recordings]
auditor_public_key = "{AUDITOR.public.hex()}"
[[campaigns]]
name = "transport-2026"
[[campaigns]]
name = "only-in-the-file"
"""


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def run(site: Site, tmp_path: Path) -> Iterator[object]:
    (tmp_path / "password").write_text(PASSWORD + "\n")
    (tmp_path / "site.toml").write_text(SITE)

    def run_command(what: str, *names: str, user: str = "sue") -> Result:
        async def serve() -> Result:
            async with served(site) as server:
                words = [what, str(tmp_path / "site.toml"), *names, "--url", server.url, "--user", user]
                words += ["--password-file", str(tmp_path / "password")]
                return await asyncio.to_thread(CliRunner().invoke, campaign_app, words)

        return asyncio.run(serve())

    yield run_command


def error_of(result: Result) -> str:
    assert isinstance(result.exception, UsageError), result.output
    return str(result.exception)


def test_a_campaign_is_started_paused_and_stopped_and_the_answer_says_what_it_does(run, site) -> None:
    site.switch.present.append("sue")
    assert run("start", "transport-2026").stdout == "transport-2026: running\n"
    assert run("pause", "transport-2026").stdout == "transport-2026: paused\n"
    assert run("stop", "transport-2026").stdout == "transport-2026: stopped\n"


def test_a_refusal_is_told_with_its_reason(run) -> None:
    assert error_of(run("start", "transport-2026")) == "No supervisor watches; open the wallboard first."


def test_what_is_commanded_is_noted_before_it_is_done(run, site) -> None:
    run("stop", "transport-2026")
    assert site.journal.actions("sue") == ["log in", "stop"]


@pytest.mark.parametrize("user", ["otto", "101"])
def test_auditors_and_agents_command_no_campaign(run, site, user: str) -> None:
    site.switch.campaign_state = "running"
    assert f"{user} may not do this" in error_of(run("stop", "transport-2026", user=user))
    assert site.switch.campaign_state == "running"


def test_a_stranger_is_told_which_options_to_look_at(run) -> None:
    assert "--password-file" in error_of(run("stop", "transport-2026", user="mallory"))


def test_a_name_that_is_only_a_typo_is_found_in_the_file(run) -> None:
    assert "transport-2026, only-in-the-file" in error_of(run("start", "transport-2027"))


def test_a_switch_that_was_started_with_another_file_says_so(run) -> None:
    assert "was it started with this file" in error_of(run("start", "only-in-the-file"))


def test_the_status_shows_figures_and_is_had_as_json(run, site) -> None:
    shown = run("status").stdout
    assert "transport-2026: stopped" in shown and "40 of 60" in shown and "2.00%" in shown
    assert json.loads(run("status", "transport-2026", "--json").stdout)["state"] == "stopped"


def test_the_status_shows_outcomes_and_callbacks(run) -> None:
    shown = run("status", "transport-2026").stdout
    assert "callbacks due, missed today" in shown


def test_callbacks_can_be_asked_for_by_what_they_came_to_and_by_nothing_else(run) -> None:
    assert "transport-2026: callbacks, missed" in run("callbacks", "transport-2026", "--came-to", "missed").stdout
    refused = run("callbacks", "transport-2026", "--came-to", "nonsense")
    assert refused.exit_code == 2 and "'replaced'" in refused.output


def test_the_lead_of_a_callback_is_shown_whole_however_narrow_the_terminal(run, site) -> None:
    lead_ref = "01a2072d54e4a400c4a578f51318fe4e"
    site.switch._promise(lead_ref, datetime(2027, 3, 10, 12, 0, tzinfo=UTC), "", "administrator")
    assert lead_ref in run("callbacks", "transport-2026").stdout


def test_a_campaign_that_has_nobody_to_call_says_why(run, site) -> None:
    site.switch.campaign_state, site.switch.campaign_idle = "running", "no lead is due before 14:32"
    shown = run("status", "transport-2026").stdout
    assert "running: no lead is due before 14:32" in " ".join(shown.split())


def test_a_value_that_the_api_does_not_take_is_named(site) -> None:
    async def ask() -> None:
        async with served(site) as server:
            client = SwitchClient(server.url, "sue", PASSWORD)
            with pytest.raises(UsageError, match=r"^limit: .*500"):
                query = {"limit": "9999"}
                await asyncio.to_thread(client.get, "campaigns", "transport-2026", "callbacks", query=query)

    asyncio.run(ask())


def test_who_has_enrolled_gives_the_code_and_the_session_ends_with_the_command(
    site, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = b"12345678901234567890"
    site.accounts.totp["sue"] = site.room.authenticator.sealer.seal(secret, "sue")

    async def ask() -> None:
        async with served(site) as server:
            with pytest.raises(UsageError, match="the code of sue's app"):
                await asyncio.to_thread(SwitchClient(server.url, "sue", PASSWORD).get, "campaigns")
            monkeypatch.setenv("SOFTSWITCH_WEB_CODE", hotp(secret, step_at(time.time())))
            client = SwitchClient(server.url, "sue", PASSWORD)
            await asyncio.to_thread(client.get, "campaigns")
            await asyncio.to_thread(client.post, "campaigns", "transport-2026", "pause")
            await asyncio.to_thread(client.close)
            with pytest.raises(UsageError, match="does not know sue"):
                await asyncio.to_thread(client.get, "campaigns")

    asyncio.run(ask())
    assert site.switch.campaign_state == "paused"
    assert ("sue", "log out") in [record[:2] for record in site.journal.records]


def test_a_code_that_is_wrong_is_said_to_be_so(site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.accounts.totp["sue"] = site.room.authenticator.sealer.seal(b"12345678901234567890", "sue")
    monkeypatch.setenv("SOFTSWITCH_WEB_CODE", "000000")

    async def ask() -> None:
        async with served(site) as server:
            with pytest.raises(UsageError, match="the code of sue's app"):
                await asyncio.to_thread(SwitchClient(server.url, "sue", PASSWORD).get, "campaigns")

    asyncio.run(ask())


def test_where_no_switch_answers_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "site.toml").write_text(SITE)
    words = ["status", str(tmp_path / "site.toml"), "--url", "http://127.0.0.1:1"]
    result = CliRunner().invoke(campaign_app, words, env={"SOFTSWITCH_WEB_PASSWORD": "x"})
    assert "is it running?" in error_of(result)
