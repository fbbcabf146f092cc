"""Sipvicious, what most scans of the internet are made with, finds nothing here and guesses nothing.

Its tools call themselves friendly-scanner, a name that is dropped at sight; where a test is about what stands behind
that, the wire gives them another name on the way.
"""

import asyncio
import functools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from softswitch.sip.hop import Hop
from softswitch.transports.driver import Driver
from softswitch.transports.udp import open_udp
from softswitch.ua.accounts import CarrierAccount, PhoneAccount
from softswitch.ua.defence import Limits, Reason
from softswitch.ua.phones import PhoneRegistered
from softswitch.ua.pool import UserAgentPool
from tests.interop.peers import SIPVICIOUS_HOME, eventually
from tests.ports import free_port

SCANNER, OFFICE = "127.0.0.66", "127.0.0.3"
SCAN_S, LIMIT_S = 2, 20.0


def in_a_loop(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """An async test as a plain one."""

    @functools.wraps(test)
    def run(**arguments: Any) -> None:
        asyncio.run(test(**arguments))  # type: ignore[arg-type]

    return run


@pytest.fixture(autouse=True)
def _installed(require_peer) -> None:
    require_peer("sipvicious")


class Target:
    """A switch's user agents on a real socket, and what it told."""

    def __init__(self, passwords: dict[str, str], limits: Limits, disguised: bool) -> None:
        self.events: list[object] = []
        self.heard = self.said = 0
        self._disguised = disguised
        self._limits = limits
        self._phones = [PhoneAccount(user, user, password) for user, password in passwords.items()]

    async def start(self) -> None:
        self.driver = Driver()
        self._transport = await open_udp(("127.0.0.1", 0), self._receive)
        self.port = self._transport.address[1]
        self.pool = UserAgentPool(
            listens=[Hop(*self._transport.address)],
            realm="office",
            accounts=[CarrierAccount("carrier", "127.0.0.2")],
            phones=self._phones,
            gate=lambda number: None,
            new_token=lambda: secrets.token_hex(8),
            limits=self._limits,
        )
        assert self.pool.defence is not None
        self.defence = self.pool.defence
        self.driver.add(self.pool, on_event=self.events.append, send=self._send)

    def _receive(self, data: bytes, source: Hop) -> None:
        self.heard += 1
        if self._disguised:
            for name in (b"friendly-scanner", b"sipvicious", b"svwar"):
                data = data.replace(name, b"x" * len(name))
        self.driver.receive_datagram(self.pool, data, source)

    def _send(self, datagram) -> None:
        self.said += datagram.destination.host != OFFICE
        self._transport.send(datagram)

    def close(self) -> None:
        self._transport.close()
        self.driver.close()


@asynccontextmanager
async def target(
    *, passwords: dict[str, str] | None = None, disguised: bool = True, **limits: object
) -> AsyncIterator[Target]:
    made = Target(passwords or {"1001": "hard-to-guess"}, Limits(**limits), disguised)  # type: ignore[arg-type]
    await made.start()
    try:
        yield made
    finally:
        made.close()


async def scan(tool: str, *arguments: str, against: Target) -> str:
    """Run one of sipvicious's tools for a few seconds; all that it printed."""
    host = [] if tool == "svmap" else ["-x", SCANNER, "--maximumtime", str(SCAN_S)]
    process = await asyncio.create_subprocess_exec(
        str(SIPVICIOUS_HOME / "bin" / f"sipvicious_{tool}"),
        "-b", SCANNER, "-P", str(free_port()), "-p", str(against.port), *host, *arguments, "127.0.0.1",
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
    except TimeoutError:
        process.kill()
        printed, _ = await process.communicate()
    return printed.decode()


@in_a_loop
async def test_a_scanner_that_says_its_name_finds_nothing_though_the_site_answers_strangers() -> None:
    async with target(disguised=False) as switch:
        printed = await scan("svmap", against=switch)
        assert switch.heard
        assert (switch.said, switch.defence.dropped[Reason.SCANNER]) == (0, 1)
        assert str(switch.port) not in printed.replace(f"-p {switch.port}", "")


@in_a_loop
async def test_a_scanner_under_another_name_finds_a_site_that_answers_strangers_and_not_a_silent_one() -> None:
    async with target() as open_site:
        assert f"127.0.0.1:{open_site.port}" in await scan("svmap", against=open_site)
    for method in ("OPTIONS", "REGISTER"):
        async with target(silent_to_strangers=True) as silent:
            assert f"127.0.0.1:{silent.port}" not in await scan("svmap", "-m", method, against=silent)
            assert silent.heard
            assert silent.said == 0


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "OPTIONS"])
@in_a_loop
async def test_svwar_tells_no_users_apart(method: str) -> None:
    passwords = {"1003": "one", "1007": "two"}
    async with target(passwords=passwords) as switch:
        printed = await scan("svwar", "-m", method, "-e", "1000-1009", "--force", against=switch)
        assert switch.said
        assert "found nothing" in printed
        assert not any(f"| {user} " in printed for user in passwords)


@in_a_loop
async def test_svwar_gives_up_on_a_silent_site() -> None:
    async with target(passwords={"1007": "two"}, silent_to_strangers=True) as switch:
        printed = await scan("svwar", "-m", "REGISTER", "-e", "1000-1009", "--force", against=switch)
        assert switch.heard
        assert switch.said == 0
        assert "found nothing" in printed


@in_a_loop
async def test_svcrack_guesses_a_password_that_is_among_the_first_it_tries() -> None:
    """The test's own teeth: against our digest the tool works."""
    async with target(passwords={"1001": "2"}) as switch:
        printed = await scan("svcrack", "-u", "1001", "-r", "1-4", against=switch)
        assert "| 1001" in printed
        assert PhoneRegistered("1001") in switch.events


@in_a_loop
async def test_svcrack_is_locked_out_and_the_agents_phone_is_not() -> None:
    async with target(passwords={"1001": "60"}) as switch:
        printed = await scan("svcrack", "-u", "1001", "-r", "1-100", against=switch)
        assert "| 1001" not in printed
        assert PhoneRegistered("1001") not in switch.events
        assert switch.defence.bans[Reason.GUESSING] == 1
        await register(switch, "1001", "60")
        assert PhoneRegistered("1001") in switch.events


async def register(switch: Target, username: str, password: str) -> None:
    """An agent's phone at another address, while the attacker is still banned."""
    transport = await open_udp((OFFICE, 0), lambda data, source: switch.driver.receive_datagram(phone, data, source))
    account = CarrierAccount(
        "switch", "127.0.0.1", switch.port, username=username, password=password, register=True
    )  # fmt: skip
    phone = UserAgentPool(
        listens=[Hop(*transport.address)],
        realm="phone",
        accounts=[account],
        phones=[],
        gate=lambda number: None,
        new_token=lambda: secrets.token_hex(8),
    )
    switch.driver.add(phone, on_event=lambda event: None, send=transport.send)
    with switch.driver.mutating(phone) as now:
        phone.start(now)
    await eventually(lambda: PhoneRegistered(username) in switch.events, "the agent's phone is registered")
    switch.driver.remove(phone)
    transport.close()
