"""Scripts in YAML: the same as in TOML, with lines, and nothing that surprises."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from softswitch.config.scripts import examine_script
from softswitch.config.yaml_text import DEEPEST, YamlFault, YamlText
from tests.survey.small_script import SMALL

AS_YAML = yaml.safe_dump(tomllib.loads(SMALL), sort_keys=False)
WORDS = st.text(st.characters(exclude_categories=["Cs"]))
TREES = st.recursive(WORDS, lambda below: st.lists(below) | st.dictionaries(WORDS, below), max_leaves=12)


def examined(path: Path, content: str) -> Any:
    path.write_text(content)
    return examine_script(path, None)


@pytest.mark.parametrize("name", ["script.yaml", "script.yml", "SCRIPT.YAML"])
def test_a_script_says_the_same_in_yaml_as_in_toml(tmp_path: Path, name: str) -> None:
    script, faults = examined(tmp_path / name, AS_YAML)
    assert script == examined(tmp_path / "script.toml", SMALL)[0], faults


def test_a_fault_is_told_with_its_line(tmp_path: Path) -> None:
    wrong = AS_YAML.replace("longest: 80", "longest: 8000")
    _, faults = examined(tmp_path / "script.yaml", wrong)
    line = wrong[: wrong.index("longest")].count("\n") + 1
    assert [(fault.line, fault.key) for fault in faults] == [(line, "nodes[4].longest")]


@given(st.dictionaries(WORDS, TREES, max_size=5), st.booleans())
def test_what_a_library_writes_is_read_as_it_was(tree: dict[str, Any], flow: bool) -> None:
    assert YamlText(yaml.safe_dump(tree, default_style='"', default_flow_style=flow)).told == tree


def test_words_are_words_and_numbers_are_numbers() -> None:
    assert YamlText("is: no\nat: on\nwhen: 22:30\nday: 2026-11-23\n'no': '12'\n").told == {
        "is": "no", "at": "on", "when": "22:30", "day": "2026-11-23", "no": "12",
    }  # fmt: skip
    assert YamlText("flag: true\nmany: 12\npart: -0.5\n").told == {"flag": True, "many": 12, "part": -0.5}


def test_each_key_has_its_line_and_what_is_missing_that_of_the_nearest() -> None:
    text = YamlText("name: x\nnodes:\n- id: a\n  text: |\n    two\n    lines\n-\n  id: b\n")
    assert text.told["nodes"][0]["text"] == "two\nlines\n"
    assert [text.line_of(key) for key in (("nodes", 0, "text"), ("nodes", 1, "id"), ("nodes", 1, "gone"), ("x",))] == [
        4, 8, 8, 1,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "line", "why"),
    [
        ("a: &a [x]\nb: [*a, *a]\n", 2, "reference"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]\n", 2, "tag"),
        ("a: 1\n<<: *b\n", 2, "reference"),
        ("a: 1\na: 2\n", 2, "twice"),
        ("a: 1\n---\nb: 2\n", 2, "second document"),
        ("a: 1\nb:\n", 2, "missing"),
        ("a: 1\n? [b]\n: 2\n", 2, "a key must be a word"),
        ("- a\n", 1, "keys and values"),
        ("word\n", 1, "keys and values"),
        ("a: 1\n b: 2\n", 2, "mapping values are not allowed"),
        ("a: [1, 2\nb: 3", 2, "did not find"),
        ("a: '\x07'\n", 1, "characters"),
        ("a: " + "[" * 100_000, 1, f"more than {DEEPEST} deep"),
    ],
)
def test_what_is_refused_is_refused_with_its_line(content: str, line: int, why: str) -> None:
    with pytest.raises(YamlFault, match=why) as found:
        YamlText(content)
    assert found.value.line == line


def test_an_empty_file_and_a_monstrous_number_are_only_faults_of_the_script(tmp_path: Path) -> None:
    assert YamlText("").told == {}
    assert YamlText("a: " + "9" * 6000).told == {"a": "9" * 6000}
    assert "name is missing" in str(examined(tmp_path / "script.yaml", "")[1])
