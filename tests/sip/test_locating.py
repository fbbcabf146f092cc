"""RFC 3263 and RFC 2782 without DNS."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from softswitch.sip.hop import Hop
from softswitch.sip.locating import Naptr, Server, draw, in_order, is_address, services_of, srv_name


def server(name: str, priority: int = 0, weight: int = 0) -> Server:
    return Server((Hop(name, 5060),), priority, weight)


def names(servers: list[Server]) -> list[str]:
    return [each.hops[0].host for each in servers]


def naptr(order: int, preference: int, service: str, replacement: str, flags: str = "s", regexp: str = "") -> Naptr:
    return Naptr(order, preference, flags, service, regexp, replacement)


def test_the_domain_s_favourite_transport_of_those_that_we_speak_comes_first() -> None:
    # The example of RFC 3263 §4.1.
    records = [
        naptr(90, 50, "SIP+D2T", "_sip._tcp.example.com"),
        naptr(100, 50, "SIP+D2U", "_sip._udp.example.com"),
        naptr(50, 50, "SIPS+D2T", "_sips._tcp.example.com"),
    ]
    assert services_of(records, {"UDP", "TCP"}) == [
        ("TCP", "_sip._tcp.example.com"),
        ("UDP", "_sip._udp.example.com"),
    ]
    assert services_of(records, {"UDP", "TCP", "TLS"})[0] == ("TLS", "_sips._tcp.example.com")
    assert services_of(records, {"WS"}) == []


def test_naptr_records_that_do_not_lead_to_srv_are_passed_over() -> None:
    records = [
        naptr(1, 1, "SIP+D2U", ".", regexp="!^.*$!sip:x@example.com!"),
        naptr(2, 1, "SIP+D2U", "a.example.com", flags="a"),
        naptr(3, 1, "E2U+sip", "_sip._udp.example.com"),
        naptr(4, 1, "SIP+D2U", "."),
        naptr(5, 1, "sip+d2u", "_sip._udp.example.com", flags="S"),
    ]
    assert services_of(records, {"UDP"}) == [("UDP", "_sip._udp.example.com")]


def test_srv_records_stand_under_the_transport_s_name() -> None:
    assert srv_name("UDP", "example.com") == "_sip._udp.example.com"
    assert srv_name("TLS", "example.com") == "_sips._tcp.example.com"
    assert srv_name("WSS", "example.com") is None


def test_addresses_are_told_from_names() -> None:
    assert all(is_address(host) for host in ("192.0.2.1", "2001:db8::1", "[2001:db8::1]"))
    assert not any(is_address(host) for host in ("", ".1", "[.1]", "localhost", "192.0.2", "192.0.2.1.example"))


def test_a_higher_priority_is_used_up_before_a_lower_one() -> None:
    servers = [server("backup", 20, 100), server("main-1", 10, 1), server("main-2", 10, 1)]
    for seed in range(50):
        order = names(in_order(servers, random.Random(seed).randrange))
        assert order[2] == "backup"
        assert set(order[:2]) == {"main-1", "main-2"}


def test_weights_share_the_calls_out() -> None:
    servers = [server("big", 0, 60), server("small", 0, 20), server("mid", 0, 20)]
    rng = random.Random(1)
    first = Counter(names(in_order(servers, rng.randrange))[0] for _ in range(10_000))
    assert abs(first["big"] / 10_000 - 0.6) < 0.02
    assert abs(first["small"] / 10_000 - 0.2) < 0.02


def test_of_two_servers_of_the_smallest_weight_none_is_favoured() -> None:
    rng = random.Random(4)
    first = Counter(names(in_order([server("a", 0, 1), server("b", 0, 1)], rng.randrange))[0] for _ in range(4_000))
    assert abs(first["a"] - 2_000) < 160


def test_weightless_servers_are_alike_among_themselves_and_rare_beside_others() -> None:
    rng = random.Random(2)
    first = Counter(names(in_order([server("a"), server("b")], rng.randrange))[0] for _ in range(2_000))
    assert abs(first["a"] - 1_000) < 120
    rng = random.Random(3)
    first = Counter(names(in_order([server("a", 0, 99), server("rare")], rng.randrange))[0] for _ in range(5_000))
    assert 20 < first["rare"] < 90


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 65535)), max_size=12),
    st.integers(0, 2**32),
)
def test_every_server_is_tried_once_and_never_before_one_of_a_higher_priority(
    given: list[tuple[int, int]], seed: int
) -> None:
    servers = [server(f"s{n}", priority, weight) for n, (priority, weight) in enumerate(given)]
    ordered = in_order(servers, random.Random(seed).randrange)
    assert sorted(names(ordered)) == sorted(names(servers))
    assert [each.priority for each in ordered] == sorted(each.priority for each in servers)


@given(st.lists(st.integers(0, 65535), min_size=1, max_size=8), st.integers(0, 2**32))
def test_a_draw_is_always_a_position(weights: list[int], seed: int) -> None:
    weights.sort(key=bool)
    assert 0 <= draw(weights, random.Random(seed).randrange) < len(weights)
