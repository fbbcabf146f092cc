"""One asks, another approves, for what was named, for a time, once; and what is held is held from the asking."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from softswitch.errors import UsageError
from softswitch.safeguards.four_eyes import ANSWERED_WITHIN, Request, What, check_approve, check_ask, check_use, held

NOW = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def request(what: What = What.EXPORT, *calls: str, asked_at: datetime = NOW, approved_at: datetime | None = None):
    by = "abe" if approved_at else ""
    return Request("r1", what, calls or ("a", "b"), "complaint", "ada", asked_at, 3600.0, by, approved_at)


@pytest.mark.parametrize(
    ("calls", "reason", "for_s", "said"),
    [
        ((), "complaint 7", 3600, "name 1 to"),
        (("a", "a"), "complaint 7", 3600, "each once"),
        (("a",), "7", 3600, "say why"),
        (("a",), "complaint 7", 59, "for how long"),
        (("a",), "complaint 7", 8 * 86400, "for how long"),
    ],
)
def test_a_question_names_calls_says_why_and_for_how_long(calls, reason, for_s, said) -> None:
    with pytest.raises(UsageError, match=said):
        check_ask(What.EXPORT, calls, reason, for_s)
    check_ask(What.EXPORT, ("a",), "complaint 7", 3600)
    check_ask(What.HOLD, ("a",), "complaint 7", 0)


def test_nobody_approves_their_own_twice_or_too_late() -> None:
    for same in ("ada", "ADA"):
        with pytest.raises(UsageError, match="somebody else"):
            check_approve(request(), same, NOW)
    check_approve(request(), "abe", NOW + ANSWERED_WITHIN - HOUR)
    with pytest.raises(UsageError, match="72 hours"):
        check_approve(request(), "abe", NOW + ANSWERED_WITHIN)
    with pytest.raises(UsageError, match="already"):
        check_approve(request(approved_at=NOW), "eve", NOW)


def test_an_approval_is_for_what_was_named_for_its_time_and_for_one_use() -> None:
    approved = request(approved_at=NOW)
    check_use(approved, ["a"], NOW)
    check_use(approved, ["b", "a"], NOW + timedelta(minutes=59))
    for wrong, calls, now, said in (
        (request(), ["a"], NOW, "nobody has approved"),
        (approved, ["a", "c"], NOW, "not for c"),
        (approved, ["a"], NOW + HOUR, "run out"),
        (replace(approved, used_at=NOW, used_by="otto"), ["a"], NOW, "otto has used it"),
        (replace(approved, what=What.HOLD), ["a"], NOW, "not for an export"),
    ):
        with pytest.raises(UsageError, match=said):
            check_use(wrong, calls, now)


def test_a_hold_holds_from_the_asking_until_two_have_lifted_it() -> None:
    asked = request(What.HOLD, "a")
    assert held([asked], NOW) == {"a"}
    assert held([asked], NOW + ANSWERED_WITHIN) == frozenset(), "nobody approved it"
    placed = replace(asked, approved_by="abe", approved_at=NOW + HOUR)
    years_later = NOW + timedelta(days=3000)
    assert held([placed], years_later) == {"a"}
    lift = request(What.LIFT, "a", asked_at=NOW + 2 * HOUR)
    assert held([placed, lift], years_later) == {"a"}, "one alone lifts nothing"
    lifted = replace(lift, approved_by="abe", approved_at=NOW + 3 * HOUR)
    assert held([lifted, placed], years_later) == frozenset()
    again = request(What.HOLD, "a", asked_at=NOW + 4 * HOUR, approved_at=NOW + 5 * HOUR)
    assert held([placed, lifted, again], years_later) == {"a"}
