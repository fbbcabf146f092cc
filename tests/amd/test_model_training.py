"""What the networks learn from is what they hear at work: the trainer's numbers against those of a call.

Not bit by bit: sums in vectors may run in another order in another kernel.
"""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from softswitch.codecs import g711

from softswitch.amd import beeps, features, lines, model
from softswitch.amd.beep_weights import INPUT, INPUT_BIAS, OUTPUT, OUTPUT_BIAS
from softswitch.amd.commands import read_wav
from softswitch.amd.state import new_states
from softswitch.amd.timing import ROW
from softswitch.amd.voice import CONTENT, INPUTS
from softswitch.amd.weights import FILE, OUTPUTS

ROOT = Path(__file__).resolve().parents[2]
BENCH = ROOT / "bench"
CORPUS = ROOT / ".." / "shared" / "amd" / "dev"
Samples = npt.NDArray[np.int16]
Floats = npt.NDArray[np.floating[Any]]


@pytest.fixture
def trainer(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCH))
    import amd_features

    return amd_features


def at_work(pcm: Samples) -> dict[str, Floats]:
    """What the detector's networks were shown and said in each step of a call."""
    states = new_states(1)
    network = states[0]["network"]
    steps = len(pcm) // 160
    shown = {name: np.zeros((steps, size)) for name, size in SIZES.items()}
    step = 0
    for start in range(0, steps * 160, 160):
        if not model.listening(states, 0):
            break
        model.receive_frame(states, 0, pcm[start : start + 160], 0.0)
        shown["inputs"][step] = network["voice"]["inputs"]
        shown["heard"][step] = network["voice"]["outputs"]
        shown["content"][step] = network["voice"]["content"]
        shown["rows"][step] = network["timing"]["row"]
        shown["outputs"][step] = network["outputs"]
        step += 1
    return {name: values[:step].astype(np.float32) for name, values in shown.items()}


SIZES = {"inputs": INPUTS, "heard": 2, "content": CONTENT, "rows": ROW, "outputs": OUTPUTS}


def noise(rms: float, ms: int = 3000) -> Floats:
    return np.random.default_rng(3).normal(0, rms, ms * 8)


def buzz(rms: float, ms: int = 3000) -> Floats:
    """A voice of sorts: harmonics in syllables and phrases."""
    time = np.arange(ms * 8) / 8000
    wave = sum(np.cos(2 * np.pi * 130 * k * time + k * k) / (1 + k / 4) for k in range(1, 22))
    wave = wave * (0.1 + np.abs(np.sin(np.pi * time / 0.2))) * (time % 1.3 < 0.9)
    return np.asarray(wave / np.sqrt(np.mean(wave**2)) * rms)


SOUNDS: dict[str, Callable[[], Floats]] = {
    "digital silence": lambda: np.zeros(24000),
    "the least that G.711 can say": lambda: np.sign(noise(1.0)) * 8,
    "comfort noise": lambda: noise(6.0),
    "a loud room": lambda: noise(3000.0),
    "a voice": lambda: buzz(2500.0),
    "a faint voice after silence": lambda: np.concatenate([np.zeros(8000), buzz(60.0)]),
    "a voice that is cut off": lambda: np.concatenate([buzz(9000.0, 1500), np.zeros(12000)]),
    "a clipped voice": lambda: np.clip(buzz(30000.0), -32768, 32767),
    "a tone": lambda: 9000 * np.sin(2 * np.pi * 1000 * np.arange(24000) / 8000),
    "half a packet at the end": lambda: noise(400.0)[:20080],
}


def assert_alike(trainer: Any, pcm: Samples) -> None:
    call = at_work(pcm)
    steps = len(call["inputs"])
    heard = trainer.hear(pcm)[None, :steps]
    np.testing.assert_allclose(trainer.voice_inputs(heard)[0], call["inputs"], atol=1e-4)
    rows = trainer.judge_rows(heard, call["heard"][None], call["content"][None])[0]
    np.testing.assert_allclose(rows, call["rows"], atol=1e-4)


