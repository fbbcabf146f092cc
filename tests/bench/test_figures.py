"""What a benchmark writes to standard output is one JSON object, whatever the product logs meanwhile."""

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2] / "bench"
BENCHMARK = """
import structlog
from figures import parser, report
told = parser("what is asked").parse_args()
structlog.get_logger().warning("interlock open", interlock="supervisor")
report({"calls": 3}, told.json)
"""


def test_what_is_logged_stays_out_of_the_figures() -> None:
    command = [sys.executable, "-c", BENCHMARK, "--json", "-"]
    run = subprocess.run(command, cwd=BENCH, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(run.stdout) == {"calls": 3}
    assert "interlock open" in run.stderr
