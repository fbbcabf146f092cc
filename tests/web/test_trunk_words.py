"""A trunk's state is told in words that supervisors and administrators know; the API keeps the short ones."""

from softswitch.ua.accounts import USABLE, AccountState
from softswitch.web.trunk_words import words_of


def test_every_state_has_words_of_its_own_and_is_calm_exactly_where_calls_can_be_made() -> None:
    told = {state: words_of(state.value) for state in AccountState}
    assert {state for state, words in told.items() if words.tone == "ready"} == USABLE
    assert all(words.long for words in told.values())
    assert "static" not in {words.short for words in told.values()}


def test_a_state_that_nobody_has_described_is_an_alert_under_its_own_name() -> None:
    assert words_of("asleep")[:2] == ("asleep", "alert")
