"""Tests in real time, and what becomes of one that fails where the machine itself ran out of time.

Some tests talk over real sockets with programs of their own, and what they claim holds on a machine that lets each of
these run when it should. Where the kernel says that somebody waited for a processor, a failure proves nothing: the test
is run again from its first fixture, at most twice, and the summary names it. Where nobody waited, a failure is a
failure; and a fault of ours fails each time.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

ROOMS = (
    "bench", "exchange", "fuzz", "interop", "media", "recordings", "safeguards", "scenarios", "testing", "torture",
    "transports", "web",
)  # fmt: skip
"""Whose tests have real sockets or processes."""
RUNS = 3
MOST_AGAIN = 12
"""In one process; where more fail than these, it is not for want of time."""
SHORT = 0.05
"""The share of a test's time in which somebody waited for a processor, from which on its failure says nothing."""
AGAIN = "run again"
_again: list[str] = []


class Shortage:
    """How much of the time since it was made somebody on this machine waited for a processor."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._began = monotonic()
        self._waited_s = self._so_far_s()

    def share(self) -> float:
        """0: nobody waited; 1: always, or this kernel keeps no account."""
        waited_s = self._so_far_s()
        if waited_s is None or self._waited_s is None:
            return 1.0
        return min(1.0, (waited_s - self._waited_s) / max(monotonic() - self._began, 1e-3))

    def _so_far_s(self) -> float | None:
        """A task was ready and did not run (pressure stall information), or the host ran others (`stat` of proc(5))."""
        try:
            pressure = (self._proc / "pressure/cpu").read_text().partition("\n")[0]
            ticks = (self._proc / "stat").read_text().partition("\n")[0].split()
            return int(pressure.rpartition("=")[2]) / 1e6 + int(ticks[8]) / os.sysconf("SC_CLK_TCK")
        except (OSError, ValueError, IndexError):
            return None


def is_in_real_time(test: str) -> bool:
    """test: a test's identifier, as `tests/media/test_relay.py::test_...`."""
    return test.startswith(tuple(f"tests/{room}/" for room in ROOMS))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    if not is_in_real_time(item.nodeid):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    limit_s, out_of_time = signal.getitimer(signal.ITIMER_REAL)[0], signal.getsignal(signal.SIGALRM)
    for run in range(1, RUNS + 1):
        shortage = Shortage()
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        failed = next((report for report in reports if report.failed), None)
        if failed is None or run == RUNS or len(_again) == MOST_AGAIN or (share := shortage.share()) < SHORT:
            break
        _again.append(item.nodeid)
        why = failed.longreprtext.strip().rpartition("\n")[2]
        item.user_properties.append((AGAIN, f"somebody waited in {share:.0%} of its time: {why}"))
        with suppress(Exception):  # a module's shared fixtures too are made anew
            item.session._setupstate.teardown_exact(None)
        signal.signal(signal.SIGALRM, out_of_time)  # pytest-timeout's
        signal.setitimer(signal.ITIMER_REAL, limit_s)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_terminal_summary(terminalreporter: Any) -> None:
    told = [
        (report.nodeid, why)
        for outcome in ("passed", "failed", "error")
        for report in terminalreporter.getreports(outcome)
        for name, why in getattr(report, "user_properties", ())
        if name == AGAIN
    ]
    if told:
        terminalreporter.section("run again: the machine was short of time")
        for test, why in dict.fromkeys(told):
            terminalreporter.line(f"{test}: {why}")
