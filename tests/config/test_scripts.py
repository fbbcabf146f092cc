"""Scripts named by campaigns: checked with the site, each fault with the script's own line."""

import json
import tomllib
from pathlib import Path

import pytest

from softswitch.config import load, problems, scripts_of
from softswitch.config.scripts import LONGEST_FILE, examine_script
from tests.config.good_site import changed
from tests.survey.small_script import SMALL, line_of

NAMED = 'leads = "leads.csv"\nscript = "script.toml"\nvisible_fields = ["first_name"]'


def test_a_sound_script_is_loaded_by_its_campaign(site: Path) -> None:
    changed(site, 'leads = "leads.csv"', NAMED)
    (site.parent / "script.toml").write_text(SMALL)
    assert [each.key for each in problems(site) if "script" in each.key] == []
    assert scripts_of(load(site))["survey"].name == "small"


def test_a_fault_is_told_with_the_line_of_the_script_and_that_of_the_site(site: Path) -> None:
    line = changed(site, 'leads = "leads.csv"', NAMED) + 1
    (site.parent / "script.toml").write_text(SMALL.replace("Why?", "Why {phone|me}?"))
    (found,) = [each for each in problems(site) if each.key == "campaigns[0].script"]
    assert found.line == line
    assert found.text.startswith(f"script.toml line {line_of('Why?')}: nodes[4].text: ")
    assert found.fatal


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xff\xfe", "UTF-8"),
        (b"nodes = [", "not TOML"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "TOML"),
        (b"a = " + b"9" * 6000, "TOML"),
        (b"a" + b".a" * 500_000 + b" = 1", "anybody would write"),
        (b"[a" + b". 'a'" * 100_000 + b"]", "anybody would write"),
        (b"#" * (LONGEST_FILE + 1), "longer than"),
        (b"", "name is missing"),
    ],
)
def test_a_hostile_file_is_refused_with_words(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "script.toml"
    path.write_bytes(content)
    script, faults = examine_script(path, None)
    assert script is None
    assert any(why in str(fault) for fault in faults), faults


@pytest.mark.parametrize("name", ["script.toml", "script.yaml"])
def test_a_file_from_an_editor_that_puts_a_mark_first_is_read(tmp_path: Path, name: str) -> None:
    content = SMALL if name.endswith("toml") else json.dumps(tomllib.loads(SMALL))  # all JSON is YAML
    (tmp_path / name).write_text(content, encoding="utf-8-sig")
    assert examine_script(tmp_path / name, None)[1] == []


def test_lines_are_counted_as_the_format_does_whatever_a_text_holds(tmp_path: Path) -> None:
    path = tmp_path / "script.toml"
    path.write_text(SMALL.replace("Thank you.", "Thank\u2028[[quotas]]\x85you.").replace("limit = 2", "limt = 2"))
    told = [fault.line for fault in examine_script(path, None)[1] if "limt" in fault.key]
    assert told == [line_of("limit = 2")]


def test_a_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    assert "cannot be read" in str(examine_script(tmp_path / "gone.toml", None)[1][0])
