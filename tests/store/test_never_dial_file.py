"""Never-dial lists as sites write them: nobody is left out, and no line is passed over in silence."""

from pathlib import Path

import pytest

from softswitch.errors import UsageError
from softswitch.store.never_dial_file import read_never_dial, read_numbers


@pytest.fixture
def listed(tmp_path: Path):
    def read(text: str, country: str = "GB") -> list[str]:
        path = tmp_path / "never.csv"
        path.write_text(text, encoding="utf-8")
        return read_numbers(path, country)

    return read


def test_numbers_and_ranges_are_read_as_people_write_them(listed) -> None:
    text = "name,phone\nCourt,020 7946*\nWitness,(020) 7946 0012\nSite,+44 1632 96 *\nAbroad,00353 1 234*\n"
    assert listed(text) == ["+44207946*", "+442079460012", "+44163296*", "+3531234*"]


@pytest.mark.parametrize("first", ["02079460012", "0207946*", "999", "+4490*"])
def test_a_list_without_a_header_loses_no_first_line(listed, first: str) -> None:
    found = listed(f"{first}\n02079460013\n")
    assert "+442079460013" in found
    assert len(found) == (1 if first == "999" else 2)


def test_a_range_of_north_america_has_its_country_code(listed) -> None:
    assert listed("1 (212) 555*\n212-555*\n", "US") == ["+1212555*", "+1212555*"]


@pytest.mark.parametrize(
    "entry", ["*", "0*", "44*20", "abc*", "0207946?", "020 7946 001?", "+0*", "12345", "not known"]
)
def test_a_line_that_is_neither_stops_the_import_and_is_not_repeated(listed, entry: str) -> None:
    with pytest.raises(UsageError, match="line 3") as refused:
        listed(f"number\n02079460012\n{entry}\n")
    assert len(entry) < 3 or entry not in str(refused.value)


def test_the_list_made_of_it_answers_for_numbers_and_ranges(tmp_path: Path) -> None:
    path = tmp_path / "never.csv"
    path.write_text("number\n0207946*\n01632960001\n", encoding="utf-8")
    found = read_never_dial(path, "GB")
    assert found.contains("+442079460099") and found.contains("+441632960001") and not found.contains("+441632960002")
