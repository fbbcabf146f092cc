"""What does one 20 ms packet cost the answering-machine detector? Microseconds of a core; run: python bench/amd.py."""

import time

import numpy as np

from softswitch.amd import model

LEGS = 60
SECONDS = 8.0


def run() -> float:
    rng = np.random.default_rng(1)
    frames = rng.normal(0, 30, (400, 160)).astype(np.int16)  # line noise: no verdict, so every block is judged
    states = model.new_states(LEGS)
    model.receive_frame(states, 0, frames[0], 0.0)  # compiles
    packets = int(SECONDS * 50 / 2)
    started = time.process_time()
    for packet in range(packets):
        for leg in range(LEGS):
            model.receive_frame(states, leg, frames[packet], 0.0)
    return (time.process_time() - started) / (packets * LEGS) * 1e6


if __name__ == "__main__":
    cost = run()
    print(
        f"{cost:.1f} µs a packet, call from Python included: {cost * 50 * LEGS / 1e4:.1f} % of a core for {LEGS} legs"
    )
