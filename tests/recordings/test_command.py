"""`softswitch recordings`, as the auditor meets it at a terminal."""

import asyncio
import stat
from datetime import UTC, datetime

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from softswitch.commands.recordings import recordings_app
from softswitch.config import load
from softswitch.errors import UsageError
from softswitch.exchange.audit.file import NAME as AUDIT_LOG
from softswitch.recordings.inspection import inspect_folder
from softswitch.recordings.keys import parse_public_key, read_private_key, read_public_key, write_private_key
from softswitch.safeguards.audit import AuditRecord
from softswitch.safeguards.four_eyes import Request, What
from softswitch.store.database import Store
from tests.audit_chain import first_broken
from tests.auditor import AUDITOR
from tests.recordings.recorded import folder_of, keep, pieces


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "auditor.key"
    write_private_key(path, AUDITOR)
    return path


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    return folder_of(folder, "a", "b")


def run(*arguments):
    result = CliRunner().invoke(recordings_app, [str(each) for each in arguments], env={"COLUMNS": "200"})
    if isinstance(result.exception, UsageError):
        raise result.exception
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_keygen_writes_the_private_key_for_its_owner_alone_and_prints_the_public_one(tmp_path):
    path = tmp_path / "new.key"
    status, output = run("keygen", path)
    assert status == 0
    pair = read_private_key(path)
    assert parse_public_key(next(line for line in output.splitlines() if len(line) == 64)) == pair.public
    assert pair.private.hex() not in output
    assert "[recordings] auditor_public_key" in output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="never written over"):
        run("keygen", path)
    path.chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        read_private_key(path)


@pytest.mark.parametrize("text", ["", "00" * 31, "zz" * 32, "00" * 32, "A" * 43])
def test_what_is_no_public_key_is_refused(tmp_path, text):
    with pytest.raises(UsageError):
        read_public_key(text, tmp_path)


def test_a_public_key_may_be_base64_or_in_a_file(tmp_path):
    import base64

    assert read_public_key(base64.b64encode(AUDITOR.public).decode(), tmp_path) == AUDITOR.public
    (tmp_path / "auditor.pub").write_text(f"# ours\n\n{AUDITOR.public.hex()}\n")
    assert read_public_key("auditor.pub", tmp_path) == AUDITOR.public


def test_verify_ends_well_for_a_whole_folder_with_and_without_the_key(site, key):
    for options in ((), ("--private-key", key)):
        status, output = run("verify", site, *options)
        assert status == 0
        assert "2 recordings whole, 0 troubles" in output
    head = inspect_folder(site).head.hex()
    assert head in output
    assert run("verify", site, "--anchor", head)[0] == 0
    assert run("verify", site, "--anchor", "00" * 31 + "01")[0] == 1
    assert run("verify", site / "a.ssr", "--private-key", key)[0] == 0


def test_verify_fails_with_a_plain_reason(site, key):
    content = bytearray((site / "a.ssr").read_bytes())
    content[700] ^= 1
    (site / "a.ssr").write_bytes(content)
    status, output = run("verify", site, "--private-key", key)
    assert status == 1
    assert "a.ssr: has another hash than when it was closed: it was altered" in output
    assert "a.ssr: chunk 1 (from 0.00 s on) was altered; what follows it is as it was written" in output
    (site / "b.ssr").unlink()
    assert "b.ssr: is in the ledger and not in the folder: it was removed" in run("verify", site)[1]


@pytest.mark.parametrize("kind", ["wav", "flac"])
def test_export_writes_what_was_said_for_its_owner_alone(tmp_path, key, kind):
    written, sound = pieces()
    path = keep(tmp_path, written)
    out = tmp_path / f"heard.{kind}"
    status, _ = run("export", path, "--private-key", key, "--format", kind, "-o", out)
    assert status == 0
    samples, rate_hz = soundfile.read(out, dtype="int16")
    assert rate_hz == 8000
    assert np.array_equal(samples, sound)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    status, output = run("export", path, "--private-key", key, "-o", out)
    assert (status, "write over nothing" in output) == (1, True)


def test_export_of_several_goes_into_a_folder_and_a_damaged_one_stops_no_other(tmp_path, site, key):
    content = bytearray((site / "a.ssr").read_bytes())
    content[2500] ^= 1
    (site / "a.ssr").write_bytes(content)
    files = [site / "a.ssr", site / "b.ssr"]
    status, output = run("export", *files, "--private-key", key, "-o", tmp_path / "heard")
    assert status == 1
    assert "chunk 2" in output
    assert [path.name for path in (tmp_path / "heard").iterdir()] == ["b.wav"]
    run("export", site / "a.ssr", "--private-key", key, "--past-damage", "-o", tmp_path / "heard")
    assert len(soundfile.read(tmp_path / "heard" / "a.wav")[0]) == 2400


def test_an_export_with_the_sites_configuration_is_in_its_audit_log_before_anything_is_heard(tmp_path, site, key):
    config = tmp_path / "site.toml"
    config.write_text(f'[site]\ndata_directory = "data"\n[recordings]\nauditor_public_key = "{AUDITOR.public.hex()}"\n')
    (tmp_path / "data").mkdir()
    arguments = ("export", site / "a.ssr", "--private-key", key, "-o", tmp_path / "a.wav", "--config", config)
    with pytest.raises(UsageError, match="--request"):
        run(*arguments)
    for request, said in (("none", "there is no request"), ("asked", "nobody has approved"), ("other", "not for a")):
        asyncio.run(_requests(tmp_path / "data", request))
        with pytest.raises(UsageError, match=said):
            run(*arguments, "--request", request)
    assert not (tmp_path / "a.wav").exists()
    asyncio.run(_requests(tmp_path / "data", "good"))
    assert run(*arguments, "--request", "good")[0] == 0
    with pytest.raises(UsageError, match="has used it already"):
        run(*arguments, "--request", "good")
    records = [
        AuditRecord.from_line(line) for line in (load(config).site.data_directory / AUDIT_LOG).read_text().splitlines()
    ]
    assert [(record.action, record.subject, record.reason) for record in records] == [
        ("export recording", "a", "request good of ada, approved by abe: complaint 7")
    ]
    assert first_broken(records) is None


async def _requests(folder, ref):
    """A store with a question, an approval of another call, or one of this call."""
    store = await Store.open(f"sqlite+aiosqlite:///{folder / 'softswitch.db'}")
    now = datetime.now(UTC)
    if ref != "none":
        calls = ("b",) if ref == "other" else ("a", "b")
        await store.keep_request(Request(ref, What.EXPORT, calls, "complaint 7", "ada", now, 3600.0))
    if ref in ("other", "good"):
        assert await store.approve_request(ref, "abe", now)
        assert not await store.approve_request(ref, "eve", now)
    await store.close()


def test_list_shows_each_recording_and_its_state(site):
    (site / "stray.ssr").write_bytes(b"".join(pieces("stray")[0]))
    (site / "junk.ssr").write_bytes(b"junk")
    status, output = run("list", site)
    assert status == 0
    states = {line.split()[0]: line for line in output.splitlines()[1:]}
    assert "closed" in states["a"]
    assert "2027-01-15 08:00:00" in states["a"]
    assert "not in the ledger" in states["stray"]
    assert "no sealed recording" in states["junk"]
    assert sorted(states) == ["a", "b", "junk", "stray"]
