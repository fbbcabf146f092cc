"""`softswitch survey` and `softswitch report survey` as a person at a terminal meets them, and as a program does."""

import asyncio
import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from softswitch.commands.survey import survey_app, survey_report
from softswitch.dialler.attempt import DialAttempt
from softswitch.store.database import Store
from softswitch.store.interviews import KeptInterview
from tests.site_file import COMMON
from tests.survey.small_script import SMALL

SITE = f"""\
{COMMON}
[[campaigns]]
name = "survey"

[campaigns.aapor.connected]
group = "O"
code = "2.34"
"""
NOW = datetime(2027, 3, 10, 12, tzinfo=UTC)
CASES = {
    # lead -> what its attempts came to, and what the last one's interview did
    "l1": (["no-answer", "completed"], "complete"),
    "l2": (["opt-out"], "complete"),
    "l3": (["partial"], "broken_off"),
    "l4": (["refusal", "no-answer"], ""),
    "l5": (["connected"], ""),
    "l6": (["machine"], ""),
    "l7": (["not-eligible"], "screened_out"),
    "l8": (["callback"], "appointment"),
}
FINALS = {"I": 2, "P": 1, "R": 1, "NC": 1, "O": 1, "UH": 1, "UO": 0, "NE": 1}
app = typer.Typer()
app.command()(survey_report)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text(SITE)

    async def write() -> None:
        folder = tmp_path / "data"
        folder.mkdir()
        store = await Store.open(f"sqlite+aiosqlite:///{folder / 'softswitch.db'}")
        for lead, (dispositions, ending) in CASES.items():
            for n, disposition in enumerate(dispositions):
                call_ref, at = f"{lead}-{n}", NOW + timedelta(hours=n)
                await store.commit_attempt(
                    DialAttempt(call_ref, lead, "survey", "carrier", at, ended_at=at, disposition=disposition)
                )
            if ending:
                answers = {"consent": "yes", "pets": ["dog", "cat"], "why": "=1+1"}
                await store.keep_interview(
                    KeptInterview(
                        call_ref, "survey", "small", "1001", "done", at, at, at, ending, ending == "broken_off",
                        answers, {"why": 4.0}, {}, 3, ("young",) if ending == "complete" else (),
                    )
                )  # fmt: skip
        await store.close()

    asyncio.run(write())
    return path


def test_the_report_counts_cases_and_gives_every_rate(site: Path) -> None:
    said = CliRunner().invoke(app, [str(site), "--json", "-"])
    assert said.exit_code == 0, said.output
    told = json.loads(said.output)
    assert (told["cases"], told["final_dispositions"]) == (8, FINALS)
    assert told["codes"]["2.34"] == 1
    # I 2, P 1, R 1, NC 1, O 1, UH 1, NE 1: e = 6 / 7
    assert told["rates"]["RR1"] == pytest.approx(2 / 7)
    assert told["rates"]["RR3"] == pytest.approx(2 / (6 + 6 / 7))
    assert told["rates"]["COOP1"] == pytest.approx(2 / 5)
    assert told["rates"]["CON1"] == pytest.approx(5 / 7)


def test_of_a_period_what_was_tried_in_it_counts_and_quotas_stand_beside_it(site: Path) -> None:
    (site.parent / "script.toml").write_text(SMALL)
    site.write_text(
        SITE.replace(
            'name = "survey"\n', 'name = "survey"\nscript = "script.toml"\nvisible_fields = ["first_name"]\n', 1
        )
    )
    whole = json.loads(CliRunner().invoke(app, [str(site), "--json", "-"]).stdout)
    of_day = json.loads(CliRunner().invoke(app, [str(site), "--since", "2027-03-10", "--json", "-"]).stdout)
    after = json.loads(CliRunner().invoke(app, [str(site), "--since", "2027-03-11", "--json", "-"]).stdout)
    assert of_day["final_dispositions"] == whole["final_dispositions"] == FINALS
    assert (of_day["since"], after["cases"]) == ("2027-03-10", 0)
    assert whole["quotas"] == [{"name": "young", "target": 2, "filled": 2, "in_period": 2}]
    assert after["quotas"] == [{"name": "young", "target": 2, "filled": 2, "in_period": 0}]
    backwards = CliRunner().invoke(app, [str(site), "--since", "2027-03-11", "--until", "2027-03-10"])
    assert "ends before it begins" in str(backwards.exception)


def test_the_report_is_a_table_for_people_and_csv_for_spreadsheets(site: Path, tmp_path: Path) -> None:
    said = CliRunner().invoke(app, [str(site), "--campaign", "survey", "--e", "1", "--csv", str(tmp_path / "r.csv")])
    assert said.exit_code == 0
    assert "refusal and break-off" in said.output
    assert "RR1  28.6%" in said.output
    rows = dict(csv.reader((tmp_path / "r.csv").open()))
    assert (rows["I"], rows["RR3"], rows["e"]) == ("2", rows["RR1"], "1.0")


def test_answers_are_exported_by_call_reference(site: Path, tmp_path: Path) -> None:
    said = CliRunner().invoke(survey_app, ["export", str(site), str(tmp_path / "a.json")])
    assert said.exit_code == 0, said.output
    rows = json.loads((tmp_path / "a.json").read_text())
    assert [row["call_ref"] for row in rows] == ["l1-1", "l2-0", "l3-0", "l7-0", "l8-0"]
    assert rows[0]["answers"]["pets"] == ["dog", "cat"]
    said = CliRunner().invoke(survey_app, ["export", str(site), "-"])
    (first, *_) = csv.DictReader(io.StringIO(said.stdout))
    assert (first["call_ref"], first["pets"], first["why"]) == ("l1-1", "dog|cat", "'=1+1")


def test_a_script_is_checked_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "script.toml"
    path.write_text(SMALL)
    said = CliRunner().invoke(survey_app, ["check", str(path)])
    assert said.exit_code == 0
    assert "9 nodes, 3 questions" in said.output
    path.write_text(SMALL.replace('kind = "number"', 'kind = "numbr"'))
    said = CliRunner().invoke(survey_app, ["check", str(path)])
    assert said.exit_code == 1
    assert "line 20: nodes[2].kind" in said.output
