"""A site's folder with a good configuration."""

from pathlib import Path

import pytest

from tests.auditor import AUDITOR
from tests.config.good_site import GOOD


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for name in ("who.wav", "never.csv", "leads.csv"):
        (tmp_path / name).write_text("")
    (tmp_path / "auditor.pub").write_text(f"# the auditor's\n{AUDITOR.public.hex()}\n")
    (tmp_path / "p1002.secret").write_text("from a file\n")
    path = tmp_path / "site.toml"
    path.write_text(GOOD)
    path.chmod(0o640)
    return path
