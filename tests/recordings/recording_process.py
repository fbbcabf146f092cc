"""Processes that record a made-up timeline each, until they are killed: python recording_process.py FOLDER KEY COUNT.

Prints, as a line of JSON, the pid of each and the CLOCK_MONOTONIC second at which its recording begins.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from softswitch.codecs.g711 import ALAW_TO_LINEAR, ULAW_TO_LINEAR

from softswitch.media import packing, timeline
from softswitch.media.layout import create_block, map_block
from softswitch.media.recorder import Recorder

SAMPLE_NS = 125_000


def speech(first, end):
    """(n, 2) int16: what is said at these positions; each second sounds different."""
    at = np.arange(first, end)
    return np.stack([ULAW_TO_LINEAR[(at // 7 + at // 8000) % 256], ALAW_TO_LINEAR[(at // 11) % 256]], 1)


def record(path, key, parent):
    """Be worker and recorder of one leg."""
    block = map_block(create_block(1, 0, 0), 1, 0, 0)
    times = timeline.new_timelines(1)
    encoded = os.fsencode(path)
    block.paths[0, : len(encoded)] = np.frombuffer(encoded, np.uint8)
    line, laid, began_ns = times.lines[0], 0, time.monotonic_ns()
    line["epoch_ns"] = began_ns
    line["recording"] = timeline.RECORDING
    Recorder(block, times, os.eventfd(0), key).start()
    told = json.dumps({"pid": os.getpid(), "began": began_ns / 1e9, "name": Path(path).name})
    os.write(1, f"{told}\n".encode())  # in one piece: others write there too
    while os.getppid() == parent:
        time.sleep(0.02)
        here = (time.monotonic_ns() - began_ns) // SAMPLE_NS
        places = np.arange(laid, here) % timeline.SIZE
        said = speech(laid, here)
        times.audio[0, 1, places], times.audio[0, 0, places] = said[:, 0], said[:, 1]
        laid = here
        line["sealed"] = max(0, here - timeline.SETTLE_SAMPLES)
    os._exit(1)


def main(folder, key, count):
    packing.take(timeline.new_timelines(1), 0, packing.new_codes(), np.zeros(packing.MOST_TEXT_BYTES, np.uint8))
    parent = os.getpid()
    for index in range(count):
        if os.fork() == 0:
            record(f"{folder}/call-{index}.ssr", bytes.fromhex(key), parent)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
