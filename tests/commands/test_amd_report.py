"""`softswitch amd report` as a person at a terminal meets it, and as a program does."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from softswitch.amd.verdict import Cause, Verdict
from softswitch.commands.amd_report import report
from softswitch.dialler.attempt import DialAttempt
from softswitch.dialler.detection import Finding, Truth
from softswitch.dialler.events import ReviewOffered
from softswitch.errors import UsageError
from softswitch.store.database import Store
from softswitch.store.reviews import Draw
from tests.site_file import COMMON

SITE = f"""\
[site]
time_zone = "Europe/London"

{COMMON}
[[campaigns]]
name = "survey"

[[campaigns]]
name = "panel"
amd = "before_agent"
"""
NOW = datetime.now(UTC).replace(microsecond=0)
app = typer.Typer()
app.command()(report)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    return path


def fill(site: Path) -> None:
    """Two days of one campaign; today three calls, of which a verdict ended two and a reviewer has heard one."""

    async def write() -> None:
        folder = site.parent / "data"
        folder.mkdir()
        store = await Store.open(f"sqlite+aiosqlite:///{folder / 'softswitch.db'}")
        for name, verdict, acted, at in (
            ("a", "HUMAN", False, NOW),
            ("b", "MACHINE", True, NOW),
            ("c", "FAX", True, NOW),
            ("d", "HUMAN", False, NOW - timedelta(days=2)),
        ):
            await store.commit_attempt(
                DialAttempt(
                    name, f"lead-{name}", "survey", "carrier", at, answered_at=at, bridged_at=at, amd_verdict=verdict,
                    amd_acted=acted, amd_freed=acted, amd_point="careful",
                )
            )  # fmt: skip
        finding = Finding(Verdict.MACHINE, Cause.CLASSIFIER, 2100, 0.99)
        for name in ("b", "c"):
            await store.offer_review(
                ReviewOffered(name, "survey", london_day(NOW), 0.01, finding, "careful", f"{name}.ssr")
            )
        await store.judge("b", Truth.PERSON, "otto", NOW, Draw(0.05, 10))
        await store.close()

    asyncio.run(write())


def london_day(moment: datetime) -> date:
    from zoneinfo import ZoneInfo

    return moment.astimezone(ZoneInfo("Europe/London")).date()


def test_figures_come_by_campaign_and_day_the_newest_first(site: Path) -> None:
    fill(site)
    done = CliRunner().invoke(app, [str(site), "--json", "-"])
    assert done.exit_code == 0
    today, earlier = json.loads(done.stdout)
    assert (today["campaign"], today["day"], today["point"]) == ("survey", london_day(NOW).isoformat(), "careful")
    assert (today["answered"], today["verdicts"]) == (3, {"FAX": 1, "HUMAN": 1, "MACHINE": 1})
    assert (today["ended_by_verdict"], today["freed_agents"]) == (2, 2)
    assert (today["reviewed"], today["false_positives"], today["waiting_for_review"]) == (1, 1, 1)
    assert today["false_positive_share"] == 1.0
    assert today["false_positive_interval"] == pytest.approx([0.2065, 1.0], abs=1e-3)
    assert (today["share_reckoned_with"], today["share_is_measured"]) == (0.025, False)
    assert today["expected_false_positives"] == pytest.approx(0.05)
    assert (earlier["day"], earlier["answered"]) == (london_day(NOW - timedelta(days=2)).isoformat(), 1)


def test_one_day_and_one_campaign_can_be_asked_for(site: Path) -> None:
    fill(site)
    day = london_day(NOW).isoformat()
    asked = [str(site), "--day", day, "--campaign", "panel", "--json", "-"]
    (only,) = json.loads(CliRunner().invoke(app, asked).stdout)
    assert (only["campaign"], only["point"], only["answered"]) == ("panel", "balanced", 0)
    assert only["share_reckoned_with"] == 0.035


def test_people_are_shown_the_same_in_words(site: Path, tmp_path: Path) -> None:
    fill(site)
    figures = tmp_path / "figures.json"
    done = CliRunner().invoke(app, [str(site), "--json", str(figures)], env={"COLUMNS": "120"})
    assert "survey" in done.stdout and "agents freed" in done.stdout
    assert "1: 100.0%, 20.65% to 100.00%" in done.stdout
    assert len(json.loads(figures.read_text())) == 2


def test_what_cannot_be_shown_is_said(site: Path) -> None:
    done = CliRunner().invoke(app, [str(site)])
    assert isinstance(done.exception, UsageError) and "nothing has been dialled" in str(done.exception)
    done = CliRunner().invoke(app, [str(site), "--campaign", "other"])
    assert isinstance(done.exception, UsageError) and "survey, panel" in str(done.exception)
    fill(site)
    assert CliRunner().invoke(app, [str(site), "--day", "yesterday"]).exit_code == 2


def test_the_command_line_has_it_beside_the_other_amd_commands() -> None:
    from softswitch.__main__ import whole_app

    assert "report" in CliRunner().invoke(whole_app(), ["amd", "--help"]).stdout
