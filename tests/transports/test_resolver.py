"""RFC 3263 against a name server on a real port of loopback."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import dns.rcode
import pytest

from softswitch.sip.hop import Hop
from softswitch.sip.locating import Server
from softswitch.testing.nameserver import NameServer
from softswitch.transports.resolver import Location, Resolver, Unresolvable

ZONE = [
    'carrier.example. 60 IN NAPTR 20 1 "s" "SIP+D2U" "" _sip._udp.carrier.example.',
    'carrier.example. 60 IN NAPTR 10 1 "s" "SIPS+D2T" "" _sips._tcp.carrier.example.',
    "_sip._udp.carrier.example. 120 IN SRV 10 60 5070 one.carrier.example.",
    "_sip._udp.carrier.example. 120 IN SRV 10 40 5070 two.carrier.example.",
    "_sip._udp.carrier.example. 120 IN SRV 20 0 5080 far.carrier.example.",
    "_sips._tcp.carrier.example. 120 IN SRV 10 0 5061 one.carrier.example.",
    "one.carrier.example. 40 IN A 192.0.2.1",
    "one.carrier.example. 40 IN AAAA 2001:db8::1",
    "two.carrier.example. 300 IN A 192.0.2.2",
    "far.carrier.example. 300 IN A 192.0.2.3",
    "carrier.example. 300 IN A 192.0.2.9",
    "plain.example. 300 IN A 192.0.2.8",
    "plain.example. 300 IN A 192.0.2.7",
    "tcp.example. 300 IN A 192.0.2.6",
    "_sip._tcp.tcp.example. 300 IN SRV 0 0 5060 tcp.example.",
    "none.example. 300 IN A 192.0.2.5",
    "_sip._udp.none.example. 300 IN SRV 0 0 0 .",
    "broken.example. 300 IN A 192.0.2.5",
    "_sip._udp.broken.example. 300 IN SRV 0 0 5060 nowhere.example.",
]


class Passing:
    """A loop's clock that can be put forward."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._time, self._ahead = loop.time, 0.0
        loop.time = lambda: self._time() + self._ahead  # type: ignore[method-assign]

    def advance(self, seconds: float) -> None:
        self._ahead += seconds


def asking(work: Callable[[Resolver, NameServer], Awaitable[Any]], zone: list[str] = ZONE, **settings: Any) -> Any:
    async def run() -> Any:
        server = await NameServer.start(zone)
        try:
            resolver = Resolver([server.address], timeout_s=settings.pop("timeout_s", 2.0), **settings)
            return await work(resolver, server)
        finally:
            server.close()

    return asyncio.run(run())


def locate(host: str, **wanted: Any) -> Location:
    return asking(lambda resolver, _: resolver.locate(host, **wanted))


def refusal(host: str, **wanted: Any) -> Unresolvable:
    with pytest.raises(Unresolvable) as raised:
        locate(host, **wanted)
    return raised.value


def hops(location: Location) -> list[Hop]:
    return [hop for server in location.servers for hop in server.hops]


def test_naptr_chooses_the_transport_srv_the_ports_and_weights_and_a_the_addresses() -> None:
    location = locate("carrier.example", transports=("UDP", "TCP"))
    assert location.servers == (
        Server((Hop("192.0.2.1", 5070), Hop("2001:db8::1", 5070)), 10, 60),
        Server((Hop("192.0.2.2", 5070),), 10, 40),
        Server((Hop("192.0.2.3", 5080),), 20, 0),
    )
    assert location.refresh_s == pytest.approx(36.0, abs=1.0), "nine tenths of the shortest TTL"
    assert not location.is_stale


def test_a_certificate_is_to_bear_the_carrier_s_domain_and_not_the_server_s_name() -> None:
    location = locate("carrier.example", transports=("UDP", "TLS"), families=("A",))
    assert hops(location) == [Hop("192.0.2.1", 5061, "TLS", name="carrier.example")]


def test_an_explicit_transport_asks_no_naptr() -> None:
    async def work(resolver: Resolver, server: NameServer) -> None:
        location = await resolver.locate("carrier.example", transport="UDP")
        assert hops(location)[0].port == 5070
        assert not [kind for _, kind in server.asked if kind == "NAPTR"]

    asking(work)


