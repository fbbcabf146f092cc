"""A test in real time that fails is run again where the machine was short of time, and only there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import real_time
from tests.conftest import LANES, LONGEST_FIRST, lane_of
from tests.real_time import Shortage, is_in_real_time

ROOT = Path(real_time.__file__).parents[1]
FAILS_ONCE = """
from pathlib import Path
import pytest

@pytest.fixture(scope="module")
def made(tmp_path_factory):
    file = Path("made")
    file.write_text(file.read_text() + "x" if file.exists() else "x")
    return file.read_text()

def test_that_needs_a_second_run(made):
    assert made == "xx"

def test_beside_it(made):
    assert made == "xx"
"""
FAILS_ALWAYS = """
def test_with_a_fault():
    with open("ran", "a") as file:
        file.write("x")
    raise ValueError("a fault of ours")
"""


def account(proc: Path, *, waited_s: float, stolen_s: float) -> Path:
    """A kernel's account of its processors."""
    (proc / "pressure").mkdir(exist_ok=True)
    (proc / "pressure/cpu").write_text(f"some avg10=0 avg60=0 avg300=0 total={waited_s * 1e6:.0f}\nfull total=0\n")
    (proc / "stat").write_text(f"cpu  9 9 9 9 9 9 9 {stolen_s * os.sysconf('SC_CLK_TCK'):.0f} 0 0\ncpu0 1\n")
    return proc


def test_the_share_is_what_somebody_waited_or_the_host_took(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(real_time, "monotonic", lambda: clock[0])
    shortage = Shortage(account(tmp_path, waited_s=7.0, stolen_s=50.0))
    clock[0] += 10.0
    assert shortage.share() == 0.0
    account(tmp_path, waited_s=9.5, stolen_s=50.0)
    assert shortage.share() == pytest.approx(0.25)
    account(tmp_path, waited_s=9.5, stolen_s=51.0)
    assert shortage.share() == pytest.approx(0.35)


def test_a_kernel_that_keeps_no_account_gives_the_benefit_of_the_doubt(tmp_path: Path) -> None:
    assert Shortage(tmp_path).share() == 1.0


def test_rooms_that_only_compute_have_no_second_chance() -> None:
    assert is_in_real_time("tests/media/test_relay.py::test_a[b]")
    assert not is_in_real_time("tests/sip/test_parser.py::test_a")
    assert not is_in_real_time("tests/mediation/test_parser.py::test_a")


def run(folder: Path, text: str, *, busy: bool) -> str:
    """What pytest says of this test, on a machine that is short of time or is not."""
    room = folder / "tests" / "media"
    room.mkdir(parents=True)
    (room / "test_it.py").write_text(text)
    (folder / "conftest.py").write_text(
        "from tests import real_time\n"
        f"real_time.Shortage.share = lambda shortage: {float(busy)}\n"
        "from tests.real_time import pytest_runtest_protocol, pytest_terminal_summary\n"
    )
    told = [sys.executable, "-m", "pytest", "-q", "--rootdir", ".", "--import-mode=importlib"]
    ran = subprocess.run(
        [*told, "-p", "no:cacheprovider", "tests"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return ran.stdout


def test_where_somebody_waited_it_is_run_again_from_its_first_fixture_and_named(tmp_path: Path) -> None:
    said = run(tmp_path, FAILS_ONCE, busy=True)
    assert "2 passed" in said
    assert "test_that_needs_a_second_run: somebody waited in 100% of its time" in said


def test_where_nobody_waited_a_failure_is_a_failure(tmp_path: Path) -> None:
    assert "2 failed" in run(tmp_path, FAILS_ONCE, busy=False)
    assert (tmp_path / "made").read_text() == "x"


def test_a_fault_fails_however_often_it_is_run(tmp_path: Path) -> None:
    said = run(tmp_path, FAILS_ALWAYS, busy=True)
    assert "1 failed" in said
    assert "a fault of ours" in said
    assert (tmp_path / "ran").read_text() == "xxx"


def test_every_lane_has_its_place_and_each_test_of_a_room_is_in_its_lane() -> None:
    assert set(LANES.values()) == set(LONGEST_FIRST)
    assert lane_of("tests/scenarios/test_kill.py::test_a") == "deaths"
    assert lane_of("tests/scenarios/test_calls.py::test_a") == "calls"
    assert lane_of("tests/media/test_relay.py::test_a[1]") == "media"
    assert lane_of("tests/media/test_jitter.py::test_a[1]") == "tests/media/test_jitter.py::test_a[1]"
    assert lane_of("tests/web/test_wallboard_page.py::test_a") == "pages"
    assert lane_of("tests/web/test_guard.py::test_a") == "tests/web/test_guard.py::test_a"
    assert lane_of("tests/sip/test_uri.py::test_a") == "tests/sip/test_uri.py::test_a"
