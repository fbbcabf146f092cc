from dataclasses import replace
from datetime import UTC, datetime

import pytest

from softswitch.errors import UsageError
from softswitch.safeguards.audit import AuditChain, AuditRecord
from tests.audit_chain import first_broken

AT = datetime(2026, 6, 10, 11, 0, tzinfo=UTC)


def log(length=5):
    chain = AuditChain()
    return [
        chain.append("eve", "listened", at=AT, subject=f"call{index}", reason="complaint") for index in range(length)
    ]


def test_an_untouched_log_holds():
    assert first_broken(log()) is None


def test_a_line_is_read_back_as_it_was_written():
    for record in log():
        assert AuditRecord.from_line(record.to_line()) == record


def test_a_changed_record_is_found():
    records = log()
    records[2] = replace(records[2], reason="curiosity")
    assert first_broken(records) == 3


def test_a_removed_record_is_found():
    records = log()
    del records[1]
    assert first_broken(records) == 2


def test_reordered_records_are_found():
    records = log()
    records[3], records[4] = records[4], records[3]
    assert first_broken(records) == 4


def test_a_record_made_anew_with_a_fitting_hash_breaks_the_next_one():
    records = log()
    forged = AuditChain(records[1]).append("eve", "listened", at=AT, subject="call2", reason="none")
    records[2] = forged
    assert first_broken(records) == 4


def test_the_chain_goes_on_after_a_restart():
    records = log(3)
    records.append(AuditChain(records[-1]).append("ann", "exported", at=AT))
    assert first_broken(records) is None
    assert first_broken(records[3:], after=records[2]) is None


def test_a_line_that_is_no_record_is_refused():
    with pytest.raises(UsageError):
        AuditRecord.from_line('{"sequence": 1}')


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(UsageError):
        AuditChain().append("eve", "listened", at=datetime(2026, 6, 10))
