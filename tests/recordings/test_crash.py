"""A recording whose process is killed: it reads up to within a second of the kill, and only to the auditor."""

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from softswitch.recordings.inspection import inspect_folder
from softswitch.recordings.ledger import UNFINISHED, Ledger
from softswitch.recordings.reading import read_sound
from tests.auditor import AUDITOR
from tests.recordings.recording_process import speech

KILLS = 20
LONGEST_S = 6.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("killed")


@pytest.fixture(scope="module")
def killed(folder):
    """(path, how long it had been recorded when it was killed) of twenty recordings."""
    command = [sys.executable, str(Path(__file__).with_name("recording_process.py")), str(folder)]
    parent = subprocess.Popen(
        [*command, AUDITOR.public.hex(), str(KILLS)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    chance = random.Random(4)
    all_told = [json.loads(parent.stdout.readline()) for _ in range(KILLS)]
    begun = time.monotonic()
    waiting = [(begun + chance.uniform(0.5, LONGEST_S), told) for told in all_told]
    ended = []
    for at, told in sorted(waiting, key=lambda each: each[0]):
        time.sleep(max(0.0, at - time.monotonic()))
        process = os.pidfd_open(told["pid"])
        signal.pidfd_send_signal(process, signal.SIGKILL)
        ended.append((folder / told["name"], time.monotonic() - told["began"]))
        assert select.select([process], [], [], 20.0)[0], "a killed process has its lock until it is gone"
        os.close(process)
    parent.stdin.close()
    parent.wait()
    parent.stdout.close()
    return ended


@pytest.fixture(scope="module")
def read(killed):
    """(path, how long it had been recorded, what is heard) of each, as the killed process left it."""
    return [(path, lasted_s, read_sound(path, AUDITOR)) for path, lasted_s in killed]


@pytest.fixture(scope="module")
def adopted(folder, read):
    """What a ledger makes of them, opened afterwards."""
    return Ledger(folder).adopt()


def test_a_recording_that_is_killed_at_any_moment_reads_up_to_within_a_second(folder, read, adopted):
    for path, lasted_s, heard in read:
        assert not heard.is_finished
        assert lasted_s - len(heard.samples) / 8000 < 1.0, path.name
        assert np.array_equal(heard.samples, speech(0, len(heard.samples)))
    assert len(adopted) == KILLS
    assert {entry.state for entry in adopted} == {UNFINISHED}
    assert inspect_folder(folder, AUDITOR).troubles == []


def test_what_is_left_on_disk_holds_neither_audio_nor_key_and_is_for_the_owner_alone(folder, adopted):
    said = speech(0, 48_000)
    patterns = [said[start : start + 16, channel].tobytes() for start in range(0, 48_000, 16) for channel in (0, 1)]
    patterns += [bytes(16), AUDITOR.private]
    files = list(folder.iterdir())
    assert len(files) == KILLS + 1
    for path in files:
        assert path.stat().st_mode & 0o777 == 0o600
        content = path.read_bytes()
        assert not any(pattern in content for pattern in patterns)
        if len(content) > 20_000:
            counts = np.bincount(np.frombuffer(content[200:], np.uint8), minlength=256)
            expected = counts.sum() / 256
            assert ((counts - expected) ** 2 / expected).sum() < 400  # χ² of 255 degrees of freedom: no pattern at all
