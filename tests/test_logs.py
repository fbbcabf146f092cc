"""Log lines are redacted before anything is written, whoever wrote them."""

import json
import logging
import subprocess
import sys
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


NUMBER = "+442079460101"


def stumble() -> None:
    secret = "known to this function alone"  # noqa: F841  # a local variable, as a key is one
    raise ValueError(f"no route for {NUMBER}")


def write_all_kinds() -> None:
    log = structlog.get_logger("exchange")
    try:
        stumble()
    except ValueError as error:
        log.exception("stumbled")
        logging.getLogger("asyncio").error("Task exception was never retrieved", exc_info=True)
        log.warning("an error as a value", error=error)
    log.warning("nested", numbers=[NUMBER], by_lead={NUMBER: {"spaced": "020 7946 0101"}}, raw=NUMBER.encode())
    log.bind(pair=(NUMBER, 7)).warning("bound", stack_info=True)


def test_a_number_in_a_list_in_bytes_or_in_an_exceptions_text_is_masked_too(log_file: Path) -> None:
    write_logs_to(log_file)
    write_all_kinds()
    text = log_file.read_text()
    assert len(lines(log_file)) == 5
    assert text.count("ValueError: no route for [number]") == 2  # it is told, without the number
    assert "7946" not in text.replace(" ", "")


def test_what_is_written_for_people_holds_neither_numbers_nor_local_variables(log_file: Path, monkeypatch) -> None:
    with log_file.open("w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        write_logs_to(None)
        write_all_kinds()
    text = log_file.read_text()
    assert text.count("ValueError: no route for [number]") == 2
    assert "\x1b[" not in text  # a file has no colours
    assert "7946" not in text.replace(" ", "")
    assert "known to this function alone" not in text


def test_the_last_words_of_a_program_or_a_thread_go_through_the_log() -> None:
    program = f"""
import threading
from softswitch.logs import log_what_nobody_caught, write_logs_to
def stumble():
    raise ValueError("no route for {NUMBER}")
class Dying:
    def __del__(self):
        stumble()
write_logs_to(None)
log_what_nobody_caught()
thread = threading.Thread(target=stumble)
thread.start()
thread.join()
dying = Dying()
del dying
stumble()
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert ended.stderr.count("ValueError: no route for [number]") == 3
    assert "7946" not in ended.stderr


@pytest.mark.parametrize("kind", ["file", "journal", "pipe"])
def test_the_first_password_is_shown_but_never_kept_in_a_log(kind: str, tmp_path: Path) -> None:
    program = (
        "import os, pathlib, sys, softswitch.__main__ as m\n"
        "if sys.argv[1] == 'journal':\n"
        "    found = os.fstat(2); os.environ['JOURNAL_STREAM'] = f'{found.st_dev}:{found.st_ino}'\n"
        "m._tell_first_password('correct-horse', pathlib.Path(sys.argv[2]))"
    )
    log, folder = tmp_path / "stderr", tmp_path / "data"
    command = [sys.executable, "-c", program, kind, str(folder)]
    if kind == "file":
        with log.open("w") as stderr:
            subprocess.run(command, stderr=stderr, check=True, timeout=60)
        said = log.read_text()
    else:
        said = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True, timeout=60).stderr
    kept = list(folder.glob("*")) if folder.exists() else []
    if kind == "pipe":
        assert "correct-horse" in said and kept == []
        return
    assert "correct-horse" not in said
    (path,) = kept
    assert path.read_text() == "correct-horse\n" and path.stat().st_mode & 0o077 == 0
    assert str(path) in said