def test_an_explicit_port_asks_no_srv() -> None:
    async def work(resolver: Resolver, server: NameServer) -> None:
        location = await resolver.locate("carrier.example", port=5090, transport="TCP")
        assert hops(location) == [Hop("192.0.2.9", 5090, "TCP")]
        assert {kind for _, kind in server.asked} == {"A", "AAAA"}

    asking(work)


def test_an_address_asks_nothing() -> None:
    async def work(resolver: Resolver, server: NameServer) -> None:
        assert await resolver.locate("192.0.2.77") == Location((Server((Hop("192.0.2.77", 5060),)),), None)
        assert hops(await resolver.locate("[2001:DB8::1]", transport="TLS")) == [Hop("2001:db8::1", 5061, "TLS")]
        assert not server.asked

    asking(work)


def test_without_naptr_the_first_transport_that_has_srv_is_taken() -> None:
    assert hops(locate("tcp.example", transports=("UDP", "TCP"))) == [Hop("192.0.2.6", 5060, "TCP")]


def test_without_srv_the_name_s_own_addresses_are_taken_at_the_default_port() -> None:
    assert set(hops(locate("plain.example"))) == {Hop("192.0.2.8", 5060), Hop("192.0.2.7", 5060)}
    assert Hop("192.0.2.8", 5061, "TLS", name="plain.example") in hops(locate("plain.example", transport="TLS"))
    assert hops(locate("plain.example", transport="WSS"))[0].port == 443


def test_a_domain_that_says_that_it_has_no_sip_is_believed() -> None:
    failure = refusal("none.example")
    assert failure.denied
    assert "offers no SIP" in str(failure)


def test_servers_without_an_address_are_a_plain_failure() -> None:
    assert not asyncio.iscoroutine(refusal("missing.example"))
    assert refusal("missing.example").denied


@pytest.mark.parametrize(
    "host",
    [
        *("", ".", ".1", "[.1]", "1", "1.2.3", "a..b", "x" * 64 + ".example", "a." * 200 + "example", "[::zz]"),
        *("a b.example", "\x00.example", "\udcff.example", "xn--\uffff.example", "ａ" * 70 + ".example"),
        *("sip:100@host", "_" * 300),
    ],
)
def test_what_is_no_name_is_a_plain_failure(host: str) -> None:
    for wanted in ({}, {"port": 5060}, {"transport": "TLS"}):

        async def work(resolver: Resolver, server: NameServer, wanted: dict[str, Any] = wanted) -> int:
            with pytest.raises(Unresolvable) as raised:
                await resolver.locate(host, **wanted)
            assert raised.value.denied
            return sum(server.asked.values())

        assert asking(work) == 0


def test_an_internationalised_name_is_asked_in_its_ascii_form() -> None:
    zone = ["xn--bcher-kva.example. 60 IN A 192.0.2.4"]
    location = asking(lambda resolver, _: resolver.locate("bücher.example", transport="TLS"), zone)
    assert hops(location) == [Hop("192.0.2.4", 5061, "TLS", name="xn--bcher-kva.example")]


def test_localhost_comes_from_the_hosts_file_and_dns_is_not_asked() -> None:
    async def work(resolver: Resolver, server: NameServer) -> None:
        location = await resolver.locate("localhost", port=5060, families=("A",))
        assert hops(location) == [Hop("127.0.0.1", 5060)]
        assert location.refresh_s == 60.0
        assert not server.asked

    asking(work)


