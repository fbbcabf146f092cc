"""What does one relayed packet cost the media process, in µs of CPU, and how long is it delayed?

    python bench/relay.py --calls 1000 --seconds 10 --json -
    python bench/relay.py --calls 1000 --record --peer rtpengine --rounds 3 --json -

Starts the plane as shipped and drives two-leg G.711 calls at 50 packets/s each way from a generator in a process and
session of its own. CPU is that of the media processes alone (utime + stime in /proc/PID/stat) while `seconds` pass,
divided by the packets delivered meanwhile. With `--peer` rounds of ours and of the peer alternate, under the same load.

`--record` has two parts of so many seconds each: first answering-machine detection listens to every call all the time
(`us_per_packet`), then to none, as once its verdicts are final (`us_per_packet_after_amd`). With `--amd-share 0.05` it
listens to one call in twenty at any time, as where calls last a minute and verdicts are final after three seconds.

Memory a call is what the process itself has written, without the pages of programs and libraries that come in as they
are first used. `frames_concealed` is what jitter buffers made up, the end of each call included; those frames come to
the generator as `foreign_packets`.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from figures import parser, report
from generator import (
    DELIVERED,
    DUPLICATES,
    FOREIGN,
    JITTER,
    LATENCY,
    LATENESS,
    RECEIVED,
    SENT,
    Generator,
    percentile_us,
)
from processes import cpu_s, prefer, resident_kb, threads_cpu_s
from servers import PLANE_FIRST_PORT, Load, Ours, Peer, Server

SETTLE_S = 0.5
"""Until commands have been carried out and caches know the new load."""
FELL_BEHIND_US = 200_000.0
"""A generator that is held up for so long no longer offers the load that it should: measure again."""


@dataclass(slots=True)
class Round:
    """What one run of a server has shown."""

    cpu_s: float
    took_s: float
    delivered: int
    grown_kb: float
    loaded_kb: float
    generator_cpu_s: float
    counts: Any
    histograms: Any
    threads_cpu_s: list[float]
    after_amd: tuple[float, int] = (0.0, 0)
    """CPU seconds and packets delivered, once detection has ended."""
    more: dict[str, Any] = field(default_factory=dict)


async def run_round(server: Server, load: Load, *, profile: bool = False) -> Round:
    """Start the server, put it under load, stop it.  profile: print where its time goes, if `perf` is here."""
    whole_s = 2 * load.seconds + SETTLE_S if load.record else load.seconds
    generator = await asyncio.to_thread(Generator, load.calls, whole_s)
    try:
        await server.start(load)
        try:
            pids = server.processes()
            for pid in (*pids, generator.pid, os.getpid()):  # this one too, or it could not look at the clock
                prefer(pid)
            await asyncio.sleep(0.5)
            idle_kb = resident_kb(pids[0], with_files=False)
            lines = await server.connect(load)
            measured_from = await asyncio.to_thread(generator.begin, lines)
            counts = generator.tally.counts
            await asyncio.sleep(measured_from - time.monotonic())
            threads_s = np.array(threads_cpu_s(pids[0]))
            before = (time.monotonic(), cpu_s(*pids), cpu_s(generator.pid), int(counts[DELIVERED]))
            async with profiled(pids[0], load.seconds if profile else 0.0):
                await asyncio.sleep(measured_from + load.seconds - time.monotonic())
                after = (time.monotonic(), cpu_s(*pids), cpu_s(generator.pid), int(counts[DELIVERED]))
                threads_s = np.array(threads_cpu_s(pids[0])) - threads_s
            after_amd = (0.0, 0)
            if load.record and isinstance(server, Ours):
                server.stop_amd()
                await asyncio.sleep(SETTLE_S)
                spent_s, delivered = cpu_s(*pids), int(counts[DELIVERED])
                await asyncio.sleep(load.seconds)
                after_amd = (cpu_s(*pids) - spent_s, int(counts[DELIVERED]) - delivered)
            loaded_kb = resident_kb(pids[0])
            grown_kb = resident_kb(pids[0], with_files=False) - idle_kb
            await asyncio.to_thread(generator.finish)
        finally:
            more = await server.stop()
        took_s, spent_s, generator_s, delivered = (late - early for early, late in zip(before, after, strict=True))
        return Round(
            spent_s, took_s, int(delivered), grown_kb, loaded_kb, generator_s,
            generator.tally.counts.copy(), generator.tally.histograms.copy(), threads_s.tolist(), after_amd, more,
        )  # fmt: skip
    finally:
        generator.end()


@contextlib.asynccontextmanager
async def profiled(pid: int, seconds: float) -> AsyncIterator[None]:
    """Sample a process meanwhile with `perf`, then print the heaviest symbols on standard error; 0 s: do nothing."""
    if not seconds or shutil.which("perf") is None:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="relay-benchmark-") as folder:
        samples = f"{folder}/perf.data"
        recorder = await asyncio.create_subprocess_exec(
            "perf", "record", "-q", "-F", "999", "-o", samples, "-p", str(pid), "--", "sleep", str(seconds),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        yield
        await recorder.wait()
        for sort in ("pid,dso", "pid,dso,symbol"):  # perf calls a thread's number pid
            reader = await asyncio.create_subprocess_exec(
                "perf", "report", "-i", samples, "--stdio", "-q", "--sort", sort, "--percent-limit", "0.5",
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            said, _ = await reader.communicate()
            sys.stderr.write("".join(f"{line.rstrip()}\n" for line in said.decode(errors="replace").splitlines()))


def figures_of(rounds: list[Round], load: Load) -> dict[str, Any]:
    """The rounds of one server as one; the keys are those of the project's issues."""
    delivered = sum(one.delivered for one in rounds)
    took_s = sum(one.took_s for one in rounds)
    spent_s = sum(one.cpu_s for one in rounds)
    counts = sum(one.counts for one in rounds)
    histograms = sum(one.histograms for one in rounds)
    figures = {
        "us_per_packet": round(1e6 * spent_s / max(delivered, 1), 2),
        **parts_of(rounds, load),
        "packets_per_s": round(delivered / took_s),
        "loss": round(1 - float(counts[RECEIVED]) / max(float(counts[SENT]), 1.0), 6),
        "latency_us_p50": percentile_us(histograms[LATENCY], 0.5),
        "latency_us_p99": percentile_us(histograms[LATENCY], 0.99),
        "latency_us_p999": percentile_us(histograms[LATENCY], 0.999),
        "jitter_us_p99": percentile_us(histograms[JITTER], 0.99),
        "cpu_pct": round(100 * spent_s / took_s, 1),
        "kb_per_call": round(float(np.median([one.grown_kb for one in rounds])) / load.calls, 1),
        "resident_mb": round(max(one.loaded_kb for one in rounds) / 1024, 1),
        "us_per_packet_of_rounds": [round(1e6 * one.cpu_s / max(one.delivered, 1), 2) for one in rounds],
        "packets_sent": int(counts[SENT]),
        "duplicates": int(counts[DUPLICATES]),
        "foreign_packets": int(counts[FOREIGN]),
        "generator_cpu_pct": round(100 * sum(one.generator_cpu_s for one in rounds) / took_s, 1),
        "generator_late_us_p99": percentile_us(histograms[LATENESS], 0.99),
        "generator_late_us_max": percentile_us(histograms[LATENESS], 1.0),
        "generator_fell_behind": percentile_us(histograms[LATENESS], 1.0) >= FELL_BEHIND_US,
    }
    return figures | rounds[-1].more


