import pytest
from hypothesis import given
from hypothesis import strategies as st

from softswitch.errors import UsageError
from softswitch.safeguards import never_dial
from softswitch.safeguards.never_dial import NeverDialList

KEY = b"0123456789abcdef"


def test_a_listed_number_is_found_and_another_is_not():
    listed = NeverDialList.from_numbers(KEY, ["+442079460012"])
    assert listed.contains("+442079460012")
    assert not listed.contains("+442079460013")


def test_what_is_kept_on_disk_holds_no_number_and_needs_the_key():
    listed = NeverDialList.from_numbers(KEY, ["+442079460012"])
    kept = b"".join(listed.digests())
    assert b"2079460012" not in kept
    assert NeverDialList(KEY, listed.digests()).contains("+442079460012")
    assert not NeverDialList(b"another key of 16+", listed.digests()).contains("+442079460012")


@pytest.mark.parametrize("number", ["999", "112", "+112", "911", "+449012345678", "+19005550123", "+8835100012345"])
def test_emergency_and_premium_numbers_are_on_every_list(number):
    assert NeverDialList(KEY, ()).contains(number)


@pytest.mark.parametrize(
    "number", ["", "02079460012", "sip:+442079460012", "+44207946001２", "+0123456789", "+44 2079460012"]
)
def test_what_is_no_e164_number_counts_as_listed(number):
    assert NeverDialList(KEY, ()).contains(number)


def test_a_list_with_a_bad_entry_is_refused_whole_and_the_entry_is_not_repeated():
    with pytest.raises(UsageError, match="entry 2") as refused:
        NeverDialList.from_numbers(KEY, ["+442079460012", "020 7946 0099"])
    assert "0099" not in str(refused.value)


def test_a_short_key_is_refused():
    with pytest.raises(UsageError, match="too short"):
        NeverDialList(b"short", ())


def test_a_site_may_forbid_ranges_of_its_own():
    assert NeverDialList(KEY, (), prefixes=("+44207",)).contains("+442079460012")


def test_a_range_keeps_every_number_in_it_and_no_other():
    listed = NeverDialList.from_numbers(KEY, ["+44207946*", "+353*"])
    assert all(map(listed.contains, ("+442079460012", "+442079469999", "+35312345678", "+3530000000")))
    assert not any(map(listed.contains, ("+442079450012", "+442079560012", "+352123456")))
    assert b"207946" not in b"".join(listed.digests())


_FEW_DIGITS = st.text("12", min_size=7, max_size=14).map("+44".__add__)


@given(
    numbers=st.lists(_FEW_DIGITS, max_size=3),
    ranges=st.lists(st.text("12", min_size=1, max_size=9).map("+44{}*".format), max_size=4),
    asked=st.lists(_FEW_DIGITS.map(lambda number: number[:16]), min_size=1, max_size=20),
)
def test_whatever_was_asked_before_a_number_is_listed_by_itself_or_by_a_range_that_it_lies_in(numbers, ranges, asked):
    numbers = [number[:16] for number in numbers]
    listed = NeverDialList.from_numbers(KEY, [*numbers, *ranges], prefixes=())
    for number in asked:
        in_range = any(number.startswith(each[:-1]) and len(number) >= len(each) for each in ranges)
        assert listed.contains(number) is (number in numbers or in_range)


def test_what_is_remembered_of_ranges_is_bounded(monkeypatch):
    monkeypatch.setattr(never_dial, "_MOST_REMEMBERED", 3)
    listed = NeverDialList.from_numbers(KEY, ["+44207*"])
    for n in range(20):
        assert listed.contains(f"+44207{n:02d}60012") and not listed.contains(f"+44208{n:02d}60012")
        assert len(listed._ranges) <= 3


@pytest.mark.parametrize("entry", ["*", "+*", "+4*", "+44*20", "+44207946**", "44207946*", "+44207946?", "+04420*"])
def test_what_is_no_range_is_refused(entry):
    with pytest.raises(UsageError, match="entry 1"):
        NeverDialList.from_numbers(KEY, [entry])
