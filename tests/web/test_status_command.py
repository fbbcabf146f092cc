"""`softswitch status SITE.toml` against a switch's real web: its exit status tells whether the site dials."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from memory_people import PASSWORD
from site_client import Site, served
from typer.testing import CliRunner, Result

from softswitch.commands.status import status
from softswitch.errors import UsageError
from softswitch.safeguards.interlocks import InterlockView
from tests.auditor import AUDITOR

Run = Callable[..., Result]


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def run(site: Site, tmp_path: Path) -> Run:
    app = typer.Typer()
    app.command()(status)
    (tmp_path / "password").write_text(PASSWORD + "\n")

    def run_command(*words: str, user: str = "sue") -> Result:
        async def serve() -> Result:
            async with served(site) as server:
                (tmp_path / "site.toml").write_text(
                    f'[recordings]\nauditor_public_key = "{AUDITOR.public.hex()}"\n[web]\nport = {server.port}\n'
                )
                who = ["--user", user, "--password-file", str(tmp_path / "password")]
                return await asyncio.to_thread(CliRunner().invoke, app, [str(tmp_path / "site.toml"), *who, *words])

        return asyncio.run(serve())

    return run_command


def test_a_site_that_is_held_says_by_what_and_ends_with_1(run: Run) -> None:
    found = run()
    assert found.exit_code == 1
    assert "held" in found.stdout.splitlines()[0]
    assert "✗ supervisor: No supervisor watches." in found.stdout
    assert "✓ recorder" in found.stdout
    assert "campaign transport-2026: stopped" in found.stdout


def test_a_campaign_that_is_held_says_why(run: Run, site: Site) -> None:
    site.switch.campaign_state, site.switch.campaign_held = "held", "its 6 calls of today are made"
    assert "campaign transport-2026: held, its 6 calls of today are made" in run().stdout
    told = json.loads(run("--json").stdout)
    assert told["campaigns_held_by"] == {"transport-2026": "its 6 calls of today are made"}


def test_an_interlock_of_a_campaign_that_nobody_started_is_shown_and_does_not_count(run: Run, site: Site) -> None:
    site.switch.present.append("sue")
    site.switch.further = (InterlockView("information message of transport-2026", False, "cannot be read"),)
    found = run()
    assert (found.exit_code, "dialling allowed" in found.stdout) == (0, True)
    assert "✗ information message of transport-2026: cannot be read" in found.stdout
    site.switch.campaign_state = "held"
    assert run().exit_code == 1
    site.switch.campaign_state = "paused"
    assert run().exit_code == 0


def test_a_campaign_that_could_not_be_started_counts(run: Run, site: Site) -> None:
    site.switch.present.append("sue")
    site.switch.campaign_held = "could not be started: no information message"
    found = run()
    assert found.exit_code == 1
    assert "campaign transport-2026: stopped, could not be started: no information message" in found.stdout


def test_a_site_that_dials_ends_with_0(run: Run, site: Site) -> None:
    site.switch.present.append("sue")
    found = run()
    assert found.exit_code == 0
    assert "dialling allowed" in found.stdout


def test_json_is_what_the_api_answers_and_the_exit_status_the_same(run: Run) -> None:
    found = run("--json", user="otto")
    assert found.exit_code == 1
    told = json.loads(found.stdout)
    assert told["dials"] is False
    assert told["held_by"] == ["supervisor: No supervisor watches."]
    assert [lock["name"] for lock in told["interlocks"]] == ["recorder", "supervisor"]


def test_an_agent_learns_nothing_and_a_switch_that_is_not_there_is_said_to_be_so(run: Run) -> None:
    found = run(user="101")
    assert isinstance(found.exception, UsageError)
    assert "may not" in str(found.exception)
    gone = run("--url", "http://127.0.0.1:9")
    assert "is it running" in str(gone.exception)