def parts_of(rounds: list[Round], load: Load) -> dict[str, Any]:
    """What the parts of our process cost, each in µs a packet."""
    delivered = max(sum(one.delivered for one in rounds), 1)
    threads = [0.0] * 4
    for one in rounds:
        threads = [total + spent for total, spent in zip(threads, [*one.threads_cpu_s, 0, 0, 0, 0], strict=False)]
    _, relay, worker, recorder = (round(1e6 * spent / delivered, 2) for spent in threads)
    parts: dict[str, Any] = {}
    after_s, after = (sum(one.after_amd[i] for one in rounds) for i in (0, 1))
    if after:
        spent_us = 1e6 * sum(one.cpu_s for one in rounds) / delivered
        after_us = 1e6 * after_s / after
        parts = {"us_relay": relay, "us_worker": worker, "us_recorder": recorder}
        parts["us_per_packet_after_amd"] = round(after_us, 2)
        parts["amd_share"] = round(1 - after_us / spent_us, 3) if spent_us else 0.0
    return parts


async def measure(load: Load, rounds: int, *, peer: str | None = None, profile: bool = False) -> dict[str, Any]:
    """Alternate rounds of ours and of the peer, so that a machine whose speed changes treats both alike."""
    ours: list[Round] = []
    theirs: list[Round] = []
    asked = Load(load.calls, load.seconds) if peer == "plain" else load
    for _ in range(rounds):
        ours.append(await run_round(Ours(), load, profile=profile))
        if peer:
            theirs.append(await run_round(Peer(), asked, profile=profile))
    figures: dict[str, Any] = {"calls": load.calls, "seconds": load.seconds * rounds}
    figures |= {"switches": switches_of(load)} | figures_of(ours, load)
    if peer:
        figures |= {f"peer_{name}": value for name, value in figures_of(theirs, asked).items()}
    return figures


