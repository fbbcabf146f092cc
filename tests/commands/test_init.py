"""`softswitch init`: a first file that the switch can start with."""

import stat
from pathlib import Path

from typer.testing import CliRunner

from softswitch.__main__ import whole_app
from softswitch.config import load, problems
from softswitch.errors import UsageError

KEY = "ab" * 32


def run(*arguments: object) -> object:
    return CliRunner().invoke(whole_app(), ["init", *map(str, arguments)])


def test_the_first_file_can_be_used_as_it_is_and_keeps_its_comments(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    assert run(site, "--auditor-key", KEY, "--address", "192.0.2.10", "--sip-port", 5070).exit_code == 0
    settings = load(site)
    assert settings.recordings.auditor_public_key == KEY
    assert (settings.sip.address, settings.media.address, settings.sip.port) == ("192.0.2.10", "192.0.2.10", 5070)
    assert "# UDP and TCP" in site.read_text()
    assert stat.S_IMODE(site.stat().st_mode) == 0o600
    assert problems(site) == []


def test_a_file_that_is_there_is_not_written_over_and_a_wrong_key_leaves_none(tmp_path: Path) -> None:
    site = tmp_path / "site.toml"
    refused = run(site, "--auditor-key", "not a key")
    assert isinstance(refused.exception, UsageError)
    assert not site.exists()
    site.write_text("mine")
    refused = run(site, "--auditor-key", KEY)
    assert isinstance(refused.exception, UsageError)
    assert site.read_text() == "mine"
