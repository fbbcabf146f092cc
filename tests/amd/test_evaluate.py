"""Clips streamed as the media plane streams them; the reading of folders; the command; the corpus if at hand."""

import csv
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from softswitch.codecs import g711
from typer.testing import CliRunner

from softswitch.amd import model
from softswitch.amd.commands import decide_all, evaluate_folder, read_corpus, read_wav
from softswitch.amd.evaluate import Clip, decide
from softswitch.amd.state import new_states
from softswitch.amd.verdict import OperatingPoint, Verdict
from softswitch.commands.amd import amd_app
from softswitch.errors import UsageError

SHARED = Path(__file__).resolve().parents[3] / "shared"
CORPUS = SHARED / "amd" / "dev"
VOICES = SHARED / "voices"
KEYS = {
    "human_as_machine",
    "human_as_human",
    "human_business_as_machine",
    "machine_recall_first",
    "machine_recall_final",
    "voicemail_recall_first",
    "human_decision_after_greeting_ms_p50",
    "human_decision_after_greeting_ms_p95",
    "human_handed_over_within_2s",
    "machine_decision_after_onset_ms_p50",
    "beep_recall",
    "beep_recall_no_noise",
    "beep_false",
    "silence_fax_ringback_as_human",
}

with_voices = pytest.mark.skipif(not VOICES.is_dir(), reason="the project's voices (../shared/voices) are not here")
with_corpus = pytest.mark.skipif(
    not (CORPUS / "labels.csv").is_file(), reason="the clips (../shared/amd/dev) are not here"
)


def wav(tag: int, bits: int, body: bytes, rate_hz: int = 8000, channels: int = 1) -> bytes:
    frame = channels * bits // 8
    header = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * frame, frame, bits)
    chunks = b"fmt " + struct.pack("<I", len(header)) + header + b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def burst(ms: int, hz: float) -> np.ndarray[Any, np.dtype[np.int16]]:
    return (8000 * np.sin(2 * np.pi * hz * np.arange(ms * 8) / 8000)).astype(np.int16)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four clips: a beep on a quiet line, silence, a calling fax, and a person's place holder."""
    quiet = np.zeros(8000, np.int16)
    clips = {
        "beep.wav": ("MACHINE", np.concatenate([quiet, burst(400, 1200.0), quiet, quiet]), "1000", "400"),
        "dead.wav": ("SILENCE", np.zeros(64000, np.int16), "", ""),
        "fax.wav": (
            "FAX",
            np.concatenate([quiet, burst(500, 1100.0), quiet, quiet, quiet, burst(500, 1100.0), quiet]),
            "",
            "",
        ),
        "more.wav": ("SILENCE", np.zeros(64000, np.int16), "", ""),
    }
    with (tmp_path / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label", "beep_ms_start", "beep_len_ms", "noise"])
        for name, (label, pcm, start, length) in clips.items():
            writer.writerow([name, label, start, length, "none"])
            (tmp_path / name).write_bytes(wav(7, 8, g711.encode("PCMU", pcm).tobytes()))
    return tmp_path


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


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.wav"):
        read_wav(tmp_path / "gone.wav")


def test_a_folder_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"labels\.csv"):
        evaluate_folder(tmp_path)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ("file,kind\na.wav,HUMAN\n", "columns file and label"),
        ("file,label\na.wav,PERSON\n", "line 2: the label 'PERSON'"),
        ("file,label,speech_end_ms\na.wav,HUMAN,soon\n", "line 2: speech_end_ms is 'soon'"),
    ],
)
def test_labels_that_cannot_be_used_are_named_with_their_line(tmp_path: Path, labels: str, told: str) -> None:
    (tmp_path / "labels.csv").write_text(labels)
    (tmp_path / "a.wav").write_bytes(wav(1, 16, b"\0\0" * 1600))
    with pytest.raises(UsageError, match=told):
        evaluate_folder(tmp_path)


