"""A trunk's state is told in words that supervisors and administrators know; the API keeps the short ones."""

import pytest

from softswitch.safeguards.trunk_words import words_of
from softswitch.ua.accounts import USABLE, AccountState


def test_every_state_has_words_of_its_own_and_is_calm_exactly_where_calls_can_be_made() -> None:
    told = {state: words_of(state.value) for state in AccountState}
    assert {state for state, words in told.items() if words.tone == "ready"} == USABLE
    assert all(words.long for words in told.values())
    assert "static" not in {words.short for words in told.values()}


def test_a_state_that_nobody_has_described_is_an_alert_under_its_own_name() -> None:
    assert words_of("asleep")[:2] == ("asleep", "alert")


@pytest.mark.parametrize(
    ("refusal", "short", "says"),
    [
        (0, "not registered", "has not answered yet"),
        (401, "refused", "user name or password"),
        (403, "refused", "user name or password is wrong, or the account is barred"),
        (404, "refused", "does not know this user name"),
        (408, "does not answer", "are host, port and transport right"),
        (500, "not registered", "by 500: ask it why"),
    ],
)
def test_a_registration_that_fails_is_told_by_what_to_look_at(refusal: int, short: str, says: str) -> None:
    words = words_of("unregistered", refusal)
    assert (words.short, words.tone) == (short, "alert")
    assert says in words.long


def test_a_refusal_of_the_past_says_nothing_of_a_trunk_that_works() -> None:
    assert words_of("registered", 403) == words_of("registered")
