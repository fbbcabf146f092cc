"""Ends of real connections on the loopback, on both loops."""

import asyncio

import pytest
import uvloop

from softswitch.transports.tls import Certificates
from tests.transports.certificates import Authority

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest):
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def certificates(authority: Authority) -> Certificates:
    """Good for every name of the loopback, and trusting who issued it."""
    issued = authority.issue("localhost", "127.0.0.1", "127.0.0.2", "::1")
    return Certificates(issued.certificate, issued.key, authorities=authority.path)