def test_a_folder_may_tell_file_and_label_alone(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,label\na.wav,SILENCE\n", encoding="utf-8-sig")
    (tmp_path / "a.wav").write_bytes(wav(1, 16, b"\0\0" * 64000))
    assert evaluate_folder(tmp_path)["silence_fax_ringback_as_human"] == 0.0


def test_a_clip_is_heard_as_the_media_plane_would_let_it_be_heard(folder: Path) -> None:
    clip = next(iter(read_corpus(folder)))
    decision = decide(clip)
    states = new_states(1)
    said = []
    for start in range(0, len(clip.pcm) - 159, 160):
        flags = model.receive_frame(states, 0, clip.pcm[start : start + 160], (start + 160) / 8.0)
        if flags:
            said.append((start / 8.0 + 20.0, flags, Verdict(int(states[0]["verdict"]))))
    assert [(event.ms, event.flags, event.verdict) for event in decision.events] == said
    assert decision.heard_its_beep
    assert len(decision.shares) == len(clip.pcm) // 160


@pytest.mark.parametrize("point", list(OperatingPoint))
def test_clips_heard_side_by_side_are_heard_as_one_after_another(folder: Path, point: OperatingPoint) -> None:
    clips = list(read_corpus(folder)) * 4
    together = decide_all(clips, point)
    for clip, other in zip(clips, together, strict=True):
        alone = decide(clip, point)
        assert other.events == alone.events
        np.testing.assert_array_equal(other.shares, alone.shares)


@pytest.mark.parametrize("frame_ms", [10, 30, 40])
def test_the_packet_time_does_not_change_what_a_clip_is(folder: Path, frame_ms: int) -> None:
    for clip in read_corpus(folder):
        assert decide(clip, frame_ms=frame_ms).verdict is decide(clip).verdict


def test_a_packet_time_that_nobody_uses_is_refused() -> None:
    with pytest.raises(UsageError, match="10, 20, 30 or 40"):
        decide_all([Clip("a", "HUMAN", np.zeros(1600, np.int16))], OperatingPoint.BALANCED, 15)


def test_one_point_is_told_flat_and_under_its_name_and_all_of_them_under_theirs(folder: Path) -> None:
    one = evaluate_folder(folder, point="careful")
    assert set(one) >= KEYS
    assert one["careful"]["beep_recall"] == one["beep_recall"] == 1.0
    every = evaluate_folder(folder, point="all")
    assert list(every) == ["careful", "balanced", "fast"]
    for figures in every.values():
        assert set(figures) >= KEYS
        assert set(figures["intervals"]) == set(figures["counts"])
    with pytest.raises(UsageError, match="careful, balanced, fast or all"):
        evaluate_folder(folder, point="bold")


def test_each_clip_s_verdicts_are_written_when_asked_for(folder: Path) -> None:
    rows = evaluate_folder(folder, decisions=True)["balanced"]["decisions"]
    assert [row["file"] for row in rows] == ["beep.wav", "dead.wav", "fax.wav", "more.wav"]
    assert rows[2]["verdict"] == "FAX"
    assert rows[0]["beeps_ms"]


def test_the_command_prints_tables_and_writes_json_and_picture(folder: Path, tmp_path: Path) -> None:
    target, picture = tmp_path / "figures.json", tmp_path / "curve.png"
    ran = CliRunner().invoke(
        amd_app, ["evaluate", str(folder), "--json", str(target), "--plot", str(picture)], env={"COLUMNS": "160"}
    )
    assert ran.exit_code == 0, ran.output
    for word in ("human_as_machine", "the first verdict", "the verdict at the end", "silence_fax_ringback_as_human"):
        assert word in ran.output
    assert set(json.loads(target.read_text())) == {"careful", "balanced", "fast"}
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_json_on_standard_output_is_nothing_but_json(folder: Path) -> None:
    ran = CliRunner().invoke(amd_app, ["evaluate", str(folder), "--point", "fast", "--json", "-"])
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.output)["fast"]["clips"] == 4


@with_voices
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
    verdicts = {one.name: one.verdict.name for one in decide_all(clips, OperatingPoint.BALANCED)}
    assert {verdict for name, verdict in verdicts.items() if name.startswith("human")} <= {"HUMAN", "NOTSURE"}
    # machine-greeting-3 is seven words and a silence; only its beep, which the clip lacks, could give it away.
    missed = {name for name, verdict in verdicts.items() if name.startswith("machine") and verdict == "HUMAN"}
    assert missed <= {"machine-greeting-3.wav"}


@with_corpus
def test_on_the_corpus_few_people_are_taken_for_machines_and_most_machines_are_found() -> None:
    figures = evaluate_folder(CORPUS, every=4)
    assert figures["counts"]["human_as_machine"][1] > 60
    assert figures["human_as_machine"] <= 0.05
    assert figures["machine_recall_final"] >= 0.65
    assert figures["beep_recall_no_noise"] >= 0.95
    assert figures["beep_false"] <= 0.02
