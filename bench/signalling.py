"""What does one call cost that we carry from one SIP peer to another, how many a second, and in how much memory?

    python bench/signalling.py --json -
    python bench/signalling.py --seconds 20 --peer none --json -

SIPp calls the server over UDP, the server calls SIPp: INVITE, 180, 200, ACK, BYE, 200 on both legs, SDP passed on, no
media. The server (bench/b2bua.py: the switch's UA pool and bridge) has one core to itself, SIPp the others.
cpu_ms_per_call: CPU of the server's processes, user and system, over the calls of the held run. calls_per_s: the rate
that was held for `--seconds` with no failed call and nothing sent twice by either SIPp. kb_per_call: resident memory at
`--up` calls at once, less that before them; kb_left_per_call the same once they and their timers are over. Sippy B2BUA,
in Python too, carries the same load in the same run (`.ci/peers.sh` installs it).
"""

import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from figures import parser, report

BENCH = Path(__file__).parent
SIPPY = BENCH.parent / ".venv" / "peers" / "sippy" / "bin" / "b2bua_simple"
HERE, CALLER, CALLEE = "127.0.0.1", "127.0.0.2", "127.0.0.3"
TICKS = os.sysconf("SC_CLK_TCK")
TRIAL_S = 5.0
STEP = 1.25
SHARES = (0.9, 0.75, 0.6)
RAMP = 200  # calls a second while memory is filled
LINGER_S = 36.0  # 64*T1, after which no transaction is left, and some


@dataclass(frozen=True, slots=True)
class Trial:
    """What SIPp saw of one load, and what the server spent."""

    rate: float
    """Calls a second, as they were placed."""
    calls: int
    failed: int
    retransmissions: int
    cpu_s: float

    def __str__(self) -> str:
        went = f"{self.calls} calls, {self.failed} failed, {self.retransmissions} sent again"
        return f"{self.rate:g} calls/s: {went}, {self.cpu_ms_per_call:.3f} ms a call"

    @property
    def is_clean(self) -> bool:
        return self.calls > 0 and self.failed == 0 and self.retransmissions == 0

    @property
    def cpu_ms_per_call(self) -> float:
        return 1000 * self.cpu_s / max(1, self.calls)


class Server:
    """One server under test, in a session of its own, on the first core."""

    def __init__(self, command: list[str], port: int, environment: dict[str, str], *, talks: bool) -> None:
        """talks: whether `status` will be asked; what another logs would fill a pipe that nobody reads."""
        self.port = port
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE if talks else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True, env=os.environ | environment,
        )  # fmt: skip
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            os.sched_setaffinity(self._process.pid, cores[:1])
        time.sleep(2.0)
        if self._process.poll() is not None:
            raise SystemExit(f"{command[0]} does not start")

    @property
    def cpu_s(self) -> float:
        """CPU of all processes of its session so far."""
        return sum(_cpu_s(pid) for pid in _session(self._process.pid))

    def status(self) -> dict[str, Any]:
        """What bench/b2bua.py says of itself."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"status\n")
        self._process.stdin.flush()
        while True:
            line = self._process.stdout.readline()
            if not line:
                raise SystemExit("the server has ended")
            if line.startswith(b'{"resident_kb"'):
                return dict(json.loads(line))

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


def _session(leader: int) -> list[int]:
    pids = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(entry.read_text().rpartition(")")[2].split()[3]) == leader:
                pids.append(int(entry.parent.name))
        except (OSError, ValueError):
            continue
    return pids


def _cpu_s(pid: int) -> float:
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / TICKS


def free_port(address: str) -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((address, 0))
        return int(probe.getsockname()[1])


@contextmanager
def softswitch(callee_port: int) -> Iterator[Server]:
    port = free_port(HERE)
    command = [sys.executable, str(BENCH / "b2bua.py"), "--listen", f"{HERE}:{port}", "--caller", CALLER]
    server = Server([*command, "--callee", f"{CALLEE}:{callee_port}"], port, {}, talks=True)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def sippy(callee_port: int) -> Iterator[Server]:
    port = free_port(HERE)
    command = [str(SIPPY), "-f", "-l", HERE, "-p", str(port), "-n", f"{CALLEE}:{callee_port}"]
    server = Server(command, port, {"SIPLOG_BEND": "stderr", "SIPLOG_LVL": "ERR"}, talks=False)
    try:
        yield server
    finally:
        server.stop()


class Load:
    """SIPp as caller and callee; the callee answers for all trials."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cores = sorted(os.sched_getaffinity(0))[1:]
        self.callee_port = free_port(CALLEE)
        self._answered = folder / "uas.csv"
        self._callee = self._sipp("uas", CALLEE, self.callee_port, self._answered, [])

    def run(self, server: Server, rate: float, calls: int, hold_s: float = 0.0) -> Trial:
        placed = self._folder / f"uac-{time.monotonic_ns()}.csv"
        repeated = _last(self._answered).get("Retransmissions(C)", 0)
        load = ["-r", str(rate), "-m", str(calls), "-d", str(int(1000 * hold_s)), "-l", "100000"]
        spent, started = server.cpu_s, time.monotonic()
        caller = self._sipp("uac", CALLER, free_port(CALLER), placed, [*load, f"{HERE}:{server.port}"])
        try:
            caller.wait(timeout=15 + hold_s + 1.5 * calls / rate)
        except subprocess.TimeoutExpired:  # calls that hang count as failed
            caller.kill()
            caller.wait()
        seconds = time.monotonic() - started - hold_s
        time.sleep(1.5)  # the last BYE crosses, and SIPp writes its figures once a second
        seen = _last(placed)
        answered = seen.get("SuccessfulCall(C)", 0)
        trial = Trial(
            min(rate, round(calls / seconds, 1)),  # SIPp itself may not keep up
            answered,
            calls - answered,
            seen.get("Retransmissions(C)", 0) + _last(self._answered).get("Retransmissions(C)", 0) - repeated,
            server.cpu_s - spent,
        )
        print(trial, file=sys.stderr, flush=True)
        return trial

    def place(self, server: Server, rate: float, calls: int, hold_s: float) -> subprocess.Popen[bytes]:
        """As `run`, without waiting for the end."""
        load = ["-r", str(rate), "-m", str(calls), "-d", str(int(1000 * hold_s)), "-l", "100000"]
        where = self._folder / "held.csv"
        return self._sipp("uac", CALLER, free_port(CALLER), where, [*load, f"{HERE}:{server.port}"])

    def stop(self) -> None:
        self._callee.send_signal(signal.SIGKILL)
        self._callee.wait()

    def _sipp(self, scenario: str, address: str, port: int, figures: Path, more: list[str]) -> subprocess.Popen[bytes]:
        base = ["sipp", "-sn", scenario, "-i", address, "-p", str(port), "-nostdin", "-buff_size", "4194304"]
        started = subprocess.Popen(
            [*base, "-trace_stat", "-stf", str(figures), "-fd", "1", *more],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True, cwd=self._folder,
        )  # fmt: skip
        if self._cores:
            os.sched_setaffinity(started.pid, self._cores)
        return started


