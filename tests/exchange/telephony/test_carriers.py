"""Carriers known by name, looked up on a name server of our own."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import dns.rcode
import pytest

from softswitch.errors import UsageError
from softswitch.exchange.telephony import carriers
from softswitch.exchange.telephony.carriers import CarrierAddresses
from softswitch.sip.hop import Hop
from softswitch.testing.nameserver import NameServer
from softswitch.transports.driver import Driver
from softswitch.transports.resolver import Resolver
from softswitch.ua.accounts import AccountState, CarrierAccount
from softswitch.ua.pool import UserAgentPool

ZONE = [
    "_sip._udp.carrier.example. 1 IN SRV 10 0 5070 one.carrier.example.",
    "one.carrier.example. 1 IN A 127.0.0.11",
]


class Exchange:
    """A pool with one carrier by name and one by address."""

    def __init__(self, server: NameServer, host: str) -> None:
        self.driver = Driver()
        accounts = [CarrierAccount("named", host), CarrierAccount("numbered", "127.0.0.9")]
        self.pool = UserAgentPool(
            listens=[Hop("127.0.0.1", 5060)],
            realm="exchange",
            accounts=accounts,
            phones=[],
            gate=lambda number: None,
            new_token=iter(f"t{n}" for n in range(10_000)).__next__,
        )
        self.addresses = CarrierAddresses(
            self.pool, self.driver, accounts, Resolver([server.address], timeout_s=0.3), families=("A",)
        )

    @property
    def hops(self) -> tuple[Hop, ...]:
        return self.pool._carriers["named"].targets.hops

    async def becomes(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10.0):
            while not condition():
                await asyncio.sleep(0.02)


def exchange(work: Callable[[Exchange, NameServer], Awaitable[Any]], host: str = "carrier.example") -> None:
    async def run() -> None:
        server = await NameServer.start(ZONE)
        site = Exchange(server, host)
        try:
            await work(site, server)
        finally:
            site.addresses.close()
            site.driver.close()
            server.close()

    asyncio.run(run())


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("softswitch.transports.resolver.SHORTEST_TTL_S", 0.2)
    monkeypatch.setattr("softswitch.transports.resolver.STALE_PAUSE_S", 0.2)
    monkeypatch.setattr(carriers, "FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr(carriers, "START_S", 1.0)


def test_carriers_are_found_before_the_start_is_over() -> None:
    async def work(site: Exchange, server: NameServer) -> None:
        assert site.pool.account_state("named") is AccountState.UNRESOLVED
        await site.addresses.start()
        assert site.hops == (Hop("127.0.0.11", 5070),)
        assert site.pool.account_state("named") is AccountState.STATIC
        assert site.pool.account_state("numbered") is AccountState.STATIC

    exchange(work)


def test_a_carrier_that_the_process_before_knew_is_not_waited_for_and_is_found_anew() -> None:
    found: list[str] = []

    async def work(site: Exchange, server: NameServer) -> None:
        site.pool.take_up_hops("named", [["127.0.0.12", 5070, "UDP", 0, ""]])
        site.addresses.on_found = found.append
        server.silent = True
        await asyncio.wait_for(site.addresses.start(), carriers.START_S / 2)
        assert site.hops == (Hop("127.0.0.12", 5070),)
        server.silent = False
        await site.becomes(lambda: site.hops == (Hop("127.0.0.11", 5070),))
        assert found == ["named"]

    exchange(work)


def test_a_carrier_that_moves_is_followed() -> None:
    async def work(site: Exchange, server: NameServer) -> None:
        await site.addresses.start()
        server.records = [ZONE[0], "one.carrier.example. 1 IN A 127.0.0.12"]
        await site.becomes(lambda: site.hops == (Hop("127.0.0.12", 5070),))

    exchange(work)


def test_while_dns_fails_a_carrier_stays_where_it_was_and_is_followed_again_afterwards() -> None:
    async def work(site: Exchange, server: NameServer) -> None:
        await site.addresses.start()
        server.failure = dns.rcode.SERVFAIL
        asked = sum(server.asked.values())
        await site.becomes(lambda: sum(server.asked.values()) > asked + 3)
        assert site.hops == (Hop("127.0.0.11", 5070),)
        server.records = [ZONE[0], "one.carrier.example. 1 IN A 127.0.0.12"]
        server.failure = None
        await site.becomes(lambda: site.hops == (Hop("127.0.0.12", 5070),))

    exchange(work)


def test_a_name_that_vanishes_keeps_its_last_servers() -> None:
    async def work(site: Exchange, server: NameServer) -> None:
        await site.addresses.start()
        server.records = []
        asked = sum(server.asked.values())
        await site.becomes(lambda: sum(server.asked.values()) > asked + 3)
        assert site.hops == (Hop("127.0.0.11", 5070),)

    exchange(work)


def test_a_switch_starts_though_dns_is_down_and_finds_its_carrier_when_it_is_up() -> None:
    async def work(site: Exchange, server: NameServer) -> None:
        server.silent = True
        await site.addresses.start()
        assert site.pool.account_state("named") is AccountState.UNRESOLVED
        assert site.pool.channels_free("named") == 0
        server.silent = False
        await site.becomes(lambda: site.pool.account_state("named") is AccountState.STATIC)

    exchange(work)


def test_a_name_that_nobody_has_stops_the_start_with_its_trunk_s_name() -> None:
    async def work(site: Exchange, server: NameServer) -> None:
        with pytest.raises(UsageError, match=r"named.*mistyped.example"):
            await site.addresses.start()

    exchange(work, host="mistyped.example")
