"""What opens each interlock, in plain words; and that whoever cannot tell opens it."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from softswitch.safeguards import conditions
from softswitch.safeguards.admission import Clearance, Shift
from softswitch.safeguards.conditions import KernelClock, MessageSound

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("agents", "present", "heard", "ratio", "said"),
    [
        (0, 0, 0, 15, "no supervisor is present"),
        (5, 1, 0, 15, "can listen"),
        (15, 1, 1, 15, ""),
        (16, 1, 1, 15, "1 supervisors for 16 agents"),
        (16, 2, 1, 15, "1 supervisors (1 more without sound) for 16 agents"),
        (30, 2, 2, 15, ""),
        (99, 0, 0, 0, ""),
    ],
)
def test_only_supervisors_who_can_listen_count(agents: int, present: int, heard: int, ratio: int, said: str) -> None:
    found = conditions.supervision(agents, present, heard, ratio)
    assert said in found
    assert bool(found) is bool(said)


def test_a_never_dial_list_is_fresh_until_its_last_day_and_not_of_tomorrow() -> None:
    assert "no never-dial list" in conditions.never_dial(None, NOW, 28)
    assert conditions.never_dial(NOW - timedelta(days=28), NOW, 28) == ""
    assert "29 days old, 28 are allowed" in conditions.never_dial(NOW - timedelta(days=29), NOW, 28)
    assert "yet to come" in conditions.never_dial(NOW + timedelta(hours=1), NOW, 28)


def test_a_clock_that_ntp_does_not_discipline_is_not_believed() -> None:
    assert conditions.kernel_clock(KernelClock(True, -900.0), 1000) == ""
    assert "not synchronised" in conditions.kernel_clock(KernelClock(False, 0.0), 1000)
    assert "1500 ms off" in conditions.kernel_clock(KernelClock(True, -1500.0), 1000)
    assert "does not say" in conditions.kernel_clock(None, 1000)


def test_a_clock_behind_what_the_store_holds_was_set_back() -> None:
    assert conditions.store_clock(None, NOW) == ""
    assert conditions.store_clock(NOW - timedelta(days=3), NOW) == ""
    assert conditions.store_clock(NOW + timedelta(seconds=4), NOW) == ""
    assert "3600 s behind the store" in conditions.store_clock(NOW + timedelta(hours=1), NOW)


@pytest.mark.parametrize(
    ("name", "sound", "said"),
    [
        ("", None, "names no information message"),
        ("who", None, "cannot be read"),
        ("who", MessageSound(0.4, 9000), "lasts 0.4 s"),
        ("who", MessageSound(8.0, 40), "is silent"),
        ("who", MessageSound(8.0, 9000), ""),
    ],
)
def test_an_information_message_says_something_aloud(name: str, sound: MessageSound | None, said: str) -> None:
    found = conditions.information_message(name, sound)
    assert said in found
    assert bool(found) is bool(said)


def test_the_budget_is_spent_when_the_days_rate_reaches_its_limit() -> None:
    assert conditions.abandoned_budget(0.0, 0, 0.0, 0.03) == ""
    assert conditions.abandoned_budget(0.0, 0, 0.0, 0.0) == ""
    assert conditions.abandoned_budget(1.0, 99, 0.01, 0.03) == ""
    found = conditions.abandoned_budget(3.0, 97, 0.03, 0.03)
    assert found == "3.0 of 100 live calls were abandoned today, 3.0 %; 3 % are allowed"
    found = conditions.abandoned_budget(0.025, 0, 1.0, 0.03)  # the first call's was a machine's, perhaps
    assert found == "no agent was heard in a call today, and 0.025 count as abandoned; 3 % are allowed"


def test_somebody_of_the_campaign_may_work_now() -> None:
    early = Clearance(roster=(Shift(frozenset(range(7)), time(6), time(14)),))
    late = Clearance(roster=(Shift(frozenset(range(7)), time(14), time(22)),))
    over = Clearance(cleared_until=date(2027, 2, 28))
    assert conditions.roster([early, over], NOW) == ""
    assert conditions.roster([late, over], NOW) == (
        "nobody may work now: Mon 12:00 is outside the roster's hours; the clearance ran out on 2027-02-28"
    )
    assert conditions.roster([], NOW) == "no agent works for it"


def test_a_disk_with_less_than_its_least_is_full() -> None:
    assert conditions.disk(500_000_000, 500_000_000) == ""
    assert conditions.disk(499_000_000, 500_000_000) == "the recordings' disk has 499 MB left of the 500 it must have"
