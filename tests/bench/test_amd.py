"""bench/amd.py and the methods it compares with: each parameter of app_amd does what its configuration file says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.fixture
def baselines(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCH))
    import amd_baselines

    return amd_baselines


def call(*parts: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Parts of (ms, magnitude): a square wave, whose mean magnitude is its own."""
    return np.concatenate([np.resize(np.array([m, m, -m, -m], np.int16), ms * 8) for ms, m in parts])


@pytest.mark.parametrize(
    ("parts", "verdict", "ms"),
    [
        (((400, 0), (600, 3000), (2000, 0)), "HUMAN", 1800),
        (((400, 0), (2500, 3000)), "MACHINE", 1900),
        (((3000, 0),), "MACHINE", 2500),
        (((300, 0), (200, 3000), (100, 0), (200, 3000), (100, 0), (200, 3000), (900, 0)), "MACHINE", 1000),
        (((300, 0), (80, 3000), (3000, 0)), "MACHINE", 2580),
        (((400, 0), (600, 255), (3000, 0)), "MACHINE", 2500),
        (((400, 0), (600, 257), (2000, 0)), "HUMAN", 1800),
    ],
    ids=["a short word", "voice runs on", "nothing", "three words", "a click", "below the threshold", "above it"],
)
def test_app_amd_decides_as_its_parameters_say(baselines: Any, parts: tuple[Any, ...], verdict: str, ms: int) -> None:
    decided = baselines.app_amd(call(*parts), baselines.DEFAULT)
    assert decided == (getattr(baselines, verdict), ms)


def test_app_amd_gives_up_when_its_time_is_over(baselines: Any) -> None:
    patient = baselines.DEFAULT._replace(greeting=9000, initial_silence=9000, maximum_word_length=9000)
    assert baselines.app_amd(call((8000, 3000)), patient) == (baselines.NOTSURE, 5000)


def test_the_voice_rule_waits_for_silence_after_speech(baselines: Any) -> None:
    pytest.importorskip("webrtcvad")
    dead = np.zeros(48000, np.int16)
    assert baselines.VoiceRule().decide(dead) == (baselines.NOTSURE, 5000)
    rng = np.random.default_rng(1)
    time = np.arange(8000) / 8000
    voice = sum(np.sin(2 * np.pi * 140 * k * time + k) / k for k in range(1, 20)) * (1 + np.sin(2 * np.pi * 5 * time))
    spoken = np.concatenate([np.zeros(4000), 4000 * voice, np.zeros(16000)]) + rng.normal(0, 3, 28000)
    verdict, ms = baselines.VoiceRule(mode=1).decide(spoken.astype(np.int16))
    assert verdict == baselines.HUMAN
    assert 1500 + 700 <= ms <= 1500 + 1300


@pytest.mark.timeout(420)  # a first start compiles
def test_the_bench_times_calls_of_noise_where_there_are_no_clips(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(BENCH / "amd.py"),
        "--clips",
        str(tmp_path),
        "--calls",
        "4",
        "--frames",
        "20",
        "--json",
        "-",
    ]
    run = subprocess.run(command, capture_output=True, text=True, timeout=400, check=True)
    figures = json.loads(run.stdout)
    assert figures.keys() >= {"us_per_frame", "us_per_frame_4", "core_pct_4", "bytes_per_call"}
    assert 0 < figures["us_per_frame"] < 20_000, "a frame's own time, on however slow a machine"
    assert figures["bytes_per_call"] <= 8192
    assert figures["methods"] == {}
