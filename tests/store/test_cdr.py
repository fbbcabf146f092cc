"""CDRs as CSV: complete, without numbers, harmless in a spreadsheet."""

import csv
import io
from dataclasses import fields
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from softswitch.dialler.attempt import DialAttempt
from softswitch.store.cdr import cell, write_cdrs


@pytest.mark.parametrize("text", ["=1+1", "+44", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1"])
def test_text_that_a_spreadsheet_would_run_is_quoted(text: str) -> None:
    assert cell(text) == f"'{text}"


def test_values_are_written_so_that_a_program_can_read_them() -> None:
    at = datetime(2027, 7, 1, 1, 30, 0, 125000, tzinfo=ZoneInfo("Europe/London"))
    assert cell(at) == "2027-07-01T00:30:00.125Z"
    assert [cell(v) for v in (None, True, False, 486, 31.25, -0.5, 1234567.0, "busy")] == [
        "", "yes", "no", "486", "31.25", "-0.5", "1234567.0", "busy",
    ]  # fmt: skip


def test_an_export_holds_every_attempt_once_and_no_number(with_store, make_attempt, lead_file) -> None:
    async def body(store):
        await store.import_leads(lead_file("number\n02079460001\n"), "survey", country="GB", time_zone="Europe/London")
        (lead,) = await store.next_leads("survey", 1, make_attempt().committed_at)
        for n in range(3):
            at = make_attempt().committed_at + timedelta(seconds=n)
            await store.commit_attempt(
                make_attempt(f"c{n}", lead_ref=lead.lead_ref, committed_at=at, agent="=cmd|' /C calc'!A0")
            )
        file = io.StringIO(newline="")
        assert await write_cdrs(store.attempts_between("survey"), file) == 3
        rows = list(csv.DictReader(io.StringIO(file.getvalue())))
        assert list(rows[0]) == [*(field.name for field in fields(DialAttempt)), "AMDSTATUS", "AMDCAUSE"]
        assert [row["call_ref"] for row in rows] == ["c0", "c1", "c2"]
        assert all(row["agent"].startswith("'=") for row in rows)
        assert "79460001" not in file.getvalue()

    with_store(body)
