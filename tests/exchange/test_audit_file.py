"""Who looked at a whole call is noted on disk before it is shown."""

import asyncio
from pathlib import Path

import pytest

from softswitch.errors import UsageError
from softswitch.exchange.audit_file import AuditFile
from softswitch.safeguards.audit import AuditRecord, first_broken


def records(log: AuditFile) -> list[AuditRecord]:
    return [AuditRecord.from_line(line) for line in log.path.read_text().splitlines()]


def test_the_chain_goes_on_after_a_restart(tmp_path: Path) -> None:
    for n in range(3):
        asyncio.run(AuditFile(tmp_path).note("otto", "trace", subject=f"call{n}", reason="one-way audio"))
    found = records(AuditFile(tmp_path))
    assert [record.sequence for record in found] == [1, 2, 3]
    assert first_broken(found) is None
    assert (tmp_path / "audit.log").stat().st_mode & 0o777 == 0o600


def test_a_number_in_the_reason_is_not_kept(tmp_path: Path) -> None:
    log = AuditFile(tmp_path)
    asyncio.run(log.note("otto", "trace", subject="call", reason="complaint of +44 20 7946 0958"))
    assert "0958" not in log.path.read_text()


def test_what_cannot_be_noted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        asyncio.run(AuditFile(tmp_path / "gone").note("otto", "trace", subject="call", reason="why"))