def _last(figures: Path) -> dict[str, int]:
    """The last row that SIPp has written."""
    if not figures.exists():
        return {}
    rows = list(csv.DictReader(figures.read_text().splitlines(), delimiter=";"))
    wanted = ("SuccessfulCall(C)", "Retransmissions(C)")
    return {name: int(rows[-1][name]) for name in wanted if rows and (rows[-1].get(name) or "").isdigit()}


def best_rate(load: Load, server: Server, start: int, most: int) -> int:
    """The highest rate that a short trial takes cleanly."""
    rate, best = start, 0
    while rate <= most:
        trial = load.run(server, rate, int(rate * TRIAL_S))
        if not trial.is_clean and not load.run(server, rate, int(rate * TRIAL_S)).is_clean:
            break
        best, rate = rate, round(rate * STEP)
    return best or start


def held(load: Load, begin: Callable[[int], AbstractContextManager[Server]], rate: int, seconds: float) -> Trial:
    """The longest run, each on a server of its own, at the highest of a few rates that it takes cleanly; else the last.

    A short trial sees neither the timers that end after 64*T1 nor what they keep in memory: hence a margin.
    """
    for share in SHARES:
        placed = round(rate * share)
        with begin(load.callee_port) as server:
            trial = load.run(server, placed, int(placed * seconds))
        if trial.is_clean:
            break
    return trial


def carry(
    load: Load, begin: Callable[[int], AbstractContextManager[Server]], start: int, most: int, seconds: float
) -> Trial:
    """What this server holds: short trials find the rate, a long one proves it."""
    with begin(load.callee_port) as server:
        rate = best_rate(load, server, start, most)
    return held(load, begin, rate, seconds)


def memory(load: Load, server: Server, up: int) -> dict[str, float | bool]:
    """Kilobytes a call at `up` calls at once, and once all is over."""
    load.run(server, 100, 200)
    base = server.status()["resident_kb"]
    hold_s = up / RAMP + 6
    caller = load.place(server, RAMP, up, hold_s)
    time.sleep(up / RAMP + 3)
    full = server.status()
    caller.wait(timeout=60 + hold_s)
    time.sleep(LINGER_S)
    after = server.status()
    figures = {
        "calls_up": full["calls"],
        "kb_per_call": round((full["resident_kb"] - base) / max(1, full["calls"]), 1),
        "kb_left_per_call": round((after["resident_kb"] - base) / max(1, full["calls"]), 1),
        "nothing_left": bool(after["idle"]),
        "faults": after["faults"],
    }
    print(figures, file=sys.stderr, flush=True)
    return figures


def measure(seconds: float, up: int, peer: str, most: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        load = Load(Path(folder))
        try:
            figures: dict[str, Any] = {}
            trial = carry(load, softswitch, 400, most, seconds)
            figures |= {
                "cpu_ms_per_call": round(trial.cpu_ms_per_call, 3),
                "calls_per_s": trial.rate if trial.is_clean else 0,
                "calls": trial.calls,
                "failed": trial.failed,
                "retransmissions": trial.retransmissions,
                "seconds": seconds,
            }
            if up:
                with softswitch(load.callee_port) as server:
                    figures |= memory(load, server, up)
            figures["peer"] = None
            if peer == "sippy" and SIPPY.exists():
                trial = carry(load, sippy, 60, most, seconds)
                figures |= {
                    "peer": "sippy",
                    "peer_cpu_ms_per_call": round(trial.cpu_ms_per_call, 3),
                    "peer_calls_per_s": trial.rate if trial.is_clean else 0,
                    "peer_failed": trial.failed,
                }
            return figures
        finally:
            load.stop()


if __name__ == "__main__":
    options = parser(__doc__)
    options.add_argument("--seconds", type=float, default=60, help="how long the best rate is held")
    options.add_argument("--up", type=int, default=2000, help="calls at once for the memory figure; 0: none is taken")
    options.add_argument("--peer", choices=("sippy", "none"), default="sippy")
    options.add_argument("--most", type=int, default=1500, help="the highest rate that is tried")
    chosen = options.parse_args()
    if shutil.which("sipp") is None:
        raise SystemExit("sipp is missing: bash .ci/peers.sh installs it")
    report(measure(chosen.seconds, chosen.up, chosen.peer, chosen.most), chosen.json)
