"""Who looked at a whole call is noted on disk before it is shown."""

import asyncio
from pathlib import Path

import pytest

from softswitch.errors import UsageError
from softswitch.exchange.audit.file import AuditFile
from softswitch.safeguards.audit import AuditRecord
from tests.audit_chain import first_broken


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


def test_what_comes_about_by_itself_is_written_in_its_turn(tmp_path: Path) -> None:
    async def story() -> None:
        audit = AuditFile(tmp_path)
        for number in range(5):
            audit.note_soon("sue", "listen", subject=f"agent {number}", reason="next call", failed=pytest.fail)
        await audit.note("sue", "leave", subject="agent 4", reason="")
        await audit.drain()
        found = records(audit)
        assert [each.subject for each in found] == [*(f"agent {number}" for number in range(5)), "agent 4"]
        assert [each.action for each in found] == ["listen"] * 5 + ["leave"]
        assert first_broken(found) is None

    asyncio.run(story())


def test_who_would_be_noted_later_is_told_where_that_cannot_be(tmp_path: Path) -> None:
    async def story() -> None:
        told: list[str] = []
        audit = AuditFile(tmp_path / "gone")
        audit.note_soon("sue", "listen", subject="agent 1", reason="", failed=told.append)
        await audit.drain()
        assert len(told) == 1
        assert "cannot be written" in told[0]

    asyncio.run(story())
