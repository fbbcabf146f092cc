"""`softswitch report compliance` as a person at a terminal meets it, and as a program does."""

import asyncio
import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from softswitch.commands.compliance import report_app
from softswitch.dialler.attempt import DialAttempt
from softswitch.errors import UsageError
from softswitch.store.database import Store
from tests.commands.test_amd_report import SITE

NOON = datetime(2027, 3, 10, 12, tzinfo=UTC)
DAY = ["--day", "2027-03-10"]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    (tmp_path / "data").mkdir()

    async def write() -> None:
        store = await Store.open(f"sqlite+aiosqlite:///{tmp_path / 'data' / 'softswitch.db'}")
        for n in range(9):
            answered = NOON + timedelta(minutes=n)
            kept = {"caller_id": "+442079460100", "time_zone": "Europe/London", "answered_at": answered}
            bridged = {"bridged_at": answered + timedelta(seconds=0.1), "disposition": "connected"}
            missed = {"abandoned": True, "silent": True, "disposition": "abandoned"}
            own = missed if n == 0 else bridged
            campaign = "taken off" if n == 8 else "survey"
            await store.commit_attempt(
                DialAttempt(f"c{n}", f"l{n}", campaign, "carrier", answered, invited_at=answered, **kept, **own)
            )
        await store.close()

    asyncio.run(write())
    return path


def run(*told: str) -> str:
    done = CliRunner().invoke(report_app, ["compliance", *told], env={"COLUMNS": "140"})
    if isinstance(done.exception, UsageError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_campaign_of_the_day_is_held_against_the_rules_even_one_that_is_set_up_no_more(site: Path) -> None:
    survey, panel, taken_off = json.loads(run(str(site), *DAY, "--json", "-"))
    assert (survey["campaign"], survey["connected"], survey["abandoned"], survey["silent"]) == ("survey", 7, 1, 1)
    assert survey["rate"] == survey["period_rate"] == 0.125
    assert survey["breaches"] == ["abandoned-call rate 12.50%, over 3%", "1 silent calls"]
    assert (panel["campaign"], panel["dials"], panel["breaches"]) == ("panel", 0, [])
    assert (taken_off["campaign"], taken_off["connected"]) == ("taken off", 1)


def test_a_table_names_what_was_not_kept_in_words(site: Path) -> None:
    shown = run(str(site), *DAY, "--campaign", "survey")
    assert "survey, 2027-03-10 (Europe/London; rules: UK)" in shown
    assert "not kept: 1 silent calls" in shown
    assert "All rules kept." in run(str(site), "--day", "2027-03-11")


def test_a_spreadsheet_has_a_line_for_each_campaign(site: Path, tmp_path: Path) -> None:
    file = tmp_path / "day.csv"
    run(str(site), *DAY, "--csv", str(file), "--rules", "us")
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert [row["campaign"] for row in rows] == ["survey", "panel", "taken off"]
    assert (rows[0]["rules"], rows[0]["abandoned"], rows[0]["false_positive_interval_high"]) == ("US", "1", "0.025")


def test_a_document_has_a_page_for_each_campaign(site: Path, tmp_path: Path) -> None:
    file = tmp_path / "day.pdf"
    run(str(site), *DAY, "--pdf", str(file))
    content = file.read_bytes()
    assert content.startswith(b"%PDF-") and content.rstrip().endswith(b"%%EOF")
    assert content.count(b"/Type /Page\n") == 3


@pytest.mark.parametrize(
    ("told", "why"),
    [
        (["--campaign", "nobody's"], "no campaign"),
        (["--csv", "-", "--json", "-"], "one of"),
        (["--csv", "/nowhere/day.csv"], "cannot be written"),
    ],
)
def test_what_cannot_be_reported_is_said_in_a_sentence(site: Path, told: list[str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        run(str(site), *DAY, *told)


def test_each_campaign_is_held_against_the_rules_that_it_has_chosen_unless_others_are_named(site: Path) -> None:
    site.write_text(site.read_text().replace('name = "panel"', 'name = "panel"\nrules = "us"', 1))
    assert [each["rules"] for each in json.loads(run(str(site), *DAY, "--json", "-"))] == ["UK", "US", "UK"]
    named = json.loads(run(str(site), *DAY, "--json", "-", "--rules", "own"))
    assert {each["rules"] for each in named} == {"own"}
