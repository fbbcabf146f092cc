"""`softswitch pacing simulate` as it is called from a shell."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from softswitch.errors import UsageError
from softswitch.pacing_commands import pacing_app

SHORT = "day_s = 900.0\nagents = 3\n"


@pytest.fixture
def market(tmp_path: Path) -> Path:
    path = tmp_path / "market.toml"
    path.write_text(SHORT)
    return path


def called(*words: str) -> str:
    result = CliRunner().invoke(pacing_app, ["simulate", *words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_one_market_gives_one_json_object(market: Path) -> None:
    found = json.loads(called("--market", str(market), "--answer-rate", "0.3", "--days", "2", "--json", "-"))
    assert (found["agents"], found["answer_rate"], found["days"]) == (3, 0.3, 2)
    assert found["us_per_step"] > 0.0
    assert len(found["utilisation_ci"]) == 2


def test_agents_of_the_command_line_win_over_the_markets(market: Path) -> None:
    found = json.loads(called("--market", str(market), "--agents", "4", "--policy", "progressive", "--json", "-"))
    assert found["agents"] == 4


def test_a_grid_has_a_row_for_each_pair_and_can_be_drawn(market: Path, tmp_path: Path) -> None:
    picture, figures = tmp_path / "grid.png", tmp_path / "grid.json"
    words = ("--market", str(market), "--grid", "2,3:0.2,0.4", "--plot", str(picture), "--json", str(figures))
    assert "utilisation" in called(*words)
    rows = json.loads(figures.read_text())["grid"]
    assert [(row["agents"], row["answer_rate"]) for row in rows] == [(2, 0.2), (2, 0.4), (3, 0.2), (3, 0.4)]
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("words", [("--grid", "5x0.2"), ("--policy", "reckless"), ("--market", "nowhere.toml")])
def test_what_cannot_be_done_is_said(words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        CliRunner().invoke(pacing_app, ["simulate", *words], catch_exceptions=False)
