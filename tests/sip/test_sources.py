"""Who counts as one source, and how lockouts grow and stay bounded."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.errors import UsageError
from softswitch.sip.sources import Lockout, source_of


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1:2::/64"),
        ("2001:db8::1", "2001:db8:0:0::/64"),
        ("2001:db8::5:6:7:8", "2001:db8:0:0::/64"),
        ("2001:db8:0:1::", "2001:db8:0:1::/64"),
        ("::1", "0:0:0:0::/64"),
        ("::", "0:0:0:0::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("no:address", "no:address"),
    ],
)
def test_a_source_is_an_ipv4_address_or_an_ipv6_subscriber(host: str, source: str) -> None:
    assert source_of(host) == source


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**64 - 1))
def test_all_addresses_of_a_subscriber_are_one_source_and_no_others(address: int, host: int) -> None:
    network = address >> 64 << 64
    mine, other = (str(ipaddress.IPv6Address(n)) for n in (network | host, network ^ 1 << 64 | host))
    if not mine.startswith("::ffff:"):
        assert source_of(mine) == source_of(str(ipaddress.IPv6Address(network | 1)))
    assert source_of(mine) != source_of(other)


def make(**settings: float) -> Lockout:
    return Lockout(**({"strikes": 3, "window_s": 10.0, "first_s": 5.0, "longest_s": 40.0} | settings))  # type: ignore[arg-type]


def test_each_lock_lasts_twice_as_long_up_to_the_longest() -> None:
    lockout, now, lasted = make(), 0.0, []
    for _ in range(6):
        assert [lockout.strike("x", now), lockout.strike("x", now)] == [0.0, 0.0]
        lasted.append(lockout.strike("x", now))
        assert lockout.is_locked("x", now + lasted[-1] - 0.01)
        now += lasted[-1]
        assert not lockout.is_locked("x", now)
    assert lasted == [5.0, 10.0, 20.0, 40.0, 40.0, 40.0]


def test_strikes_far_apart_do_not_lock_and_good_conduct_is_remembered() -> None:
    lockout = make()
    assert not any(lockout.strike("x", 6.0 * n) for n in range(1, 40))
    assert [lockout.strike("y", 0.0) for _ in range(3)][-1] == 5.0
    assert [lockout.strike("y", 100.0) for _ in range(3)][-1] == 5.0


def test_a_crowd_does_not_push_out_who_is_locked() -> None:
    lockout = make(longest_s=1000.0, first_s=1000.0, most_watched=50)
    for _ in range(3):
        lockout.strike("bad", 0.0)
    for n in range(100_000):
        lockout.strike(n, 1.0)
    assert lockout.is_locked("bad", 2.0)
    assert len(lockout) <= 51


def test_a_lockout_that_makes_no_sense_is_our_own_error() -> None:
    with pytest.raises(UsageError):
        make(first_s=50.0)


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0, 20), st.floats(0.01, 5)), max_size=300))
def test_no_order_of_events_makes_it_grow_or_lock_for_too_long(events: list[tuple[int, float, float]]) -> None:
    lockout, now = make(most_watched=8, most_locked=4), 0.0
    for key, pause, weight in events:
        now += pause
        lasts = lockout.strike(key, now, weight)
        assert 0.0 <= lasts <= 40.0
        assert lockout.is_locked(key, now) or not lasts
        assert len(lockout) <= 12
        assert not lockout.is_locked(key, now + 40.0)