def switches_of(load: Load) -> str:
    chosen = [
        ("record", load.record),
        ("jitter-buffer", load.jitter_buffer),
        ("srtp", load.secure),
        ("transcode", load.transcode),
        (load.mode, load.mode),
    ]
    return " ".join(str(name) for name, on in chosen if on) or "relay"


def options_of(made: argparse.ArgumentParser) -> argparse.Namespace:
    made.add_argument("--calls", type=int, default=100, help="two-leg calls; each is 100 packets/s")
    made.add_argument("--seconds", type=float, default=10.0, help="measured in each round, after a warm-up of 3 s")
    made.add_argument(
        "--record", action="store_true", help="jitter buffers, and every call recorded, sealed, under AMD"
    )
    made.add_argument(
        "--amd-share",
        type=float,
        default=1.0,
        help="of the recorded calls, under AMD all the time",
    )
    made.add_argument("--jitter-buffer", action="store_true", help="a jitter buffer on every leg")
    made.add_argument("--srtp", action="store_true", help="SRTP on one leg of every call (SDES)")
    made.add_argument("--transcode", action="store_true", help="PCMU on one leg, PCMA on the other")
    made.add_argument("--first-port", type=int, default=PLANE_FIRST_PORT, help="of our media plane's, four for a call")
    waits = made.add_mutually_exclusive_group()
    waits.add_argument("--event", dest="mode", action="store_const", const="event", help="wake for every packet")
    waits.add_argument("--tick", dest="mode", action="store_const", const="tick", help="wake on a fixed tick")
    made.add_argument(
        "--peer",
        choices=["rtpengine", "plain"],
        help="the same load through rtpengine, in turn; plain: whatever ours does, it only relays",
    )
    made.add_argument("--rounds", type=int, help="of ours, and as many of the peer; 1, or 2 with a peer")
    made.add_argument("--profile", action="store_true", help="print where the server's time goes (perf; it costs some)")
    return made.parse_args()


if __name__ == "__main__":
    chosen = options_of(parser((__doc__ or "").splitlines()[0]))
    wanted = Load(chosen.calls, chosen.seconds, chosen.record, chosen.srtp, chosen.transcode, chosen.mode,
                  chosen.jitter_buffer, chosen.first_port, chosen.amd_share)  # fmt: skip
    turns = chosen.rounds or (2 if chosen.peer else 1)
    report(asyncio.run(measure(wanted, turns, peer=chosen.peer, profile=chosen.profile)), chosen.json)
