"""What is due, and certificates in which no word can be changed and none be left out."""

from datetime import UTC, datetime, timedelta

import pytest

from softswitch.errors import UsageError
from softswitch.exchange.audit.keys import AuditKey, fits
from softswitch.safeguards.retention import LEADS, RECORDINGS, Certificate, KeptRecording, Rules, due, inspect

NOW = datetime(2027, 6, 1, 3, 0, tzinfo=UTC)
KEY = AuditKey(bytes(range(32)))
RULES = Rules(90, {"short": 7, "long": 3650})


def kept(name: str, campaign: str, days: float) -> KeptRecording:
    return KeptRecording(f"{name}.ssr", name, campaign, NOW - timedelta(days=days))


def certificates() -> list[str]:
    made: list[Certificate] = []
    for what, things in (
        (RECORDINGS, {"a.ssr": "aa", "b.ssr": "bb"}),
        (LEADS, {"l1": ""}),
        (RECORDINGS, {"c.ssr": "cc"}),
    ):
        made.append(
            Certificate.signed(
                what, things, at=NOW.isoformat(), rule=RULES.words("short"), by="softswitch",
                after=made[-1] if made else None, key=KEY.public, sign=KEY.sign,
            )
        )  # fmt: skip
    return [each.to_line() for each in made]


TOMBSTONES = {"a.ssr": "aa", "b.ssr": "bb", "c.ssr": "cc"}


def test_each_campaigns_own_days_count_and_the_sites_where_it_has_none() -> None:
    there = [
        kept("a", "short", 8),
        kept("b", "short", 6),
        kept("c", "other", 91),
        kept("d", "", 91),
        kept("e", "long", 91),
    ]
    assert [each.call_ref for each in due(there, RULES, (), NOW)] == ["a", "c", "d"]
    assert RULES.words("short") == "campaign short: kept for 7 days"
    assert RULES.words("") == "the site: kept for 90 days"


def test_what_is_held_is_never_due_and_the_last_day_still_belongs_to_it() -> None:
    assert due([kept("a", "short", 8)], RULES, {"a"}, NOW) == []
    assert due([kept("a", "short", 7)], RULES, (), NOW) == []


def test_whole_certificates_have_nothing_wrong() -> None:
    assert list(inspect(certificates(), fits, public_keys={KEY.public}, tombstones=TOMBSTONES)) == []


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_certificate_that_is_changed_removed_or_moved_is_found(number: int) -> None:
    lines = certificates()
    changed = [*lines]
    changed[number] = changed[number].replace("softswitch", "somebody")
    assert any("wrong signature" in trouble for trouble in inspect(changed, fits))
    without = lines[:number] + lines[number + 1 :]
    assert list(inspect(without, fits, tombstones=TOMBSTONES)) if number != 1 else list(inspect(without, fits))
    assert any("does not follow" in trouble for trouble in inspect([lines[1], lines[0], lines[2]], fits))


def test_another_key_a_missing_certificate_and_one_too_many_are_named() -> None:
    lines = certificates()
    assert any("none of those given" in trouble for trouble in inspect(lines, fits, public_keys={"00" * 32}))
    assert list(inspect(lines[:2], fits, tombstones=TOMBSTONES)) == ["c.ssr was destroyed without a certificate"]
    (extra,) = inspect(lines, fits, tombstones={"a.ssr": "aa", "b.ssr": "bb"})
    assert extra == "c.ssr has a certificate and no tombstone in the ledger"


@pytest.mark.parametrize("line", ["", "{}", "[]", '{"number":1}', "x"])
def test_what_is_no_certificate_is_refused(line: str) -> None:
    with pytest.raises(UsageError):
        Certificate.from_line(line)