def test_a_name_in_the_hosts_file_is_where_that_says(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(
        "# the lab\n192.0.2.50 lab.example Carrier.Example # here\n2001:db8::5 carrier.example\nnonsense x\n"
    )

    async def work(resolver: Resolver, server: NameServer) -> None:
        assert hops(await resolver.locate("carrier.example")) == [Hop("192.0.2.50", 5060), Hop("2001:db8::5", 5060)]
        assert hops(await resolver.locate("carrier.example", transport="TLS", families=("A",))) == [
            Hop("192.0.2.50", 5061, "TLS", name="carrier.example")
        ]
        assert not server.asked
        hosts.unlink()
        assert hops(await resolver.locate("carrier.example"))[0].port == 5070

    asking(work, hosts_file=hosts)


def test_answers_are_kept_until_nine_tenths_of_their_ttl_and_asked_for_again_then() -> None:
    async def work(resolver: Resolver, server: NameServer) -> None:
        clock = Passing(asyncio.get_running_loop())
        for _ in range(5):
            await resolver.locate("carrier.example")
        assert server.asked["one.carrier.example.", "A"] == 1
        clock.advance(35.0)
        await resolver.locate("carrier.example")
        assert server.asked["one.carrier.example.", "A"] == 1
        clock.advance(1.5)
        await resolver.locate("carrier.example")
        assert server.asked["one.carrier.example.", "A"] == 2
        assert server.asked["two.carrier.example.", "A"] == 1, "each record by its own TTL"

    asking(work)


def test_a_changed_zone_is_seen_after_its_ttl() -> None:
    async def work(resolver: Resolver, server: NameServer) -> None:
        clock = Passing(asyncio.get_running_loop())
        await resolver.locate("plain.example", port=5060)
        server.records = ["plain.example. 300 IN A 192.0.2.100"]
        clock.advance(271.0)
        assert hops(await resolver.locate("plain.example", port=5060)) == [Hop("192.0.2.100", 5060)]

    asking(work)


@pytest.mark.parametrize("how", ["silent", "SERVFAIL", "REFUSED", "closed"])
def test_while_dns_fails_the_old_answers_are_good_for_a_day(how: str) -> None:
    async def work(resolver: Resolver, server: NameServer) -> None:
        clock = Passing(asyncio.get_running_loop())
        fresh = await resolver.locate("carrier.example")
        if how == "closed":
            server.close()
        elif how == "silent":
            server.silent = True
        else:
            server.failure = dns.rcode.from_text(how)
        clock.advance(5_000.0)
        stale = await resolver.locate("carrier.example")
        assert stale.servers == fresh.servers
        assert stale.is_stale
        assert stale.refresh_s == pytest.approx(30.0, abs=4.0)
        clock.advance(90_000.0)
        with pytest.raises(Unresolvable) as raised:
            await resolver.locate("carrier.example", transport="UDP", port=5060)
        assert not raised.value.denied

    asking(work, timeout_s=0.1)


def test_when_dns_works_again_it_is_believed_again() -> None:
    async def work(resolver: Resolver, server: NameServer) -> None:
        clock = Passing(asyncio.get_running_loop())
        await resolver.locate("plain.example", port=5060)
        server.failure = dns.rcode.SERVFAIL
        clock.advance(1_000.0)
        assert (await resolver.locate("plain.example", port=5060)).is_stale
        server.failure = None
        clock.advance(30.0)
        again = await resolver.locate("plain.example", port=5060, families=("A",))
        assert not again.is_stale
        assert again.refresh_s == pytest.approx(270.0, abs=1.0)

    asking(work)


def test_a_denial_is_remembered_for_as_long_as_the_zone_says_and_no_longer_than_five_minutes() -> None:
    async def work(resolver: Resolver, server: NameServer) -> None:
        clock = Passing(asyncio.get_running_loop())
        for negative_ttl_s, kept_s in ((60, 60), (100_000, 300), (None, 300)):
            server.negative_ttl_s = negative_ttl_s
            name = f"missing-{negative_ttl_s or 0}.example"
            for _ in range(3):
                with pytest.raises(Unresolvable) as raised:
                    await resolver.locate(name, port=5060, families=("A",))
                assert raised.value.denied
            assert server.asked[f"{name}.", "A"] == 1
            clock.advance(kept_s - 5)
            with pytest.raises(Unresolvable):
                await resolver.locate(name, port=5060, families=("A",))
            assert server.asked[f"{name}.", "A"] == 1
            clock.advance(6)
            with pytest.raises(Unresolvable):
                await resolver.locate(name, port=5060, families=("A",))
            assert server.asked[f"{name}.", "A"] == 2

    asking(work)


def test_the_cache_stays_within_its_bounds() -> None:
    async def work(resolver: Resolver, server: NameServer) -> None:
        for number in range(50):
            with pytest.raises(Unresolvable):
                await resolver.locate(f"name-{number}.example", port=5060)
            assert len(resolver) <= 8
        assert len(resolver) == 8

    asking(work, capacity=8)


def test_a_hostile_zone_is_asked_no_more_than_a_few_questions() -> None:
    zone = [f"_sip._udp.big.example. 60 IN SRV 0 0 5060 s{n}.big.example." for n in range(60)]
    zone += [f"s{n}.big.example. 60 IN A 192.0.2.{n}" for n in range(60)]

    async def work(resolver: Resolver, server: NameServer) -> None:
        location = await resolver.locate("big.example", transport="UDP", families=("A",))
        assert len(location.servers) == 16
        assert sum(server.asked.values()) == 17

    asking(work, zone)
