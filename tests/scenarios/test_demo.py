"""`softswitch demo` and `softswitch run` as a user starts them: programs of their own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from softswitch.demo.report import AGENTS
from softswitch.dialler.agents import AgentState
from tests.interop.site import write_site

KEYS = {
    "healthy", "calls", "bridged", "abandoned_rate", "answer_to_agent_ms_p50", "answer_to_agent_ms_p99",
    "agent_utilisation", "packets_lost", "recordings", "amd", "outcomes",
}  # fmt: skip


def test_every_state_of_an_agent_has_a_colour_in_the_picture() -> None:
    assert set(AGENTS) == set(AgentState)


@pytest.mark.timeout(400)
def test_the_demo_runs_a_healthy_shift_and_leaves_nothing_running(tmp_path: Path) -> None:
    folder, figures_file = tmp_path / "demo", tmp_path / "figures.json"
    ran = subprocess.run(
        [sys.executable, "-m", "softswitch", "demo", "--plain", "--folder", folder, "--json", figures_file],
        capture_output=True, text=True, timeout=380, check=False,
    )  # fmt: skip
    assert figures_file.exists(), ran.stdout + ran.stderr
    figures = json.loads(figures_file.read_text())
    assert figures["faults"] == []
    assert ran.returncode == 0
    assert figures.keys() >= KEYS
    assert figures["healthy"] is True
    assert figures["calls"] == 60
    assert figures["bridged"] >= 30
    assert figures["recordings"]["written"] == figures["recordings"]["checked"] >= figures["bridged"]
    assert sum(figures["outcomes"].values()) == 60
    assert {"busy": 8, "refused": 4, "invalid-number": 2}.items() <= figures["outcomes"].items()
    assert (folder / "shift.png").read_bytes().startswith(b"\x89PNG")
    assert "healthy" in ran.stdout
    left = subprocess.run(["pgrep", "-f", str(folder)], capture_output=True, text=True, check=False).stdout
    assert left == ""


def test_run_serves_until_it_is_told_to_end_and_shows_the_first_password_once(tmp_path: Path) -> None:
    configuration = write_site(tmp_path, trunk_port=5999, numbers=["+442079460101"])

    def start() -> tuple[subprocess.Popen[str], str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "softswitch", "run", configuration],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env={**os.environ, "COLUMNS": "200"},
        )  # fmt: skip
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if "Ready" in line:
                return process, said
        raise AssertionError(f"it ended with {process.wait()}: {said}")

    def stop(process: subprocess.Popen[str]) -> None:
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0
        assert process.stderr is not None
        process.stderr.close()

    process, said = start()
    try:
        assert "password" in said
        url = re.search(r"web on (http\S+/)", said)
        assert url is not None
        with urllib.request.urlopen(f"{url[1]}healthz", timeout=60) as answer:
            assert json.load(answer) == {"status": "ok"}
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{url[1]}metrics", timeout=60)
    finally:
        stop(process)
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "data").rglob("*"))
    time.sleep(0.1)
    process, said = start()
    try:
        assert "password" not in said
    finally:
        stop(process)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("[sip]", "[spi]"), r"line \d+.*spi"),
        (("port = 0", 'port = "many"'), r"line \d+.*port"),
        (('information_message = "information"', 'information_message = "informaton"'), r'did you mean "information"'),
    ],
)
def test_check_names_line_and_key_of_a_mistake(change: tuple[str, str], told: str, tmp_path: Path) -> None:
    path = write_site(tmp_path, trunk_port=5999, numbers=["+442079460101"])
    path.write_text(path.read_text().replace(*change, 1))
    for command in ("check", "run"):
        ran = subprocess.run(
            [sys.executable, "-m", "softswitch", command, path],
            capture_output=True, text=True, timeout=150, check=False, env={**os.environ, "COLUMNS": "200"},
        )  # fmt: skip
        assert ran.returncode in (1, 2)
        assert re.search(told, ran.stdout + ran.stderr)
        assert "Traceback" not in ran.stderr
