"""Some thousand inputs of the fuzzer's own making; `make fuzz` takes ten minutes."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import target
from tests.fuzz.seeds import seeds

ROOT = Path(__file__).parents[2]
RUNS = 30_000


@pytest.mark.parametrize("kind", sorted(target.CHECKS))
def test_every_seed_holds(kind: bytes) -> None:
    for seed in seeds():
        if seed[:1] == kind:
            target.check(seed)


def test_thirty_thousand_inputs_of_the_fuzzers_own_making_break_nothing(tmp_path: Path) -> None:
    pytest.importorskip("atheris")
    fuzzer = [sys.executable, "-m", "tests.fuzz.fuzz_sip", str(tmp_path), f"-runs={RUNS}"]
    # The peak that libFuzzer limits outlives exec: started from here it would begin at the memory of all tests so far.
    alone = ["sh", "-c", '"$@"; exit $?', "sh", *fuzzer]
    run = subprocess.run(alone, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    assert run.returncode == 0, run.stdout[-2000:] + run.stderr[-4000:]
    assert f"Done {RUNS} runs" in run.stderr
    assert not list((tmp_path / "broken").iterdir())
