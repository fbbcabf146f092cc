"""Inputs that fuzzing found, each named for what it broke: data files, whose first byte says what they are."""

import pytest

from tests.fuzz.seeds import REGRESSIONS
from tests.fuzz.target import check


@pytest.mark.parametrize("name", sorted(path.name for path in REGRESSIONS.glob("*.dat")))
def test_what_broke_something_once_holds_now(name: str) -> None:
    check((REGRESSIONS / name).read_bytes())
