"""Lanes: which tests never run against each other when several processes run them (pytest-xdist)."""

import os
import random
from typing import Any

import pytest

from tests.real_time import pytest_runtest_protocol, pytest_terminal_summary

__all__ = ["pytest_runtest_protocol", "pytest_terminal_summary"]

LANES = {
    "tests/scenarios/test_demo.py": "the demo",
    "tests/scenarios": "calls",
    "tests/safeguards/test_canaries.py": "canaries",
    "tests/safeguards/test_canaries_planted.py": "canaries",
    "tests/interop": "peers",
    "tests/media": "media",
    "tests/bench": "media",
    "tests/recordings": "media",
    "tests/exchange/test_media_process.py": "media",
}
"""Tests that need the machine's real time, for audio or for the programs of others. A lane is one process's, and the
largest begin first; they mostly wait, so that three share two cores."""
COMPUTE = ("tests/media/test_jitter", "tests/media/test_rtcp.py")
"""The long ones among the media's that need no real time: their paths begin so."""


def lane_of(test: str) -> str:
    """The lane of a test's identifier; a test that only computes is alone in its own."""
    path = test.partition("::")[0]
    if path.startswith(COMPUTE):
        return test
    return next((lane for start, lane in LANES.items() if path == start or path.startswith(start + "/")), test)


def pytest_configure() -> None:
    # Each process collects by itself, and all must find the same: a set in a parameter has one order among them.
    os.environ.setdefault("PYTHONHASHSEED", str(random.randrange(1, 2**32)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling

    class Lanes(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return lane_of(nodeid)

    return Lanes(config, log)
