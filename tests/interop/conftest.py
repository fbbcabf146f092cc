"""Real peers on loopback. A peer that is not installed skips its tests and is named; with CI=true it fails them."""

import os
from collections.abc import Callable

import pytest

from tests.interop.peers import is_installed


@pytest.fixture
def require_peer() -> Callable[[str], None]:
    """`require_peer("sipp")`, "sippy", "baresip", "pyvoip" or "sipvicious"."""

    def require(peer: str) -> None:
        if is_installed(peer):
            return
        message = f"{peer} is not installed: run .ci/peers.sh"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)

    return require
