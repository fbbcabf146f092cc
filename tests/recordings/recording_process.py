"""Processes that record a made-up timeline each, until they are killed: python recording_process.py FOLDER KEY COUNT.

Prints, as a line of JSON, the pid of each and the CLOCK_MONOTONIC second at which its recording begins.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from numba import njit
from softswitch.codecs.g711 import ALAW_TO_LINEAR, ULAW_TO_LINEAR

from softswitch.media import timeline, writing
from softswitch.media.layout import RECEIVED, SENT, create_block, map_block
from softswitch.media.recorder import Recorder

SAMPLE_NS = 125_000


def codes(first, end):
    """(2, n) uint8: what is said at these positions, in the µ-law and in the A-law; each second sounds different."""
    at = np.arange(first, end)
    return np.stack([(at // 7 + at // 8000) % 256, (at // 11) % 256]).astype(np.uint8)


def speech(first, end):
    """(n, 2) int16: the same, as it is heard."""
    left, right = codes(first, end)
    return np.stack([ULAW_TO_LINEAR[left], ALAW_TO_LINEAR[right]], 1)


@njit
def speak(times, position, said):
    """Be the worker of leg 0."""
    timeline.lay(times, 0, SENT, position, said[0], said.shape[1], 0)
    timeline.lay(times, 0, RECEIVED, position, said[1], said.shape[1], 1)
    timeline.seal(times, 0, position + said.shape[1] - timeline.SETTLE_SAMPLES)


def record(path, key, parent):
    """Be worker and recorder of one leg."""
    block = map_block(create_block(1, 0, 0), 1, 0, 0)
    times = timeline.new_timelines(1)
    encoded = os.fsencode(path)
    block.paths[0, : len(encoded)] = np.frombuffer(encoded, np.uint8)
    line, laid, began_ns = times.lines[0], 0, time.monotonic_ns()
    line["epoch_ns"] = began_ns
    line["recording"] = timeline.RECORDING
    times.roster[:] = 1, 0
    Recorder(block, times, os.eventfd(0), key).start()
    told = json.dumps({"pid": os.getpid(), "began": began_ns / 1e9, "name": Path(path).name})
    os.write(1, f"{told}\n".encode())  # in one piece: others write there too
    while os.getppid() == parent:
        time.sleep(0.02)
        # A machine that stood still for longer than the ring lasts loses nothing here: it speaks later.
        here = min((time.monotonic_ns() - began_ns) // SAMPLE_NS, int(line["taken"]) + timeline.SIZE)
        speak(times, laid, codes(laid, here))
        laid = here
    os._exit(1)


def main(folder, key, count):
    times = timeline.new_timelines(1)
    writing.write_due(times, writing.new_pen(1), 0)
    speak(times, 0, codes(0, 160))
    parent = os.getpid()
    for index in range(count):
        if os.fork() == 0:
            record(f"{folder}/call-{index}.ssr", bytes.fromhex(key), parent)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
