"""Lanes: which tests never run against each other when several processes run them (pytest-xdist)."""

import os
import random
from collections import Counter
from typing import Any

import pytest

from tests.real_time import pytest_runtest_protocol, pytest_terminal_summary

__all__ = ["pytest_runtest_protocol", "pytest_terminal_summary"]

LANES = {
    "tests/scenarios/test_demo.py": "the demo",
    "tests/scenarios/test_faults.py": "deaths",
    "tests/scenarios/test_interview.py": "deaths",
    "tests/scenarios/test_kill.py": "deaths",
    "tests/scenarios/test_survival.py": "deaths",
    "tests/scenarios": "calls",
    "tests/safeguards/test_canaries.py": "canaries",
    "tests/safeguards/test_canaries_planted.py": "canaries",
    "tests/interop": "peers",
    "tests/media": "media",
    "tests/bench": "media",
    "tests/recordings": "media",
    "tests/exchange/running/test_media_process.py": "media",
    "tests/web/test_agent_page.py": "pages",
    "tests/web/test_training.py": "pages",
    "tests/web/test_wallboard_page.py": "pages",
    "tests/web/test_many_pages.py": "pages",
    "tests/web/test_admin_page.py": "offices",
    "tests/web/test_audit_pages.py": "offices",
    "tests/web/test_recordings_page.py": "offices",
    "tests/web/test_tutorial.py": "offices",
}
"""Tests that need the machine's real time, for audio, for browsers or for the programs of others. A lane is one
process's, and no two of its tests run against each other; they mostly wait, so that four share two cores."""
LONGEST_FIRST = ("media", "deaths", "offices", "pages", "peers", "calls", "canaries", "the demo")
"""What only computes fills the rest."""
COMPUTE = ("tests/media/test_jitter", "tests/media/test_rtcp.py")
"""The long ones among these that need no real time: their paths begin so."""


def lane_of(test: str) -> str:
    """The lane of a test's identifier; a test that only computes is alone in its own."""
    path = test.partition("::")[0]
    if path.startswith(COMPUTE):
        return test
    return next((lane for start, lane in LANES.items() if path == start or path.startswith(start + "/")), test)


def place_of(item: pytest.Item) -> int:
    lane = lane_of(item.nodeid)
    return LONGEST_FIRST.index(lane) if lane in LONGEST_FIRST else len(LONGEST_FIRST)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Lanes in their order; within each, and among the others, the order stays the random one."""
    for test, count in Counter(item.nodeid for item in items).items():
        if count > 1:  # several processes run each identifier once, and the rest would be missed in silence
            raise pytest.UsageError(f"{count} tests have the identifier {test}")
    items.sort(key=place_of)


def pytest_configure(config: pytest.Config) -> None:
    config.option.loadscopereorder = False  # they are in order already, by time and not by count
    # Each process collects by itself, and all must find the same: a set in a parameter has one order among them.
    os.environ.setdefault("PYTHONHASHSEED", str(random.randrange(1, 2**32)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from xdist.scheduler import LoadScopeScheduling

    class Lanes(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return lane_of(nodeid)

    return Lanes(config, log)
