"""`softswitch audit`, as the auditor meets it at a terminal, and a stranger's own verifier beside it."""

import asyncio
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from softswitch.commands.audit import audit_app
from softswitch.errors import UsageError
from softswitch.exchange.audit.book import AuditBook, Entry
from softswitch.exchange.audit.keys import AuditKey
from softswitch.safeguards.audit import AuditRecord
from softswitch.safeguards.audit_seal import Why
from tests.audit_chain import first_broken
from tests.auditor import AUDITOR

DOCUMENT = Path(__file__).parents[2] / "docs" / "audit-log.md"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site's TOML file; its log has three days, the last one open."""
    data = tmp_path / "data"
    data.mkdir()
    now = datetime(2027, 6, 14, 12, 0, tzinfo=UTC)
    book = AuditBook(data, AuditKey.make(data / "audit.key"), lambda: now)
    for day in range(3):
        book.append([Entry("sue" if n % 2 else "eve", "listen", f"agent {day}{n}", "complaint") for n in range(4)])
        now += timedelta(days=1)
    with (data / "audit.log").open("ab") as log:
        log.write(b'{"action":"lis')
    now -= timedelta(days=1)
    book.append([Entry("eve", "leave", "agent 22", "")])
    config = tmp_path / "site.toml"
    config.write_text(f'[site]\ndata_directory = "data"\n[recordings]\nauditor_public_key = "{AUDITOR.public.hex()}"\n')
    return config


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(audit_app, [str(each) for each in arguments], env={"COLUMNS": "200"})
    if isinstance(result.exception, UsageError):
        raise result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def change(path: Path, line: int, old: bytes, new: bytes) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new)
    path.write_bytes(b"".join(lines))


def test_keygen_writes_the_private_key_for_its_owner_alone_and_prints_the_public_one(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    status, output = run("keygen", path)
    assert status == 0
    assert AuditKey.read(path).public in output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_whole_log_is_verified_by_the_sites_file_its_folder_and_its_public_key(site: Path) -> None:
    public = AuditKey.read(site.parent / "data" / "audit.key").public
    for place in (site, site.parent / "data", site.parent / "data" / "audit.log"):
        status, output = run("verify", place, "--public-key", public)
        assert status == 0, output
        assert "14 records, 8 of them under 2 seals, 0 troubles" in output
    anchor = output.split()[-1]
    assert run("verify", site, "--anchor", anchor)[0] == 0
    assert run("verify", site, "--anchor", "0" * 63 + "1")[0] == 1


def test_verify_names_the_line_and_exits_1(site: Path) -> None:
    change(site.parent / "data" / "audit.log", 3, b"agent 02", b"agent 92")
    status, output = run("verify", site)
    assert status == 1
    assert "line 3: was changed" in output


def test_a_log_made_anew_under_another_key_is_found_at_the_site_though_nobody_names_the_key(site: Path) -> None:
    data = site.parent / "data"
    for name in ("audit.log", "audit.head", "audit.seals"):
        (data / name).unlink()
    AuditBook(data, AuditKey.make(site.parent / "another.key")).append([Entry("eve", "leave", "agent 22", "")])
    assert run("verify", data)[0] == 0, "who knows no key cannot tell"
    status, output = run("verify", site)
    assert status == 1
    assert "none of those given" in output
    (data / "audit.key").unlink()
    assert run("verify", site)[0] == 0


def test_what_is_no_key_and_what_is_no_log_is_said_plainly(site: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="64 hexadecimal"):
        run("verify", site, "--public-key", "abc")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no audit log"):
        run("verify", tmp_path / "empty")


def test_a_log_that_was_deleted_beside_its_seals_is_found(site: Path) -> None:
    (site.parent / "data" / "audit.log").unlink()
    status, output = run("verify", site)
    assert status == 1
    assert "cut off" in output


def test_an_export_is_the_same_lines_and_notes_itself_first(site: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert run("export", site, out, "--reason", "yearly inspection")[0] == 0
    assert out.read_bytes() == (site.parent / "data" / "audit.log").read_bytes()
    last = AuditRecord.from_line(out.read_text().splitlines()[-1])
    assert (last.action, last.subject, last.reason) == ("export audit log", "all of it", "yearly inspection")
    assert run("verify", site)[0] == 0
    with pytest.raises(UsageError, match="File exists"):
        run("export", site, out, "--reason", "again")


def test_a_day_of_an_export_is_a_chain_of_its_own(site: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    run("export", site, out, "--reason", "inspection", "--since", "2027-06-15", "--until", "2027-06-16")
    records = [AuditRecord.from_line(line) for line in out.read_text().splitlines()]
    assert [record.sequence for record in records] == [5, 6, 7, 8]
    assert first_broken(records[1:], after=records[0]) is None


def test_an_export_can_be_of_one_person_and_one_action(site: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    run("export", site, out, "--reason", "inspection", "--actor", "eve", "--action", "leave")
    assert [AuditRecord.from_line(line).subject for line in out.read_text().splitlines()] == ["agent 22"]


def test_an_export_without_a_reason_is_refused(site: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--reason"):
        run("export", site, tmp_path / "out", "--reason", " ")
    assert not (tmp_path / "out").exists()


# The document's own verifier: what a stranger would write, with nothing of ours


def stranger(site: Path) -> subprocess.CompletedProcess[str]:
    (_, _, rest) = DOCUMENT.read_text(encoding="utf-8").partition("```python\n")
    script = rest.partition("```")[0]
    assert "softswitch" not in script.replace("softswitch's", "").replace('"softswitch"', "")
    assert len([line for line in script.splitlines() if line.strip()]) <= 35
    folder = site.parent / "data"
    public = AuditKey.read(folder / "audit.key").public
    return subprocess.run(
        [sys.executable, "-I", "-c", script, str(folder), public],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def test_a_stranger_who_read_the_document_verifies_the_log(site: Path) -> None:
    AuditBook(site.parent / "data", AuditKey.read(site.parent / "data" / "audit.key")).seal(Why.SHUTDOWN)
    result = stranger(site)
    assert result.returncode == 0, result.stderr
    assert "14 records" in result.stdout


@pytest.mark.parametrize("name", ["audit.log", "audit.seals", "audit.head"])
def test_a_stranger_finds_every_change_of_a_byte_that_counts(site: Path, name: str) -> None:
    path = site.parent / "data" / name
    whole = path.read_bytes()
    for position in range(0, len(whole.rstrip()), max(1, len(whole) // 12)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        ours, theirs = run("verify", site)[0], stranger(site).returncode if position % 2 == 0 else 1
        assert ours == 1, position
        assert theirs != 0, position


def test_a_stranger_finds_a_cut_off_end(site: Path) -> None:
    path = site.parent / "data" / "audit.log"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert stranger(site).returncode != 0
    assert asyncio.run(asyncio.to_thread(run, "verify", site))[0] == 1
