"""What does recording cost, in % of a core, when so many calls are recorded at once?

    python bench/recording.py --calls 1000 --seconds 10 --json -

Both sides of every call speak G.711 noise without a pause, laid onto the timelines as the worker does; only the CPU of
the recorder's two threads counts, from their own clocks. The files go into a temporary folder.
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from figures import parser, report

from softswitch.media import timeline, writing
from softswitch.media.kernels import kernel
from softswitch.media.layout import RECORDER_EVENTS, create_block, map_block
from softswitch.media.libc import CLOCK_MONOTONIC, clock_ns, sleep_until
from softswitch.media.recorder import Recorder
from softswitch.recordings.keys import new_key_pair

SAMPLE_NS = 125_000
PASS_NS = 20_000_000
FRAME = 128  # so that the ring holds a whole number of them


def measure(calls: int, seconds: float, *, linear: bool) -> dict[str, Any]:
    """One run.  linear: silence between frames of the A-law, which is written as linear samples."""
    block = map_block(create_block(calls, 0, 0), calls, 0, 0)
    times = timeline.new_timelines(calls)
    writing.write_due(times, writing.new_pen(1), 0)
    noise = np.random.default_rng(1).integers(0, 256, (2, timeline.SIZE)).astype(np.uint8)
    timespec = np.zeros(2, np.int64)
    frame = FRAME - linear
    speak(times, noise, frame, 0, 0, timespec)
    times.roster[0], times.roster[1:] = calls, np.arange(calls)
    with tempfile.TemporaryDirectory(prefix="recording-benchmark-") as folder:
        for slot in range(calls):
            path = os.fsencode(f"{folder}/{slot}.ssr")
            block.paths[slot, : len(path)] = np.frombuffer(path, np.uint8)
        recorder = Recorder(block, times, os.eventfd(0, os.EFD_NONBLOCK), new_key_pair().public)
        recorder.start()
        clocks = [time.pthread_getcpuclockid(thread.ident) for thread in (recorder, recorder._binder) if thread.ident]
        began = time.monotonic_ns()
        times.lines["epoch_ns"], times.lines["recording"] = began, timeline.RECORDING
        speak(times, noise, frame, began, began + 2_000_000_000, timespec)
        before, since = _spent(clocks), time.monotonic_ns()
        speak(times, noise, frame, began, since + int(seconds * 1e9), timespec)
        spent_s, took_s = _spent(clocks) - before, (time.monotonic_ns() - since) / 1e9
        times.lines["record_to"] = times.lines["sealed"]
        times.lines["recording"] = timeline.ENDING
        closing, closing_cpu_s = time.monotonic(), _spent(clocks)
        while not (times.lines["recording"] == timeline.DONE).all():
            time.sleep(0.01)
        closed_s = time.monotonic() - closing
        closing_cpu_s = _spent(clocks) - closing_cpu_s
        recorder.finish()
        recorder.join()
        written = sum(path.stat().st_size for path in Path(folder).glob("*.ssr"))
        recorded_s = float(times.lines["stored"].sum()) / 8000
    assert block.shared.cursors[RECORDER_EVENTS, 0] == calls
    return {
        "calls": calls,
        "cpu_pct": round(100 * spent_s / took_s, 1),
        "us_per_recorded_s": round(1e6 * spent_s / took_s / calls, 1),
        "kb_per_recorded_s": round(written / recorded_s / 1000, 2),
        "frames_lost": int(times.lines["frames_lost"].sum()),
        "all_closed_s": round(closed_s, 2),
        "close_us": round(1e6 * closing_cpu_s / calls, 1),
    }


@kernel
def speak(times: Any, noise: Any, samples: int, began: int, until: int, timespec: Any) -> None:
    """Lay both sides and move `sealed` on, in real time, until a moment; as the worker, it never holds the GIL.

    samples: how many of each FRAME are laid.
    """
    now = clock_ns(CLOCK_MONOTONIC, timespec)
    laid = times.lines[0].sealed
    while now < until:
        here = (now - began) // SAMPLE_NS - timeline.SETTLE_SAMPLES
        while laid + FRAME <= here:
            for slot in range(times.lines.size):
                for direction in range(2):
                    at = laid & (timeline.SIZE - 1)
                    timeline.lay(times, slot, direction, laid, noise[direction, at : at + FRAME], samples, 1)
                timeline.seal(times, slot, laid + FRAME)
            laid += FRAME
        sleep_until(now + PASS_NS, timespec)
        now = clock_ns(CLOCK_MONOTONIC, timespec)


def _spent(clocks: list[int]) -> float:
    return sum(time.clock_gettime(clock) for clock in clocks)


if __name__ == "__main__":
    options = parser((__doc__ or "").splitlines()[0])
    options.add_argument("--calls", type=int, default=1000)
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--linear", action="store_true", help="lose a sample of each frame: 16 bits a sample")
    chosen = options.parse_args()
    report(measure(chosen.calls, chosen.seconds, linear=chosen.linear), chosen.json)
