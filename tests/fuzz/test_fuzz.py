"""Half a minute of fuzzing; `make fuzz` takes ten."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import target
from tests.fuzz.seeds import seeds

ROOT = Path(__file__).parents[2]
FUZZING_S = 30


@pytest.mark.parametrize("kind", sorted(target.CHECKS))
def test_every_seed_holds(kind: bytes) -> None:
    for seed in seeds():
        if seed[:1] == kind:
            target.check(seed)


@pytest.mark.timeout(FUZZING_S + 90)
def test_half_a_minute_of_fuzzing_finds_nothing(tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    command = [sys.executable, "-m", "tests.fuzz.fuzz_sip", str(tmp_path), f"-max_total_time={FUZZING_S}"]
    run = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=FUZZING_S + 80, check=False
    )
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-4000:]
    done = re.search(r"Done (\d+) runs", run.stderr)
    assert done is not None
    assert int(done[1]) > 5_000, "too few runs to mean anything"
    assert not list((tmp_path / "broken").iterdir())
