"""What does one relayed packet cost the media process, in µs of CPU, and how long is it delayed?

    python bench/relay.py --calls 1000 --seconds 10 --json -
    python bench/relay.py --calls 1000 --record --peer rtpengine --rounds 3 --json -

Starts the plane as shipped and drives two-leg G.711 calls at 50 packets/s each way from a generator in a process and
session of its own. CPU is that of the media processes alone (utime + stime in /proc/PID/stat) while `seconds` pass,
divided by the packets delivered meanwhile. With `--peer` rounds of ours and of the peer alternate, under the same load.
"""

import argparse
import asyncio
import contextlib
import inspect
import os
import secrets
import tempfile
import time
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

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
    Line,
    percentile_us,
    port_of,
)
from rtpengine import Rtpengine, media_key, media_port, session_description

from softswitch.media.control import MediaPlane
from softswitch.media.events import MediaEvent, MediaFormat, RecordingClosed

PLANE_FIRST_PORT = 10_000
CODECS = {0: "PCMU", 8: "PCMA"}
CLOCK_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
RECORDING_PATIENCE_S = 30.0
FELL_BEHIND_US = 200_000.0
"""A generator that is held up for so long no longer offers the load that it should: measure again."""


@dataclass(frozen=True, slots=True)
class Load:
    calls: int
    seconds: float
    record: bool = False
    secure: bool = False
    """SRTP on the second leg of each call."""
    transcode: bool = False
    mode: str | None = None
    """"event" or "tick"; None for what the plane does by itself."""

    @property
    def payload_types(self) -> tuple[int, int]:
        return (0, 8) if self.transcode else (0, 0)


class Server(Protocol):
    """What is measured: a media server that bridges legs 2n and 2n + 1 of the generator."""

    async def start(self, load: Load) -> None: ...
    async def connect(self, load: Load) -> list[Line]: ...
    def processes(self) -> list[int]: ...
    async def stop(self) -> dict[str, Any]: ...


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
    more: dict[str, Any] = field(default_factory=dict)


class Ours:
    """The media plane, started as the switch starts it."""

    def __init__(self) -> None:
        self._recorded: list[int] = []
        self._closed: list[RecordingClosed] = []
        self._all_closed = asyncio.Event()

    async def start(self, load: Load) -> None:
        if load.secure and "secure" not in inspect.signature(MediaPlane.connect).parameters:
            raise SystemExit("the plane speaks no SRTP yet: leave --srtp out")
        self._folder = tempfile.TemporaryDirectory(prefix="relay-benchmark-")
        options = {} if load.mode is None else {"event_driven": load.mode == "event"}
        started = time.monotonic()
        self._plane = await MediaPlane.start(
            address="127.0.0.1",
            first_port=PLANE_FIRST_PORT,
            last_port=PLANE_FIRST_PORT + 4 * load.calls - 1,
            clips={},
            on_event=self._receive,
            **options,
        )
        self._start_s = time.monotonic() - started

    async def connect(self, load: Load) -> list[Line]:
        plane, lines = self._plane, []
        for call in range(load.calls):
            legs = []
            for side in (0, 1):
                leg = plane.open_leg()
                payload_type = load.payload_types[side]
                plane.connect(
                    leg, ("127.0.0.1", port_of(2 * call + side)), MediaFormat(CODECS[payload_type], payload_type)
                )
                lines.append(Line(plane.port_of(leg), payload_type))
                legs.append(leg)
            plane.bridge(*legs)
            if load.record:
                plane.start_recording(legs[1], Path(self._folder.name) / f"{call}.wav")
                plane.start_amd(legs[1])
                self._recorded.append(legs[1])
            if call % 16 == 0:
                await asyncio.sleep(0.002)  # as calls come in, not as a burst beyond the command ring
        return lines

    def processes(self) -> list[int]:
        """The media process first, then whoever stands between it and us."""
        found, pid = [], self._plane.pid
        assert pid is not None
        while pid not in (0, 1, os.getpid()):
            found.append(pid)
            pid = int(_stat(pid)[1])
        return found

    async def stop(self) -> dict[str, Any]:
        more: dict[str, Any] = {"start_s": round(self._start_s, 2)}
        if self._recorded:
            for leg in self._recorded:
                self._plane.close_leg(leg)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RECORDING_PATIENCE_S):
                    await self._all_closed.wait()
            more["recordings"] = len(self._closed)
            more["recorded_s"] = round(float(np.median([one.duration_s for one in self._closed] or [0.0])), 2)
            more["frames_unrecorded"] = sum(one.frames_lost for one in self._closed)
        await self._plane.stop()
        self._folder.cleanup()
        return more

    def _receive(self, event: MediaEvent) -> None:
        if isinstance(event, RecordingClosed):
            self._closed.append(event)
            if len(self._closed) == len(self._recorded):
                self._all_closed.set()


