"""What README and docs/ name is there: commands with their options, settings, files, make's targets."""

import re
import subprocess
import textwrap
import tomllib
import typing
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel

from softswitch.__main__ import whole_app
from softswitch.config import Settings

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS = ("softswitch", "codecs", "pacing", "configs", "tests", "bench", "docs")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def spans_of(page: Path) -> list[str]:
    """What stands in code: spans between backticks, and lines of code blocks."""
    text = page.read_text(encoding="utf-8")
    blocks = re.findall(r"^(?: {4}|\t)(.*)$", text, re.MULTILINE)
    for fenced in re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        blocks += fenced.splitlines()
    return re.findall(r"`([^`]+)`", text) + blocks


def commands_of(page: Path) -> set[str]:
    """Each command line, as `recordings ask|approve --user`: without the comment behind it."""
    found = (re.match(r"(?:\S*/)?softswitch\s+([a-z][^#\n]*)", span) for span in spans_of(page))
    return {match[1].strip() for match in found if match is not None}


def trouble_with(line: str) -> str:
    """What is not there of a command line; empty where all of it is. `a|b` is one or the other."""
    commands: list[typing.Any] = [typer.main.get_command(whole_app())]
    for word in line.split():
        inside = {name: each for command in commands for name, each in getattr(command, "commands", {}).items()}
        if not inside:
            break
        names = word.strip(",").split("|")
        if missing := [name for name in names if name not in inside]:
            return f"there is no {missing}"
        commands = [inside[name] for name in names]
    known = {name for command in commands for each in command.params for name in (*each.opts, *each.secondary_opts)}
    unknown = [option for option in re.findall(r"(?<!\S)\[?(--?[a-z][\w-]*)", line) if option not in known]
    return f"no option {unknown}" if unknown else ""


@every_page
def test_each_command_that_a_page_names_is_there_with_its_options(page: Path) -> None:
    troubles = {line: trouble_with(line) for line in commands_of(page)}
    assert {line: trouble for line, trouble in troubles.items() if trouble} == {}


def test_commands_are_found_in_the_pages_and_what_is_wrong_with_one_is_said() -> None:
    assert {"check configs/one-site.toml", "recordings ask|approve|play"} <= commands_of(ROOT / "README.md")
    assert trouble_with("recordings ask|sing") == "there is no ['sing']"
    assert trouble_with("status site.toml --loud") == "no option ['--loud']"


@every_page
def test_each_file_that_a_page_names_is_there(page: Path) -> None:
    named = {span for span in spans_of(page) if re.fullmatch(rf"({'|'.join(FOLDERS)})/[\w./-]+", span)}
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert [name for name in links if not (page.parent / name).exists()] == []


def test_the_benchmarks_of_the_readme_are_those_that_make_runs() -> None:
    (part,) = re.findall(r"^## Benchmarks$(.*?)(?=^Licence)", PAGES[0].read_text(encoding="utf-8"), re.DOTALL | re.M)
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (files,) = re.findall(r"^bench:.*\n\tfor file in \$\$\((.*)\); do", makefile, re.MULTILINE)
    run = subprocess.run(["bash", "-c", files.replace("$$", "$")], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {f"bench/{name}" for name in re.findall(r"`(\w+\.py)`", part)} == set(run.stdout.split())


@every_page
def test_each_target_of_make_that_a_page_names_is_there(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert {match[1] for span in spans_of(page) if (match := re.match(r"make ([a-z-]+)", span))} <= targets


def unknown_in(table: dict[str, object], model: type[BaseModel], path: str) -> list[str]:
    """Keys of a TOML table that its settings do not have, by their paths."""
    unknown = []
    fields = {field.alias or name: field for name, field in model.model_fields.items()}
    for key, value in table.items():
        field = fields.get(key)
        if field is None:
            unknown.append(f"{path}{key}")
            continue
        inner = next((each for each in _types(field.annotation) if issubclass(each, BaseModel)), None)
        for each in value if isinstance(value, list) else [value]:
            if inner is not None and isinstance(each, dict):
                unknown += unknown_in(each, inner, f"{path}{key}.")
    return unknown


def _types(annotation: object) -> list[type]:
    inner = [each for argument in typing.get_args(annotation) for each in _types(argument)]
    return [annotation, *inner] if isinstance(annotation, type) else inner


def samples_of(page: Path) -> list[dict[str, object]]:
    """The pieces of a site's file that a page shows; scripts have a form of their own."""
    found = []
    for block in re.findall(r"(?:^(?: {4}.*)?\n)+", page.read_text(encoding="utf-8"), re.MULTILINE):
        text = textwrap.dedent(block).strip()
        if re.match(r"\[+\w", text):
            table = tomllib.loads(text)
            found += [table] if set(table) & set(Settings.model_fields) else []
    return found


@every_page
def test_each_setting_that_a_page_shows_is_there(page: Path) -> None:
    assert [name for table in samples_of(page) for name in unknown_in(table, Settings, "")] == []
    named = {(match[1], match[2]) for span in spans_of(page) if (match := re.match(r"\[+([a-z_]+)\]+ ([a-z_]+)", span))}
    assert [f"{section} {key}" for section, key in named if unknown_in({section: {key: None}}, Settings, "")] == []


def test_samples_are_found_in_the_pages_and_what_nobody_reads_is_said() -> None:
    assert len(samples_of(ROOT / "README.md")) >= 4
    assert unknown_in({"sip": {"colour": 1}, "trunks": [{"routes": [{"song": ""}]}]}, Settings, "") == [
        "sip.colour", "trunks.routes.song",
    ]  # fmt: skip
