"""Numbers as people type them: what is kept is what was meant, or nothing."""

import pytest

from softswitch.errors import UsageError
from softswitch.survey.answers import checked
from softswitch.survey.questionnaire import Node, NodeKind


def miles(decimals: int = 0) -> Node:
    return Node("miles", NodeKind.NUMBER, "How many miles a year?", at_least=0, at_most=100_000, decimals=decimals)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("12000", 12_000),
        ("12,000", 12_000),
        ("12 000", 12_000),
        ("12'000", 12_000),
        (" 7 ", 7),
        ("\uff11\uff12", 12),
        (12, 12),
        (12.0, 12),
    ],
)
def test_thousands_are_thousands(typed: object, kept: int) -> None:
    assert checked(miles(), typed) == kept


@pytest.mark.parametrize("typed", ["12.5", "12,5", "12.000", "1,20", "1,2000"])
def test_where_whole_numbers_are_asked_for_nothing_with_decimals_is_taken_for_one(typed: str) -> None:
    with pytest.raises(UsageError, match="whole number"):
        checked(miles(), typed)


@pytest.mark.parametrize(("typed", "kept"), [("2.5", 2.5), ("2,5", 2.5), ("12,000.5", 12_000.5), ("12 000", 12_000.0)])
def test_decimals_have_a_point_or_a_comma_before_them(typed: str, kept: float) -> None:
    assert checked(miles(decimals=1), typed) == kept


def test_what_could_be_either_is_asked_again() -> None:
    with pytest.raises(UsageError, match="without a comma"):
        checked(miles(decimals=3), "12,000")
