"""Who may not work is refused, noted once, told to supervisors, and let in again when it is time."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from softswitch.config import load
from softswitch.errors import UsageError
from softswitch.exchange.floor.admissions import Admissions
from softswitch.safeguards.admission import NOT_NOW
from tests.auditor import AUDITOR

SITE = f"""\
[recordings]
auditor_public_key = "{AUDITOR.public.hex()}"
[[agents]]
id = "1001"
roster = ["mon-fri 09:00-17:00"]
[[agents]]
id = "1002"
excluded_categories = ["victims"]
[[campaigns]]
name = "crime"
categories = ["victims"]
"""


class Notes:
    """An audit log that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def note_soon(self, actor: str, action: str, *, subject: str, reason: str, failed: Any) -> None:
        self.told.append((actor, action, reason))


def test_an_agent_outside_the_roster_is_refused_noted_once_and_let_in_in_time(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(SITE, encoding="utf-8")
    now = [datetime(2027, 6, 14, 7, 59, tzinfo=UTC)]  # 08:59 in London
    notes = Notes()
    admissions = Admissions(load(path), notes, lambda: now[0])  # type: ignore[arg-type]
    for _ in range(3):
        with pytest.raises(UsageError, match=NOT_NOW):
            admissions.check("1001")
    assert admissions.refused == {"1001": "Mon 08:59 is outside the roster's hours"}
    assert notes.told == [("1001", "refused", "Mon 08:59 is outside the roster's hours")]
    now[0] = datetime(2027, 6, 14, 8, 0, tzinfo=UTC)
    admissions.check("1001")
    assert admissions.refused == {}
    assert admissions.refuse("1002").startswith("excluded from every campaign")
    assert admissions.refuse("9999")
