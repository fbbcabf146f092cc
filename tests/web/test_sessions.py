from itertools import count

import pytest

from softswitch.web.accounts import Account, Role
from softswitch.web.sessions import MAXIMUM_PER_ACCOUNT, Sessions

SUE = Account("sue", Role.SUPERVISOR)


@pytest.fixture
def sessions() -> Sessions:
    numbers = count()
    return Sessions(lambda: f"token-{next(numbers)}", idle_s=100.0, lifetime_s=1000.0)


def test_a_token_stands_for_its_account_until_it_is_idle_too_long(sessions: Sessions) -> None:
    token = sessions.begin(SUE, 0.0)
    session = sessions.use(token, 99.0)
    assert session is not None
    assert session.account == SUE
    assert sessions.use(token, 198.0) is session
    assert sessions.use(token, 298.0) is None
    assert len(sessions) == 0


def test_use_does_not_carry_a_session_past_its_lifetime(sessions: Sessions) -> None:
    token = sessions.begin(SUE, 0.0)
    for now in range(50, 1000, 50):
        assert sessions.use(token, float(now)) is not None
    assert sessions.use(token, 1000.0) is None


def test_an_ended_session_tells_its_open_sockets_once(sessions: Sessions) -> None:
    token = sessions.begin(SUE, 0.0)
    session = sessions.use(token, 0.0)
    assert session is not None
    told: list[str] = []
    session.when_ended.append(lambda: told.append("ended"))
    sessions.end(token)
    sessions.end(token)
    assert told == ["ended"]
    assert not sessions.alive(session, 1.0)


def test_the_timer_ends_what_nobody_uses(sessions: Sessions) -> None:
    sessions.begin(SUE, 0.0)
    sessions.begin(SUE, 40.0)
    assert sessions.next_timer() == 100.0
    sessions.handle_timer(100.0)
    assert len(sessions) == 1
    assert sessions.next_timer() == 140.0
    sessions.end_all()
    assert sessions.next_timer() is None


def test_unknown_and_empty_tokens_stand_for_nobody(sessions: Sessions) -> None:
    sessions.begin(SUE, 0.0)
    assert sessions.use("", 0.0) is None
    assert sessions.use("token-7", 0.0) is None


def test_the_table_holds_no_token_that_could_be_stolen_from_a_dump(sessions: Sessions) -> None:
    token = sessions.begin(SUE, 0.0)
    assert token not in sessions._sessions


def test_one_account_holds_a_limited_number_of_sessions_and_the_oldest_goes(sessions: Sessions) -> None:
    tokens = [sessions.begin(SUE, 0.0) for _ in range(MAXIMUM_PER_ACCOUNT + 1)]
    assert sessions.use(tokens[0], 0.0) is None
    assert sessions.use(tokens[1], 0.0) is not None
    assert len(sessions) == MAXIMUM_PER_ACCOUNT
