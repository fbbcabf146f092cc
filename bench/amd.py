"""What does one 20 ms packet cost the answering-machine detector? Microseconds of a core, call from Python included.

python bench/amd.py --json -
"""

import time

import numpy as np
from figures import parser, report

from softswitch.amd import model
from softswitch.amd.state import new_states

LEGS = 60
PACKETS = 200


def run(legs: int) -> dict[str, float]:
    rng = np.random.default_rng(1)
    frames = rng.normal(0, 30, (PACKETS, 160)).astype(np.int16)  # line noise: no verdict, so every block is judged
    states = new_states(legs)
    model.receive_frame(states, 0, frames[0], 0.0)  # compiles
    started = time.process_time()
    for frame in frames:
        for leg in range(legs):
            model.receive_frame(states, leg, frame, 0.0)
    us = (time.process_time() - started) / (PACKETS * legs) * 1e6
    return {"us_per_frame": us, "legs": legs, "cpu_pct": us * 50 * legs / 1e4, "bytes_per_call": states.itemsize}


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--legs", type=int, default=LEGS)
    chosen = options.parse_args()
    report(run(chosen.legs), chosen.json)