class Peer:
    """rtpengine with its defaults, in userspace."""

    async def start(self, load: Load) -> None:
        self._daemon = Rtpengine(recording=load.record)

    async def connect(self, load: Load) -> list[Line]:
        lines = []
        (first, second), wants = load.payload_types, {"ICE": "remove", "replace": ["origin"]}
        if load.transcode:
            wants["codec"] = {"mask": [CODECS[first]], "transcode": [CODECS[second]]}
        if load.secure:
            wants["transport-protocol"] = "RTP/SAVP"
        if load.record:
            wants["record call"] = "on"
        for call in range(load.calls):
            asks = {"call_id": f"call-{call}", "from_tag": "a"}
            key = b64encode(secrets.token_bytes(30)).decode() if load.secure else ""
            offered = self._daemon.command(
                command="offer", sdp=session_description(port_of(2 * call), first), **asks, **wants
            )["sdp"]
            tag, theirs = media_key(offered) if load.secure else ("", "")
            answer = session_description(port_of(2 * call + 1), second, key=key, tag=tag)
            answered = self._daemon.command(
                command="answer", sdp=answer, to_tag="b", **asks, ICE="remove", replace=["origin"]
            )["sdp"]
            lines.append(Line(media_port(answered), first))
            lines.append(Line(media_port(offered), second, sealing_key=key, opening_key=theirs))
        return lines

    def processes(self) -> list[int]:
        return [self._daemon.pid]

    async def stop(self) -> dict[str, Any]:
        self._daemon.stop()
        return {}


async def run_round(server: Server, load: Load) -> Round:
    """Start the server, put it under load, stop it."""
    generator = await asyncio.to_thread(Generator, load.calls, load.seconds)
    try:
        await server.start(load)
        try:
            pids = server.processes()
            await asyncio.sleep(0.5)
            idle_kb = resident_kb(pids[0])
            lines = await server.connect(load)
            measured_from = await asyncio.to_thread(generator.begin, lines)
            counts = generator.tally.counts
            await asyncio.sleep(measured_from - time.monotonic())
            before = (time.monotonic(), cpu_s(*pids), cpu_s(generator.pid), int(counts[DELIVERED]))
            await asyncio.sleep(measured_from + load.seconds - time.monotonic())
            after = (time.monotonic(), cpu_s(*pids), cpu_s(generator.pid), int(counts[DELIVERED]))
            loaded_kb = resident_kb(pids[0])
            await asyncio.to_thread(generator.finish)
        finally:
            more = await server.stop()
        took_s, spent_s, generator_s, delivered = (late - early for early, late in zip(before, after, strict=True))
        return Round(
            spent_s, took_s, int(delivered), loaded_kb - idle_kb, loaded_kb, generator_s,
            generator.tally.counts.copy(), generator.tally.histograms.copy(), more,
        )  # fmt: skip
    finally:
        generator.end()


def figures_of(rounds: list[Round], load: Load) -> dict[str, Any]:
    """The rounds of one server as one; the keys are those of the project's issues."""
    delivered = sum(one.delivered for one in rounds)
    took_s = sum(one.took_s for one in rounds)
    spent_s = sum(one.cpu_s for one in rounds)
    counts = sum(one.counts for one in rounds)
    histograms = sum(one.histograms for one in rounds)
    figures = {
        "us_per_packet": round(1e6 * spent_s / max(delivered, 1), 2),
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
        "generator_fell_behind": percentile_us(histograms[LATENESS], 1.0) >= FELL_BEHIND_US,
    }
    return figures | rounds[-1].more


async def measure(load: Load, rounds: int, peer: bool) -> dict[str, Any]:
    """Alternate rounds of ours and of the peer, so that a machine whose speed changes treats both alike."""
    ours: list[Round] = []
    theirs: list[Round] = []
    for _ in range(rounds):
        ours.append(await run_round(Ours(), load))
        if peer:
            theirs.append(await run_round(Peer(), load))
    figures: dict[str, Any] = {"calls": load.calls, "seconds": load.seconds * rounds}
    figures |= {"switches": switches_of(load)} | figures_of(ours, load)
    if peer:
        figures |= {f"peer_{name}": value for name, value in figures_of(theirs, load).items()}
    return figures


def switches_of(load: Load) -> str:
    chosen = [("record", load.record), ("srtp", load.secure), ("transcode", load.transcode), (load.mode, load.mode)]
    return " ".join(str(name) for name, on in chosen if on) or "relay"


def cpu_s(*pids: int) -> float:
    """User and system time that processes and their threads have spent (proc(5), fields 14 and 15)."""
    return sum((int(_stat(pid)[11]) + int(_stat(pid)[12])) * CLOCK_TICK_S for pid in pids)


def resident_kb(pid: int) -> float:
    """Resident memory with what is shared."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat that follow the name, from the state on."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def options_of(made: argparse.ArgumentParser) -> argparse.Namespace:
    made.add_argument("--calls", type=int, default=100, help="two-leg calls; each is 100 packets/s")
    made.add_argument("--seconds", type=float, default=10.0, help="measured in each round, after a warm-up of 3 s")
    made.add_argument("--record", action="store_true", help="record every call and run AMD on it")
    made.add_argument("--srtp", action="store_true", help="SRTP on one leg of every call (SDES)")
    made.add_argument("--transcode", action="store_true", help="PCMU on one leg, PCMA on the other")
    waits = made.add_mutually_exclusive_group()
    waits.add_argument("--event", dest="mode", action="store_const", const="event", help="wake for every packet")
    waits.add_argument("--tick", dest="mode", action="store_const", const="tick", help="wake on a fixed tick")
    made.add_argument("--peer", choices=["rtpengine"], help="the same load through another relay, in turn")
    made.add_argument("--rounds", type=int, help="of ours, and as many of the peer; 1, or 2 with a peer")
    return made.parse_args()


if __name__ == "__main__":
    chosen = options_of(parser((__doc__ or "").splitlines()[0]))
    wanted = Load(chosen.calls, chosen.seconds, chosen.record, chosen.srtp, chosen.transcode, chosen.mode)
    turns = chosen.rounds or (2 if chosen.peer else 1)
    report(asyncio.run(measure(wanted, turns, chosen.peer is not None)), chosen.json)
