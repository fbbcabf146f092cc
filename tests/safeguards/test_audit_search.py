"""What an auditor finds in the audit log."""

from datetime import UTC, datetime, timedelta

import pytest

from softswitch.safeguards.audit import SWITCH, AuditChain, AuditRecord
from softswitch.safeguards.audit_search import AuditSearch, Kind, kind_of

AT = datetime(2027, 3, 10, 12, tzinfo=UTC)


def record(
    actor: str = "sue", action: str = "listen", subject: str = "agent 101", reason: str = "Asked for"
) -> AuditRecord:
    return AuditChain().append(actor, action, at=AT, subject=subject, reason=reason)


@pytest.mark.parametrize(
    ("actor", "action", "kind"),
    [
        ("sue", "see", Kind.SAW),
        ("sue", "trace", Kind.SAW),
        ("sue", "whisper", Kind.HEARD),
        ("otto", "play recording", Kind.HEARD),
        ("otto", "listened to recording", Kind.HEARD),
        ("otto", "export recording", Kind.EXPORTED),
        ("otto", "ask for export", Kind.EXPORTED),
        (SWITCH, "destroy leads", Kind.DESTROYED),
        ("root", "erase lead", Kind.DESTROYED),
        ("sue", "log in", Kind.CAME),
        ("unknown", "refused", Kind.CAME),
        ("sue", "kill switch", Kind.CHANGED),
        ("ada", "an action of next year", Kind.CHANGED),
        (SWITCH, "torn line", Kind.SYSTEM),
    ],
)
def test_each_record_is_of_one_kind(actor: str, action: str, kind: Kind) -> None:
    assert kind_of(record(actor, action)) is kind


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (AuditSearch(), True),
        (AuditSearch(actor="SUE"), True),
        (AuditSearch(actor="su"), False),
        (AuditSearch(kind=Kind.HEARD), True),
        (AuditSearch(kind=Kind.SAW), False),
        (AuditSearch(action="LIST"), True),
        (AuditSearch(subject="101"), True),
        (AuditSearch(subject="asked"), False),
        (AuditSearch(text="asked for"), True),
        (AuditSearch(text="102"), False),
        (AuditSearch(since=AT, until=AT + timedelta(microseconds=1)), True),
        (AuditSearch(since=AT + timedelta(microseconds=1)), False),
        (AuditSearch(until=AT), False),
        (AuditSearch(actor="sue", kind=Kind.HEARD, action="listen", subject="agent", text="asked", since=AT), True),
    ],
)
def test_a_record_is_found_by_all_that_is_asked_of_it_together(search: AuditSearch, found: bool) -> None:
    assert search.matches(record()) is found
