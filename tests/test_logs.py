"""Log lines are redacted before anything is written, whoever wrote them."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from softswitch.logs import write_logs_to


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield tmp_path / "switch.log"
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_number_in_a_line_of_ours_is_masked_and_its_call_ref_is_not(log_file: Path) -> None:
    write_logs_to(log_file)
    structlog.get_logger("exchange").warning(
        "answer from +442079460101", call="3f9a1c0b77de4521", reason="020 7946 0101"
    )
    (line,) = lines(log_file)
    assert "7946" not in json.dumps(line)
    assert line["call"] == "3f9a1c0b77de4521"
    assert line["level"] == "warning"


def test_a_number_in_a_librarys_line_is_masked_too(log_file: Path) -> None:
    write_logs_to(log_file)
    logging.getLogger("somebody.else").error("cannot reach %s", "+442079460101")
    (line,) = lines(log_file)
    assert "7946" not in json.dumps(line)
    assert line["event"].startswith("cannot reach")


def test_what_libraries_say_of_their_daily_work_is_left_out(log_file: Path) -> None:
    write_logs_to(log_file)
    logging.getLogger("alembic.runtime.migration").info("Context impl SQLiteImpl.")
    assert lines(log_file) == []
