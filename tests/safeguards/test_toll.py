"""The toll guard: whoever gets hold of the switch cannot run up a bill."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.safeguards.toll import FRAUD_PREFIXES, MUST_BE_NAMED, TollGuard, TollLimits, prefix_problem

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LONDON = "+442079460012"
DUBLIN = "+35315551234"


class Site:
    """A guard with a clock and calls that the test sets."""

    def __init__(self, **limits: object) -> None:
        self.now = NOON
        self.up = 1
        self.guard = TollGuard(
            TollLimits(**limits),  # type: ignore[arg-type]
            is_domestic=lambda number: number.startswith("+4420"),
            calls_up=lambda: self.up,
            clock=lambda: self.now,
        )

    def dial(self, number: str = LONDON, after_s: float = 20.0) -> str | None:
        self.now += timedelta(seconds=after_s)
        return self.guard(number)


def test_a_site_that_names_no_destinations_dials_its_own_countrys_ordinary_numbers() -> None:
    site = Site()
    assert site.dial(LONDON) is None
    assert "not among" in (site.dial(DUBLIN) or "")


def test_a_site_dials_what_it_names_and_nothing_else() -> None:
    site = Site(destinations=("+353",))
    assert site.dial(DUBLIN) is None
    assert site.dial(LONDON)
    assert Site(destinations=("+353",), refused=("+3531",)).dial(DUBLIN)


@pytest.mark.parametrize("prefix", FRAUD_PREFIXES)
def test_premium_and_satellite_numbers_are_never_dialled_whatever_a_site_names(prefix: str) -> None:
    assert Site(destinations=("+1", "+4", "+8", "+9", prefix)).dial(f"{prefix}12345678"[:16])
    assert prefix_problem(prefix)


@pytest.mark.parametrize("dear", MUST_BE_NAMED)
def test_a_dear_range_inside_a_country_code_is_dialled_only_where_it_is_named(dear: str) -> None:
    number = f"{dear}5551234567"[:13]
    assert Site(destinations=(dear[:2], dear[:3])).dial(number)
    assert Site(destinations=(dear,)).dial(number) is None


@pytest.mark.parametrize("number", ["", "999", "02079460012", "00442079460012", "sip:x", "+"])
def test_what_is_no_international_number_is_not_dialled(number: str) -> None:
    assert Site(destinations=("+44",)).dial(number)


def test_no_more_calls_are_up_than_the_site_allows_at_once() -> None:
    site = Site(calls_at_once=3)
    site.up = 3
    assert site.dial() is None
    site.up = 4
    assert "at once" in (site.dial() or "")


def test_the_days_calls_run_out_and_come_back_at_midnight() -> None:
    site = Site(calls_a_day=3)
    assert [site.dial() for _ in range(3)] == [None] * 3
    assert "today" in (site.dial() or "")
    assert site.guard.alarm
    site.now = NOON + timedelta(hours=12)
    assert site.guard.alarm == ""
    assert site.dial() is None


def test_a_clock_that_is_set_back_does_not_make_the_day_new() -> None:
    site = Site(calls_a_day=2)
    assert [site.dial(), site.dial()] == [None, None]
    site.now -= timedelta(days=2)
    assert site.dial()


def test_a_prefix_has_a_bound_of_its_own_and_others_go_on() -> None:
    site = Site(destinations=("+44", "+353"), calls_a_day_to={"+353": 1, "+3531": 5})
    assert site.dial(DUBLIN) is None
    assert "+353" in (site.dial(DUBLIN) or "")
    assert site.dial(LONDON) is None
    assert site.guard.spent == ("+353",)
    assert site.guard.alarm == ""


def test_an_invite_that_answers_a_challenge_is_not_counted_again_and_passes_though_it_was_the_last() -> None:
    site = Site(calls_a_day=1)
    assert site.dial() is None
    assert site.dial(after_s=0.2) is None
    assert site.guard.calls_today == 1
    assert site.dial(after_s=0.2)


def test_many_calls_to_one_number_at_once_are_counted() -> None:
    site = Site(calls_a_day=10)
    passed = sum(site.dial(after_s=0.01) is None for _ in range(100))
    assert passed == 20  # each may have been challenged once, for all that the guard can tell


def test_after_a_restart_the_days_count_is_taken_up_and_never_lowered() -> None:
    site = Site(calls_a_day=5)
    site.guard.restore(4)
    site.guard.restore(1)
    assert site.dial() is None
    assert site.dial()


def test_no_reason_holds_a_part_of_the_number() -> None:
    site = Site(calls_a_day=1, calls_at_once=1)
    reasons = [site.dial(DUBLIN), site.dial("+19005551234")]
    site.dial()
    reasons.append(site.dial())
    site.up = 2
    reasons.append(site.dial())
    for reason in reasons:
        assert reason
        assert not any(part in reason for part in ("5551234", "7946", "900"))


@given(st.lists(st.tuples(st.sampled_from([LONDON, "+442079460013", DUBLIN]), st.floats(0.0, 7200.0)), max_size=200))
def test_in_no_order_do_more_calls_pass_in_a_day_than_twice_the_bound(calls: list[tuple[str, float]]) -> None:
    site = Site(calls_a_day=7)
    passed: dict[object, int] = {}
    for number, after_s in calls:
        if site.dial(number, after_s) is None:
            passed[site.now.date()] = passed.get(site.now.date(), 0) + 1
        assert site.guard.calls_today <= 7
    assert all(count <= 14 for count in passed.values())


@pytest.mark.parametrize("prefix", ["44", "+", "+0", "+44 20", "+44x", "+1234567890123456"])
def test_a_prefix_that_is_none_is_told(prefix: str) -> None:
    assert prefix_problem(prefix)
    assert prefix_problem("+44") is None
