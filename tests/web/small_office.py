"""The administration of a small site for the web's tests: the real one, over a file in a folder of its own."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from softswitch.config import Settings, load
from softswitch.exchange.desks.administration import Administration
from softswitch.safeguards.site_setup import TestCall

SITE = """\
# The lab's own file.
[site]
name = "Lab site"   # as on the wallboard
data_directory = "data"

[recordings]
auditor_public_key = "abababababababababababababababababababababababababababababababab"

[people]
agents_networks = ["10.9.0.0/16"]

[[trunks]]
name = "carrier"
host = "198.51.100.20"
caller_id = "+442079460123"

[[agents]]
id = "101"

[[agents]]
id = "102"

[[campaigns]]
name = "transport-2026"
visible_fields = ["salutation", "city"]
"""


@dataclass
class LabCalls:
    """Test calls that nobody places."""

    placed: list[tuple[str, str, str]] = field(default_factory=list)
    state: TestCall | None = None

    async def place(self, trunk: str, number: str, caller_id: str) -> TestCall:
        self.placed.append((trunk, number, caller_id))
        self.state = TestCall("t1", trunk, "dialling")
        return self.state

    def last(self) -> TestCall | None:
        return self.state

    def tell(self, state: str, reason: str = "") -> None:
        assert self.state is not None
        self.state = replace(self.state, state=state, reason=reason)


@dataclass
class SmallOffice:
    administration: Administration
    path: Path
    calls: LabCalls
    never_dial: tuple[int, datetime] | None = (3, datetime(2026, 11, 20, tzinfo=UTC))
    calls_up: int = 0
    restarts: int = 0

    @property
    def settings(self) -> Settings:
        return load(self.path)

    def files(self) -> set[str]:
        """Every file below the site's folder, by its path from there."""
        return {str(path.relative_to(self.path.parent)) for path in self.path.parent.rglob("*") if path.is_file()}


def small_office(folder: Path, journal: Any, accounts: Any) -> SmallOffice:
    path = folder / "site.toml"
    path.touch(mode=0o640)
    path.write_text(SITE, encoding="utf-8")
    settings = load(path)

    async def never_dial() -> tuple[int, datetime] | None:
        return office.never_dial

    def restart() -> None:
        office.restarts += 1

    calls = LabCalls()
    administration = Administration(
        path, settings, notes=journal, accounts=accounts, test_calls=calls, never_dial=never_dial,
        calls_up=lambda: office.calls_up, restart=restart,
    )  # fmt: skip
    office = SmallOffice(administration, path, calls)
    return office