@pytest.mark.parametrize("law", ["PCMU", "PCMA", ""])
@pytest.mark.parametrize("sound", SOUNDS)
def test_the_trainer_shows_the_networks_what_a_call_shows_them(trainer: Any, sound: str, law: str) -> None:
    pcm = np.clip(np.round(SOUNDS[sound]()), -32768, 32767).astype(np.int16)
    if law:
        coded, pcm = g711.encode(law, pcm), np.empty_like(pcm)
        (g711.decode_ulaw if law == "PCMU" else g711.decode_alaw)(coded, pcm)
    assert_alike(trainer, pcm)


def test_clips_side_by_side_are_shown_as_each_alone(trainer: Any) -> None:
    heard = np.stack([trainer.hear(np.round(SOUNDS[name]()))[:120] for name in ("a voice", "digital silence")])
    np.testing.assert_array_equal(trainer.voice_inputs(heard)[1], trainer.voice_inputs(heard[1:])[0])


@pytest.mark.skipif(not (CORPUS / "labels.csv").is_file(), reason="the clips (../shared/amd/dev) are not here")
def test_a_clip_of_every_kind_is_shown_as_a_call_would_be(trainer: Any) -> None:
    with (CORPUS / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    kinds = {(row["label"], row["subtype"], row["noise"] == "none"): row["file"] for row in rows}
    assert len(kinds) > 40
    for name in kinds.values():
        assert_alike(trainer, read_wav(CORPUS / name))


def _layer(stored: Any, name: str, values: Floats) -> Floats:
    return np.asarray(values @ stored[f"{name}_weight"].astype(float) + stored[f"{name}_bias"])


def test_the_kernels_compute_what_the_stored_matrices_say() -> None:
    call = at_work(np.round(buzz(2000.0, 4000) + noise(100.0, 4000)).astype(np.int16))
    with np.load(FILE) as stored:
        wide = np.maximum(_layer(stored, "voice_wide", call["inputs"]), 0)
        content = np.maximum(_layer(stored, "voice_content", wide), 0)
        heard = 1 / (1 + np.exp(-_layer(stored, "voice_outputs", content)))
        first = np.maximum(_layer(stored, "judge_first", call["rows"]), 0)
        told = _layer(stored, "judge_outputs", np.maximum(_layer(stored, "judge_second", first), 0))
    np.testing.assert_allclose(call["content"], content, atol=1e-3)
    np.testing.assert_allclose(call["heard"], heard, atol=1e-4)
    shares = np.exp(told[:, :-1] - told[:, :-1].max(axis=1, keepdims=True))
    np.testing.assert_allclose(call["outputs"][:, :-1], shares / shares.sum(axis=1, keepdims=True), atol=1e-4)
    np.testing.assert_allclose(call["outputs"][:, -1], 1 / (1 + np.exp(-told[:, -1])), atol=1e-4)


def test_the_beeps_network_is_weighed_in_training_as_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("soundfile")
    monkeypatch.syspath_prepend(str(BENCH))
    import amd_beeps

    pcm = np.concatenate([noise(30.0, 500), 6000 * np.sin(2 * np.pi * 900 * np.arange(3200) / 8000), noise(30.0, 500)])
    powers = amd_beeps.spectra(np.round(pcm))
    for block in (10, 60, 80):
        power = np.empty(features.HALF, np.float32)
        padded = np.concatenate([np.zeros(176), np.round(pcm)]).astype(np.int16)
        features.spectrum(padded[block * 80 : block * 80 + 256], power)
        np.testing.assert_allclose(powers[block], power, rtol=1e-3, atol=1e-6 * power.max())
    described, found = np.zeros((8, len(lines.DESCRIPTION)), np.float32), np.zeros(8, np.int64)
    count = amd_beeps.examples(powers, np.zeros(1, lines.LINES)[0], described, found)
    assert count >= 1
    layers = [layer.astype(float) for layer in (INPUT, INPUT_BIAS, OUTPUT, OUTPUT_BIAS)]
    scores = amd_beeps.score(layers, amd_beeps.prepared(described[:count]))
    space = np.zeros(len(lines.DESCRIPTION), np.float32)
    for one, score in zip(described[:count], scores, strict=True):
        assert beeps.likelihood(one, space) == pytest.approx(float(np.squeeze(score)), abs=1e-3)
