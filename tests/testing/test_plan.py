from collections import Counter
from pathlib import Path

import phonenumbers
import pytest

from softswitch.errors import UsageError
from softswitch.testing.callee import Kind
from softswitch.testing.plan import SHARES, make_leads, make_plan, read_plan, write_plan


def test_every_lead_has_a_number_of_its_own_that_phonenumbers_takes_for_valid() -> None:
    numbers = [lead.phone_number for lead in make_leads(500, seed=4)]
    assert len(set(numbers)) == 500
    assert all(phonenumbers.is_valid_number(phonenumbers.parse(number)) for number in numbers)


def test_sixty_leads_have_the_demos_shares() -> None:
    plan = make_plan(make_leads(60))
    assert Counter(callee.kind for callee in plan.values()) == SHARES


@pytest.mark.parametrize("count", [1, 7, 61, 200])
def test_other_counts_are_shared_out_without_remainder(count: int) -> None:
    assert len(make_plan(make_leads(count))) == count


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    leads = make_leads(60)
    assert make_plan(leads, 5) == make_plan(leads, 5)
    assert make_plan(leads, 5) != make_plan(leads, 6)


def test_neighbours_on_the_list_have_different_markers() -> None:
    markers = [callee.marker_hz for callee in make_plan(make_leads(60)).values()]
    assert all(len(set(markers[i : i + 8])) == 8 for i in range(52))


def test_a_plan_survives_its_file(tmp_path: Path) -> None:
    plan = make_plan(make_leads(60))
    write_plan(plan, tmp_path / "plan.json")
    assert read_plan(tmp_path / "plan.json") == plan


@pytest.mark.parametrize(
    "text", ['{"+442079460001": {"kind": "alien"}}', '{"+442079460001": {"kind": "person", "age": 3}}', "{"]
)
def test_a_wrong_plan_file_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(UsageError, match=r"plan\.json"):
        read_plan(tmp_path / "plan.json")


def test_people_talk_for_six_to_ten_seconds_and_ring_shortly() -> None:
    plan = make_plan(make_leads(60))
    assert all(6 <= callee.talk_s <= 10 for callee in plan.values() if callee.kind is Kind.PERSON)
    assert all(0.5 <= callee.ring_s <= 2.5 for callee in plan.values())


def test_more_leads_than_reserved_numbers_are_refused() -> None:
    with pytest.raises(UsageError):
        make_leads(10_000)
