"""What does one relayed packet cost the media process, in µs of CPU, and how long is it delayed?

    python bench/relay.py --calls 100 --seconds 10 --json -

Starts the plane as shipped and drives two-leg G.711 calls at 50 packets/s each way from a generator in a process and
session of its own. CPU is read from /proc for the media process alone. Latency is from the generator's send to its
reading the packet, so it holds the generator's own polling (every 0.25 ms) too.
"""

import argparse
import asyncio
import json
import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from figures import parser, report

from softswitch.media.control import MediaPlane
from softswitch.media.events import MediaFormat
from softswitch.media.kernels import kernel
from softswitch.media.libc import (
    CLOCK_MONOTONIC,
    clock_ns,
    open_poller,
    poll,
    receive_datagram,
    send_datagram,
    sleep_until,
    watch,
)

PACKET_NS = 20_000_000
POLL_NS = 250_000
PACKET_BYTES = 172
DRAIN_NS = 500_000_000
GENERATOR_FIRST_PORT = 20_000
PLANE_FIRST_PORT = 30_000
BUCKET_NS = 10_000
BUCKETS = 100_000


@kernel
def generate(
    descriptors: Any, warm_ns: int, run_ns: int, packet: Any, histogram: Any, counts: Any, scratch: Any
) -> None:
    """Send from every socket each 20 ms, staggered, and receive what comes back on the others.

    counts: sent, received.  histogram: latencies in steps of 10 µs.
    """
    timespec, registration, ready, source, source_size = scratch
    poller = open_poller()
    for i in range(descriptors.size):
        watch(poller, descriptors[i], i, registration)
    start = clock_ns(CLOCK_MONOTONIC, timespec)
    due = np.zeros(descriptors.size, np.int64)
    sequence = np.zeros(descriptors.size, np.int64)
    for i in range(due.size):
        due[i] = start + PACKET_NS * i // due.size
    next_leg = 0
    wake_at = start
    while True:
        wake_at += POLL_NS
        sleep_until(wake_at, timespec)
        now = clock_ns(CLOCK_MONOTONIC, timespec)
        if now > start + warm_ns + run_ns + DRAIN_NS:
            return
        sending = now < start + warm_ns + run_ns
        while sending and due[next_leg] <= now:
            measured = now > start + warm_ns
            packet[2] = (sequence[next_leg] >> 8) & 0xFF
            packet[3] = sequence[next_leg] & 0xFF
            stamp = sequence[next_leg] * 160
            sent_at = clock_ns(CLOCK_MONOTONIC, timespec) if measured else 0
            for k in range(4):
                packet[4 + k] = (stamp >> (24 - 8 * k)) & 0xFF
            for k in range(8):
                packet[12 + k] = (sent_at >> (56 - 8 * k)) & 0xFF
            send_datagram(descriptors[next_leg], packet.ctypes.data, PACKET_BYTES, 0)
            counts[0] += 1 if measured else 0
            sequence[next_leg] += 1
            due[next_leg] += PACKET_NS
            next_leg = (next_leg + 1) % due.size
        for _ in range(64):
            count = poll(poller, ready)
            if count <= 0:
                break
            for i in range(count):
                descriptor = descriptors[ready[3 * i + 1]]
                received = receive_datagram(descriptor, source.ctypes.data + 16, 2032, source.ctypes.data, source_size)
                if received < PACKET_BYTES:
                    continue
                sent_at = np.int64(0)
                for k in range(8):
                    sent_at = (sent_at << 8) | np.int64(source[16 + 12 + k])
                if sent_at:
                    counts[1] += 1
                    late = (clock_ns(CLOCK_MONOTONIC, timespec) - sent_at) // BUCKET_NS
                    histogram[min(late, histogram.size - 1)] += 1


