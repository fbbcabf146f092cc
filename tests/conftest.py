"""Lanes: which tests never run against each other when several processes run them (pytest-xdist's loadgroup)."""

import os
import random
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LANES = {
    "scenarios": "calls",
    "interop": "calls",
    "media": "media",
    "bench": "media",
    "recordings": "media",
    "exchange/test_media_process.py": "media",
}
"""Tests that need the machine's real time, for audio or for the programs of others. They mostly wait, so that two lanes
and the tests that compute share two cores; what computes takes whichever process is free."""


def pytest_configure() -> None:
    # Each process collects by itself, and all must find the same: a set in a parameter has one order among them.
    os.environ.setdefault("PYTHONHASHSEED", str(random.randrange(1, 2**32)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            inside = item.path.relative_to(HERE)
            lane = LANES.get(inside.parts[0]) or LANES.get(inside.as_posix())
            if lane is not None:
                item.add_marker(pytest.mark.xdist_group(lane))
