from softswitch.web.lockout import (
    ACCOUNT_WAIT_LIMIT_S,
    FORGOTTEN_AFTER_S,
    FREE_FAILURES,
    MAXIMUM_KEYS,
    SOURCE_WAIT_LIMIT_S,
    Lockout,
)


def fail(lockout: Lockout, times: int, account: str = "ada", source: str = "10.0.0.9", now: float = 0.0) -> None:
    for _ in range(times):
        lockout.receive_attempt(account, source, now)


def test_a_few_mistypings_cost_no_waiting() -> None:
    lockout = Lockout()
    fail(lockout, FREE_FAILURES)
    assert lockout.wait_s("ada", "10.0.0.9", 0.0) == 0


def test_each_further_failure_doubles_the_wait() -> None:
    lockout = Lockout()
    fail(lockout, FREE_FAILURES)
    waits = []
    for _ in range(4):
        fail(lockout, 1)
        waits.append(lockout.wait_s("ada", "10.0.0.9", 0.0))
    assert waits == [2.0, 4.0, 8.0, 16.0]


def test_an_account_is_locked_for_every_source_and_a_source_for_every_account() -> None:
    lockout = Lockout()
    fail(lockout, FREE_FAILURES + 1)
    assert lockout.wait_s("ada", "10.0.0.1", 0.0) > 0
    assert lockout.wait_s("sue", "10.0.0.9", 0.0) > 0
    assert lockout.wait_s("sue", "10.0.0.1", 0.0) == 0


def test_the_wait_has_a_limit_so_that_nobody_is_shut_out_for_a_shift() -> None:
    lockout = Lockout()
    fail(lockout, 500)
    assert lockout.wait_s("ada", "10.0.0.1", 0.0) == ACCOUNT_WAIT_LIMIT_S
    assert lockout.wait_s("sue", "10.0.0.9", 0.0) == SOURCE_WAIT_LIMIT_S


def test_the_right_password_frees_the_account_and_keeps_the_earlier_failures_of_its_source() -> None:
    lockout = Lockout()
    fail(lockout, FREE_FAILURES, account="sue")
    lockout.receive_attempt("ada", "10.0.0.9", 0.0)
    lockout.receive_success("ada", "10.0.0.9")
    assert lockout.wait_s("ada", "10.0.0.9", 0.0) == 0
    fail(lockout, 1, account="otto")
    assert lockout.wait_s("otto", "10.0.0.9", 0.0) > 0


def test_failures_are_forgotten_after_a_quiet_hour() -> None:
    lockout = Lockout()
    fail(lockout, FREE_FAILURES + 3)
    later = FORGOTTEN_AFTER_S + 1
    fail(lockout, 1, now=later)
    assert lockout.wait_s("ada", "10.0.0.9", later) == 0


def test_a_flood_of_made_up_names_does_not_grow_the_table_without_end() -> None:
    lockout = Lockout()
    for number in range(MAXIMUM_KEYS + 50):
        lockout.receive_attempt(f"name-{number}", "10.0.0.9", 0.0)
    assert len(lockout._records) == MAXIMUM_KEYS
    assert lockout.wait_s("somebody", "10.0.0.9", 0.0) == SOURCE_WAIT_LIMIT_S