def run_generator(calls: int, seconds: float) -> None:
    """The generator's process: READY on standard output, then one line of JSON."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sockets = []
    for leg in range(2 * calls):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 262_144)
        one.bind(("127.0.0.1", GENERATOR_FIRST_PORT + leg))
        one.connect(("127.0.0.1", PLANE_FIRST_PORT + 2 * leg))
        one.setblocking(False)
        sockets.append(one)
    packet = np.full(PACKET_BYTES, 0x55, np.uint8)
    packet[0], packet[1] = 0x80, 0
    histogram, counts = np.zeros(BUCKETS, np.int64), np.zeros(2, np.int64)
    scratch = (
        np.zeros(2, np.int64),
        np.zeros(3, np.uint32),
        np.zeros(3 * 256, np.uint32),
        np.zeros(2048, np.uint8),
        np.zeros(1, np.uint32),
    )
    descriptors = np.array([one.fileno() for one in sockets], np.int64)
    generate(descriptors[:0], 0, -DRAIN_NS - 1, packet, histogram, counts, scratch)  # compiles
    print("READY", flush=True)
    sys.stdin.readline()
    generate(descriptors, int(1e9), int(seconds * 1e9), packet, histogram, counts, scratch)
    cumulative = np.cumsum(histogram)

    def percentile(share: float) -> float:
        return float(np.searchsorted(cumulative, share * cumulative[-1]) * BUCKET_NS / 1000) if cumulative[-1] else 0.0

    print(json.dumps({"sent": int(counts[0]), "received": int(counts[1]), "p50": percentile(0.5), "p99":
    percentile(0.99),
                      "p999": percentile(0.999)}), flush=True)  # fmt: skip


async def measure(calls: int, seconds: float) -> dict[str, Any]:
    """One run of the plane; the figures by the names in the project's issues."""
    plane = await MediaPlane.start(
        address="127.0.0.1",
        first_port=PLANE_FIRST_PORT,
        last_port=PLANE_FIRST_PORT + 4 * calls - 1,
        clips={},
        on_event=lambda event: None,
    )
    generator = subprocess.Popen(  # noqa: ASYNC220 - starting it takes no time that is measured
        [sys.executable, __file__, "--generate", "--calls", str(calls), "--seconds", str(seconds)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert generator.stdin and generator.stdout
    try:
        await asyncio.to_thread(generator.stdout.readline)
        by_port = {}
        for _ in range(2 * calls):
            leg = plane.open_leg()
            by_port[plane.port_of(leg)] = leg
        legs = [by_port[port] for port in sorted(by_port)]
        for index, leg in enumerate(legs):
            plane.connect(leg, ("127.0.0.1", GENERATOR_FIRST_PORT + index), MediaFormat("PCMU", 0))
        for a, b in zip(legs[::2], legs[1::2], strict=True):
            plane.bridge(a, b)
        await asyncio.sleep(0.2)
        generator.stdin.write("go\n")
        generator.stdin.flush()
        await asyncio.sleep(1.0)
        began, (packets, _, _, cpu_s) = time.monotonic(), plane.totals()
        await asyncio.sleep(seconds)
        took_s, (packets_after, _, _, cpu_after_s) = time.monotonic() - began, plane.totals()
        memory_kb = _resident_kb(plane.pid)
        figures = json.loads(await asyncio.to_thread(generator.stdout.readline))
    finally:
        generator.stdin.close()
        generator.wait(10)
        await plane.stop()
    relayed, spent_s = packets_after - packets, cpu_after_s - cpu_s
    return {
        "calls": calls,
        "packets_per_s": round(relayed / took_s),
        "us_per_packet": round(1e6 * spent_s / max(relayed, 1), 2),
        "cpu_pct": round(100 * spent_s / took_s, 1),
        "loss": round(1 - figures["received"] / max(figures["sent"], 1), 6),
        "latency_us_p50": figures["p50"],
        "latency_us_p99": figures["p99"],
        "latency_us_p999": figures["p999"],
        "resident_mb": round(memory_kb / 1024, 1),
    }


def _resident_kb(pid: int | None) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


if __name__ == "__main__":
    options = parser((__doc__ or "").splitlines()[0])
    options.add_argument("--calls", type=int, default=100)
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--generate", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.generate:
        run_generator(chosen.calls, chosen.seconds)
    else:
        report(asyncio.run(measure(chosen.calls, chosen.seconds)), chosen.json)
