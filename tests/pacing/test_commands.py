"""`softswitch pacing simulate` as it is called from a shell."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from softswitch.commands.pacing import pacing_app
from softswitch.errors import UsageError

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
    table = called(*words).splitlines()
    assert [line.split()[1:4:2] for line in table if line.startswith("│")] == [
        ["2", "0.2"], ["2", "0.4"], ["3", "0.2"], ["3", "0.4"]
    ]  # fmt: skip
    assert all(name in table[1] for name in ("utilisation", "overflow", "P(over)"))
    rows = json.loads(figures.read_text())["grid"]
    assert [(row["agents"], row["answer_rate"]) for row in rows] == [(2, 0.2), (2, 0.4), (3, 0.2), (3, 0.4)]
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("words", [("--grid", "5x0.2"), ("--policy", "reckless"), ("--market", "nowhere.toml")])
def test_what_cannot_be_done_is_said(words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        CliRunner().invoke(pacing_app, ["simulate", *words], catch_exceptions=False)


def test_a_days_log_is_given_to_the_controller_again_and_one_that_was_changed_is_found_out(
    market: Path, tmp_path: Path
) -> None:
    log = tmp_path / "day.jsonl"
    called("--market", str(market), "--seed", "6", "--log", str(log), "--json", "-")
    again = json.loads(replayed(log, 0))
    assert again["decisions"] > 800
    assert again["differing"] == 0
    lines = log.read_text().splitlines()
    stepped = [index for index, line in enumerate(lines) if line.startswith('["STEPPED"')]
    kind, row, dials, now = json.loads(lines[stepped[300]])
    lines[stepped[300]] = json.dumps([kind, row, dials + 1, now])
    log.write_text("\n".join(lines))
    assert json.loads(replayed(log, 1))["differing"] == 1


def replayed(log: Path, exit_code: int) -> str:
    result = CliRunner().invoke(pacing_app, ["replay", str(log), "--json", "-"], catch_exceptions=False)
    assert result.exit_code == exit_code, result.output
    return result.stdout


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"market": {}}',
        "\ufeff\x00",
        '{"market": {"agents": 3}, "setting": 7}',
        "null\n[1, 2]",
        "[" * 99999,
    ],
)
def test_what_is_no_log_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "day.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError, match="no log of a simulated day, as `softswitch pacing simulate --log` writes it"):
        CliRunner().invoke(pacing_app, ["replay", str(path)], catch_exceptions=False)


@pytest.mark.parametrize(
    "line", ['["CALL_PLACED", 0, 0]', '["NOTHING", 0, 0, 0]', '["STEPPED", "a", 0, 0]', "7", '["STEPPED", 1e400, 0, 0]']
)
def test_a_log_with_a_line_that_is_none_is_refused(market: Path, tmp_path: Path, line: str) -> None:
    log = tmp_path / "day.jsonl"
    called("--market", str(market), "--policy", "manual", "--log", str(log), "--json", "-")
    log.write_text(log.read_text() + line + "\n")
    with pytest.raises(UsageError, match="no log"):
        CliRunner().invoke(pacing_app, ["replay", str(log)], catch_exceptions=False)


@pytest.mark.parametrize(
    "text",
    [
        b"\xff\xfe", b"agents = 'many'", b"agents = 2.5", b"agents = true", b"agents = " + b"9" * 400,
        b"[market]\nagents = 3", b"day_s = 1e12", b"talk_mean_s = inf", b"setup_mean_s = 0.0", b"setup_cv = 1e200",
        b"agents = nan", b"a" * 5000, b"x = " + b"[" * 5000, b"answer_rate = 1.0", b"day_s = 1e-400",
    ],
    ids=lambda text: text[:24].decode("latin-1"),
)  # fmt: skip
def test_a_hostile_market_file_is_refused_in_a_sentence(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "market.toml"
    path.write_bytes(text)
    with pytest.raises(UsageError):
        CliRunner().invoke(pacing_app, ["simulate", "--market", str(path)], catch_exceptions=False)


@pytest.mark.parametrize(
    "words",
    [
        ("--policy", "ratio", "--setting", "nan"), ("--policy", "vicidial", "--setting", "1"), ("--setting", "2"),
        ("--policy", "ratio", "--setting", "1e30"), ("--grid", "5:0.2", "--agents", "3"), ("--grid", "5:nan"),
        ("--plot", "nowhere/at/all.png"), ("--plot", "picture.exe"),
        ("--policy", "ratio", "--hindsight", "--with-amd-errors"), ("--policy", "vicidial", "--log", "day.jsonl"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_options_that_do_not_fit_are_refused_in_a_sentence(
    market: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError):
        CliRunner().invoke(pacing_app, ["simulate", "--market", str(market), *words], catch_exceptions=False)
