"""The threat model names tests; what it names is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "docs" / "threats.md").read_text(encoding="utf-8"))
ADVERSARIES = ("agent", "visitor", "callee", "carrier", "administrator", "thief of the disk", "network")


@pytest.mark.parametrize(("file", "test"), NAMED, ids=lambda part: part.rpartition("/")[2])
def test_each_test_that_the_threat_model_names_is_there(file: str, test: str) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert test in tests if test else any(name.startswith("test_") for name in tests)


def test_the_threat_model_speaks_of_everybody_and_each_line_names_its_proof() -> None:
    text = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")
    headings = " ".join(re.findall(r"^## (.*)$", text, re.MULTILINE))
    assert [who for who in ADVERSARIES if who not in headings] == []
    rows = [line for line in text.splitlines() if line.startswith("| ") and "shown by" not in line]
    assert len(rows) > 25
    assert [row for row in rows if "`tests/" not in row.split("|")[3]] == []
