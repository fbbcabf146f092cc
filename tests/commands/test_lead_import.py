"""The commands about configurations and lists, as a person at a terminal meets them."""

import asyncio
import csv
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from softswitch.commands.check import check
from softswitch.commands.lead_import import leads_app
from softswitch.dialler.attempt import DialAttempt
from softswitch.store.database import Store
from tests.site_file import COMMON

SITE = f"""\
[safeguards]
never_dial = "never.csv"

{COMMON}
[[campaigns]]
name = "survey"
"""
LEADS = "number,first_name\n02079460001,Ann\n02079460002,Bob\n02079460003,Cy\nwrong,Di\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "never.csv").write_text("number\n+44 20 7946 0003\n")
    (tmp_path / "leads.csv").write_text(LEADS)
    path = tmp_path / "site.toml"
    path.write_text(SITE)
    return path


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(leads_app, [str(argument) for argument in arguments], env={"COLUMNS": "120"})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def figures(output: str) -> dict[str, int]:
    return {what.strip(): int(count) for what, count in re.findall(r"│ (.+?) *│ +(\d+) │", output)}


def test_check_says_that_a_good_file_can_be_used(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(site) == 0
    assert "can be used, with" in capsys.readouterr().out


def test_check_names_what_is_wrong_and_fails(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    site.write_text(SITE.replace("host", "hots"))
    assert check(site) == 1
    said = capsys.readouterr().out
    assert 'line 9: trunks[0].hots: there is no such key; did you mean "host"?' in said
    assert "cannot be used" in said


def test_a_rehearsal_says_what_an_import_would_do_and_makes_no_store(site: Path) -> None:
    status, output = run("dry-run", site, site.parent / "leads.csv")
    assert status == 0
    assert figures(output)["leads to be added"] == 2
    assert not (site.parent / "data").exists()


def test_an_import_adds_leads_once_and_reports_the_rest_without_numbers(site: Path) -> None:
    for added, already in ((2, 0), (0, 2)):
        status, output = run("import", site, site.parent / "leads.csv", "--campaign", "survey")
        assert status == 0
        found = figures(output)
        assert (found["rows in the file"], found["leads added"], found["in the campaign already"]) == (
            4,
            added,
            already,
        )
        assert (found["on the never-dial list"], found["cannot be used"]) == (1, 1)
        assert "line 5, number" in output and not re.search(r"7946", output)


def test_own_column_names_can_be_given_on_the_command_line(site: Path) -> None:
    (site.parent / "own.csv").write_text("Rufnummer\n02079460001\n")
    status, output = run("dry-run", site, site.parent / "own.csv", "--column", "number=Rufnummer")
    assert (status, figures(output)["leads to be added"]) == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("leads.csv", "--campaign", "other"), 'no campaign "other"'),
        (("none.csv",), "cannot be read"),
        (("bad.csv",), "no column holds the telephone number"),
        (("leads.csv", "--column", "number"), "number=Rufnummer"),
    ],
)
def test_a_mistake_is_a_sentence_and_status_two(site: Path, arguments: tuple[str, ...], said: str) -> None:
    (site.parent / "bad.csv").write_text("name\nAnn\n")
    status, output = run("import", site, site.parent / arguments[0], *arguments[1:])
    assert status == 2
    assert said in " ".join(output.split())
    assert "Traceback" not in output


def test_a_never_dial_list_with_an_entry_that_is_no_number_is_refused(site: Path) -> None:
    (site.parent / "never.csv").write_text("number\n02079460003\nAnn\n")
    status, output = run("import", site, site.parent / "leads.csv")
    assert status == 2 and "line 3" in output


def test_a_never_dial_list_without_a_header_protects_its_first_line_too(site: Path) -> None:
    (site.parent / "never.csv").write_text("02079460001\n02079460002\n")
    _, output = run("dry-run", site, site.parent / "leads.csv")
    assert figures(output)["on the never-dial list"] == 2


def test_call_records_are_exported_for_the_days_asked_for(site: Path) -> None:
    run("import", site, site.parent / "leads.csv")

    async def dial() -> None:
        store = await Store.open(f"sqlite:///{site.parent}/data/softswitch.db")
        for day in (1, 2, 3):
            at = datetime(2027, 6, day, 22, 30, tzinfo=UTC)  # 23:30 in London
            await store.commit_attempt(DialAttempt(f"c{day}", "lead", "survey", "carrier", at))
        await store.close()

    asyncio.run(dial())
    out = site.parent / "out.csv"
    status, output = run("export-cdr", site, out, "--since", "2027-06-02", "--until", "2027-06-03")
    assert status == 0 and "1 records" in output
    with out.open(newline="") as file:
        assert [row["call_ref"] for row in csv.DictReader(file)] == ["c2"]
    assert run("export-cdr", site, "-")[1].count("carrier") == 3
    assert run("export-cdr", site, site.parent / "no" / "out.csv")[0] == 2


def test_an_export_without_a_store_makes_none(site: Path) -> None:
    status, output = run("export-cdr", site, site.parent / "out.csv")
    assert status == 2 and "no store yet" in output
    assert not (site.parent / "out.csv").exists() and not (site.parent / "data").exists()
