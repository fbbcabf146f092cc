"""Figures on labelled clips: the arithmetic, the reading of files, and the corpus where it is at hand."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from softswitch.codecs import g711

from softswitch.amd.commands import evaluate_folder, read_wav
from softswitch.amd.evaluate import Clip, evaluate, wilson_interval
from softswitch.errors import UsageError

SHARED = Path(__file__).resolve().parents[3] / "shared"
CORPUS = SHARED / "amd" / "dev"
VOICES = SHARED / "voices"


def wav(tag: int, bits: int, body: bytes, rate_hz: int = 8000, channels: int = 1) -> bytes:
    frame = channels * bits // 8
    header = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * frame, frame, bits)
    chunks = b"fmt " + struct.pack("<I", len(header)) + header + b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def test_wilson_intervals_are_those_of_the_textbook() -> None:
    assert wilson_interval(5, 330) == pytest.approx((0.0065, 0.0350), abs=1e-4)
    assert wilson_interval(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson_interval(0, 0) == (0.0, 1.0)


def test_linear_and_g711_files_are_read_alike(tmp_path: Path) -> None:
    samples = (8000 * np.sin(np.arange(1600) / 5)).astype(np.int16)
    (tmp_path / "linear.wav").write_bytes(wav(1, 16, samples.tobytes()))
    (tmp_path / "ulaw.wav").write_bytes(wav(7, 8, g711.encode("PCMU", samples).tobytes()))
    (tmp_path / "alaw.wav").write_bytes(wav(6, 8, g711.encode("PCMA", samples).tobytes()))
    np.testing.assert_array_equal(read_wav(tmp_path / "linear.wav"), samples)
    for name in ("ulaw.wav", "alaw.wav"):
        assert np.abs(read_wav(tmp_path / name).astype(int) - samples).max() < 300


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a wave file at all",
        wav(1, 16, b"\0\0", rate_hz=16000),
        wav(1, 16, b"\0" * 4, channels=2),
        b"RIFF\0\0\0\0WAVE",
    ],
)
def test_a_file_that_is_no_telephone_recording_is_refused_with_its_name(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "odd.wav"
    path.write_bytes(data)
    with pytest.raises(UsageError, match=r"odd\.wav"):
        read_wav(path)


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"labels\.csv"):
        evaluate_folder(tmp_path)


def test_silent_clips_give_a_summary_that_json_can_hold() -> None:
    clips = [
        Clip("a", "HUMAN", np.zeros(80000, np.int16), 500.0, 900.0),
        Clip("b", "MACHINE", np.zeros(80000, np.int16)),
    ]
    decisions, summary = evaluate(clips)
    assert [decision.verdict.name for decision in decisions] == ["NOTSURE", "NOTSURE"]
    assert summary["confusion"] == {"HUMAN": {"NOTSURE": 1}, "MACHINE": {"NOTSURE": 1}}
    json.dumps(summary)


@pytest.mark.skipif(not VOICES.is_dir(), reason="the project's voices (../shared/voices) are not here")
@pytest.mark.parametrize("marked", [False, True], ids=["plain", "with a marker tone"])
def test_people_and_machines_of_the_demo_are_told_apart(marked: bool) -> None:
    clips = []
    for path in sorted(VOICES.glob("*.wav")):
        if path.name.startswith(("human-hello", "human-business", "machine-greeting", "machine-screening")):
            pcm = np.concatenate([np.zeros(2400, np.int16), read_wav(path), np.zeros(48000, np.int16)])
            if marked:
                time = np.arange(len(pcm) - 12000) / 8000
                pcm[12000:] += (583 * np.sin(2 * np.pi * 2600 * time)).astype(np.int16)  # -38 dBov
            label = "HUMAN" if path.name.startswith("human") else "MACHINE"
            clips.append(Clip(path.name, label, pcm))
    decisions, _ = evaluate(clips)
    verdicts = {decision.name: decision.verdict.name for decision in decisions}
    assert {verdict for name, verdict in verdicts.items() if name.startswith("human")} == {"HUMAN"}
    # machine-greeting-3 is seven words and a silence; only its beep, which the clip lacks, could give it away.
    missed = {name for name, verdict in verdicts.items() if name.startswith("machine") and verdict != "MACHINE"}
    assert missed <= {"machine-greeting-3.wav"}


@pytest.mark.skipif(
    not (CORPUS / "labels.csv").is_file(), reason="the development corpus (../shared/amd/dev) is not here"
)
def test_on_the_corpus_few_people_are_taken_for_machines_and_most_machines_are_found() -> None:
    summary = evaluate_folder(CORPUS, every=4)
    people, machines = summary["human_as_machine"], summary["machine_recall"]
    assert isinstance(people, dict)
    assert isinstance(machines, dict)
    assert people["clips"] > 60
    assert people["share"] <= 0.05
    assert machines["share"] >= 0.65
